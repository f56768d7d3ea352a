"""`gpuyard compat FILE`: verdicts for combinations of GPU, driver, image, runtime and model."""

import json
from pathlib import Path
from typing import Any

import click

from gpuyard.errors import Finding


@click.command("compat")
@click.argument("file", type=click.Path(exists=True, dir_okay=False, allow_dash=True, path_type=Path))
@click.option("--format", "style", type=click.Choice(["text", "json"]), default="text", show_default=True)
@click.option(
    "--today", default=None, metavar="DATE", help="Judge support windows at this day. Default: the catalog's."
)
def command(file: Path, style: str, today: str | None) -> int:
    """Verdicts for the combinations in FILE, a YAML list, or - for standard input; exit 1 when any fails.

    Every field may be missing: unknown is not wrong. Fields are in docs/reference/compat.md, codes in
    docs/reference/findings.md.
    """
    from gpuyard.cli.compat_file import read_combinations
    from gpuyard.compat.check import check, verdict_of

    day = _day(today)
    combinations = read_combinations(file)
    answers: list[tuple[str, list[Finding]]] = []
    for combination in combinations:
        findings = check(combination, day)
        answers.append((verdict_of(findings), findings))
    if style == "json":
        documents = [
            {"verdict": verdict, "findings": [item.as_dict() for item in findings]}
            for verdict, findings in answers
        ]
        click.echo(json.dumps(documents, indent=2, default=str))
    else:
        for index, (verdict, findings) in enumerate(answers):
            click.echo(f"[{index}] {verdict}")
            for item in findings:
                click.echo("  " + item.render().replace("\n", "\n  "))
    return 1 if any(verdict == "fail" for verdict, _ in answers) else 0


def _day(text: str | None) -> Any:
    from datetime import date

    from gpuyard.catalog.software_nodes import REFERENCE_DATE

    if text is None:
        return REFERENCE_DATE
    try:
        return date.fromisoformat(text)
    except ValueError:
        raise click.BadParameter(
            f'"{text}" is not a date such as {REFERENCE_DATE}', param_hint="--today"
        ) from None
