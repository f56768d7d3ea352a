"""The file of measured durations: read with every problem at once, written whole, never shrunk."""

import json
from datetime import date

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from gpuyard.errors import SpecError
from gpuyard.leadtime.measured import (
    SCHEMA,
    Measurement,
    load_measured,
    measured_file_name,
    parse_measured,
    read_measured,
    record_measurements,
    render_measured,
)
from gpuyard.leadtime.names import GATES, PHASES


def seen(phase="node boot", seconds=53.0, **more):
    values = {"date": "2026-11-20", "what": "one run", **more}
    return Measurement(phase=phase, seconds=seconds, **values)


_MEASUREMENTS = st.builds(
    Measurement,
    phase=st.sampled_from([*PHASES, *GATES]),
    seconds=st.floats(0, 1e6).map(lambda value: round(value, 3)),
    date=st.dates(date(2020, 1, 1), date(2030, 1, 1)),
    what=st.text(max_size=30).map(lambda text: f"run {text}"),
    endpoint=st.sampled_from(["", "chat"]),
)


@given(st.lists(_MEASUREMENTS, max_size=5))
def test_what_is_written_is_read_back(found):
    text = render_measured("prod", found)
    assert list(parse_measured(yaml.safe_load(text)).measurements) == found


def test_a_run_adds_lines_and_a_repeat_adds_none(tmp_path):
    path = tmp_path / measured_file_name("prod")
    assert record_measurements(path, "prod", [seen(seconds=50)]) == 1
    before = path.read_text()
    assert record_measurements(path, "prod", [seen(seconds=60), seen(seconds=50)]) == 2
    assert path.read_text().startswith(before)
    assert [found.seconds for found in load_measured(tmp_path, "prod")] == [50, 60]


def test_a_stack_without_a_file_has_no_measurements(tmp_path):
    assert load_measured(tmp_path, "prod") == ()


def test_json_is_read_as_well(tmp_path):
    path = tmp_path / "mine.json"
    lines = [{"phase": "weights", "seconds": 12, "date": "2026-11-20", "what": "from a bucket"}]
    path.write_text(json.dumps({"schema": SCHEMA, "measurements": lines}))
    assert read_measured(path)[0].seconds == 12


def test_every_problem_is_reported_at_once(tmp_path):
    path = tmp_path / "mine.yaml"
    path.write_text(
        f"schema: {SCHEMA}\n"
        "measurements:\n"
        "  - {phase: node bot, seconds: -3, date: yesterday, what: ''}\n"
        "  - {phase: weights, seconds: .inf, date: 2026-11-20, what: x, colour: red}\n"
    )
    with pytest.raises(SpecError) as caught:
        read_measured(path)
    found = {finding.path.partition("yaml.")[2] for finding in caught.value.findings}
    assert found == {
        "measurements[0].phase",
        "measurements[0].seconds",
        "measurements[0].date",
        "measurements[0].what",
        "measurements[1].seconds",
        "measurements[1].colour",
    }
    assert 'did you mean "node boot"' in str(caught.value)


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("", "MEASURED_SHAPE"),
        ("- 1", "MEASURED_SHAPE"),
        ("schema: [", "NOT_YAML"),
        ("schema: gpuyard.measured/v9", "MEASURED_SCHEMA"),
        ("measurements: []", "MEASURED_SCHEMA"),
    ],
)
def test_another_thing_than_a_measured_file_is_refused(tmp_path, text, code):
    path = tmp_path / "mine.yaml"
    path.write_text(text)
    with pytest.raises(SpecError) as caught:
        read_measured(path)
    assert [finding.code for finding in caught.value.findings] == [code]


def test_a_file_that_is_not_there_is_refused(tmp_path):
    with pytest.raises(SpecError, match="NOT_READABLE"):
        read_measured(tmp_path / "none.yaml")


def test_another_stacks_file_is_refused_and_stays_as_it_was(tmp_path):
    path = tmp_path / measured_file_name("prod")
    path.write_text(render_measured("dev", [seen()]))
    before = path.read_text()
    with pytest.raises(SpecError, match="MEASURED_FOREIGN"):
        load_measured(tmp_path, "prod")
    with pytest.raises(SpecError, match="MEASURED_FOREIGN"):
        record_measurements(path, "prod", [seen(seconds=1)])
    assert path.read_text() == before


def test_a_broken_file_is_not_overwritten(tmp_path):
    path = tmp_path / measured_file_name("prod")
    path.write_text("schema: [")
    with pytest.raises(SpecError):
        record_measurements(path, "prod", [seen()])
    assert path.read_text() == "schema: ["


@pytest.mark.parametrize(
    ("limits", "applies"),
    [({}, True), ({"endpoint": "chat"}, True), ({"endpoint": "other"}, False), ({"region": "r2"}, False)],
)
def test_a_measurement_says_something_about_what_it_names_only(limits, applies):
    assert seen(**limits).applies_to("chat", "p5.48xlarge", "r1") is applies
