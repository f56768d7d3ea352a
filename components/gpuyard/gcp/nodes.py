"""The node pool of a GPU rung on GKE, as plain data.

Rules: GKE preconditions that cluster-toolkit enforces (read 2026-11): queued and flex-start start from zero,
take no reservation and are not repaired, spot takes no reservation. A cluster on a release channel, as ours
is, refuses pools without auto-upgrade.
"""

from typing import Any

from gpuyard.gcp.labels import to_labels
from gpuyard.gcp.spec import FLEX_START_SECONDS, GkePoolSpec, GkePurchase, GpuDriver
from gpuyard.kubernetes.labels import GPU_TAINT, node_labels
from gpuyard.names import fit

HYPERDISK_FAMILIES = ("a3-ultra", "a4", "g4")
"""Starts of machine types that boot from Hyperdisk only: A3 Ultra, A4, A4X, G4."""


def gke_accelerator(spec: GkePoolSpec) -> str:
    """The accelerator's name at GKE, e.g. ``nvidia-l4``."""
    return spec.machine.accelerator_label.rpartition("=")[2]


def disk_type(spec: GkePoolSpec) -> str:
    """The boot disk that the family takes."""
    if spec.machine_type.startswith(HYPERDISK_FAMILIES):
        return "hyperdisk-balanced"
    return "pd-balanced" if spec.machine.family.startswith(("n1", "g2")) else "pd-ssd"


def render_node_pool(spec: GkePoolSpec, name: str) -> dict[str, Any]:
    """Arguments of `gcp.container.NodePool`, without its wiring."""
    pool: dict[str, Any] = {
        "autoscaling": {
            "total_min_node_count": spec.nodes_min,
            "total_max_node_count": spec.nodes_max,
            "location_policy": "ANY",
        },
        "initial_node_count": _initial(spec),
        "management": {"auto_repair": not spec.waits_in_queue, "auto_upgrade": True},
        "node_config": _node_config(spec, name),
    }
    if not spec.waits_in_queue:  # GKE upgrades those in a way of its own, by letting nodes end
        # no surge: there may be no spare GPU to surge into
        pool["upgrade_settings"] = {"strategy": "SURGE", "max_surge": 0, "max_unavailable": 1}
    if spec.zones:
        pool["node_locations"] = list(spec.zones)
    if spec.purchase is GkePurchase.QUEUED:
        pool["queued_provisioning"] = {"enabled": True}
    if spec.compact:
        pool["placement_policy"] = {"type": "COMPACT"}
    if spec.best_effort_min:
        pool["best_effort_provisioning"] = {"enabled": True, "min_provision_nodes": spec.best_effort_min}
    return pool


def _initial(spec: GkePoolSpec) -> int:
    """Nodes per zone at creation, never more than the minimum in all.

    What does not divide by the zones is left to the autoscaler, which comes with the first pending pod and
    takes whichever zone has machines; unknown zones count as more than the minimum.
    """
    return spec.nodes_min // len(spec.zones) if spec.zones else 0


def _node_config(spec: GkePoolSpec, name: str) -> dict[str, Any]:
    labels = node_labels(name, spec.machine.gpu, spec.labels)
    if spec.driver is GpuDriver.INSTALLATION_DISABLED:
        labels["gke-no-default-nvidia-gpu-device-plugin"] = "true"
    config: dict[str, Any] = {
        "machine_type": spec.machine_type,
        "disk_type": disk_type(spec),
        "disk_size_gb": spec.boot_disk_gib,
        "image_type": "COS_CONTAINERD",
        "gvnic": {"enabled": True},
        "oauth_scopes": ["https://www.googleapis.com/auth/cloud-platform"],
        "shielded_instance_config": {"enable_secure_boot": True, "enable_integrity_monitoring": True},
        "workload_metadata_config": {"mode": "GKE_METADATA"},
        "labels": labels,
        "resource_labels": {**to_labels(spec.tags), "gpuyard-pool": fit(name)},
        "taints": [GPU_TAINT],
        "guest_accelerators": [
            {
                "type": gke_accelerator(spec),
                "count": int(spec.machine.gpu_count),
                "gpu_driver_installation_config": {"gpu_driver_version": str(spec.driver)},
            }
        ],
        "reservation_affinity": {"consume_reservation_type": "NO_RESERVATION"},
    }
    if spec.purchase is GkePurchase.SPOT:
        config["spot"] = True
    if spec.purchase is GkePurchase.FLEX_START:
        config |= {"flex_start": True, "max_run_duration": f"{FLEX_START_SECONDS}s"}
    if spec.purchase is GkePurchase.RESERVATION:
        config["reservation_affinity"] = {
            "consume_reservation_type": "SPECIFIC_RESERVATION",
            "key": "compute.googleapis.com/reservation-name",
            "values": [spec.reservation],
        }
    return config
