"""Checks that run at once, against one deadline, and never raise."""

import queue
import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from enum import StrEnum

from gpuyard.discovery.failure import masked


class Purpose(StrEnum):
    """What a machine is asked to be fit for."""

    PLAN = "plan"
    """Everything offline: plan, check, fit, compat, cost, report, diff, lock, drill."""
    CAPACITY = "capacity"
    """Asking the clouds: `capacity --live`, `catalog refresh`."""
    UP = "up"
    """Deploying."""


class Status(StrEnum):
    """How a check ended."""

    OK = "ok"
    WARNING = "warning"
    """Works, or will do for now; see the message."""
    FAILED = "failed"
    """Does not work, or did not answer in time."""
    UNKNOWN = "unknown"
    """It cannot be told before another check succeeds."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Verdict:
    """What a check found."""

    status: Status
    message: str
    fix: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Check:
    """One thing to look at."""

    id: str
    """Stable, e.g. ``aws.identity``."""
    purposes: frozenset[Purpose]
    """What fails without it. Empty: good to know."""
    cloud: str = ""
    """The cloud that it is about; empty: none."""
    look: Callable[[], Verdict]


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """A check with its verdict."""

    check: Check
    verdict: Verdict
    seconds: float


@dataclass
class _Outcome:
    verdict: Verdict | None = None
    seconds: float = 0
    done: threading.Event = field(default_factory=threading.Event)


def run_checks(checks: Sequence[Check], seconds: float, concurrency: int = 8) -> list[Finding]:
    """Every check's finding, in the order given, after ``seconds`` at most.

    A check that hangs is left behind in its thread, which ends with the process, and has failed.
    """
    deadline = time.monotonic() + seconds
    waiting: queue.SimpleQueue[tuple[Check, _Outcome]] = queue.SimpleQueue()
    outcomes = [_Outcome() for _ in checks]
    for pair in zip(checks, outcomes, strict=True):
        waiting.put(pair)
    for _ in range(min(concurrency, len(checks))):
        threading.Thread(target=_work, args=(waiting,), daemon=True).start()
    findings = []
    for check, outcome in zip(checks, outcomes, strict=True):
        outcome.done.wait(max(deadline - time.monotonic(), 0))
        verdict = outcome.verdict if outcome.done.is_set() else None
        late = Verdict(
            status=Status.FAILED,
            message=f"no answer within {seconds:g} s",
            fix="check the network, or allow more with --timeout",
        )
        findings.append(Finding(check=check, verdict=verdict or late, seconds=outcome.seconds))
    return findings


def _work(waiting: "queue.SimpleQueue[tuple[Check, _Outcome]]") -> None:
    while True:
        try:
            check, outcome = waiting.get_nowait()
        except queue.Empty:
            return
        began = time.monotonic()
        try:
            verdict = check.look()
        except Exception as error:  # noqa: BLE001 (a check that breaks is a finding)
            verdict = Verdict(
                status=Status.FAILED,
                message=f"{type(error).__name__}: {masked(str(error))[:300]}",
                fix="if this goes on, please report it as a bug",
            )
        outcome.verdict, outcome.seconds = verdict, round(time.monotonic() - began, 2)
        outcome.done.set()
