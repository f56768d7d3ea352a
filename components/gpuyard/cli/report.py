"""``gpuyard report``: money, time and risk of a stack, in the format that a reader needs."""

from pathlib import Path
from typing import TYPE_CHECKING

import click

from gpuyard.cli.findings_text import echo_findings
from gpuyard.cli.gates import day, gate_option, no_gates_option, read_limits, say_broken, today_option
from gpuyard.cli.options import directory_option, is_terminal, stack_option

if TYPE_CHECKING:
    from collections.abc import Mapping

    from gpuyard.report.model import Report

FORMATS = ("text", "json", "markdown", "html", "csv", "focus", "gitlab", "azure")
_BY_SUFFIX = {".json": "json", ".md": "markdown", ".html": "html", ".csv": "csv", ".txt": "text"}


@click.command("report")
@stack_option
@directory_option
@click.option(
    "--from",
    "file",
    type=click.Path(path_type=Path),
    help="Report on this file instead: a report, plan, preview or state as JSON.",
)
@click.option(
    "--format",
    "form",
    type=click.Choice(FORMATS),
    help="markdown is GitHub's, focus is FOCUS 1.2 in CSV.  [default: by the output's suffix, else text]",
)
@click.option(
    "--actual",
    type=click.Path(path_type=Path),
    help="Durations that were: measured file, state or event log.  [default: measured.STACK.yaml]",
)
@click.option("--output", type=click.Path(path_type=Path), help="Write to this file, whole or not at all.")
@click.option(
    "--all",
    "folder",
    type=click.Path(path_type=Path, file_okay=False),
    help="Write every format into this folder, as report.txt, report.json, report.md, …",
)
@click.option("--width", type=click.IntRange(60, 400), help="Columns of text.  [default: the terminal's]")
@gate_option
@no_gates_option
@today_option
def command(
    stack: str,
    directory: Path,
    file: Path | None,
    form: str | None,
    actual: Path | None,
    output: Path | None,
    folder: Path | None,
    width: int | None,
    gates: tuple[str, ...],
    no_gates: bool,
    today: object,
) -> int:
    """The report of STACK: what it costs, how long until it serves, what may go wrong.

    Offline; equal input gives equal bytes. Exit 1 when the stack has errors or breaks a gate.
    """
    import shutil
    from dataclasses import replace

    from gpuyard.report.judging import judge_report
    from gpuyard.report.rendering import FILES, render

    if folder is not None and (form or output):
        raise click.UsageError("--all writes every format; leave --format and --output out")
    if actual is not None and file is not None:
        raise click.UsageError("--actual goes with a stack; a file of --from has its durations already")
    report = _load(stack, directory, file, actual)
    if report is None:
        return 1
    limits = read_limits(report.gates, gates, no_gates=no_gates)
    report = replace(report, gates=limits, verdicts=judge_report(report, limits, day(today)))
    columns = width or shutil.get_terminal_size((100, 24)).columns
    form = form or (_BY_SUFFIX.get(output.suffix.lower()) if output else None) or "text"
    if folder is not None:
        _write({folder / name: render(report, key, width=columns) for key, name in FILES.items()})
    elif output is not None:
        _write({output: render(report, form, width=columns)})
    else:
        click.echo(render(report, form, width=columns, color=is_terminal()), nl=False)
    if form == "focus" or folder is not None:
        _say_left_out(report)
    return say_broken(report.verdicts) or (1 if report.errors else 0)


def _write(texts: "Mapping[Path, str]") -> None:
    """Every file whole or not at all; nothing is written before everything is rendered."""
    from gpuyard.files import write_atomically

    for path, text in texts.items():
        write_atomically(path, text)
        click.echo(f"{path} written", err=True)


def _load(stack: str, directory: Path, file: Path | None, actual: Path | None) -> "Report | None":
    """The report of the file or the stack; None after printing why the stack could not be planned."""
    if file is not None:
        from gpuyard.report.sources import load_source

        return load_source(file).report
    from gpuyard.planner import plan_program

    planned = plan_program(directory, stack, actual)
    if planned.report is None:
        echo_findings(planned.findings, err=True)
        click.echo(f"\n{planned.stack} was not planned: correct the errors first", err=True)
    return planned.report


def _say_left_out(report: "Report") -> None:
    from gpuyard.report.focus import left_out

    number = left_out(report)
    if number:
        click.echo(f"FOCUS: {number} charges of unknown amount or price have no row", err=True)
