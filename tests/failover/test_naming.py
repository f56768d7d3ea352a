"""Which endpoint a resource belongs to, what serves, and what is left over, told by names alone."""

import pytest

from gpuyard.capacity.lock import Lock
from gpuyard.capacity.lock_file import read_lock
from gpuyard.failover.candidate import candidates_of
from gpuyard.failover.naming import leftovers, names_of, serving_rungs, standing_places

from .deployments import DEPLOYMENT
from .simulated import STACK, START, Deployment

TWO = {
    **DEPLOYMENT,
    "endpoints": [DEPLOYMENT["endpoints"][0], {**DEPLOYMENT["endpoints"][0], "name": "chat-long"}],
}


@pytest.fixture(scope="module")
def lock(tmp_path_factory) -> Lock:
    return read_lock(Deployment(tmp_path_factory.mktemp("names"), TWO).lock_path)


@pytest.fixture
def names(lock):
    return names_of(STACK, lock)


def urn(name: str) -> str:
    return f"urn:pulumi:prod::gpuyard::x:y:Z::{name}"


def pool(name: str, **more):
    return {"urn": urn(name), "type": "aws:eks/nodeGroup:NodeGroup", "id": "i", **more}


def other_region(lock) -> tuple[int, int]:
    """Two rungs of `chat` in different regions."""
    rungs = lock.endpoints["chat"].rungs
    return 0, next(index for index, rung in enumerate(rungs) if rung.region != rungs[0].region)


def test_machines_workloads_and_clusters_have_their_owners(names):
    active = {"chat": 0, "chat-long": 0}
    assert names.owners(urn(names.machines["chat-long", 0]), active) == ("chat-long",)
    assert names.owners(urn(f"{names.pools['chat', 0]}-template"), active) == ("chat",)
    assert names.owners(urn("prod-chat-long-deployment"), active) == ("chat-long",), "the longest name wins"
    assert names.owners(urn("prod-chat-service"), active) == ("chat",)
    cluster = names.clusters["chat", 0]
    assert names.owners(urn(f"{cluster}-system-nodes"), active) == ("chat", "chat-long")
    assert names.is_shared(urn(f"{cluster}-system-nodes"), active)
    assert not names.is_shared(urn(names.machines["chat", 0]), active)
    assert names.owners(urn("anything"), active) == ("chat", "chat-long"), "nobody's is everybody's"


def test_endpoints_of_another_region_are_not_blamed_for_a_cluster(lock, names):
    here, there = other_region(lock)
    active = {"chat": here, "chat-long": there}
    assert names.owners(urn(f"{names.clusters['chat', here]}-control-plane"), active) == ("chat",)


@pytest.mark.parametrize(
    "broken", [{"id": ""}, {"initErrors": ["not ready"]}, {"delete": True}, {"external": True}]
)
def test_a_pool_that_is_not_whole_serves_nothing(names, broken):
    whole = pool(names.machines["chat", 0])
    assert serving_rungs(names, {"chat": 0}, [whole]) == {"chat": 0}
    assert serving_rungs(names, {"chat": 0}, [whole | broken]) == {}
    assert serving_rungs(names, {"chat": 0}, [whole], pending=[whole["urn"]]) == {}


def test_what_serves_is_found_even_where_the_lock_names_another_rung(lock, names):
    here, there = other_region(lock)
    standing = [pool(names.machines["chat", there])]
    assert serving_rungs(names, {"chat": here}, standing) == {"chat": there}


def test_leftovers_are_clusters_and_pools_of_rungs_that_no_endpoint_keeps(lock, names):
    here, there = other_region(lock)
    kept = {"chat": here, "chat-long": here}
    cluster, gone = names.clusters["chat", here], names.clusters["chat", there]
    resources = [
        {"urn": urn(cluster), "type": "gpuyard:index:EksGpuCluster"},
        {
            "urn": urn(names.pools["chat", here]),
            "type": "gpuyard:index:EksGpuPool",
            "parent": urn(cluster),
        },
        {"urn": urn(gone), "type": "gpuyard:index:EksGpuCluster"},
        {"urn": urn(f"{gone}-vpc"), "type": "aws:ec2/vpc:Vpc", "parent": urn(gone)},
        {
            "urn": urn(names.pools["chat", there]),
            "type": "gpuyard:index:EksGpuPool",
            "parent": urn(gone),
        },
        {"urn": urn("somebody-elses"), "type": "gpuyard:index:EksGpuCluster"},
    ]
    left = leftovers(names, kept, resources, keeps_clusters=False)
    assert set(left) == {urn(gone), urn(f"{gone}-vpc"), urn(names.pools["chat", there])}
    assert leftovers(names, kept, resources, keeps_clusters=True) == (urn(names.pools["chat", there]),)
    ladders = candidates_of(lock, START)
    places = {ladders["chat"][index].place for index in (here, there)}
    assert standing_places(names, ladders, resources) == places
