"""Monitoring: Prometheus, its CRDs first, then rules and a dashboard on normalised names."""

from typing import NotRequired, TypedDict

import pulumi
import pulumi_kubernetes as kubernetes

from gpuyard.inputs import parse_inputs
from gpuyard.kubernetes.wiring import passed_dependencies
from gpuyard.monitoring.dashboard import render_dashboard
from gpuyard.monitoring.rules import render_groups
from gpuyard.monitoring.values import CHART, CHART_REPOSITORY, RELEASE, MonitoringSpec, render_values


class MonitoringArgs(TypedDict):
    """Where it goes and how much it keeps."""

    namespace: NotRequired[str]
    """Created here. Default ``monitoring``."""
    chart_version: NotRequired[str]
    """Version of kube-prometheus-stack. Default the one that was tested."""
    retention_days: NotRequired[int]
    """Default 15."""
    storage_gib: NotRequired[int]
    """Disk of Prometheus. Default 50."""
    storage_class: NotRequired[str]
    """Default the cluster's own."""
    grafana: NotRequired[bool]
    """Grafana with the dashboard. Default on."""
    grafana_admin_secret: NotRequired[str]
    """Name of a Secret with the keys ``admin-user`` and ``admin-password``. Default a random password."""
    alertmanager: NotRequired[bool]
    """Alertmanager, which sends nothing until it gets receivers. Default on."""
    external_labels: NotRequired[dict[str, str]]
    """On every series and alert that leaves the cluster, e.g. ``cluster``. Default none."""


@pulumi.type_token("gpuyard:index:Monitoring")
class Monitoring(pulumi.ComponentResource):
    """kube-prometheus-stack with gpuyard's recording rules, alerts and dashboard.

    Give the cluster's provider through ``opts.providers``. Objects that need its CRDs depend on this.
    """

    prometheus_address: pulumi.Output[str]
    """Prometheus inside the cluster."""

    def __init__(self, name: str, args: MonitoringArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        spec = parse_inputs("Monitoring", MonitoringSpec, args)
        super().__init__("gpuyard:index:Monitoring", name, {}, opts)
        namespace = kubernetes.core.v1.Namespace(
            f"{name}-namespace",
            metadata={"name": spec.namespace},
            opts=pulumi.ResourceOptions(parent=self, depends_on=passed_dependencies(opts)),
        )
        release = kubernetes.helm.v3.Release(
            f"{name}-release",
            name=RELEASE,
            chart=CHART,
            version=spec.chart_version,
            namespace=spec.namespace,
            repository_opts={"repo": CHART_REPOSITORY},
            values=render_values(spec),
            timeout=900,
            opts=pulumi.ResourceOptions(
                parent=self,
                depends_on=[namespace],
                custom_timeouts=pulumi.CustomTimeouts(create="20m", update="20m", delete="20m"),
            ),
        )
        after = pulumi.ResourceOptions(parent=self, depends_on=[release])
        kubernetes.apiextensions.CustomResource(
            f"{name}-rules",
            api_version="monitoring.coreos.com/v1",
            kind="PrometheusRule",
            metadata={"name": "gpuyard", "namespace": spec.namespace},
            spec={"groups": render_groups()},
            opts=after,
        )
        if spec.grafana:
            kubernetes.core.v1.ConfigMap(
                f"{name}-dashboard",
                metadata={
                    "name": "gpuyard-dashboard",
                    "namespace": spec.namespace,
                    "labels": {"grafana_dashboard": "1"},  # its sidecar looks for this
                },
                data={"gpuyard.json": render_dashboard()},
                opts=after,
            )
        self.prometheus_address = release.id.apply(lambda _: spec.prometheus_address)
        self.register_outputs({"prometheusAddress": self.prometheus_address})
