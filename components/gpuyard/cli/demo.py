"""``gpuyard demo``: one stack planned, deployed to simulated clouds, destroyed and reported."""

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from gpuyard.cli.findings_text import echo_findings
from gpuyard.cli.options import format_option, is_terminal

if TYPE_CHECKING:
    from gpuyard.cli.demo_engines import Stage
    from gpuyard.planner import PlannedStack

SCHEMA = "gpuyard.demo/v1"
_ENGINES = ("auto", "pulumi", "in-process")


@click.command("demo")
@click.option("-s", "--stack", default="prod", show_default=True, help="The stack.")
@click.option(
    "--directory",
    type=click.Path(path_type=Path, file_okay=False),
    default=Path(),
    help="Folder of the project.  [default: this folder or one above; outside any, gpuyard's example]",
)
@click.option(
    "--output",
    type=click.Path(path_type=Path),
    default=Path("gpuyard-demo"),
    show_default=True,
    help="Folder for report.json, report.md and report.html.",
)
@click.option(
    "--engine",
    type=click.Choice(_ENGINES),
    default="auto",
    show_default=True,
    help="auto: pulumi where it is on PATH.",
)
@format_option("text", "json")
def command(stack: str, directory: Path, output: Path, engine: str, form: str) -> int:
    """Plan STACK, deploy it to simulated clouds, refresh, destroy, and report it. Nothing real is touched.

    With the Pulumi CLI on PATH the real engine runs, on a backend and plugins of its own in a temporary
    folder; without it an in-process double does the same. Exit 1 when the plan has errors, 3 when an engine
    said no.
    """
    from gpuyard.cli.demo_engines import choose_engine, find_demo_project, run_stages
    from gpuyard.cli.demo_output import output_folder
    from gpuyard.errors import has_errors
    from gpuyard.planner import plan_program
    from gpuyard.stack.report_files import write_report

    chosen = choose_engine(engine)
    project = find_demo_project(directory, stack)
    with output_folder(output) as folder:
        _say(form, f"stack {stack} of project {project.name}, on simulated clouds: nothing real is touched")
        if chosen != "pulumi":
            reason = "as asked" if engine == chosen else "pulumi is not on PATH"
            _say(form, f"{reason}: the in-process engine plays its part")
        planned = plan_program(project.root, stack)
        if planned.report is None:
            echo_findings(planned.findings, err=True)
            click.echo(f"\n{stack} was not deployed: correct the errors first", err=True)
            return 1
        stages = run_stages(chosen, project, stack, lambda stage: _say(form, stage.describe()))
        files = write_report(planned.report, folder)
    if form == "json":
        click.echo(json.dumps(_document(chosen, planned, stages, files), indent=2, allow_nan=False))
    else:
        from gpuyard.report.text import render_text

        click.echo()
        click.echo(render_text(planned.report, width=_columns(), color=is_terminal()), nl=False)
        names = ", ".join(file.name for file in files)
        click.echo(f"\n{names} written to {folder}")
    if any(stage.failures for stage in stages):
        return 3
    return 1 if has_errors(planned.findings) else 0


def _say(form: str, text: str) -> None:
    """Progress, beside the answer: on standard error where a program reads standard output."""
    click.echo(text, err=form == "json")


def _columns() -> int:
    import shutil

    return shutil.get_terminal_size((100, 24)).columns


def _document(
    engine: str, planned: "PlannedStack", stages: "list[Stage]", files: tuple[Path, ...]
) -> dict[str, Any]:
    """The answer as JSON-ready data, as docs/reference/demo-schema.md has it."""
    return {
        "schema": SCHEMA,
        "engine": engine,
        "project": planned.project,
        "stack": planned.stack,
        "stages": [stage.as_dict() for stage in stages],
        "files": [str(file) for file in files],
        "report": planned.report.as_dict() if planned.report else None,
    }
