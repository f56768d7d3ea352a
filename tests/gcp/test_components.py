"""The Google Cloud components, each used alone, recorded as a first preview; projects are synthetic."""

import json

import pulumi
import pulumi_gcp as gcp
import pytest

from gpuyard.gcp.cluster import GkeGpuCluster
from gpuyard.gcp.network import GcpNetwork
from gpuyard.gcp.pool import GkeGpuPool
from gpuyard.inputs import ArgsError
from gpuyard.resources import UNKNOWN

CLUSTER = {"project": "example-llm", "region": "us-central1"}
POOL = {
    "cluster_name": "main",
    "location": "us-central1",
    "service_account": "nodes@example-llm.iam.gserviceaccount.com",
    "machine_type": "g2-standard-8",
    "nodes_max": 2,
}
COMPONENTS = {"GkeGpuCluster": GkeGpuCluster, "GkeGpuPool": GkeGpuPool, "GcpNetwork": GcpNetwork}
SMALL = {"machine_type": "g2-standard-8", "nodes_max": 1}


def in_project() -> pulumi.ResourceOptions:
    return pulumi.ResourceOptions(provider=gcp.Provider("own", project="example-llm", region="us-central1"))


def cluster(**more) -> GkeGpuCluster:
    return GkeGpuCluster("main", {**CLUSTER, **more})


@pytest.mark.parametrize("name", COMPONENTS)
def test_type_tokens_are_public_and_stable(name):
    assert getattr(COMPONENTS[name], "pulumi_type", None) == f"gpuyard:index:{name}"


def test_a_network_alone_has_exactly_these_children(preview):
    plan = preview(lambda: GcpNetwork("net", {**CLUSTER}, in_project()))
    assert plan.tree() == sorted(
        [
            " > GcpNetwork net",
            " > gcp own",
            "net > Network net-vpc",
            "net > Router net-router",
            "net > RouterNat net-nat",
            "net > Subnetwork net-nodes",
        ]
    )


def test_the_subnetwork_holds_pods_and_services_and_reaches_google_privately(preview):
    inputs = preview(lambda: GcpNetwork("net", {**CLUSTER}, in_project())).one("Subnetwork").inputs
    assert inputs["privateIpGoogleAccess"] is True
    assert inputs["secondaryIpRanges"] == [
        {"rangeName": "pods", "ipCidrRange": "10.4.0.0/14"},
        {"rangeName": "services", "ipCidrRange": "10.8.0.0/20"},
    ]


def test_a_cluster_alone_has_exactly_these_children(preview):
    assert preview(cluster).tree() == sorted(
        [
            " > GkeGpuCluster main",
            " > gcp main-gcp",
            "main > Account main-nodes",
            "main > Cluster main-gke",
            "main > GcpNetwork main-net",
            "main > IAMMember main-artifactregistry.reader",
            "main > IAMMember main-logging.logWriter",
            "main > IAMMember main-monitoring.metricWriter",
            "main > IAMMember main-monitoring.viewer",
            "main > IAMMember main-stackdriver.resourceMetadata.writer",
            "main > NodePool main-system",
            "main > kubernetes main-k8s",
            "main-net > Network main-net-vpc",
            "main-net > Router main-net-router",
            "main-net > RouterNat main-net-nat",
            "main-net > Subnetwork main-net-nodes",
        ]
    )


def test_every_google_resource_of_a_cluster_uses_its_own_provider(preview):
    plan = preview(lambda: cluster(tags={"Team": "Search"}))
    (provider,) = plan.of("gcp")
    assert (provider.inputs["project"], provider.inputs["region"]) == ("example-llm", "us-central1")
    assert json.loads(provider.inputs["defaultLabels"]) == {"team": "search", "gpuyard-cluster": "main"}
    assert {item.provider for item in plan.recording.resources if item.type.startswith("gcp:")} == {
        provider.urn
    }


def test_a_provider_that_is_passed_is_used_and_none_is_made(preview):
    plan = preview(lambda: GkeGpuCluster("main", {**CLUSTER}, in_project()))
    (provider,) = plan.of("gcp")
    assert provider.name == "own"
    assert {item.provider for item in plan.recording.resources if item.type.startswith("gcp:")} == {
        provider.urn
    }


def test_the_cluster_is_private_native_and_has_workload_identity(preview):
    inputs = preview(cluster).one("Cluster").inputs
    assert inputs["privateClusterConfig"]["enablePrivateNodes"] is True
    assert inputs["datapathProvider"] == "ADVANCED_DATAPATH"
    assert inputs["workloadIdentityConfig"] == {"workloadPool": "example-llm.svc.id.goog"}
    assert (inputs["minMasterVersion"], inputs["releaseChannel"]) == ("1.35", {"channel": "REGULAR"})
    assert inputs["removeDefaultNodePool"] is True
    assert inputs["monitoringConfig"]["managedPrometheus"] == {"enabled": False}


def test_no_node_runs_as_the_projects_default_account(preview):
    plan = preview(lambda: cluster().gpu_pool("chat", SMALL))
    for item in (plan.one("Cluster"), *plan.of("NodePool")):
        assert item.inputs["nodeConfig"]["serviceAccount"] is UNKNOWN
        assert "main-nodes" in {urn.rpartition("::")[2] for urn in item.dependencies}


def test_access_can_be_limited_to_networks(preview):
    assert "masterAuthorizedNetworksConfig" not in preview(cluster).one("Cluster").inputs
    limited = preview(lambda: cluster(public_access_cidrs=["203.0.113.0/24"])).one("Cluster").inputs
    assert limited["masterAuthorizedNetworksConfig"] == {"cidrBlocks": [{"cidrBlock": "203.0.113.0/24"}]}


@pytest.mark.parametrize("protect", [True, False])
def test_protection_is_an_option_that_covers_cluster_and_network(preview, protect):
    plan = preview(lambda: cluster(protect=protect))
    made = plan.one("Cluster")
    assert (made.inputs["deletionProtection"], made.options.get("protect", False)) == (protect, protect)
    assert plan.one("Network").options.get("protect", False) is protect


def test_zones_of_the_cluster_are_those_of_pools_that_name_none(preview):
    zones = ["us-central1-a", "us-central1-b"]
    plan = preview(lambda: cluster(zones=zones).gpu_pool("chat", SMALL))
    assert plan.one("Cluster").inputs["nodeLocations"] == zones
    assert plan.one("NodePool", "chat-nodes").inputs["nodeLocations"] == zones
    one = preview(lambda: cluster(zones=zones).gpu_pool("chat", {**SMALL, "zones": zones[1:]}))
    assert one.one("NodePool", "chat-nodes").inputs["nodeLocations"] == zones[1:]


def test_a_zone_outside_the_cluster_is_refused(preview):
    args = {**SMALL, "zones": ["us-central1-f"]}
    with pytest.raises(ArgsError, match="use one of: us-central1-a"):
        preview(lambda: cluster(zones=["us-central1-a"]).gpu_pool("chat", args))


def test_a_zone_of_another_region_is_refused(preview):
    args = {**SMALL, "zones": ["us-east1-b"]}
    with pytest.raises(ArgsError, match="us-east1-b: not in us-central1, the region of the cluster"):
        preview(lambda: cluster().gpu_pool("chat", args))


def test_a_pool_of_a_cluster_is_its_child_and_waits_for_the_system_nodes(preview):
    plan = preview(lambda: cluster(tags={"team": "search"}).gpu_pool("chat", SMALL))
    assert "main > GkeGpuPool chat" in plan.tree()
    nodes = plan.one("NodePool", "chat-nodes")
    assert nodes.inputs["nodeConfig"]["resourceLabels"] == {"team": "search", "gpuyard-pool": "chat"}
    assert (nodes.inputs["location"], nodes.options["ignoreChanges"]) == ("us-central1", ["initialNodeCount"])


def test_the_kubeconfig_asks_the_plugin_and_holds_no_token(preview):
    known = {
        "gcp:container/cluster:Cluster": {
            "name": "main-gke",
            "endpoint": "203.0.113.9",
            "masterAuth": {"clusterCaCertificate": "Q0E="},
        }
    }
    config = json.loads(preview(cluster, known).one("kubernetes").inputs["kubeconfig"])
    assert config["clusters"][0]["cluster"] == {
        "server": "https://203.0.113.9",
        "certificate-authority-data": "Q0E=",
    }
    user = config["users"][0]["user"]
    assert (set(user), user["exec"]["command"]) == ({"exec"}, "gke-gcloud-auth-plugin")
    assert user["exec"]["provideClusterInfo"] is True


def test_a_pool_can_be_used_alone(preview):
    plan = preview(lambda: GkeGpuPool("chat", {**POOL}, in_project()))
    assert plan.tree() == sorted([" > GkeGpuPool chat", " > gcp own", "chat > NodePool chat-nodes"])
    nodes = plan.one("NodePool")
    assert (nodes.inputs["cluster"], nodes.inputs["location"]) == ("main", "us-central1")
    assert nodes.options["customTimeouts"]["create"] == "60m"


def test_a_pool_on_a_reservation_gives_way_before_its_successor_comes(preview):
    args = {**POOL, "purchase": "reservation", "reservation": "mine", "zones": ["us-central1-a"]}
    assert (
        preview(lambda: GkeGpuPool("chat", args, in_project())).one("NodePool").options["deleteBeforeReplace"]
    )


def test_wiring_that_is_missing_is_told_at_its_property(preview):
    with pytest.raises(ArgsError) as caught:
        preview(lambda: GkeGpuPool("chat", {**SMALL}))
    assert [detail["property_path"] for detail in caught.value.errors] == [
        "cluster_name",
        "location",
        "service_account",
    ]


def test_a_way_of_buying_that_google_does_not_offer_is_warned_of(preview):
    plan = preview(lambda: GkeGpuPool("chat", {**POOL, "machine_type": "a3-ultragpu-8g"}, in_project()))
    ((severity, text),) = plan.recording.messages
    assert severity == "warning"
    assert text.startswith("A3 Ultra needs a reservation")


def test_long_names_stay_within_what_gke_takes(preview):
    name = "prod-gcp-europe-west4-with-a-long-name-0"
    plan = preview(lambda: GkeGpuCluster(name, {**CLUSTER}).gpu_pool(f"{name}-pool", SMALL))
    suffix = len("-1a2b3c4")
    assert len(plan.one("Cluster").name) + suffix <= 40
    assert max(len(item.name) for item in plan.of("NodePool")) + suffix <= 40
    assert len(plan.one("Account").inputs["accountId"]) <= 30


def test_the_same_program_gives_the_same_plan(preview):
    assert preview(cluster).recording.resources == preview(cluster).recording.resources


def test_nodes_wait_for_the_grants_of_their_account(preview):
    plan = preview(cluster)
    for item in (plan.one("Cluster"), plan.one("NodePool")):
        assert {"main-artifactregistry.reader", "main-logging.logWriter"} <= {
            urn.rpartition("::")[2] for urn in item.dependencies
        }


def test_every_private_range_reaches_out_through_addresses_that_google_chooses(preview):
    inputs = preview(lambda: GcpNetwork("net", {**CLUSTER}, in_project())).one("RouterNat").inputs
    assert inputs["natIpAllocateOption"] == "AUTO_ONLY"
    assert inputs["sourceSubnetworkIpRangesToNat"] == "ALL_SUBNETWORKS_ALL_IP_RANGES"


def test_objects_in_a_cluster_that_is_gone_do_not_block_destroy(preview):
    inputs = preview(cluster).one("kubernetes").inputs
    assert (inputs["deleteUnreachable"], inputs["enableServerSideApply"]) == ("true", "true")
