"""Chart values of kube-prometheus-stack."""

from collections.abc import Mapping
from typing import Any

from pydantic import Field

from gpuyard.parsing import Spec

CHART_REPOSITORY = "https://prometheus-community.github.io/helm-charts"
CHART = "kube-prometheus-stack"
CHART_VERSION = "88.5.3"
"""Operator v0.93.1, Kubernetes 1.25 and later (2026-11)."""
RELEASE = "monitoring"


class MonitoringSpec(Spec):
    """Settings of monitoring."""

    namespace: str = "monitoring"
    chart_version: str = CHART_VERSION
    retention_days: int = Field(default=15, ge=1, le=365)
    storage_gib: int = Field(default=50, ge=5, le=10_000)
    storage_class: str = ""
    """Empty: the cluster's default."""
    grafana: bool = True
    grafana_admin_secret: str = ""
    """Secret with the keys ``admin-user`` and ``admin-password``. Empty: the chart makes a random one."""
    alertmanager: bool = True
    external_labels: Mapping[str, str] = Field(default_factory=dict)
    """On every series and alert that leaves the cluster, e.g. ``cluster``."""

    @property
    def prometheus_address(self) -> str:
        """Prometheus inside the cluster."""
        return f"http://{RELEASE}-prometheus.{self.namespace}.svc.cluster.local:9090"


def render_values(spec: MonitoringSpec) -> dict[str, Any]:
    """The chart's values: monitors and rules of every namespace, on a disk, without what clouds hide."""
    claim: dict[str, Any] = {
        "accessModes": ["ReadWriteOnce"],
        "resources": {"requests": {"storage": f"{spec.storage_gib}Gi"}},
    }
    if spec.storage_class:
        claim["storageClassName"] = spec.storage_class
    return {
        "fullnameOverride": RELEASE,
        "crds": {"enabled": True},
        "alertmanager": {"enabled": spec.alertmanager},
        "grafana": {
            "enabled": spec.grafana,
            # the chart's own default is a password that everybody knows; empty gives a random one
            "adminPassword": "",
            **({"admin": {"existingSecret": spec.grafana_admin_secret}} if spec.grafana_admin_secret else {}),
            "sidecar": {"dashboards": {"enabled": True, "searchNamespace": "ALL"}},
        },
        "kube-state-metrics": {
            # alerts tell our deployments by these
            "metricLabelsAllowlist": [
                "deployments=[gpuyard.dev/endpoint,gpuyard.dev/runtime]",
                "nodes=[gpuyard.dev/pool]",
            ]
        },
        # managed control planes cannot be scraped
        "kubeControllerManager": {"enabled": False},
        "kubeScheduler": {"enabled": False},
        "kubeEtcd": {"enabled": False},
        "kubeProxy": {"enabled": False},
        "prometheus": {
            "prometheusSpec": {
                "retention": f"{spec.retention_days}d",
                # a full disk stops Prometheus; it drops old blocks at nine tenths instead
                "retentionSize": f"{int(spec.storage_gib * 0.9)}GiB",
                "podMonitorSelectorNilUsesHelmValues": False,
                "serviceMonitorSelectorNilUsesHelmValues": False,
                "ruleSelectorNilUsesHelmValues": False,
                "probeSelectorNilUsesHelmValues": False,
                "scrapeConfigSelectorNilUsesHelmValues": False,
                "externalLabels": dict(spec.external_labels),
                "storageSpec": {"volumeClaimTemplate": {"spec": claim}},
            }
        },
    }
