"""What a change does to time: journeys by endpoint, and the gates before them."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from gpuyard.leadtime.lead_time import Gate, Journey, LeadTime


@dataclass(frozen=True, slots=True, kw_only=True)
class JourneyChange:
    """One journey before and after, seconds; None: there is none, or nothing about it is known."""

    name: str
    before: tuple[float, float] | None
    """P50 and P90."""
    after: tuple[float, float] | None

    @property
    def delta(self) -> tuple[float, float] | None:
        """Seconds more, P50 and P90; None where one side is not known."""
        if self.before is None or self.after is None:
            return None
        return self.after[0] - self.before[0], self.after[1] - self.before[1]

    def as_dict(self) -> dict[str, Any]:
        """JSON-ready."""
        return {
            "base": _seconds(self.before),
            "head": _seconds(self.after),
            "delta": _seconds(self.delta),
        }


@dataclass(frozen=True, slots=True, kw_only=True)
class GateChange:
    """One gate that came, went, was cleared, or holds again."""

    change: str
    """``new``, ``gone``, ``cleared`` or ``holds again``."""
    gate: Gate
    """As it is after the change; as it was, for those that are gone."""

    def as_dict(self) -> dict[str, Any]:
        """JSON-ready."""
        return {
            "change": self.change,
            "name": self.gate.name,
            "kind": self.gate.kind,
            "evidence": self.gate.evidence,
            "is_open": self.gate.is_open,
        }


@dataclass(frozen=True, slots=True, kw_only=True)
class EndpointTime:
    """One endpoint whose times or gates changed."""

    endpoint: str
    journeys: tuple[JourneyChange, ...]
    gates: tuple[GateChange, ...]

    def as_dict(self) -> dict[str, Any]:
        """JSON-ready."""
        return {
            "journeys": {found.name: found.as_dict() for found in self.journeys},
            "gates": [found.as_dict() for found in self.gates],
        }


def diff_times(base: Mapping[str, LeadTime], head: Mapping[str, LeadTime]) -> tuple[EndpointTime, ...]:
    """Endpoints whose times or gates changed, by name."""
    return tuple(
        EndpointTime(endpoint=name, journeys=journeys, gates=gates)
        for name in sorted({*base, *head})
        for journeys in [tuple(_journeys(base.get(name), head.get(name)))]
        for gates in [tuple(_gates(base.get(name), head.get(name)))]
        if journeys or gates
    )


def _journeys(base: LeadTime | None, head: LeadTime | None) -> Iterator[JourneyChange]:
    before = {journey.name: _times(journey) for journey in (base.journeys if base else ())}
    after = {journey.name: _times(journey) for journey in (head.journeys if head else ())}
    for name in [*after, *(name for name in before if name not in after)]:
        change = JourneyChange(name=name, before=before.get(name), after=after.get(name))
        if change.before != change.after:
            yield change


def _times(journey: Journey) -> tuple[float, float] | None:
    """P50 and P90; None where no phase has a known length."""
    return (journey.p50_s, journey.p90_s) if journey.phases and journey.p90_s > 0 else None


def _gates(base: LeadTime | None, head: LeadTime | None) -> Iterator[GateChange]:
    before = {(gate.kind, gate.name): gate for gate in (base.gates if base else ())}
    after = {(gate.kind, gate.name): gate for gate in (head.gates if head else ())}
    for key, gate in after.items():
        old = before.get(key)
        if old is None:
            yield GateChange(change="new", gate=gate)
        elif old.is_open != gate.is_open:
            yield GateChange(change="cleared" if gate.is_open else "holds again", gate=gate)
    for key, gate in before.items():
        if key not in after:
            yield GateChange(change="gone", gate=gate)


def _seconds(times: tuple[float, float] | None) -> dict[str, float] | None:
    return None if times is None else {"p50_s": times[0], "p90_s": times[1]}
