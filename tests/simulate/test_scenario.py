"""Scenarios: what they mean, and what is wrong with a broken one."""

import pytest

from gpuyard.errors import SpecError
from gpuyard.simulate.scenario import parse_scenario, read_duration, read_scenario


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("90s", 90),
        ("35m", 2100),
        ("2h", 7200),
        ("1h 30m", 5400),
        ("500ms", 0.5),
        (12, 12),
        ("1.5h", 5400),
        ("2d", 172800),
    ],
)
def test_durations_are_read_as_people_write_them(text, seconds):
    assert read_duration(text) == seconds


@pytest.mark.parametrize("text", ["", "soon", "5 parsecs", "h", "-3s", -3, True, None])
def test_what_is_no_duration_is_refused(text):
    with pytest.raises(ValueError, match="is no duration"):
        read_duration(text)


def test_every_problem_of_a_scenario_is_told_at_once():
    broken = {
        "speed": 0,
        "rules": [
            {"when": {"zones": "a"}, "fail": "stockout"},
            {"when": {"operation": "make"}},
            {"fail": "throttled", "times": 0, "between": ["2h", "1h"]},
            {"takes": "soon"},
            {"takes": "5m", "message": "no"},
        ],
        "answer": [],
    }
    with pytest.raises(SpecError) as told:
        parse_scenario(broken, "drill.yaml")
    found = {finding.path: finding for finding in told.value.findings}
    assert found["drill.yaml.rules[0].when.zones"].fix.startswith('did you mean "zone"')
    assert "insufficient_capacity" in found["drill.yaml.rules[0].fail"].fix
    assert set(found) >= {
        "drill.yaml.speed",
        "drill.yaml.answer",
        "drill.yaml.rules[2].times",
        "drill.yaml.rules[2].between",
        "drill.yaml.rules[3].takes",
    }


def test_a_rule_that_does_nothing_is_refused():
    with pytest.raises(SpecError, match="does nothing"):
        parse_scenario({"rules": [{"when": {"name": "x"}}]})


def test_a_scenario_file_is_read(tmp_path):
    file = tmp_path / "sold-out.yaml"
    file.write_text(
        "rules:\n- when: {machine_type: 'p5*'}\n  fail: insufficient_capacity\n", encoding="utf-8"
    )
    assert read_scenario(file).rules[0].when.machine_type == ("p5*",)


def test_a_scenario_that_is_missing_or_no_mapping_is_refused(tmp_path):
    with pytest.raises(SpecError):
        read_scenario(tmp_path / "absent.yaml")
    file = tmp_path / "list.yaml"
    file.write_text("- 1\n", encoding="utf-8")
    with pytest.raises(SpecError):
        read_scenario(file)
