"""Values that are not known yet are said, and never priced as if the program left them out."""

import pytest

from gpuyard.costs.pricing import price_resources
from gpuyard.costs.usage import Usage
from gpuyard.resources import SECRET, UNKNOWN

GROUP = {"region": "us-east-1", "instanceTypes": ["m5.xlarge"], "scalingConfig": [{"desiredSize": 10}]}
NODE_GROUP = "aws:eks/nodeGroup:NodeGroup"


@pytest.mark.parametrize("value", [UNKNOWN, SECRET])
@pytest.mark.parametrize(
    "odd", [{"instanceTypes": None}, {"scalingConfig": None}, {"scalingConfig": {"desiredSize": None}}]
)
def test_a_node_group_without_a_known_type_or_number_is_unknown(make, value, odd):
    def filled(block):
        return {k: filled(v) if isinstance(v, dict) else value for k, v in block.items()}

    report = price_resources([make(NODE_GROUP, **{**GROUP, **filled(odd)})])
    assert not report.items
    (found,) = report.unknown
    assert found.component.startswith(next(iter(odd)))


def test_a_declared_number_of_nodes_stands_in_for_an_unknown_one(make):
    group = make(NODE_GROUP, **{**GROUP, "scalingConfig": UNKNOWN})
    usage = Usage(resources={group.name: {"instances": 10}})
    report = price_resources([group], usage=usage)
    assert not report.unknown
    assert float(report.monthly.expected) == pytest.approx(10 * (0.192 * 730 + 2))


@pytest.mark.parametrize(
    ("kind", "inputs", "path"),
    [
        (
            "aws:ec2/instance:Instance",
            {"region": "us-east-1", "instanceType": "t3.large", "ebsBlockDevices": UNKNOWN},
            "ebsBlockDevices",
        ),
        (
            "gcp:compute/instance:Instance",
            {
                "zone": "us-central1-a",
                "machineType": "n1-standard-4",
                "guestAccelerators": [{"type": "nvidia-tesla-t4", "count": SECRET}],
            },
            "guestAccelerators.count",
        ),
        (
            "aws:ebs/volume:Volume",
            {"availabilityZone": "us-east-1a", "type": "io2", "size": 10, "iops": UNKNOWN},
            "iops",
        ),
        ("aws:eks/cluster:Cluster", {"region": "us-east-1", "version": UNKNOWN}, "version"),
    ],
)
def test_an_unknown_addition_is_listed_beside_what_can_be_priced(make, kind, inputs, path):
    report = price_resources([make(kind, **inputs)])
    assert report.monthly.expected > 0
    assert path in [found.component for found in report.unknown]


def test_unknown_subnets_count_where_their_number_is_known(make):
    endpoint = {"region": "us-east-1", "vpcEndpointType": "Interface"}
    kind = "aws:ec2/vpcEndpoint:VpcEndpoint"
    known = price_resources([make(kind, **endpoint, subnetIds=[UNKNOWN, UNKNOWN])])
    assert not known.unknown
    assert float(known.monthly.expected) == pytest.approx(14.60)
    assert price_resources([make(kind, **endpoint, subnetIds=UNKNOWN)]).unknown
