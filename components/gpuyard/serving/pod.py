"""The pod of an endpoint, as a plain dict: container, probes, volumes, secrets by reference."""

from math import ceil
from typing import Any

from gpuyard.kubernetes.node_disk import CACHE_BESIDE_GIB, CACHE_PER_WEIGHT
from gpuyard.runtimes.runtime import CACHE
from gpuyard.serving.lifecycle import PROBE_PERIOD, Lifecycle
from gpuyard.serving.spec import EndpointSpec, WeightsSource

ENDPOINT = "gpuyard.dev/endpoint"
"""Label of every pod, and what everything selects by."""
GPU_TOLERATION = {"key": "nvidia.com/gpu", "operator": "Exists", "effect": "NoSchedule"}


def render_pod(spec: EndpointSpec, times: Lifecycle) -> dict[str, Any]:
    """The pod template's spec."""
    pod: dict[str, Any] = {
        "serviceAccountName": spec.name,
        "automountServiceAccountToken": False,
        "enableServiceLinks": False,  # injected <NAME>_PORT variables confuse servers
        "terminationGracePeriodSeconds": times.grace,
        "containers": [_container(spec, times)],
        "volumes": _volumes(spec),
    }
    if spec.node_selector:
        pod["nodeSelector"] = dict(spec.node_selector)
    tolerations = [GPU_TOLERATION] if spec.gpus else []
    tolerations += [dict(toleration) for toleration in spec.tolerations]
    if tolerations:
        pod["tolerations"] = tolerations
    if spec.replicas_max > 1:
        pod["topologySpreadConstraints"] = [
            _spread(spec, "topology.kubernetes.io/zone"),
            _spread(spec, "kubernetes.io/hostname"),
        ]
    return pod


def _spread(spec: EndpointSpec, key: str) -> dict[str, Any]:
    """Replicas apart where there is room; never a reason to wait."""
    return {
        "maxSkew": 1,
        "topologyKey": key,
        "whenUnsatisfiable": "ScheduleAnyway",
        "labelSelector": {"matchLabels": {ENDPOINT: spec.name}},
    }


def _volumes(spec: EndpointSpec) -> list[dict[str, Any]]:
    cache: dict[str, Any] = {"emptyDir": {"sizeLimit": f"{cache_gib(spec)}Gi"}}
    if spec.cache_persistent:
        cache = {"persistentVolumeClaim": {"claimName": f"{spec.name}-cache"}}
    volumes: list[dict[str, Any]] = [
        {"name": "shm", "emptyDir": {"medium": "Memory", "sizeLimit": f"{spec.pod.shm_gib}Gi"}},
        {"name": "cache", **cache},
    ]
    if spec.weights_claim:
        claim = {"claimName": spec.weights_claim, "readOnly": True}
        volumes.append({"name": "weights", "persistentVolumeClaim": claim})
    return volumes


def _container(spec: EndpointSpec, times: Lifecycle) -> dict[str, Any]:
    pod = spec.pod
    container: dict[str, Any] = {
        "name": "engine",
        "image": pod.image,
        "command": list(pod.command),
        "args": list(pod.args),
        "env": _environment(spec),
        "ports": [{"name": "http", "containerPort": pod.port, "protocol": "TCP"}],
        "resources": _resources(spec),
        "startupProbe": _probe(pod.startup_path, PROBE_PERIOD, times.startup_failures),
        "readinessProbe": _probe(pod.ready_path, 5, 3),
        "livenessProbe": _probe(pod.live_path, PROBE_PERIOD, 10),
        "lifecycle": {"preStop": {"sleep": {"seconds": times.prestop}}},
        "securityContext": {
            "allowPrivilegeEscalation": False,
            "capabilities": {"drop": ["ALL"]},
            "seccompProfile": {"type": "RuntimeDefault"},
        },
        "volumeMounts": _mounts(spec),
    }
    return {key: value for key, value in container.items() if value or key == "env"}


def _mounts(spec: EndpointSpec) -> list[dict[str, Any]]:
    mounts: list[dict[str, Any]] = [
        {"name": "shm", "mountPath": "/dev/shm"},  # noqa: S108 (shared memory of NCCL, not a temporary file)
        {"name": "cache", "mountPath": CACHE},
    ]
    if spec.weights_claim:
        mounts.append({"name": "weights", "mountPath": "/weights", "readOnly": True})
    return mounts


def _environment(spec: EndpointSpec) -> list[dict[str, Any]]:
    """Secrets first: Kubernetes expands ``$(NAME)`` in flags whatever the order, people read from the top."""
    secrets = {"HF_TOKEN": (spec.hugging_face_secret, "token")}
    if spec.engine.api_key_env:
        secrets[spec.engine.api_key_env] = (spec.api_key_secret, "api-key")
    variables: list[dict[str, Any]] = [
        {"name": name, "valueFrom": {"secretKeyRef": {"name": secret, "key": key}}}
        for name, (secret, key) in secrets.items()
        if secret
    ]
    given = {variable["name"] for variable in variables}
    plain = {key: value for key, value in spec.pod.env.items() if key not in given}
    return variables + [{"name": key, "value": value} for key, value in plain.items()]


def _resources(spec: EndpointSpec) -> dict[str, Any]:
    requests = {"cpu": spec.cpu or str(3 * spec.gpus or 2), "memory": f"{_memory_gib(spec)}Gi"}
    if not spec.gpus:
        return {"requests": requests}
    requests["nvidia.com/gpu"] = str(spec.gpus)
    return {"requests": requests, "limits": {"nvidia.com/gpu": str(spec.gpus)}}


def _memory_gib(spec: EndpointSpec) -> int:
    """On CPU the weights live there, with caches beside them; on GPUs they pass through pages that can go.

    The smallest GPU machines have 4 vCPUs and 16 GiB, and must hold an 8B model.
    """
    if spec.memory_gib:
        return spec.memory_gib
    return max(8, ceil(spec.weights_gib * 0.6) if spec.gpus else ceil(spec.weights_gib * 1.25) + 6)


def _probe(path: str, period: int, failures: int) -> dict[str, Any]:
    return {
        "httpGet": {"path": path, "port": "http"},
        "periodSeconds": period,
        "timeoutSeconds": 5,
        "failureThreshold": failures,
    }


def cache_gib(spec: EndpointSpec) -> int:
    """Weights with a third to spare, unless they lie elsewhere, and 20 GiB for compiled code."""
    if spec.cache_gib:
        return spec.cache_gib
    held = spec.weights_gib if spec.weights_source is WeightsSource.HUGGING_FACE else 0
    return ceil(held * CACHE_PER_WEIGHT) + CACHE_BESIDE_GIB
