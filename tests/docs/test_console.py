"""What README and docs show of the command line is what it prints.

A fenced ``console`` block holds commands after ``$ `` and what each prints on a hundred columns. A line of
three dots stands for any number of lines. ``make golden`` writes the blocks again, as many lines before and
after the dots as there were.
"""

import os
import re
import shlex
from pathlib import Path

import pytest

from gpuyard.cli.main import run

ROOT = Path(__file__).parents[2]
PAGES = sorted(
    path for path in [ROOT / "README.md", *ROOT.glob("docs/**/*.md")] if "```console" in path.read_text()
)
BLOCK = re.compile(r"(?<=```console\n).*?(?=^```)", re.DOTALL | re.MULTILINE)
DOTS = "..."


@pytest.fixture
def printed(capsys, monkeypatch, tmp_path):
    """What a command prints on a machine without clusters, run in the repository."""
    monkeypatch.chdir(ROOT)
    monkeypatch.setenv("COLUMNS", "100")
    monkeypatch.setenv("KUBECONFIG", str(tmp_path / "none"))

    def call(command: str) -> list[str]:
        program, *arguments = shlex.split(command)
        assert program == "gpuyard", f"only gpuyard can be shown: {command}"
        run(arguments)
        captured = capsys.readouterr()
        said = (captured.out + captured.err).replace(str(ROOT) + os.sep, "")
        return [line.rstrip() for line in said.rstrip().splitlines()]

    return call


@pytest.mark.parametrize("page", PAGES, ids=[page.name for page in PAGES])
def test_the_page_shows_what_the_command_prints(page, printed, request):
    text = page.read_text(encoding="utf-8")
    shown = BLOCK.sub(lambda block: show_again(block.group(), printed), text)
    if request.config.getoption("update_snapshots"):
        page.write_text(shown, encoding="utf-8")
    else:
        assert text == shown, f"{page.name} is behind: run `make golden` and read the difference"


def show_again(block: str, printed) -> str:
    """The block with each command's output of now, shortened where it was."""
    parts = re.split(r"^(?=\$ )", block, flags=re.MULTILINE)
    return "".join(part and _show_command(part, printed) for part in parts)


def _show_command(part: str, printed) -> str:
    command, *before = part.rstrip("\n").splitlines()
    lines = printed(command.removeprefix("$ "))
    if DOTS in before:
        first = before.index(DOTS)
        last = len(before) - before.index(DOTS) - 1
        if first + last < len(lines):
            lines = [*lines[:first], DOTS, *(lines[-last:] if last else [])]
    return "\n".join([command, *lines]) + "\n" + ("\n" if part.endswith("\n\n") else "")


def test_there_are_pages_with_commands():
    assert ROOT / "README.md" in PAGES
