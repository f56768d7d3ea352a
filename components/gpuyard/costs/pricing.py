"""Resources in, cost report out: the one way in."""

from collections.abc import Mapping, Sequence
from datetime import date
from decimal import Decimal

from gpuyard.costs.cost_report import CostReport
from gpuyard.costs.data_transfer import price_free_usage
from gpuyard.costs.families import PRICED, is_free
from gpuyard.costs.gcp_commitments import cover_by_commitments
from gpuyard.costs.line_item import Charge, LineItem, Unpriced, unpriced
from gpuyard.costs.open_inputs import adding, deciding
from gpuyard.costs.rates import Rates
from gpuyard.costs.scene import Scene
from gpuyard.costs.usage import Usage
from gpuyard.resources import Resource
from gpuyard.units import HOURS_PER_MONTH

REFERENCE_DATE = date(2026, 11, 23)
"""The day of the price tables; support periods are judged on it unless told otherwise. Never today."""


def price_resources(
    resources: Sequence[Resource],
    *,
    usage: Usage | None = None,
    hours_per_month: int = HOURS_PER_MONTH,
    reference_date: date = REFERENCE_DATE,
    default_regions: Mapping[str, str] | None = None,
    rates: Rates | None = None,
) -> CostReport:
    """What the resources cost, at three loads.

    Every resource is priced, free by a list, or unknown with a reason; none is dropped. Components cost
    nothing, their children do. ``default_regions``: by cloud, for resources that name none. ``rates``: the
    user's own prices, discounts and commitments, applied to the lines last.
    """
    scene = Scene(
        resources=resources,
        usage=usage or Usage(),
        hours=Decimal(hours_per_month),
        reference_date=reference_date,
        default_regions=default_regions or {},
    )
    items: list[LineItem] = []
    unknown: list[Unpriced] = []
    free = 0
    for resource in resources:
        charges = _price(resource, scene)
        free += not charges
        items += [found for found in charges if isinstance(found, LineItem)]
        unknown += [found for found in charges if isinstance(found, Unpriced)]
    items = cover_by_commitments(items, scene)
    priced = len({item.urn for item in items})
    for found in price_free_usage(scene):
        (items if isinstance(found, LineItem) else unknown).append(found)  # pyright: ignore[reportArgumentType]
    if rates is not None:
        items, unknown = rates.apply(items, unknown, scene.hours)
    return CostReport(
        hours_per_month=hours_per_month,
        reference_date=reference_date.isoformat(),
        items=tuple(sorted(items, key=lambda item: (item.urn, item.component, item.unit))),
        unknown=tuple(sorted(unknown, key=lambda found: (found.urn, found.component))),
        free=free,
        priced=priced,
    )


def _price(resource: Resource, scene: Scene) -> list[Charge]:
    """The charges of one resource; none: it is free."""
    pricer = PRICED.get(resource.type)
    if not resource.custom and pricer is None:
        return []
    if pricer is not None:
        blocked = list(deciding(resource, scene))
        return [*blocked] or [*pricer(resource, scene), *adding(resource, scene)]
    if is_free(resource.type):
        return []
    reason = "this resource type has no price model"
    return [unpriced(resource, resource.type, reason, scene.region(resource))]
