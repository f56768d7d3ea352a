"""Answers of provider functions: from tables, from what the stack made, from the scenario, or none."""

import json
from typing import Any

import pytest

from gpuyard.errors import EngineError
from gpuyard.simulate.clouds import Clouds
from gpuyard.simulate.functions import functions
from gpuyard.simulate.place import make_place
from gpuyard.simulate.scenario import parse_scenario

EAST = make_place("aws", {"region": "us-east-1", "defaultTags": {"tags": {"team": "ml"}}})
IOWA = make_place("gcp", {"project": "example", "region": "us-central1"})


def ask(token: str, clouds: Clouds | None = None, place=None, **args: Any) -> dict[str, Any]:
    package, _, name = token.partition(":")
    module, _, function = name.partition("/")
    full = f"{package}:{module}/{function}:{function}"
    return (clouds or Clouds()).invoke(full, args, place or (EAST if package == "aws" else IOWA), at=0.0)


@pytest.mark.filterwarnings("ignore::DeprecationWarning")  # the SDKs warn of their own classes
def test_every_function_is_one_that_a_provider_sdk_calls():
    import pulumi_aws
    import pulumi_gcp

    for token in functions():
        package, module, name = token.split(":")
        if package == "kubernetes":
            continue
        sdk = pulumi_aws if package == "aws" else pulumi_gcp
        folder = module.partition("/")[0]
        words = "".join(f"_{letter.lower()}" if letter.isupper() else letter for letter in name)
        words = words.replace("_i_a_m_", "_iam_")
        place = sdk if folder == "index" else getattr(sdk, folder)
        assert hasattr(place, words), token


def test_a_policy_document_is_what_the_provider_would_write():
    statements = [
        {
            "sid": "Assume",
            "actions": ["sts:AssumeRole", "sts:TagSession"],
            "principals": [{"type": "Service", "identifiers": ["pods.eks.amazonaws.com"]}],
        },
        {
            "effect": "Deny",
            "actions": ["s3:*"],
            "resources": ["*"],
            "conditions": [{"test": "StringEquals", "variable": "aws:SourceAccount", "values": ["1"]}],
        },
    ]
    document = json.loads(ask("aws:iam/getPolicyDocument", statements=statements)["json"])
    assert document == {
        "Version": "2012-10-17",
        "Statement": [
            {
                "Sid": "Assume",
                "Effect": "Allow",
                "Action": ["sts:AssumeRole", "sts:TagSession"],
                "Principal": {"Service": "pods.eks.amazonaws.com"},
            },
            {
                "Effect": "Deny",
                "Action": "s3:*",
                "Resource": "*",
                "Condition": {"StringEquals": {"aws:SourceAccount": "1"}},
            },
        ],
    }


def test_an_override_takes_the_place_of_the_statement_with_its_sid():
    source = json.dumps({"Statement": [{"Sid": "a", "Effect": "Allow"}, {"Sid": "b", "Effect": "Allow"}]})
    override = json.dumps({"Statement": {"Sid": "a", "Effect": "Deny"}})
    found = ask(
        "aws:iam/getPolicyDocument", sourcePolicyDocuments=[source], overridePolicyDocuments=[override]
    )
    statements = json.loads(found["minifiedJson"])["Statement"]
    assert [(item["Sid"], item["Effect"]) for item in statements] == [("a", "Deny"), ("b", "Allow")]


def test_the_eks_image_parameter_is_an_image_of_the_region():
    name = "/aws/service/eks/optimized-ami/1.35/amazon-linux-2023/x86_64/nvidia/recommended/image_id"
    east = ask("aws:ssm/getParameter", name=name)["value"]
    west = ask("aws:ssm/getParameter", place=make_place("aws", {"region": "us-west-2"}), name=name)["value"]
    assert east.startswith("ami-0")
    assert east != west
    with pytest.raises(EngineError, match="couldn't find resource"):
        ask("aws:ssm/getParameter", name="/my/own")


def test_an_instance_type_has_the_catalogs_numbers():
    found = ask("aws:ec2/getInstanceType", instanceType="p5.48xlarge")
    assert (found["defaultVcpus"], found["gpuses"][0]["count"], found["efaMaximumInterfaces"]) == (192, 8, 32)
    with pytest.raises(EngineError, match="no matching EC2 Instance Type"):
        ask("aws:ec2/getInstanceType", instanceType="p99.metal")


def test_offerings_name_the_zones_that_sell_a_type():
    filters = [{"name": "instance-type", "values": ["p5.48xlarge"]}]
    found = ask("aws:ec2/getInstanceTypeOfferings", locationType="availability-zone-id", filters=filters)
    assert "use1-az6" in found["locations"]
    assert set(found["instanceTypes"]) == {"p5.48xlarge"}


def test_what_the_stack_made_is_found_again():
    clouds = Clouds()
    vpc = clouds.create(
        "aws:ec2/vpc:Vpc", "net", {"cidrBlock": "10.0.0.0/16", "tags": {"Name": "net"}}, EAST, at=0
    )
    for index in range(2):
        inputs = {"vpcId": vpc.id, "cidrBlock": f"10.0.{index}.0/24", "tags": {"tier": f"t{index}"}}
        clouds.create("aws:ec2/subnet:Subnet", f"sub{index}", inputs, EAST, at=0)
    assert ask("aws:ec2/getVpc", clouds, tags={"Name": "net"})["id"] == vpc.id
    by_vpc = [{"name": "vpc-id", "values": [vpc.id]}]
    assert len(ask("aws:ec2/getSubnets", clouds, filters=by_vpc)["ids"]) == 2
    assert len(ask("aws:ec2/getSubnets", clouds, filters=by_vpc, tags={"tier": "t1"})["ids"]) == 1
    assert ask("aws:ec2/getSubnets", clouds, filters=[{"name": "vpc-id", "values": ["vpc-1"]}])["ids"] == []


def test_what_nobody_made_is_not_found_and_the_error_says_what_to_do():
    with pytest.raises(EngineError, match=r"no matching Cluster found \(name=main\)") as told:
        ask("aws:eks/getCluster", name="main")
    assert "clouds.<stack>.yaml" in str(told.value)
    with pytest.raises(EngineError, match="Error 404"):
        ask("gcp:container/getCluster", name="main")


def test_a_cluster_is_looked_up_with_lists_where_the_resource_has_objects():
    clouds = Clouds()
    clouds.create("aws:eks/cluster:Cluster", "main", {"name": "main", "vpcConfig": {}}, EAST, at=0)
    found = ask("aws:eks/getCluster", clouds, name="main")
    assert found["certificateAuthorities"][0]["data"]
    assert found["vpcConfig"]["clusterSecurityGroupId"].startswith("sg-")


def test_defaults_of_an_account_are_there():
    assert ask("aws:ec2/getVpc", default=True)["cidrBlock"] == "172.31.0.0/16"
    assert ask("gcp:compute/getNetwork", name="default")["selfLink"].endswith("/networks/default")
    assert ask("aws:index/getDefaultTags")["tags"] == {"team": "ml"}


def test_gke_versions_can_be_narrowed():
    found = ask("gcp:container/getEngineVersions", versionPrefix="1.35.")
    assert found["latestMasterVersion"].startswith("1.35.")
    with pytest.raises(EngineError, match="no GKE version"):
        ask("gcp:container/getEngineVersions", versionPrefix="2.")


def test_a_google_policy_is_json():
    bindings = [{"role": "roles/viewer", "members": ["user:a@example.com"]}]
    assert json.loads(ask("gcp:organizations/getIAMPolicy", bindings=bindings)["policyData"]) == {
        "bindings": bindings
    }


def test_a_region_that_does_not_exist_is_refused():
    with pytest.raises(EngineError, match='no region "us-east-9"'):
        ask("aws:index/getAvailabilityZones", place=make_place("aws", {"region": "us-east-9"}))


def test_an_answer_of_the_scenario_wins_over_everything():
    answer = {"function": "aws:index/getRegion:getRegion", "result": {"name": "moon"}}
    assert (
        ask("aws:index/getRegion", Clouds(scenario=parse_scenario({"answers": [answer]})))["name"] == "moon"
    )
