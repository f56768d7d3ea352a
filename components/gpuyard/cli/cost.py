"""``gpuyard cost``: price any Pulumi preview, state or plan."""

import sys
from pathlib import Path

import click


@click.command("cost")
@click.argument("file", type=click.Path(path_type=Path))
@click.option("--usage", "usage_file", type=click.Path(path_type=Path), help="YAML with declared use.")
@click.option(
    "--format",
    "form",
    type=click.Choice(["text", "json", "markdown", "html"]),
    default="text",
    show_default=True,
)
@click.option(
    "--hours-per-month",
    type=click.IntRange(1, 744),
    help="Hours in a month.  [default: 730, or the usage file's]",
)
@click.option("--reference-date", type=click.DateTime(["%Y-%m-%d"]), help="Day on which support is judged.")
@click.option("--strict", is_flag=True, help="Exit 1 when any price is unknown.")
def command(
    file: Path,
    usage_file: Path | None,
    form: str,
    hours_per_month: int | None,
    reference_date: object,
    strict: bool,
) -> int:
    """Price FILE: `pulumi preview --json`, `pulumi stack export`, or `gpuyard plan --format json`.

    Knows resources of aws, gcp and kubernetes, gpuyard's or not. What has no price is listed by name.
    """
    import json
    import shutil
    from datetime import datetime

    from gpuyard.costs.pricing import REFERENCE_DATE, price_resources
    from gpuyard.costs.program_file import read_program
    from gpuyard.costs.usage import read_usage
    from gpuyard.report.model import build_report
    from gpuyard.units import HOURS_PER_MONTH

    resources = read_program(file)
    usage, declared_hours = (
        read_usage(usage_file, {(r.type, r.name) for r in resources}) if usage_file else (None, None)
    )
    costs = price_resources(
        resources,
        usage=usage,
        hours_per_month=hours_per_month or declared_hours or HOURS_PER_MONTH,
        reference_date=reference_date.date() if isinstance(reference_date, datetime) else REFERENCE_DATE,
    )
    if form == "json":
        click.echo(json.dumps(costs.as_dict(), indent=2, allow_nan=False))
    else:
        report = build_report(stack=file.stem, title=f"Cost of {file.name}", costs=costs)
        if form == "text":
            from gpuyard.report.text import render_text

            width = shutil.get_terminal_size().columns
            click.echo(render_text(report, width=width, color=sys.stdout.isatty()), nl=False)
        elif form == "markdown":
            from gpuyard.report.markdown import render_markdown

            click.echo(render_markdown(report), nl=False)
        else:
            from gpuyard.report.html import render_html

            click.echo(render_html(report), nl=False)
    if strict and costs.unknown:
        click.echo(f"{len(costs.unknown)} unknown prices", err=True)
        return 1
    return 0
