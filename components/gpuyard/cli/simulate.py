"""``gpuyard simulate``: provider plugins that stand in for the clouds under your own `pulumi`."""

import json
from pathlib import Path

import click

from gpuyard.cli.options import format_option

SCHEMA = "gpuyard.simulate/v1"


@click.command("simulate")
@click.argument("directory", type=click.Path(path_type=Path, file_okay=False))
@click.option(
    "--scenario",
    type=click.Path(path_type=Path, dir_okay=False),
    help="What is refused, and how long things take; checked here.  [default: everything works at once]",
)
@format_option("text", "json")
def command(directory: Path, scenario: Path | None, form: str) -> int:
    """Write provider plugins for aws, gcp and kubernetes into DIRECTORY, and say how to use them.

    With DIRECTORY at the head of PATH, `pulumi` finds them instead of the real ones: no credentials, no
    cloud, no cost. Use them with a backend of their own, for what a stack holds afterwards is not real.
    """
    import shlex

    from gpuyard.simulate.install import install_plugins
    from gpuyard.simulate.plugin import SCENARIO_VARIABLE, STATE_VARIABLE
    from gpuyard.simulate.scenario import read_scenario

    if scenario:
        read_scenario(scenario)
    plugins = install_plugins(directory)
    folder = plugins[0].parent
    environment = {
        "PULUMI_BACKEND_URL": (folder / "backend").as_uri(),
        "PULUMI_CONFIG_PASSPHRASE": "simulated",
        "PULUMI_DISABLE_AUTOMATIC_PLUGIN_ACQUISITION": "true",
        STATE_VARIABLE: str(folder / "state"),
    }
    if scenario:
        environment[SCENARIO_VARIABLE] = str(scenario.absolute())
    (folder / "backend").mkdir(exist_ok=True)
    if form == "json":
        answer = {
            "schema": SCHEMA,
            "plugins": [str(file) for file in plugins],
            "path": str(folder),
            "environment": environment,
        }
        click.echo(json.dumps(answer, indent=2))
        return 0
    click.echo(
        f"# {len(plugins)} plugins written to {folder}; run what follows in your shell, then pulumi as ever"
    )
    click.echo(f'export PATH={shlex.quote(str(folder))}:"$PATH"')
    for name, value in environment.items():
        click.echo(f"export {name}={shlex.quote(value)}")
    return 0
