"""Phases that end, gates that may not, and how they add up."""

from dataclasses import asdict, dataclass
from typing import Any


@dataclass(frozen=True, slots=True, kw_only=True)
class Phase:
    """One step that takes time and ends."""

    name: str
    depends_on: tuple[str, ...] = ()
    p50_s: float | None
    """Seconds; None: nobody has published a number, and it counts in no total."""
    p90_s: float | None
    basis: str
    """``measured``, ``documented``, ``anecdotal``, ``derived`` (a source, scaled) or ``unknown``."""
    source: str
    as_of: str
    note: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Gate:
    """A wait that someone else ends, or nobody. Never added to minutes."""

    name: str
    kind: str
    """``quota``, ``capacity`` or ``approval``."""
    evidence: str
    """What is known about it here."""
    source: str
    as_of: str
    is_open: bool = False
    """Whether evidence says that it does not hold anyone up."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Journey:
    """Phases from one starting point to serving, with the time they take together."""

    name: str
    """``empty_account``, ``zero_to_one`` or ``one_more_replica``."""
    phases: tuple[Phase, ...]
    p50_s: float
    """Along the critical path, medians summed; phases of unknown length left out."""
    p90_s: float
    """Of the whole graph, by seeded sampling; never below `p50_s`."""
    critical_path: tuple[str, ...]
    starts: tuple[tuple[str, float], ...]
    """When each phase begins at the medians, seconds from the start."""
    unknown: tuple[str, ...]
    """Phases on the way without a published duration: the totals are without them."""
    assumed_spread: tuple[str, ...]
    """Phases on the way without a published P90: sampling gives them `graph.ASSUMED_SPREAD`, a guess."""


@dataclass(frozen=True, slots=True, kw_only=True)
class LeadTime:
    """How long until tokens flow, from three starting points, and what may hold it up."""

    gates: tuple[Gate, ...]
    empty_account: Journey
    zero_to_one: Journey
    one_more_replica: Journey

    @property
    def journeys(self) -> tuple[Journey, ...]:
        """The longest first; on an existing cluster the first is the second."""
        return self.empty_account, self.zero_to_one, self.one_more_replica

    def as_dict(self) -> dict[str, Any]:
        """JSON-ready."""
        return {
            "gates": [asdict(gate) for gate in self.gates],
            "journeys": {
                journey.name: {
                    "p50_s": journey.p50_s,
                    "p90_s": journey.p90_s,
                    "critical_path": list(journey.critical_path),
                    "unknown": list(journey.unknown),
                    "assumed_spread": list(journey.assumed_spread),
                    "phases": [
                        {
                            **asdict(phase),
                            "depends_on": list(phase.depends_on),
                            "start_s": dict(journey.starts)[phase.name],
                        }
                        for phase in journey.phases
                    ],
                }
                for journey in self.journeys
            },
        }
