"""The evidence file, back and forth and broken. Its content is synthetic."""

import json
import subprocess
import sys

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gpuyard.catalog.evidence import Answer, Evidence, Gap, sort_evidence
from gpuyard.catalog.evidence_file import parse_evidence, read_evidence, render_evidence
from gpuyard.catalog.evidence_items import ITEM_TYPES, Offering, Question, Reason
from gpuyard.errors import SpecError

TIMES = st.integers(0, 59).map(lambda second: f"2026-11-26T15:04:{second:02}Z")


def records(kind, **known):
    return st.builds(kind, **{name: st.just(value) for name, value in known.items()}, as_of=TIMES)


@st.composite
def answers(draw):
    question = draw(st.sampled_from(list(Question)))
    known = {"cloud": draw(st.sampled_from(["aws", "gcp"])), "region": draw(st.text())}
    items = draw(st.lists(records(ITEM_TYPES[question], **known), max_size=3))
    return Answer(
        question=question,
        account=draw(st.text()),
        subjects=tuple(draw(st.lists(st.text(), max_size=2))),
        is_complete=draw(st.booleans()),
        as_of=draw(TIMES),
        items=tuple(items),
        **known,
    )


def finite(evidence):
    return "Infinity" not in render_evidence(evidence) and "NaN" not in render_evidence(evidence)


@given(st.lists(answers(), max_size=3), st.lists(records(Gap), max_size=2))
def test_what_is_written_is_read_back(given_answers, gaps):
    evidence = sort_evidence(given_answers, gaps)
    if finite(evidence):
        read = parse_evidence(json.loads(render_evidence(evidence)))
        assert read == evidence
        assert render_evidence(read) == render_evidence(evidence)


EVIDENCE = Evidence(
    (
        Answer(
            question=Question.OFFERINGS,
            cloud="aws",
            region="us-east-1",
            subjects=("p5.48xlarge",),
            as_of="2026-11-26T15:04:05Z",
            items=(
                Offering(
                    cloud="aws",
                    region="us-east-1",
                    zone="use1-az4",
                    machine_type="p5.48xlarge",
                    as_of="2026-11-26T15:04:05Z",
                ),
            ),
        ),
    ),
    (
        Gap(
            question=Question.QUOTAS,
            cloud="aws",
            account="********9012",
            region="us-east-1",
            reason=Reason.PERMISSION,
            message="User is not authorized",
            fix="grant servicequotas:ListServiceQuotas",
            permission="servicequotas:ListServiceQuotas",
            as_of="2026-11-26T15:04:06Z",
        ),
    ),
)
TEXT = """\
{
 "schema": "gpuyard/capacity-evidence",
 "version": 1,
 "as_of": "2026-11-26T15:04:05Z",
 "answers": [
  {"question": "offerings", "cloud": "aws", "region": "us-east-1", "subjects": ["p5.48xlarge"], \
"as_of": "2026-11-26T15:04:05Z", "items": [
   {"zone": "use1-az4", "machine_type": "p5.48xlarge"}
  ]}
 ],
 "gaps": [
  {"question": "quotas", "cloud": "aws", "account": "********9012", "region": "us-east-1", \
"reason": "permission", "message": "User is not authorized", \
"fix": "grant servicequotas:ListServiceQuotas", "permission": "servicequotas:ListServiceQuotas", \
"as_of": "2026-11-26T15:04:06Z"}
 ]
}
"""


def test_the_file_has_one_fact_per_line():
    assert render_evidence(EVIDENCE) == TEXT
    assert parse_evidence(json.loads(TEXT)) == EVIDENCE


def test_no_file_is_no_evidence(tmp_path):
    assert read_evidence(tmp_path / "capacity.evidence.json") == Evidence()


@pytest.mark.parametrize(
    ("change", "place", "words"),
    [
        (("offerings", "offering"), "answers[0].question", "'offering' is not one of regions, zones"),
        (('"use1-az4"', "4"), "answers[0].items[0].zone", "4 is not a string"),
        (('"zone"', '"zome"'), "answers[0].items[0].zone", "is required"),
        (('"zone"', '"zome"'), "answers[0].items[0].zome", "there is no such key"),
        (("15:04:05Z", "yesterday"), "answers[0].as_of", "is not a time such as"),
        (('"subjects": [', '"subjects": [1, '), "answers[0].subjects", "is not a list of strings"),
        (('"gaps": [', '"gaps": [7, '), "gaps[0]", "is not an object"),
        (('"version": 1', '"version": 9'), "capacity.evidence.json", "newer gpuyard (version 9"),
        (('"version": 1', '"version": true'), "version", "is True, not 1"),
        (("gpuyard/capacity-evidence", "other"), "capacity.evidence.json", "is not an evidence file"),
        (('"version": 1', '"version": NaN'), "capacity.evidence.json", "NaN is not a number"),
        (('"answers": [', '"answers": [,'), "capacity.evidence.json:5:14", "is not JSON"),
    ],
)
def test_a_broken_file_names_the_place(tmp_path, change, place, words):
    path = tmp_path / "capacity.evidence.json"
    path.write_text(TEXT.replace(*change))
    with pytest.raises(SpecError) as error:
        read_evidence(path)
    found = {
        finding.path.removeprefix("capacity.evidence.json."): finding for finding in error.value.findings
    }
    assert words in found[place].message
    assert found[place].fix
    assert {finding.code for finding in error.value.findings} == {"EVIDENCE_INVALID"}


def test_binary_content_is_named(tmp_path):
    path = tmp_path / "capacity.evidence.json"
    path.write_bytes(b"\xff\xfe\x00")
    with pytest.raises(SpecError, match="cannot be read: UnicodeDecodeError"):
        read_evidence(path)


def test_reading_evidence_loads_no_cloud_sdk():
    code = (
        "import sys, gpuyard.catalog.evidence_file\n"
        "print(sorted({'boto3', 'botocore', 'google', 'pulumi', 'pydantic'} & set(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
