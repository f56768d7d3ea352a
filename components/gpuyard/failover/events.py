"""What happens to the loop, and what it asks for.

event                      action
Started                    Probe, Try, Wait, Clean, Stop
Probed                     Probe, Try, Wait, Clean, Stop
Succeeded                  Done
Refused, TimedOut          Probe, Try, Wait, Clean, Stop
Woke                       Probe, Try, Wait, Clean, Stop
Cleaned                    Stop
Lost (after Done)          Probe, Try, Wait, Clean, Stop
Interrupted (any time)     Stop
"""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum

from gpuyard.failover.candidate import Candidate
from gpuyard.failover.failure import Verdict


@dataclass(frozen=True, slots=True, kw_only=True)
class Refusal:
    """What one endpoint's rung met with."""

    endpoint: str
    verdict: Verdict


@dataclass(frozen=True, slots=True, kw_only=True)
class Event:
    """Something that happened at ``now`` (epoch seconds)."""

    now: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Started(Event):
    """The run begins."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Probed(Event):
    """A look-up came back; without refusals nothing speaks against the rungs."""

    refusals: tuple[Refusal, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Succeeded(Event):
    """The rungs serve, and whatever was elsewhere is gone."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Refused(Event):
    """Some rungs were refused; those of ``ready`` endpoints have their machines."""

    refusals: tuple[Refusal, ...]
    ready: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True, kw_only=True)
class TimedOut(Event):
    """The limit of a try passed; ``endpoints`` are those that were not there yet."""

    endpoints: tuple[str, ...]
    ready: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True, kw_only=True)
class Woke(Event):
    """A wait is over."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Cleaned(Event):
    """What abandoned rungs left was removed, or could not be (``left`` says what)."""

    left: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Lost(Event):
    """Capacity that served was taken back."""

    refusals: tuple[Refusal, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Interrupted(Event):
    """A person asked to stop."""


class Outcome(StrEnum):
    """How a run ended."""

    SERVING = "serving"
    EXHAUSTED = "exhausted"
    """No rung is left that may be tried now."""
    STOPPED = "stopped"
    """A refusal that a person must settle."""
    OUT_OF_TIME = "out_of_time"
    INTERRUPTED = "interrupted"


@dataclass(frozen=True, slots=True, kw_only=True)
class Action:
    """What to do next, and why, in words."""

    because: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Probe(Action):
    """Look these rungs up, without buying or creating anything."""

    selection: Mapping[str, Candidate]


@dataclass(frozen=True, slots=True, kw_only=True)
class Try(Action):
    """Bring these rungs up, one per endpoint; give up after ``limit_s``."""

    selection: Mapping[str, Candidate]
    limit_s: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Wait(Action):
    """Nothing until ``until`` (epoch seconds)."""

    until: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Clean(Action):
    """Remove what abandoned rungs left; ``selection`` (may be empty) is what serves and stays."""

    selection: Mapping[str, Candidate]
    keeps_clusters: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Stop(Action):
    """The run is over without serving what was asked."""

    outcome: Outcome
    verdict: Verdict | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Done(Action):
    """The selection serves."""

    selection: Mapping[str, Candidate]
