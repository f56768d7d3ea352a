"""A report that was written can be read back, equal to the last digit; anything else is refused by name."""

import copy
import json
from decimal import Decimal

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from tests.report.strategies import COSTS, FINDINGS, WORDS

from gpuyard.costs.line_item import LineItem, Loads
from gpuyard.errors import SpecError
from gpuyard.report.json_form import render_json
from gpuyard.report.model import build_report
from gpuyard.report.reading import load_report, read_costs, read_report


@pytest.fixture
def data(report):
    return json.loads(render_json(report))


def problems(data):
    with pytest.raises(SpecError) as caught:
        read_report(data)
    return {finding.path: finding for finding in caught.value.findings}


def test_a_report_read_back_is_the_report(report, data):
    assert read_report(data) == report
    assert render_json(read_report(data)) == render_json(report)


@given(costs=COSTS, findings=st.lists(FINDINGS, max_size=3), notes=st.lists(WORDS, max_size=2))
@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow])
def test_any_report_read_back_is_the_report(costs, findings, notes):
    report = build_report(stack="s", costs=costs, findings=findings, notes=notes)
    text = render_json(report)
    assert read_report(json.loads(text)) == report
    assert render_json(read_report(json.loads(text))) == text


def test_amounts_keep_what_a_json_number_keeps():
    third = Decimal(1) / 3
    item = LineItem(
        resource="r",
        urn="u",
        type="t",
        component="c",
        group="network",
        region="",
        quantity=Loads(idle=third, expected=third, peak=third * 2),
        unit="hour",
        list_unit_price=None,
        unit_price=third,
        source="",
        as_of="",
    )
    assert item.unit_price == Decimal("0.333333333333333")
    assert Decimal(repr(float(item.unit_price))) == item.unit_price


def test_writers_that_know_only_doubles_and_sort_keys_change_nothing(report, data):
    def as_doubles(value):
        if isinstance(value, dict):
            return {key: as_doubles(value[key]) for key in sorted(value)}
        if isinstance(value, list):
            return [as_doubles(item) for item in value]
        return float(value) if isinstance(value, int) and not isinstance(value, bool) else value

    assert read_report(as_doubles(data)) == report


def test_the_costs_alone_can_be_read(report):
    assert read_costs(json.loads(json.dumps(report.costs.as_dict()))) == report.costs


def test_new_keys_and_missing_optional_ones_are_fine(report, data):
    data["invented_later"] = data["cost"]["invented_later"] = 1
    del data["notes"]
    assert read_report(data).costs == report.costs


def test_every_problem_is_reported_with_its_place(data):
    data["stack"] = 7
    data["cost"]["currency"] = "EUR"
    data["cost"]["hours_per_month"] = "730"
    data["cost"]["line_items"][0]["unit_price"] = True
    del data["cost"]["line_items"][1]["urn"]
    data["lead_time"]["chat"]["gates"][0]["is_open"] = "no"
    data["lead_time"]["chat"]["journeys"]["zero_to_one"]["p50_s"] = float("nan")
    data["findings"][0]["severity"] = "fatal"
    assert set(problems(data)) == {
        "stack",
        "cost.currency",
        "cost.hours_per_month",
        "cost.line_items[0].unit_price",
        "cost.line_items[1].urn",
        "lead_time.chat.gates[0].is_open",
        "lead_time.chat.journeys.zero_to_one.p50_s",
        "findings[0].severity",
    }


def test_totals_that_were_edited_are_refused(data):
    data["cost"]["totals"]["peak"]["monthly"] += 1
    assert problems(data)["cost.totals.peak.monthly"].code == "TOTALS_DISAGREE"


def test_an_item_that_was_taken_out_is_noticed(data):
    paid = [index for index, item in enumerate(data["cost"]["line_items"]) if item["effective"]]
    del data["cost"]["line_items"][paid[0]]
    assert all(finding.code == "TOTALS_DISAGREE" for finding in problems(data).values())


def test_unknown_groups_and_impossible_months_are_refused(data):
    data["cost"]["line_items"][0]["group"] = "snacks"
    data["cost"]["hours_per_month"] = 800
    assert {"cost.line_items[0].group", "cost.hours_per_month"} <= set(problems(data))


def test_a_ninetieth_percentile_below_the_median_is_refused(data):
    data["lead_time"]["chat"]["journeys"]["rollout"]["p90_s"] = 1
    assert "below the median" in problems(data)["lead_time.chat.journeys.rollout.p90_s"].message


def test_the_median_stays_below_the_ninetieth_percentile(report, data):
    for lead_time in (*report.lead_times.values(), *read_report(data).lead_times.values()):
        assert all(journey.p50_s <= journey.p90_s for journey in lead_time.journeys)


def test_a_newer_schema_says_so(data):
    data["schema"] = "gpuyard.report/v2"
    finding = problems(data)["schema"]
    assert finding.code == "NEWER_SCHEMA"
    assert "newer gpuyard" in finding.message
    assert "update" in finding.fix


@pytest.mark.parametrize("other", [{}, {"schema": "gpuyard.plan/v1"}, {"resources": []}, [], None, "x"])
def test_another_document_is_refused(other):
    (finding,) = problems(other).values()
    assert finding.code == "NOT_A_REPORT"


@pytest.mark.parametrize(
    "schema", ["gpuyard.report/v0", "gpuyard.report/", "gpuyard.report", "gpuyard.report/x"]
)
def test_a_version_that_never_was_is_refused(schema, data):
    assert "no known version" in problems({**data, "schema": schema})["schema"].message


def test_thousands_of_problems_are_counted_and_not_printed(data):
    data["findings"] = [{}] * 3000
    found = problems(data)
    assert len(found) == 51
    assert "more problems" in found[""].message


@pytest.mark.parametrize("place", ["stack", "findings", "cost", "lead_time", "pools"])
def test_a_value_in_the_wrong_place_is_never_repeated(place, data):
    secret = "hf_" + "a" * 34
    broken = copy.deepcopy(data)
    broken[place] = [secret] if place == "stack" else secret
    with pytest.raises(SpecError) as caught:
        read_report(broken)
    assert secret not in str(caught.value)


@pytest.mark.parametrize("content", ['{"schema": "gpuyard.rep', "", b"\xff\xfe\x00", "[" * 100_000])
def test_a_cut_file_is_named(content, tmp_path):
    path = tmp_path / "report.json"
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    with pytest.raises(SpecError) as caught:
        load_report(path)
    assert "report.json" in str(caught.value)


def test_a_missing_file_is_named(tmp_path):
    with pytest.raises(SpecError, match=r"nowhere\.json"):
        load_report(tmp_path / "nowhere.json")


def test_problems_in_a_file_name_the_file(data, tmp_path):
    path = tmp_path / "report.json"
    path.write_text(json.dumps({**data, "stack": 1}))
    with pytest.raises(SpecError, match=r"report\.json: stack"):
        load_report(path)
