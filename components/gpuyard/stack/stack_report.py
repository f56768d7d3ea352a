"""StackReport: what the program's resources cost, how long they take and what may go wrong."""

from collections.abc import Callable
from pathlib import Path
from typing import Any, NotRequired, TypedDict, TypeVar

import pulumi

from gpuyard.costs.rates_file import load_rates
from gpuyard.engine.collection import Collection
from gpuyard.errors import SpecError
from gpuyard.inputs import ArgsError
from gpuyard.leadtime.measured import load_measured
from gpuyard.report.json_form import render_json
from gpuyard.report.model import Report
from gpuyard.stack.reading import PlanWithFindings, read_stack
from gpuyard.stack.report_files import write_report
from gpuyard.stack.reporting import build_stack_report, summarize

TOKEN = "gpuyard:index:StackReport"  # noqa: S105 (a type token)
T = TypeVar("T")


class StackReportArgs(TypedDict):
    """What is reported beside the resources, and where to."""

    name: NotRequired[str]
    """Head of the names of the parts of the plan. Default the stack's name."""
    deployment: NotRequired[dict[str, Any]]
    """The deployment of the stack, for ladder, lead time and findings. Default none: cost alone."""
    lock: NotRequired[dict[str, Any]]
    """Contents of the stack's capacity lock; goes with deployment."""
    directory: NotRequired[str]
    """Where relative paths of the deployment start. Default the working directory."""
    output_directory: NotRequired[str]
    """Where report.json, report.md and report.html are written. Default nowhere."""


@pulumi.type_token(TOKEN)
class StackReport(pulumi.ComponentResource):
    """The report of all resources that the program makes after this one; so make it first.

    No resource may take its outputs as an input: the report waits for every resource.
    """

    summary: pulumi.Output[dict[str, Any]]
    """Money, time and risk in a few numbers."""
    report: pulumi.Output[str]
    """The whole report as JSON, ``gpuyard.report/v1``."""

    def __init__(self, name: str, args: StackReportArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        stack, output = pulumi.get_stack(), args.get("output_directory")
        plans = _read(stack, args)
        measured, rates = _beside(stack, args, load_measured) or (), _beside(stack, args, load_rates)
        described = {key: args.get(key) for key in ("name", "deployment", "lock") if args.get(key)}
        super().__init__(TOKEN, name, described, opts)
        collection = Collection()

        async def build() -> Report:
            return build_stack_report(stack, await collection.finish(), plans, measured=measured, rates=rates)

        def write(report: Report) -> str:
            if output:
                write_report(report, Path(output))
            return render_json(report)

        built = pulumi.Output.from_input(build())
        self.report = built.apply(write)
        self.summary = built.apply(summarize)
        self.register_outputs({"summary": self.summary, "report": self.report})


def _read(stack: str, args: StackReportArgs) -> tuple[PlanWithFindings, ...]:
    """The plan of the deployment with its findings; none without a deployment.

    Raises:
        ArgsError: the deployment or its lock cannot become a plan.
    """
    deployment = args.get("deployment")
    if not deployment:
        return ()
    where = Path(args.get("directory") or ".")
    try:
        return (read_stack(stack, deployment, args.get("lock"), where, name=args.get("name", "")),)
    except SpecError as error:
        raise ArgsError("StackReport", error.findings) from None


def _beside(stack: str, args: StackReportArgs, load: Callable[[Path, str], T]) -> T | None:
    """What lies in a file beside the stack's; None without a deployment.

    Raises:
        ArgsError: the file is there but broken.
    """
    if not args.get("deployment"):
        return None
    try:
        return load(Path(args.get("directory") or "."), stack)
    except SpecError as error:
        raise ArgsError("StackReport", error.findings) from None
