"""Why nothing meets a demand, and the smallest change to it that would help."""

from collections import Counter
from collections.abc import Sequence
from datetime import timedelta
from math import ceil, inf

from gpuyard.capacity.constraints import Broken, Rule, Scope, make_scope
from gpuyard.capacity.demand import Demand, Purchase
from gpuyard.capacity.interconnect import interconnects_of
from gpuyard.capacity.known import Known
from gpuyard.capacity.ladder import NOTHING, TOO_SMALL, judge
from gpuyard.capacity.offering import Offering
from gpuyard.capacity.quota import QuotaCheck, quota_asks
from gpuyard.records import record

NOT_IN_OUR_POWER = frozenset({Rule.NOT_SOLD, Rule.GPUS_PER_NODE})
"""Rules that no change of the demand's limits lifts."""

NO_CHANGE = "no change of these limits helps: allow another accelerator, or spread a replica over nodes"


@record
class Relaxation:
    """One change that makes an offering possible."""

    rules: tuple[str, ...]
    """Constraints to relax, all of them."""
    change: str
    """What to do, as an instruction."""
    offering: str
    """The best offering that it opens, in words."""
    usd_per_hour: float | None
    """What its machines are expected to cost; None: unknown."""


@record
class Verdict:
    """Why nothing meets a demand."""

    killers: tuple[tuple[str, int], ...]
    """Constraints with the number of offerings that each one rules out, the hardest first."""
    relaxations: tuple[Relaxation, ...]
    """Changes that would help, those with the fewest constraints first, then the cheapest."""

    def describe(self) -> str:
        """One line: what kills it, and what would help most."""
        counts = ", ".join(f"{rule} rules out {count}" for rule, count in self.killers[:4])
        if not self.relaxations:
            return f"{counts}; {NO_CHANGE}"
        return f"{counts}; the smallest change that helps: {self.relaxations[0].change}"


def explain_nothing(demand: Demand, known: Known = NOTHING, limit: int = 5) -> Verdict:
    """What rules everything out, and up to ``limit`` changes that would open an offering, smallest first."""
    scope = make_scope(demand, known.all_limits(), known.today)
    counts: Counter[str] = Counter()
    everywhere = 0
    found: dict[tuple[tuple[str, ...], str], tuple[tuple[int, float], Relaxation]] = {}
    for need in demand.needs:
        for offering, judgement in judge(scope, need, known):
            everywhere += 1
            in_places = (offering.cloud, offering.region) in scope.regions
            rules = (
                (Rule.GPUS_PER_NODE,) if judgement is TOO_SMALL else tuple(i.rule for i in judgement.broken)
            )
            if in_places:
                counts.update(set(rules))
            if judgement is TOO_SMALL or NOT_IN_OUR_POWER & set(rules) or not rules:
                continue
            if need.nodes_per_replica > 1 and not interconnects_of(offering.machine):
                continue  # a replica over nodes needs a fabric, asked for or not
            usd = offering.rate.expected_usd
            cost = None if usd is None else usd * judgement.size.nodes_min
            change = _change(scope, offering, judgement.broken, judgement.checks)
            relaxation = Relaxation(
                rules=tuple(dict.fromkeys(rules)),
                change=change,
                offering=f"{offering.place} {offering.machine.id} {offering.purchase}",
                usd_per_hour=cost,
            )
            rank = (len(relaxation.rules), inf if cost is None else cost)
            key = (relaxation.rules, change)
            if key not in found or rank < found[key][0]:
                found[key] = (rank, relaxation)
    if not counts:
        counts[Rule.REGION] = everywhere
    best = sorted(found.values(), key=lambda pair: (pair[0], pair[1].change))
    return Verdict(
        killers=tuple(counts.most_common()),
        relaxations=tuple(relaxation for _, relaxation in _one_per_rule(best)[:limit]),
    )


def _one_per_rule(
    ranked: list[tuple[tuple[int, float], Relaxation]],
) -> list[tuple[tuple[int, float], Relaxation]]:
    """The best change of each set of constraints: ten regions to allow are one idea, not ten."""
    first: dict[tuple[str, ...], tuple[tuple[int, float], Relaxation]] = {}
    for rank, relaxation in ranked:
        first.setdefault(tuple(sorted(relaxation.rules)), (rank, relaxation))
    return list(first.values())


def _change(
    scope: Scope,
    offering: Offering,
    broken: Sequence[Broken],
    checks: tuple[QuotaCheck, ...] | None,
) -> str:
    return ", and ".join(dict.fromkeys(_one_change(scope, offering, item, checks) for item in broken))


def _one_change(scope: Scope, offering: Offering, item: Broken, checks: tuple[QuotaCheck, ...] | None) -> str:
    needed = item.needed or 0.0
    if item.rule == Rule.REGION:
        return f"allow {offering.region} of {offering.cloud}"
    if item.rule == Rule.ZONE:
        return f"allow zone {' or '.join(offering.zones) or 'any'} of {offering.region}"
    if item.rule == Rule.RESIDENCY:
        return f"let data lie in {offering.region}"
    if item.rule == Rule.PURCHASE:
        return f"allow purchase {offering.purchase}"
    if item.needed is None and item.rule in (Rule.PRICE, Rule.BUDGET):
        return f"drop {item.rule}, or import a price with `gpuyard catalog import`"
    if item.rule == Rule.PRICE:
        return f"raise usd_per_gpu_hour_max to {ceil(needed * 100) / 100:g}"
    if item.rule == Rule.BUDGET:
        return f"raise usd_budget to {ceil(needed):,}".replace(",", "")
    if item.rule == Rule.START_BY:
        day = scope.today + timedelta(hours=needed)
        return f"move start_by to {day}"
    if item.rule == Rule.DURATION:
        days = "1 to 90 days" if offering.purchase == Purchase.CALENDAR else f"by {offering.ends[:10]}"
        return f"set an `end` {days}" + (" ahead" if offering.purchase == Purchase.CALENDAR else "")
    if item.rule == Rule.INTERCONNECT:
        return f"drop the interconnect: {item.text}"
    if item.rule == Rule.SIZE:
        return f"need at most {needed:g} machines"
    commands = "; ".join(ask.command() for ask in quota_asks(checks or ()))
    return f"raise the quota: {commands}"
