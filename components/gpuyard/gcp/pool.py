"""GkeGpuPool: one node pool for one rung of the ladder."""

from typing import Any, NotRequired, TypedDict

import pulumi
import pulumi_gcp as gcp

from gpuyard.catalog.purchases import purchase_limit
from gpuyard.errors import Finding
from gpuyard.gcp.nodes import render_node_pool
from gpuyard.gcp.spec import GkePoolSpec
from gpuyard.inputs import ArgsError, parse_inputs, split_wiring
from gpuyard.kubernetes.naming import logical_name
from gpuyard.kubernetes.wiring import require_wiring
from gpuyard.names import GKE_NODE_POOL_NAME_LENGTH

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
    """Specific reservation to use; ``projects/P/reservations/NAME`` when another project shares it."""
    compact: NotRequired[bool]
    """Place nodes close together; needs exactly one zone. Default off."""
    best_effort_min: NotRequired[int]
    """The pool counts as made with this many nodes; the rest fill in later. Default all or nothing."""
    driver: NotRequired[str]
    """``DEFAULT``, ``LATEST``, or ``INSTALLATION_DISABLED`` for the GPU Operator's. Default DEFAULT."""
    disk_gib: NotRequired[int]
    """Boot disk. Default what two images and the weights need, at least 200."""
    image_gib: NotRequired[float]
    """Size of the unpacked container image, to size the boot disk. Default 30."""
    weights_gib: NotRequired[float]
    """Size of the model's weights, to size the boot disk. Default 0."""
    labels: NotRequired[dict[str, str]]
    """Extra node labels."""
    tags: NotRequired[dict[str, str]]
    """On the machines, as labels of Google Cloud."""


@pulumi.type_token("gpuyard:index:GkeGpuPool")
class GkeGpuPool(pulumi.ComponentResource):
    """A node pool of GPU machines; Google installs the driver unless told otherwise.

    Nodes carry the taint ``nvidia.com/gpu`` and the labels ``gpuyard.dev/pool`` and
    ``gpuyard.dev/accelerator``.
    """

    node_pool_name: pulumi.Output[str]
    """Name of the node pool."""

    def __init__(self, name: str, args: GkeGpuPoolArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        plain, wiring = split_wiring(args, _WIRING)
        spec = parse_inputs("GkeGpuPool", GkePoolSpec, plain)
        require_wiring("GkeGpuPool", wiring, sorted(_WIRING))
        _require_region(spec, wiring["location"])
        super().__init__("gpuyard:index:GkeGpuPool", name, {}, opts)
        limit = purchase_limit("gcp", spec.machine_type, str(spec.purchase))
        if limit:
            pulumi.log.warn(f"{limit.reason} ({limit.source}, {limit.as_of})", self)
        rendered = render_node_pool(spec, name)
        rendered["node_config"]["service_account"] = wiring["service_account"]
        pool = gcp.container.NodePool(
            logical_name(f"{name}-nodes", GKE_NODE_POOL_NAME_LENGTH),
            cluster=wiring["cluster_name"],
            location=wiring["location"],
            **rendered,
            opts=pulumi.ResourceOptions(
                parent=self,
                ignore_changes=["initialNodeCount"],
                delete_before_replace=bool(spec.reservation),  # two cannot draw on one reservation
                custom_timeouts=pulumi.CustomTimeouts(create="60m", update="90m", delete="60m"),
            ),
        )
        self.node_pool_name = pool.name
        self.register_outputs({"nodePoolName": self.node_pool_name})


def _require_region(spec: GkePoolSpec, location: Any) -> None:
    """Nodes lie in the region of their cluster.

    Raises:
        ArgsError: a zone of another region.
    """
    elsewhere = [zone for zone in spec.zones if zone.rpartition("-")[0] != location]
    if not elsewhere or not isinstance(location, str):
        return
    finding = Finding.error(
        "ZONE_NOT_IN_CLUSTER",
        "zones",
        f"{', '.join(elsewhere)}: not in {location}, the region of the cluster",
        f"use zones such as {location}-a, or a cluster in the other region",
        value=elsewhere[0],
    )
    raise ArgsError("GkeGpuPool", (finding,))
