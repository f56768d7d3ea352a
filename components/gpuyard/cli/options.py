"""Options that several verbs share."""

import sys
from pathlib import Path
from typing import Any

import click

stack_option = click.option("-s", "--stack", default="", help="The stack, e.g. dev.  [default: the only one]")
directory_option = click.option(
    "--directory",
    type=click.Path(path_type=Path, file_okay=False),
    default=Path(),
    help="Folder of the project.  [default: this folder or one above]",
)


def format_option(*forms: str) -> Any:
    """``--format`` with the first of ``forms`` as its default."""
    return click.option("--format", "form", type=click.Choice(forms), default=forms[0], show_default=True)


def is_terminal() -> bool:
    """Whether a person reads the answer on a terminal that shows colours."""
    import os

    return sys.stdout.isatty() and "NO_COLOR" not in os.environ
