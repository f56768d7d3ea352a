"""GpuOperator: the NVIDIA GPU Operator, set for the nodes that it meets."""

from typing import Any, NotRequired, TypedDict

import pulumi
import pulumi_kubernetes as kubernetes

from gpuyard.gpu_operator.exporter import render_metrics_csv
from gpuyard.gpu_operator.spec import CHART, CHART_REPOSITORY, EXPORTER_CONFIG, GpuOperatorSpec
from gpuyard.gpu_operator.values import render_quota, render_values
from gpuyard.inputs import parse_inputs
from gpuyard.kubernetes.wiring import passed_dependencies


class GpuOperatorArgs(TypedDict):
    """The nodes it meets, and what it should own."""

    platform: str
    """``eks``, ``gke`` or ``kubernetes``."""
    node_image: str
    """``al2023_nvidia``, ``bottlerocket_nvidia``, ``cos``, ``ubuntu`` or ``preinstalled``: decides who owns
    driver, toolkit and device plugin."""
    kubernetes_version: NotRequired[str]
    """Picks the newest chart that supports it. Default 1.35."""
    namespace: NotRequired[str]
    """Created here. Default ``gpu-operator``."""
    chart_version: NotRequired[str]
    """Any chart version. Default by kubernetes_version."""
    driver_version: NotRequired[str]
    """Used on Ubuntu only. Default the chart's newest of the 580 LTS branch."""
    driver_enabled: NotRequired[bool]
    """Install the driver. Default as the node image needs it."""
    toolkit_enabled: NotRequired[bool]
    """Install the container toolkit. Default as the node image needs it."""
    device_plugin_enabled: NotRequired[bool]
    """Advertise the GPUs. Default as the node image needs it."""
    mig_strategy: NotRequired[str]
    """``none``, ``single`` or ``mixed``. Default single."""
    sharing: NotRequired[str]
    """``none``, ``time_slicing`` or ``mps``. Default none."""
    sharing_replicas: NotRequired[int]
    """Pods that share one GPU. Default 1."""
    service_monitor: NotRequired[bool]
    """Scrape the exporter; needs the Prometheus operator's CRDs first. Default off."""


@pulumi.type_token("gpuyard:index:GpuOperator")
class GpuOperator(pulumi.ComponentResource):
    """Namespace, exporter metrics and the operator's Helm release; automatic driver upgrades stay off.

    Give the cluster's provider through ``opts.providers``.
    """

    namespace: pulumi.Output[str]
    """Namespace of the operator."""
    chart_version: pulumi.Output[str]
    """Installed chart version."""

    def __init__(self, name: str, args: GpuOperatorArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        spec = parse_inputs("GpuOperator", GpuOperatorSpec, args)
        super().__init__("gpuyard:index:GpuOperator", name, {}, opts)
        waits = passed_dependencies(opts)
        child = pulumi.ResourceOptions(parent=self, depends_on=waits)
        namespace = kubernetes.core.v1.Namespace(
            f"{name}-namespace",
            metadata={
                "name": spec.namespace,
                # its pods reach into the host
                "labels": {"pod-security.kubernetes.io/enforce": "privileged"},
            },
            opts=child,
        )
        before: list[Any] = [
            *waits,
            kubernetes.core.v1.ConfigMap(
                f"{name}-metrics",
                metadata={"name": EXPORTER_CONFIG, "namespace": spec.namespace},
                data={"dcgm-metrics.csv": render_metrics_csv()},
                opts=pulumi.ResourceOptions(parent=self, depends_on=[namespace]),
            ),
        ]
        if spec.platform == "gke":
            before.append(
                kubernetes.core.v1.ResourceQuota(
                    f"{name}-critical-pods",
                    **render_quota(spec),
                    opts=pulumi.ResourceOptions(parent=self, depends_on=[namespace]),
                )
            )
        release = kubernetes.helm.v3.Release(
            f"{name}-release",
            name="gpu-operator",
            chart=CHART,
            version=spec.chart,
            namespace=spec.namespace,
            repository_opts={"repo": CHART_REPOSITORY},
            values=render_values(spec),
            timeout=900,
            opts=pulumi.ResourceOptions(
                parent=self,
                depends_on=before,
                custom_timeouts=pulumi.CustomTimeouts(create="20m", update="20m", delete="20m"),
            ),
        )
        self.namespace = namespace.metadata.apply(lambda _: spec.namespace)
        self.chart_version = release.version.apply(lambda version: version or spec.chart)
        self.register_outputs({"namespace": self.namespace, "chartVersion": self.chart_version})
