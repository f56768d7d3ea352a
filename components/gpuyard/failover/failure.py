"""One failure, understood: its class, what it puts out, until when, and what a person may do."""

from dataclasses import dataclass, replace
from enum import StrEnum
from typing import Any

from gpuyard.catalog.failure_codes import failure_kinds
from gpuyard.failover.candidate import Candidate
from gpuyard.failover.scope import Scope


class FailureClass(StrEnum):
    """What a refusal meant (`docs/reference/failure-classes.md`)."""

    STOCKOUT = "stockout"
    QUOTA = "quota"
    NOT_SOLD = "not_sold"
    RESERVATION_EMPTY = "reservation_empty"
    RESERVATION_UNUSABLE = "reservation_unusable"
    ADDRESS_SPACE = "address_space"
    PERMISSION = "permission"
    CONFIGURATION = "configuration"
    ACCOUNT = "account"
    THROTTLE = "throttle"
    TRANSIENT = "transient"
    TIMEOUT = "timeout"
    UNKNOWN = "unknown"


class Reaction(StrEnum):
    """What follows from a failure."""

    NEXT = "next"
    """Its scope is out for a time; another rung is tried."""
    WAIT = "wait"
    """The same rung again, later."""
    STOP = "stop"
    """A person must act first."""


UNTIL_CHANGED = "changed"
UNTIL_NEVER = "never"


@dataclass(frozen=True, slots=True, kw_only=True)
class Verdict:
    """What a message says, before it is known which attempt it belongs to."""

    kind: FailureClass
    reaction: Reaction
    scope: str
    """The table's word for what is out: ``offering``, ``bucket``, ``place``, …"""
    hold_s: int | None
    hold_max_s: int | None
    until: str
    """``changed``, ``never``, or empty: `hold_s` counts."""
    rule: str
    """The rule that decided, e.g. ``aws ec2 InsufficientInstanceCapacity``; empty: none knew it."""
    source: str
    evidence: str
    """The sentence that decided, ids masked."""
    remedy: str
    zones: tuple[str, ...] = ()
    """Zones that the message names as refused."""
    zones_open: tuple[str, ...] = ()
    """Zones that the cloud offers instead."""
    machine_type: str = ""
    quota: str = ""
    """Name of the quota in the message."""
    limit: float | None = None
    """Its limit, as the message has it."""
    reservation: str = ""

    def as_dict(self) -> dict[str, Any]:
        """JSON-ready."""
        return {
            "class": str(self.kind),
            "reaction": str(self.reaction),
            "scope": self.scope,
            "rule": self.rule,
            "source": self.source,
            "evidence": self.evidence,
            "remedy": self.remedy,
            "zones": list(self.zones),
            "zones_open": list(self.zones_open),
            "machine_type": self.machine_type,
            "quota": self.quota,
            "limit": self.limit,
            "reservation": self.reservation,
        }


@dataclass(frozen=True, slots=True, kw_only=True)
class Failure:
    """A verdict on one attempt: what exactly is out, and until when."""

    kind: FailureClass
    scope: Scope
    since: float
    """Epoch seconds of the last such failure."""
    until: float | None
    """Epoch seconds; None: `open_ended` says."""
    open_ended: str = ""
    """``changed`` or ``never`` where `until` is None."""
    times: int = 1
    """Failures of this class and scope in a row."""
    evidence: str = ""
    rule: str = ""
    remedy: str = ""

    def holds(self, now: float) -> bool:
        """Whether the scope is still out at ``now``."""
        return self.until is None or now < self.until


def make_failure(verdict: Verdict, candidate: Candidate, now: float) -> Failure:
    """The failure of ``candidate`` that ``verdict`` describes."""
    until = None if verdict.until or verdict.hold_s is None else now + verdict.hold_s
    return Failure(
        kind=verdict.kind,
        scope=_scope(verdict, candidate),
        since=now,
        until=until,
        open_ended=verdict.until if until is None else "",
        evidence=verdict.evidence,
        rule=verdict.rule,
        remedy=verdict.remedy,
    )


def repeat(before: Failure, again: Failure) -> Failure:
    """``again`` as a repetition: each doubles the hold, up to the bound of its class."""
    times = before.times + 1
    if again.until is None:
        return replace(again, times=times)
    kind = failure_kinds()[str(again.kind)]
    hold = min((again.until - again.since) * 2 ** (times - 1), kind.hold_max_s or again.until - again.since)
    return replace(again, times=times, until=again.since + hold)


def _scope(verdict: Verdict, candidate: Candidate) -> Scope:
    """The part of the world that is out.

    Zones that the message names count only where the candidate uses zones of that naming: AWS names are
    per account, the lock has ids.
    """
    zones = tuple(zone for zone in verdict.zones if zone in candidate.zones) or candidate.zones
    cloud, region = candidate.cloud, candidate.region
    offering = Scope(
        cloud=cloud,
        region=region,
        zones=zones,
        machine_type=candidate.machine_type,
        purchase=candidate.purchase,
    )
    reserved = Scope(cloud=cloud, reservation=candidate.reservation) if candidate.reservation else offering
    match verdict.scope:
        case "offering" | "reservation":
            return reserved
        case "place":
            return replace(offering, purchase="")
        case "zones":
            return replace(offering, purchase="", machine_type="")
        case "bucket" if _is_about_machines(verdict.quota):
            return Scope(cloud=cloud, region=region, bucket=candidate.bucket)
        case "spot":
            return Scope(cloud=cloud, purchase=candidate.purchase)
        case "cloud":
            return Scope(cloud=cloud)
        case _:
            return Scope(cloud=cloud, region=region)


def _is_about_machines(quota: str) -> bool:
    """Whether a quota's name is that of machines (vCPUs, GPUs) or not given; disks and addresses are not."""
    name = quota.upper()
    return not name or "GPU" in name or name.endswith("_CPUS") or "VCPU" in name
