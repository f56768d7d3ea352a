"""GkeGpuCluster: network, control plane and system nodes of one regional GKE cluster."""

from collections.abc import Mapping
from typing import Any, NotRequired, TypedDict, cast

import pulumi
import pulumi_gcp as gcp
import pulumi_kubernetes as kubernetes

from gpuyard.gcp.iam import make_node_account
from gpuyard.gcp.labels import to_labels
from gpuyard.gcp.network import PODS, SERVICES, GcpNetwork
from gpuyard.gcp.pool import GkeGpuPool, GkeGpuPoolArgs
from gpuyard.gcp.spec import GkeClusterSpec
from gpuyard.inputs import parse_inputs
from gpuyard.kubernetes.kubeconfig import render_kubeconfig
from gpuyard.kubernetes.labels import POOL_LABEL, SYSTEM_POOL
from gpuyard.kubernetes.naming import logical_name
from gpuyard.kubernetes.wiring import passed_provider, require_zones
from gpuyard.names import GKE_CLUSTER_NAME_LENGTH, GKE_NODE_POOL_NAME_LENGTH, fit

STORAGE_CLASS = "standard-rwo"
"""GKE's own class on balanced persistent disks, which the system machines attach."""
_SCOPES = ["https://www.googleapis.com/auth/cloud-platform"]


class GkeGpuClusterArgs(TypedDict):
    """Where the cluster lies and how large its CPU part is."""

    project: str
    """Project id."""
    region: str
    """Google Cloud region."""
    kubernetes_version: NotRequired[str]
    """Minimum version of the control plane. Default 1.35."""
    zones: NotRequired[list[str]]
    """Zones of the system nodes, and of pools that name none. Default the region's, as Google chooses."""
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
    """Refuse to delete cluster and network until this is off again. Default off."""


@pulumi.type_token("gpuyard:index:GkeGpuCluster")
class GkeGpuCluster(pulumi.ComponentResource):
    """A GKE cluster that GPU pools can join: VPC-native, Dataplane V2, workload identity, private nodes.

    Makes its own gcp provider for ``project`` and ``region`` with the tags as default labels, unless one is
    passed by the options ``provider`` or ``providers``; that one must be for the same project.
    """

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
        self.platform, self.region, self.zones = "gke", spec.region, spec.zones
        self.storage_class = STORAGE_CLASS
        super().__init__("gpuyard:index:GkeGpuCluster", name, {}, _with_provider(name, spec, opts))
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
            pulumi.ResourceOptions(parent=self, protect=spec.protect),
        )
        account, roles = make_node_account(name, spec.project, pulumi.ResourceOptions(parent=self))
        cluster = self._control_plane(network, account, roles)
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
        """A GPU pool in the zones of ``args["zones"]`` (empty: the cluster's own).

        Raises:
            ArgsError: a zone that the cluster lacks, or arguments that are wrong.
        """
        if self.zones:
            require_zones("GkeGpuPool", args.get("zones") or (), self.zones)
        options = pulumi.ResourceOptions.merge(
            pulumi.ResourceOptions(parent=self, depends_on=[self._system]), opts
        )
        pool: dict[str, Any] = {
            "cluster_name": self.cluster_name,
            "location": self.region,
            "service_account": self.node_service_account,
            "zones": list(self.zones),
            "tags": dict(self._spec.tags),
            **args,
        }
        return GkeGpuPool(name, cast("GkeGpuPoolArgs", pool), options)

    def _control_plane(
        self, network: GcpNetwork, account: gcp.serviceaccount.Account, roles: list[pulumi.Resource]
    ) -> gcp.container.Cluster:
        access: dict[str, Any] = {}
        if self.zones:
            access["node_locations"] = list(self.zones)
        if self._spec.public_access_cidrs:
            blocks = [{"cidr_block": cidr} for cidr in self._spec.public_access_cidrs]
            access["master_authorized_networks_config"] = {"cidr_blocks": blocks}
        return gcp.container.Cluster(
            logical_name(f"{self._name}-gke", GKE_CLUSTER_NAME_LENGTH),
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
            # the first pool lives for minutes, but fails where the project's default account is disabled
            node_config={"service_account": account.email, "oauth_scopes": _SCOPES},
            deletion_protection=self._spec.protect,
            logging_config={"enable_components": ["SYSTEM_COMPONENTS", "WORKLOADS"]},
            # on by default and paid per sample; Prometheus comes with gpuyard's own monitoring
            monitoring_config={
                "enable_components": ["SYSTEM_COMPONENTS"],
                "managed_prometheus": {"enabled": False},
            },
            **access,
            opts=pulumi.ResourceOptions(
                parent=self,
                depends_on=roles,
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
            logical_name(f"{self._name}-system", GKE_NODE_POOL_NAME_LENGTH),
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
                "oauth_scopes": _SCOPES,
                "workload_metadata_config": {"mode": "GKE_METADATA"},
                "labels": {POOL_LABEL: SYSTEM_POOL},
                "resource_labels": {**to_labels(self._spec.tags), "gpuyard-pool": SYSTEM_POOL},
            },
            management={"auto_repair": True, "auto_upgrade": True},
            opts=pulumi.ResourceOptions(
                parent=self,
                depends_on=roles,
                ignore_changes=["initialNodeCount"],
                custom_timeouts=pulumi.CustomTimeouts(create="60m", update="90m", delete="60m"),
            ),
        )


def _with_provider(
    name: str, spec: GkeClusterSpec, opts: pulumi.ResourceOptions | None
) -> pulumi.ResourceOptions | None:
    if passed_provider(opts, "gcp"):
        return opts
    provider = gcp.Provider(
        f"{name}-gcp",
        project=spec.project,
        region=spec.region,
        default_labels={**to_labels(spec.tags), "gpuyard-cluster": fit(name)},
        opts=pulumi.ResourceOptions(parent=opts.parent if opts else None),
    )
    return pulumi.ResourceOptions.merge(pulumi.ResourceOptions(providers=[provider]), opts)


def _kubeconfig(cluster: gcp.container.Cluster) -> pulumi.Output[str]:
    def render(values: Mapping[str, Any]) -> str:
        authority = (values["auth"] or {}).get("cluster_ca_certificate", "")
        command = {
            "command": "gke-gcloud-auth-plugin",
            "provideClusterInfo": True,
            "installHint": "install gke-gcloud-auth-plugin, a component of the Google Cloud CLI",
        }
        return render_kubeconfig(values["name"], f"https://{values['endpoint']}", authority, command)

    return pulumi.Output.all(name=cluster.name, endpoint=cluster.endpoint, auth=cluster.master_auth).apply(
        render
    )
