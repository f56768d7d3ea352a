"""The file: what it holds comes back, what a person broke is kept, two writers lose nothing."""

import subprocess
import sys

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gpuyard.errors import SpecError
from gpuyard.failover.classify import classify
from gpuyard.failover.memory import Memory, remember_all
from gpuyard.failover.memory_file import (
    memory_file_name,
    parse_memory,
    read_memory,
    render_memory,
    update_memory,
)

from .conftest import NOW, make

TEXTS = (
    "InsufficientInstanceCapacity: no capacity",
    "VcpuLimitExceeded: your current vCPU limit of 0",
    "Unsupported: not supported",
    "ReservationCapacityExceeded: no place",
    "something new: with a colon, a 'quote' and a # sign",
)


def memory_of(*texts, candidate=None, now=NOW):
    return remember_all(Memory(), [classify(text, "aws") for text in texts], candidate or make(), now)


@given(st.lists(st.sampled_from(TEXTS), max_size=8), st.integers(0, 10**9))
@settings(max_examples=40)
def test_what_is_written_comes_back(texts, offset):
    memory = memory_of(*texts, now=NOW + offset)
    read = parse_memory(render_memory("prod", memory))
    assert not read.findings
    assert set(read.memory.failures) == set(memory.failures)


def test_no_file_is_an_empty_memory(tmp_path):
    assert read_memory(tmp_path / memory_file_name("prod")).memory == Memory()


def test_a_broken_entry_is_a_finding_and_the_others_count(tmp_path):
    text = render_memory("prod", memory_of(*TEXTS[:3])).replace("class: quota", "class: quotta")
    read = parse_memory(text)
    assert {item.kind for item in read.memory.failures} == {"stockout", "not_sold"}
    (finding,) = read.findings
    assert (finding.code, finding.path) == ("MEMORY_INVALID", "failures.failures[0].class")
    assert "quota" in finding.fix


def test_everything_wrong_is_said_at_once():
    read = parse_memory(
        "version: 1\nstack: prod\nfailures:\n"
        "- {class: stockout, scope: {region: x}, since: soon, until: later, times: 0}\n"
        "- {class: nothing, scope: [], since: 2026-11-26T10:00:00Z, until: changed}\n"
        "- not a mapping\n"
    )
    assert read.memory == Memory()
    paths = {finding.path for finding in read.findings}
    assert {f"failures.failures[0].{key}" for key in ("scope.cloud", "since", "until", "times")} <= paths
    assert {"failures.failures[1].class", "failures.failures[1].scope", "failures.failures[2]"} <= paths


@pytest.mark.parametrize(
    "text", ["- a\n- b\n", "version: [", "\t", "just words", "version: 1\nfailures: 3\n"]
)
def test_a_file_that_is_something_else_is_a_finding(text):
    read = parse_memory(text)
    assert read.memory == Memory()
    assert read.findings


def test_a_broken_file_is_kept_before_it_is_written_again(tmp_path):
    path = tmp_path / memory_file_name("prod")
    broken = render_memory("prod", memory_of(TEXTS[0])) + "- {class: mine, note: do not lose this}\n"
    path.write_text(broken, encoding="utf-8")
    for _ in range(2):
        update_memory(path, "prod", lambda memory: memory.merge(memory_of(TEXTS[1])))
        assert {item.kind for item in read_memory(path).memory.failures} == {"stockout", "quota"}
        path.write_text(broken + "\n", encoding="utf-8")
    assert (tmp_path / f"{path.name}.broken-1").read_text(encoding="utf-8") == broken
    assert (tmp_path / f"{path.name}.broken-2").read_text(encoding="utf-8") == broken + "\n"


def test_a_file_by_a_newer_gpuyard_is_left_alone(tmp_path):
    path = tmp_path / memory_file_name("prod")
    path.write_text("version: 99\nfailures: {by: region}\n", encoding="utf-8")
    with pytest.raises(SpecError, match="newer gpuyard"):
        update_memory(path, "prod", lambda memory: memory)
    assert path.read_text(encoding="utf-8") == "version: 99\nfailures: {by: region}\n"


def test_nothing_is_written_where_nothing_changes(tmp_path):
    path = tmp_path / memory_file_name("prod")
    update_memory(path, "prod", lambda memory: memory)
    assert not path.exists()
    assert list(tmp_path.iterdir()) == []


def test_writers_at_once_lose_nothing(tmp_path):
    path = tmp_path / memory_file_name("prod")
    program = (
        "import sys; from pathlib import Path\n"
        "from gpuyard.failover.memory_file import update_memory\n"
        "from gpuyard.failover.memory import Memory\n"
        "from gpuyard.failover.failure import Failure, FailureClass\n"
        "from gpuyard.failover.scope import Scope\n"
        "for n in range(10):\n"
        "    item = Failure(kind=FailureClass.QUOTA, scope=Scope(cloud='aws', region=sys.argv[2] + str(n)),\n"
        "                   since=1.0e9, until=None, open_ended='changed')\n"
        "    update_memory(Path(sys.argv[1]), 'prod', lambda all: all.merge(Memory().remember(item)))\n"
    )
    writers = [subprocess.Popen([sys.executable, "-c", program, str(path), str(n)]) for n in range(2)]
    assert [writer.wait(timeout=60) for writer in writers] == [0, 0]
    assert len(read_memory(path).memory.failures) == 20
