"""The example stacks, planned as `gpuyard plan` does, and throw-away projects made from them."""

import shutil
from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Any

import pytest
import yaml

from gpuyard.cli.main import run
from gpuyard.planner import PlannedStack, plan_program
from gpuyard.stack.files import load_lock_data
from gpuyard.stack.plan import StackPlan
from gpuyard.stack.reading import read_stack

ROOT = Path(__file__).parents[2]
NAMES = ("dev", "local", "prod", "staging")
STACKS = ROOT / "stacks"


@cache
def planned(stack: str) -> PlannedStack:
    return plan_program(ROOT, stack)


@pytest.fixture(params=NAMES)
def each_stack(request, no_kubeconfig) -> PlannedStack:
    return planned(request.param)


@pytest.fixture
def no_kubeconfig(monkeypatch, tmp_path):
    """A machine without clusters, whoever runs the tests."""
    monkeypatch.setenv("KUBECONFIG", str(tmp_path / "none"))


@pytest.fixture
def program_of(no_kubeconfig) -> Callable[[str], PlannedStack]:
    """The recorded program of an example stack, by name."""
    return planned


@cache
def _plan(stack: str) -> StackPlan:
    config = yaml.safe_load((STACKS / f"Pulumi.{stack}.yaml").read_text())["config"]
    plan, _ = read_stack(stack, config["gpuyard:deployment"], load_lock_data(STACKS, stack), STACKS)
    return plan


@pytest.fixture
def plan_of():
    """The plan of an example stack, by name."""
    return _plan


class Project:
    """A copy of the repository's project whose stacks a test may break."""

    def __init__(self, root: Path) -> None:
        self.root = root
        shutil.copy(ROOT / "Pulumi.yaml", root)
        shutil.copytree(ROOT / "stacks", root / "stacks", ignore=shutil.ignore_patterns("__pycache__"))

    def file(self, stack: str) -> Path:
        return self.root / "stacks" / f"Pulumi.{stack}.yaml"

    def lock(self, stack: str) -> Path:
        return self.root / "stacks" / f"capacity.{stack}.lock.yaml"

    def change(self, stack: str, change: Callable[[dict[str, Any]], object]) -> None:
        """Rewrite the stack's deployment."""
        data = yaml.safe_load(self.file(stack).read_text())
        change(data["config"]["gpuyard:deployment"])
        self.file(stack).write_text(yaml.safe_dump(data))


@pytest.fixture
def project(tmp_path, no_kubeconfig) -> Project:
    return Project(tmp_path)


@pytest.fixture
def gpuyard(project, capsys, monkeypatch):
    """Run a verb in the project; its exit code and everything that it said."""

    def call(*arguments: str) -> tuple[int, str]:
        monkeypatch.chdir(project.root)
        code = run(list(arguments))
        captured = capsys.readouterr()
        said = captured.out + captured.err
        assert "Traceback" not in said
        return code, said

    return call
