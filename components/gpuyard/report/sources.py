"""Whatever a report can be made from: a report, costs, a plan, a preview, a state; told apart by content."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path
from typing import Any

from gpuyard.costs.cost_report import CostReport
from gpuyard.costs.other_tools import tool_that_wrote
from gpuyard.costs.pricing import REFERENCE_DATE, price_resources
from gpuyard.costs.program_file import find_program, load_json
from gpuyard.errors import Finding, SpecError
from gpuyard.report.model import Report, build_report
from gpuyard.report.reading import in_file, is_costs, is_report, read_costs, read_report
from gpuyard.resources import Resource
from gpuyard.units import HOURS_PER_MONTH

_REPLACING = frozenset({"replace", "create-replacement", "delete-replaced"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Source:
    """A report and what it came from."""

    name: str
    """As the user named it: a path or a git revision."""
    kind: str
    """``report``, ``costs``, ``plan``, ``preview``, ``state`` or ``revision``."""
    report: Report
    resources: tuple[Resource, ...] = ()
    """Empty where only the report is known."""
    replaced: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    """URNs that a preview replaces, with the properties that force it."""


def load_source(path: Path, *, like: CostReport | None = None) -> Source:
    """The source in a file.

    Resources are priced as those of ``like`` were (hours per month, day), so that two sources compare.

    Raises:
        SpecError: the file cannot be read, is cut off, or holds something else.
    """
    data = load_json(path)
    try:
        return _read(path, data, like)
    except SpecError as error:
        raise in_file(error, path) from None


def _read(path: Path, data: Any, like: CostReport | None) -> Source:
    name = str(path)
    if is_report(data):
        return Source(name=name, kind="report", report=read_report(data))
    if is_costs(data):
        report = build_report(stack=path.stem, title=f"Cost of {path.name}", costs=read_costs(data))
        return Source(name=name, kind="costs", report=report)
    program = find_program(data)
    if program is None:
        raise SpecError([_unknown_document(tool_that_wrote(data))])
    resources = program.resources
    steps = data if isinstance(data, Mapping) else {"steps": data}  # a preview may be a list of events
    if str(steps.get("schema", "")).startswith("gpuyard.plan/"):
        report = _planned(data)
        return Source(name=name, kind="plan", report=report, resources=resources)
    costs = price_resources(
        resources,
        hours_per_month=like.hours_per_month if like else HOURS_PER_MONTH,
        reference_date=date.fromisoformat(like.reference_date) if like else REFERENCE_DATE,
        default_regions=program.regions,
    )
    report = build_report(stack=_stack(resources) or path.stem, title=f"Cost of {path.name}", costs=costs)
    kind = "preview" if "steps" in steps else "state"
    return Source(name=name, kind=kind, report=report, resources=resources, replaced=_replaced(steps))


def _planned(data: Mapping[str, Any]) -> Report:
    """The report inside a plan."""
    if data.get("report") is None:
        message = "this plan was stopped by errors, so it has no report"
        fix = "correct its findings (`gpuyard check`), then plan again"
        raise SpecError([Finding.error("NO_REPORT", "report", message, fix)])
    return read_report(data["report"])


def _replaced(data: Mapping[str, Any]) -> dict[str, tuple[str, ...]]:
    """What a preview's steps replace, and why."""
    found: dict[str, tuple[str, ...]] = {}
    for step in data.get("steps") or ():
        if isinstance(step, Mapping) and step.get("op") in _REPLACING and isinstance(step.get("urn"), str):
            reasons = step.get("replaceReasons") or step.get("diffReasons") or ()
            known = found.get(step["urn"], ())
            found[step["urn"]] = tuple(dict.fromkeys([*known, *(str(reason) for reason in reasons)]))
    return found


def _stack(resources: tuple[Resource, ...]) -> str:
    """The stack in the URNs; empty when there are none or several."""
    names = {parts[2] for item in resources if len(parts := item.urn.split("::")[0].split(":", 2)) == 3}
    return names.pop() if len(names) == 1 else ""


def _unknown_document(tool: str) -> Finding:
    fix = (
        "give a report (`gpuyard report --format json`), a plan (`gpuyard plan --format json`), "
        "`pulumi preview --json` or `pulumi stack export`"
    )
    if tool:
        return Finding.error("NOT_A_REPORT", "", f"looks like the output of {tool}", fix)
    return Finding.error("NOT_A_REPORT", "", "is JSON, but neither report, plan, preview nor state", fix)
