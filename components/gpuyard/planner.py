"""A stack planned in-process: the very program that Pulumi runs, recorded, checked and reported."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from gpuyard.costs.rates_file import load_rates
from gpuyard.engine.project import Project, find_project, load_stack
from gpuyard.engine.recorder import Recording, record
from gpuyard.engine.validate import validate
from gpuyard.errors import Finding, FindingsError, Severity, SpecError
from gpuyard.leadtime.measured import load_measured
from gpuyard.leadtime.observed import Subject
from gpuyard.report.model import Report
from gpuyard.resources import to_json
from gpuyard.simulate.preview import preview_answers
from gpuyard.simulate.scenario import load_scenario
from gpuyard.stack.actual import read_actual, subjects_of
from gpuyard.stack.reading import PlanWithFindings, read_stack
from gpuyard.stack.reporting import build_stack_report

SCHEMA = "gpuyard.plan/v1"
"""Name and version of a plan's JSON form."""
_REPORT = "gpuyard:index:StackReport"


@dataclass(frozen=True, slots=True, kw_only=True)
class PlannedStack:
    """What one stack would be, on the first preview of an empty account."""

    project: str
    stack: str
    recording: Recording | None
    """None: errors among the findings stopped the program before its end."""
    findings: tuple[Finding, ...]
    """Of deployment, lock and every planned input; errors first."""
    report: Report | None

    def as_dict(self) -> dict[str, Any]:
        """JSON-ready, as docs/reference/plan-schema.md has it."""
        recording = self.recording
        return {
            "schema": SCHEMA,
            "project": self.project,
            "stack": self.stack,
            "resources": [resource_dict(item) for item in recording.resources] if recording else [],
            "outputs": to_json(recording.outputs) if recording else {},
            "messages": [list(message) for message in recording.messages] if recording else [],
            "findings": [finding.as_dict() for finding in self.findings],
            "report": self.report.as_dict() if self.report else None,
        }


def resource_dict(resource: Any) -> dict[str, Any]:
    """A planned resource as JSON-ready data; keys as in a Pulumi preview where it has them."""
    return {
        "urn": resource.urn,
        "type": resource.type,
        "name": resource.name,
        "custom": resource.custom,
        "parent": resource.parent,
        "provider": resource.provider,
        "inputs": to_json(resource.inputs),
        "dependencies": list(resource.dependencies),
        "propertyDependencies": {key: list(urns) for key, urns in resource.property_dependencies.items()},
        "options": to_json(resource.options),
        "source": resource.source,
    }


def plan_program(directory: Path, stack: str = "", actual: Path | None = None) -> PlannedStack:
    """Plan ``stack`` of the project that ``directory`` lies in (empty: its only stack).

    Its own measured durations are used, or those of the file ``actual``, and its own rates.

    Raises:
        SpecError: no such project or stack, or input that cannot become a plan.
        GpuyardError: the program failed.
    """
    project = find_project(directory)
    stack = choose_stack(project, stack)
    config = load_stack(project, stack)
    try:
        recording = record(
            project.main,
            project=project.name,
            stack=stack,
            answers=preview_answers(config.values, load_scenario(program_folder(project), stack)),
            root=project.root,
            config=config.values,
            secret_keys=config.secret_keys,
        )
    except FindingsError as error:
        return PlannedStack(
            project=project.name, stack=stack, recording=None, findings=_sorted(error.findings), report=None
        )
    plans = tuple(_plans(recording, program_folder(project)))
    checked = validate(recording.resources)
    if actual is None:
        measured = load_measured(program_folder(project), stack)
    else:
        measured = read_actual(actual, _subjects(plans, recording))
    rates = load_rates(program_folder(project), stack)
    report = build_stack_report(stack, recording.resources, plans, checked, measured, rates)
    return PlannedStack(
        project=project.name,
        stack=stack,
        recording=recording,
        findings=report.findings,
        report=report,
    )


def _subjects(plans: tuple[PlanWithFindings, ...], recording: Recording) -> dict[str, Subject]:
    return {
        name: subject for plan, _ in plans for name, subject in subjects_of(plan, recording.resources).items()
    }


def choose_stack(project: Project, stack: str) -> str:
    """``stack``, or the only one there is.

    Raises:
        SpecError: none was named and there are several, or none at all.
    """
    known = project.stacks()
    if stack:
        return stack
    if len(known) == 1:
        return known[0]
    raise SpecError(
        [
            Finding.error(
                "STACK_NOT_NAMED",
                "--stack",
                "name the stack" if known else "there are no stacks yet",
                f"add -s with one of: {', '.join(known)}"
                if known
                else f"write {project.stack_file('dev').name}",
            )
        ]
    )


def program_folder(project: Project) -> Path:
    """Where the program runs, and where its lock lies."""
    return project.main if project.main.is_dir() else project.main.parent


def _plans(recording: Recording, folder: Path) -> list[PlanWithFindings]:
    """The plans behind the program's stack reports; none where it makes no report."""
    reports = [item.inputs for item in recording.resources if item.type == _REPORT]
    return [
        read_stack(
            recording.stack,
            inputs["deployment"],
            inputs.get("lock"),
            folder,
            name=inputs.get("name", ""),
        )
        for inputs in reports
        if inputs.get("deployment")
    ]


def _sorted(findings: tuple[Finding, ...]) -> tuple[Finding, ...]:
    order = list(Severity)
    return tuple(sorted(findings, key=lambda item: (order.index(item.severity), item.path, item.code)))
