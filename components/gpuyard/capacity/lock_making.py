"""Ladders become a lock: which rung is active, and what of each is written down."""

from collections.abc import Sequence
from dataclasses import asdict

from gpuyard.capacity.known import Known
from gpuyard.capacity.ladder import NOTHING, Ladder
from gpuyard.capacity.lock import LOCK_VERSION, Lock, LockedOdds, LockedQuota, LockedRate, LockedRung
from gpuyard.capacity.quota import QuotaCheck
from gpuyard.capacity.relaxation import explain_nothing
from gpuyard.capacity.rung import Rung
from gpuyard.errors import Finding, SpecError
from gpuyard.parsing import parse_spec


def make_lock(
    stack: str,
    ladders: Sequence[Ladder],
    as_of: str,
    previous: Lock | None = None,
    *,
    live: str = "",
    known: Known = NOTHING,
) -> Lock:
    """A lock with, per endpoint, the rung that ``previous`` had active, else the best one.

    Raises:
        SpecError: a demand that no offering meets, with what rules it out and the smallest change that helps.
    """
    problems, endpoints = [], {}
    for ladder in ladders:
        if not ladder.rungs:
            problems.append(_unmet(ladder, known))
            continue
        rungs = [lock_rung(rung) for rung in ladder.rungs]
        active = active_rung(ladder, previous)
        endpoints[ladder.demand.endpoint] = {
            "demand": ladder.demand.digest(),
            "active": active,
            "rungs": rungs,
        }
    if problems:
        raise SpecError(problems)
    content = {"version": LOCK_VERSION, "stack": stack, "as_of": as_of, "live": live, "endpoints": endpoints}
    return parse_spec(Lock, content)


def active_rung(ladder: Ladder, previous: Lock | None = None) -> int:
    """Where the rung that ``previous`` had active stands now; where it is gone, the best one.

    The best one that buys nothing: a purchase is never made active by itself.
    """
    best = next((index for index, rung in enumerate(ladder.rungs) if not rung.is_commitment), 0)
    locked = previous.endpoints.get(ladder.demand.endpoint) if previous else None
    if locked is None:
        return best
    key = locked.rungs[locked.active].key
    return next((index for index, rung in enumerate(ladder.rungs) if lock_rung(rung).key == key), best)


def lock_rung(rung: Rung) -> LockedRung:
    """The rung as the file keeps it."""
    offering = rung.offering
    return LockedRung(
        cloud=rung.cloud,
        region=rung.region,
        zones=rung.zones,
        machine_type=rung.machine_type,
        accelerator=rung.accelerator,
        gpus_per_node=rung.gpus_per_node,
        gpus_per_replica=rung.need.gpus_per_replica,
        purchase=rung.purchase,
        nodes_min=rung.nodes_min,
        nodes_max=rung.nodes_max,
        rate=LockedRate.model_validate(asdict(rung.rate)),
        quota=rung.quota,
        reason=rung.reason,
        offering=offering.id,
        nodes_per_replica=rung.need.nodes_per_replica,
        reservation=offering.reservation,
        placement_group=offering.placement_group,
        compact=rung.is_compact,
        starts=offering.starts,
        ends=offering.ends,
        usd_committed=rung.usd_committed,
        is_commitment=rung.is_commitment,
        odds=LockedOdds(
            probability=offering.odds.probability,
            basis=offering.odds.probability_basis,
            wait_hours=offering.odds.wait_hours,
        ),
        quotas=tuple(_locked_quota(check) for check in rung.quota_checks or ()),
    )


def _locked_quota(check: QuotaCheck) -> LockedQuota:
    bucket, known = check.bucket, check.known
    return LockedQuota(
        code=bucket.code,
        region=check.region,
        quota_id="" if bucket.quota_id == bucket.code else bucket.quota_id,
        gpu_family=bucket.gpu_family,
        unit=bucket.unit,
        needed=check.needed,
        needed_peak=check.needed_peak,
        limit=known.limit if known else None,
        used=known.used if known else None,
        pending=known.pending if known else None,
        verdict=str(check.verdict),
        as_of=known.as_of if known else "",
    )


def _unmet(ladder: Ladder, known: Known) -> Finding:
    verdict = explain_nothing(ladder.demand, known)
    killers = ", ".join(f"{rule} rules out {count} offerings" for rule, count in verdict.killers[:4])
    nowhere = all("not_sold" in item.rules for item in ladder.excluded)
    why = killers if killers and not nowhere else _not_sold(ladder)
    changes = [f"{item.change} (opens {item.offering})" for item in verdict.relaxations[:3]]
    return Finding.error(
        "DEMAND_UNMET",
        f"endpoints.{ladder.demand.endpoint}",
        f"no allowed offering meets the demand: {why}",
        "; or ".join(changes) or "allow another accelerator: no change of these limits helps",
    )


def _not_sold(ladder: Ladder) -> str:
    gpus = " or ".join(need.accelerator for need in ladder.demand.needs)
    regions = ", ".join(f"{place.cloud} {place.region}" for place in ladder.demand.regions)
    return f"machines with {gpus} are not sold in {regions}"
