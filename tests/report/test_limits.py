"""Gates: each breaks above its limit and says why; those of the base count; the command line wins."""

from dataclasses import replace
from datetime import date
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.report.conftest import make_report

from gpuyard.cli.gates import read_limits
from gpuyard.cli.main import run
from gpuyard.costs.pricing import price_resources
from gpuyard.errors import SpecError
from gpuyard.report.json_form import render_json
from gpuyard.report.judging import judge_change, judge_report
from gpuyard.report.limits import Limits
from gpuyard.report.model import build_report
from gpuyard.report.money_diff import Amounts
from gpuyard.report.rendering import render
from gpuyard.report.words import JOURNEYS
from gpuyard.stack.spec import Deployment, Gates, Journey

TODAY = date(2026, 11, 26)
MONEY = st.decimals(min_value=0, max_value=10**6, places=2)


def judged(report, **limits):
    return {verdict.gate: verdict for verdict in judge_report(report, Limits(**limits), TODAY)}


def change(before, after, **limits):
    old, new = (Amounts(expected=Decimal(value)) for value in (before, after))
    return {verdict.gate: verdict for verdict in judge_change("s", old, new, Limits(**limits))}


def test_the_config_has_the_gates_that_are_judged():
    assert set(Gates.model_fields) == set(Limits.__slots__)
    assert Limits(**Gates().model_dump()) == Limits()
    assert {str(journey) for journey in Journey} == set(JOURNEYS)
    assert Deployment.model_fields["gates"].default == Gates()


def test_without_limits_nothing_is_judged(report):
    assert judge_report(report, Limits(), TODAY) == ()
    assert change(0, 10**9) == {}


@pytest.mark.parametrize(
    ("gate", "load"), [("monthly_usd_max", "expected"), ("monthly_usd_peak_max", "peak")]
)
def test_a_budget_breaks_above_and_not_at_its_limit(gate, load, report):
    amount = float(getattr(report.costs.monthly, load))
    assert judged(report, **{gate: amount + 0.01})[gate].is_met
    broken = judged(report, **{gate: amount - 1})[gate]
    assert not broken.is_met
    assert "a month" in broken.reason
    assert "1 unknown" in broken.reason


def test_lead_time_breaks_by_its_p90(report):
    minutes = report.lead_times["chat"].zero_to_one.p90_s / 60
    gate = "lead_time_minutes_max.zero_to_one"
    assert judged(report, lead_time_minutes_max={"zero_to_one": minutes + 1})[gate].is_met
    broken = judged(report, lead_time_minutes_max={"zero_to_one": minutes - 1})[gate]
    assert not broken.is_met
    assert broken.subject == "chat"


def test_a_journey_of_which_nothing_is_known_breaks_its_gate(report):
    lead_time = report.lead_times["chat"]
    blank = replace(lead_time.zero_to_one, p50_s=0.0, p90_s=0.0)
    unknown = make_report(lead_times={"chat": replace(lead_time, zero_to_one=blank)})
    (verdict,) = judged(unknown, lead_time_minutes_max={"zero_to_one": 60}).values()
    assert verdict.value is None
    assert not verdict.is_met
    assert "unknown" in verdict.reason


def test_the_unknown_share_counts_resources_that_cost(report):
    # chat-nodes, cluster, nat, zonal have a price; odd has none; the role costs nothing
    verdict = judged(report, unknown_share_max=0.1)["unknown_share_max"]
    assert verdict.value == pytest.approx(1 / 5)
    assert not verdict.is_met
    assert judged(report, unknown_share_max=0.2)["unknown_share_max"].is_met


def test_nothing_that_costs_has_no_unknown_share():
    report = build_report(stack="s", costs=price_resources([]))
    assert judged(report, unknown_share_max=0)["unknown_share_max"].is_met


@pytest.mark.parametrize(
    ("written", "day"),
    [("2024-05-06", date(2024, 5, 6)), ("2024-05", date(2024, 5, 1)), ("2024", date(2024, 1, 1))],
)
def test_the_age_of_prices_is_that_of_the_oldest(written, day, report):
    first, *rest = report.costs.items
    aged = make_report(costs=replace(report.costs, items=(replace(first, as_of=written), *rest)))
    days = (TODAY - day).days
    verdict = judged(aged, price_age_days_max=days - 1)["price_age_days_max"]
    assert verdict.value == days
    assert not verdict.is_met
    assert judged(aged, price_age_days_max=days)["price_age_days_max"].is_met


@pytest.mark.parametrize(
    ("before", "after", "met"), [(1000, 1100, True), (1000, 1101, False), (1000, 10, True), (0, 100, True)]
)
def test_a_change_may_add_so_many_dollars(before, after, met):
    verdict = change(before, after, monthly_usd_increase_max=100)["monthly_usd_increase_max"]
    assert verdict.is_met is met


@pytest.mark.parametrize(
    ("before", "after", "met"),
    [(1000, 1100, True), (1000, 1101, False), (1000, 10, True), (0, 1, False), (0, 0, True)],
)
def test_a_change_may_add_so_many_percent(before, after, met):
    verdict = change(before, after, monthly_percent_increase_max=10)["monthly_percent_increase_max"]
    assert verdict.is_met is met


@given(before=MONEY, after=MONEY, limit=st.floats(0, 10**6))
def test_a_cheaper_month_breaks_no_gate_on_changes(before, after, limit):
    low, high = sorted([before, after])
    found = change(high, low, monthly_usd_increase_max=limit, monthly_percent_increase_max=limit)
    assert all(verdict.is_met for verdict in found.values())


def test_the_command_line_has_the_last_word():
    config = Limits(monthly_usd_max=100, lead_time_minutes_max={"zero_to_one": 5, "rollout": 9})
    given = [
        "monthly_usd_max=200",
        "lead_time_minutes_max.zero_to_one=7",
        "lead_time_minutes_max.rollout=off",
    ]
    limits = read_limits(config, [*given, "unknown_share_max=0.5"], no_gates=False)
    assert limits == Limits(
        monthly_usd_max=200, lead_time_minutes_max={"zero_to_one": 7}, unknown_share_max=0.5
    )
    assert read_limits(config, ["monthly_usd_max=off"], no_gates=False).monthly_usd_max is None
    assert read_limits(config, [], no_gates=True) == Limits()


def test_every_wrong_gate_is_reported_at_once():
    given = ["monthly_usd=1", "unknown_share_max=2", "lead_time_minutes_max.zero=1", "price_age_days_max"]
    with pytest.raises(SpecError) as caught:
        read_limits(Limits(), given, no_gates=False)
    assert len(caught.value.findings) == 4
    assert 'did you mean "monthly_usd_max"' in str(caught.value)


@pytest.fixture
def saved(report, tmp_path):
    path = tmp_path / "report.json"
    path.write_text(render_json(replace(report, gates=Limits(monthly_usd_max=100))))
    return str(path)


@pytest.mark.parametrize("form", ["text", "markdown", "gitlab", "azure", "json", "html"])
def test_a_broken_gate_is_in_every_format_and_exits_one(form, saved, capsys):
    assert run(["report", "--from", saved, "--format", form]) == 1
    out = capsys.readouterr()
    assert "$100.00 allowed" in out.out.replace("\\$", "$")
    assert "gate monthly_usd_max (prod):" in out.err
    assert run(["report", "--from", saved, "--format", form, "--no-gates"]) == 0


def test_gates_survive_the_json(saved, capsys):
    run(["report", "--from", saved, "--format", "json", "--today", "2026-11-26"])
    text = capsys.readouterr().out
    assert '"monthly_usd_max": 100' in text
    assert '"is_met": false' in text


def test_a_change_is_judged_by_the_gates_of_its_base(saved, report, tmp_path, capsys):
    head = tmp_path / "head.json"
    loosened = replace(report, gates=Limits(monthly_usd_max=10**9))
    head.write_text(render_json(loosened))
    assert run(["diff", saved, str(head)]) == 1
    out = capsys.readouterr()
    assert "gate monthly_usd_max" in out.err
    assert "the gates themselves differ" in out.out
    assert run(["diff", str(head), saved]) == 0
    assert run(["diff", saved, str(head), "--gate", "monthly_usd_max=1000000"]) == 0


def test_text_says_broken_gates_first(report):
    verdicts = judge_report(report, Limits(monthly_usd_peak_max=10**9, monthly_usd_max=1), TODAY)
    text = render(replace(report, verdicts=verdicts), "text", width=120)
    assert text.index("BROKEN:") < text.index("kept:")
