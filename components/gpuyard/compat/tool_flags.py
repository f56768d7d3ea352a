"""Flags of other tools than engines, which people write down with the engine's."""

from gpuyard.compat.facts import Facts

_OF_STARTERS = frozenset(
    {
        *("--torch-backend", "--index-url", "--extra-index-url", "--index", "--default-index"),
        *("--find-links", "--index-strategy", "--pre", "--prerelease", "--system", "--upgrade"),
        *("--force-reinstall", "--no-deps", "--no-build-isolation", "--no-cache-dir", "--editable"),
        *("--gpus", "--ipc", "--shm-size", "--network", "--net", "--privileged", "--ulimit", "--rm"),
        *("--restart", "--env-file", "--volume", "--publish", "--entrypoint", "--cap-add"),
        *("--security-opt", "--detach", "--group-add", "--add-host"),
    }
)
"""Flags of pip, uv and Docker."""
_OF_CLUSTERS = frozenset(
    {
        *("--accelerator", "--machine-type", "--image-type", "--node-labels", "--node-locations", "--zone"),
        *("--cluster", "--location", "--spot", "--preemptible", "--enable-autoscaling", "--disk-size"),
        *("--disk-type", "--enable-autoprovisioning", "--min-accelerator", "--max-accelerator"),
        *("--cluster-version", "--release-channel", "--ephemeral-storage-local-ssd", "--scopes"),
        *("--nodegroup-name", "--node-type", "--node-ami-family", "--install-nvidia-plugin", "--managed"),
        *("--node-ami", "--instance-types", "--ami-type", "--nodes-min", "--nodes-max"),
        *("--gpu-driver", "--gpu-instance-profile", "--node-vm-size", "--nodepool-name", "--cluster-name"),
        *("--resource-group", "--os-sku", "--skip-gpu-driver-install", "--node-taints", "--driver-type"),
        *("--create-namespace", "--generate-name", "--set", "--set-string", "--set-json", "--values"),
        *("--wait", "--namespace", "--kubeconfig", "--selector", "--dry-run"),
    }
)
"""Flags of gcloud, eksctl, aws, az, helm and kubectl, which make the cluster and not the engine."""
_COUNTS_NODES = frozenset({"--num-nodes", "--nodes", "--node-count", "--min-nodes", "--max-nodes"})
"""The same, where a cloud's cluster is named: an engine's own may be meant elsewhere."""
_CLOUDS = frozenset({"eks", "gke", "aks"})


def is_of_a_tool(facts: Facts, flag: str) -> bool:
    """Whether the flag starts the engine or makes its cluster, and is none of the engine's."""
    return (
        flag in _OF_STARTERS or flag in _OF_CLUSTERS or (flag in _COUNTS_NODES and facts.platform in _CLOUDS)
    )
