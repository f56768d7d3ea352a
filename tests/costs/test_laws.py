"""Laws that hold for every set of resources."""

from decimal import Decimal
from time import process_time
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gpuyard.costs.eks import _cpus
from gpuyard.costs.eks import _gigabytes as _memory
from gpuyard.costs.in_cluster import _gigabytes
from gpuyard.costs.line_item import NOTHING, always
from gpuyard.costs.pricing import price_resources
from gpuyard.resources import Resource

_REGIONS = st.sampled_from(["us-east-1", "eu-west-1", "us-central1", "europe-west4", "mars-1"])
_COUNTS = st.integers(0, 9)


@st.composite
def _inputs(draw: Any) -> tuple[str, dict[str, Any]]:
    region = draw(_REGIONS)
    low, more, most = draw(_COUNTS), draw(_COUNTS), draw(_COUNTS)
    size, spot = draw(st.integers(1, 500)), draw(st.booleans())
    node_group = {
        "region": region,
        "instanceTypes": [draw(st.sampled_from(["p5.48xlarge", "g6.xlarge", "m7i.large", "zz.large"]))],
        "capacityType": "SPOT" if spot else "ON_DEMAND",
        "scalingConfig": {"minSize": low, "desiredSize": low + more, "maxSize": low + more + most},
    }
    machine = draw(st.sampled_from(["g2-standard-8", "a3-highgpu-8g", "n1-standard-4", "e2-medium"]))
    pool = {
        "location": region,
        "autoscaling": {"totalMinNodeCount": low, "totalMaxNodeCount": low + most},
        "nodeConfig": {"machineType": machine, "spot": spot, "diskSizeGb": size},
    }
    return draw(
        st.sampled_from(
            [
                ("aws:eks/nodeGroup:NodeGroup", node_group),
                ("gcp:container/nodePool:NodePool", pool),
                ("aws:ebs/volume:Volume", {"region": region, "type": "gp3", "size": size, "iops": 10 * size}),
                ("aws:ec2/natGateway:NatGateway", {"region": region}),
                ("gcp:compute/routerNat:RouterNat", {"region": region}),
                ("gcp:container/cluster:Cluster", {"location": f"{region}-a"}),
                ("aws:eks/cluster:Cluster", {"region": region, "version": "1.32"}),
                ("aws:iam/role:Role", {}),
                ("aws:what/ever:Ever", {}),
            ]
        )
    )


@st.composite
def _programs(draw: Any) -> list[Resource]:
    return [
        Resource(urn=f"urn:{number}", type=kind, name=f"r{number}", inputs=inputs)
        for number, (kind, inputs) in enumerate(draw(st.lists(_inputs(), max_size=6)))
    ]


@given(_programs())
def test_totals_are_the_sum_of_the_items(resources):
    report = price_resources(resources)
    total = NOTHING
    for item in report.items:
        if item.effective is not None and item.frequency != "One-Time" and item.category != "Credit":
            total = total + item.effective
    assert report.monthly == total
    assert sum((loads.expected for loads in report.by_group.values()), Decimal(0)) == total.expected


@given(_programs(), st.randoms(use_true_random=False))
def test_the_order_of_resources_changes_nothing(resources, random):
    shuffled = list(resources)
    random.shuffle(shuffled)
    assert price_resources(shuffled) == price_resources(resources)


@given(_programs())
def test_one_more_resource_never_lowers_the_cost(resources):
    """But for credits, which stand apart, and for what uses something that was paid while idle: a machine
    inside a capacity reservation, a machine on a static address of Google (tests below)."""
    for length in range(len(resources)):
        before, after = price_resources(resources[:length]), price_resources(resources[: length + 1])
        for load in ("idle", "expected", "peak"):
            assert getattr(after.monthly, load) >= getattr(before.monthly, load)


@given(_programs())
def test_idle_is_at_most_expected_and_expected_at_most_peak(resources):
    monthly = price_resources(resources).monthly
    assert monthly.idle <= monthly.expected <= monthly.peak


@given(_programs())
def test_every_resource_is_priced_free_or_unknown(resources):
    report = price_resources(resources)
    named = {item.urn for item in report.items} | {found.urn for found in report.unknown}
    assert len(named) + report.free == len(resources)


def _reservation(users):
    reserve = {"region": "us-east-1", "instanceType": "g6.xlarge", "instanceCount": 2}
    made = [
        Resource(
            urn="urn:r", type="aws:ec2/capacityReservation:CapacityReservation", name="r", inputs=reserve
        )
    ]
    target = {"capacityReservationTarget": {"capacityReservationId": "r"}}
    inputs = {"region": "us-east-1", "instanceType": "g6.xlarge", "capacityReservationSpecification": target}
    made += [
        Resource(urn=f"urn:i{n}", type="aws:ec2/instance:Instance", name=f"i{n}", inputs=inputs)
        for n in range(users)
    ]
    report = price_resources(made)
    machines = [item for item in report.items if item.unit == "hour"]
    return sum(item.effective.expected for item in machines if item.effective)


def test_machines_inside_a_reservation_are_not_paid_twice():
    paid = [_reservation(users) for users in range(4)]
    assert paid[0] == paid[1] == paid[2]
    assert paid[3] == paid[0] * Decimal(3) / 2


@given(_programs(), st.integers(1, 743))
def test_hourly_charges_grow_in_a_straight_line_with_the_hours(resources, hours):
    one, many = (
        price_resources(resources, hours_per_month=hours),
        price_resources(resources, hours_per_month=744),
    )
    # the credit of a cluster ends with the month, so only hourly lines pair up
    hourly = ([item for item in report.items if item.unit == "hour"] for report in (one, many))
    for before, after in zip(*hourly, strict=True):
        if before.quantity is not None and after.quantity is not None:
            assert before.quantity.expected * 744 == pytest.approx(after.quantity.expected * hours)


@given(st.decimals(0, 10**9, places=3), st.lists(st.integers(1, 10**6), max_size=4, unique=True))
def test_tiers_share_an_amount_without_loss(amount, ends):
    borders = [Decimal(0), *map(Decimal, sorted(ends))]
    parts = [
        always(amount).between(start, end).expected
        for start, end in zip(borders, [*borders[1:], None], strict=True)
    ]
    assert sum(parts) == amount
    assert all(part >= 0 for part in parts)


@given(st.integers(1, 10**6))
def test_quantities_of_kubernetes_round_trip(size):
    assert _gigabytes(f"{size}Gi") == size
    assert _gigabytes(f"{size * 1024}Mi") == size
    assert _gigabytes(f"{size}Ti") == size * 1024
    assert _cpus(str(size * 1024)) == _cpus(f"{size} vCPU") == size
    assert _memory(str(size * 1024)) == _memory(f"{size} GB") == size


def test_five_thousand_resources_take_at_most_two_seconds():
    region = {"region": "us-east-1"}
    scaling = {"minSize": 1, "desiredSize": 1, "maxSize": 2}
    group = {**region, "instanceTypes": ["p5.48xlarge"], "scalingConfig": scaling}
    pool = {"location": "us-central1", "nodeConfig": {"machineType": "g2-standard-8"}}
    kinds = [
        ("aws:eks/nodeGroup:NodeGroup", group),
        ("gcp:container/nodePool:NodePool", pool),
        ("gcp:compute/routerNat:RouterNat", {"region": "us-central1"}),
        ("aws:ec2/instance:Instance", {**region, "instanceType": "m7i.large"}),
        ("aws:iam/role:Role", {}),
    ]
    resources = [
        Resource(urn=f"urn:{n}", type=kinds[n % 5][0], name=f"r{n}", inputs=kinds[n % 5][1])
        for n in range(5000)
    ]
    start = process_time()
    report = price_resources(resources)
    assert len({item.urn for item in report.items}) == 4000
    assert process_time() - start < 2.0
