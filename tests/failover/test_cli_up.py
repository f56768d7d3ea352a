"""`gpuyard up` where it must not touch anything: no engine, no consent, no choice, bad input."""

import shutil
from pathlib import Path

import pytest

from gpuyard.catalog.evidence_items import Reason
from gpuyard.cli.main import run

REPOSITORY = Path(__file__).parents[2]


@pytest.fixture
def project(tmp_path) -> Path:
    shutil.copy(REPOSITORY / "Pulumi.yaml", tmp_path)
    shutil.copytree(REPOSITORY / "stacks", tmp_path / "stacks")
    return tmp_path


@pytest.fixture
def no_pulumi(monkeypatch):
    monkeypatch.setenv("PATH", "/nowhere")


def files(project: Path) -> dict[str, bytes]:
    return {
        str(file): file.read_bytes()
        for file in project.rglob("*")
        if file.is_file() and "__pycache__" not in file.parts
    }


@pytest.mark.usefixtures("no_pulumi")
def test_without_pulumi_it_says_how_to_get_it_and_changes_nothing(project, capsys):
    before = files(project)
    assert run(["up", "-s", "staging", "--yes", "--directory", str(project)]) == 3
    err = capsys.readouterr().err
    assert "`pulumi` is not on PATH" in err
    assert "https://www.pulumi.com/docs/install/" in err
    assert "Traceback" not in err
    assert files(project) == before


@pytest.mark.usefixtures("no_pulumi")
def test_a_class_that_does_not_exist_cannot_be_forgotten(project, capsys):
    assert run(["up", "-s", "staging", "--forget", "quotas", "--directory", str(project)]) == 2
    err = capsys.readouterr().err
    assert '"quotas" is no class' in err
    assert "quota" in err.split("Classes:")[1]


def test_a_stack_on_an_existing_cluster_has_nothing_to_choose(project, capsys):
    assert run(["up", "-s", "local", "--directory", str(project)]) == 2
    assert "use `pulumi up`" in capsys.readouterr().err


@pytest.mark.usefixtures("no_pulumi")
def test_a_memory_of_a_newer_version_is_not_touched(project, capsys):
    memory = project / "stacks" / "capacity.staging.failures.yaml"
    memory.write_text("version: 99\nfailures: []\n", encoding="utf-8")
    before = memory.read_bytes()
    assert run(["up", "-s", "staging", "--yes", "--directory", str(project)]) == 2
    assert memory.read_bytes() == before


def test_a_cloud_that_cannot_be_asked_is_told_once_and_speaks_against_nothing(project, monkeypatch):
    from gpuyard.catalog.evidence import Evidence
    from gpuyard.cli.up import _looking_up
    from gpuyard.discovery.failure import Failure
    from gpuyard.discovery.survey import LockedOut, Survey
    from gpuyard.failover.opening import open_stack

    opened = open_stack(project, "prod")
    ladder = opened.ladders(0.0)["chat"]
    aws, gcp = (next(item for item in ladder if item.cloud == cloud) for cloud in ("aws", "gcp"))
    requests, lines = [], []

    def survey(request):
        requests.append(request)
        failure = Failure(reason=Reason.CREDENTIALS, message="no credentials", fix="log in")
        locked = LockedOut(cloud="aws", failure=failure, would_ask=())
        return Survey(evidence=Evidence(), locked_out=(locked,) if "aws" in request.machine_types else ())

    monkeypatch.setattr("gpuyard.discovery.survey.survey", survey)
    look = _looking_up(opened, lines.append)
    assert look({"chat": aws}) == {}
    assert look({"chat": aws}) == {}
    assert look({"chat": gcp}) == {}
    assert lines == ["aws is tried without looking first: no credentials"]
    assert [request.machine_types for request in requests] == [
        {"aws": (aws.machine_type,)},
        {"gcp": (gcp.machine_type,)},
    ]
    assert {request.project for request in requests} == {"example-llm-prod"}
