"""Measured durations in place of published ones: what they replace, and what they never do."""

from dataclasses import replace
from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gpuyard.leadtime.estimate import estimate
from gpuyard.leadtime.measured import Measurement
from gpuyard.leadtime.merge import percentiles
from gpuyard.leadtime.path import ServingPath

PATH = ServingPath(
    cloud="aws",
    platform="eks",
    endpoint="chat",
    region="us-east-1",
    machine_type="p5.48xlarge",
    quota="Running On-Demand P instances",
    image_bytes=12_000_000_000,
    weights_bytes=70_000_000_000,
    parameters=70e9,
    tensor_parallel=2,
)


def line(phase, seconds, day=20, **more):
    return Measurement(phase=phase, seconds=seconds, date=date(2026, 11, day), what="a run", **more)


def phases(journey):
    return {phase.name: phase for phase in journey.phases}


def test_a_measured_phase_replaces_the_published_one_and_says_so():
    found = estimate(PATH, measured=[line("node boot", 200), line("node boot", 240, 22)])
    boot = phases(found.zero_to_one)["node boot"]
    assert (boot.p50_s, boot.p90_s, boot.trust, boot.as_of) == (220, None, "measured by you", "2026-11-22")
    assert boot.note.startswith("2 runs, the newest: a run")
    assert found.measured == ("node boot",)
    assert "node boot" in found.zero_to_one.assumed_spread


def test_ten_runs_have_a_p90_of_their_own():
    found = estimate(PATH, measured=[line("driver", 10 * n) for n in range(1, 11)])
    driver = phases(found.zero_to_one)["driver"]
    assert (driver.p50_s, driver.p90_s) == (55, 90)
    assert "driver" not in found.zero_to_one.assumed_spread


@pytest.mark.parametrize("limits", [{"endpoint": "other"}, {"machine_type": "g6.xlarge"}, {"region": "r"}])
def test_what_was_measured_elsewhere_changes_nothing(limits):
    assert estimate(PATH, measured=[line("node boot", 9, **limits)]) == estimate(PATH)


def test_a_pod_start_stands_for_its_three_parts():
    journey = estimate(PATH, measured=[line("pod start", 700)]).zero_to_one
    assert list(phases(journey)) == ["node request", "node boot", "driver", "pod start"]
    assert journey.critical_path[-1] == "pod start"
    assert journey.unknown == ()


def test_a_part_that_was_measured_by_itself_goes_before_the_sum():
    journey = estimate(PATH, measured=[line("pod start", 700), line("weights", 100)]).zero_to_one
    assert phases(journey)["weights"].p50_s == 100
    assert "pod start" not in phases(journey)


def test_a_warm_replica_is_not_measured_by_a_cold_start():
    warm = estimate(PATH, measured=[line("pod start", 700)]).one_more_replica
    assert warm == estimate(PATH).one_more_replica


def test_a_wait_at_a_gate_is_evidence_and_in_no_total():
    found = estimate(PATH, measured=[line("quota", 93600), line("capacity", 7200)])
    assert [gate.kind for gate in found.gates] == ["quota", "capacity"]
    assert "you waited 1 d 2 h on 2026-11-20" in found.gates[0].evidence
    assert "you waited 2 h" in found.gates[1].evidence
    assert [j.p90_s for j in found.journeys] == [j.p90_s for j in estimate(PATH).journeys]


_SECONDS = st.lists(st.floats(0, 1e5), min_size=1, max_size=30)


@given(_SECONDS)
def test_percentiles_lie_within_what_was_measured(seconds):
    p50, p90, _ = percentiles(seconds)
    assert min(seconds) <= p50 <= max(seconds)
    assert p90 is None or p50 <= p90 <= max(seconds)


@given(_SECONDS, st.randoms(use_true_random=False))
def test_the_order_of_runs_changes_nothing(seconds, order):
    shuffled = list(seconds)
    order.shuffle(shuffled)
    assert percentiles(seconds) == percentiles(shuffled)


@given(st.floats(0, 1e5), st.integers(10, 20))
def test_ten_equal_runs_leave_no_spread(seconds, count):
    assert percentiles([seconds] * count) == (seconds, seconds, "")


@given(st.dictionaries(st.sampled_from(["node boot", "driver", "weights", "drain"]), st.floats(0, 9999)))
def test_p90_is_never_below_p50_with_any_measurements(seconds):
    found = estimate(
        replace(PATH, replicas=2), measured=[line(name, value) for name, value in seconds.items()]
    )
    for journey in found.journeys:
        assert journey.p90_s >= journey.p50_s
