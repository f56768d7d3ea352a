import pytest
from hypothesis import given
from hypothesis import strategies as st

from gpuyard.aws.spec import EksClusterSpec, EksPoolSpec, NetworkSpec
from gpuyard.errors import SpecError
from gpuyard.parsing import parse_spec

NETWORK = {"region": "us-east-1", "zone_ids": ["use1-az1", "use1-az2"]}
POOL = {"machine_type": "g6.xlarge", "nodes_max": 2}
RESERVATION = "cr-0123456789abcdef0"


def problems(model, args) -> str:
    with pytest.raises(SpecError) as caught:
        parse_spec(model, args)
    return str(caught.value)


def test_defaults_are_those_that_the_arguments_promise():
    network, pool = parse_spec(NetworkSpec, NETWORK), parse_spec(EksPoolSpec, POOL)
    cluster = parse_spec(EksClusterSpec, NETWORK)
    assert (network.vpc_cidr, network.nat) == ("10.0.0.0/16", "single")
    assert (cluster.kubernetes_version, cluster.system_instance_type, cluster.system_nodes) == (
        "1.35",
        "m7i.large",
        2,
    )
    assert (pool.purchase, pool.nodes_min, pool.desired, pool.efa, pool.root_disk_gib) == (
        "on_demand",
        0,
        0,
        False,
        100,
    )
    assert (pool.disk_throughput, pool.local_nvme, pool.bottlerocket, cluster.protect) == (
        500,
        True,
        False,
        False,
    )


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"region": "us-east1"}, 'did you mean "us-east-1"'),
        ({"region": "Ohio"}, "it looks like us-east-1"),
        ({"zone_ids": ["use1-az1"]}, "at least 2 entries are needed"),
        ({"zone_ids": ["use1-az1", "use1-az1"]}, "names use1-az1 twice"),
        ({"zone_ids": ["us-east-1a", "us-east-1b"]}, "zone_ids[0]"),
        ({"zone_ids": ["use1-az1", "use2-az1"]}, "use2-az1: not in us-east-1, whose zones are use1-az1"),
        ({"vpc_cidr": "10.0.0.0/24"}, "not between /16 and /23"),
        ({"vpc_cidr": "10.0.0.0.0/16"}, "vpc_cidr"),
        ({"nat": "none"}, "nat"),
        ({"tags": {"aws:team": "a"}}, "the prefix aws: is reserved"),
        ({"tags": {"team": "a" * 257}}, "a value 256"),
        ({"zones": ["use1-az1"]}, 'did you mean "zone_ids"'),
    ],
)
def test_a_network_that_aws_would_refuse_is_refused(change, reason):
    assert reason in problems(NetworkSpec, {**NETWORK, **change})


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"zone_ids": ["use1-az1", "use1-az3"]}, "EKS puts no control plane into use1-az3"),
        ({"kubernetes_version": "1.35.2"}, "kubernetes_version"),
        ({"system_nodes": 0}, "system_nodes"),
        ({"system_instance_type": "m7ilarge"}, "system_instance_type"),
        ({"public_access_cidrs": ["203.0.113.7/24"]}, "it looks like 203.0.113.0/24"),
    ],
)
def test_a_cluster_that_aws_would_refuse_is_refused(change, reason):
    assert reason in problems(EksClusterSpec, {**NETWORK, **change})


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"machine_type": "g6.xlagre"}, "g6.xlarge"),
        ({"machine_type": "g2-standard-8"}, "a machine type of gcp, not of AWS"),
        ({"machine_type": "g6f.xlarge"}, "a slice of a GPU, which Kubernetes sees as none"),
        ({"purchase": "reserved"}, 'did you mean "reservation"'),
        ({"purchase": "reservation"}, "reservation needs `reservation_id`"),
        ({"purchase": "capacity_block"}, "capacity_block needs `reservation_id`"),
        ({"reservation_id": RESERVATION}, "used by purchase reservation or capacity_block only"),
        ({"purchase": "reservation", "reservation_id": "my-reservation"}, "reservation_id"),
        ({"nodes_min": 3}, "nodes_max 2 is below nodes_min 3"),
        ({"nodes_min": -1}, "nodes_min"),
        ({"nodes_desired": 3}, "nodes_desired 3 is outside 0 to 2"),
        ({"efa": True}, "g6.xlarge has no EFA interface"),
        ({"disk_gib": 10}, "disk_gib"),
        ({"disk_throughput": 2000}, "disk_throughput"),
    ],
)
def test_a_pool_that_aws_would_refuse_is_refused(change, reason):
    assert reason in problems(EksPoolSpec, {**POOL, **change})


def test_all_cross_field_problems_are_told_at_once():
    text = problems(EksPoolSpec, {**POOL, "purchase": "capacity_block", "nodes_min": 5, "efa": True})
    for reason in ("needs `reservation_id`", "is below nodes_min 5", "no EFA interface"):
        assert reason in text


@pytest.mark.parametrize(
    ("change", "gib"),
    [
        ({"machine_type": "g5g.xlarge", "weights_gib": 15}, 200),
        ({"machine_type": "g5g.xlarge", "image_gib": 100}, 240),
        ({"machine_type": "g6e.48xlarge", "weights_gib": 140, "local_nvme": False}, 290),
        ({"machine_type": "g6e.48xlarge", "weights_gib": 140, "bottlerocket": True}, 290),
        ({"machine_type": "g6e.48xlarge", "weights_gib": 140}, 100),
        ({"machine_type": "g6.xlarge", "image_gib": 200}, 440),  # more than its 250 GB of NVMe
        ({"machine_type": "g6e.48xlarge", "weights_gib": 140, "disk_gib": 120}, 120),
    ],
)
def test_the_root_disk_holds_two_images_and_the_weights_unless_nvme_does(change, gib):
    assert parse_spec(EksPoolSpec, {**POOL, **change}).root_disk_gib == gib


@given(st.floats(1, 500), st.floats(0, 2000), st.floats(0, 500))
def test_more_weights_never_shrink_a_root_disk_that_holds_them(image, weights, more):
    def disk(size):
        args = {**POOL, "local_nvme": False, "image_gib": image, "weights_gib": size}
        return parse_spec(EksPoolSpec, args).root_disk_gib

    assert disk(weights) <= disk(weights + more)
    assert disk(weights) >= 20 + 2 * image + weights
