"""GkeGpuCluster: network, control plane and system nodes of one regional GKE cluster."""

import json
from collections.abc import Mapping
from typing import Any, NotRequired, TypedDict

import pulumi
import pulumi_gcp as gcp
import pulumi_kubernetes as kubernetes

from gpuyard.gcp.network import PODS, SERVICES, GcpNetwork
from gpuyard.gcp.pool import GkeGpuPool
from gpuyard.gcp.spec import GkeClusterSpec
from gpuyard.inputs import parse_inputs
from gpuyard.names import fit

_NODE_ROLES = (
    "roles/logging.logWriter",
    "roles/monitoring.metricWriter",
    "roles/monitoring.viewer",
    "roles/stackdriver.resourceMetadata.writer",
    "roles/artifactregistry.reader",
)
"""What a node needs, and nothing else."""
SERVICE_ACCOUNT_LENGTH = 28
"""An account id takes 6 to 30 characters."""


class GkeGpuClusterArgs(TypedDict):
    """Where the cluster lies and how large its CPU part is."""

    project: str
    """Project id."""
    region: str
    """Google Cloud region."""
    kubernetes_version: NotRequired[str]
    """Minimum version of the control plane. Default 1.35."""
    system_machine_type: NotRequired[str]
    """CPU nodes for controllers. Default e2-standard-4."""
    system_nodes: NotRequired[int]
    """How many, over all zones. Default 2."""
    nodes_cidr: NotRequired[str]
    """Range of the nodes. Default ``10.0.0.0/20``."""
    pods_cidr: NotRequired[str]
    """Range of the pods. Default ``10.4.0.0/14``."""
    services_cidr: NotRequired[str]
    """Range of the services. Default ``10.8.0.0/20``."""
    public_access_cidrs: NotRequired[list[str]]
    """Who may reach the API server from outside. Default everyone with credentials."""
    tags: NotRequired[dict[str, str]]
    """Labels on every resource that takes them."""
    protect: NotRequired[bool]
    """Refuse to delete the cluster until this is off again. Default off."""


@pulumi.type_token("gpuyard:index:GkeGpuCluster")
class GkeGpuCluster(pulumi.ComponentResource):
    """A GKE cluster that GPU pools can join: VPC-native, Dataplane V2, workload identity, private nodes."""

    cluster_name: pulumi.Output[str]
    """Name of the cluster."""
    kubeconfig: pulumi.Output[str]
    """kubeconfig that asks gke-gcloud-auth-plugin for tokens; holds no credential itself."""
    node_service_account: pulumi.Output[str]
    """Email of the nodes' service account."""

    def __init__(
        self, name: str, args: GkeGpuClusterArgs, opts: pulumi.ResourceOptions | None = None
    ) -> None:
        spec = parse_inputs("GkeGpuCluster", GkeClusterSpec, args)
        self.platform, self.region, self.zones = "gke", spec.region, ()
        provider = gcp.Provider(
            f"{name}-gcp",
            project=spec.project,
            region=spec.region,
            default_labels={"gpuyard-cluster": fit(name), **_labels(spec.tags)},
            opts=pulumi.ResourceOptions(parent=opts.parent if opts else None),
        )
        options = pulumi.ResourceOptions.merge(pulumi.ResourceOptions(providers=[provider]), opts)
        super().__init__("gpuyard:index:GkeGpuCluster", name, {}, options)
        self._name, self._spec = name, spec
        network = GcpNetwork(
            f"{name}-net",
            {
                "project": spec.project,
                "region": spec.region,
                "nodes_cidr": spec.nodes_cidr,
                "pods_cidr": spec.pods_cidr,
                "services_cidr": spec.services_cidr,
            },
            pulumi.ResourceOptions(parent=self),
        )
        account, roles = self._service_account()
        cluster = self._control_plane(network)
        self._system = self._system_nodes(cluster, account, roles)
        self.cluster_name, self.node_service_account = cluster.name, account.email
        self.kubeconfig = _kubeconfig(cluster)
        self.kubernetes_provider = kubernetes.Provider(
            f"{name}-k8s",
            kubeconfig=self.kubeconfig,
            enable_server_side_apply=True,
            delete_unreachable=True,
            opts=pulumi.ResourceOptions(parent=self, depends_on=[self._system]),
        )
        self.register_outputs(
            {
                "clusterName": self.cluster_name,
                "kubeconfig": self.kubeconfig,
                "nodeServiceAccount": self.node_service_account,
            }
        )

    def gpu_pool(
        self, name: str, args: Mapping[str, Any], opts: pulumi.ResourceOptions | None = None
    ) -> GkeGpuPool:
        """A GPU pool in the zones of ``args["zones"]`` (empty: the cluster's own)."""
        options = pulumi.ResourceOptions.merge(
            pulumi.ResourceOptions(parent=self, depends_on=[self._system]), opts
        )
        return GkeGpuPool(
            name,
            {
                "cluster_name": self.cluster_name,
                "location": self.region,
                "service_account": self.node_service_account,
                **args,  # pyright: ignore[reportGeneralTypeIssues] (parsed by the pool)
            },
            options,
        )

    def _service_account(self) -> tuple[gcp.serviceaccount.Account, list[pulumi.Resource]]:
        child = pulumi.ResourceOptions(parent=self)
        account = gcp.serviceaccount.Account(
            f"{self._name}-nodes",
            account_id=fit(f"{self._name}-nodes", SERVICE_ACCOUNT_LENGTH),
            display_name=f"Nodes of {self._name}",
            opts=child,
        )
        roles: list[pulumi.Resource] = [
            gcp.projects.IAMMember(
                f"{self._name}-{role.rpartition('/')[2]}",
                project=self._spec.project,
                role=role,
                member=pulumi.Output.concat("serviceAccount:", account.email),
                opts=child,
            )
            for role in _NODE_ROLES
        ]
        return account, roles

    def _control_plane(self, network: GcpNetwork) -> gcp.container.Cluster:
        access: dict[str, Any] = {}
        if self._spec.public_access_cidrs:
            blocks = [{"cidr_block": cidr} for cidr in self._spec.public_access_cidrs]
            access["master_authorized_networks_config"] = {"cidr_blocks": blocks}
        return gcp.container.Cluster(
            f"{self._name}-gke",
            location=self._spec.region,
            min_master_version=self._spec.kubernetes_version,
            network=network.network_id,
            subnetwork=network.subnetwork_id,
            networking_mode="VPC_NATIVE",
            datapath_provider="ADVANCED_DATAPATH",
            ip_allocation_policy={
                "cluster_secondary_range_name": PODS,
                "services_secondary_range_name": SERVICES,
            },
            private_cluster_config={"enable_private_nodes": True, "enable_private_endpoint": False},
            workload_identity_config={"workload_pool": f"{self._spec.project}.svc.id.goog"},
            release_channel={"channel": "REGULAR"},
            remove_default_node_pool=True,
            initial_node_count=1,
            deletion_protection=self._spec.protect,
            logging_config={"enable_components": ["SYSTEM_COMPONENTS", "WORKLOADS"]},
            monitoring_config={"enable_components": ["SYSTEM_COMPONENTS"]},
            **access,
            opts=pulumi.ResourceOptions(
                parent=self,
                protect=self._spec.protect,
                ignore_changes=["nodeConfig", "initialNodeCount"],
                custom_timeouts=pulumi.CustomTimeouts(create="60m", update="90m", delete="60m"),
            ),
        )

    def _system_nodes(
        self,
        cluster: gcp.container.Cluster,
        account: gcp.serviceaccount.Account,
        roles: list[pulumi.Resource],
    ) -> gcp.container.NodePool:
        nodes = self._spec.system_nodes
        return gcp.container.NodePool(
            f"{self._name}-system",
            cluster=cluster.name,
            location=self._spec.region,
            autoscaling={
                "total_min_node_count": nodes,
                "total_max_node_count": nodes + 1,
                "location_policy": "BALANCED",
            },
            initial_node_count=1,
            node_config={
                "machine_type": self._spec.system_machine_type,
                "disk_type": "pd-balanced",
                "disk_size_gb": 50,
                "service_account": account.email,
                "oauth_scopes": ["https://www.googleapis.com/auth/cloud-platform"],
                "workload_metadata_config": {"mode": "GKE_METADATA"},
                "labels": {"gpuyard-pool": "system"},
            },
            management={"auto_repair": True, "auto_upgrade": True},
            opts=pulumi.ResourceOptions(
                parent=self,
                depends_on=roles,
                ignore_changes=["initialNodeCount"],
                custom_timeouts=pulumi.CustomTimeouts(create="60m", update="90m", delete="60m"),
            ),
        )


def _labels(tags: Mapping[str, str]) -> dict[str, str]:
    """Tags as labels: lower case, no other signs."""
    return {fit(key): fit(value) for key, value in tags.items()}


def _kubeconfig(cluster: gcp.container.Cluster) -> pulumi.Output[str]:
    """Asks gke-gcloud-auth-plugin at each use, so it never expires and holds no secret."""

    def render(values: Mapping[str, Any]) -> str:
        name = values["name"]
        authority = (values["auth"] or {}).get("cluster_ca_certificate", "")
        server = {"server": f"https://{values['endpoint']}", "certificate-authority-data": authority}
        command = {
            "apiVersion": "client.authentication.k8s.io/v1beta1",
            "command": "gke-gcloud-auth-plugin",
            "provideClusterInfo": True,
            "installHint": "install gke-gcloud-auth-plugin, a component of the Google Cloud CLI",
        }
        return json.dumps(
            {
                "apiVersion": "v1",
                "kind": "Config",
                "current-context": name,
                "clusters": [{"name": name, "cluster": server}],
                "contexts": [{"name": name, "context": {"cluster": name, "user": name}}],
                "users": [{"name": name, "user": {"exec": command}}],
            }
        )

    return pulumi.Output.all(name=cluster.name, endpoint=cluster.endpoint, auth=cluster.master_auth).apply(
        render
    )
