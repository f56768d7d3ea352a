"""Google's sustained-use discount: each further quarter of the month costs less.

Source: Compute Engine documentation, "Sustained use discounts" (read 2026-11-26). N1, M1, M2, shared-core
N1 and GPUs attached to N1 reach 30 %, N2, N2D and C2 20 %; accelerator-optimised families (A2, A3, A4, G2,
G4) have none, whatever other tools print.
"""

from collections.abc import Sequence
from dataclasses import replace
from decimal import Decimal

from gpuyard.costs.line_item import Charge, LineItem
from gpuyard.costs.scene import Scene
from gpuyard.resources import Resource

_STEEP = tuple(map(Decimal, ("1", "0.8", "0.6", "0.4")))
_GENTLE = tuple(map(Decimal, ("1", "0.8678", "0.733", "0.6")))
GPU = "gpu"
"""The family name of GPUs that are attached to N1 machines."""
_QUARTERS: dict[str, Sequence[Decimal]] = {
    **dict.fromkeys(("n1", "custom", "m1", "m2", "f1", "g1", GPU), _STEEP),
    **dict.fromkeys(("n2", "n2d", "c2"), _GENTLE),
}
"""Share of the list price in each quarter of the month, by family."""


def sustained_use_share(family: str, month_share: Decimal) -> Decimal:
    """What is left of the list price after the discount, for a machine that runs ``month_share`` of a month.

    0.7 for a whole month of N1; 0.8 for N2 (the published quarters give 0.8002); 1 for families without.
    """
    quarters = _QUARTERS.get(family)
    if quarters is None or month_share <= 0:
        return Decimal(1)
    if month_share >= 1:
        return Decimal("0.7") if quarters is _STEEP else Decimal("0.8")
    quarter, paid = Decimal("0.25"), Decimal(0)
    for number, share in enumerate(quarters):
        paid += share * min(max(month_share - number * quarter, Decimal(0)), quarter)
    return paid / month_share


def after_sustained_use(priced: Charge, family: str, resource: Resource, scene: Scene) -> Charge:
    """The charge with the discount for the hours that the resource runs."""
    if not isinstance(priced, LineItem):
        return priced
    share = sustained_use_share(family, scene.hours_of(resource) / scene.hours)
    if share == 1:
        return priced
    note = f"sustained-use discount of {1 - share:.1%}"
    return replace(
        priced,
        unit_price=priced.unit_price * share,
        discounts=("sustained use",),
        note=f"{priced.note}; {note}" if priced.note else note,
    )
