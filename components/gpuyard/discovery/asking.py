"""Many questions at once: bounded threads, one deadline, every answer kept as it comes.

A task yields records; whatever it yielded before it failed is kept, and the failure becomes a gap. A
cause that holds for a whole region or cloud (expired credentials, a region not enabled) is asked about
once: what waits behind it becomes a gap without another call.
"""

import queue
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from typing import Any

from gpuyard.catalog.evidence import Answer, Evidence, Gap, merge
from gpuyard.catalog.evidence_items import Item, Question, Reason
from gpuyard.discovery.failure import Failure, KnownError, Scope


@dataclass(frozen=True, slots=True)
class Trouble:
    """Yielded by a task that goes on after a part of it failed."""

    error: Exception
    region: str = ""
    """Empty: every region of the task."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Task:
    """One question about one or several regions."""

    question: Question
    cloud: str
    account: str = ""
    regions: tuple[str, ...]
    subjects: tuple[str, ...] = ()
    ask: Callable[[], Iterator[Any]]
    """Yields records, or `Trouble`."""
    explain: Callable[[Exception], Failure]

    @property
    def title(self) -> str:
        """The task in words, for progress."""
        where = self.regions[0] if len(self.regions) == 1 else f"{len(self.regions)} regions"
        return f"{self.cloud} {where} {self.question.replace('_', ' ')}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Progress:
    """Where a survey stands, told after every task."""

    done: int
    total: int
    title: str
    items: int
    failure: Failure | None


OnProgress = Callable[[Progress], None]


@dataclass
class Asking:
    """Runs tasks and keeps every answer, also when it is stopped half-way."""

    deadline: float
    """On the monotonic clock."""
    concurrency: int = 16
    on_progress: OnProgress = field(default=lambda _: None)
    now: Callable[[], str] = lambda: datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
    was_interrupted: bool = False
    _closed: dict[tuple[str, str], Failure] = field(default_factory=dict)
    _answers: list[Answer] = field(default_factory=list)
    _gaps: list[Gap] = field(default_factory=list)
    _done: int = 0
    _total: int = 0

    @property
    def evidence(self) -> Evidence:
        """What was answered so far, and what stayed open."""
        return merge(Evidence(), Evidence(tuple(self._answers), tuple(_joined(self._gaps))))

    def run(self, tasks: Sequence[Task]) -> None:
        """Ask every task; returns when all are answered, given up, or the deadline has passed.

        Threads that hang in a call are left behind; they are daemons and end with the process.
        """
        self._total += len(tasks)
        if self.was_interrupted:
            self._give_up(tasks, _INTERRUPTED)
            return
        waiting: queue.SimpleQueue[Task] = queue.SimpleQueue()
        for task in tasks:
            waiting.put(task)
        outcomes: queue.SimpleQueue[Outcome | Exception] = queue.SimpleQueue()
        for _ in range(min(self.concurrency, len(tasks))):
            threading.Thread(target=self._work, args=(waiting, outcomes), daemon=True).start()
        open_tasks = {id(task): task for task in tasks}
        try:
            while open_tasks:
                left = self.deadline - time.monotonic()
                outcome = outcomes.get(timeout=max(left, 0.001))
                if isinstance(outcome, Exception):
                    raise outcome
                del open_tasks[id(outcome.task)]
                self._record(outcome)
        except queue.Empty:
            _drain(waiting)
            self._give_up(list(open_tasks.values()), _TOO_LATE)
        except KeyboardInterrupt:
            self.was_interrupted = True
            _drain(waiting)
            self._give_up(list(open_tasks.values()), _INTERRUPTED)

    def _work(
        self, waiting: "queue.SimpleQueue[Task]", outcomes: "queue.SimpleQueue[Outcome | Exception]"
    ) -> None:
        while True:
            try:
                task = waiting.get_nowait()
            except queue.Empty:
                return
            found: list[Any] = []
            try:
                if (closed := self._closed_for(task)) is not None:
                    raise KnownError(closed)  # noqa: TRY301 (explained like any other)
                found.extend(task.ask())
            except Exception as error:  # noqa: BLE001 (explained and reported, whatever it is)
                found.append(Trouble(error))
            try:
                outcomes.put(self._outcome(task, found))
            except Exception as bug:  # noqa: BLE001 (raised again where somebody sees it)
                outcomes.put(bug)

    def _closed_for(self, task: Task) -> Failure | None:
        closed = self._closed.get((task.cloud, ""))
        if closed is None and len(task.regions) == 1:
            closed = self._closed.get((task.cloud, task.regions[0]))
        return closed

    def _outcome(self, task: Task, found: Sequence[Any]) -> "Outcome":
        failures = [
            (part.region, self._explain(task, part.error)) for part in found if isinstance(part, Trouble)
        ]
        items = tuple(item for item in found if not isinstance(item, Trouble))
        return Outcome(task=task, items=items, failures=tuple(failures), as_of=self.now())

    def _explain(self, task: Task, error: Exception) -> Failure:
        failure = error.failure if isinstance(error, KnownError) else task.explain(error)
        if failure.scope is Scope.CLOUD:
            self._closed.setdefault((task.cloud, ""), failure)
        elif failure.scope is Scope.REGION and len(task.regions) == 1:
            self._closed.setdefault((task.cloud, task.regions[0]), failure)
        return failure

    def _record(self, outcome: "Outcome") -> None:
        answers, gaps = outcome.evidence()
        self._answers += answers
        self._gaps += gaps
        self._done += 1
        self.on_progress(
            Progress(
                done=self._done,
                total=self._total,
                title=outcome.task.title,
                items=len(outcome.items),
                failure=outcome.failures[-1][1] if outcome.failures else None,
            )
        )

    def _give_up(self, tasks: Sequence[Task], failure: Failure) -> None:
        for task in tasks:
            self._record(Outcome(task=task, items=(), failures=(("", failure),), as_of=self.now()))


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """What a task brought, and what went wrong with it, by region; an empty region stands for all."""

    task: Task
    items: tuple[Item, ...]
    failures: tuple[tuple[str, Failure], ...]
    as_of: str

    def evidence(self) -> tuple[list[Answer], list[Gap]]:
        """One answer per region that said anything, one gap per region that failed."""
        answers, gaps = [], []
        for region in self.task.regions:
            place: dict[str, Any] = {
                "question": self.task.question,
                "cloud": self.task.cloud,
                "account": self.task.account,
                "region": region,
                "subjects": self.task.subjects,
                "as_of": self.as_of,
            }
            failed = next((failure for where, failure in self.failures if where in ("", region)), None)
            own = [item for item in self.items if len(self.task.regions) == 1 or item.region == region]
            if own or failed is None:
                dated = tuple(replace(item, as_of=self.as_of) for item in own)
                answers.append(Answer(**place, is_complete=failed is None, items=dated))
            if failed is not None:
                cause = {name: getattr(failed, name) for name in ("reason", "message", "fix", "permission")}
                gaps.append(Gap(**place, **cause))
        return answers, gaps


_TOO_LATE = Failure(
    reason=Reason.TIMEOUT,
    message="no answer before the time limit of the survey",
    fix="allow more time with --timeout, or ask for fewer regions",
)
_INTERRUPTED = Failure(
    reason=Reason.NOT_ASKED, message="the survey was interrupted", fix="run it again; answers are kept"
)


def _joined(gaps: Sequence[Gap]) -> Iterator[Gap]:
    """Gaps of one question, place and cause as one, with the subjects of all."""
    found: dict[tuple[Any, ...], Gap] = {}
    for gap in gaps:
        key = (gap.question, gap.cloud, gap.account, gap.region, gap.reason, gap.message, bool(gap.subjects))
        held = found.get(key)
        subjects = tuple(dict.fromkeys((*held.subjects, *gap.subjects))) if held else gap.subjects
        found[key] = replace(gap, subjects=subjects)
    yield from found.values()


def _drain(waiting: "queue.SimpleQueue[Task]") -> None:
    while True:
        try:
            waiting.get_nowait()
        except queue.Empty:
            return
