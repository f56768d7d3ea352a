"""The live half of ``gpuyard capacity``: ask the clouds, show progress, write evidence, name the gaps."""

import sys
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import date
from math import ceil
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

if TYPE_CHECKING:
    from gpuyard.capacity.demand import Demand, GpuNeed
    from gpuyard.catalog.hardware import MachineType
    from gpuyard.discovery.asking import Progress
    from gpuyard.discovery.request import SurveyRequest
    from gpuyard.discovery.survey import LockedOut, Survey

LINE_SECONDS = 5
"""Where nobody watches, progress is a line this often."""


def live_options(command: Callable[..., Any]) -> Callable[..., Any]:
    """``--live`` and the options that go with it."""
    options = (
        click.option("--live", is_flag=True, help="Ask the clouds first, read-only, and write the evidence."),
        click.option("--profile", default="", help="AWS profile for --live.  [default: the usual chain]"),
        click.option("--project", default="", help="Google project for --live.  [default: the stack's]"),
        click.option(
            "--timeout",
            "timeout_seconds",
            type=click.FloatRange(1, 3600),
            default=180,
            show_default=True,
            help="Seconds for the whole of --live.",
        ),
        click.option(
            "--concurrency",
            type=click.IntRange(1, 64),
            default=16,
            show_default=True,
            help="Calls of --live in flight at once.",
        ),
    )
    for option in reversed(options):
        command = option(command)
    return command


def ask_clouds(demands: Sequence["Demand"], path: Path, options: Mapping[str, Any], project: str = "") -> int:
    """Ask about every demand, lay the answers over the evidence in ``path``, and say on stderr what is open.

    Exit code 3 when no cloud could be asked, 130 after an interrupt (answers are kept), else 0.

    Raises:
        SpecError: the evidence file is broken, or cannot be written; nothing was asked then.
    """
    from gpuyard.catalog.evidence_file import read_evidence
    from gpuyard.discovery.record import record
    from gpuyard.discovery.survey import survey

    read_evidence(path)
    request = survey_request(demands, options, project)
    progress = ProgressLines()
    began = time.monotonic()
    found = survey(request, progress.show)
    progress.close()
    if found.evidence.answers or found.evidence.gaps:
        record(found.evidence, path)
    for line in summary(found, path, time.monotonic() - began):
        click.echo(line, err=True)
    if found.was_interrupted:
        return 130
    return 3 if found.locked_out and not found.evidence.answers else 0


def survey_request(
    demands: Sequence["Demand"], options: Mapping[str, Any], project: str = ""
) -> "SurveyRequest":
    """Machine types, regions and sizes of all demands together."""
    from gpuyard.discovery.request import (
        BLOCK_DAYS_MAX,
        BLOCK_HOURS,
        CALENDAR_DAYS_MAX,
        START_WITHIN_DAYS,
        SurveyRequest,
        block_days,
    )

    machines: dict[str, set[str]] = {}
    regions: dict[str, dict[str, None]] = {}
    instances, lengths, ahead = 1, [], [START_WITHIN_DAYS]
    today = date.today()
    for demand in demands:
        starts = max(demand.start_by or today, today)
        ahead.append((starts - today).days)
        if demand.end and demand.end > starts:
            lengths.append(block_days((demand.end - starts).days))
        for place in demand.regions:
            regions.setdefault(place.cloud, {})[place.region] = None
        for need in demand.needs:
            for machine in _machines(need):
                machines.setdefault(machine.cloud, set()).add(machine.id)
                instances = max(instances, _nodes(demand, need, machine))
    return SurveyRequest(
        machine_types={cloud: tuple(sorted(names)) for cloud, names in machines.items()},
        regions={cloud: tuple(names) for cloud, names in regions.items()},
        instances=instances,
        block_hours=tuple(sorted({*BLOCK_HOURS, *(24 * days for days in lengths if days <= BLOCK_DAYS_MAX)})),
        calendar_hours=24 * min(max(lengths), CALENDAR_DAYS_MAX) if lengths else 168,
        start_within_days=max(ahead),
        project=options.get("project") or project,
        profile=options.get("profile") or "",
        timeout_seconds=options["timeout_seconds"],
        concurrency=options["concurrency"],
    )


def summary(found: "Survey", path: Path, seconds: float) -> Iterable[str]:
    """What was found and what stayed open, one cause per entry."""
    from gpuyard.catalog.evidence import describe_gaps, group_gaps

    for locked in found.locked_out:
        yield from _locked_out(locked)
    answers = found.evidence.answers
    if answers:
        records = sum(len(answer.items) for answer in answers)
        yield f"{records} facts from {len(answers)} answers in {seconds:.0f} s, kept in {path}"
    if found.was_interrupted:
        yield "interrupted; what was answered is kept"
    for group in group_gaps(found.evidence.gaps):
        yield f"open: {describe_gaps(group)}"
        yield f"  {group[0].message}"
        yield f"  fix: {group[0].fix}"


def _machines(need: "GpuNeed") -> list["MachineType"]:
    from gpuyard.catalog.hardware import machine_types

    return [
        machine
        for machine in machine_types().values()
        if machine.gpu == need.accelerator and machine.gpu_count >= need.gpus_per_node
    ]


def _nodes(demand: "Demand", need: "GpuNeed", machine: "MachineType") -> int:
    """Machines that the replicas that are always on take at once."""
    if need.nodes_per_replica > 1:
        return need.nodes_per_replica * max(demand.replicas_min, 1)
    per_machine = max(int(machine.gpu_count) // need.gpus_per_replica, 1)
    return max(ceil(demand.replicas_min / per_machine), 1)


def _locked_out(locked: "LockedOut") -> Iterable[str]:
    yield f"{locked.cloud}: not asked: {locked.failure.message}"
    yield f"  fix: {locked.failure.fix}"
    yield f"  would ask: {', '.join(locked.would_ask)}"


class ProgressLines:
    """Progress on stderr: one line that changes on a terminal, a line every few seconds elsewhere."""

    def __init__(self) -> None:
        self._is_terminal = sys.stderr.isatty()
        self._last = time.monotonic()

    def show(self, progress: "Progress") -> None:
        """Tell where the survey stands."""
        text = f"asked {progress.done} of {progress.total}: {progress.title}"
        if self._is_terminal:
            click.echo(f"\r\x1b[K{text[:100]}", nl=False, err=True)
        elif time.monotonic() - self._last >= LINE_SECONDS:
            self._last = time.monotonic()
            click.echo(text, err=True)

    def close(self) -> None:
        """Clear the line."""
        if self._is_terminal:
            click.echo("\r\x1b[K", nl=False, err=True)
