"""``gpuyard lock``: write the stack's capacity lock."""

from pathlib import Path

import click


@click.command("lock")
@click.option("-s", "--stack", required=True, help="The stack, e.g. dev.")
@click.option(
    "--directory",
    type=click.Path(path_type=Path, file_okay=False),
    default=Path(),
    help="Folder of the project.  [default: this folder or one above]",
)
@click.option("--best", is_flag=True, help="Move every endpoint to its best rung, wherever it runs now.")
@click.option("--check", is_flag=True, help="Write nothing; exit 1 when the file would change.")
@click.option("--format", "form", type=click.Choice(["text", "json"]), default="text", show_default=True)
def command(stack: str, directory: Path, best: bool, check: bool, form: str) -> int:
    """Rank every allowed place and write the order to capacity.STACK.lock.yaml, beside the program.

    The rung in use stays in use while the ladder still has it. Nothing is looked up in any cloud.
    """
    import json

    from gpuyard.engine.project import find_project, load_stack
    from gpuyard.stack.files import write_atomically
    from gpuyard.stack.locking import renew_lock
    from gpuyard.stack.spec import parse_deployment

    project = find_project(directory)
    config = load_stack(project, stack)
    deployment = parse_deployment(config.plain.get("gpuyard:deployment"))
    folder = project.main if project.main.is_dir() else project.main.parent
    if deployment.existing_cluster:
        document = {"schema": "gpuyard/lock/v1", "stack": stack, "path": None, "changed": False}
        text = f"{stack} runs on an existing cluster: there is nothing to lock"
        click.echo(json.dumps(document, indent=2) if form == "json" else text)
        return 0
    change = renew_lock(stack, deployment, folder, best=best)
    if change.is_changed and not check:
        write_atomically(change.path, change.after)
    if form == "json":
        document = {
            "schema": "gpuyard/lock/v1",
            "stack": stack,
            "path": str(change.path),
            "changed": change.is_changed,
            "written": change.is_changed and not check,
            "moved": list(change.moved),
            "diff": change.diff(),
            "lock": change.lock.model_dump(mode="json"),
        }
        click.echo(json.dumps(document, indent=2))
    else:
        _print(change, check=check)
    return 1 if check and change.is_changed else 0


def _print(change, *, check: bool) -> None:  # noqa: ANN001 (its module is imported late)
    if not change.is_changed:
        click.echo(f"{change.path.name} is up to date")
        return
    click.echo(change.diff(), nl=False)
    for line in change.moved:
        click.echo(line)
    if check:
        click.echo(f"{change.path.name} would change; run `gpuyard lock -s {change.lock.stack}`", err=True)
    else:
        click.echo(f"wrote {change.path}")
