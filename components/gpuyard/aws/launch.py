"""The launch template and node group of a GPU pool, as plain data.

Rules from EKS and EC2 documentation and upstream modules (read 2026-11):
capacity blocks name the instance type in the template and not in the group; EFA card 0 takes device 0,
every other card device 1; the placement group is the reservation's own or none.
"""

from typing import Any

from gpuyard.aws.node_image import gpu_ami_type, render_user_data
from gpuyard.aws.spec import EksPoolSpec, EksPurchase
from gpuyard.kubernetes.labels import GPU_TAINT, node_labels

CAPACITY_TYPE = {
    EksPurchase.ON_DEMAND: "ON_DEMAND",
    EksPurchase.RESERVATION: "ON_DEMAND",
    EksPurchase.SPOT: "SPOT",
    EksPurchase.CAPACITY_BLOCK: "CAPACITY_BLOCK",
}
IOPS_FREE = 3000
"""Input and output operations per second that a gp3 volume has without a charge."""


def render_launch_template(
    spec: EksPoolSpec, tags: dict[str, str], security_group: Any = None
) -> dict[str, Any]:
    """Arguments of `aws.ec2.LaunchTemplate`.

    ``security_group`` goes on every EFA interface: a template that lists interfaces replaces those that EKS
    would make, group included.
    """
    template: dict[str, Any] = {
        "block_device_mappings": [_disk(spec)],
        # pods reach the metadata service through one more hop
        "metadata_options": {"http_tokens": "required", "http_put_response_hop_limit": 2},
        "tag_specifications": [{"resource_type": kind, "tags": tags} for kind in ("instance", "volume")],
    }
    user_data = render_user_data(spec)
    if user_data:
        template["user_data"] = user_data
    if spec.is_bound:
        template["capacity_reservation_specification"] = {
            "capacity_reservation_preference": "capacity-reservations-only",
            "capacity_reservation_target": {"capacity_reservation_id": spec.reservation_id},
        }
    if spec.purchase is EksPurchase.CAPACITY_BLOCK:
        template["instance_type"] = spec.machine_type
        template["instance_market_options"] = {"market_type": "capacity-block"}
    if spec.placement_group:
        template["placement"] = {"group_name": spec.placement_group}
    if spec.efa:
        cards = range(spec.machine.efa_interfaces)
        template["network_interfaces"] = [_interface(card, security_group) for card in cards]
    return template


AUTOSCALER_GPU_LABEL = "k8s.amazonaws.com/accelerator"
"""kubernetes/autoscaler, cloudprovider/aws (read 2026-08)."""


def render_node_group(spec: EksPoolSpec, name: str) -> dict[str, Any]:
    """Arguments of `aws.eks.NodeGroup`, without its wiring."""
    group: dict[str, Any] = {
        "ami_type": gpu_ami_type(spec),
        "capacity_type": CAPACITY_TYPE[spec.purchase],
        "scaling_config": {
            "min_size": spec.nodes_min,
            "max_size": spec.nodes_max,
            "desired_size": spec.desired,
        },
        "labels": {
            # by it the cluster autoscaler knows that a node without GPUs yet is not ready
            AUTOSCALER_GPU_LABEL: spec.machine.gpu or "none",
            **node_labels(name, spec.machine.gpu, spec.labels),
        },
        "taints": [GPU_TAINT],
        # MINIMAL takes a node down before it asks for the next: there may be no spare GPU to ask for
        "update_config": {"max_unavailable": 1, "update_strategy": "MINIMAL"},
        "node_repair_config": {"enabled": True},
    }
    if spec.purchase is not EksPurchase.CAPACITY_BLOCK:
        group["instance_types"] = [spec.machine_type]
    if spec.kubernetes_version:
        group["version"] = spec.kubernetes_version
    if spec.image_release:
        group["release_version"] = spec.image_release
    return group


def _disk(spec: EksPoolSpec) -> dict[str, Any]:
    """The disk with the container images: Bottlerocket keeps the system on another."""
    return {
        "device_name": "/dev/xvdb" if spec.bottlerocket else "/dev/xvda",
        "ebs": {
            "volume_type": "gp3",
            "volume_size": spec.root_disk_gib,
            "throughput": spec.disk_throughput,
            "iops": max(
                IOPS_FREE, spec.disk_throughput * 4
            ),  # a gp3 volume moves 0.25 MB at most per operation
            "encrypted": "true",
            "delete_on_termination": "true",
        },
    }


def _interface(card: int, security_group: Any) -> dict[str, Any]:
    interface = {
        "network_card_index": card,
        "device_index": 0 if card == 0 else 1,
        "interface_type": "efa" if card == 0 else "efa-only",
        "delete_on_termination": "true",
    }
    return interface | ({"security_groups": [security_group]} if security_group is not None else {})
