"""``gpuyard doctor``: what this machine and these credentials can do."""

import json
import time
from datetime import date
from typing import Any

import click

from gpuyard.cli.options import format_option


@click.command("doctor")
@click.option(
    "--for",
    "verbs",
    multiple=True,
    help="A verb that must work, e.g. up, capacity or plan; may be given more than once.  [default: plan]",
)
@click.option(
    "--cloud",
    "clouds",
    multiple=True,
    type=click.Choice(["aws", "gcp"]),
    help="Must work; may be given more than once.  [default: look at both, one is enough]",
)
@click.option("--region", default="", help="AWS region to look at.  [default: that of the profile]")
@click.option("--profile", default="", help="AWS profile.  [default: the usual chain]")
@click.option("--project", default="", help="Google project.  [default: that of the credentials]")
@click.option(
    "--timeout",
    "seconds",
    type=click.FloatRange(1, 600),
    default=40,
    show_default=True,
    help="Seconds after which what has not answered is unknown.",
)
@format_option("text", "json")
def command(
    verbs: tuple[str, ...],
    clouds: tuple[str, ...],
    region: str,
    profile: str,
    project: str,
    seconds: float,
    form: str,
) -> int:
    """What this machine and these credentials can do, and what to do about the rest.

    Looks at Python, Pulumi, kubectl, logins, credentials, permissions, network and the age of the catalog.
    Changes nothing: permissions are checked by dry runs and by asking the clouds about them. Exit 1 when
    something that --for needs has failed.
    """
    from gpuyard.discovery.doctor.check import run_checks
    from gpuyard.discovery.doctor.checks import make_checks
    from gpuyard.discovery.doctor.report import document, render

    asked = sorted({_purpose(verb) for verb in verbs or ("plan",)})
    checks = make_checks(
        clouds or ("aws", "gcp"),
        region,
        date.today(),
        open_aws=lambda: _aws(profile, region, seconds),
        open_gcp=lambda: _gcp(project, seconds),
    )
    findings = run_checks(checks, seconds)
    summary = document(findings, asked, every_cloud=bool(clouds))
    if form == "json":
        click.echo(json.dumps(summary, indent=2, ensure_ascii=False))
    else:
        for line in render(findings, asked, every_cloud=bool(clouds)):
            click.echo(line)
    return 0 if summary["ok"] else 1


def _purpose(verb: str) -> Any:
    """What a verb needs of the machine."""
    from gpuyard.cli.main import VERBS
    from gpuyard.discovery.doctor.check import Purpose
    from gpuyard.errors import did_you_mean

    if verb in list(Purpose):
        return Purpose(verb)
    if verb in VERBS:
        return Purpose.PLAN
    hint = did_you_mean(verb, [*Purpose, *VERBS]) or "name a verb of gpuyard"
    raise click.UsageError(f'--for: "{verb}" is no verb; {hint}')


def _aws(profile: str, region: str, seconds: float) -> Any:
    import boto3
    from botocore.exceptions import BotoCoreError

    from gpuyard.discovery.doctor.aws import AwsAccess

    deadline = time.monotonic() + seconds
    try:
        return AwsAccess(boto3.Session(profile_name=profile or None), region, deadline)
    except BotoCoreError as error:
        raise click.UsageError(f"--profile: {error}") from None


def _gcp(project: str, seconds: float) -> Any:
    from gpuyard.discovery.gcp.tasks import open_project
    from gpuyard.discovery.request import SurveyRequest

    request = SurveyRequest(machine_types={}, regions={}, project=project)
    return open_project(request, time.monotonic() + seconds)
