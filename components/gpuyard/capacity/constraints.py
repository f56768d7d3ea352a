"""What a demand forbids: each rule with its reason, and every broken rule told."""

from dataclasses import dataclass
from datetime import date, datetime, timedelta
from math import ceil

from gpuyard.capacity.demand import Demand, GpuNeed, Purchase
from gpuyard.capacity.interconnect import interconnects_of
from gpuyard.capacity.offering import Offering
from gpuyard.capacity.quota import Limits, QuotaCheck, Verdict
from gpuyard.catalog.geography import lies_in

FLEX_HOURS_MAX = 7 * 24
CALENDAR_HOURS = (24, 90 * 24)
"""Shortest and longest booking of calendar mode."""
COMMITMENT_HOURS = 14 * 24
"""Shortest commitment of a future-dated EC2 reservation; taken for demands without an end."""


class Rule:
    """Constraints by name: the key of the config that they come from, where there is one."""

    REGION = "region"
    ZONE = "zone"
    RESIDENCY = "residency"
    PURCHASE = "purchase"
    NOT_SOLD = "not_sold"
    GPUS_PER_NODE = "gpus_per_node"
    INTERCONNECT = "interconnect"
    PRICE = "usd_per_gpu_hour_max"
    BUDGET = "usd_budget"
    START_BY = "start_by"
    DURATION = "end"
    SIZE = "size"
    QUOTA = "quota"


@dataclass(frozen=True, slots=True)
class Size:
    """Machines that meet a need on one machine type."""

    nodes_min: int
    nodes_max: int


@dataclass(frozen=True, slots=True)
class Broken:
    """One rule that an offering breaks."""

    rule: str
    """A name of `Rule`."""
    text: str
    needed: float | None = None
    """The value of the constraint from which on it would hold: a price, a budget, hours of wait."""


@dataclass(frozen=True)
class Scope:
    """A demand prepared for judging many offerings."""

    demand: Demand
    limits: Limits
    today: date
    hours: float | None
    """Until the end; None: without end."""
    regions: dict[tuple[str, str], int]
    """Allowed places with their order."""
    zones: dict[tuple[str, str], tuple[str, ...]]
    purchases: frozenset[str]
    start_hours: float | None
    """From today to `start_by`."""


def make_scope(demand: Demand, limits: Limits, today: date) -> Scope:
    """What judging needs of the demand, worked out once."""
    return Scope(
        demand=demand,
        limits=limits,
        today=today,
        hours=demand.hours_from(today),
        regions={(place.cloud, place.region): i for i, place in reversed(list(enumerate(demand.regions)))},
        zones={(place.cloud, place.region): place.zones for place in demand.regions if place.zones},
        purchases=frozenset(str(purchase) for purchase in demand.purchases),
        start_hours=None if demand.start_by is None else (demand.start_by - today).days * 24.0 + 24,
    )


def size_of(demand: Demand, need: GpuNeed, gpus_per_node: int) -> Size | None:
    """How many machines hold the replicas; None: one machine has too few GPUs."""
    if gpus_per_node < need.gpus_per_node:
        return None
    if need.nodes_per_replica > 1:
        nodes = need.nodes_per_replica
        return Size(nodes * demand.replicas_min, nodes * demand.replicas_max)
    per_node = gpus_per_node // need.gpus_per_replica
    return Size(ceil(demand.replicas_min / per_node), ceil(demand.replicas_max / per_node))


def wait_hours(offering: Offering, today: date) -> float:
    """From ``today`` to the capacity: to its start day where it has one, else as expected."""
    if not offering.starts:
        return offering.odds.wait_hours
    start = datetime.fromisoformat(offering.starts).replace(tzinfo=None)
    midnight = datetime(today.year, today.month, today.day)  # noqa: DTZ001 (both sides are UTC)
    return max(0.0, (start - midnight) / timedelta(hours=1))


def committed_hours(offering: Offering, hours: float | None) -> float | None:
    """Hours that buying it commits to; None: none."""
    if offering.hours is not None:
        return offering.hours
    if offering.purchase == Purchase.CALENDAR:
        return hours
    if offering.purchase == Purchase.FUTURE_RESERVATION:
        return max(COMMITMENT_HOURS, hours or COMMITMENT_HOURS)
    return None


def too_few_gpus(need: GpuNeed, offering: Offering) -> Broken:
    """Why a machine is too small for its part of a replica."""
    has = f"{offering.machine.gpu_count:g} {need.accelerator}"
    text = f"has {has}, one replica takes {need.gpus_per_node} on a node"
    return Broken(Rule.GPUS_PER_NODE, text)


def broken_rules(
    scope: Scope, need: GpuNeed, offering: Offering, size: Size, checks: tuple[QuotaCheck, ...] | None
) -> list[Broken]:
    """Every rule that the offering breaks with so many machines; their number of GPUs fits already."""
    demand = scope.demand
    broken: list[Broken] = []
    key = (offering.cloud, offering.region)
    if key not in scope.regions:
        text = f"{offering.cloud} {offering.region} is not among the allowed regions"
        broken.append(Broken(Rule.REGION, text))
    elif key in scope.zones and not set(offering.zones) & set(scope.zones[key]):
        broken.append(Broken(Rule.ZONE, f"is not in the allowed zones {', '.join(scope.zones[key])}"))
    if demand.residency and not lies_in(offering.cloud, offering.region, demand.residency):
        places = " or ".join(demand.residency)
        broken.append(Broken(Rule.RESIDENCY, f"{offering.region} does not lie in {places}"))
    if offering.purchase not in scope.purchases and not (
        offering.reservation and Purchase.RESERVATION in demand.purchases
    ):
        broken.append(Broken(Rule.PURCHASE, f"{offering.purchase} is not among the allowed purchases"))
    if offering.not_sold:
        broken.append(Broken(Rule.NOT_SOLD, offering.not_sold))
    if demand.interconnects or need.nodes_per_replica > 1:
        broken += _network(demand, need, offering)
    if demand.usd_per_gpu_hour_max is not None or demand.usd_budget is not None:
        broken += _money(scope, offering, size)
    if scope.start_hours is not None or offering.ends or offering.purchase == Purchase.CALENDAR:
        broken += _time(scope, offering)
    if offering.nodes is not None and offering.nodes < size.nodes_min:
        text = f"holds {offering.nodes} machines, {size.nodes_min} are needed together"
        broken.append(Broken(Rule.SIZE, text, needed=offering.nodes))
    if checks:
        broken += [
            Broken(Rule.QUOTA, check.describe(), needed=check.needed)
            for check in checks
            if check.verdict is Verdict.SHORT
        ]
    return broken


def _network(demand: Demand, need: GpuNeed, offering: Offering) -> list[Broken]:
    has = interconnects_of(offering.machine)
    if demand.interconnects and not has & set(demand.interconnects):
        wanted = " or ".join(demand.interconnects)
        return [Broken(Rule.INTERCONNECT, f"has {offering.machine.fabric or 'no fabric'}, not {wanted}")]
    if need.nodes_per_replica > 1 and not has:
        text = f"has {offering.machine.fabric or 'no fabric'}; a replica over nodes needs EFA or GPUDirect"
        return [Broken(Rule.INTERCONNECT, text)]
    return []


def _money(scope: Scope, offering: Offering, size: Size) -> list[Broken]:
    usd = offering.rate.expected_usd
    demand, broken = scope.demand, []
    if usd is None:
        limits = {Rule.PRICE: demand.usd_per_gpu_hour_max, Rule.BUDGET: demand.usd_budget}
        text = "its price is unknown, so it cannot be shown to keep to"
        return [Broken(rule, f"{text} {rule}") for rule, limit in limits.items() if limit is not None]
    per_gpu = usd / offering.machine.gpu_count
    if demand.usd_per_gpu_hour_max is not None and per_gpu > demand.usd_per_gpu_hour_max:
        text = f"${per_gpu:.2f} per GPU-hour is above the limit of ${demand.usd_per_gpu_hour_max:g}"
        broken.append(Broken(Rule.PRICE, text, needed=per_gpu))
    if demand.usd_budget is not None:
        hours = committed_hours(offering, scope.hours) or scope.hours or 730
        spend = offering.usd_upfront or usd * size.nodes_min * hours
        if spend > demand.usd_budget:
            span = f"{hours:g} h"
            text = f"${spend:,.0f} for {span} is above the budget of ${demand.usd_budget:,.0f}"
            broken.append(Broken(Rule.BUDGET, text, needed=spend))
    return broken


def _time(scope: Scope, offering: Offering) -> list[Broken]:
    broken = []
    wait = wait_hours(offering, scope.today)
    if scope.start_hours is not None and wait > scope.start_hours:
        when = offering.starts[:10] or f"{wait:g} h from {scope.today}"
        text = f"is expected {when}, after {scope.demand.start_by}"
        broken.append(Broken(Rule.START_BY, text, needed=wait))
    if offering.purchase == Purchase.CALENDAR and not offering.starts:
        low, high = CALENDAR_HOURS
        if scope.hours is None:
            broken.append(Broken(Rule.DURATION, "books 1 to 90 days: the demand needs an `end`"))
        elif not low <= scope.hours <= high:
            broken.append(
                Broken(Rule.DURATION, f"books 1 to 90 days, the demand is for {scope.hours / 24:g}")
            )
    is_held = bool(offering.reservation)  # what is paid is used as long as it lasts
    end = scope.demand.end
    if offering.ends and not is_held and (end is None or offering.ends[:10] < end.isoformat()):
        wanted = f"until {end}" if end else "without end"
        broken.append(Broken(Rule.DURATION, f"ends on {offering.ends[:10]}, the service is needed {wanted}"))
    return broken
