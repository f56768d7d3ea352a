"""Writing evidence. Its content is synthetic."""

import pytest

from gpuyard.catalog.evidence import Answer, Evidence
from gpuyard.catalog.evidence_file import read_evidence
from gpuyard.catalog.evidence_items import Offering, Question
from gpuyard.discovery.record import record
from gpuyard.errors import SpecError


def found(region, as_of="2026-11-26T12:00:00Z"):
    item = Offering(cloud="aws", region=region, zone="az1", machine_type="p5.48xlarge", as_of=as_of)
    answer = Answer(
        question=Question.OFFERINGS,
        cloud="aws",
        region=region,
        subjects=("p5.48xlarge",),
        as_of=as_of,
        items=(item,),
    )
    return Evidence((answer,))


def test_surveys_add_up_in_the_file(tmp_path):
    path = tmp_path / "stacks" / "capacity.evidence.json"
    record(found("us-east-1"), path)
    both = record(found("us-west-2"), path)
    assert read_evidence(path) == both
    assert {item.region for item in both.find(Offering)} == {"us-east-1", "us-west-2"}
    assert [file.name for file in path.parent.iterdir()] == ["capacity.evidence.json"]


def test_a_broken_file_is_left_alone(tmp_path):
    path = tmp_path / "capacity.evidence.json"
    path.write_text("{")
    with pytest.raises(SpecError, match="is not JSON"):
        record(found("us-east-1"), path)
    assert path.read_text() == "{"


def test_nothing_found_writes_nothing(tmp_path):
    path = tmp_path / "capacity.evidence.json"
    assert record(Evidence(), path) == Evidence()
    assert not path.exists()


def test_a_place_that_cannot_be_written_is_named(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(SpecError, match="cannot be"):
        record(found("us-east-1"), tmp_path / "file" / "capacity.evidence.json")
