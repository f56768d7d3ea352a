"""ExistingCluster: a cluster that somebody else made, reached by a kubeconfig context."""

from collections.abc import Mapping
from typing import Any, NotRequired, TypedDict

import pulumi
import pulumi_kubernetes as kubernetes

from gpuyard.errors import Finding, Severity, SpecError
from gpuyard.inputs import ArgsError, parse_inputs
from gpuyard.kubernetes.kubeconfig import check_context
from gpuyard.kubernetes.spec import ExistingClusterSpec


class ExistingClusterArgs(TypedDict):
    """How to reach the cluster."""

    context: str
    """Name of the kubeconfig context."""
    kubeconfig: NotRequired[str]
    """Path of the kubeconfig file, never its contents. Default ``$KUBECONFIG``, else ``~/.kube/config``."""
    storage_class: NotRequired[str]
    """StorageClass for volumes. Default the cluster's own default."""


@pulumi.type_token("gpuyard:index:ExistingCluster")
class ExistingCluster(pulumi.ComponentResource):
    """A Kubernetes provider for one context; creates nothing in the cluster itself."""

    cluster_name: pulumi.Output[str]
    """The context's name."""

    def __init__(
        self, name: str, args: ExistingClusterArgs, opts: pulumi.ResourceOptions | None = None
    ) -> None:
        spec = parse_inputs("ExistingCluster", ExistingClusterSpec, args)
        doubts = _require_context(spec)
        self.platform, self.region, self.context = "kubernetes", "", spec.context
        self.zones: tuple[str, ...] = ()
        self.storage_class = spec.storage_class
        super().__init__("gpuyard:index:ExistingCluster", name, {}, opts)
        for doubt in doubts:
            pulumi.log.warn(f"{doubt.message}\n  fix: {doubt.fix}", self)
        self.kubernetes_provider = kubernetes.Provider(
            f"{name}-k8s",
            context=spec.context,
            kubeconfig=spec.kubeconfig or None,  # None: the provider looks where kubectl looks
            enable_server_side_apply=True,
            opts=pulumi.ResourceOptions(parent=self),
        )
        self.cluster_name = pulumi.Output.from_input(spec.context)
        self.register_outputs({"clusterName": self.cluster_name})

    def gpu_pool(
        self,
        name: str,
        args: Mapping[str, Any],
        opts: pulumi.ResourceOptions | None = None,  # noqa: ARG002 (the contract's)
    ) -> pulumi.Resource:
        """Refused: nodes of an existing cluster are its owner's.

        Raises:
            SpecError: always.
        """
        raise SpecError(
            [
                Finding.error(
                    "POOL_ON_EXISTING_CLUSTER",
                    name,
                    f'the cluster "{self.context}" exists already; gpuyard adds no nodes to it',
                    "add nodes where the cluster is managed, or use EksGpuCluster or GkeGpuCluster",
                    value=args.get("machine_type"),
                )
            ]
        )


def _require_context(spec: ExistingClusterSpec) -> list[Finding]:
    """Doubts that a preview may live with; a deployment may not.

    Raises:
        ArgsError: the context cannot be used.
    """
    findings = check_context(spec.context, spec.kubeconfig)
    fatal = [item for item in findings if item.severity is Severity.ERROR or not pulumi.runtime.is_dry_run()]
    if fatal:
        raise ArgsError("ExistingCluster", tuple(findings))
    return findings
