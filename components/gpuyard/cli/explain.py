"""``gpuyard explain``: what a cloud's refusal means, and what `gpuyard up` would do about it."""

import sys
from pathlib import Path

import click

from gpuyard.cli.options import format_option


@click.command("explain")
@click.argument("message", default="-")
@click.option("--cloud", type=click.Choice(["aws", "gcp"]), help="Where it comes from.  [default: guessed]")
@click.option("--each-line", is_flag=True, help="Every line is a message of its own.")
@format_option("text", "json")
def command(message: str, cloud: str | None, each_line: bool, form: str) -> int:
    """Classify MESSAGE: a cloud's error, a node group's issue, the log of a `pulumi up`.

    MESSAGE is the text itself, a file that holds it, or - for standard input. Offline. Exit 1 where some
    message is unknown.
    """
    import json

    from gpuyard.failover.classify import classify

    text = _read(message)
    parts = [line for line in text.splitlines() if line.strip()] if each_line else [text]
    verdicts = [classify(part, cloud or "") for part in parts]
    if form == "json":
        results = [verdict.as_dict() for verdict in verdicts]
        click.echo(json.dumps({"schema": "gpuyard.explain/v1", "results": results}, indent=2))
    else:
        from gpuyard.failover.words import describe_verdict

        click.echo("\n\n".join(describe_verdict(verdict) for verdict in verdicts))
    return 1 if any(str(verdict.kind) == "unknown" for verdict in verdicts) else 0


def _read(message: str) -> str:
    if message == "-":
        return sys.stdin.read()
    path = Path(message)
    try:
        if len(message) < 4096 and path.is_file():
            return path.read_text(encoding="utf-8", errors="replace")
    except (OSError, ValueError):
        pass
    return message
