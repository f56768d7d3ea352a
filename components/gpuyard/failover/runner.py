"""The loop with a real clock: an engine that tries, a lock that says what is tried, a memory that stays.

Knows no Pulumi: `automation` is the engine of `gpuyard up`; tests bring simulated clouds.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, Protocol

from gpuyard.capacity.lock import Lock
from gpuyard.capacity.lock_file import render_lock
from gpuyard.failover.candidate import Candidate
from gpuyard.failover.classify import classify
from gpuyard.failover.events import (
    Action,
    Clean,
    Cleaned,
    Done,
    Event,
    Interrupted,
    Outcome,
    Probe,
    Probed,
    Refusal,
    Refused,
    Started,
    Stop,
    Succeeded,
    TimedOut,
    Try,
    Wait,
    Woke,
)
from gpuyard.failover.failure import FailureClass, Reaction, Verdict
from gpuyard.failover.loop import SLOW, State, step
from gpuyard.failover.memory import Memory
from gpuyard.failover.memory_file import update_memory
from gpuyard.failover.naming import StackNames
from gpuyard.files import write_atomically
from gpuyard.units import format_seconds


@dataclass(frozen=True, slots=True, kw_only=True)
class Attempt:
    """How an engine's try went."""

    errors: tuple[tuple[str, str], ...] = ()
    """URN (empty: of no resource) and message of everything that failed."""
    is_timed_out: bool = False
    """Given up at the limit."""
    is_interrupted: bool = False
    """A person asked to stop; what was in flight was finished."""
    ready: frozenset[str] = frozenset()
    """Endpoints whose machines stand."""


class Engine(Protocol):
    """What brings a stack up as its lock says."""

    def up(self, limit_s: float) -> Attempt:
        """Bring up what the lock has active; give up after ``limit_s``."""
        ...

    def remove(self, kept: Mapping[str, int], *, keeps_clusters: bool) -> str:
        """Remove what no rung of ``kept`` uses; what could not be removed, in words."""
        ...

    def probe(self, selection: Mapping[str, Candidate]) -> Mapping[str, str]:
        """What look-ups tell against rungs, by endpoint; nothing is bought or created."""
        ...


@dataclass(slots=True)
class Clock:
    """Time and waiting; tests replace both."""

    now: Callable[[], float]
    wait: Callable[[float], bool]
    """Wait for seconds; whether a person asked to stop meanwhile."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Tried:
    """One try of a run, for its record."""

    rungs: Mapping[str, int]
    placed: Mapping[str, str]
    seconds: float
    refusals: tuple[tuple[str, Verdict], ...] = ()

    def as_dict(self) -> dict[str, Any]:
        """JSON-ready."""
        return {
            "rungs": dict(self.rungs),
            "placed": dict(self.placed),
            "seconds": round(self.seconds, 1),
            "refusals": [{"endpoint": name, **verdict.as_dict()} for name, verdict in self.refusals],
        }


@dataclass(frozen=True, slots=True, kw_only=True)
class RunResult:
    """How a run ended."""

    outcome: Outcome
    because: str
    placed: Mapping[str, str]
    """Where each endpoint serves; empty where none does."""
    seconds: float
    tried: tuple[Tried, ...]
    state: State

    def as_dict(self) -> dict[str, Any]:
        """JSON-ready."""
        return {
            "outcome": str(self.outcome),
            "because": self.because,
            "placed": dict(self.placed),
            "rungs": dict(self.state.serving),
            "seconds": round(self.seconds, 1),
            "tries": [tried.as_dict() for tried in self.tried],
        }


@dataclass(slots=True, kw_only=True)
class Runner:
    """One run of `gpuyard up`."""

    stack: str
    lock: Lock
    lock_path: Path
    memory_path: Path
    names: StackNames
    engine: Engine
    clock: Clock
    report: Callable[[str], None]
    """Told each line of progress."""
    _tried: list[Tried] = field(default_factory=list)
    _known: Memory = field(default_factory=Memory)
    """What this run last read or wrote."""

    def run(self, state: State) -> RunResult:
        """Go through the loop until it ends; the lock and the memory are true after every step."""
        begun = self.clock.now()
        self._known = state.memory
        state, action = step(state, Started(now=begun))
        while not isinstance(action, Done | Stop):
            event = self._perform(state, action)
            before = state.memory
            state, action = step(state, event)
            if state.memory != before:
                self._remember(state.memory)
        outcome = Outcome.SERVING if isinstance(action, Done) else action.outcome
        if outcome is not Outcome.INTERRUPTED:
            self._activate(state.active)
        return RunResult(
            outcome=outcome,
            because=action.because,
            placed={name: item.describe() for name, item in state.in_service.items()},
            seconds=self.clock.now() - begun,
            tried=tuple(self._tried),
            state=state,
        )

    def _perform(self, state: State, action: Action) -> Event:
        match action:
            case Try():
                return self._try(state, action)
            case Probe(selection=selection):
                return self._probe(selection)
            case Wait(until=until, because=because):
                seconds = max(0.0, until - self.clock.now())
                self.report(f"wait {format_seconds(seconds)}: {because}")
                stopped = self.clock.wait(seconds)
                return Interrupted(now=self.clock.now()) if stopped else Woke(now=self.clock.now())
            case Clean(selection=selection, keeps_clusters=keeps):
                self.report("remove what abandoned rungs left")
                kept = {name: candidate.rung for name, candidate in selection.items()}
                self._activate(kept)
                left = self.engine.remove(kept, keeps_clusters=keeps)
                return Cleaned(now=self.clock.now(), left=left)
            case _:
                raise TypeError(f"nothing does {type(action).__name__}; please report it")

    def _try(self, state: State, action: Try) -> Event:
        rungs = {name: candidate.rung for name, candidate in action.selection.items()}
        for candidate in action.selection.values():
            place = f"rung {candidate.rung + 1} of {len(state.ladders[candidate.endpoint])}"
            self.report(f"try {candidate.endpoint}: {candidate.describe()} ({place})")
        self._activate(rungs)
        begun = self.clock.now()
        attempt = self.engine.up(action.limit_s)
        now = self.clock.now()
        verdicts = self._verdicts(attempt, rungs, action.selection)
        late = tuple(name for name in rungs if name not in verdicts and name not in attempt.ready)
        if attempt.is_timed_out:
            verdicts |= dict.fromkeys(late, SLOW)
            if not verdicts:
                verdicts = dict.fromkeys(rungs, _unfinished(SLOW))
        self._tried.append(
            Tried(
                rungs=rungs,
                placed={name: item.describe() for name, item in action.selection.items()},
                seconds=now - begun,
                refusals=tuple(verdicts.items()),
            )
        )
        for name, verdict in verdicts.items():
            self.report(
                f"refused {name} after {format_seconds(now - begun)}: {verdict.kind}: {verdict.evidence}"
            )
        if attempt.is_interrupted:
            return Interrupted(now=now)
        if not verdicts:
            return Succeeded(now=now)
        out = {name for name, verdict in verdicts.items() if verdict.reaction is not Reaction.STOP}
        ready = attempt.ready - out
        if all(verdict is SLOW for verdict in verdicts.values()):
            return TimedOut(now=now, endpoints=tuple(verdicts), ready=ready)
        refusals = tuple(Refusal(endpoint=name, verdict=verdict) for name, verdict in verdicts.items())
        return Refused(now=now, refusals=refusals, ready=ready)

    def _verdicts(
        self, attempt: Attempt, rungs: Mapping[str, int], selection: Mapping[str, Candidate]
    ) -> dict[str, Verdict]:
        """One verdict per endpoint that was refused: the one that says most of its messages."""
        found: dict[str, Verdict] = {}
        for urn, message in attempt.errors:
            for name in self.names.owners(urn, rungs) if urn else tuple(rungs):
                verdict = classify(message, selection[name].cloud)
                if urn and verdict.scope in _OF_MACHINES and self.names.is_shared(urn, rungs):
                    verdict = replace(verdict, scope="region")  # its cluster cannot stand there
                if (
                    name in attempt.ready
                    and urn.rpartition("::")[2] != self.names.machines[name, rungs[name]]
                ):
                    verdict = _unfinished(verdict)
                if name not in found or _says_more(verdict, found[name]):
                    found[name] = verdict
        return found

    def _probe(self, selection: Mapping[str, Candidate]) -> Event:
        messages = self.engine.probe(selection)
        refusals = tuple(
            Refusal(endpoint=name, verdict=classify(message, selection[name].cloud))
            for name, message in messages.items()
        )
        for refusal in refusals:
            self.report(f"looked up {refusal.endpoint}: {refusal.verdict.kind}: {refusal.verdict.evidence}")
        return Probed(now=self.clock.now(), refusals=refusals)

    def _activate(self, rungs: Mapping[str, int]) -> None:
        """Write the rungs into the lock, where they differ."""
        endpoints = {
            name: item.model_copy(update={"active": rungs.get(name, item.active)})
            for name, item in self.lock.endpoints.items()
        }
        lock = self.lock.model_copy(update={"endpoints": endpoints})
        if lock != self.lock:
            write_atomically(self.lock_path, render_lock(lock))
            self.lock = lock

    def _remember(self, memory: Memory) -> None:
        """Bring the file to what this run knows, keeping what another run wrote meanwhile."""

        def change(there: Memory) -> Memory:
            gone = {key for key in self._known.entries if key not in memory.entries}
            kept = Memory(entries={key: item for key, item in there.entries.items() if key not in gone})
            return kept.merge(memory).prune(self.clock.now())

        update_memory(self.memory_path, self.stack, change)
        self._known = memory


_OF_MACHINES = ("offering", "place", "bucket", "reservation")
_LOOK = (
    "its machines stand: look at what runs on them (`kubectl describe pod`, `kubectl logs`), then run again"
)
_VAGUE = (FailureClass.THROTTLE, FailureClass.TRANSIENT, FailureClass.TIMEOUT, FailureClass.UNKNOWN)
"""Classes that say little of capacity, the more telling first."""


def _unfinished(verdict: Verdict) -> Verdict:
    """Machines stand, and what comes after them failed: no other rung would help, so a person has to look."""
    if verdict.kind not in (FailureClass.TIMEOUT, FailureClass.UNKNOWN):
        return verdict
    return replace(
        verdict, kind=FailureClass.CONFIGURATION, reaction=Reaction.STOP, scope="account", remedy=_LOOK
    )


def _says_more(one: Verdict, other: Verdict) -> bool:
    """A stop says more than a refusal, a refusal more than a time-out or a message nobody knows."""
    return _vagueness(one) < _vagueness(other)


def _vagueness(verdict: Verdict) -> int:
    if verdict.reaction is Reaction.STOP:
        return -1
    return 1 + _VAGUE.index(verdict.kind) if verdict.kind in _VAGUE else 0
