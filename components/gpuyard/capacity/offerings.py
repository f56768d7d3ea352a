"""Every offering that the catalog knows of one accelerator: types, places and ways of buying.

What a cloud does not sell in some way stays in the list with the reason: a demand that asks for it is
told why not. Built once per accelerator; ranking only does arithmetic on it.
"""

from collections.abc import Iterable, Iterator
from functools import cache

from gpuyard.capacity.demand import Purchase
from gpuyard.capacity.offering import Offering, Rate, terms_as_odds
from gpuyard.catalog.capacity_terms import capacity_terms, published_reclaims
from gpuyard.catalog.hardware import MachineType, machine_types
from gpuyard.catalog.places import is_place_known, regions_selling, zones_selling
from gpuyard.catalog.prices import on_demand, spot
from gpuyard.catalog.purchases import purchase_limit
from gpuyard.catalog.quotas import buckets

FLEX_DISCOUNT_MAX = 0.53
"""Flex-start costs up to 53 % less than on-demand (cloud.google.com GKE concepts/dws, 2026)."""
BLOCK_SERIES = ("p4d", "p4de", "p5", "p5e", "p5en", "p6-b200", "p6-b300", "p6e-gb200")
"""EC2 series that are sold as capacity blocks (EC2 user guide, 2026)."""
CALENDAR_SERIES = ("a3-highgpu-8g", "a3-mega", "a3-ultra", "a4-", "a4x-")
"""Starts of Google types that calendar mode books (general knowledge; the API says for certain)."""
NO_ZONE_KNOWN = "no zone there is known to sell it, though the region lists it: look with --live"
MARKETS = (
    Purchase.ON_DEMAND,
    Purchase.SPOT,
    Purchase.FLEX_START,
    Purchase.QUEUED,
    Purchase.CAPACITY_BLOCK,
    Purchase.CALENDAR,
    Purchase.FUTURE_RESERVATION,
)
"""Ways of buying that need nothing held beforehand."""


@cache
def catalog_offerings(gpu: str, *, by_zone: bool) -> tuple[Offering, ...]:
    """Offerings with the accelerator ``gpu``; one per zone, or one per region over its zones."""
    return tuple(
        offering
        for machine in machine_types().values()
        if machine.gpu == gpu
        for region in regions_selling(machine.cloud, machine.id)
        for zones in _zones(machine, region, by_zone=by_zone)
        for purchase in MARKETS
        if (offering := make_offering(machine, region, zones, str(purchase), by_zone=by_zone)) is not None
    )


@cache
def catalog_lots(gpu: str, *, by_zone: bool) -> tuple[tuple[Offering, ...], ...]:
    """The same offerings, those together that differ in their zone alone."""
    return lots(catalog_offerings(gpu, by_zone=by_zone))


def lots(offerings: Iterable[Offering]) -> tuple[tuple[Offering, ...], ...]:
    """Offerings grouped so that those of one group differ in their zone alone: one judgement fits all."""
    groups: dict[tuple[object, ...], list[Offering]] = {}
    for item in offerings:
        key: tuple[object, ...] = (item.machine.id, item.region, item.purchase, id(item.rate), id(item.odds))
        key += (item.not_sold, item.id if item.nodes is not None else "")
        groups.setdefault(key, []).append(item)
    return tuple(tuple(group) for group in groups.values())


def make_offering(
    machine: MachineType, region: str, zones: tuple[str, ...], purchase: str, *, by_zone: bool
) -> Offering | None:
    """The offering in its one zone, or over ``zones``; None: this cloud has no such way of buying."""
    terms = capacity_terms(machine.cloud, purchase, machine.gpu or "")
    if terms is None:
        return None
    is_aws_spot = machine.cloud == "aws" and purchase == Purchase.SPOT
    rate = _rate(machine, region, zones, purchase)
    return Offering(
        id="/".join((machine.cloud, region, zones[0] if by_zone and zones else "*", machine.id, purchase)),
        cloud=machine.cloud,
        region=region,
        zones=zones,
        machine=machine,
        purchase=purchase,
        rate=rate,
        odds=terms_as_odds(
            terms,
            published_reclaims(machine.id, region) if is_aws_spot else None,
            is_proven=bool(zones),
        ),
        buckets=buckets(machine, purchase),
        not_sold=_not_sold(machine, purchase) or _no_zone(machine, region, zones),
    )


def _no_zone(machine: MachineType, region: str, zones: tuple[str, ...]) -> str:
    """A listing or a price of a region alone is weak evidence, and no pool can be placed without a zone."""
    return "" if zones or is_place_known(machine.cloud, machine.id, region) else NO_ZONE_KNOWN


def _zones(machine: MachineType, region: str, *, by_zone: bool) -> Iterator[tuple[str, ...]]:
    zones = zones_selling(machine.cloud, machine.id, region)
    if not by_zone or not zones:
        yield zones
        return
    for zone in zones:
        yield (zone,)


@cache
def _not_sold(machine: MachineType, purchase: str) -> str:
    limit = purchase_limit(machine.cloud, machine.id, purchase)
    if limit is not None:
        return f"{limit.reason} ({limit.source}, {limit.as_of})"
    if machine.gpu_count < 1:
        return "has a slice of a GPU, which Kubernetes sees as none"
    if purchase == Purchase.CAPACITY_BLOCK:
        if machine.family not in BLOCK_SERIES:
            return "is not sold as capacity blocks (EC2 user guide, 2026)"
        return "no block is known to be on offer: blocks are found with `gpuyard capacity --live` only"
    if purchase == Purchase.CALENDAR and not machine.id.startswith(CALENDAR_SERIES):
        return "cannot be booked in calendar mode"
    return ""


def _rate(machine: MachineType, region: str, zones: tuple[str, ...], purchase: str) -> Rate:
    if purchase == Purchase.SPOT:
        return _spot_rate(machine, region, zones)
    if purchase == Purchase.CAPACITY_BLOCK:
        return Rate(usd=None, note="each offer has its own price")
    listed = _listed_rate(machine, region)
    if purchase in (Purchase.ON_DEMAND, Purchase.FUTURE_RESERVATION) or listed.usd is None:
        return listed
    return _bounds(listed, purchase)


@cache
def _bounds(listed: Rate, purchase: str) -> Rate:
    """Between what is published: never above on-demand, flex-start at most 53 % below it."""
    is_calendar = purchase == Purchase.CALENDAR
    return Rate(
        usd=None,
        usd_low=None if is_calendar or listed.usd is None else listed.usd * (1 - FLEX_DISCOUNT_MAX),
        usd_high=listed.usd,
        source=listed.source,
        as_of=listed.as_of,
        note="calendar prices are not published per region: at most the on-demand price"
        if is_calendar
        else "flex-start prices are not published per region: up to 53 % below on-demand",
    )


@cache
def _listed_rate(machine: MachineType, region: str) -> Rate:
    price = on_demand(machine.cloud, machine.id, region)
    if price is None:
        return Rate(usd=None, note="no published price")
    return Rate(usd=price.usd, source=price.source, as_of=price.as_of, note=price.note)


@cache
def _spot_rate(machine: MachineType, region: str, zones: tuple[str, ...]) -> Rate:
    """The zone's own quote with the region's spread around it, else the region's."""
    price = spot(machine.cloud, machine.id, region)
    if price is None:
        return Rate(usd=None, note="no usable spot quote")
    own = spot(machine.cloud, machine.id, region, zones[0]) if len(zones) == 1 else None
    middle = own or price
    return Rate(
        usd=middle.p50,
        usd_low=min(price.p10, middle.p50),
        usd_high=max(price.p90, middle.p50),
        source=middle.source,
        as_of=middle.as_of,
        note=f"the zone's quote; spread of {price.basis}" if own else price.basis,
    )
