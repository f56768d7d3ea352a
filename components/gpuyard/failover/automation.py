"""Pulumi's Automation API as the engine of the loop: one `pulumi up` per try, cut and stopped gracefully.

A first interrupt, from a person or at the time limit, asks the engine to cancel: it finishes or aborts
what is in flight, saves its state and ends. Only a second one ends it at once.
"""

import contextlib
import os
import shutil
import signal
import subprocess
import threading
from collections.abc import Callable, Iterator, Mapping
from datetime import UTC, datetime
from typing import Any

from pulumi import automation
from pulumi.automation import errors as automation_errors
from pulumi.automation.events import EngineEvent, OpType

from gpuyard.errors import EngineError
from gpuyard.failover.candidate import Candidate
from gpuyard.failover.naming import StackNames, leftovers, serving_rungs
from gpuyard.failover.runner import Attempt
from gpuyard.failover.watching import EVERY_S, Machines, Watcher, Watching

GRACE_S = 600
"""How long a cancelled operation may take to end by itself before it is ended."""
HOW_TO_GET_PULUMI = (
    "`pulumi` is not on PATH: install it (https://www.pulumi.com/docs/install/) or run where it is. "
    "`gpuyard plan`, `capacity`, `report` and `drill` need none."
)
_ENDED_BY_US = ("update failed", "preview failed", "destroy failed")
_PROGRAM_FAILED = ("Program failed with an unhandled exception", "an unhandled error occurred")

Probing = Callable[[Mapping[str, Candidate]], Mapping[str, str]]


class InterruptibleCommand(automation.PulumiCommand):
    """The Pulumi CLI in a session of its own, so that an interrupt reaches it when we pass it on."""

    def __init__(self) -> None:
        if shutil.which("pulumi") is None:
            raise EngineError(HOW_TO_GET_PULUMI)
        try:
            super().__init__()
        except (OSError, subprocess.CalledProcessError) as error:
            raise EngineError(f"`pulumi version` fails: {error}") from None
        except automation_errors.InvalidVersionError as error:
            raise EngineError(str(error)) from None
        self._process: subprocess.Popen[str] | None = None

    def interrupt(self) -> None:
        """Pass an interrupt to the running command: once to cancel, twice to end it."""
        process = self._process
        if process is not None and process.poll() is None:
            with contextlib.suppress(ProcessLookupError):
                process.send_signal(signal.SIGINT)

    def run(
        self,
        args: list[str],
        cwd: str,
        additional_env: Mapping[str, str],
        on_output: Callable[[str], Any] | None = None,
        on_error: Callable[[str], Any] | None = None,
    ) -> Any:
        """As the SDK's, in its own session.

        Raises:
            CommandError: the command failed.
        """
        environment = {**os.environ, **additional_env, "PULUMI_AUTOMATION_API": "true"}
        with subprocess.Popen(  # noqa: S603 (the CLI that was found on PATH)
            [self.command, "--non-interactive", *args],
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            cwd=cwd,
            env=environment,
            encoding="utf-8",
            errors="replace",
            start_new_session=True,
        ) as process:
            self._process = process
            out, err = list[str](), list[str]()
            readers = [
                threading.Thread(target=_drain, args=(process.stdout, on_output, out), daemon=True),
                threading.Thread(target=_drain, args=(process.stderr, on_error, err), daemon=True),
            ]
            for reader in readers:
                reader.start()
            for reader in readers:
                reader.join()
            code = process.wait()
        self._process = None
        result = automation.CommandResult(stdout="\n".join(out), stderr="\n".join(err), code=code)
        if code != 0:
            raise automation_errors.create_command_error(result)
        return result


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
        seen = _Seen(self._report, self.events)
        is_late = threading.Event()
        heard: list[tuple[str, str]] = []

        def cut(refusals: tuple[tuple[str, str], ...]) -> None:
            heard.extend(refusals)
            self._report("the cloud refuses the machines that are missing: cancelling")
            self.command.interrupt()
            after(GRACE_S, self.command.interrupt)

        watcher = self._watcher(seen, cut)

        def look(*, is_last: bool = False) -> None:
            if not is_last and self._machines_named() <= seen.done:
                self._report("machines are there; what comes after them may take as long again")
                after(limit_s, lambda: look(is_last=True))
                return
            is_late.set()
            self._report("the time limit of this rung is over: cancelling")
            self.command.interrupt()
            after(GRACE_S, self.command.interrupt)

        timers: list[threading.Timer] = []

        def after(seconds: float, call: Callable[[], None]) -> None:
            timer = threading.Timer(seconds, call)
            timer.daemon = True
            timers.append(timer)
            timer.start()

        after(limit_s, look)
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
            for timer in timers:
                timer.cancel()
        if not failed:
            return Attempt(ready=frozenset(self._names.endpoints.values()))
        program = next((text for _, text in seen.errors if any(mark in text for mark in _PROGRAM_FAILED)), "")
        if program:
            raise EngineError(f"the program failed: {program}")
        cut_off = bool(heard) or is_late.is_set() or self._stop_asked.is_set()
        return Attempt(
            errors=_told(seen, heard, failed, cut_off=cut_off),
            is_timed_out=is_late.is_set(),
            is_interrupted=self._stop_asked.is_set(),
            ready=self._ready(),
        )

    def remove(self, kept: Mapping[str, int], *, keeps_clusters: bool) -> str:
        """A targeted `pulumi destroy`, with what depends on the targets."""
        resources, _ = self.resources()
        urns = leftovers(self._names, kept, resources, keeps_clusters=keeps_clusters)
        if not urns:
            return ""
        seen = _Seen(self._report, [])
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

    def _watcher(self, seen: "_Seen", cut: Callable[[tuple[tuple[str, str], ...]], None]) -> Watcher | None:
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


class _Seen:
    """What the engine's events tell: progress for people, errors for the classifier, times for reports."""

    def __init__(self, report: Callable[[str], None], events: list[dict[str, Any]]) -> None:
        self._report, self._events = report, events
        self.errors: list[tuple[str, str]] = []
        self.done: set[str] = set()
        """Names of resources that are as they should be."""
        self.begun: Callable[[Machines], None] = lambda _: None
        """Told each node group or pool whose making begins."""

    def note(self, event: EngineEvent) -> None:
        stamp = datetime.now(UTC).timestamp()
        before, after, failed = event.resource_pre_event, event.res_outputs_event, event.res_op_failed_event
        if before is not None:
            self._step(stamp, "resourcePreEvent", before.metadata, "")
            if before.metadata.type in MACHINE_KEYS and before.metadata.op != OpType.SAME:
                self.begun(_machines(before.metadata))
        elif after is not None:
            self.done.add(after.metadata.urn.rpartition("::")[2])
            self._step(stamp, "resOutputsEvent", after.metadata, "done")
        elif failed is not None:
            self._step(stamp, "resOpFailedEvent", failed.metadata, "failed")
        elif event.diagnostic_event is not None and event.diagnostic_event.severity == "error":
            text = event.diagnostic_event.message.strip()
            self.errors.append((event.diagnostic_event.urn or "", text))

    def _step(self, stamp: float, key: str, metadata: Any, how: str) -> None:
        op = metadata.op.value if isinstance(metadata.op, OpType) else str(metadata.op)
        self._events.append(
            {"timestamp": stamp, key: {"metadata": {"op": op, "urn": metadata.urn, "type": metadata.type}}}
        )
        if op != "same" and _is_worth_a_line(metadata.type):
            name = metadata.urn.rpartition("::")[2]
            self._report(f"  {op} {metadata.type} {name}" + (f": {how}" if how else ""))


MACHINE_KEYS = {
    "aws:eks/nodeGroup:NodeGroup": ("aws", "nodeGroupName", "clusterName"),
    "gcp:container/nodePool:NodePool": ("gcp", "name", "cluster"),
}
"""Cloud, and the inputs that name machines and cluster there, by type."""


def _machines(metadata: Any) -> Machines:
    """What the engine tells of a node group or pool before it is made; its names are settled by then."""
    cloud, name, cluster = MACHINE_KEYS[metadata.type]
    inputs = metadata.new.inputs if metadata.new else {}
    return Machines(
        urn=metadata.urn,
        cloud=cloud,
        name=str(inputs.get(name, "")),
        cluster=str(inputs.get(cluster, "")).rpartition("/")[2],
        location=str(inputs.get("location", "")),
        project=str(inputs.get("project", "")),
    )


_LOCKED = "another update of this stack is in progress: wait for it, or run `pulumi cancel` if there is none"
_SLOW_TYPES = (
    "aws:eks/",
    "aws:ec2/vpc:",
    "aws:ec2/natGateway:",
    "aws:ec2/capacity",
    "gcp:container/",
    "gcp:compute/network:",
    "gcp:compute/reservation:",
    "kubernetes:helm.sh/",
    "kubernetes:apps/",
)


def _is_worth_a_line(type_: str) -> bool:
    """Resources that take time or money; the others would drown them."""
    return type_.startswith(_SLOW_TYPES)


def _is_of_the_cancellation(text: str) -> bool:
    lowered = text.lower()
    return "cancel" in lowered or "context deadline" in lowered or "interrupt" in lowered


def _told(
    seen: _Seen, heard: list[tuple[str, str]], failed: str, *, cut_off: bool
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


def _drain(stream: Any, callback: Callable[[str], Any] | None, lines: list[str]) -> None:
    for line in iter(stream.readline, ""):
        text = line.rstrip()
        lines.append(text)
        if callback:
            callback(text)
    stream.close()


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
