"""Kubernetes objects of an endpoint, as plain dicts: pure, ordered, complete."""

from typing import Any

from gpuyard.serving.lifecycle import plan_lifecycle, rollout_strategy, single_writer
from gpuyard.serving.pod import ENDPOINT, cache_gib, render_pod
from gpuyard.serving.spec import EndpointSpec

APP = "app.kubernetes.io/name"
SCALE_SIGNALS = (("requests_waiting", "4"), ("kv_cache_used_ratio", "0.8"))
"""Signals and their limit per replica, above which one more is started."""


def labels(spec: EndpointSpec) -> dict[str, str]:
    """Labels of every object of the endpoint."""
    return {
        APP: spec.name,
        "app.kubernetes.io/managed-by": "gpuyard",
        ENDPOINT: spec.name,
        "gpuyard.dev/runtime": spec.engine.name,
    }


def render_deployment(spec: EndpointSpec) -> dict[str, Any]:
    """The Deployment. Its replicas are the minimum; an autoscaler moves them later."""
    times = plan_lifecycle(spec)
    return {
        "metadata": {
            **metadata(spec),
            "annotations": {"pulumi.com/timeoutSeconds": str(times.await_ready)},
        },
        "spec": {
            "replicas": spec.replicas_min,
            "strategy": rollout_strategy(spec),
            "progressDeadlineSeconds": times.await_ready,
            "selector": {"matchLabels": {ENDPOINT: spec.name}},
            "template": {"metadata": {"labels": labels(spec)}, "spec": render_pod(spec, times)},
        },
    }


def render_service(spec: EndpointSpec) -> dict[str, Any]:
    """The Service: port 80 to the engine's own."""
    return {
        "metadata": metadata(spec),
        "spec": {
            "type": spec.service_type,
            "selector": {ENDPOINT: spec.name},
            "ports": [{"name": "http", "port": 80, "targetPort": "http", "protocol": "TCP"}],
        },
    }


def render_disruption_budget(spec: EndpointSpec) -> dict[str, Any]:
    """At most one replica gone at a time by drains of nodes; a single replica may go."""
    return {
        "metadata": metadata(spec),
        "spec": {"maxUnavailable": 1, "selector": {"matchLabels": {ENDPOINT: spec.name}}},
    }


def render_account_metadata(spec: EndpointSpec) -> dict[str, Any]:
    """Metadata of the ServiceAccount; annotations give its pods a cloud identity."""
    if not spec.service_account_annotations:
        return metadata(spec)
    return {**metadata(spec), "annotations": dict(spec.service_account_annotations)}


def render_cache_claim(spec: EndpointSpec) -> dict[str, Any]:
    """The claim of a persistent cache: one node's for a single replica, shared for several."""
    claim: dict[str, Any] = {
        "accessModes": ["ReadWriteOnce" if single_writer(spec) else "ReadWriteMany"],
        "resources": {"requests": {"storage": f"{cache_gib(spec)}Gi"}},
    }
    if spec.cache_storage_class:
        claim["storageClassName"] = spec.cache_storage_class
    return {"metadata": {**metadata(spec), "name": f"{spec.name}-cache"}, "spec": claim}


def render_network_policy(spec: EndpointSpec) -> dict[str, Any]:
    """Only the engine's port is reachable: from the cluster, or from the namespaces that are allowed.

    A LoadBalancer or NodePort opens it to all, since their traffic may keep its outer address.
    """
    rule: dict[str, Any] = {"ports": [{"port": "http", "protocol": "TCP"}]}
    if spec.allowed_namespaces:
        callers = [*spec.allowed_namespaces, *([spec.monitoring_namespace] if spec.pod_monitor else [])]
        named = {"key": "kubernetes.io/metadata.name", "operator": "In", "values": callers}
        rule["from"] = [{"namespaceSelector": {"matchExpressions": [named]}}]
    elif spec.service_type == "ClusterIP":
        rule["from"] = [{"namespaceSelector": {}}]
    return {
        "metadata": metadata(spec),
        "spec": {
            "podSelector": {"matchLabels": {ENDPOINT: spec.name}},
            "policyTypes": ["Ingress"],
            "ingress": [rule],
        },
    }


def render_pod_monitor(spec: EndpointSpec) -> dict[str, Any]:
    """Scrapes every pod, also those that are not ready yet.

    The Prometheus operator fills the label ``endpoint`` with the port's name; here it gets the endpoint's.
    """
    relabel = {
        "sourceLabels": ["__meta_kubernetes_pod_label_gpuyard_dev_endpoint"],
        "targetLabel": "endpoint",
    }
    scrape = {
        "port": "http",
        "path": spec.pod.metrics_path,
        "interval": "15s",
        "relabelings": [relabel],
    }
    return {
        "metadata": metadata(spec),
        "spec": {"selector": {"matchLabels": {ENDPOINT: spec.name}}, "podMetricsEndpoints": [scrape]},
    }


def render_scaled_object(spec: EndpointSpec) -> dict[str, Any]:
    """KEDA: up when requests wait or the cache fills, never down on silence.

    KEDA reads an empty answer as 0 unless `ignoreNullValues` is false; then the fallback holds the
    replicas that run (keda #3065).
    """
    window = max(300, plan_lifecycle(spec).startup)
    return {
        "metadata": metadata(spec),
        "spec": {
            "scaleTargetRef": {"name": spec.name},
            "minReplicaCount": spec.replicas_min,
            "maxReplicaCount": spec.replicas_max,
            "pollingInterval": 15,
            "fallback": {
                "failureThreshold": 3,
                "replicas": spec.replicas_min,
                "behavior": "currentReplicasIfHigher",
            },
            "advanced": {
                "horizontalPodAutoscalerConfig": {
                    "behavior": {
                        "scaleUp": {"stabilizationWindowSeconds": 0},
                        "scaleDown": {"stabilizationWindowSeconds": window},
                    }
                }
            },
            "triggers": [
                _trigger(spec, signal, limit) for signal, limit in SCALE_SIGNALS if _has(spec, signal)
            ],
        },
    }


def _has(spec: EndpointSpec, signal: str) -> bool:
    """Whether the engine reports it; of a custom image that is known for none, so the first is taken."""
    return signal in spec.pod.signals or (not spec.pod.signals and signal == SCALE_SIGNALS[0][0])


def _trigger(spec: EndpointSpec, signal: str, limit: str) -> dict[str, Any]:
    place = f'namespace="{spec.namespace}",endpoint="{spec.name}"'
    return {
        "type": "prometheus",
        "metadata": {
            "serverAddress": spec.prometheus_address,
            "query": f"sum(gpuyard:{signal}{{{place}}})",
            "threshold": limit,
            "ignoreNullValues": "false",
        },
    }


def metadata(spec: EndpointSpec) -> dict[str, Any]:
    """Name, namespace and labels of every object of the endpoint."""
    return {"name": spec.name, "namespace": spec.namespace, "labels": labels(spec)}
