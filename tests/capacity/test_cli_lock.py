"""`gpuyard lock` as a user types it."""

import json
import shutil
from pathlib import Path

import pytest

from gpuyard.capacity.lock import lock_file_name
from gpuyard.capacity.lock_file import read_lock
from gpuyard.cli.capacity_input import load_deployment
from gpuyard.cli.main import run
from gpuyard.stack.demands import make_demands
from gpuyard.stack.lock_check import check_lock

ROOT = Path(__file__).parents[2]


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """A copy of the example project without its locks."""
    shutil.copy(ROOT / "Pulumi.yaml", tmp_path)
    shutil.copytree(ROOT / "stacks", tmp_path / "stacks", ignore=shutil.ignore_patterns("*.lock.yaml"))
    return tmp_path


@pytest.mark.parametrize("stack", ["dev", "staging", "prod"])
def test_the_committed_locks_answer_their_stacks(stack: str) -> None:
    name, deployment, folder = load_deployment(ROOT, stack)
    lock = read_lock(folder / lock_file_name(name))
    assert check_lock(name, make_demands(deployment, folder), lock) == []


@pytest.mark.parametrize("stack", ["dev", "staging", "prod"])
def test_the_committed_locks_are_what_the_catalog_of_now_gives(
    stack: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(["lock", "-s", stack, "--check", "--directory", str(ROOT)]) == 0, capsys.readouterr().out


def test_it_writes_once_and_then_has_nothing_to_do(project: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["lock", "-s", "dev", "--directory", str(project)]) == 0
    assert "chat: new, on " in capsys.readouterr().out
    lock = project / "stacks" / "capacity.dev.lock.yaml"
    text = lock.read_text(encoding="utf-8")
    assert run(["lock", "-s", "dev", "--directory", str(project)]) == 0
    assert "up to date" in capsys.readouterr().out
    assert lock.read_text(encoding="utf-8") == text


def test_check_writes_nothing_and_exits_1(project: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["lock", "-s", "dev", "--check", "--directory", str(project)]) == 1
    assert not (project / "stacks" / "capacity.dev.lock.yaml").exists()
    assert "would change" in capsys.readouterr().err


def test_the_rung_in_use_stays_unless_told_otherwise(project: Path) -> None:
    assert run(["lock", "-s", "dev", "--directory", str(project)]) == 0
    lock = project / "stacks" / "capacity.dev.lock.yaml"
    lock.write_text(lock.read_text(encoding="utf-8").replace("active: 0", "active: 2"), encoding="utf-8")
    assert run(["lock", "-s", "dev", "--check", "--directory", str(project)]) == 0
    assert run(["lock", "-s", "dev", "--best", "--directory", str(project)]) == 0
    assert "active: 0" in lock.read_text(encoding="utf-8")


@pytest.mark.parametrize("broken", [b"stack: [", bytes(range(256)), b"<<<<<<< HEAD\nversion: 2\n", b"hello"])
def test_a_broken_lock_is_written_anew_and_kept_beside(project: Path, broken: bytes, capsys) -> None:
    lock = project / "stacks" / "capacity.dev.lock.yaml"
    lock.write_bytes(broken)
    assert run(["lock", "-s", "dev", "--check", "--directory", str(project)]) == 1
    assert lock.read_bytes() == broken
    assert run(["lock", "-s", "dev", "--directory", str(project)]) == 0
    assert "which rungs were in use is not known" in capsys.readouterr().err
    assert lock.with_name("capacity.dev.lock.yaml.broken").read_bytes() == broken
    assert read_lock(lock).stack == "dev"


def test_a_key_that_is_there_twice_is_refused(project: Path, capsys) -> None:
    assert run(["lock", "-s", "dev", "--directory", str(project)]) == 0
    lock = project / "stacks" / "capacity.dev.lock.yaml"
    lock.write_text(lock.read_text().replace("    active: 0\n", "    active: 0\n    active: 1\n"))
    assert run(["drill", "throttling", "-s", "dev", "--directory", str(project)]) == 2
    assert 'the key "active" is there twice' in capsys.readouterr().err


def test_a_newer_lock_is_not_overwritten(project: Path, capsys: pytest.CaptureFixture[str]) -> None:
    lock = project / "stacks" / "capacity.dev.lock.yaml"
    lock.write_text("version: 99\n", encoding="utf-8")
    assert run(["lock", "-s", "dev", "--directory", str(project)]) == 2
    assert "newer gpuyard" in capsys.readouterr().err
    assert lock.read_text(encoding="utf-8") == "version: 99\n"


def test_a_broken_lock_is_replaced_and_shown_in_the_diff(
    project: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    lock = project / "stacks" / "capacity.dev.lock.yaml"
    lock.write_text("endpoints: [broken", encoding="utf-8")
    assert run(["lock", "-s", "dev", "--directory", str(project)]) == 0
    assert "-endpoints: [broken" in capsys.readouterr().out


def test_json_holds_the_diff_and_the_lock(project: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["lock", "-s", "dev", "--format", "json", "--directory", str(project)]) == 0
    document = json.loads(capsys.readouterr().out)
    assert document["schema"] == "gpuyard.lock/v1"
    assert document["changed"]
    assert document["written"]
    assert document["lock"]["endpoints"]["chat"]["rungs"]


def test_an_existing_cluster_has_nothing_to_lock(project: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["lock", "-s", "local", "--directory", str(project)]) == 0
    assert "nothing to lock" in capsys.readouterr().out
