"""Pulumi's Automation API as the engine of the loop: one `pulumi up` per try, cut and stopped gracefully.

A first interrupt, from a person or at the time limit, asks the engine to cancel: it finishes or aborts
what is in flight, saves its state and ends. Only a second one ends it at once.
"""

import contextlib
import threading
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any

from pulumi import automation
from pulumi.automation import errors as automation_errors

from gpuyard.errors import EngineError
from gpuyard.failover.candidate import Candidate
from gpuyard.failover.engine_events import Seen
from gpuyard.failover.interruptible import InterruptibleCommand
from gpuyard.failover.naming import StackNames, leftovers, serving_rungs
from gpuyard.failover.runner import Attempt
from gpuyard.failover.time_limit import TimeLimit
from gpuyard.failover.watching import EVERY_S, Watcher, Watching

_ENDED_BY_US = ("update failed", "preview failed", "destroy failed")
_PROGRAM_FAILED = ("Program failed with an unhandled exception", "an unhandled error occurred")

Probing = Callable[[Mapping[str, Candidate]], Mapping[str, str]]


class PulumiEngine:
    """One stack under the real engine."""

    def __init__(
        self,
        *,
        directory: str,
        stack: str,
        names: StackNames,
        active: Callable[[], Mapping[str, int]],
        report: Callable[[str], None],
        probing: Probing | None = None,
        watching: Watching | None = None,
        watch_every_s: float = EVERY_S,
        keeps_clusters: bool = False,
    ) -> None:
        """``active`` tells the rungs that the lock names now; ``report`` is told every line.

        ``watching`` is asked while a try runs; what it tells may cut the try before its limit.
        """
        self.command = InterruptibleCommand()
        self._workspace = automation.LocalWorkspace(work_dir=directory, pulumi_command=self.command)
        self._name = stack
        self._selected: automation.Stack | None = None
        try:
            with _as_engine_errors():
                self._selected = automation.Stack.select(stack, self._workspace)
        except automation_errors.StackNotFoundError:
            report(f"stack {stack} is new: it is created with the first try")
        self._names, self._active, self._report, self._probing = names, active, report, probing
        self._watching, self._watch_every_s = watching, watch_every_s
        self._keeps_clusters = keeps_clusters
        self.events: list[dict[str, Any]] = []
        """Begin and end of every operation, as `leadtime.observed.measure_events` reads them."""
        self._stop_asked = threading.Event()

    @property
    def _stack(self) -> automation.Stack:
        """The stack; made where it is not there yet."""
        if self._selected is None:
            with _as_engine_errors():
                self._selected = automation.Stack.create(self._name, self._workspace)
        return self._selected

    def ask_to_stop(self) -> None:
        """Stop after the operation in flight; a second time ends it at once."""
        first = not self._stop_asked.is_set()
        self._stop_asked.set()
        self.command.interrupt()
        self._report(
            "stopping: what is in flight is finished first; once more ends it at once, and state may lack it"
            if first
            else "ending at once"
        )

    def wait(self, seconds: float) -> bool:
        """Wait; whether a person asked to stop meanwhile."""
        return self._stop_asked.wait(seconds)

    def resources(self) -> tuple[tuple[Mapping[str, Any], ...], tuple[str, ...]]:
        """Resources of the state, and URNs of operations that were left half done."""
        if self._selected is None:
            return (), ()
        with _as_engine_errors():
            deployment = self._selected.export_stack().deployment or {}
        pending = [
            item.get("resource", {}).get("urn", "") for item in deployment.get("pending_operations") or ()
        ]
        return tuple(deployment.get("resources") or ()), tuple(pending)

    def up(self, limit_s: float) -> Attempt:
        """`pulumi up`; cancelled at the limit.

        Raises:
            EngineError: the program itself failed, another update runs, or the engine cannot start.
        """
        if self._stop_asked.is_set():
            return Attempt(is_interrupted=True, ready=self._ready())
        seen = Seen(self._report, self.events)
        limit = TimeLimit(
            limit_s,
            is_there=lambda: self._machines_named() <= seen.done,
            interrupt=self.command.interrupt,
            report=self._report,
        )
        watcher = self._watcher(seen, limit.cut)
        limit.start()
        failed = ""
        if watcher:
            seen.begun = watcher.expect
            watcher.start(self._watch_every_s)
        try:
            self._stack.up(on_event=seen.note, color="never", exclude=self._kept() or None)
        except automation_errors.ConcurrentUpdateError:
            raise EngineError(_LOCKED) from None
        except automation_errors.CommandError as error:
            failed = str(error)
        finally:
            if watcher:
                watcher.stop()
            limit.stop()
        if not failed:
            return Attempt(ready=frozenset(self._names.endpoints.values()))
        program = next((text for _, text in seen.errors if any(mark in text for mark in _PROGRAM_FAILED)), "")
        if program:
            raise EngineError(f"the program failed: {program}")
        cut_off = limit.is_cut or self._stop_asked.is_set()
        return Attempt(
            errors=_told(seen, limit.refusals, failed, cut_off=cut_off),
            is_timed_out=limit.is_late,
            is_interrupted=self._stop_asked.is_set(),
            ready=self._ready(),
        )

    def remove(self, kept: Mapping[str, int], *, keeps_clusters: bool) -> str:
        """A targeted `pulumi destroy`, with what depends on the targets."""
        resources, _ = self.resources()
        urns = leftovers(self._names, kept, resources, keeps_clusters=keeps_clusters)
        if not urns:
            return ""
        seen = Seen(self._report, [])
        try:
            self._stack.destroy(
                target=list(urns), target_dependents=True, on_event=seen.note, color="never", refresh=False
            )
        except automation_errors.ConcurrentUpdateError:
            raise EngineError(_LOCKED) from None
        except automation_errors.CommandError as error:
            texts = [text for _, text in seen.errors if text.strip() not in _ENDED_BY_US]
            return "; ".join(texts) or _last_words(str(error))
        return ""

    def probe(self, selection: Mapping[str, Candidate]) -> Mapping[str, str]:
        """What look-ups tell; nothing where none was given."""
        return self._probing(selection) if self._probing else {}

    def _kept(self) -> list[str]:
        """URNs of abandoned clusters that stay; without their pools."""
        if not self._keeps_clusters:
            return []
        resources, _ = self.resources()
        active = self._active()
        everything = leftovers(self._names, active, resources, keeps_clusters=False)
        pools = leftovers(self._names, active, resources, keeps_clusters=True)
        return [urn for urn in everything if urn not in pools]

    def _watcher(self, seen: Seen, cut: Callable[[tuple[tuple[str, str], ...]], None]) -> Watcher | None:
        if self._watching is None:
            return None
        return Watcher(watching=self._watching, missing=lambda: self._machines_named() - seen.done, cut=cut)

    def _machines_named(self) -> set[str]:
        """Names of the node groups and pools of the active rungs."""
        return {self._names.machines[key] for key in self._active().items()}

    def _ready(self) -> frozenset[str]:
        resources, pending = self.resources()
        active = self._active()
        found = serving_rungs(self._names, active, resources, pending)
        return frozenset(name for name, index in found.items() if active.get(name) == index)


_LOCKED = "another update of this stack is in progress: wait for it, or run `pulumi cancel` if there is none"


def _is_of_the_cancellation(text: str) -> bool:
    lowered = text.lower()
    return "cancel" in lowered or "context deadline" in lowered or "interrupt" in lowered


def _told(
    seen: Seen, heard: Iterable[tuple[str, str]], failed: str, *, cut_off: bool
) -> tuple[tuple[str, str], ...]:
    """What failed, in the clouds' words: without what follows from ending the command ourselves."""
    errors = [(urn, text) for urn, text in seen.errors if text.strip() not in _ENDED_BY_US]
    if cut_off:
        errors = [(urn, text) for urn, text in errors if not _is_of_the_cancellation(text)]
    errors += heard
    if not errors and not cut_off:
        errors = [("", _last_words(failed))]
    return tuple(errors)


def _last_words(text: str) -> str:
    """The end of a command's own output: its last lines that say something."""
    lines = [
        line.strip() for line in text.splitlines() if line.strip() and not line.strip().startswith("code:")
    ]
    return " ".join(lines[-3:])[:2000] or "the engine failed and said nothing"


@contextlib.contextmanager
def _as_engine_errors() -> Iterator[None]:
    """Failures of the CLI as errors for people."""
    try:
        yield
    except automation_errors.StackNotFoundError:
        raise
    except automation_errors.ConcurrentUpdateError:
        raise EngineError(_LOCKED) from None
    except automation_errors.CommandError as error:
        raise EngineError(f"pulumi failed: {_last_words(str(error))}") from None
