"""The ladder: every allowed offering that meets a demand, in the order in which to try them.

Held and idle capacity comes first. The rest is sorted by the demand's `order`: by default the preference
of accelerators, then the expected cost per served hour (`ranking`). Ties fall to what is there sooner and
likelier, the order of regions in the demand, then the offering's id. Each offering left out names every
rule that it breaks. Pure and deterministic: equal demands, catalogs and evidence give equal ladders.
"""

from collections.abc import Callable, Iterator, Sequence
from functools import cache
from operator import itemgetter
from typing import NamedTuple

from gpuyard.capacity.constraints import (
    Broken,
    Rule,
    Scope,
    Size,
    broken_rules,
    committed_hours,
    make_scope,
    size_of,
    too_few_gpus,
    wait_hours,
)
from gpuyard.capacity.demand import PURCHASES_COMMITTED, Demand, GpuNeed, OrderKey, Purchase
from gpuyard.capacity.known import Known
from gpuyard.capacity.offering import Offering, Rate
from gpuyard.capacity.quota import NO_LIMITS, QuotaCheck, Verdict, check_quota
from gpuyard.capacity.ranking import UNPRICED, expected_cost, move, usd_per_hour_unserved
from gpuyard.capacity.rung import Cost, Exclusion, Ladder, Rung
from gpuyard.catalog.hardware import MachineType, machine_types
from gpuyard.catalog.places import regions_selling
from gpuyard.catalog.quotas import buckets

__all__ = ["Cost", "Exclusion", "Ladder", "Rate", "Rung", "rank_offerings"]

NOTHING = Known()


def rank_offerings(demand: Demand, known: Known = NOTHING, in_use: Sequence[tuple[str, str]] = ()) -> Ladder:
    """Every rung of ``demand``, best first; ``in_use`` are clouds and regions that have a cluster already."""
    scope = make_scope(demand, known.all_limits(), known.today)
    allowed: list[_Allowed] = []
    excluded: list[Exclusion] = []
    for choice, need in enumerate(demand.needs, start=1):
        excluded += _not_there(demand, need)
        small: dict[str, Exclusion] = {}
        is_held = False
        for lot, judgement in judge_lots(scope, need, known):
            first = lot[0]
            if (first.cloud, first.region) not in scope.regions:
                continue
            if judgement is TOO_SMALL:
                what = f"{first.cloud} {first.machine.id}"
                if what not in small:
                    small[what] = _too_small(what, need, first)
            elif judgement.broken:
                excluded += [exclude(offering, judgement) for offering in lot]
            else:
                allowed.append((choice, need, lot, judgement))
                is_held = is_held or bool(first.reservation)
        excluded += small.values()
        if Purchase.RESERVATION in demand.purchases and not is_held:
            excluded.append(_nothing_held(need))
    rungs = _in_order(scope, allowed, in_use)
    return Ladder(demand=demand, rungs=rungs, excluded=tuple(excluded), as_of=known.today.isoformat())


class Judgement(NamedTuple):
    """One offering against one demand."""

    size: Size
    """Machines that it takes; none: one has too few GPUs, and nothing else was worked out."""
    broken: Sequence[Broken] = ()
    checks: tuple[QuotaCheck, ...] | None = None
    cost: Cost = UNPRICED
    """Without moving; nothing where a rule is broken."""


def judge(scope: Scope, need: GpuNeed, known: Known) -> Iterator[tuple[Offering, Judgement]]:
    """Every offering with the accelerator, anywhere, with its judgement."""
    for lot, judgement in judge_lots(scope, need, known):
        for offering in lot:
            yield offering, judgement


def judge_lots(scope: Scope, need: GpuNeed, known: Known) -> Iterator[tuple[tuple[Offering, ...], Judgement]]:
    """The same; zones that are alike come together with one judgement."""
    demand = scope.demand
    unserved = usd_per_hour_unserved(demand)
    sizes: dict[str, Size | None] = {}
    arithmetic: dict[tuple[object, ...], tuple[QuotaCheck, ...] | None] = {}
    by_zone = demand.one_zone or demand.is_gang
    for lot in known.lots(need.accelerator, by_zone=by_zone):
        first = lot[0]
        machine = first.machine
        if machine.id not in sizes:
            sizes[machine.id] = size_of(demand, need, int(machine.gpu_count))
        size = sizes[machine.id]
        if size is None:
            yield lot, TOO_SMALL
            continue
        key = (machine.id, first.region, id(first.buckets))
        if key not in arithmetic:
            arithmetic[key] = _check(first, size, scope)
        checks = arithmetic[key]
        for part in ((offering,) for offering in lot) if scope.zones else (lot,):
            yield part, _judgement(scope, need, part[0], size, checks, unserved)


def _judgement(
    scope: Scope,
    need: GpuNeed,
    offering: Offering,
    size: Size,
    checks: tuple[QuotaCheck, ...] | None,
    unserved: float,
) -> Judgement:
    broken = broken_rules(scope, need, offering, size, checks)
    if broken:
        return Judgement(size, broken, checks)
    return Judgement(
        size, broken, checks, expected_cost(scope, offering, size, need.nodes_per_replica, unserved)
    )


TOO_SMALL = Judgement(Size(0, 0))


def _check(offering: Offering, size: Size, scope: Scope) -> tuple[QuotaCheck, ...] | None:
    if offering.buckets is None:
        return None
    if not scope.limits.by_bucket and not offering.reservation:
        machine = offering.machine
        return _unread(machine.id, offering.purchase, offering.region, size.nodes_min, size.nodes_max)
    return check_quota(
        offering.buckets, offering.machine, offering.region, size.nodes_min, size.nodes_max, scope.limits
    )


@cache
def _unread(
    machine_type: str, purchase: str, region: str, nodes: int, peak: int
) -> tuple[QuotaCheck, ...] | None:
    """The arithmetic while no limit has been read: the same for every demand of that size."""
    machine = machine_types()[machine_type]
    found = buckets(machine, purchase)
    return None if found is None else check_quota(found, machine, region, nodes, peak, NO_LIMITS)


def exclude(offering: Offering, judgement: Judgement) -> Exclusion:
    """The offering with every rule that it breaks."""
    broken = judgement.broken
    return Exclusion(
        what=f"{offering.place} {offering.machine.id} {offering.purchase}",
        reason="; ".join([item.text for item in broken]),
        rules=tuple(dict.fromkeys([item.rule for item in broken])),
        offering=offering.id,
        cloud=offering.cloud,
        region=offering.region,
        zones=offering.zones,
        machine_type=offering.machine.id,
        purchase=offering.purchase,
        quota_checks=tuple([check for check in judgement.checks or () if check.verdict is Verdict.SHORT]),
    )


def _too_small(what: str, need: GpuNeed, offering: Offering) -> Exclusion:
    broken = too_few_gpus(need, offering)
    return Exclusion(
        what=what,
        reason=broken.text,
        rules=(broken.rule,),
        cloud=offering.cloud,
        machine_type=offering.machine.id,
    )


def _nothing_held(need: GpuNeed) -> Exclusion:
    return Exclusion(
        what=f"{need.accelerator} reservation",
        reason="none with room is known to be held: name it in `capacity.reservations`, or look with --live",
        rules=(Rule.NOT_SOLD,),
        purchase=str(Purchase.RESERVATION),
    )


def _not_there(demand: Demand, need: GpuNeed) -> Iterator[Exclusion]:
    """Machine types with the accelerator that an allowed region does not sell; and no type at all."""
    machines = [machine for machine in machine_types().values() if machine.gpu == need.accelerator]
    clouds = {place.cloud for place in demand.regions}
    if not any(machine.cloud in clouds for machine in machines):
        yield Exclusion(
            what=need.accelerator,
            reason=f"no machine type of {' or '.join(sorted(clouds))} has it",
            rules=(Rule.NOT_SOLD,),
        )
    for machine in machines:
        selling = regions_selling(machine.cloud, machine.id)
        for place in demand.regions:
            if place.cloud == machine.cloud and place.region not in selling:
                yield _not_in_region(machine, place.region)


@cache
def _not_in_region(machine: MachineType, region: str) -> Exclusion:
    return Exclusion(
        what=f"{machine.cloud} {region} {machine.id}",
        reason="is not sold in this region",
        rules=(Rule.NOT_SOLD,),
        cloud=machine.cloud,
        region=region,
        machine_type=machine.id,
    )


_Allowed = tuple[int, GpuNeed, tuple[Offering, ...], Judgement]
"""Choice, need, offerings that differ in their zone alone, and their judgement."""


def _in_order(
    scope: Scope, allowed: Sequence[_Allowed], in_use: Sequence[tuple[str, str]]
) -> tuple[Rung, ...]:
    """The rungs, sorted; those outside the regions in use carry the cost of moving there.

    With nothing in use yet, the best rung's region counts as in use for the others: they are where the
    service would move from there.
    """
    if not allowed:
        return ()
    key = _key(scope)
    firsts = [((*key(choice, lot[0], found.cost), lot[0].id), lot[0]) for choice, _, lot, found in allowed]
    best = min(firsts, key=itemgetter(0))[1]
    used = set(in_use) or {(best.cloud, best.region)}
    choices = len(scope.demand.needs)
    keyed = []
    for choice, need, lot, judgement in allowed:
        size, cost, first = judgement.size, judgement.cost, lot[0]
        if (first.cloud, first.region) not in used and not first.reservation:
            cost = move(scope, cost)
        is_commitment = not first.reservation and first.purchase in _COMMITTED
        committed = _committed(scope, first, size) if is_commitment else None
        nodes_max = size.nodes_max if first.nodes is None else min(size.nodes_max, first.nodes)
        rank = key(choice, first, cost)
        for offering in lot:
            rung = Rung(
                offering=offering,
                need=need,
                choice=choice,
                choices=choices,
                nodes_min=size.nodes_min,
                nodes_max=nodes_max,
                zones=_allowed_zones(scope, offering) if scope.zones else offering.zones,
                cost=cost,
                quota_checks=judgement.checks,
                usd_committed=committed,
            )
            keyed.append(((*rank, offering.id), rung))
    keyed.sort(key=itemgetter(0))
    return tuple([rung for _, rung in keyed])


_COMMITTED = frozenset(str(purchase) for purchase in PURCHASES_COMMITTED)


def _allowed_zones(scope: Scope, offering: Offering) -> tuple[str, ...]:
    allowed = scope.zones.get((offering.cloud, offering.region), offering.zones)
    return tuple(zone for zone in offering.zones if zone in allowed)


def _committed(scope: Scope, offering: Offering, size: Size) -> float | None:
    """What buying it costs whether used or not, at most; None: its price is unknown."""
    if offering.usd_upfront is not None:
        return offering.usd_upfront
    usd, hours = offering.rate.expected_usd, committed_hours(offering, scope.hours)
    return None if usd is None or hours is None else round(usd * size.nodes_min * hours, 2)


def _key(scope: Scope) -> Callable[[int, Offering, Cost], tuple[object, ...]]:
    """What offerings are sorted by, before their id decides."""
    demand, regions = scope.demand, scope.regions
    purchases = {str(purchase): index for index, purchase in reversed(list(enumerate(demand.purchases)))}
    order = tuple(str(name) for name in demand.order)

    def key(choice: int, offering: Offering, cost: Cost) -> tuple[object, ...]:
        odds, place = offering.odds, regions[offering.cloud, offering.region]
        # where time costs nothing, sooner and likelier still comes first at the same price
        sooner = (wait_hours(offering, scope.today), -odds.probability, odds.learn_hours)
        rank = (*cost.rank, *sooner, odds.reclaims_per_hour)
        if order == _DEFAULT_ORDER:
            return (not offering.reservation, choice, *rank, place)
        values = {
            OrderKey.ACCELERATOR: (choice,),
            OrderKey.PURCHASE: (purchases.get(offering.purchase, -1),),
            OrderKey.COST: rank,
        }
        keys = [value for name in order for value in values[OrderKey(name)]]
        return (not offering.reservation, *keys, place)

    return key


_DEFAULT_ORDER = (str(OrderKey.ACCELERATOR), str(OrderKey.COST))
