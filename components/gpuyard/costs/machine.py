"""Machine hours: one price per machine type, region and way of buying."""

from collections.abc import Iterator
from dataclasses import replace
from decimal import Decimal
from typing import Any

from gpuyard.catalog.dws_prices import dws_price
from gpuyard.catalog.hardware import machine_types
from gpuyard.catalog.price import Price, SpotPrice
from gpuyard.catalog.prices import interruption_band, on_demand, reserved, spot
from gpuyard.catalog.service_prices import aws_sku, service_price
from gpuyard.costs.line_item import CPU_NODES, GPU_NODES, Charge, LineItem, Loads, charge, decimal
from gpuyard.costs.scene import Scene
from gpuyard.costs.sustained_use import after_sustained_use
from gpuyard.resources import Resource


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
    hours = nodes * scene.hours_of(resource)
    listed = on_demand(cloud, machine_type, region) if region else None
    listed = listed or service_price(cloud, "machine", machine_type, region)
    if listed is not None and cloud == "aws":
        listed = replace(listed, sku=aws_sku("ec2", machine_type, region))
    if purchase == "spot":
        yield from _spot(resource, cloud, machine_type, region, hours, group, listed)
        return
    if purchase in DWS_MODES:
        yield charge_dws(resource, machine_type, region, hours, purchase, listed, group)
        return
    if purchase == "capacity_block":
        name = f"{machine_type} {purchase}"
        yield charge(resource, name, None, hours, unit="hour", group=group, region=region, missing=_OFFERED)
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
    family = machine_type.partition("-")[0]
    yield after_sustained_use(priced, family, resource, scene) if cloud == "gcp" else priced


_OFFERED = "paid once and up front; the price is that of the offering, seen when it is bought"
DWS_MODES = {"flex_start": "flex-start", "queued": "flex-start", "calendar": "calendar mode"}
"""Ways of buying from Google's Dynamic Workload Scheduler, and what Google calls them."""


def charge_dws(
    resource: Resource,
    machine_type: str,
    region: str,
    hours: Loads,
    purchase: str,
    listed: Price | None,
    group: str = GPU_NODES,
    **more: Any,
) -> Charge:
    """Machine hours of flex-start or calendar mode."""
    words = DWS_MODES[purchase]
    price = dws_price("calendar" if purchase == "calendar" else "flex_start", machine_type, region, listed)
    return charge(
        resource,
        f"{machine_type} {purchase}",
        price,
        hours,
        unit="hour",
        group=group,
        region=region,
        missing=f"no {words} price of it is published",
        pricing_category="Other",
        **more,
    )


def reserved_price(cloud: str, machine_type: str, region: str, term: str) -> Price | None:
    """USD per machine-hour under a commitment: ``standard_1y_no_upfront`` at AWS, ``1y`` at Google."""
    price = reserved(cloud, machine_type, region).get(term.removeprefix("standard_"))
    if price is None and cloud == "aws":
        price = service_price("aws", "ec2_reserved", f"{machine_type} {term}", region)
    return price


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
) -> Iterator[Charge]:
    found = spot(cloud, machine_type, region) if region else None
    component = f"{machine_type} spot"
    flat = service_price(cloud, "machine", component, region) if found is None else None
    if flat is not None:
        found = SpotPrice.listed(flat, "one listed price")
    if found is None:
        missing = "no usable spot quote in this region"
        yield charge(
            resource, component, None, hours, unit="hour", group=group, region=region, missing=missing
        )
        return
    low, middle, high = _capped(found, listed)
    item = LineItem(
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
        note=f"P50 of {found.basis}{'; Google publishes no interruption rate' if cloud == 'gcp' else ''}",
    )
    yield item
    if group == GPU_NODES:
        yield from _interruptions(item, cloud, machine_type)


_RESTART_HOURS = Decimal("0.109")
"""Machine time that an interruption costs: 6 min 33 s from a pending pod to a serving one on a cold node
(measured once, 8B model on L40S; `lead_times.yaml`). Larger models take longer."""
_BANDS = {"<5%": "0.025", "5-10%": "0.075", "10-15%": "0.125", "15-20%": "0.175", ">20%": "0.25"}
"""Share of machines taken back in 30 days: the middle of AWS's band, 25 % for the open one."""


def _interruptions(item: LineItem, cloud: str, machine_type: str) -> Iterator[Charge]:
    """What starting again after interruptions costs; nothing at Google, which publishes no rate."""
    band = interruption_band(machine_type, item.region) if cloud == "aws" else None
    if band not in _BANDS or item.quantity is None:
        return
    share = Decimal(_BANDS[band]) * _RESTART_HOURS / 720
    yield replace(
        item,
        component=f"{machine_type} restarts after interruptions",
        quantity=item.quantity * share,
        unit="machine-hour",
        source="AWS Spot Advisor by ec2instances.info (MIT); restart time measured once",
        as_of="2025-04-24",
        note=f"{band} of machines interrupted in 30 days, each restart {_RESTART_HOURS} machine-hours",
    )


def _capped(found: SpotPrice, listed: Price | None) -> tuple[Decimal, Decimal, Decimal]:
    """P10, P50, P90; none above on demand, for then one buys on demand."""
    values = decimal(found.p10), decimal(found.p50), decimal(found.p90)
    if listed is None:
        return values
    cap = decimal(listed.usd)
    return min(values[0], cap), min(values[1], cap), min(values[2], cap)
