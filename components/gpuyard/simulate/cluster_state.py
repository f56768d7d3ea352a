"""What a simulated Kubernetes cluster refuses: objects in namespaces, or of kinds, that are not there yet.

Only clusters that this simulation made are judged: what an existing one holds is not known. A group whose
custom resource definitions come from a chart that is not listed here is let through.
"""

from collections.abc import Iterable, Mapping
from typing import Any

from gpuyard.simulate.kubernetes_kinds import RELEASE, api_of, namespace_of

CHART_GROUPS: Mapping[str, tuple[str, ...]] = {
    "kube-prometheus-stack": ("monitoring.coreos.com",),
    "prometheus-operator-crds": ("monitoring.coreos.com",),
    "keda": ("keda.sh", "eventing.keda.sh"),
    "gpu-operator": ("nvidia.com", "nfd.k8s-sigs.io"),
    "nvidia-dra-driver-gpu": ("resource.nvidia.com",),
    "karpenter": ("karpenter.sh", "karpenter.k8s.aws"),
    "karpenter-crd": ("karpenter.sh", "karpenter.k8s.aws"),
    "kueue": ("kueue.x-k8s.io",),
    "jobset": ("jobset.x-k8s.io",),
    "lws": ("leaderworkerset.x-k8s.io",),
    "kuberay-operator": ("ray.io",),
    "cert-manager": ("cert-manager.io", "acme.cert-manager.io"),
    "external-secrets": ("external-secrets.io", "generators.external-secrets.io"),
    "gateway-helm": ("gateway.envoyproxy.io", "gateway.networking.k8s.io"),
    "gateway-crds-helm": ("gateway.envoyproxy.io", "gateway.networking.k8s.io"),
    "opentelemetry-operator": ("opentelemetry.io",),
}
"""API groups by the chart that installs their definitions (the charts' own crds folders, 2026-11)."""
_ALWAYS_THERE = frozenset({"default", "kube-system", "kube-public", "kube-node-lease"})
_MANAGED_PREFIXES = ("gke-", "gmp-", "amazon-")
"""Namespaces that the managed control planes make themselves."""


def missing_in_cluster(
    type_: str,
    inputs: Mapping[str, Any],
    settings: Mapping[str, Any],
    objects: Iterable[tuple[str, Mapping[str, Any]]],
) -> str:
    """What the API server says when something an object needs is not in its cluster; empty: all is there.

    ``objects`` are type and properties of what the cluster holds.
    """
    held = list(objects)
    releases = [properties for held_type, properties in held if held_type == RELEASE]
    namespace = namespace_of(type_, inputs, settings)
    if (
        namespace
        and not (type_ == RELEASE and inputs.get("createNamespace"))
        and namespace not in _ALWAYS_THERE
        and not namespace.startswith(_MANAGED_PREFIXES)
        and not any(_makes_namespace(held_type, properties, namespace) for held_type, properties in held)
    ):
        return f'namespaces "{namespace}" not found'
    if type_ == RELEASE:
        return ""
    api, kind = api_of(type_, inputs)
    group = api.partition("/")[0] if "/" in api else ""
    charts = [chart for chart, groups in CHART_GROUPS.items() if group in groups]
    if not charts or _serves(held, releases, group, charts):
        return ""
    return f'no matches for kind "{kind}" in version "{api}": ensure CRDs are installed first'


def _makes_namespace(type_: str, properties: Mapping[str, Any], namespace: str) -> bool:
    if type_ == RELEASE:
        return bool(properties.get("createNamespace")) and properties.get("namespace") == namespace
    return type_ == "kubernetes:core/v1:Namespace" and properties["metadata"]["name"] == namespace


def _serves(
    held: list[tuple[str, Mapping[str, Any]]],
    releases: list[Mapping[str, Any]],
    group: str,
    charts: list[str],
) -> bool:
    installed = {str(release.get("chart") or "").rpartition("/")[2] for release in releases}
    if installed & set(charts) or installed - set(CHART_GROUPS):
        return True  # one of the right charts, or one of which nobody knows what it brings
    return any(
        type_.endswith(":CustomResourceDefinition") and (properties.get("spec") or {}).get("group") == group
        for type_, properties in held
    )
