"""Keda: the autoscaler that endpoints with a replica range rely on."""

from typing import Any, NotRequired, TypedDict

import pulumi
import pulumi_kubernetes as kubernetes

from gpuyard.inputs import parse_inputs
from gpuyard.kubernetes.wiring import passed_dependencies
from gpuyard.parsing import Spec

CHART_REPOSITORY = "https://kedacore.github.io/charts"
CHART_VERSION = "2.20.2"


class KedaSpec(Spec):
    """The parsed arguments."""

    namespace: str = "keda"
    chart_version: str = CHART_VERSION
    service_monitor: bool = False


class KedaArgs(TypedDict):
    """Where it goes."""

    namespace: NotRequired[str]
    """Created by the chart. Default ``keda``."""
    chart_version: NotRequired[str]
    """Default 2.20.2."""
    service_monitor: NotRequired[bool]
    """Scrape KEDA itself, so that the alert on empty answers works; needs the Prometheus operator's CRDs
    first. Default off."""


@pulumi.type_token("gpuyard:index:Keda")
class Keda(pulumi.ComponentResource):
    """KEDA's Helm release. Give the cluster's provider through ``opts.providers``."""

    namespace: pulumi.Output[str]
    """Namespace of KEDA."""

    def __init__(self, name: str, args: KedaArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        spec = parse_inputs("Keda", KedaSpec, args)
        super().__init__("gpuyard:index:Keda", name, {}, opts)
        release = kubernetes.helm.v3.Release(
            f"{name}-release",
            name="keda",
            chart="keda",
            version=spec.chart_version,
            namespace=spec.namespace,
            create_namespace=True,
            repository_opts={"repo": CHART_REPOSITORY},
            values=_values(scraped=spec.service_monitor),
            timeout=600,
            opts=pulumi.ResourceOptions(
                parent=self,
                depends_on=passed_dependencies(opts),
                custom_timeouts=pulumi.CustomTimeouts(create="15m", update="15m"),
            ),
        )
        self.namespace = release.namespace.apply(lambda found: found or spec.namespace)
        self.register_outputs({"namespace": self.namespace})


def _values(*, scraped: bool) -> dict[str, Any]:
    return {"prometheus": {"operator": {"enabled": scraped, "serviceMonitor": {"enabled": scraped}}}}
