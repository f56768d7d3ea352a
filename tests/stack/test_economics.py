"""Tokens, use and ownership of the example stacks follow from their plans."""

import json
from dataclasses import replace

import pytest

from gpuyard.costs.pricing import price_resources
from gpuyard.errors import SpecError
from gpuyard.parsing import parse_spec
from gpuyard.resources import Resource
from gpuyard.stack.demand_load import demand_of, load_findings
from gpuyard.stack.economics import ownership_of, price_usage, tokens_section, usage_of
from gpuyard.stack.load_spec import LoadSpec, PeopleSpec
from gpuyard.stack.spec import parse_deployment
from gpuyard.stack.wiring import pool_zones

COSTS = price_resources([])
LOAD = {"requests_per_second": 16, "input_tokens": 1000, "output_tokens": 300, "active_hours": 16}


def with_endpoint(plan, **changes):
    (placed,) = plan.endpoints
    endpoint = placed.endpoint.model_copy(update=changes)
    return replace(plan, endpoints=(replace(placed, endpoint=endpoint),))


def with_load(plan, **changes):
    return with_endpoint(plan, load=parse_spec(LoadSpec, {**LOAD, **changes}))


def test_prod_prices_its_tokens_at_the_locked_rate(plan_of):
    plan = plan_of("prod")
    found = tokens_section(plan, COSTS)["chat"]
    assert found.gpu_hour is not None
    assert found.gpu_hour.usd == pytest.approx(plan.pools[0].rung.rate.usd / 8)
    assert found.at_planned is not None
    assert found.day is not None
    assert found.cheaper
    assert all(row.not_chosen for row in found.cheaper)


def test_idle_expected_and_peak_replicas_follow_from_the_load(plan_of):
    day = demand_of(with_load(plan_of("prod")).endpoints[0]).day
    assert day is not None
    assert (day.idle, day.peak) == (2, 4)
    assert day.by_hour == (4,) * 16 + (2,) * 8


def test_a_load_beyond_the_replicas_is_a_warning_with_the_number(plan_of):
    (finding,) = load_findings(with_load(plan_of("prod"), requests_per_second=100))
    assert finding.code == "LOAD_EXCEEDS_REPLICAS"
    assert finding.path == "endpoints[0].replicas_max"
    assert "replicas_max: 22" in finding.fix
    assert list(load_findings(with_load(plan_of("prod")))) == []


def test_a_load_on_a_gpu_that_nobody_timed_is_a_note(plan_of):
    (finding,) = load_findings(with_load(plan_of("staging")))
    assert finding.code == "LOAD_THROUGHPUT_UNKNOWN"


def test_your_own_throughput_makes_it_known(plan_of):
    own = {
        "output_tokens_per_second": 900,
        "input_tokens": 1000,
        "output_tokens": 300,
        "date": "2026-11-20",
        "what": "vllm bench serve",
    }
    plan = with_load(plan_of("staging"), measured=[own], requests_per_second=1)
    found = tokens_section(plan, COSTS)["chat"]
    assert found.capability is not None
    assert found.capability.basis == "measured by you"
    assert found.capability.tokens_per_s_per_gpu == pytest.approx(900 / plan.endpoints[0].gpus_per_replica)
    assert list(load_findings(plan)) == []


def test_use_names_the_pools_and_gateways_of_the_stack(plan_of):
    plan = with_load(plan_of("prod"))
    cluster = plan.clusters[0].name
    gateways = [
        Resource(urn=f"urn:{n}", type="aws:ec2/natGateway:NatGateway", name=f"{cluster}-net-{n}")
        for n in range(2)
    ]
    pool = plan.pools[0]
    made = Resource(
        urn="urn:nodes",
        type="aws:eks/nodeGroup:NodeGroup",
        name="cut-to-fit",
        parent=f"urn::{pool.cluster}-{pool.name}",
    )
    alone, shared = usage_of(plan), usage_of(plan, [*gateways, made])
    key = f"aws:ec2/natGateway:NatGateway::{cluster}*"
    amount = "monthly_data_processed_gb"
    assert alone.resources[key][amount] == pytest.approx(2 * shared.resources[key][amount], abs=0.01)
    assert shared.resources["urn:nodes"]["instances"] == pytest.approx((16 * 2 + 8 * 1) / 24)


def test_what_an_exposed_endpoint_sends_out_is_priced(plan_of):
    plan = with_load(with_endpoint(plan_of("prod"), service_type="LoadBalancer"))
    derived = usage_of(plan)
    (entry,) = derived.free
    costs = price_resources([], usage=price_usage([derived]))
    assert entry["region"] == plan.clusters[0].region
    assert costs.monthly.expected > 0
    assert (
        price_resources([], usage=price_usage([usage_of(with_load(plan_of("prod")))])).monthly.expected == 0
    )


def test_an_existing_cpu_cluster_has_no_tokens_to_price(plan_of):
    plan = plan_of("local")
    assert tokens_section(plan, COSTS) == {}
    assert list(load_findings(with_load(plan))) == []


def test_ownership_needs_people(plan_of):
    plan = plan_of("prod")
    assert ownership_of(plan, COSTS, {}) is None
    people = PeopleSpec(setup_hours=80, monthly_hours=20, usd_per_hour=100, source="time sheets")
    staffed = replace(plan, deployment=plan.deployment.model_copy(update={"people": people}))
    found = ownership_of(staffed, COSTS, tokens_section(staffed, COSTS))
    assert found is not None
    assert found.upkeep_usd_per_month == 2000
    assert found.hosted_usd is not None
    assert "deepinfra" in found.hosted


@pytest.mark.parametrize(
    ("load", "words"),
    [
        ({"requests_per_day": 10}, "either"),
        ({"requests_per_second": None}, "either"),
        ({"hourly": [1] * 23, "active_hours": None}, "23 weights"),
        ({"hourly": [1] * 24}, "same thing twice"),
        ({"hourly": [0] * 24, "active_hours": None}, "not all 0"),
        ({"input_tokens": 0}, "greater than 0"),
        ({"days_per_week": 8}, "less than or equal to 7"),
        ({"requests_per_minute": 3}, "no key"),
    ],
)
def test_a_load_that_makes_no_sense_is_refused(load, words):
    with pytest.raises(SpecError, match=words):
        parse_spec(LoadSpec, {**LOAD, **load})


def test_machines_of_an_existing_cluster_cost_what_is_declared_or_are_named(plan_of):
    plan = plan_of("prod")
    (placed,) = plan.endpoints
    people = PeopleSpec(setup_hours=0, monthly_hours=0, usd_per_hour=100, source="time sheets")
    deployment = plan.deployment.model_copy(update={"people": people})
    bare = replace(plan, deployment=deployment, endpoints=(replace(placed, pool=""),))
    declared = with_load(bare, usd_per_gpu_hour=2.5, requests_per_second=1)
    found = ownership_of(declared, COSTS, tokens_section(declared, COSTS))
    assert found is not None
    assert found.cloud_usd_per_month == pytest.approx(2 * placed.gpus_per_replica * 2.5 * 730)
    unknown = with_load(bare)
    named = ownership_of(unknown, COSTS, tokens_section(unknown, COSTS))
    assert named is not None
    assert "without the machines of chat" in named.cloud


def test_a_wrong_load_is_the_only_complaint():
    """A list whose one entry is wrong is not too short as well."""
    endpoint = {"name": "chat", "model": "Qwen/Qwen3-4B", "load": {**LOAD, "requests_per_day": 5}}
    place = {"cloud": "aws", "regions": ["us-east-1"]}
    with pytest.raises(SpecError) as caught:
        parse_deployment({"places": [place], "capacity": {"accelerators": ["l4"]}, "endpoints": [endpoint]})
    assert [finding.path for finding in caught.value.findings] == ["endpoints[0].load"]
    with pytest.raises(SpecError, match="at least 1 entry is needed"):
        parse_deployment({"places": [place], "capacity": {"accelerators": ["l4"]}, "endpoints": []})


def test_a_pool_whose_name_was_cut_pays_for_the_nodes_of_its_load(plan_of):
    """Node pools of GKE have names of at most 32 characters: the pool is found by who made it."""
    plan = with_load(plan_of("dev"), requests_per_second=0.3, measured=[MEASURED])
    plan = replace(plan, endpoints=(replace(plan.endpoints[0], replicas_max=6),))
    pool, cluster = plan.pools[0], plan.clusters[0]
    nodes = Resource(
        urn="urn:dev::proj::gcp:container/nodePool:NodePool::dev-gcp-cut-9fead4",
        type="gcp:container/nodePool:NodePool",
        name="dev-gcp-cut-9fead4",
        parent=f"urn::{pool.cluster}-{pool.name}",
        inputs={
            "location": cluster.region,
            "nodeLocations": list(pool_zones(pool.rung, cluster)),
            "autoscaling": {"totalMinNodeCount": 1, "totalMaxNodeCount": 6},
            "nodeConfig": {"machineType": pool.rung.machine_type, "spot": True},
        },
    )
    costs = price_resources([nodes], usage=price_usage([usage_of(plan, [nodes])]))
    (machines,) = [item for item in costs.items if item.component.startswith(pool.rung.machine_type)]
    day = demand_of(plan.endpoints[0]).day
    assert day is not None
    assert day.mean > 1
    assert machines.quantity is not None
    assert float(machines.quantity.expected) == pytest.approx(day.mean * 730)
    found = tokens_section(plan, costs, [nodes])["chat"]
    assert found.all_in_per_1m is not None
    assert found.at_planned is not None
    assert found.all_in_per_1m > found.at_planned.blended


MEASURED = {
    "output_tokens_per_second": 60,
    "input_tokens": 1000,
    "output_tokens": 300,
    "date": "2026-11-20",
    "what": "vllm bench serve",
}


def test_replicas_beyond_the_machines_that_are_held_are_not_counted(plan_of):
    plan = with_load(plan_of("prod"), requests_per_second=100)
    day = demand_of(replace(plan.endpoints[0], replicas_max=3)).day
    assert day is not None
    assert day.peak == 3


def test_the_rates_beside_a_stack_make_its_report_and_its_tokens_cheaper(project, gpuyard):
    listed = json.loads(gpuyard("report", "-s", "prod", "--format", "json", "--no-gates")[1])
    (project.root / "stacks" / "rates.prod.yaml").write_text(
        "discounts: [{name: EDP, percent: 10, cloud: aws}, {name: other, percent: 1, cloud: gcp}]\n"
        "commitments: [{name: plan, kind: savings_plan, usd_per_hour: 10, percent: 30, cloud: aws}]\n"
    )
    ours = json.loads(gpuyard("report", "-s", "prod", "--format", "json", "--no-gates")[1])
    before, after = (found["cost"]["totals"]["expected"]["monthly"] for found in (listed, ours))
    saved_by_plan = 10 * 730 / 0.7 - 10 * 730
    assert after == pytest.approx(before * 0.9 - saved_by_plan, rel=1e-3)
    hours = [found["tokens"]["chat"]["gpu_hour"]["usd"] for found in (listed, ours)]
    assert hours[1] < hours[0] * 0.9
    assert ours["notes"] == ['rates: discount "other" fits no line']
    assert {"EDP", "plan"} <= {name for item in ours["cost"]["line_items"] for name in item["discounts"]}


def test_a_broken_rates_file_beside_a_stack_is_named(project, gpuyard):
    (project.root / "stacks" / "rates.prod.yaml").write_text("discounts: [{name: EDP, percent: 109}]")
    code, said = gpuyard("report", "-s", "prod")
    assert code == 2
    assert "rates.prod.yaml: discounts[0].percent: 109" in said
