"""Laws that hold for every set of resources."""

from decimal import Decimal
from time import perf_counter
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from gpuyard.costs.line_item import NOTHING
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
    start = perf_counter()
    report = price_resources(resources)
    assert len({item.urn for item in report.items}) == 4000
    assert perf_counter() - start < 2.0
