"""Kubernetes objects and Helm releases, as the Kubernetes provider 4 returns them."""

from typing import Any

from gpuyard.errors import EngineError
from gpuyard.simulate.ids import hex_id, letters_id, number_id, uuid_id
from gpuyard.simulate.kind import Kind, Outputs, Request

RELEASE = "kubernetes:helm.sh/v3:Release"
CLUSTER_WIDE = frozenset(
    {
        "APIService",
        "CertificateSigningRequest",
        "ClusterQueue",
        "ClusterPolicy",
        "ClusterRole",
        "ClusterRoleBinding",
        "ClusterTrustBundle",
        "ComputeClass",
        "CSIDriver",
        "CSINode",
        "CustomResourceDefinition",
        "DeviceClass",
        "EC2NodeClass",
        "FlowSchema",
        "GatewayClass",
        "IngressClass",
        "MutatingWebhookConfiguration",
        "Namespace",
        "Node",
        "NodeClass",
        "NodePool",
        "PersistentVolume",
        "PriorityClass",
        "PriorityLevelConfiguration",
        "ResourceFlavor",
        "ResourceSlice",
        "RuntimeClass",
        "StorageClass",
        "Topology",
        "ValidatingAdmissionPolicy",
        "ValidatingAdmissionPolicyBinding",
        "ValidatingWebhookConfiguration",
        "VolumeAttachment",
        "WorkloadPriorityClass",
        "ClusterIssuer",
        "ClusterTriggerAuthentication",
    }
)
"""Kinds without a namespace (Kubernetes 1.35 API reference, and the projects whose objects gpuyard meets)."""


def find_kubernetes_kind(type_: str) -> Kind:
    """The rules of a Kubernetes type: one for every object, one for Helm releases.

    Raises:
        EngineError: a component that the provider itself would take apart.
    """
    if type_ == RELEASE:
        return Kind(compute=_release, name="name", unsettled=("status",))
    group = type_.split(":")[1].partition("/")[0]
    if group in ("helm.sh", "yaml", "kustomize"):
        raise EngineError(
            f"{type_} is taken apart by the provider itself, which the simulated one cannot do\n"
            "  fix: use kubernetes.helm.v3.Release for charts, and kubernetes.yaml.ConfigGroup for manifests"
        )
    return Kind(compute=_object)


def api_of(type_: str, inputs: Outputs) -> tuple[str, str]:
    """``apiVersion`` and ``kind`` of an object: its own, or those of its type."""
    _, api, kind = type_.split(":")
    return str(inputs.get("apiVersion") or api.removeprefix("core/")), str(inputs.get("kind") or kind)


def namespace_of(type_: str, inputs: Outputs, settings: Outputs) -> str:
    """The namespace an object goes to; empty for a kind that has none."""
    if type_ == RELEASE:
        return str(inputs.get("namespace") or settings.get("namespace") or "default")
    if api_of(type_, inputs)[1] in CLUSTER_WIDE:
        return ""
    metadata = inputs.get("metadata") or {}
    return str(metadata.get("namespace") or settings.get("namespace") or "default")


def _object(request: Request) -> Outputs:
    api, kind = api_of(request.type, request.inputs)
    metadata = request.inputs.get("metadata") or {}
    name = str(metadata.get("name") or request.name)
    namespace = namespace_of(request.type, request.inputs, request.place.settings)
    before = (request.before or {}).get("metadata") or {}
    made: dict[str, Any] = {
        "id": f"{namespace}/{name}" if namespace else name,
        "apiVersion": api,
        "kind": kind,
        "metadata": {
            "name": name,
            **({"namespace": namespace} if namespace else {}),
            "uid": before.get("uid") or uuid_id(request.seed),
            "creationTimestamp": before.get("creationTimestamp") or request.time,
            "generation": int(before.get("generation") or 0) + 1,
            "resourceVersion": str(int(before.get("resourceVersion") or number_id(request.seed, 5)) + 1),
        },
    }
    more = _MORE.get(f"{api.partition('/')[0] if '/' in api else ''}/{kind}")
    return made | (more(request) if more else {})


def _deployment(request: Request) -> Outputs:
    replicas = int((request.inputs.get("spec") or {}).get("replicas", 1))
    return {
        "status": {
            "replicas": replicas,
            "readyReplicas": replicas,
            "availableReplicas": replicas,
            "updatedReplicas": replicas,
            "observedGeneration": 1,
        }
    }


def _service(request: Request) -> Outputs:
    spec = request.inputs.get("spec") or {}
    number = int(number_id(request.seed, 6))
    address = f"172.20.{number % 254}.{number // 254 % 254 + 1}"
    made: dict[str, Any] = {"spec": {"type": spec.get("type") or "ClusterIP", "sessionAffinity": "None"}}
    if spec.get("type") != "ExternalName":
        made["spec"] |= {
            "clusterIP": spec.get("clusterIP") or address,
            "clusterIPs": [spec.get("clusterIP") or address],
        }
    made["status"] = {"loadBalancer": {}}
    if spec.get("type") == "LoadBalancer":
        name = letters_id(request.seed, 32).lower()
        made["status"] = {"loadBalancer": {"ingress": [{"hostname": f"{name}.lb.example.com"}]}}
    return made


def _claim(request: Request) -> Outputs:
    spec = request.inputs.get("spec") or {}
    capacity = ((spec.get("resources") or {}).get("requests")) or {}
    volume = f"pvc-{uuid_id(request.seed)}"
    status = {"phase": "Bound", "accessModes": spec.get("accessModes") or [], "capacity": capacity}
    return {"spec": {"volumeName": spec.get("volumeName") or volume}, "status": status}


_MORE = {
    "apps/Deployment": _deployment,
    "apps/StatefulSet": _deployment,
    "/Service": _service,
    "/PersistentVolumeClaim": _claim,
    "/Namespace": lambda _: {"spec": {"finalizers": ["kubernetes"]}, "status": {"phase": "Active"}},
    "/Pod": lambda request: {"status": {"phase": "Running", "startTime": request.time}},
    "batch/Job": lambda request: {"status": {"succeeded": 1, "completionTime": request.time}},
    "networking.k8s.io/Ingress": lambda _: {
        "status": {"loadBalancer": {"ingress": [{"hostname": "ingress.example.com"}]}}
    },
}
"""What the API server and the controllers add, by group and kind."""


def _release(request: Request) -> Outputs:
    name = str(request.inputs.get("name") or request.name)
    namespace = namespace_of(RELEASE, request.inputs, request.place.settings)
    revision = int(((request.before or {}).get("status") or {}).get("revision") or 0) + 1
    version = str(request.inputs.get("version") or "0.0.0")
    chart = str(request.inputs.get("chart") or "").rpartition("/")[2]
    return {
        "id": f"{namespace}/{name}",
        "name": name,
        "namespace": namespace,
        "version": version,
        "status": {
            "name": name,
            "namespace": namespace,
            "chart": chart,
            "version": version,
            "appVersion": version,
            "revision": revision,
            "status": "deployed",
        },
        "checksum": hex_id(repr(sorted((request.inputs.get("values") or {}).items(), key=str)), 64),
        "resourceNames": {},
        "manifest": {},
    }
