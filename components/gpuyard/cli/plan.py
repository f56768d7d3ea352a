"""``gpuyard plan``: what a stack would be, before anything exists."""

from pathlib import Path

import click

from gpuyard.cli.findings_text import echo_findings
from gpuyard.cli.options import directory_option, format_option, is_terminal, stack_option


@click.command("plan")
@stack_option
@directory_option
@format_option("text", "json")
@click.option("--resources", "every", is_flag=True, help="List every resource, not only the components.")
def command(stack: str, directory: Path, form: str, every: bool) -> int:
    """Resources, findings, ladder, cost and lead time of STACK, from the very program that Pulumi runs.

    Offline, without the Pulumi CLI, credentials or a cloud; equal input gives equal bytes. Exit 1 on errors.
    """
    import json
    import shutil

    from gpuyard.errors import has_errors
    from gpuyard.planner import plan_program

    planned = plan_program(directory, stack)
    if form == "json":
        click.echo(json.dumps(planned.as_dict(), indent=2, allow_nan=False))
    elif planned.recording is None or planned.report is None:
        echo_findings(planned.findings)
        click.echo(f"\n{planned.stack} was not planned: correct the errors first", err=True)
    else:
        from gpuyard.cli.plan_text import render_messages, render_resources
        from gpuyard.report.text import render_text

        width = shutil.get_terminal_size((100, 24)).columns
        click.echo(render_resources(planned.recording.resources, every=every))
        click.echo(render_messages(planned.recording.resources, planned.recording.messages), nl=False)
        click.echo(render_text(planned.report, width=width, color=is_terminal()), nl=False)
    return 1 if has_errors(planned.findings) else 0
