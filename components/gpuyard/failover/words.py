"""Failures and verdicts in words."""

from datetime import UTC, datetime

from gpuyard.catalog.failure_codes import failure_kinds
from gpuyard.failover.failure import UNTIL_NEVER, Failure, Verdict
from gpuyard.units import format_seconds

_REACTION = {
    "next": "the next rung is tried",
    "wait": "the same rung is tried again later",
    "stop": "gpuyard up stops here",
}
_SCOPE = {
    "offering": "this machine type, in these zones, bought this way",
    "bucket": "everything that draws on the same quota in the region",
    "place": "this machine type in these zones, however bought",
    "reservation": "this reservation",
    "zones": "these zones",
    "region": "the region",
    "spot": "spot in the whole cloud",
    "cloud": "the whole cloud",
}


def describe_verdict(verdict: Verdict) -> str:
    """Several lines: class and meaning, what was read, what is out and until when, what to do."""
    kind = failure_kinds()[str(verdict.kind)]
    lines = [f"{verdict.kind}: {kind.meaning}"]
    lines.append(f"  evidence:  {verdict.evidence or '(no text)'}")
    if verdict.rule:
        lines.append(f"  rule:      {verdict.rule}  ({verdict.source})")
    lines.append(f"  then:      {_REACTION[verdict.reaction]}")
    if verdict.reaction == "next":
        lines.append(f"  out:       {_SCOPE[verdict.scope]}, {_how_long(verdict)}")
    named = [
        ("machine", verdict.machine_type),
        ("zones", ", ".join(verdict.zones)),
        ("offered", ", ".join(verdict.zones_open)),
        ("quota", verdict.quota + (f" (limit {verdict.limit:g})" if verdict.limit is not None else "")),
        ("reservation", verdict.reservation),
    ]
    lines += [f"  {name + ':':<10} {value}" for name, value in named if value.strip()]
    lines.append(f"  remedy:    {verdict.remedy}")
    return "\n".join(lines)


def describe_failure(failure: Failure, now: float) -> str:
    """One line: what is out, why, and for how long from ``now`` on."""
    return f"{failure.scope.describe()}: {failure.kind}, {describe_until(failure, now)}"


def describe_until(failure: Failure, now: float) -> str:
    """``for another 8 min 20 s``, ``until it is changed`` or ``for good``."""
    if failure.until is None:
        return "for good" if failure.open_ended == UNTIL_NEVER else "until it is changed"
    if failure.until <= now:
        return "over"
    return f"for another {format_seconds(failure.until - now)}"


def clock(seconds: float) -> str:
    """A time of day in UTC: ``14:05:09``."""
    return datetime.fromtimestamp(seconds, UTC).strftime("%H:%M:%S")


def _how_long(verdict: Verdict) -> str:
    if verdict.until == UNTIL_NEVER:
        return "for good"
    if verdict.until or verdict.hold_s is None:
        return "until it is changed"
    return f"for {format_seconds(verdict.hold_s)} at first"
