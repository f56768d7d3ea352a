"""How long until tokens flow: phases from published facts, three starting points, gates apart.

Each phase rests on one row of ``catalog/data/lead_times.yaml``. Where our image or model has another size
than the one that was timed, the time goes with the bytes and its basis says ``derived``.
"""

from gpuyard.leadtime.facts import published, scaled, unknown
from gpuyard.leadtime.gates import find_gates
from gpuyard.leadtime.graph import SEED, make_journey
from gpuyard.leadtime.lead_time import LeadTime, Phase
from gpuyard.leadtime.path import ServingPath

_LARGE_MODEL = 30e9
"""Parameters from which the tensor-parallel measurement fits better than the one of an 8B model."""


def estimate(path: ServingPath, seed: int = SEED) -> LeadTime:
    """The lead time of ``path``: equal paths give equal numbers."""
    cluster, node, pod = _cluster(path), _node(path), _pod(path)
    warm = [phase for phase in pod if phase.name != "image pull"]
    return LeadTime(
        gates=find_gates(path),
        empty_account=make_journey("empty_account", [*cluster, *node, *pod], seed),
        zero_to_one=make_journey("zero_to_one", [*node, *pod], seed),
        one_more_replica=make_journey("one_more_replica", warm, seed),
    )


def _cluster(path: ServingPath) -> list[Phase]:
    """Network, control plane and add-ons; nothing where a cluster exists."""
    if path.cluster_exists or path.platform not in ("eks", "gke"):
        return []
    if path.platform == "eks":
        plane = published("network and control plane", "eks_cluster_create", "21 regions")
    else:
        plane = published("network and control plane", "gke_cluster_create", "A3/A4")
    phases = [plane]
    if path.has_monitoring:
        phases.append(
            unknown("monitoring", plane.name, note="beside the node's start: tokens do not wait for it")
        )
    return phases


def _node(path: ServingPath) -> list[Phase]:
    """From a pending pod to a node whose GPUs can be scheduled."""
    if path.platform == "kubernetes" or not path.machine_type:
        return []
    start = "network and control plane"
    if path.platform == "gke":
        if path.driver_by == "none":
            return [unknown("node boot", start)]
        if path.driver_by == "cloud":
            return [
                published(
                    "node boot and driver",
                    "gke_gpu_node_scaleup",
                    "DaemonSet driver build",
                    start,
                    note="2020; today's preloaded driver is quicker",
                )
            ]
        return [
            unknown("node boot", start, note="no source times a GKE node without the driver's installation"),
            _driver(path, "node boot"),
        ]
    boot = published("node boot", "ec2_launch_to_node_ready", "same run", start, note="one run")
    return [boot] if path.driver_by == "none" else [boot, _driver(path, boot.name)]


def _driver(path: ServingPath, after: str) -> Phase:
    if path.driver_by == "operator":
        return published("driver", "gpu_driver_install", "GPU Operator installs driver", after)
    return published("driver", "node_ready_to_gpu_schedulable", "GPU Operator registers", after)


def _pod(path: ServingPath) -> list[Phase]:
    """From a scheduled pod to the first token."""
    last = "node boot and driver" if path.platform == "gke" and path.driver_by == "cloud" else "driver"
    after = ("node boot", last)
    return [_image(path, *after), _weights(path), _engine(path)]


def _image(path: ServingPath, *after: str) -> Phase:
    if not path.image_bytes:
        return unknown("image pull", *after, note="the size of the image is not known")
    return scaled(
        "image pull",
        "image_pull",
        "ray-llm 11.6 GB",
        *after,
        size=path.image_bytes,
        measured_gb=11.6,
        note="the largest layer sets the floor",
    )


def _weights(path: ServingPath) -> Phase:
    name, after = "weights", "image pull"
    if not path.weights_bytes:
        return unknown(name, after, note="the size of the weights is not known")
    size = path.weights_bytes
    if path.weights_source == "s3":
        return scaled(name, "weights_load", "15 GiB from S3", after, size=size, measured_gb=15 * 1.073741824)
    if path.weights_source == "pvc":
        note = "a gp3 volume of 1 GB/s"
        return scaled(
            name, "weights_load", "gp3 1 GB/s, HF safetensors", after, size=size, measured_gb=15, note=note
        )
    if path.weights_source == "gs":
        note = "no source times a read from Cloud Storage by size; tuned, one start took 180 s"
        return unknown(name, after, note=note)
    note = "download of the same bytes into the cluster, then the load; hub speed varies"
    return scaled(
        name, "weights_stage", "HF -> local 15 GiB", after, size=size, measured_gb=15 * 1.073741824, note=note
    )


def _engine(path: ServingPath) -> Phase:
    name, after = "engine start and warm-up", "weights"
    if path.runtime not in ("vllm", ""):
        return unknown(name, after, note=f"no published start time of {path.runtime}")
    if path.machine_type == "" and path.driver_by == "none":
        return unknown(name, after, note="no published start time on CPU")
    if path.tensor_parallel > 1 or (path.parameters or 0) >= _LARGE_MODEL:
        return published(name, "vllm_engine_init", "Llama-70B-FP8 TP8", after)
    return published(name, "vllm_engine_init", "~8B on L40S", after)
