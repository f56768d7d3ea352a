"""What is out, until when: failures by class and scope, remembered between runs."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from math import inf

from gpuyard.failover.candidate import Candidate
from gpuyard.failover.failure import Failure, FailureClass, Reaction, Verdict, make_failure, repeat
from gpuyard.failover.scope import Scope

FORGET_AFTER_S = 7 * 86400
"""A hold that ended this long ago no longer lengthens the next one."""
_Key = tuple[FailureClass, Scope]


@dataclass(frozen=True, slots=True, kw_only=True)
class Memory:
    """Failures, at most one per class and scope. Immutable: every change gives a new one."""

    entries: Mapping[_Key, Failure] = field(default_factory=dict)

    @property
    def failures(self) -> tuple[Failure, ...]:
        """Every failure, as they were remembered."""
        return tuple(self.entries.values())

    def blocking(self, candidate: Candidate, now: float) -> Failure | None:
        """The failure that keeps ``candidate`` out at ``now``, the longest-lasting one; None: it is free."""
        holding = (item for item in self.entries.values() if item.holds(now) and item.scope.covers(candidate))
        return max(holding, key=lasts, default=None)

    def free_at(self, candidate: Candidate, now: float) -> float:
        """When ``candidate`` may be tried again, ``now`` or later; infinite: a person must act first."""
        failure = self.blocking(candidate, now)
        return now if failure is None else lasts(failure)

    def remember(self, failure: Failure) -> "Memory":
        """With ``failure`` added; the same class and scope again lengthens the hold."""
        before = self.entries.get(_key(failure))
        if before is not None and failure.since - (before.until or before.since) < FORGET_AFTER_S:
            failure = repeat(before, failure)
        return Memory(entries={**self.entries, _key(failure): failure})

    def recall(self, failure: Failure) -> Failure:
        """How ``failure`` is remembered: with its repetitions."""
        return self.entries[_key(failure)]

    def succeeded(self, candidate: Candidate) -> "Memory":
        """Without what ``candidate`` has just disproved: every failure whose scope covers it."""
        kept = {key: item for key, item in self.entries.items() if not item.scope.covers(candidate)}
        return Memory(entries=kept)

    def forget(self, kinds: Iterable[str]) -> "Memory":
        """Without the failures of these classes; ``all`` names every class."""
        names = set(kinds)
        if "all" in names:
            return Memory()
        return Memory(entries={key: item for key, item in self.entries.items() if item.kind not in names})

    def prune(self, now: float) -> "Memory":
        """Without what ended more than `FORGET_AFTER_S` ago."""
        kept = {key: item for key, item in self.entries.items() if now - lasts(item) < FORGET_AFTER_S}
        return Memory(entries=kept)

    def merge(self, other: "Memory") -> "Memory":
        """Both; of the same class and scope the later one, with the longer hold and the higher count."""
        merged = dict(self.entries)
        for key, item in other.entries.items():
            mine = merged.get(key)
            merged[key] = item if mine is None else _later(mine, item)
        return Memory(entries=merged)


def remember_all(memory: Memory, verdicts: Iterable[Verdict], candidate: Candidate, now: float) -> Memory:
    """``memory`` with what each verdict puts out. A stop puts nothing out: its remedy is immediate."""
    for verdict in verdicts:
        if verdict.reaction is not Reaction.STOP:
            memory = memory.remember(make_failure(verdict, candidate, now))
    return memory


def lasts(failure: Failure) -> float:
    """Epoch seconds until which ``failure`` holds; infinite where only a person ends it."""
    return inf if failure.until is None else failure.until


def _key(failure: Failure) -> _Key:
    return failure.kind, failure.scope


def _later(one: Failure, two: Failure) -> Failure:
    newer = two if two.since >= one.since else one
    if newer.until is None or one.until is None or two.until is None:
        return replace(newer, times=max(one.times, two.times))
    return replace(newer, until=max(one.until, two.until), times=max(one.times, two.times))
