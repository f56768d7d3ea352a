"""EksGpuCluster: network, control plane, add-ons and system nodes of one EKS cluster."""

from collections.abc import Mapping
from typing import Any, NotRequired, TypedDict, cast

import pulumi
import pulumi_aws as aws
import pulumi_kubernetes as kubernetes

from gpuyard.aws.iam import make_role
from gpuyard.aws.network import AwsNetwork
from gpuyard.aws.node_image import system_ami_type
from gpuyard.aws.pool import EksGpuPool, EksGpuPoolArgs
from gpuyard.aws.spec import EksClusterSpec
from gpuyard.inputs import parse_inputs
from gpuyard.kubernetes.kubeconfig import render_kubeconfig
from gpuyard.kubernetes.labels import POOL_LABEL, SYSTEM_POOL
from gpuyard.kubernetes.naming import logical_name
from gpuyard.kubernetes.wiring import passed_provider, require_zones
from gpuyard.names import EKS_NODE_GROUP_NAME_LENGTH

_NODE_POLICIES = ("AmazonEKSWorkerNodePolicy", "AmazonEKS_CNI_Policy", "AmazonEC2ContainerRegistryPullOnly")
_ADDONS_BEFORE_NODES = ("vpc-cni", "kube-proxy", "eks-pod-identity-agent")
_ADDONS_ON_NODES = ("coredns",)
STORAGE_CLASS = "gp3"


class EksGpuClusterArgs(TypedDict):
    """Where the cluster lies and how large its CPU part is."""

    region: str
    """AWS region."""
    zone_ids: list[str]
    """Zone ids, two to six, those of the GPU pools among them."""
    kubernetes_version: NotRequired[str]
    """Default 1.35."""
    vpc_cidr: NotRequired[str]
    """Range of the VPC. Default ``10.0.0.0/16``."""
    nat: NotRequired[str]
    """``single`` or ``per_zone``. Default single."""
    system_instance_type: NotRequired[str]
    """CPU nodes for controllers. Default m7i.large."""
    system_nodes: NotRequired[int]
    """How many. Default 2."""
    public_access_cidrs: NotRequired[list[str]]
    """Who may reach the API server from outside. Default everyone with credentials."""
    tags: NotRequired[dict[str, str]]
    """On every resource."""
    protect: NotRequired[bool]
    """Refuse to delete control plane and network until this is off again. Default off."""


@pulumi.type_token("gpuyard:index:EksGpuCluster")
class EksGpuCluster(pulumi.ComponentResource):
    """An EKS cluster that GPU pools can join: EKS API access, pod identity, EBS storage, CPU system nodes.

    Makes its own AWS provider for ``region`` with the tags as default tags, unless one is passed by the
    options ``provider`` or ``providers``; that one must be for the same region.
    """

    cluster_name: pulumi.Output[str]
    """Name of the cluster."""
    kubeconfig: pulumi.Output[str]
    """kubeconfig that asks the aws CLI for tokens; holds no credential itself."""
    node_role_arn: pulumi.Output[str]
    """Role of the nodes."""

    def __init__(
        self, name: str, args: EksGpuClusterArgs, opts: pulumi.ResourceOptions | None = None
    ) -> None:
        spec = parse_inputs("EksGpuCluster", EksClusterSpec, args)
        self.platform, self.region, self.zones = "eks", spec.region, spec.zone_ids
        self.storage_class = STORAGE_CLASS
        options = _with_provider(name, spec, opts)
        self.aws_provider = passed_provider(options, "aws")  # the cluster's own, or the caller's
        super().__init__("gpuyard:index:EksGpuCluster", name, {}, options)
        self._name, self._spec = name, spec
        self._network = AwsNetwork(
            f"{name}-net",
            {
                "region": spec.region,
                "zone_ids": list(spec.zone_ids),
                "vpc_cidr": spec.vpc_cidr,
                "nat": spec.nat,
                "tags": dict(spec.tags),
            },
            pulumi.ResourceOptions(parent=self, protect=spec.protect),
        )
        cluster = self._control_plane()
        node_role, node_policies = self._role("node", "ec2.amazonaws.com", *_NODE_POLICIES)
        early = [self._addon(cluster, addon) for addon in _ADDONS_BEFORE_NODES]
        # without routes a node cannot pull, and without its policies it cannot leave cleanly either
        self._system = self._system_nodes(cluster, node_role, [self._network, *node_policies, *early])
        storage = self._late_addons(cluster)
        self.cluster_name, self.node_role_arn = cluster.name, node_role.arn
        self._security_group = cluster.vpc_config.apply(lambda config: config.cluster_security_group_id)
        self.kubeconfig = _kubeconfig(cluster, spec.region)
        self.kubernetes_provider = kubernetes.Provider(
            f"{name}-k8s",
            kubeconfig=self.kubeconfig,
            enable_server_side_apply=True,
            delete_unreachable=True,
            opts=pulumi.ResourceOptions(parent=self, depends_on=[self._system]),
        )
        self._storage_class(cluster, storage)
        self.register_outputs(
            {
                "clusterName": self.cluster_name,
                "kubeconfig": self.kubeconfig,
                "nodeRoleArn": self.node_role_arn,
            }
        )

    def gpu_pool(
        self, name: str, args: Mapping[str, Any], opts: pulumi.ResourceOptions | None = None
    ) -> EksGpuPool:
        """A GPU pool in the subnets of ``args["zones"]`` (zone ids; empty: every zone of the cluster).

        Raises:
            ArgsError: a zone that the cluster lacks, or arguments that are wrong.
        """
        plain = dict(args)
        zones = list(plain.pop("zones", ()) or self.zones)
        require_zones("EksGpuPool", zones, self.zones)
        subnets = self._network.private_subnet_ids
        options = pulumi.ResourceOptions.merge(
            pulumi.ResourceOptions(parent=self, depends_on=[self._system]), opts
        )
        pool: dict[str, Any] = {
            "cluster_name": self.cluster_name,
            "node_role_arn": self.node_role_arn,
            "subnet_ids": [subnets.apply(lambda ids, zone=zone: ids[zone]) for zone in zones],
            "security_group_id": self._security_group,
            "kubernetes_version": self._spec.kubernetes_version,
            "tags": dict(self._spec.tags),
            **plain,
        }
        return EksGpuPool(name, cast("EksGpuPoolArgs", pool), options)

    def _core_subnet_ids(self) -> pulumi.Output[list[str]]:
        zones = self._spec.core_zone_ids
        return self._network.private_subnet_ids.apply(lambda ids: [ids[zone] for zone in zones])

    def _control_plane(self) -> aws.eks.Cluster:
        role, policies = self._role("cluster", "eks.amazonaws.com", "AmazonEKSClusterPolicy")
        access: dict[str, Any] = {
            "subnet_ids": self._core_subnet_ids(),
            "endpoint_private_access": True,
            "endpoint_public_access": True,
        }
        if self._spec.public_access_cidrs:
            access["public_access_cidrs"] = list(self._spec.public_access_cidrs)
        return aws.eks.Cluster(
            f"{self._name}-eks",
            role_arn=role.arn,
            version=self._spec.kubernetes_version,
            vpc_config=access,  # pyright: ignore[reportArgumentType] (a dict of the same shape)
            access_config={
                "authentication_mode": "API",
                "bootstrap_cluster_creator_admin_permissions": True,
            },
            bootstrap_self_managed_addons=False,
            enabled_cluster_log_types=["api", "audit", "authenticator"],
            upgrade_policy={"support_type": "STANDARD"},
            tags=dict(self._spec.tags),
            opts=pulumi.ResourceOptions(
                parent=self,
                depends_on=policies,
                protect=self._spec.protect,
                custom_timeouts=pulumi.CustomTimeouts(create="60m", update="90m", delete="60m"),
            ),
        )

    def _role(self, part: str, service: str, *policies: str) -> tuple[aws.iam.Role, list[pulumi.Resource]]:
        return make_role(
            f"{self._name}-{part}",
            service,
            policies,
            region=self.region,
            tags=self._spec.tags,
            opts=pulumi.ResourceOptions(parent=self),
        )

    def _addon(
        self, cluster: aws.eks.Cluster, addon: str, *needs: pulumi.Resource, **more: Any
    ) -> aws.eks.Addon:
        return aws.eks.Addon(
            f"{self._name}-{addon}",
            cluster_name=cluster.name,
            addon_name=addon,
            resolve_conflicts_on_create="OVERWRITE",
            resolve_conflicts_on_update="OVERWRITE",
            **more,
            opts=pulumi.ResourceOptions(parent=self, depends_on=list(needs)),
        )

    def _system_nodes(
        self, cluster: aws.eks.Cluster, role: aws.iam.Role, needs: list[pulumi.Resource]
    ) -> aws.eks.NodeGroup:
        nodes = self._spec.system_nodes
        return aws.eks.NodeGroup(
            logical_name(f"{self._name}-system", EKS_NODE_GROUP_NAME_LENGTH),
            cluster_name=cluster.name,
            version=self._spec.kubernetes_version,
            node_role_arn=role.arn,
            subnet_ids=self._core_subnet_ids(),
            instance_types=[self._spec.system_instance_type],
            ami_type=system_ami_type(self._spec.system_instance_type),
            disk_size=50,
            scaling_config={"min_size": nodes, "max_size": nodes + 1, "desired_size": nodes},
            labels={POOL_LABEL: SYSTEM_POOL},
            update_config={"max_unavailable": 1},
            opts=pulumi.ResourceOptions(
                parent=self,
                depends_on=needs,
                ignore_changes=["scalingConfig.desiredSize"],
                custom_timeouts=pulumi.CustomTimeouts(create="60m", update="90m", delete="60m"),
            ),
        )

    def _late_addons(self, cluster: aws.eks.Cluster) -> aws.eks.Addon:
        """Add-ons whose pods need a node; gives the last, EBS storage with its own identity."""
        for addon in _ADDONS_ON_NODES:
            self._addon(cluster, addon, self._system)
        role, policies = self._role(
            "ebs-csi", "pods.eks.amazonaws.com", "service-role/AmazonEBSCSIDriverPolicy"
        )
        return self._addon(
            cluster,
            "aws-ebs-csi-driver",
            self._system,
            *policies,
            pod_identity_associations=[{"role_arn": role.arn, "service_account": "ebs-csi-controller-sa"}],
        )

    def _storage_class(self, cluster: aws.eks.Cluster, driver: aws.eks.Addon) -> None:
        """gp3 as the default: EKS has had no default class since 1.30."""
        kubernetes.storage.v1.StorageClass(
            f"{self._name}-gp3",
            metadata={
                "name": STORAGE_CLASS,
                "annotations": {"storageclass.kubernetes.io/is-default-class": "true"},
            },
            provisioner="ebs.csi.aws.com",
            parameters={"type": "gp3", "encrypted": "true"},
            volume_binding_mode="WaitForFirstConsumer",
            allow_volume_expansion=True,
            opts=pulumi.ResourceOptions(
                parent=self,
                provider=self.kubernetes_provider,
                depends_on=[driver],
                deleted_with=cluster,  # it leaves nothing behind in the cloud
            ),
        )


def _with_provider(
    name: str, spec: EksClusterSpec, opts: pulumi.ResourceOptions | None
) -> pulumi.ResourceOptions | None:
    if passed_provider(opts, "aws"):
        return opts
    provider = aws.Provider(
        f"{name}-aws",
        region=spec.region,
        default_tags={"tags": {"gpuyard:cluster": name, **spec.tags}},
        opts=pulumi.ResourceOptions(parent=opts.parent if opts else None),
    )
    return pulumi.ResourceOptions.merge(pulumi.ResourceOptions(providers=[provider]), opts)


def _kubeconfig(cluster: aws.eks.Cluster, region: str) -> pulumi.Output[str]:
    def render(values: Mapping[str, Any]) -> str:
        login = ["--region", region, "eks", "get-token", "--cluster-name", values["name"], "--output", "json"]
        authority = (values["authority"] or {}).get("data", "")
        command = {"command": "aws", "args": login}
        return render_kubeconfig(values["name"], values["endpoint"], authority, command)

    return pulumi.Output.all(
        name=cluster.name, endpoint=cluster.endpoint, authority=cluster.certificate_authority
    ).apply(render)
