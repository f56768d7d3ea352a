"""The whole section: declared or assumed, unknown with a reason, beside hosted APIs and cheaper ways."""

from dataclasses import replace

import pytest

from gpuyard.catalog.models import find_model
from gpuyard.economics.load import Load, Target, Workload, spread_over_day
from gpuyard.economics.people import People, own
from gpuyard.economics.replicas import plan_day
from gpuyard.economics.throughput import Setting
from gpuyard.economics.token_economics import ASSUMED_UTILISATION, Candidate, GpuHour, weigh_tokens
from gpuyard.economics.tokens import FORMULAS

SETTING = Setting(
    model="meta-llama/Llama-3.3-70B-Instruct",
    shape=find_model("meta-llama/Llama-3.3-70B-Instruct"),
    gpu="h100-sxm",
    runtime="vllm",
    precision="fp8",
    gpus_per_replica=2,
)
HOUR = GpuHour(usd=6.88, purchase="on_demand", source="a table", as_of="2026-07-20")
LOAD = Load(workload=Workload(input_tokens=1024, output_tokens=1024), hourly=spread_over_day(per_second=1.0))


def weigh(setting=SETTING, **more):
    return weigh_tokens(setting, Target(), **{"gpu_hour": HOUR, **more})


def test_without_a_load_workload_and_utilisation_are_assumed_and_say_so():
    found = weigh()
    assert found.utilisation == ASSUMED_UTILISATION
    assert found.utilisation_basis.startswith("assumed")
    assert found.workload_basis == "assumed: that of the published measurement"
    assert found.at_planned is not None
    assert found.at_planned.output_only == pytest.approx(4.35, abs=0.01)


def test_a_load_is_used_as_declared():
    found = weigh(load=LOAD, utilisation=0.5, usd_per_month=10_000)
    assert (found.workload_basis, found.utilisation) == ("declared", 0.5)
    assert found.requests_per_month == pytest.approx(730 * 3600)
    assert found.all_in_per_1m == pytest.approx(10_000 / (730 * 3600) / 2048 * 1e6)
    bedrock = next(row for row in found.hosted if row.provider == "bedrock")
    assert bedrock.usd_per_month == pytest.approx(730 * 3600 * 2048 * 0.72 / 1e6)
    assert bedrock.break_even is None


def test_requests_without_capacity_are_in_no_price():
    day = plan_day(LOAD, 0.25, target_utilisation=1, lowest=2, highest=2)
    found = weigh(load=LOAD, utilisation=1.0, usd_per_month=10_000, day=day)
    assert day.lost_share == pytest.approx(0.5)
    assert found.all_in_per_1m == pytest.approx(2 * 10_000 / (730 * 3600) / 2048 * 1e6)


def test_what_nobody_published_is_unknown_and_hosted_prices_still_show():
    found = weigh(replace(SETTING, runtime="tgi"))
    assert found.at_planned is None
    assert "nobody has published" in found.unknown
    assert found.hosted
    assert all(row.break_even is None for row in found.hosted)
    assert found.at_ceiling is not None
    assert found.at_ceiling.output_only == pytest.approx(6.88 / 3600 / 2209 * 1e6)


def test_without_a_price_there_is_a_throughput_and_no_money():
    found = weigh(gpu_hour=None)
    assert found.capability is not None
    assert "usd_per_gpu_hour" in found.unknown
    assert found.at_planned is None


def candidate(usd, **setting):
    return Candidate(
        place="aws us-east-2",
        machine="p5.48xlarge",
        purchase="spot",
        setting=replace(SETTING, **setting),
        gpu_hour=replace(HOUR, usd=usd),
        not_chosen="spot is choice 2",
    )


def test_cheaper_ways_are_those_that_hold_the_target_for_less():
    ways = [candidate(1.47), candidate(9.0), candidate(0.1, gpu="l4"), candidate(7.0, gpu="h200")]
    found = weigh(candidates=ways)
    assert [(row.gpu, row.usd_per_gpu_hour) for row in found.cheaper] == [("h100-sxm", 1.47), ("h200", 7.0)]
    assert found.cheaper[0].saves_share == pytest.approx(1 - 1.47 / 6.88)
    assert "spot is choice 2" in found.next_cheaper


def test_where_nothing_is_cheaper_that_is_said():
    assert weigh(candidates=[candidate(9.0)]).next_cheaper.startswith("none of 1 other ways")
    assert "no other way" in weigh().next_cheaper


def test_the_json_has_all_that_the_formulas_take():
    data = weigh(load=LOAD, utilisation=0.5).as_dict()
    assert data["formulas"] == FORMULAS
    per_second = data["gpu_hour"]["usd"] / 3600
    able = data["capability"]
    request = per_second / able["tokens_per_s_per_gpu"] * able["workload"]["output_tokens"] / 0.5
    assert data["at_planned"]["per_request"] == pytest.approx(request)
    assert data["at_planned"]["input"] == pytest.approx(
        per_second * able["seconds_per_input_token"] * 1e6 / 0.5
    )
    assert "shape" not in data["setting"]


def test_ownership_adds_cloud_and_people_over_the_months():
    people = People(setup_hours=80, monthly_hours=20, usd_per_hour=100, source="time sheets", months=12)
    found = own(people, 40_000, 500, 26_000, "bedrock")
    assert found.total_usd == pytest.approx(8_000 + 500 + 12 * (2_000 + 40_000))
    assert found.hosted_usd == pytest.approx(12 * 26_000)
    assert own(people, 1, 0, None, "no price").hosted_usd is None
