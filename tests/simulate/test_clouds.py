"""The simulated clouds as plain functions: what they make, change, refuse and forget."""

from typing import Any

import pytest

from gpuyard.simulate.clouds import Clouds, Refusal
from gpuyard.simulate.place import make_place
from gpuyard.simulate.scenario import parse_scenario

EAST = make_place("aws", {"region": "us-east-1"})
IOWA = make_place("gcp", {"project": "example", "region": "us-central1"})
VPC, SUBNET = "aws:ec2/vpc:Vpc", "aws:ec2/subnet:Subnet"
CLUSTER, GROUP = "aws:eks/cluster:Cluster", "aws:eks/nodeGroup:NodeGroup"
POOL = "gcp:container/nodePool:NodePool"


def make(clouds: Clouds, type_: str, name: str, inputs: dict[str, Any], place=EAST, at: float = 0.0):
    checked = clouds.check(type_, name, inputs, place)
    assert checked.failures == ()
    return clouds.create(type_, name, checked.inputs, place, at=at)


def node_group(clouds: Clouds, *zones: str, at: float = 0.0, desired: int = 1, **more: Any):
    """A node group of p5 machines with one subnet in each zone."""
    vpc = make(clouds, VPC, f"net-{at}", {"cidrBlock": "10.0.0.0/16"})
    subnets = [
        make(
            clouds,
            SUBNET,
            f"sub-{zone}-{at}",
            {"vpcId": vpc.id, "cidrBlock": "10.0.0.0/24", "availabilityZoneId": zone},
        ).id
        for zone in zones
    ]
    inputs = {
        "clusterName": "main",
        "subnetIds": subnets,
        "instanceTypes": ["p5.48xlarge"],
        "scalingConfig": {"desiredSize": desired, "minSize": 0, "maxSize": 4},
        **more,
    }
    return make(clouds, GROUP, f"group-{at}", inputs, at=at)


def scripted(*rules: dict[str, Any]) -> Clouds:
    return Clouds(scenario=parse_scenario({"rules": list(rules)}))


def test_an_eks_cluster_has_what_a_kubeconfig_needs():
    made = make(Clouds(), CLUSTER, "main", {"roleArn": "arn:aws:iam::123456789012:role/x", "vpcConfig": {}})
    assert made.id.startswith("main-")
    assert made.outputs["endpoint"].endswith(".gr7.us-east-1.eks.amazonaws.com")
    assert made.outputs["certificateAuthority"]["data"]
    issuer = made.outputs["identities"][0]["oidcs"][0]["issuer"]
    assert issuer.startswith("https://oidc.eks.us-east-1.amazonaws.com/id/")


def test_equal_programs_get_equal_ids_and_replacements_get_others():
    first, second = (make(Clouds(), VPC, "net", {"cidrBlock": "10.0.0.0/16"}).id for _ in range(2))
    assert first == second
    clouds = Clouds()
    again = [make(clouds, VPC, "net", {"cidrBlock": "10.0.0.0/16"}).id for _ in range(2)]
    assert again[0] == first
    assert again[1] != first


def test_a_launch_template_gets_a_new_version_with_every_update():
    clouds, type_ = Clouds(), "aws:ec2/launchTemplate:LaunchTemplate"
    made = make(clouds, type_, "gpu", {"instanceType": "p5.48xlarge"})
    changed = clouds.update(type_, made.id, "gpu", {"instanceType": "p5en.48xlarge"}, EAST, at=1.0)
    assert (made.outputs["latestVersion"], changed.outputs["latestVersion"]) == (1, 2)
    assert changed.id == made.id


def test_moving_a_node_group_to_other_subnets_replaces_it_and_scaling_does_not():
    old = {"subnetIds": ["subnet-1"], "scalingConfig": {"desiredSize": 1}}
    clouds = Clouds()
    assert clouds.differ(GROUP, old, {**old, "subnetIds": ["subnet-2"]}).replaces
    assert not clouds.differ(GROUP, old, {**old, "scalingConfig": {"desiredSize": 2}}).replaces


def test_a_stockout_of_one_zone_leaves_the_others():
    rule = {"when": {"zone": "use1-az1", "machine_type": "p5.48xlarge"}, "fail": "insufficient_capacity"}
    assert node_group(scripted(rule), "use1-az1", "use1-az2").outputs["status"] == "ACTIVE"
    with pytest.raises(Refusal, match="InsufficientInstanceCapacity") as told:
        node_group(scripted(rule), "use1-az1")
    assert "(us-east-1a)" in str(told.value)
    assert "choosing us-east-1b, us-east-1c" in str(told.value)


def test_every_zone_out_is_a_stockout_whichever_rules_say_so():
    rules = [{"when": {"zone": zone}, "fail": "insufficient_capacity"} for zone in ("use1-az1", "us-east-1b")]
    with pytest.raises(Refusal, match="InsufficientInstanceCapacity"):
        node_group(scripted(*rules), "use1-az1", "use1-az2")


def test_a_pool_that_begins_empty_needs_no_machine():
    rule = {"fail": "insufficient_capacity"}
    assert node_group(scripted(rule), "use1-az1", desired=0).outputs["status"] == "ACTIVE"


def test_a_rule_can_strike_a_number_of_times():
    clouds = scripted({"when": {"operation": "create", "type": GROUP}, "fail": "quota_exceeded", "times": 2})
    for at in (0.0, 1.0):
        with pytest.raises(Refusal, match="VcpuLimitExceeded"):
            node_group(clouds, "use1-az1", at=at)
    assert node_group(clouds, "use1-az1", at=2.0).id


def test_a_rule_can_hold_for_a_time():
    clouds = scripted({"when": {"type": GROUP}, "fail": "throttled", "between": ["10m", "1h"]})
    assert node_group(clouds, "use1-az1", at=599.0).id
    with pytest.raises(Refusal, match="RequestLimitExceeded"):
        node_group(clouds, "use1-az1", at=600.0)
    assert node_group(clouds, "use1-az1", at=3600.0).id


def test_a_refusal_comes_after_its_time_and_says_how_long_that_was():
    clouds = scripted(
        {"when": {"cloud": "gcp", "purchase": "spot"}, "fail": "insufficient_capacity", "takes": "35m"},
        {"when": {"type": VPC}, "takes": "3s"},
    )
    assert make(clouds, VPC, "net", {}).took == 3.0
    pool = {
        "cluster": "main",
        "location": "us-central1",
        "nodeLocations": ["us-central1-a"],
        "initialNodeCount": 2,
        "nodeConfig": {"machineType": "a3-highgpu-8g", "spot": True},
    }
    with pytest.raises(Refusal, match=r"\[GCE_STOCKOUT\].*projects/example/zones/us-central1-a") as told:
        make(clouds, POOL, "h100", pool, IOWA)
    assert told.value.after == 2100.0
    assert "after 35m." in str(told.value)
    assert make(clouds, POOL, "h100", {**pool, "nodeConfig": {"machineType": "a3-highgpu-8g"}}, IOWA).id


def test_what_something_still_needs_cannot_be_deleted():
    clouds = Clouds()
    vpc = make(clouds, VPC, "net", {"cidrBlock": "10.0.0.0/16"})
    subnet = make(clouds, SUBNET, "sub", {"vpcId": vpc.id, "cidrBlock": "10.0.0.0/24"})
    with pytest.raises(Refusal, match="DependencyViolation"):
        clouds.delete(VPC, vpc.id, "net", {}, EAST, at=0.0)
    clouds.delete(SUBNET, subnet.id, "sub", {}, EAST, at=0.0)
    clouds.delete(VPC, vpc.id, "net", {}, EAST, at=0.0)
    assert clouds.read(VPC, vpc.id, "net", {}, EAST, at=0.0) is None


def test_deleting_what_is_gone_is_no_error():
    assert Clouds().delete(VPC, "vpc-0", "net", {}, EAST, at=0.0) == 0.0


def test_a_change_behind_the_back_shows_in_the_inputs_and_a_full_name_does_not():
    clouds, type_ = Clouds(), "gcp:compute/subnetwork:Subnetwork"
    inputs = {"network": "projects/example/global/networks/net", "ipCidrRange": "10.0.0.0/20"}
    made = make(clouds, type_, "nodes", inputs, IOWA)
    assert made.outputs["network"].startswith("https://")
    seen = clouds.read(type_, made.id, "nodes", inputs, IOWA, at=0.0)
    assert seen
    assert seen.inputs == inputs
    with clouds.store.opened() as book:
        next(iter(book.resources.values())).properties["ipCidrRange"] = "10.1.0.0/20"
    seen = clouds.read(type_, made.id, "nodes", inputs, IOWA, at=0.0)
    assert seen
    assert seen.inputs == {**inputs, "ipCidrRange": "10.1.0.0/20"}


def test_a_name_that_is_too_long_is_refused_at_its_property():
    checked = Clouds().check("gcp:container/cluster:Cluster", "c" * 40, {}, IOWA)
    assert [key for key, _ in checked.failures] == ["name"]
    assert "at most 40" in checked.failures[0][1]


def test_two_things_of_one_name_are_refused():
    clouds = Clouds()
    make(clouds, CLUSTER, "one", {"name": "main", "vpcConfig": {}})
    with pytest.raises(Refusal, match="already exists"):
        make(clouds, CLUSTER, "two", {"name": "main", "vpcConfig": {}})


def test_a_scenario_can_answer_a_function():
    answer = {
        "function": "aws:ec2/getVpc:getVpc",
        "args": {"id": "vpc-1"},
        "result": {"cidrBlock": "10.9.0.0/16"},
    }
    clouds = Clouds(scenario=parse_scenario({"answers": [answer]}))
    found = clouds.invoke("aws:ec2/getVpc:getVpc", {"id": "vpc-1"}, EAST, at=0.0)
    assert found["cidrBlock"] == "10.9.0.0/16"
