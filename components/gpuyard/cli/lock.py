"""``gpuyard lock``: write the stack's capacity lock."""

from pathlib import Path

import click

from gpuyard.cli.options import directory_option, format_option, stack_option


@click.command("lock")
@stack_option
@directory_option
@click.option("--best", is_flag=True, help="Move every endpoint to its best rung, wherever it runs now.")
@click.option("--check", is_flag=True, help="Write nothing; exit 1 when the file would change.")
@click.option(
    "--evidence",
    "evidence_file",
    type=click.Path(path_type=Path, dir_okay=False),
    help="What the clouds answered.  [default: capacity.evidence.json beside the lock, where it is]",
)
@format_option("text", "json")
def command(
    stack: str, directory: Path, best: bool, check: bool, evidence_file: Path | None, form: str
) -> int:
    """Rank every allowed place and write the order to capacity.STACK.lock.yaml, beside the program.

    The rung in use stays in use while the ladder still has it. Nothing is looked up in any cloud.
    """
    import json

    from gpuyard.cli.capacity_input import load_deployment, load_evidence
    from gpuyard.files import write_atomically
    from gpuyard.stack.locking import renew_lock

    stack, deployment, folder = load_deployment(directory, stack)
    if deployment.existing_cluster:
        document = {"schema": "gpuyard.lock/v1", "stack": stack, "path": None, "changed": False}
        text = f"{stack} runs on an existing cluster: there is nothing to lock"
        click.echo(json.dumps(document, indent=2) if form == "json" else text)
        return 0
    evidence = load_evidence(evidence_file, folder)
    change = renew_lock(stack, deployment, folder, evidence=evidence, best=best)
    if change.is_changed and not check:
        if change.unread.strip():
            kept = change.path.with_name(f"{change.path.name}.broken")
            kept.write_bytes(change.unread)
            click.echo(
                f"{change.path.name} could not be read, so which rungs were in use is not known: "
                f"every endpoint is on its best rung; the old file is kept as {kept.name}",
                err=True,
            )
        write_atomically(change.path, change.after)
    if form == "json":
        document = {
            "schema": "gpuyard.lock/v1",
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
