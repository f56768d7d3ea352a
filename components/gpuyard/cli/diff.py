"""``gpuyard diff``: what a change does to money, time, risk and capacity."""

from pathlib import Path
from typing import TYPE_CHECKING

import click

from gpuyard.cli.gates import day, gate_option, no_gates_option, read_limits, say_broken, today_option
from gpuyard.cli.options import directory_option, is_terminal, stack_option

if TYPE_CHECKING:
    from gpuyard.costs.cost_report import CostReport
    from gpuyard.report.sources import Source

FORMATS = ("text", "json", "markdown", "gitlab", "azure", "csv")
_WORKING_TREE = "the working tree"


@click.command("diff")
@click.argument("base")
@click.argument("head", required=False)
@stack_option
@directory_option
@click.option(
    "--format",
    "form",
    type=click.Choice(FORMATS),
    default="text",
    show_default=True,
    help="markdown is GitHub's.",
)
@click.option("--output", type=click.Path(path_type=Path), help="Write to this file, whole or not at all.")
@click.option("--width", type=click.IntRange(60, 400), help="Columns of text.  [default: the terminal's]")
@gate_option
@no_gates_option
@today_option
def command(
    base: str,
    head: str | None,
    stack: str,
    directory: Path,
    form: str,
    output: Path | None,
    width: int | None,
    gates: tuple[str, ...],
    no_gates: bool,
    today: object,
) -> int:
    """What HEAD changes of BASE: the comment under a pull request.

    Each is a file (report, plan, `pulumi preview --json`, `pulumi stack export`) or a git revision, at which
    STACK is planned. Without HEAD: the files as they are now. A preview as HEAD says itself what it replaces.
    Exit 1 when a gate is broken; BASE's gates count where it has any, so no change can loosen its own.
    """
    import shutil

    from gpuyard.report.diff import diff_sources, judge_diff
    from gpuyard.report.diff_rendering import render_diff

    before, after = _load_both(base, head, stack, directory)
    limits = read_limits(before.report.gates or after.report.gates, gates, no_gates=no_gates)
    diff = judge_diff(diff_sources(before, after), after.report, limits, day(today))
    columns = width or shutil.get_terminal_size((100, 24)).columns
    text = render_diff(diff, form, width=columns, color=output is None and is_terminal())
    if output is None:
        click.echo(text, nl=False)
    else:
        from gpuyard.files import write_atomically

        write_atomically(output, text)
        click.echo(f"{output} written", err=True)
    return say_broken(diff.verdicts)


def _load_both(base: str, head: str | None, stack: str, directory: Path) -> "tuple[Source, Source]":
    """Both sides; resources of a file are priced as the other side was, where only that one says how."""
    if Path(base).is_file() and head is not None and Path(head).is_file():
        before = _load(base, stack, directory)
        after = _load(head, stack, directory, like=before.report.costs)
        if _priced_here(before) and not _priced_here(after):
            before = _load(base, stack, directory, like=after.report.costs)
        return before, after
    if head is not None and Path(head).is_file():
        after = _load(head, stack, directory)
        return _load(base, stack or after.report.stack, directory), after
    before = _load(base, stack, directory)
    named = stack or (before.report.stack if Path(base).is_file() else "")
    return before, _load(head or _WORKING_TREE, named, directory)


def _load(side: str, stack: str, directory: Path, like: "CostReport | None" = None) -> "Source":
    from gpuyard.cli.revision import plan_folder, plan_revision
    from gpuyard.report.sources import load_source

    if side is _WORKING_TREE:
        return plan_folder(directory, stack, side)
    path = Path(side)
    if path.is_file() or path.suffix == ".json":
        return load_source(path, like=like)
    return plan_revision(directory, stack, side)


def _priced_here(source: "Source") -> bool:
    return source.kind in ("preview", "state")
