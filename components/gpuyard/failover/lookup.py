"""What read-only look-ups say against a rung before it is tried, in words that the classifier knows.

Only what is certain counts: a zone that does not sell the type, a limit below what is needed, a reservation
that is not there or too small. What could not be asked speaks against nothing.
"""

from collections.abc import Iterable, Iterator, Mapping

from gpuyard.capacity.quota import NO_LIMIT, limits_from
from gpuyard.catalog import evidence_items as found
from gpuyard.catalog.evidence import Evidence
from gpuyard.catalog.evidence_items import Question
from gpuyard.catalog.hardware import find_machine_type
from gpuyard.catalog.names import UnknownName
from gpuyard.catalog.quotas import buckets, quota_use
from gpuyard.failover.candidate import Candidate

QUESTIONS = frozenset(
    {Question.REGIONS, Question.ZONES, Question.OFFERINGS, Question.QUOTAS, Question.RESERVATIONS}
)
"""What has to be asked; each only describes."""
_USABLE = ("active", "ready")
"""States of a reservation whose machines can be used now."""


def objections(selection: Mapping[str, Candidate], evidence: Evidence) -> dict[str, str]:
    """What speaks against the rung of an endpoint, by endpoint."""
    told = {name: next(_against(candidate, evidence), "") for name, candidate in selection.items()}
    return {name: text for name, text in told.items() if text}


def places_of(
    selection: Iterable[Candidate],
) -> tuple[dict[str, tuple[str, ...]], dict[str, tuple[str, ...]]]:
    """Machine types and regions to ask about, by cloud."""
    types: dict[str, set[str]] = {}
    regions: dict[str, set[str]] = {}
    for candidate in selection:
        types.setdefault(candidate.cloud, set()).add(candidate.machine_type)
        regions.setdefault(candidate.cloud, set()).add(candidate.region)
    return (
        {cloud: tuple(sorted(names)) for cloud, names in types.items()},
        {cloud: tuple(sorted(names)) for cloud, names in regions.items()},
    )


def _against(candidate: Candidate, evidence: Evidence) -> Iterator[str]:
    if candidate.reservation:
        yield from _reservation(candidate, evidence)
        return
    yield from _not_sold(candidate, evidence)
    yield from _short_quota(candidate, evidence)


def _not_sold(candidate: Candidate, evidence: Evidence) -> Iterator[str]:
    cloud, region, machine = candidate.cloud, candidate.region, candidate.machine_type
    if not evidence.answered(Question.OFFERINGS, cloud, region, machine):
        return
    zones = {
        item.zone
        for item in evidence.find(found.Offering, cloud=cloud, region=region, machine_type=machine)
        if item.machine_type == machine
    }
    if zones and (not candidate.zones or zones & set(candidate.zones)):
        return
    where = ", ".join(candidate.zones) or region
    if cloud == "aws":
        yield f"Unsupported: Your requested instance type ({machine}) is not supported in {where}"
    else:
        yield f"Machine type with name '{machine}' does not exist in zone '{where}'"


def _short_quota(candidate: Candidate, evidence: Evidence) -> Iterator[str]:
    try:
        machine = find_machine_type(candidate.machine_type)
    except UnknownName:
        return
    needed = quota_use(machine) * candidate.nodes
    limits = limits_from(evidence)
    for bucket in buckets(machine, candidate.purchase) or ():
        known = limits.find(bucket, candidate.region)
        if known is None or known.limit == NO_LIMIT or known.limit >= needed:
            continue
        if candidate.cloud == "aws":
            yield (
                f"VcpuLimitExceeded: {bucket.code}: You have requested more vCPU capacity ({needed:g}) "
                f"than your current vCPU limit of {known.limit:g} allows"
            )
        else:
            where = "globally" if bucket.is_global else f"in region {candidate.region}"
            yield f"Quota '{bucket.code}' exceeded. Limit: {known.limit:g} {where}. Needed: {needed:g}."


def _reservation(candidate: Candidate, evidence: Evidence) -> Iterator[str]:
    if not evidence.answered(Question.RESERVATIONS, candidate.cloud, candidate.region):
        return
    name = candidate.reservation
    held = next(
        (
            item
            for item in evidence.find(found.Reservation, cloud=candidate.cloud, region=candidate.region)
            if name in (item.id, item.name) or name.endswith(f"/{item.name}")
        ),
        None,
    )
    if held is not None and held.state in _USABLE and (held.total is None or held.total >= candidate.nodes):
        return
    if held is None and candidate.cloud != "aws":
        return  # it may be another project's, which this one cannot list
    if candidate.cloud == "aws":
        yield f"ReservationCapacityExceeded: The requested reservation {name} {_state(held)}"
    else:
        yield f"Specified reservation {name} does not have available resources: {_state(held)}"


def _state(held: found.Reservation | None) -> str:
    if held is None:
        return "is not there"
    return f"is {held.state} with {'unknown' if held.total is None else held.total} machines"
