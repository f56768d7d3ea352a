"""``gpuyard drill``: rehearse stockouts, refusals and losses on simulated clouds."""

from pathlib import Path

import click

from gpuyard.cli.options import directory_option, format_option

SCHEMA = "gpuyard.drill/v1"


@click.command("drill")
@click.argument("scenario", required=False)
@click.option("--list", "lists", is_flag=True, help="Name the shipped scenarios and play none.")
@click.option("-s", "--stack", default="", help="Play on the ladder of this stack's lock.")
@directory_option
@format_option("text", "json")
def command(scenario: str | None, lists: bool, stack: str, directory: Path, form: str) -> int:
    """Play SCENARIO, a shipped one or a YAML file, through the loop of `gpuyard up`. Without it: all shipped.

    Simulated clouds, simulated time: offline, without Pulumi, nothing is created or bought. Exit 1 where it
    ends otherwise than the scenario expects. On a stack's ladder nothing is expected. Shape of a scenario:
    docs/reference/scenario.md.
    """
    import json

    from gpuyard.failover.drill import START, misses, rehearse
    from gpuyard.failover.drill_text import render_list, render_rehearsal, render_table
    from gpuyard.failover.opening import open_stack
    from gpuyard.failover.scenario import find_scenario, shipped_scenarios
    from gpuyard.failover.settings import settings_of

    chosen = (find_scenario(scenario),) if scenario else shipped_scenarios()
    if lists:
        rows = [{"name": item.name, "title": item.scenario.title} for item in chosen]
        answer = json.dumps({"schema": SCHEMA, "scenarios": rows}, indent=2)
        click.echo(answer if form == "json" else render_list(chosen))
        return 0
    ladders, active, settings = None, None, None
    if stack:
        opened = open_stack(directory, stack)
        if opened.lock is None:
            raise click.UsageError(f"{stack} runs on an existing cluster: it has no ladder to rehearse on")
        ladders, active, settings = opened.ladders(START), opened.active, settings_of(opened.deployment)
    played = []
    for item in chosen:
        result = rehearse(item.scenario, ladders, active, settings)
        played.append((item, result, None if stack else misses(item.scenario.expect, result)))
    if form == "json":
        results = [
            {
                "name": item.name,
                "title": item.scenario.title,
                "stack": stack or None,
                **result.as_dict(),
                "misses": problems,
            }
            for item, result, problems in played
        ]
        click.echo(json.dumps({"schema": SCHEMA, "results": results}, indent=2))
    elif scenario:
        click.echo("\n".join(render_rehearsal(*one) for one in played))
    else:
        click.echo(render_table(played))
    return 1 if any(problems for _, _, problems in played) else 0
