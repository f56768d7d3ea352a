"""EksGpuPool: one managed node group for one rung of the ladder."""

from typing import NotRequired, TypedDict

import pulumi
import pulumi_aws as aws

from gpuyard.aws.launch import render_launch_template, render_node_group
from gpuyard.aws.spec import EksPoolSpec, EksPurchase
from gpuyard.inputs import parse_inputs, split_wiring

_WIRING = frozenset({"cluster_name", "node_role_arn", "subnet_ids"})


class EksGpuPoolArgs(TypedDict):
    """What to buy, how many, and the cluster to join."""

    cluster_name: pulumi.Input[str]
    """Name of the EKS cluster."""
    node_role_arn: pulumi.Input[str]
    """IAM role of the nodes."""
    subnet_ids: list[pulumi.Input[str]]
    """Subnets of the zones that sell the machine type; a reservation's zone alone."""
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
    """Root disk: image (about 30 GiB unpacked) and node-local weights. Default 200."""
    disk_throughput: NotRequired[int]
    """MB/s of the root disk. Default 500."""
    labels: NotRequired[dict[str, str]]
    """Extra node labels."""
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
        super().__init__("gpuyard:index:EksGpuPool", name, {}, opts)
        template = aws.ec2.LaunchTemplate(
            f"{name}-template",
            **render_launch_template(spec, {"Name": name, "gpuyard:pool": name}),
            opts=pulumi.ResourceOptions(parent=self),
        )
        group = aws.eks.NodeGroup(
            f"{name}-nodes",
            cluster_name=wiring["cluster_name"],
            node_role_arn=wiring["node_role_arn"],
            subnet_ids=wiring["subnet_ids"],
            launch_template={"id": template.id, "version": template.latest_version.apply(str)},
            **render_node_group(spec, name),
            opts=pulumi.ResourceOptions(
                parent=self,
                ignore_changes=["scalingConfig.desiredSize"],
                delete_before_replace=spec.purchase in (EksPurchase.RESERVATION, EksPurchase.CAPACITY_BLOCK),
                custom_timeouts=pulumi.CustomTimeouts(create="60m", update="90m", delete="60m"),
            ),
        )
        self.node_group_name = group.node_group_name
        self.register_outputs({"nodeGroupName": self.node_group_name})
