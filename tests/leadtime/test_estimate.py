"""Lead times of real paths, against what somebody timed."""

from dataclasses import replace
from time import perf_counter

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gpuyard.leadtime.estimate import estimate
from gpuyard.leadtime.path import ServingPath
from gpuyard.leadtime.shortcuts import Bill, find_shortcuts

SLACK = 4
"""The machine that runs the tests may be busy."""

TIMED = ServingPath(
    cloud="aws",
    platform="eks",
    region="us-west-2",
    machine_type="g6e.2xlarge",
    quota="Running On-Demand G and VT instances",
    image_bytes=11_600_000_000,
    weights_bytes=15 * 1024**3,
    weights_source="s3",
    parameters=8e9,
)
"""The run of awslabs/data-on-eks of 2026-07-14: an 8B model on a cold node served after 393 s."""


def test_a_cold_node_serves_in_about_the_time_that_was_measured():
    """Our phases leave out scheduling, pod start and image unpacking: they may not add up to more."""
    journey = estimate(TIMED).zero_to_one
    assert 0.6 * 393 <= journey.path_s <= journey.p50_s <= 393
    assert not journey.unknown


def test_every_number_has_a_source_and_a_date():
    for journey in estimate(TIMED).journeys:
        for found in journey.phases:
            assert found.p50_s is None or (found.source and (found.as_of or found.basis == "configured"))


def test_gates_are_stated_and_never_in_a_total():
    blocked = estimate(TIMED)
    seen = estimate(
        replace(TIMED, has_quota_evidence=True, quota_evidence="192 of 384 vCPU used on 2026-11-20")
    )
    assert [(gate.kind, gate.is_open) for gate in blocked.gates] == [("quota", False), ("capacity", False)]
    assert seen.gates[0].is_open
    assert "384 vCPU" in seen.gates[0].evidence
    assert blocked.empty_account.p50_s == seen.empty_account.p50_s


@pytest.mark.parametrize(
    ("purchase", "kinds"),
    [("on_demand", ["capacity"]), ("flex_start", ["capacity"]), ("calendar", ["approval", "capacity"])],
)
def test_each_way_of_buying_has_its_gates(purchase, kinds):
    path = ServingPath(
        cloud="gcp", platform="gke", region="us-central1", machine_type="a3-highgpu-8g", purchase=purchase
    )
    assert [gate.kind for gate in estimate(path).gates] == kinds


def test_the_nearer_the_start_the_sooner_tokens_flow():
    found = estimate(TIMED)
    assert found.empty_account.p50_s > found.zero_to_one.p50_s > found.one_more_replica.p50_s


def test_an_existing_cluster_has_no_cluster_to_wait_for():
    found = estimate(replace(TIMED, cluster_exists=True))
    assert found.empty_account.p50_s == found.zero_to_one.p50_s


def test_a_driver_that_the_operator_installs_takes_longer():
    installed = estimate(replace(TIMED, driver_by="operator")).zero_to_one
    assert installed.path_s == pytest.approx(estimate(TIMED).zero_to_one.path_s + 240 - 36)


@pytest.mark.parametrize(
    ("change", "phase"),
    [
        ({"image_bytes": None}, "image pull"),
        ({"weights_bytes": None}, "weights"),
        ({"weights_source": "gs"}, "weights"),
        ({"runtime": "tgi"}, "engine start"),
    ],
)
def test_what_nobody_has_timed_is_unknown_by_name(change, phase):
    journey = estimate(replace(TIMED, **change)).zero_to_one
    assert phase in journey.unknown


def test_a_cluster_that_exists_elsewhere_has_no_gates():
    path = ServingPath(
        cloud="kubernetes", platform="kubernetes", driver_by="none", image_bytes=10**9, weights_bytes=10**9
    )
    assert estimate(path).gates == ()


@given(st.integers(10**9, 2 * 10**12), st.sampled_from(["s3", "hf", "pvc"]))
def test_more_bytes_never_take_less_time(weights, source):
    path = replace(TIMED, weights_source=source)
    small, large = replace(path, weights_bytes=weights), replace(path, weights_bytes=2 * weights)
    assert estimate(large).zero_to_one.p50_s > estimate(small).zero_to_one.p50_s


def test_a_warm_replica_takes_about_what_was_measured():
    """The same run: 150 s on a node that was up and had the image."""
    journey = estimate(TIMED).one_more_replica
    assert journey.note == "on a node that is up"
    assert 0.3 * 150 <= journey.p50_s <= 150


def test_without_room_one_more_replica_waits_for_a_node():
    full = estimate(replace(TIMED, spare_replicas=0))
    assert full.one_more_replica.p50_s == full.zero_to_one.p50_s
    assert full.one_more_replica.note == "on a new node: none has room"


def test_a_lost_node_is_noticed_before_it_is_replaced():
    found = estimate(TIMED)
    assert found.node_lost.path_s == pytest.approx(found.zero_to_one.path_s + 350)
    spare = estimate(replace(TIMED, spare_nodes=1))
    assert spare.node_lost.p50_s < found.node_lost.p50_s
    assert "node boot" not in [phase.name for phase in spare.node_lost.phases]


def test_a_rollout_without_spare_gpus_stops_first_and_goes_one_by_one():
    one, three = (estimate(replace(TIMED, replicas=count)).rollout for count in (1, 3))
    surging = estimate(replace(TIMED, replicas=3, surges=True)).rollout
    assert one.phases[0].name == "drain"
    assert surging.phases[-1].name == "drain"
    assert surging.p50_s < three.p50_s
    steps = [phase.p50_s or 0 for phase in one.phases if phase.name != "image pull"]
    assert three.path_s == pytest.approx(one.path_s + 2 * sum(steps))


def test_a_cluster_with_add_ons_takes_as_long_as_is_documented():
    """awslabs/data-on-eks, getting started (2026-07): 11 to 12 min for VPC, EKS, Karpenter, 3 to 5 more."""
    journey = estimate(TIMED).empty_account
    ready = dict(journey.starts)["driver"]
    assert 14 * 60 <= ready <= 17 * 60


def test_the_parts_of_an_empty_account_run_beside_each_other():
    journey = estimate(replace(TIMED, is_exposed=True, has_certificate=True)).empty_account
    starts = dict(journey.starts)
    assert starts["NAT"] == starts["control plane"]
    assert starts["system nodes"] == starts["node boot"]
    assert starts["load balancer"] == pytest.approx(starts["driver"], abs=200)
    assert journey.path_s < sum(phase.p50_s or 0 for phase in journey.phases)


def test_the_report_of_a_stack_is_estimated_in_fifty_milliseconds():
    find_shortcuts(TIMED, Bill())
    path = replace(TIMED, parameters=9e9)
    start = perf_counter()
    estimate(path)
    find_shortcuts(path, Bill())
    assert perf_counter() - start < 0.05 * SLACK


def test_refusals_of_scarce_families_are_not_told_of_others():
    """Hours to days of refusals are published for P5 and P6; the same source calls G6e easier."""
    for machine, is_scarce in (("p5.48xlarge", True), ("p6-b200.48xlarge", True), ("g6e.xlarge", False)):
        (*_, gate) = estimate(replace(TIMED, machine_type=machine)).gates
        assert ("refusals are normal" in gate.evidence) == is_scarce
        assert ("orcapod" in gate.source) == is_scarce
