"""What is out, until when: failures by class and scope, remembered between runs."""

from collections.abc import Iterable
from dataclasses import dataclass, replace

from gpuyard.failover.candidate import Candidate
from gpuyard.failover.failure import Failure, FailureClass, Reaction, Verdict, make_failure, repeat

FORGET_AFTER_S = 7 * 86400
"""A hold that ended this long ago no longer lengthens the next one."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Memory:
    """Failures, at most one per class and scope. Immutable: every change gives a new one."""

    failures: tuple[Failure, ...] = ()

    def blocking(self, candidate: Candidate, now: float) -> Failure | None:
        """The failure that keeps ``candidate`` out at ``now``, the longest-lasting one; None: it is free."""
        holding = [item for item in self.failures if item.scope.covers(candidate) and item.holds(now)]
        return max(holding, key=_lasts, default=None)

    def free_at(self, candidate: Candidate, now: float) -> float | None:
        """When ``candidate`` may be tried again, ``now`` or later; None: a person must act first."""
        failure = self.blocking(candidate, now)
        return now if failure is None else failure.until

    def remember(self, failure: Failure) -> "Memory":
        """With ``failure`` added; the same class and scope again lengthens the hold."""
        before = next((item for item in self.failures if _key(item) == _key(failure)), None)
        if before is not None and failure.since - (before.until or before.since) < FORGET_AFTER_S:
            failure = repeat(before, failure)
        return Memory(failures=(*(item for item in self.failures if _key(item) != _key(failure)), failure))

    def succeeded(self, candidate: Candidate) -> "Memory":
        """Without what ``candidate`` has just disproved: every failure whose scope covers it."""
        return Memory(failures=tuple(item for item in self.failures if not item.scope.covers(candidate)))

    def forget(self, kinds: Iterable[str]) -> "Memory":
        """Without the failures of these classes; ``all`` names every class."""
        names = set(kinds)
        if "all" in names:
            return Memory()
        return Memory(failures=tuple(item for item in self.failures if item.kind not in names))

    def prune(self, now: float) -> "Memory":
        """Without what ended more than `FORGET_AFTER_S` ago."""
        kept = (item for item in self.failures if item.until is None or now - item.until < FORGET_AFTER_S)
        return Memory(failures=tuple(kept))

    def merge(self, other: "Memory") -> "Memory":
        """Both; of the same class and scope the later one, with the longer hold and the higher count."""
        merged = {_key(item): item for item in self.failures}
        for item in other.failures:
            mine = merged.get(_key(item))
            merged[_key(item)] = item if mine is None else _later(mine, item)
        return Memory(failures=tuple(sorted(merged.values(), key=lambda item: (item.since, str(_key(item))))))


def remember_all(memory: Memory, verdicts: Iterable[Verdict], candidate: Candidate, now: float) -> Memory:
    """``memory`` with what each verdict puts out. A stop puts nothing out: its remedy is immediate."""
    for verdict in verdicts:
        if verdict.reaction is not Reaction.STOP:
            memory = memory.remember(make_failure(verdict, candidate, now))
    return memory


def _key(failure: Failure) -> tuple[FailureClass, object]:
    return failure.kind, failure.scope


def _lasts(failure: Failure) -> float:
    return float("inf") if failure.until is None else failure.until


def _later(one: Failure, two: Failure) -> Failure:
    newer = two if two.since >= one.since else one
    if newer.until is None or one.until is None or two.until is None:
        return replace(newer, times=max(one.times, two.times))
    return replace(newer, until=max(one.until, two.until), times=max(one.times, two.times))
