"""The phases of a way to serving, stage by stage, each on one row of ``catalog/data/lead_times.yaml``.

Where our image or model has another size than the one that was timed, the time goes with the bytes and its
basis says ``derived``. What nobody has timed is unknown by name, never left out.
"""

from collections.abc import Sequence

from gpuyard.leadtime.facts import find_fact, published, scaled, unknown
from gpuyard.leadtime.lead_time import Phase
from gpuyard.leadtime.names import (
    ADD_ONS,
    CERTIFICATE,
    CONTROL_PLANE,
    DETECTION,
    DRAIN,
    DRIVER,
    ENGINE_START,
    IMAGE_PULL,
    LOAD_BALANCER,
    NAT,
    NETWORK,
    NODE_BOOT,
    NODE_REQUEST,
    OTHER_REPLICAS,
    SYSTEM_NODES,
    WEIGHTS,
)
from gpuyard.leadtime.path import ServingPath

_LARGE_MODEL = 30e9
"""Parameters from which the tensor-parallel measurement fits better than the one of an 8B model."""
_GIB_15 = 15 * 1.073741824
"""15 GiB in GB: what the S3 and hub measurements moved."""


def cluster_phases(path: ServingPath) -> list[Phase]:
    """Network, control plane, first nodes and add-ons; nothing where a cluster exists."""
    if path.cluster_exists or path.platform not in ("eks", "gke"):
        return []
    if path.platform == "eks":
        network = published(NETWORK, "aws_network_create", "VPC and subnets")
        nat = published(NAT, "aws_nat_gateway_create", "public NAT", NETWORK)
        plane = published(CONTROL_PLANE, "eks_control_plane_create", "control plane alone", NETWORK)
        system = published(SYSTEM_NODES, "eks_managed_node_group_create", "CPU machines", CONTROL_PLANE, NAT)
    else:
        network = unknown(NETWORK, note="no source times it; seconds to a minute in every log seen")
        nat = unknown(NAT, NETWORK, note="no source times Cloud NAT")
        note = "Google's recipes of GPU clusters say 20 to 30 min, node pools included"
        plane = published(CONTROL_PLANE, "gke_control_plane_create", "alone", NETWORK, note=note)
        system = published(SYSTEM_NODES, "gke_node_pool_create", "CPU node pool", CONTROL_PLANE, NAT)
    note = "timed on EKS" if path.platform == "gke" else ""
    if path.has_monitoring:
        note = "; ".join(text for text in (note, "monitoring among them: tokens do not wait for it") if text)
    add_ons = published(ADD_ONS, "cluster_addons", "ArgoCD", SYSTEM_NODES, note=note)
    return [network, nat, plane, system, add_ons]


def node_phases(path: ServingPath, after: Sequence[str] = (), *, is_first: bool = False) -> list[Phase]:
    """From a pending pod to a node whose GPUs can be scheduled.

    ``is_first``: the pool is created, with its first node; otherwise it exists and grows.
    """
    if path.platform == "kubernetes" or not path.machine_type:
        return []
    build = _gke_node if path.platform == "gke" else _eks_node
    return build(path, tuple(after), is_first=is_first)


def _eks_node(path: ServingPath, after: tuple[str, ...], *, is_first: bool) -> list[Phase]:
    slow = "large machines boot more slowly than those that were timed"
    if is_first:
        nodes = [published(NODE_BOOT, "eks_managed_node_group_create", "CPU machines", *after, note=slow)]
    else:
        request = published(NODE_REQUEST, "karpenter_nodeclaim", "GPU pod pending", *after)
        boot = published(NODE_BOOT, "ec2_launch_to_node_ready", "same run", NODE_REQUEST, note=slow)
        nodes = [request, boot]
    return nodes if path.driver_by == "none" else [*nodes, _driver(path)]


def _gke_node(path: ServingPath, after: tuple[str, ...], *, is_first: bool) -> list[Phase]:
    if path.driver_by == "cloud":
        note = "driver included; of 2020, today's preloaded driver is quicker"
        boot = published(NODE_BOOT, "gke_gpu_node_scaleup", "DaemonSet driver build", *after, note=note)
        return [boot]
    if is_first:
        boot = published(NODE_BOOT, "gke_node_pool_create", "CPU node pool", *after)
    else:
        note = "no source times a GKE node without the driver's installation"
        boot = unknown(NODE_BOOT, *after, note=note)
    return [boot] if path.driver_by == "none" else [boot, _driver(path)]


def _driver(path: ServingPath) -> Phase:
    """GPUs become schedulable once the driver is there and the device plugin, an add-on, has seen them."""
    if path.driver_by == "operator":
        return published(DRIVER, "gpu_driver_install", "GPU Operator installs driver", NODE_BOOT, ADD_ONS)
    return published(DRIVER, "node_ready_to_gpu_schedulable", "GPU Operator registers", NODE_BOOT, ADD_ONS)


def pod_phases(path: ServingPath, after: Sequence[str] = ()) -> list[Phase]:
    """From a scheduled pod to the first token. An image that is on the node is no phase."""
    ready = (NODE_BOOT, DRIVER, *after)
    image = [] if path.image_preloaded else [_image(path, ready)]
    return [*image, _weights(path, ready), _engine(path)]


def _image(path: ServingPath, after: tuple[str, ...]) -> Phase:
    if not path.image_bytes:
        return unknown(IMAGE_PULL, *after, note="the size of the image is not known")
    if path.image_pull == "soci":
        note = "a single large layer undoes the gain"
        return scaled(
            IMAGE_PULL,
            "image_pull",
            "SOCI parallel pull AL2023",
            *after,
            size=path.image_bytes,
            measured_gb=9,
            note=note,
        )
    return scaled(
        IMAGE_PULL,
        "image_pull",
        "ray-llm 11.6 GB",
        *after,
        size=path.image_bytes,
        measured_gb=11.6,
        note="the largest layer sets the floor",
    )


def _weights(path: ServingPath, ready: tuple[str, ...]) -> Phase:
    after = ready if path.image_preloaded else (IMAGE_PULL,)
    if not path.weights_bytes:
        return unknown(WEIGHTS, *after, note="the size of the weights is not known")
    size = path.weights_bytes
    if path.weights_source == "s3":
        return scaled(WEIGHTS, "weights_load", "15 GiB from S3", *after, size=size, measured_gb=_GIB_15)
    if path.weights_source == "pvc":
        condition = "gp3, Run:ai streamer" if path.weights_streamed else "gp3 1 GB/s, HF safetensors"
        note = "a gp3 volume of 1 GB/s" + (", streamed" if path.weights_streamed else "")
        return scaled(WEIGHTS, "weights_load", condition, *after, size=size, measured_gb=15, note=note)
    if path.weights_source == "gs":
        note = "no source times a read from Cloud Storage by size; tuned, one start took 180 s"
        return unknown(WEIGHTS, *after, note=note)
    note = "download of the same bytes into the cluster, then the load; hub speed varies"
    return scaled(
        WEIGHTS, "weights_stage", "HF -> local 15 GiB", *after, size=size, measured_gb=_GIB_15, note=note
    )


def _engine(path: ServingPath) -> Phase:
    if path.runtime not in ("vllm", ""):
        return unknown(ENGINE_START, WEIGHTS, note=f"no published start time of {path.runtime}")
    if path.machine_type == "" and path.driver_by == "none":
        return unknown(ENGINE_START, WEIGHTS, note="no published start time on CPU")
    is_large = path.tensor_parallel > 1 or (path.parameters or 0) >= _LARGE_MODEL
    if path.compile_cache:
        condition, saved = ("Llama-70B-FP8 TP8", 70.0) if is_large else ("~8B on L40S", 19.4)
        return _cached_engine(condition, saved)
    condition = "Llama-70B-FP8 TP8" if is_large else "~8B on L40S"
    return published(ENGINE_START, "vllm_engine_init", condition, WEIGHTS)


def _cached_engine(condition: str, compile_s: float) -> Phase:
    """The start without the compilation that the same source times apart."""
    fact = find_fact("vllm_engine_init", condition)
    if fact is None or fact.p50_s is None:
        return unknown(ENGINE_START, WEIGHTS)
    return Phase(
        name=ENGINE_START,
        depends_on=(WEIGHTS,),
        p50_s=fact.p50_s - compile_s,
        p90_s=None,
        basis="derived",
        source=fact.source,
        as_of=fact.as_of,
        note=f"{fact.p50_s:g} s less {compile_s:g} s of compilation ({fact.condition})",
    )


def front_phases(path: ServingPath) -> list[Phase]:
    """Load balancer and certificate, beside the machines, where the endpoint has them."""
    phases = []
    if path.is_exposed:
        if path.cloud == "aws":
            phases.append(published(LOAD_BALANCER, "load_balancer_create", "AWS application", ADD_ONS))
        else:
            phases.append(unknown(LOAD_BALANCER, ADD_ONS, note="no source times it"))
    if path.has_certificate:
        note = "timed with ACM" if path.cloud != "aws" else ""
        after = LOAD_BALANCER if path.is_exposed else ADD_ONS
        phases.append(published(CERTIFICATE, "certificate_validation", "through DNS", after, note=note))
    return phases


def detection_phase(path: ServingPath) -> Phase:
    """How long a lost node goes unnoticed; a spot notice comes first and makes it shorter."""
    note = "a reclaimed spot node gives notice first" if path.purchase == "spot" else ""
    return published(DETECTION, "node_loss_detection", "without notice", note=note)


def drain_phase(path: ServingPath) -> Phase:
    """A replica's end: at most what the pod is given."""
    return Phase(
        name=DRAIN,
        p50_s=float(path.drain_seconds),
        p90_s=float(path.drain_seconds),
        basis="configured",
        source="preStop sleep and drain time of the endpoint",
        as_of="",
        note="at most: replicas without requests stop sooner",
    )


def other_replicas_phase(phases: Sequence[Phase], replicas: int) -> Phase:
    """The replicas after the first, one by one: what the first took, without the image, once each."""
    again = [phase for phase in phases if phase.name != IMAGE_PULL]
    p50 = sum(phase.p50_s or 0.0 for phase in again)
    p90 = sum(phase.p90_s or (phase.p50_s or 0.0) for phase in again)
    return Phase(
        name=OTHER_REPLICAS,
        depends_on=(phases[-1].name,),
        p50_s=p50 * (replicas - 1),
        p90_s=p90 * (replicas - 1) if p90 > p50 else None,
        basis="derived",
        source="the phases above",
        as_of=max((phase.as_of for phase in again), default=""),
        note=f"{replicas - 1} more, one by one, the image on the node",
    )
