"""The AWS components, each used alone, recorded as a first preview; accounts and ids are synthetic."""

import json

import pulumi
import pulumi_aws as aws
import pytest

from gpuyard.aws.cluster import EksGpuCluster
from gpuyard.aws.iam import managed_policy, render_trust
from gpuyard.aws.network import AwsNetwork
from gpuyard.aws.pool import EksGpuPool
from gpuyard.errors import SpecError
from gpuyard.inputs import ArgsError
from gpuyard.resources import UNKNOWN

ZONES = ["use1-az1", "use1-az2"]
CLUSTER = {"region": "us-east-1", "zone_ids": ZONES}
POOL = {
    "cluster_name": "main",
    "node_role_arn": "arn:aws:iam::111122223333:role/nodes",
    "subnet_ids": ["subnet-1"],
    "machine_type": "g6.xlarge",
    "nodes_max": 2,
}
COMPONENTS = {"EksGpuCluster": EksGpuCluster, "EksGpuPool": EksGpuPool, "AwsNetwork": AwsNetwork}


def in_region() -> pulumi.ResourceOptions:
    return pulumi.ResourceOptions(provider=aws.Provider("own", region="us-east-1"))


@pytest.mark.parametrize("name", COMPONENTS)
def test_type_tokens_are_public_and_stable(name):
    assert getattr(COMPONENTS[name], "pulumi_type", None) == f"gpuyard:index:{name}"


def test_a_network_alone_has_exactly_these_children(preview):
    plan = preview(lambda: AwsNetwork("net", {"region": "us-east-1", "zone_ids": ZONES}, in_region()))
    assert plan.tree() == sorted(
        [
            " > AwsNetwork net",
            " > aws own",
            "net > Eip net-nat-use1-az1",
            "net > InternetGateway net-igw",
            "net > NatGateway net-use1-az1",
            "net > Route net-private-use1-az1-default",
            "net > Route net-private-use1-az2-default",
            "net > Route net-public-default",
            "net > RouteTable net-private-use1-az1",
            "net > RouteTable net-private-use1-az2",
            "net > RouteTable net-public",
            "net > RouteTableAssociation net-private-use1-az1",
            "net > RouteTableAssociation net-private-use1-az2",
            "net > RouteTableAssociation net-public-use1-az1",
            "net > RouteTableAssociation net-public-use1-az2",
            "net > Subnet net-private-use1-az1",
            "net > Subnet net-private-use1-az2",
            "net > Subnet net-public-use1-az1",
            "net > Subnet net-public-use1-az2",
            "net > Vpc net-vpc",
            "net > VpcEndpoint net-s3",
        ]
    )


@pytest.mark.parametrize(("nat", "gateways"), [("single", 1), ("per_zone", 2)])
def test_egress_goes_through_one_gateway_or_one_per_zone(preview, nat, gateways):
    args = {"region": "us-east-1", "zone_ids": ZONES, "nat": nat}
    plan = preview(lambda: AwsNetwork("net", args, in_region()))
    assert len(plan.of("NatGateway")) == len(plan.of("Eip")) == gateways
    used = {
        urn.rpartition("::")[2]
        for route in plan.of("Route")
        for urn in route.property_dependencies.get("natGatewayId", ())
    }
    assert used == {f"net-{zone}" for zone in ZONES[:gateways]}


def test_weights_from_s3_do_not_pass_the_nat_gateway(preview):
    plan = preview(lambda: AwsNetwork("net", {"region": "us-east-1", "zone_ids": ZONES}, in_region()))
    endpoint = plan.one("VpcEndpoint")
    assert (endpoint.inputs["vpcEndpointType"], endpoint.inputs["serviceName"]) == (
        "Gateway",
        "com.amazonaws.us-east-1.s3",
    )
    tables = {urn.rpartition("::")[2] for urn in endpoint.property_dependencies["routeTableIds"]}
    assert tables == {f"net-private-{zone}" for zone in ZONES}


def test_subnets_name_zones_by_id_and_carry_the_load_balancer_roles(preview):
    plan = preview(lambda: AwsNetwork("net", {"region": "us-east-1", "zone_ids": ZONES}, in_region()))
    public, private = plan.one("Subnet", "net-public-use1-az2"), plan.one("Subnet", "net-private-use1-az2")
    assert (private.inputs["availabilityZoneId"], private.inputs["cidrBlock"]) == ("use1-az2", "10.0.32.0/19")
    assert (public.inputs["mapPublicIpOnLaunch"], private.inputs["mapPublicIpOnLaunch"]) == (True, False)
    assert public.inputs["tags"]["kubernetes.io/role/elb"] == "1"
    assert private.inputs["tags"]["kubernetes.io/role/internal-elb"] == "1"


def test_a_cluster_alone_has_exactly_these_children(preview):
    plan = preview(lambda: EksGpuCluster("main", CLUSTER))
    assert [item for item in plan.tree() if not item.startswith("main-net >")] == sorted(
        [
            " > EksGpuCluster main",
            " > aws main-aws",
            "main > Addon main-aws-ebs-csi-driver",
            "main > Addon main-coredns",
            "main > Addon main-eks-pod-identity-agent",
            "main > Addon main-kube-proxy",
            "main > Addon main-vpc-cni",
            "main > AwsNetwork main-net",
            "main > Cluster main-eks",
            "main > NodeGroup main-system",
            "main > Role main-cluster",
            "main > Role main-ebs-csi",
            "main > Role main-node",
            "main > RolePolicyAttachment main-cluster-AmazonEKSClusterPolicy",
            "main > RolePolicyAttachment main-ebs-csi-AmazonEBSCSIDriverPolicy",
            "main > RolePolicyAttachment main-node-AmazonEC2ContainerRegistryPullOnly",
            "main > RolePolicyAttachment main-node-AmazonEKSWorkerNodePolicy",
            "main > RolePolicyAttachment main-node-AmazonEKS_CNI_Policy",
            "main > StorageClass main-gp3",
            "main > kubernetes main-k8s",
        ]
    )


def test_every_aws_resource_of_a_cluster_uses_its_own_provider(preview):
    plan = preview(lambda: EksGpuCluster("main", {**CLUSTER, "tags": {"team": "search"}}))
    (provider,) = plan.of("aws")
    assert provider.inputs["region"] == "us-east-1"
    assert json.loads(provider.inputs["defaultTags"]) == {
        "tags": {"gpuyard:cluster": "main", "team": "search"}
    }
    made = [item for item in plan.recording.resources if item.type.startswith("aws:")]
    assert {item.provider for item in made} == {provider.urn}


def test_a_provider_that_is_passed_is_used_and_none_is_made(preview):
    plan = preview(lambda: EksGpuCluster("main", CLUSTER, in_region()))
    (provider,) = plan.of("aws")
    assert provider.name == "own"
    assert {item.provider for item in plan.recording.resources if item.type.startswith("aws:")} == {
        provider.urn
    }


def test_access_is_by_the_eks_api_and_versions_are_the_clusters(preview):
    plan = preview(lambda: EksGpuCluster("main", {**CLUSTER, "kubernetes_version": "1.36"}))
    inputs = plan.one("Cluster").inputs
    assert inputs["accessConfig"] == {
        "authenticationMode": "API",
        "bootstrapClusterCreatorAdminPermissions": True,
    }
    assert inputs["bootstrapSelfManagedAddons"] is False
    assert (inputs["version"], plan.one("NodeGroup").inputs["version"]) == ("1.36", "1.36")
    assert inputs["vpcConfig"]["endpointPrivateAccess"] is True


@pytest.mark.parametrize(
    ("instance", "ami"), [("m7i.large", "AL2023_x86_64_STANDARD"), ("m7g.large", "AL2023_ARM_64_STANDARD")]
)
def test_system_nodes_run_the_image_of_their_architecture(preview, instance, ami):
    plan = preview(lambda: EksGpuCluster("main", {**CLUSTER, "system_instance_type": instance}))
    assert plan.one("NodeGroup").inputs["amiType"] == ami


def test_nodes_wait_for_routes_policies_and_the_network_add_ons(preview):
    needs = {urn.rpartition("::")[2] for urn in preview(cluster).one("NodeGroup").dependencies}
    assert {
        "main-net-private-use1-az1-default",
        "main-net-private-use1-az2-default",
        "main-node-AmazonEKSWorkerNodePolicy",
        "main-node-AmazonEKS_CNI_Policy",
        "main-vpc-cni",
        "main-kube-proxy",
        "main-eks-pod-identity-agent",
    } <= needs
    assert "main-coredns" not in needs  # its pods need a node


def test_a_constrained_zone_takes_gpu_nodes_but_neither_control_plane_nor_gateway(preview):
    args = {"region": "us-east-1", "zone_ids": ["use1-az3", "use1-az1", "use1-az2"], "nat": "per_zone"}

    def program():
        made = EksGpuCluster("main", args)
        made.gpu_pool("chat", {"machine_type": "p5.48xlarge", "nodes_max": 1, "zones": ["use1-az3"]})

    plan = preview(program, {"aws:ec2/subnet:Subnet": {}})
    core = ["main-net-private-use1-az1-id", "main-net-private-use1-az2-id"]
    assert plan.one("Cluster").inputs["vpcConfig"]["subnetIds"] == core
    assert plan.one("NodeGroup", "main-system").inputs["subnetIds"] == core
    assert plan.one("NodeGroup", "chat-nodes").inputs["subnetIds"] == ["main-net-private-use1-az3-id"]
    assert {item.name for item in plan.of("NatGateway")} == {"main-net-use1-az1", "main-net-use1-az2"}
    assert plan.one("Route", "main-net-private-use1-az3-default").property_dependencies["natGatewayId"] == (
        plan.one("NatGateway", "main-net-use1-az1").urn,
    )
    assert "main-net-private-use1-az3" in {item.name for item in plan.of("Subnet")}


def test_the_ebs_driver_has_an_identity_of_its_own(preview):
    addon = preview(cluster).one("Addon", "main-aws-ebs-csi-driver")
    assert addon.inputs["podIdentityAssociations"] == [
        {"roleArn": UNKNOWN, "serviceAccount": "ebs-csi-controller-sa"}
    ]
    assert "main-ebs-csi-AmazonEBSCSIDriverPolicy" in {urn.rpartition("::")[2] for urn in addon.dependencies}


def test_gp3_is_the_default_class_and_goes_with_the_cluster(preview):
    plan = preview(cluster)
    storage = plan.one("StorageClass")
    annotations = storage.inputs["metadata"]["annotations"]
    assert annotations["storageclass.kubernetes.io/is-default-class"] == "true"
    assert storage.options["deletedWith"] == plan.one("Cluster").urn
    assert storage.provider == plan.one("kubernetes").urn


def test_the_kubeconfig_asks_for_a_token_and_holds_none(preview):
    known = {
        "aws:eks/cluster:Cluster": {
            "name": "main-eks",
            "endpoint": "https://example.test",
            "certificateAuthority": {"data": "Q0E="},
        }
    }
    config = json.loads(preview(cluster, known).one("kubernetes").inputs["kubeconfig"])
    assert config["clusters"][0]["cluster"] == {
        "server": "https://example.test",
        "certificate-authority-data": "Q0E=",
    }
    login = config["users"][0]["user"]["exec"]
    assert (login["command"], login["args"][:2]) == ("aws", ["--region", "us-east-1"])
    assert login["args"][login["args"].index("--cluster-name") + 1] == "main-eks"
    assert set(config["users"][0]["user"]) == {"exec"}


@pytest.mark.parametrize("protect", [True, False])
def test_protection_is_an_option_that_covers_control_plane_and_network(preview, protect):
    plan = preview(lambda: EksGpuCluster("main", {**CLUSTER, "protect": protect}))
    assert plan.one("Cluster").options.get("protect", False) is protect
    assert plan.one("Vpc").options.get("protect", False) is protect
    assert "protect" not in plan.one("NodeGroup").options


def test_slow_resources_get_an_hour(preview):
    plan = preview(lambda: cluster().gpu_pool("chat", {"machine_type": "g6.xlarge", "nodes_max": 1}))
    for item in (plan.one("Cluster"), *plan.of("NodeGroup")):
        assert item.options["customTimeouts"]["create"] == "60m"


def test_a_pool_of_a_cluster_is_its_child_and_lies_in_the_zones_asked_for(preview):
    plan = preview(
        lambda: cluster(tags={"team": "search"}).gpu_pool(
            "chat", {"machine_type": "g6.xlarge", "nodes_max": 1, "zones": ["use1-az2"]}
        ),
        {"aws:ec2/subnet:Subnet": {}},
    )
    assert "main > EksGpuPool chat" in plan.tree()
    group = plan.one("NodeGroup", "chat-nodes")
    assert group.inputs["subnetIds"] == ["main-net-private-use1-az2-id"]
    assert group.inputs["version"] == "1.35"
    tags = plan.one("LaunchTemplate").inputs["tagSpecifications"][0]["tags"]
    assert tags == {"team": "search", "Name": "chat", "gpuyard:pool": "chat"}


def test_a_pool_that_names_no_zone_gets_every_zone(preview):
    plan = preview(lambda: cluster().gpu_pool("chat", {"machine_type": "g6.xlarge", "nodes_max": 1}))
    assert plan.one("NodeGroup", "chat-nodes").inputs["subnetIds"] == [UNKNOWN, UNKNOWN]


def test_a_zone_outside_the_cluster_is_refused(preview):
    args = {"machine_type": "g6.xlarge", "nodes_max": 1, "zones": ["use1-az4"]}
    with pytest.raises(ArgsError, match="use one of: use1-az1, use1-az2"):
        preview(lambda: cluster().gpu_pool("chat", args))


def test_efa_interfaces_of_a_cluster_pool_carry_its_security_group(preview):
    args = {"machine_type": "g6e.48xlarge", "nodes_max": 1, "efa": True, "zones": ["use1-az1"]}
    template = preview(lambda: cluster().gpu_pool("chat", args)).one("LaunchTemplate")
    assert [item["securityGroups"] for item in template.inputs["networkInterfaces"]] == [[UNKNOWN]] * 4
    assert {urn.rpartition("::")[2] for urn in template.property_dependencies["networkInterfaces"]} >= {
        "main-eks"
    }


def test_a_pool_can_be_used_alone(preview):
    plan = preview(lambda: EksGpuPool("chat", {**POOL}, in_region()))
    assert plan.tree() == sorted(
        [
            " > EksGpuPool chat",
            " > aws own",
            "chat > LaunchTemplate chat-template",
            "chat > NodeGroup chat-nodes",
        ]
    )
    group = plan.one("NodeGroup")
    assert (group.inputs["clusterName"], group.inputs["subnetIds"]) == ("main", ["subnet-1"])
    assert group.options["ignoreChanges"] == ["scalingConfig.desiredSize"]
    assert "deleteBeforeReplace" not in group.options


def test_nodes_follow_the_newest_version_of_the_template(preview):
    known = {"aws:ec2/launchTemplate:LaunchTemplate": {"latestVersion": 3}}
    group = preview(lambda: EksGpuPool("chat", {**POOL}, in_region()), known).one("NodeGroup")
    assert group.inputs["launchTemplate"] == {"id": "chat-template-id", "version": "3"}


def test_a_pool_on_a_reservation_gives_way_before_its_successor_comes(preview):
    args = {**POOL, "purchase": "reservation", "reservation_id": "cr-0123456789abcdef0"}
    assert (
        preview(lambda: EksGpuPool("chat", args, in_region())).one("NodeGroup").options["deleteBeforeReplace"]
    )


@pytest.mark.parametrize("purchase", ["reservation", "capacity_block"])
def test_a_reservation_with_several_subnets_is_refused(preview, purchase):
    args = {**POOL, "purchase": purchase, "reservation_id": "cr-0123456789abcdef0", "subnet_ids": ["a", "b"]}
    with pytest.raises(SpecError, match="lies in one zone, but the pool has 2 subnets"):
        preview(lambda: EksGpuPool("chat", args))


def test_wiring_that_is_missing_is_told_at_its_property(preview):
    with pytest.raises(ArgsError) as caught:
        preview(lambda: EksGpuPool("chat", {"machine_type": "g6e.48xlarge", "nodes_max": 1, "efa": True}))
    assert [detail["property_path"] for detail in caught.value.errors] == [
        "cluster_name",
        "node_role_arn",
        "subnet_ids",
        "security_group_id",
    ]


def test_a_way_of_buying_that_aws_does_not_offer_is_warned_of(preview):
    plan = preview(lambda: EksGpuPool("chat", {**POOL, "machine_type": "p5e.48xlarge"}, in_region()))
    ((severity, text),) = plan.recording.messages
    assert severity == "warning"
    assert text.startswith("P5e is sold as capacity blocks only (AWS price list")


def test_long_names_stay_within_what_aws_takes(preview):
    name = "a-cluster-with-a-name-of-forty-eight-letters-000"
    plan = preview(
        lambda: EksGpuCluster(name, CLUSTER).gpu_pool(
            f"{name}-pool", {"machine_type": "g6.xlarge", "nodes_max": 1}
        )
    )
    suffix = len("-1a2b3c4")
    assert max(len(item.name) for item in plan.of("Role")) + suffix <= 64
    assert max(len(item.name) for item in plan.of("NodeGroup")) + suffix <= 63


def test_the_same_program_gives_the_same_plan(preview):
    assert preview(cluster).recording.resources == preview(cluster).recording.resources


@pytest.mark.parametrize(
    ("region", "partition"), [("us-east-1", "aws"), ("us-gov-west-1", "aws-us-gov"), ("cn-north-1", "aws-cn")]
)
def test_policies_are_those_of_the_regions_partition(region, partition):
    assert managed_policy(region, "AmazonEKSClusterPolicy") == (
        f"arn:{partition}:iam::aws:policy/AmazonEKSClusterPolicy"
    )


@pytest.mark.parametrize(
    ("service", "tags"), [("ec2.amazonaws.com", False), ("pods.eks.amazonaws.com", True)]
)
def test_pod_identity_may_tag_its_sessions(service, tags):
    (statement,) = json.loads(render_trust(service))["Statement"]
    assert statement["Principal"] == {"Service": service}
    assert ("sts:TagSession" in statement["Action"]) is tags


def cluster(**more) -> EksGpuCluster:
    return EksGpuCluster("main", {**CLUSTER, **more})


def names(urns) -> set[str]:
    """Logical names of URNs."""
    return {urn.rpartition("::")[2] for urn in urns}


def test_a_network_resolves_names_and_its_gateways_stand_in_public_subnets(preview):
    args = {"region": "us-east-1", "zone_ids": ZONES, "nat": "per_zone"}
    plan = preview(lambda: AwsNetwork("net", args, in_region()))
    vpc = plan.one("Vpc").inputs
    assert (vpc["enableDnsHostnames"], vpc["enableDnsSupport"]) == (True, True)
    for zone in ZONES:
        gateway = plan.one("NatGateway", f"net-{zone}")
        assert names(gateway.property_dependencies["subnetId"]) == {f"net-public-{zone}"}
        assert "net-igw" in names(gateway.dependencies)


def test_the_control_plane_waits_for_its_role_and_logs_who_did_what(preview):
    made = preview(cluster).one("Cluster")
    assert "main-cluster-AmazonEKSClusterPolicy" in names(made.dependencies)
    assert made.inputs["enabledClusterLogTypes"] == ["api", "audit", "authenticator"]


def test_objects_in_a_cluster_that_is_gone_do_not_block_destroy(preview):
    inputs = preview(cluster).one("kubernetes").inputs
    assert (inputs["deleteUnreachable"], inputs["enableServerSideApply"]) == ("true", "true")
