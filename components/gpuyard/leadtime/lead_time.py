"""Phases that end, gates that may not, and how they add up."""

from collections.abc import Mapping
from dataclasses import asdict, field
from typing import Any

from gpuyard.records import record

MEASURED_BY_YOU = "measured by you"
_TRUST = {
    "measured": "published",
    "documented": "published",
    "code": "published",
    "configured": "configured",
    MEASURED_BY_YOU: MEASURED_BY_YOU,
    "unknown": "unknown",
}


@record
class Phase:
    """One step that takes time and ends."""

    name: str
    depends_on: tuple[str, ...] = ()
    p50_s: float | None
    """Seconds; None: nobody has published a number, and it counts in no total."""
    p90_s: float | None
    basis: str
    """``measured`` (by somebody, published), ``documented``, ``anecdotal``, ``derived`` (a source, scaled),
    ``configured`` (what the stack itself sets), ``measured by you`` or ``unknown``."""
    source: str
    as_of: str
    note: str = ""

    @property
    def trust(self) -> str:
        """``published``, ``measured by you``, ``configured``, ``guess`` or ``unknown``."""
        return _TRUST.get(self.basis, "guess")


@record
class Gate:
    """A wait that someone else ends, or nobody. Never added to minutes."""

    name: str
    kind: str
    """``quota``, ``approval``, ``reservation`` (a start that is booked) or ``capacity``."""
    evidence: str
    """What is known about it here."""
    source: str
    as_of: str
    is_open: bool = False
    """Whether evidence says that it does not hold anyone up."""


@record
class Journey:
    """Phases from one starting point to serving, with the time they take together."""

    name: str
    """``empty_account``, ``zero_to_one``, ``one_more_replica``, ``node_lost`` or ``rollout``."""
    phases: tuple[Phase, ...]
    p50_s: float
    """Half of all such journeys end sooner: of the whole graph, by seeded sampling. Phases of unknown length
    take no time in it. Slightly above `path_s`, for long phases are longer by more than short ones are
    shorter, and of parallel branches the slowest counts."""
    p90_s: float
    """Nine in ten end sooner; same sampling, so never below `p50_s`."""
    path_s: float
    """What the medians along the critical path add up to: the number to check by hand."""
    critical_path: tuple[str, ...]
    starts: tuple[tuple[str, float], ...]
    """When each phase begins at the medians, seconds from the start."""
    unknown: tuple[str, ...]
    """Phases on the way without a published duration: the totals are without them."""
    assumed_spread: tuple[str, ...]
    """Phases on the way without a P90: sampling gives them `graph.ASSUMED_SPREAD`, a guess."""
    note: str = ""
    """What this journey takes for given: ``on a node that is up``."""

    def as_dict(self) -> dict[str, Any]:
        """JSON-ready."""
        starts = dict(self.starts)
        return {
            "p50_s": self.p50_s,
            "p90_s": self.p90_s,
            "path_s": self.path_s,
            "critical_path": list(self.critical_path),
            "unknown": list(self.unknown),
            "assumed_spread": list(self.assumed_spread),
            "note": self.note,
            "phases": [
                {
                    **asdict(phase),
                    "depends_on": list(phase.depends_on),
                    "trust": phase.trust,
                    "start_s": starts[phase.name],
                }
                for phase in self.phases
            ],
        }


@record
class Saving:
    """Seconds less, never negative. A difference of two P90 may be below that of the medians."""

    off_p50_s: float
    off_p90_s: float


@record
class Shortcut:
    """One way to shorten journeys: its effect on time, and on money."""

    name: str
    changes: str
    """What one does, in words."""
    saves: Mapping[str, Saving]
    """By journey that it changes."""
    opens: tuple[str, ...] = ()
    """Names of gates that it opens."""
    usd_per_month: float | None
    """More per month, negative: less; None: not known, and `cost` says why."""
    cost: str
    """How that was computed, or why it is not known."""
    basis: str
    """What the time rests on."""

    @property
    def largest_saving_s(self) -> float:
        """Seconds off the P50 of the journey that gains most."""
        return max((saving.off_p50_s for saving in self.saves.values()), default=0.0)


@record
class LeadTime:
    """How long until tokens flow, from five starting points, and what may hold it up."""

    gates: tuple[Gate, ...]
    empty_account: Journey
    zero_to_one: Journey
    one_more_replica: Journey
    node_lost: Journey
    rollout: Journey
    shortcuts: tuple[Shortcut, ...] = field(default=())
    """What would shorten it, the largest effect first."""
    cold_start_usd: float | None = None
    """What a node bills before its first token, zero to one at the P50; None: not known."""

    @property
    def journeys(self) -> tuple[Journey, ...]:
        """From nothing first; on an existing cluster the first is the second."""
        return (
            self.empty_account,
            self.zero_to_one,
            self.one_more_replica,
            self.node_lost,
            self.rollout,
        )

    @property
    def measured(self) -> tuple[str, ...]:
        """Phases of any journey that rest on your own measurements."""
        found = {
            phase.name
            for journey in self.journeys
            for phase in journey.phases
            if phase.trust == MEASURED_BY_YOU
        }
        return tuple(sorted(found))

    def as_dict(self) -> dict[str, Any]:
        """JSON-ready."""
        return {
            "gates": [asdict(gate) for gate in self.gates],
            "journeys": {journey.name: journey.as_dict() for journey in self.journeys},
            "measured": list(self.measured),
            "cold_start_usd": self.cold_start_usd,
            "shortcuts": [asdict(shortcut) for shortcut in self.shortcuts],
        }
