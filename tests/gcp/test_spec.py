import pytest
from hypothesis import given
from hypothesis import strategies as st

from gpuyard.errors import SpecError
from gpuyard.gcp.spec import GcpNetworkSpec, GkeClusterSpec, GkePoolSpec
from gpuyard.parsing import parse_spec

CLUSTER = {"project": "example-llm", "region": "us-central1"}
POOL = {"machine_type": "g2-standard-8", "nodes_max": 2}


def problems(model, args) -> str:
    with pytest.raises(SpecError) as caught:
        parse_spec(model, args)
    return str(caught.value)


def test_defaults_are_those_that_the_arguments_promise():
    cluster, pool = parse_spec(GkeClusterSpec, CLUSTER), parse_spec(GkePoolSpec, POOL)
    assert (cluster.nodes_cidr, cluster.pods_cidr, cluster.services_cidr) == (
        "10.0.0.0/20",
        "10.4.0.0/14",
        "10.8.0.0/20",
    )
    assert (cluster.kubernetes_version, cluster.system_machine_type, cluster.system_nodes) == (
        "1.35",
        "e2-standard-4",
        2,
    )
    assert (cluster.protect, cluster.zones, cluster.public_access_cidrs) == (False, (), ())
    assert (pool.purchase, pool.nodes_min, pool.driver, pool.compact, pool.boot_disk_gib) == (
        "on_demand",
        0,
        "DEFAULT",
        False,
        200,
    )


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"project": "Example LLM"}, "project"),
        ({"region": "us-central-1"}, 'did you mean "us-central1"'),
        ({"nodes_cidr": "10.0.0.0/30"}, "not between /9 and /29"),
        ({"nodes_cidr": "10.0.0.1/20"}, "it looks like 10.0.0.0/20"),
        ({"services_cidr": "10.4.0.0/20"}, "pods_cidr 10.4.0.0/14 overlaps services_cidr 10.4.0.0/20"),
        ({"regoin": "us-central1"}, 'did you mean "region"'),
    ],
)
def test_a_network_that_google_would_refuse_is_refused(change, reason):
    assert reason in problems(GcpNetworkSpec, {**CLUSTER, **change})


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"zones": ["us-east1-b"]}, "us-east1-b: not a zone of us-central1"),
        ({"zones": ["us-central1"]}, "us-central1: not a zone of us-central1, such as us-central1-a"),
        ({"kubernetes_version": "latest"}, "kubernetes_version"),
        ({"system_nodes": 0}, "system_nodes"),
        ({"system_machine_type": "m7i.large"}, "system_machine_type"),
        ({"public_access_cidrs": ["everyone"]}, "it looks like 203.0.113.0/24"),
        ({"tags": {"1st": "x"}}, "a key starts with a letter"),
    ],
)
def test_a_cluster_that_google_would_refuse_is_refused(change, reason):
    assert reason in problems(GkeClusterSpec, {**CLUSTER, **change})


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"machine_type": "g2-standard-7"}, "g2-standard-"),
        ({"machine_type": "g6.xlarge"}, "a machine type of aws, not of Google Cloud"),
        ({"machine_type": "g4-standard-12"}, "has no whole GPU"),
        ({"purchase": "flex-start"}, 'did you mean "flex_start"'),
        ({"purchase": "reservation"}, "purchase reservation and `reservation` need each other"),
        ({"reservation": "mine"}, "purchase reservation and `reservation` need each other"),
        ({"purchase": "reservation", "reservation": "mine"}, "name it in `zones`"),
        ({"purchase": "reservation", "reservation": "Mine!", "zones": ["us-central1-a"]}, "reservation"),
        ({"nodes_min": 3}, "nodes_max 2 is below nodes_min 3"),
        ({"nodes_max": 0}, "nodes_max"),
        ({"zones": ["us-central1"]}, "zones[0]"),
        ({"zones": ["us-central1-a", "us-central1-a"]}, "names a zone twice"),
        ({"compact": True}, "compact placement needs exactly one zone"),
        ({"compact": True, "zones": ["us-central1-a", "us-central1-b"]}, "needs exactly one zone"),
        (
            {"compact": True, "zones": ["us-central1-a"], "purchase": "queued"},
            "queued pools cannot be compact",
        ),
        (
            {"compact": True, "zones": ["us-central1-a"], "purchase": "flex_start"},
            "flex_start pools can be compact with a3-ultragpu and a4-highgpu only",
        ),
        ({"purchase": "queued", "nodes_min": 1}, "queued pools start from nodes_min 0"),
        ({"purchase": "flex_start", "nodes_min": 1}, "flex_start pools start from nodes_min 0"),
        ({"best_effort_min": 2, "nodes_min": 1}, "best_effort_min cannot be above nodes_min"),
        ({"driver": "595.71"}, "DEFAULT"),
        ({"disk_gib": 10}, "disk_gib"),
    ],
)
def test_a_pool_that_google_would_refuse_is_refused(change, reason):
    assert reason in problems(GkePoolSpec, {**POOL, **change})


@pytest.mark.parametrize(
    "change",
    [
        {
            "machine_type": "a3-ultragpu-8g",
            "compact": True,
            "zones": ["us-central1-a"],
            "purchase": "flex_start",
        },
        {"purchase": "reservation", "reservation": "mine", "zones": ["us-central1-a"]},
        {
            "purchase": "reservation",
            "reservation": "projects/example-shared/reservations/mine/reservationBlocks/block-1",
            "zones": ["us-central1-a"],
        },
        {"nodes_min": 2, "best_effort_min": 2},
    ],
)
def test_what_google_takes_is_let_through(change):
    assert parse_spec(GkePoolSpec, {**POOL, **change}).nodes_max == 2


def test_all_cross_field_problems_are_told_at_once():
    text = problems(
        GkePoolSpec, {**POOL, "purchase": "queued", "nodes_min": 3, "compact": True, "reservation": "r"}
    )
    for reason in ("need each other", "below nodes_min 3", "start from nodes_min 0", "cannot be compact"):
        assert reason in text


@given(st.floats(1, 500), st.floats(0, 2000), st.floats(0, 500))
def test_more_weights_never_shrink_the_boot_disk(image, weights, more):
    def disk(size):
        return parse_spec(GkePoolSpec, {**POOL, "image_gib": image, "weights_gib": size}).boot_disk_gib

    assert disk(weights) <= disk(weights + more)
    assert disk(weights) >= 20 + 2 * image + weights
