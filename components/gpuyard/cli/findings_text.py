"""Findings on a terminal, the same for every verb."""

from collections.abc import Sequence

import click

from gpuyard.errors import Finding, render_findings


def echo_findings(findings: Sequence[Finding], *, err: bool = False) -> None:
    """Print findings, like ones once; nothing where there are none."""
    if findings:
        click.echo(render_findings(findings), err=err)
