"""Capacity that is held may be too small or end too soon: `check` says so before a node starts in it."""

import pytest

BLOCK = {
    "cloud": "aws",
    "region": "us-east-2",
    "zone": "use2-az1",
    "machine_type": "p5.48xlarge",
    "id": "cr-0123456789abcdef0",
    "machines": 1,
    "is_block": True,
    "ends": "2026-12-20T11:30:00Z",
}


@pytest.fixture
def held(gpuyard, project):
    """Check prod on a block of one machine until a day."""

    def call(end: str, replicas_max: int) -> str:
        def change(deployment):
            deployment["places"] = [{"cloud": "aws", "regions": ["us-east-2"]}]
            deployment["capacity"] |= {"reservations": [BLOCK], "purchases": ["capacity_block"], "end": end}
            deployment["endpoints"][0]["replicas_max"] = replicas_max

        project.change("prod", change)
        assert gpuyard("lock", "-s", "prod")[0] == 0
        return gpuyard("check", "-s", "prod")[1]

    return call


def test_a_block_that_is_too_small_and_ends_too_soon_is_told(held):
    said = held("2027-03-01", 3)
    assert "CAPACITY_BELOW_PEAK" in said
    assert "has room for 2 replicas, and chat may have 3" in said
    assert "CAPACITY_ENDS_EARLY" in said
    assert "ends at 2026-12-20T11:30:00Z, and the service is needed until 2027-03-01" in said


def test_a_block_that_holds_all_until_the_end_is_fine(held):
    said = held("2026-12-20", 2)
    assert "CAPACITY_BELOW_PEAK" not in said
    assert "CAPACITY_ENDS_EARLY" not in said


def test_two_endpoints_in_a_reservation_for_one_are_told(gpuyard, project):
    """Each fits alone, so the ladder puts both there."""

    def change(deployment):
        deployment["places"] = [{"cloud": "aws", "regions": ["us-east-2"]}]
        held = {**BLOCK, "is_block": False}
        del held["ends"]
        deployment["capacity"] |= {"reservations": [held], "purchases": ["reservation"]}
        first = deployment["endpoints"][0]
        first |= {"replicas_min": 1, "replicas_max": 1}
        deployment["endpoints"].append({**first, "name": "second"})

    project.change("prod", change)
    assert gpuyard("lock", "-s", "prod")[0] == 0
    said = gpuyard("check", "-s", "prod")[1]
    assert "CAPACITY_SHARED" in said
    assert "minimum of chat and second together: 2" in said


def test_an_id_that_aws_would_not_give_is_refused_in_words(gpuyard, project):
    project.change("prod", lambda d: d["capacity"].update(reservations=[{**BLOCK, "id": "cr-xyz"}]))
    code, said = gpuyard("lock", "-s", "prod")
    assert code == 2
    assert '"cr-xyz" is no id of a capacity reservation' in said
    assert "pattern" not in said


@pytest.mark.parametrize("path", ["", "pools[1].quota", "pools[0].quota, pools[1].quota"])
def test_a_quota_of_several_pools_is_accepted_by_the_path_of_any(gpuyard, project, path):
    def change(deployment):
        deployment["places"] = [{"cloud": "aws", "regions": ["us-east-2"]}]
        deployment["endpoints"].append({**deployment["endpoints"][0], "name": "second"})
        limit = {"cloud": "aws", "region": "us-east-2", "code": "L-417A185B", "limit": 192}
        deployment["capacity"] |= {"quotas": [{**limit, "as_of": "2026-11-26"}], "purchases": ["on_demand"]}
        deployment["accept"] = [{"code": "QUOTA_PEAK", "path": path, "reason": "asked for, case 1"}]

    project.change("prod", change)
    assert gpuyard("lock", "-s", "prod")[0] == 0
    said = gpuyard("check", "-s", "prod")[1]
    assert "note: pools[0].quota, pools[1].quota: L-417A185B" in said
    assert "(accepted: asked for, case 1)" in said
