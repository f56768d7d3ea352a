"""Record what a program asks for: every resource with inputs, parent, provider and place in the source."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from gpuyard.engine.answers import Answers
from gpuyard.engine.sdk import ProgramMonitor, run_program
from gpuyard.resources import Resource


@dataclass(frozen=True, slots=True, kw_only=True)
class Recording:
    """One run of a program as a first preview would see it."""

    project: str
    stack: str
    resources: tuple[Resource, ...]
    """Sorted by URN: threads interleave, the recording does not."""
    outputs: Mapping[str, Any]
    messages: tuple[tuple[str, str], ...]
    """Severity and text of what the program logged, sorted."""


def record(
    program: Callable[[], None] | Path,
    *,
    project: str,
    stack: str,
    answers: Answers,
    root: Path,
    config: Mapping[str, str] | None = None,
    secret_keys: Iterable[str] = (),
) -> Recording:
    """Run ``program`` in preview mode and keep what it asked for.

    Raises:
        GpuyardError: the program's own, or an `EngineError`.
    """
    messages: list[tuple[str, str]] = []
    monitor = ProgramMonitor(answers, project=project, stack=stack, preview=True, root=root)
    run_program(
        program,
        monitor,
        project=project,
        stack=stack,
        config=config or {},
        secret_keys=secret_keys,
        log=lambda severity, text: messages.append((severity, text)),
    )
    return Recording(
        project=project,
        stack=stack,
        resources=tuple(monitor.recorded[urn] for urn in sorted(monitor.recorded)),
        outputs=dict(sorted(monitor.stack_outputs.items())),
        messages=tuple(sorted(messages)),
    )
