"""``gpuyard check``: findings only."""

from pathlib import Path

import click

from gpuyard.cli.findings_text import echo_findings
from gpuyard.cli.options import directory_option, format_option, stack_option


@click.command("check")
@stack_option
@directory_option
@format_option("text", "json")
@click.option("--strict", is_flag=True, help="Exit 1 on warnings too.")
def command(stack: str, directory: Path, form: str, strict: bool) -> int:
    """Everything that can be said against STACK before a resource exists. Offline. Exit 1 on errors."""
    import json

    from gpuyard.errors import Severity
    from gpuyard.planner import plan_program

    planned = plan_program(directory, stack)
    counts = dict.fromkeys(Severity, 0)
    for finding in planned.findings:
        counts[finding.severity] += 1
    if form == "json":
        document = {
            "schema": "gpuyard.check/v1",
            "project": planned.project,
            "stack": planned.stack,
            "findings": [finding.as_dict() for finding in planned.findings],
            "counts": {str(severity): count for severity, count in counts.items()},
        }
        click.echo(json.dumps(document, indent=2, allow_nan=False))
    else:
        echo_findings(planned.findings)
        tally = ", ".join(
            f"{count} {severity}{'s' * (count != 1)}" for severity, count in counts.items() if count
        )
        click.echo(f"{planned.stack}: {tally or 'nothing to say against it'}")
    return 1 if counts[Severity.ERROR] or (strict and counts[Severity.WARNING]) else 0
