"""GkeGpuPool: one node pool for one rung of the ladder."""

from typing import NotRequired, TypedDict

import pulumi
import pulumi_gcp as gcp

from gpuyard.gcp.nodes import render_node_pool
from gpuyard.gcp.spec import GkePoolSpec
from gpuyard.inputs import parse_inputs, split_wiring

_WIRING = frozenset({"cluster_name", "location", "service_account"})


class GkeGpuPoolArgs(TypedDict):
    """What to buy, how many, and the cluster to join."""

    cluster_name: pulumi.Input[str]
    """Name of the GKE cluster."""
    location: str
    """Region of the cluster."""
    service_account: pulumi.Input[str]
    """Email of the nodes' service account."""
    machine_type: str
    """Machine type with GPUs, e.g. ``g2-standard-8``."""
    purchase: NotRequired[str]
    """``on_demand``, ``spot``, ``reservation``, ``flex_start`` or ``queued``. Default on_demand."""
    nodes_min: NotRequired[int]
    """Nodes kept when idle, over all zones. Default 0."""
    nodes_max: int
    """Most nodes, over all zones."""
    zones: NotRequired[list[str]]
    """Zones that sell the machine type. Default the cluster's zones, which may not all sell it."""
    reservation: NotRequired[str]
    """Name of the specific reservation to use."""
    compact: NotRequired[bool]
    """Place nodes close together; needs exactly one zone. Default off."""
    best_effort_min: NotRequired[int]
    """The pool counts as made with this many nodes; the rest fill in later. Default all or nothing."""
    driver: NotRequired[str]
    """``DEFAULT``, ``LATEST``, or ``INSTALLATION_DISABLED`` when the GPU Operator installs it. Default DEFAULT."""
    disk_gib: NotRequired[int]
    """Boot disk: image (about 30 GiB unpacked) and node-local weights. Default 200."""
    labels: NotRequired[dict[str, str]]
    """Extra node labels."""


@pulumi.type_token("gpuyard:index:GkeGpuPool")
class GkeGpuPool(pulumi.ComponentResource):
    """A node pool of GPU machines; Google installs the driver unless told otherwise.

    Nodes carry the taint ``nvidia.com/gpu`` and the labels ``gpuyard-pool`` and ``gpuyard-accelerator``.
    """

    node_pool_name: pulumi.Output[str]
    """Name of the node pool."""

    def __init__(self, name: str, args: GkeGpuPoolArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        plain, wiring = split_wiring(args, _WIRING)
        spec = parse_inputs("GkeGpuPool", GkePoolSpec, plain)
        super().__init__("gpuyard:index:GkeGpuPool", name, {}, opts)
        rendered = render_node_pool(spec, name)
        rendered["node_config"]["service_account"] = wiring["service_account"]
        pool = gcp.container.NodePool(
            f"{name}-nodes",
            cluster=wiring["cluster_name"],
            location=wiring["location"],
            **rendered,
            opts=pulumi.ResourceOptions(
                parent=self,
                ignore_changes=["initialNodeCount"],
                custom_timeouts=pulumi.CustomTimeouts(create="60m", update="90m", delete="60m"),
            ),
        )
        self.node_pool_name = pool.name
        self.register_outputs({"nodePoolName": self.node_pool_name})
