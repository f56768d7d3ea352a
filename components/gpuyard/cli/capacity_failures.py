"""What a stack's failure memory says of its rungs."""

import time
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from gpuyard.capacity.lock_making import lock_rung
from gpuyard.capacity.rung import Ladder, Rung
from gpuyard.capacity.walk import Walk, places_of
from gpuyard.errors import Finding
from gpuyard.failover.candidate import bucket_of, make_candidate
from gpuyard.failover.failure import Failure
from gpuyard.failover.memory import Memory
from gpuyard.failover.memory_file import memory_file_name, read_memory


@dataclass(frozen=True, slots=True, kw_only=True)
class Blocked:
    """Why something is not tried now."""

    failure: Failure

    @property
    def words(self) -> str:
        """In a few words, for a table."""
        return f"{self.failure.kind} until {self._until()}"

    def as_dict(self) -> dict[str, Any]:
        """JSON-ready."""
        failure = self.failure
        return {
            "class": str(failure.kind),
            "scope": failure.scope.describe(),
            "since": _time(failure.since),
            "until": self._until(),
            "times": failure.times,
            "evidence": failure.evidence,
            "remedy": failure.remedy,
        }

    def _until(self) -> str:
        return self.failure.open_ended if self.failure.until is None else _time(self.failure.until)


@dataclass(frozen=True)
class FailuresSeen:
    """A stack's failure memory at one moment."""

    memory: Memory = field(default_factory=Memory)
    now: float = 0.0
    findings: tuple[Finding, ...] = ()
    """What is wrong with the file."""

    def current(self) -> tuple[Blocked, ...]:
        """What still holds."""
        return tuple(Blocked(failure=item) for item in self.memory.failures if item.holds(self.now))

    def blocking(self, endpoint: str, rung: Rung) -> Blocked | None:
        """The failure that keeps a rung out; None: it is free."""
        if not self.memory.failures:
            return None
        failure = self.memory.blocking(make_candidate(endpoint, 0, lock_rung(rung)), self.now)
        return None if failure is None else Blocked(failure=failure)

    def next_rung(self, ladder: Ladder) -> int | None:
        """Index of the best rung that nothing known keeps out, from 0; None: none is left."""
        walk = Walk(places_of(ladder.rungs, _bucket))
        for failure in self.memory.failures:
            if failure.holds(self.now):
                walk.refuse(failure.scope)
        return walk.next()


def _bucket(rung: Rung) -> str:
    return bucket_of(rung.cloud, rung.machine_type, rung.purchase)


def read_failures(folder: Path, stack: str) -> FailuresSeen:
    """The memory beside the stack's lock; empty where there is none."""
    found = read_memory(folder / memory_file_name(stack))
    return FailuresSeen(memory=found.memory, now=time.time(), findings=found.findings)


def _time(seconds: float) -> str:
    return datetime.fromtimestamp(seconds, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
