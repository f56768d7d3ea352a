"""The launch template and node group of a GPU pool, as plain data.

Rules from EKS and EC2 documentation and upstream modules (read 2026-11, `docs/explanation/pools.md`):
capacity blocks name the instance type in the template and not in the group; EFA card 0 takes device 0,
every other card device 1; the placement group is the reservation's own or none.
"""

from typing import Any

from gpuyard.aws.spec import EksPoolSpec, EksPurchase

CAPACITY_TYPE = {
    EksPurchase.ON_DEMAND: "ON_DEMAND",
    EksPurchase.RESERVATION: "ON_DEMAND",
    EksPurchase.SPOT: "SPOT",
    EksPurchase.CAPACITY_BLOCK: "CAPACITY_BLOCK",
}
GPU_TAINT = {"key": "nvidia.com/gpu", "value": "present", "effect": "NO_SCHEDULE"}


def ami_type(spec: EksPoolSpec) -> str:
    """The EKS AMI type with driver and container toolkit inside."""
    arm = spec.machine.arch == "arm64"
    if spec.bottlerocket:
        return "BOTTLEROCKET_ARM_64_NVIDIA" if arm else "BOTTLEROCKET_x86_64_NVIDIA"
    return "AL2023_ARM_64_NVIDIA" if arm else "AL2023_x86_64_NVIDIA"


def render_launch_template(spec: EksPoolSpec, tags: dict[str, str]) -> dict[str, Any]:
    """Arguments of `aws.ec2.LaunchTemplate`."""
    template: dict[str, Any] = {
        "block_device_mappings": [
            {
                "device_name": "/dev/xvdb" if spec.bottlerocket else "/dev/xvda",
                "ebs": {
                    "volume_type": "gp3",
                    "volume_size": spec.disk_gib,
                    "throughput": spec.disk_throughput,
                    "iops": max(3000, spec.disk_throughput * 4),
                    "encrypted": "true",
                    "delete_on_termination": "true",
                },
            }
        ],
        # pods reach the metadata service through one more hop
        "metadata_options": {"http_tokens": "required", "http_put_response_hop_limit": 2},
        "tag_specifications": [{"resource_type": kind, "tags": tags} for kind in ("instance", "volume")],
    }
    if spec.purchase in (EksPurchase.RESERVATION, EksPurchase.CAPACITY_BLOCK):
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
        template["network_interfaces"] = [_interface(card) for card in range(spec.machine.efa_interfaces)]
    return template


def render_node_group(spec: EksPoolSpec, name: str) -> dict[str, Any]:
    """Arguments of `aws.eks.NodeGroup`, without its wiring."""
    group: dict[str, Any] = {
        "ami_type": ami_type(spec),
        "capacity_type": CAPACITY_TYPE[spec.purchase],
        "scaling_config": {
            "min_size": spec.nodes_min,
            "max_size": spec.nodes_max,
            "desired_size": spec.desired,
        },
        "labels": {
            "gpuyard.dev/pool": name,
            "gpuyard.dev/accelerator": spec.machine.gpu or "none",
            **spec.labels,
        },
        "taints": [GPU_TAINT],
        "update_config": {"max_unavailable": 1},
        "node_repair_config": {"enabled": True},
    }
    if spec.purchase is not EksPurchase.CAPACITY_BLOCK:
        group["instance_types"] = [spec.machine_type]
    return group


def _interface(card: int) -> dict[str, Any]:
    return {
        "network_card_index": card,
        "device_index": 0 if card == 0 else 1,
        "interface_type": "efa" if card == 0 else "efa-only",
        "delete_on_termination": "true",
    }
