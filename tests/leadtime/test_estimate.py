"""Lead times of real paths, against what somebody timed."""

from dataclasses import replace
from time import perf_counter

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gpuyard.leadtime.estimate import estimate
from gpuyard.leadtime.path import ServingPath

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
    assert 0.6 * 393 <= journey.p50_s <= 393
    assert not journey.unknown


def test_every_number_has_a_source_and_a_date():
    for journey in estimate(TIMED).journeys:
        for found in journey.phases:
            assert found.p50_s is None or (found.source and found.as_of)


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
    assert installed.p50_s == pytest.approx(estimate(TIMED).zero_to_one.p50_s + 240 - 36)


@pytest.mark.parametrize(
    ("change", "phase"),
    [
        ({"image_bytes": None}, "image pull"),
        ({"weights_bytes": None}, "weights"),
        ({"weights_source": "gs"}, "weights"),
        ({"runtime": "tgi"}, "engine start and warm-up"),
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


def test_an_estimate_takes_at_most_a_tenth_of_a_second():
    estimate(TIMED)
    start = perf_counter()
    estimate(TIMED)
    assert perf_counter() - start < 0.1
