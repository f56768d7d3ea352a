"""The programs in README and docs run: recorded as a first preview, their inputs checked against the SDKs."""

import re
from pathlib import Path

import pytest

from gpuyard.engine.recorder import record
from gpuyard.engine.validate import validate
from gpuyard.simulate.preview import preview_answers

ROOT = Path(__file__).parents[2]
BLOCK = re.compile(r"(?<=```python\n).*?(?=^```)", re.DOTALL | re.MULTILINE)
BLOCKS = {
    f"{page.stem}-{number}": block
    for page in sorted([ROOT / "README.md", *ROOT.glob("docs/**/*.md")])
    for number, block in enumerate(BLOCK.findall(page.read_text(encoding="utf-8")))
}
PROGRAMS = [pytest.param(block, id=name) for name, block in BLOCKS.items() if "import pulumi" in block]
SNIPPETS = [pytest.param(block, id=name) for name, block in BLOCKS.items() if "print(" in block]


@pytest.mark.parametrize("program", PROGRAMS)
def test_the_program_can_be_planned(program, tmp_path):
    main = tmp_path / "__main__.py"
    main.write_text(program)
    recording = record(tmp_path, project="docs", stack="dev", answers=preview_answers(), root=tmp_path)
    assert validate(recording.resources) == []
    assert len(recording.resources) > 5


@pytest.mark.parametrize("snippet", SNIPPETS)
def test_the_snippet_runs(snippet, capsys):
    exec(compile(snippet, "snippet", "exec"), {})
    assert capsys.readouterr().out


def test_there_are_programs():
    assert PROGRAMS
