"""EksGpuPool: one managed node group for one rung of the ladder."""

from collections.abc import Mapping
from typing import Any, NotRequired, TypedDict

import pulumi
import pulumi_aws as aws

from gpuyard.aws.launch import render_launch_template, render_node_group
from gpuyard.aws.spec import EksPoolSpec
from gpuyard.catalog.purchases import purchase_limit
from gpuyard.errors import Finding
from gpuyard.inputs import ArgsError, parse_inputs, split_wiring
from gpuyard.kubernetes.naming import logical_name
from gpuyard.kubernetes.wiring import require_wiring
from gpuyard.names import EKS_NODE_GROUP_NAME_LENGTH

_WIRING = frozenset({"cluster_name", "node_role_arn", "subnet_ids", "security_group_id"})
_REQUIRED = ("cluster_name", "node_role_arn", "subnet_ids")


class EksGpuPoolArgs(TypedDict):
    """What to buy, how many, and the cluster to join."""

    cluster_name: pulumi.Input[str]
    """Name of the EKS cluster."""
    node_role_arn: pulumi.Input[str]
    """IAM role of the nodes."""
    subnet_ids: list[pulumi.Input[str]]
    """Subnets of the zones that sell the machine type; a reservation's zone alone."""
    security_group_id: NotRequired[pulumi.Input[str]]
    """The cluster's own security group, for EFA interfaces. Needed with efa only."""
    machine_type: str
    """EC2 instance type with GPUs, e.g. ``g6.xlarge``."""
    purchase: NotRequired[str]
    """``on_demand``, ``spot``, ``reservation`` or ``capacity_block``. Default on_demand."""
    nodes_min: NotRequired[int]
    """Nodes kept when idle. Default 0."""
    nodes_max: int
    """Most nodes."""
    nodes_desired: NotRequired[int]
    """Nodes at creation; autoscalers move it later. Default nodes_min."""
    reservation_id: NotRequired[str]
    """Capacity reservation or block to launch into."""
    placement_group: NotRequired[str]
    """Name of the placement group: the reservation's own, or none."""
    efa: NotRequired[bool]
    """Attach every EFA interface of the type. Default off."""
    disk_gib: NotRequired[int]
    """Root disk. Default 100 beside local NVMe, else what two images and the weights need, at least 200."""
    disk_throughput: NotRequired[int]
    """MB/s of the root disk. Default 500."""
    image_gib: NotRequired[float]
    """Size of the unpacked container image, to size the root disk. Default 30."""
    weights_gib: NotRequired[float]
    """Size of the model's weights, to size the root disk. Default 0."""
    local_nvme: NotRequired[bool]
    """Keep images and weights on the machine's own NVMe disks where they fit. Default on."""
    kubernetes_version: NotRequired[str]
    """Version of the nodes. Default the cluster's at creation."""
    image_release: NotRequired[str]
    """Release of the node image, which decides the driver, e.g. ``1.35.2-20260917``. Default the newest."""
    labels: NotRequired[dict[str, str]]
    """Extra node labels."""
    tags: NotRequired[dict[str, str]]
    """On machines and disks, which a provider's default tags do not reach."""
    bottlerocket: NotRequired[bool]
    """Bottlerocket instead of Amazon Linux 2023. Default off."""


@pulumi.type_token("gpuyard:index:EksGpuPool")
class EksGpuPool(pulumi.ComponentResource):
    """A managed node group of GPU machines whose image brings driver and container toolkit.

    Nodes carry the taint ``nvidia.com/gpu`` and the labels ``gpuyard.dev/pool`` and
    ``gpuyard.dev/accelerator``.
    """

    node_group_name: pulumi.Output[str]
    """Name of the node group."""

    def __init__(self, name: str, args: EksGpuPoolArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        plain, wiring = split_wiring(args, _WIRING)
        spec = parse_inputs("EksGpuPool", EksPoolSpec, plain)
        require_wiring("EksGpuPool", wiring, (*_REQUIRED, "security_group_id") if spec.efa else _REQUIRED)
        _require_one_zone(spec, wiring)
        super().__init__("gpuyard:index:EksGpuPool", name, {}, opts)
        limit = purchase_limit("aws", spec.machine_type, str(spec.purchase))
        if limit:
            pulumi.log.warn(f"{limit.reason} ({limit.source}, {limit.as_of})", self)
        tags = {**spec.tags, "Name": name, "gpuyard:pool": name}
        template = aws.ec2.LaunchTemplate(
            f"{name}-template",
            **render_launch_template(spec, tags, wiring.get("security_group_id")),
            opts=pulumi.ResourceOptions(parent=self),
        )
        group = aws.eks.NodeGroup(
            logical_name(f"{name}-nodes", EKS_NODE_GROUP_NAME_LENGTH),
            cluster_name=wiring["cluster_name"],
            node_role_arn=wiring["node_role_arn"],
            subnet_ids=wiring["subnet_ids"],
            launch_template={"id": template.id, "version": template.latest_version.apply(str)},
            **render_node_group(spec, name),
            opts=pulumi.ResourceOptions(
                parent=self,
                ignore_changes=["scalingConfig.desiredSize"],
                delete_before_replace=spec.is_bound,  # two cannot draw on one reservation
                custom_timeouts=pulumi.CustomTimeouts(create="60m", update="90m", delete="60m"),
            ),
        )
        self.node_group_name = group.node_group_name
        self.register_outputs({"nodeGroupName": self.node_group_name})


def _require_one_zone(spec: EksPoolSpec, wiring: Mapping[str, Any]) -> None:
    """A reservation lies in one zone: in any other subnet the launch fails.

    Raises:
        ArgsError: several subnets for one reservation.
    """
    subnets = wiring["subnet_ids"]
    if not spec.is_bound or not isinstance(subnets, list | tuple) or len(subnets) == 1:
        return
    finding = Finding.error(
        "RESERVATION_IN_ONE_ZONE",
        "subnet_ids",
        f"a {spec.purchase} lies in one zone, but the pool has {len(subnets)} subnets",
        "give the subnet of its zone alone; with gpu_pool(), name that zone in `zones`",
        value=len(subnets),
    )
    raise ArgsError("EksGpuPool", (finding,))
