"""Labels and taint of GPU nodes, the same on every platform that gpuyard makes pools on."""

from collections.abc import Mapping

POOL_LABEL = "gpuyard.dev/pool"
"""The pool's name; ``system`` on CPU nodes."""
ACCELERATOR_LABEL = "gpuyard.dev/accelerator"
"""The catalog's id of the GPU."""
SYSTEM_POOL = "system"
GPU_TAINT = {"key": "nvidia.com/gpu", "value": "present", "effect": "NO_SCHEDULE"}
"""What GKE puts on GPU nodes by itself; EKS nodes get the same. Effect in the clouds' spelling."""


def node_labels(pool: str, accelerator: str | None, extra: Mapping[str, str]) -> dict[str, str]:
    """Labels of a GPU node."""
    return {POOL_LABEL: pool, ACCELERATOR_LABEL: accelerator or "none", **extra}
