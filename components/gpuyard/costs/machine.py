"""Machine hours: one price per machine type, region and way of buying."""

from collections.abc import Iterator
from dataclasses import replace
from decimal import Decimal

from gpuyard.catalog.hardware import machine_types
from gpuyard.catalog.price import Price, SpotPrice
from gpuyard.catalog.prices import on_demand, spot
from gpuyard.costs.line_item import (
    CPU_NODES,
    GPU_NODES,
    Charge,
    LineItem,
    Loads,
    charge,
    decimal,
    unpriced,
)
from gpuyard.costs.scene import Scene
from gpuyard.resources import Resource

SUSTAINED_USE = {"n1": Decimal("0.30"), "n2": Decimal("0.20"), "n2d": Decimal("0.20"), "c2": Decimal("0.20")}
"""What a whole month takes off the list price, by Google family (Compute Engine documentation, 2026). GPU
families (A2, A3, A4, G2, G4) have none, whatever other tools print."""


def charge_machines(
    resource: Resource,
    scene: Scene,
    cloud: str,
    machine_type: str,
    nodes: Loads,
    purchase: str = "on_demand",
    *,
    has_gpus: bool = False,
) -> Iterator[Charge]:
    """The hours of ``nodes`` machines. ``has_gpus``: GPUs are attached that the type does not carry."""
    region = scene.region(resource)
    group = GPU_NODES if has_gpus or machine_type in machine_types(cloud) else CPU_NODES
    hours = nodes * scene.hours
    listed = on_demand(cloud, machine_type, region) if region else None
    if purchase == "spot":
        yield _spot(resource, cloud, machine_type, region, hours, group, listed)
        return
    if purchase in UNPUBLISHED:
        yield unpriced(resource, f"{machine_type} {purchase}", UNPUBLISHED[purchase], region)
        return
    priced = charge(
        resource,
        machine_type,
        listed,
        hours,
        unit="hour",
        group=group,
        region=region,
        missing=_missing(region),
    )
    yield _sustained(priced, machine_type) if cloud == "gcp" else priced


UNPUBLISHED = {
    "capacity_block": "paid once and up front; the price is that of the offering, seen when it is bought",
    "flex_start": "flex-start prices are not published per region (up to 53 % below list)",
    "queued": "flex-start prices are not published per region (up to 53 % below list)",
    "calendar": "calendar-mode prices are quoted when the future reservation is approved",
}
"""Ways of buying whose price nobody publishes, and what is known of it."""


def _missing(region: str) -> str:
    return "no published price of it in this region" if region else "its region is not known"


def _spot(
    resource: Resource,
    cloud: str,
    machine_type: str,
    region: str,
    hours: Loads,
    group: str,
    listed: Price | None,
) -> Charge:
    found = spot(cloud, machine_type, region) if region else None
    component = f"{machine_type} spot"
    if found is None:
        return unpriced(resource, component, "no usable spot quote in this region", region)
    low, middle, high = _capped(found, listed)
    return LineItem(
        resource=resource.name,
        urn=resource.urn,
        type=resource.type,
        component=component,
        group=group,
        region=region,
        quantity=hours,
        unit="hour",
        list_unit_price=None if listed is None else decimal(listed.usd),
        unit_price=middle,
        unit_price_low=low,
        unit_price_high=high,
        pricing_category="Dynamic",
        source=found.source,
        as_of=found.as_of,
        note=f"P50 of {found.basis}",
    )


def _capped(found: SpotPrice, listed: Price | None) -> tuple[Decimal, Decimal, Decimal]:
    """P10, P50, P90; none above on demand, for then one buys on demand."""
    values = decimal(found.p10), decimal(found.p50), decimal(found.p90)
    if listed is None:
        return values
    cap = decimal(listed.usd)
    return min(values[0], cap), min(values[1], cap), min(values[2], cap)


def _sustained(priced: Charge, machine_type: str) -> Charge:
    share = SUSTAINED_USE.get(machine_type.partition("-")[0])
    if share is None or not isinstance(priced, LineItem):
        return priced
    note = f"sustained-use discount of {share:.0%} for a whole month"
    return replace(
        priced,
        unit_price=priced.unit_price * (1 - share),
        note=f"{priced.note}; {note}" if priced.note else note,
    )
