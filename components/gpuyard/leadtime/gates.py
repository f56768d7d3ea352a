"""What may hold a deployment up without end: quota, capacity, approval."""

from dataclasses import replace

from gpuyard.catalog.capacity_terms import REFUSED_FAMILIES
from gpuyard.leadtime.facts import find_fact
from gpuyard.leadtime.lead_time import Gate
from gpuyard.leadtime.path import ServingPath

_CAPACITY = {
    ("aws", "capacity_block"): (
        "aws_capacity_block_rules",
        "starts when the block does: at once if offered, else a date up to 8 weeks ahead",
    ),
    ("aws", "spot"): (
        "aws_spot_interruption",
        "no stock is promised, and machines are taken back at two minutes' notice",
    ),
    ("gcp", "flex_start"): ("gcp_flex_start", "waits in a queue without a bound, then runs at most 7 days"),
    ("gcp", "queued"): ("gcp_flex_start", "waits in a queue without a bound, then runs at most 7 days"),
    ("gcp", "calendar"): ("gcp_calendar_mode", "starts on the booked day, 1 to 90 days long"),
    ("gcp", "future_reservation"): ("gcp_future_reservation", "starts on the approved day"),
}
"""What is known of capacity by cloud and purchase, and the row of the table that says it."""
_SCARCE = (
    "aws_ondemand_p5_class",
    "no stock is promised; for machines of its family refusals are normal and last hours to days",
)
"""What is known of on-demand machines of `REFUSED_FAMILIES`; of others nothing is published."""
_NEEDS_APPROVAL = ("calendar", "future_reservation")


def find_gates(path: ServingPath) -> tuple[Gate, ...]:
    """The gates on the way; none on a cluster that exists."""
    if path.cloud not in ("aws", "gcp"):
        return ()
    gates = [_quota(path)] if path.quota else []
    if path.purchase in _NEEDS_APPROVAL:
        gates.append(_known(path, "reservation approval", "approval", "Google approves or refuses it"))
    if path.starts_on:
        gates.append(_start(path))
    return (*gates, _capacity(path))


def _quota(path: ServingPath) -> Gate:
    phase = "aws_gpu_quota_increase" if path.cloud == "aws" else "gcp_gpu_quota_increase"
    fact = find_fact(phase, "")
    if path.has_quota_evidence or path.quota_evidence:
        evidence = path.quota_evidence or "seen to be enough"
    elif path.cloud == "aws":
        evidence = "not looked at; new accounts have 0, a reviewed increase takes 24 to 72 h"
    else:
        evidence = "not looked at; an increase may be granted in part or refused, after an unknown time"
    return Gate(
        name=f"quota: {path.quota}",
        kind="quota",
        evidence=evidence,
        source=fact.source if fact else "",
        as_of=fact.as_of if fact else "",
        is_open=path.has_quota_evidence,
    )


def _start(path: ServingPath) -> Gate:
    return Gate(
        name="reservation start",
        kind="reservation",
        evidence=f"the capacity is booked from {path.starts_on} on; nothing runs before",
        source="the rung of the lock",
        as_of="",
    )


def _capacity(path: ServingPath) -> Gate:
    name = f"capacity: {path.machine_type} {path.purchase.replace('_', ' ')} in {path.region}"
    if path.purchase == "reservation":
        return Gate(
            name=name,
            kind="capacity",
            evidence="held by the reservation, as long as it has free places",
            source="the reservation named in the lock",
            as_of="",
            is_open=True,
        )
    gate = _known(path, name, "capacity", "no stock is promised")
    if not path.capacity_evidence:
        return gate
    return replace(gate, evidence=f"{gate.evidence}; {path.capacity_evidence}")


def _known(path: ServingPath, name: str, kind: str, otherwise: str) -> Gate:
    phase, evidence = _CAPACITY.get((path.cloud, path.purchase), ("", otherwise))
    is_scarce = path.cloud == "aws" and path.machine_type.startswith(REFUSED_FAMILIES)
    if is_scarce and path.purchase == "on_demand":
        phase, evidence = _SCARCE
    fact = find_fact(phase, "") if phase else None
    return Gate(
        name=name,
        kind=kind,
        evidence=otherwise if kind == "approval" else evidence,
        source=fact.source if fact else "nothing published",
        as_of=fact.as_of if fact else "",
    )
