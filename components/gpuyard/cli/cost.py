"""``gpuyard cost``: price any Pulumi preview, state or plan."""

import sys
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

import click

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from typing import Any

    from gpuyard.costs.cost_report import CostReport
    from gpuyard.errors import Finding
    from gpuyard.resources import Resource

T = TypeVar("T")


@click.command("cost")
@click.argument("file", type=click.Path(path_type=Path))
@click.option("--usage", "usage_file", type=click.Path(path_type=Path), help="YAML with declared use.")
@click.option(
    "--sync-usage",
    is_flag=True,
    help="Write to the file of --usage, as comments, every key that it lacks; keep what it declares.",
)
@click.option(
    "--rates",
    "rates_file",
    type=click.Path(path_type=Path),
    help="YAML with your own prices, discounts and commitments.",
)
@click.option("--region", "regions", multiple=True, help="Region of resources that name none: aws=us-east-1.")
@click.option("--currency", default="USD", show_default=True, help="Currency of amounts; tables are in USD.")
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
    sync_usage: bool,
    rates_file: Path | None,
    regions: tuple[str, ...],
    currency: str,
    form: str,
    hours_per_month: int | None,
    reference_date: object,
    strict: bool,
) -> int:
    """Price FILE: `pulumi preview --json`, `pulumi stack export`, or `gpuyard plan --format json`.

    Knows resources of aws, gcp and kubernetes, gpuyard's or not. What has no price is listed by name.
    """
    from datetime import datetime

    from gpuyard.costs.pricing import REFERENCE_DATE, price_resources
    from gpuyard.costs.program_file import load_program
    from gpuyard.costs.rates_file import read_rates
    from gpuyard.costs.usage_file import currency_problems, read_usage
    from gpuyard.errors import SpecError
    from gpuyard.units import HOURS_PER_MONTH

    named = _regions(regions)
    problems = list(currency_problems(currency))
    program = _read(problems, lambda: load_program(file))
    if sync_usage and program:
        return _sync(program.resources, usage_file)
    declared = (
        _read(problems, lambda: read_usage(usage_file, program.resources), usage_file)
        if usage_file and program
        else None
    )
    rates = _read(problems, lambda: read_rates(rates_file), rates_file) if rates_file else None
    if problems or program is None:
        raise SpecError(problems)
    usage, declared_hours = declared or (None, None)
    costs = price_resources(
        program.resources,
        usage=usage,
        hours_per_month=hours_per_month or declared_hours or HOURS_PER_MONTH,
        reference_date=reference_date.date() if isinstance(reference_date, datetime) else REFERENCE_DATE,
        default_regions={**program.regions, **named},
        rates=rates,
    )
    if program.pending:
        note = "an earlier run left operations unfinished; what they made may be missing here"
        click.echo(f"note: {program.pending} pending: {note}", err=True)
    for name in usage.unmatched if usage else ():
        click.echo(f"note: {usage_file}: resource_usage.{name} matches no resource", err=True)
    for text in rates.unused(costs.items) if rates else ():
        click.echo(f"note: {rates_file}: {text}", err=True)
    _print(file, costs, form)
    if strict and costs.unknown:
        click.echo(f"{len(costs.unknown)} unknown prices", err=True)
        return 1
    return 0


def _read(problems: "list[Finding]", read: "Callable[[], T]", source: Path | None = None) -> "T | None":
    """What ``read`` reads, or None with its problems noted, so that every input's are told at once."""
    from dataclasses import replace

    from gpuyard.errors import SpecError

    try:
        return read()
    except SpecError as error:
        for finding in error.findings:
            parts = [part for part in (str(source or ""), finding.path) if part]
            problems.append(replace(finding, path=": ".join(dict.fromkeys(parts))))
        return None


def _regions(texts: tuple[str, ...]) -> dict[str, str]:
    found = {}
    for text in texts:
        cloud, sign, region = text.partition("=")
        if cloud not in ("aws", "gcp") or not sign or not region:
            raise click.BadParameter(
                f"{text!r} is not CLOUD=REGION, such as aws=us-east-1", param_hint="--region"
            )
        found[cloud] = region
    return found


def _sync(resources: "Sequence[Resource]", usage_file: Path | None) -> int:
    from gpuyard.costs.usage_file import read_usage
    from gpuyard.costs.usage_sync import sync_usage_text
    from gpuyard.stack.files import write_atomically

    path = usage_file or Path("usage.yml")
    text = ""
    if path.exists():
        read_usage(path, resources)
        text = path.read_text(encoding="utf-8")
    text, added = sync_usage_text(text, resources)
    if added:
        write_atomically(path, text)
    click.echo(f"{path}: {added} resources added as comments" if added else f"{path}: nothing to add")
    return 0


def _print(file: Path, costs: "CostReport", form: str) -> None:
    import shutil

    from gpuyard.report.model import build_report

    if form == "json":
        click.echo(_as_json({"schema": "gpuyard.cost/v1", **costs.as_dict()}))
        return
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


def _as_json(data: "Mapping[str, Any]") -> str:
    """JSON with a line per entry of a list: ten times faster to write than full indentation, and as plain."""
    import json

    fields = []
    for key, value in data.items():
        if isinstance(value, list) and value and isinstance(value[0], dict):
            lines = ",\n".join("    " + json.dumps(entry, allow_nan=False) for entry in value)
            text = f"[\n{lines}\n  ]"
        else:
            text = json.dumps(value, indent=2, allow_nan=False).replace("\n", "\n  ")
        fields.append(f"  {json.dumps(key)}: {text}")
    return "{\n" + ",\n".join(fields) + "\n}"
