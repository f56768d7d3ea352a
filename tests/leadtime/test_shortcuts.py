"""What would shorten it most: effects by estimating again, prices from the tables or unknown."""

from dataclasses import replace
from datetime import date

import pytest

from gpuyard.leadtime.estimate import estimate
from gpuyard.leadtime.measured import Measurement
from gpuyard.leadtime.path import ServingPath
from gpuyard.leadtime.shortcuts import Bill, cold_start_usd, find_shortcuts

AWS = ServingPath(
    cloud="aws",
    platform="eks",
    endpoint="chat",
    region="us-east-1",
    machine_type="p5.48xlarge",
    quota="Running On-Demand P instances",
    image_bytes=12_000_000_000,
    weights_bytes=140_000_000_000,
    parameters=70e9,
    tensor_parallel=4,
    spare_replicas=0,
)
BILL = Bill(usd_per_node_hour=55.04, nodes=1, nodes_max=2)


def by_name(path=AWS, bill=BILL, measured=()):
    return {found.name: found for found in find_shortcuts(path, bill, measured)}


def test_the_largest_effect_comes_first():
    saved = [found.largest_saving_s for found in find_shortcuts(AWS, BILL)]
    assert saved == sorted(saved, reverse=True)
    assert saved[0] > 100


def test_an_effect_is_the_difference_of_two_estimates():
    saving = by_name()["weights in a bucket"].saves["zero_to_one"]
    bucket = estimate(replace(AWS, weights_source="s3")).zero_to_one
    assert saving.off_p50_s == pytest.approx(estimate(AWS).zero_to_one.p50_s - bucket.p50_s)


def test_prices_are_those_of_the_tables():
    """55.04 x 730; 140 GB x 0.023; 168 GB x 0.08 + 875 MB/s x 0.04, us-east-1."""
    found = by_name()
    assert found["a spare node"].usd_per_month == pytest.approx(40179.2)
    assert found["weights in a bucket"].usd_per_month == pytest.approx(3.22)
    assert found["weights on a local volume"].usd_per_month == pytest.approx(13.44 + 35)
    assert found["a reservation"].usd_per_month == pytest.approx(40179.2)
    assert found["the image on the node's disk"].usd_per_month == pytest.approx(12 * 2.3 * 0.05)


def test_what_every_node_needs_is_counted_by_the_nodes_of_the_expected_month():
    three = by_name(bill=replace(BILL, nodes=3))
    assert three["weights on a local volume"].usd_per_month == pytest.approx(3 * (13.44 + 35))
    assert three["a reservation"].usd_per_month == pytest.approx((2 - 3) * 40179.2)


def test_a_spare_of_held_machines_is_free_only_while_one_is_left():
    held = replace(AWS, purchase="reservation")
    left, none = (by_name(held, Bill(usd_per_node_hour=0.0, held_free=free)) for free in (1, 0))
    assert left["a spare node"].usd_per_month == 0
    assert none["a spare node"].usd_per_month is None


def test_a_price_that_nobody_knows_is_unknown_with_the_reason():
    found = by_name(bill=Bill())
    assert found["a spare node"].usd_per_month is None
    assert "not known" in found["a spare node"].cost
    remote = by_name(replace(AWS, region="ap-south-2"))
    assert remote["the image on the node's disk"].usd_per_month is None
    assert remote["weights on a local volume"].usd_per_month is None


def test_a_gate_is_opened_and_no_minute_saved():
    reservation = by_name()["a reservation"]
    assert reservation.opens == ("capacity",)
    assert reservation.saves == {}
    assert by_name()["quota asked for now"].opens == ("quota",)
    assert "quota asked for now" not in by_name(replace(AWS, has_quota_evidence=True))


def test_what_is_done_already_is_not_offered():
    done = replace(
        AWS,
        spare_nodes=1,
        image_preloaded=True,
        weights_source="pvc",
        weights_streamed=True,
        compile_cache=True,
        weights_bytes=70_000_000_000,
        purchase="reservation",
        has_quota_evidence=True,
    )
    assert find_shortcuts(done, BILL) == ()


def test_taking_a_phase_away_saves_what_you_measured():
    seen = Measurement(phase="image pull", seconds=900, date=date(2026, 11, 20), what="a pull")
    saving = by_name(measured=[seen])["the image on the node's disk"].saves["zero_to_one"]
    assert saving.off_p50_s > 850


def test_doing_a_phase_otherwise_compares_published_with_published():
    seen = Measurement(phase="weights", seconds=5, date=date(2026, 11, 20), what="a load")
    assert by_name(measured=[seen])["weights in a bucket"].saves == by_name()["weights in a bucket"].saves


def test_google_nodes_carry_the_image_on_a_second_disk():
    gcp = replace(
        AWS,
        cloud="gcp",
        platform="gke",
        region="us-central1",
        machine_type="a3-highgpu-8g",
        driver_by="cloud",
    )
    found = by_name(gcp, replace(BILL, nodes=2))
    disk = found["the image on the node's disk"]
    assert disk.usd_per_month == pytest.approx(12 * 2.3 * (2 * 0.10 + 0.05))
    assert "weights in a bucket" not in found


def test_an_existing_cluster_has_no_machines_to_buy():
    existing = ServingPath(
        cloud="kubernetes", platform="kubernetes", driver_by="none", image_bytes=10**10, weights_bytes=10**9
    )
    assert {found.name for found in find_shortcuts(existing, Bill())} == {"a smaller image"}


def test_a_cold_start_bills_from_the_order_to_the_first_token():
    """Machines of 55.04 USD an hour; the 13 s before the order are free."""
    journey = estimate(AWS).zero_to_one
    assert cold_start_usd(journey, BILL) == pytest.approx(55.04 * (journey.p50_s - 13) / 3600)
    assert cold_start_usd(journey, Bill()) is None


def test_bytes_that_no_longer_pass_nat_are_taken_off():
    bill = replace(BILL, nat_usd_weights=100.0, nat_usd_image=10.0)
    plain, through_nat = by_name(), by_name(bill=bill)
    for name, less in (
        ("weights in a bucket", 100),
        ("weights on a local volume", 100),
        ("a smaller image", 5),
    ):
        before, after = plain[name].usd_per_month, through_nat[name].usd_per_month
        assert before is not None
        assert after == pytest.approx(before - less)
        assert "less $" in through_nat[name].cost
