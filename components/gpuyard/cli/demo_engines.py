"""Preview, up, refresh and destroy of one stack on simulated clouds, by the Pulumi engine or its double."""

import tempfile
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import gpuyard
from gpuyard.engine.project import Project, find_project, load_project, load_stack
from gpuyard.errors import EngineError, SpecError
from gpuyard.planner import program_folder
from gpuyard.units import format_seconds

_PAST = {
    "create": "created",
    "update": "updated",
    "replace": "replaced",
    "delete": "deleted",
    "same": "unchanged",
}
_ORDER = tuple(_PAST)


@dataclass(frozen=True, slots=True, kw_only=True)
class Stage:
    """One operation on the stack."""

    operation: str
    counts: Mapping[str, int]
    """Resources by what happened to them: create, update, replace, delete, same, …"""
    failures: tuple[str, ...]
    """What was refused, in the clouds' words."""
    seconds: float
    """Real ones."""
    simulated_seconds: float | None
    """What it would have taken in the clouds; None: not known, or nothing has been timed."""

    def describe(self) -> str:
        """One line for people; failures below it."""
        shown = [key for key in _ORDER if self.counts.get(key)]
        shown += sorted(key for key in self.counts if key not in _ORDER and self.counts[key])
        if self.operation == "preview":
            words = [
                f"{self.counts[key]} to {key}" if key != "same" else f"{self.counts[key]} unchanged"
                for key in shown
            ]
        else:
            words = [f"{self.counts[key]} {_PAST.get(key, key)}" for key in shown]
        text = f"{self.operation:<9} {', '.join(words) or 'nothing'}"
        if self.operation == "refresh" and set(shown) <= {"same"}:
            text = f"{self.operation:<9} no changes"
        times = [f"{self.seconds:.1f} s"]
        if self.simulated_seconds:
            times.append(f"{format_seconds(self.simulated_seconds)} of simulated time")
        lines = [f"{text}  ({', '.join(times)})", *(f"  {failure}" for failure in self.failures)]
        return "\n".join(lines)

    def as_dict(self) -> dict[str, Any]:
        """JSON-ready data."""
        return {
            "operation": self.operation,
            "counts": dict(self.counts),
            "failures": list(self.failures),
            "seconds": round(self.seconds, 3),
            "simulated_seconds": self.simulated_seconds,
        }


def choose_engine(wanted: str) -> str:
    """``pulumi`` or ``in-process``.

    Raises:
        EngineError: pulumi is wanted and not on PATH.
    """
    from gpuyard.simulate.pulumi_cli import find_pulumi

    found = find_pulumi()
    if wanted == "pulumi" and found is None:
        raise EngineError("pulumi is not on PATH\n  fix: install the Pulumi CLI, or add --engine in-process")
    return wanted if wanted != "auto" else ("pulumi" if found else "in-process")


def find_demo_project(directory: Path, stack: str) -> Project:
    """The project that ``directory`` lies in, if it has ``stack``; from outside any project, the example.

    Raises:
        SpecError: the project has no such stack, or cannot be read.
    """
    try:
        project = find_project(directory)
    except SpecError as error:
        example = _example()
        if example is None or any(finding.code != "NO_PROJECT" for finding in error.findings):
            raise
        project = load_project(example)
    load_stack(project, stack)
    return project


def _example() -> Path | None:
    """The example project: in the installed package, or the checkout that it is run from."""
    package = Path(gpuyard.__file__ or "").parent
    for place in (package / "example", package.parent.parent):
        if (place / "Pulumi.yaml").is_file():
            return place
    return None


def run_stages(engine: str, project: Project, stack: str, on_stage: Callable[[Stage], None]) -> list[Stage]:
    """Preview, up, refresh, destroy; ends early, after destroying, where one of them fails.

    Raises:
        EngineError: the engine could not be run, or found changes where there are none.
    """
    stages = []
    for stage in (_by_pulumi if engine == "pulumi" else _in_process)(project, stack):
        stages.append(stage)
        on_stage(stage)
        if stage.operation == "refresh" and not stage.failures and set(stage.counts) - {"same", "read"}:
            raise EngineError("refresh found changes that nobody made: please report this as a bug")
    return stages


def _by_pulumi(project: Project, stack: str) -> Iterator[Stage]:
    from gpuyard.simulate.pulumi_cli import OPERATIONS, PulumiCli, copy_project
    from gpuyard.simulate.scenario import scenario_file

    with tempfile.TemporaryDirectory(prefix="gpuyard-demo-", ignore_cleanup_errors=True) as folder:
        scripted = scenario_file(program_folder(project), stack)
        cli = PulumiCli(Path(folder), scenario=scripted if scripted.is_file() else None)
        root = copy_project(project, Path(folder))
        cli.make_stack(root, stack)
        failed = False
        for operation in OPERATIONS:
            if failed and operation != "destroy":
                continue
            run = cli.run(root, stack, operation)
            failed = failed or bool(run.failures)
            yield Stage(
                operation=operation,
                counts=run.counts,
                failures=run.failures,
                seconds=run.seconds,
                simulated_seconds=None,
            )


def _in_process(project: Project, stack: str) -> Iterator[Stage]:
    from gpuyard.engine.protocol import UNKNOWN_STRING
    from gpuyard.simulate.clouds import Clouds
    from gpuyard.simulate.deployment import SimulatedStack
    from gpuyard.simulate.durations import typical_scenario
    from gpuyard.simulate.pulumi_cli import PLACEHOLDER
    from gpuyard.simulate.scenario import load_scenario

    config = load_stack(project, stack)
    values = {key: text.replace(UNKNOWN_STRING, PLACEHOLDER) for key, text in config.values.items()}
    simulated = SimulatedStack(
        project.main,
        project=project.name,
        stack=stack,
        root=project.root,
        config=values,
        secret_keys=config.secret_keys,
        clouds=Clouds(scenario=load_scenario(program_folder(project), stack) or typical_scenario()),
    )
    failed, at = False, 0.0
    for operation in ("preview", "up", "refresh", "destroy"):
        if failed and operation != "destroy":
            continue
        began = time.monotonic()
        outcome = getattr(simulated, operation)(at=at)
        at = outcome.end
        failures = tuple(f"{step.name}: {step.error}" for step in outcome.failures)
        failed = failed or bool(failures)
        yield Stage(
            operation=operation,
            counts={str(key): count for key, count in outcome.counts.items()},
            failures=failures,
            seconds=time.monotonic() - began,
            simulated_seconds=outcome.seconds,
        )
