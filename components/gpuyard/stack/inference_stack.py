"""InferenceStack: clusters, GPU pools and software, monitoring, endpoints and report of one deployment."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any, NotRequired, TypedDict

import pulumi
import pulumi_kubernetes as kubernetes

from gpuyard.engine.collection import Collection
from gpuyard.errors import Finding, FindingsError, Severity, SpecError, has_errors
from gpuyard.inputs import ArgsError
from gpuyard.monitoring.monitoring import Monitoring
from gpuyard.serving.endpoint import ModelEndpoint
from gpuyard.stack import wiring
from gpuyard.stack.plan import ClusterPlan, EndpointPlan, StackPlan
from gpuyard.stack.reading import read_stack
from gpuyard.stack.stack_report import StackReport


class InferenceStackArgs(TypedDict):
    """What is needed, and where it was found."""

    deployment: dict[str, Any]
    """What the stack needs and where it may run: the keys of docs/reference/deployment.md."""
    lock: NotRequired[dict[str, Any]]
    """Contents of ``capacity.<stack>.lock.yaml``. Needed unless the deployment names an existing cluster."""
    directory: NotRequired[str]
    """Where relative paths of the deployment start. Default the working directory."""
    hugging_face_token: NotRequired[pulumi.Input[str]]
    """Token for gated models; becomes the Secrets that the endpoints name. Default: those exist already."""
    report_directory: NotRequired[str]
    """Where report.json, report.md and report.html are written. Default nowhere."""


@pulumi.type_token("gpuyard:index:InferenceStack")
class InferenceStack(pulumi.ComponentResource):
    """Everything that serves the deployment's models, on the active rungs of its lock.

    Errors among the findings stop it before the first resource; warnings are logged.
    """

    endpoints: pulumi.Output[dict[str, str]]
    """Base URL inside the cluster, by endpoint."""
    clusters: pulumi.Output[dict[str, str]]
    """Name of the cluster in its cloud, by cluster of the plan."""
    kubeconfigs: pulumi.Output[dict[str, str]]
    """kubeconfig by cluster of the plan, for clusters that are made here. Holds no credential."""
    report: pulumi.Output[dict[str, Any]]
    """Money, time and risk in a few numbers; `StackReport` has the whole."""

    def __init__(
        self, name: str, args: InferenceStackArgs, opts: pulumi.ResourceOptions | None = None
    ) -> None:
        plan, findings = _read(name, args)
        if has_errors(findings):
            raise FindingsError(findings)
        seen = pulumi.ResourceOptions(transformations=[Collection().remember])  # for the report
        super().__init__("gpuyard:index:InferenceStack", name, {}, pulumi.ResourceOptions.merge(opts, seen))
        self._name, self._plan = name, plan
        self._token = args.get("hugging_face_token")
        for finding in findings:
            if finding.severity is Severity.WARNING:
                pulumi.log.warn(finding.render(), self)
        report = StackReport(
            f"{name}-report",
            {
                "name": name,
                "deployment": args["deployment"],
                "lock": args.get("lock") or {},
                "directory": args.get("directory", ""),
                "output_directory": args.get("report_directory", ""),
            },
            pulumi.ResourceOptions(parent=self),
        )
        made = {cluster.name: self._cluster(cluster) for cluster in plan.clusters}
        served: dict[str, pulumi.Output[str]] = {}
        for cluster in plan.clusters:
            served |= self._serve(cluster, made[cluster.name])
        self.endpoints = pulumi.Output.all(**dict(sorted(served.items())))
        self.clusters = pulumi.Output.all(**{key: item.cluster_name for key, item in made.items()})
        self.kubeconfigs = pulumi.Output.all(
            **{key: item.kubeconfig for key, item in made.items() if hasattr(item, "kubeconfig")}
        )
        self.report = report.summary
        self.register_outputs(
            {
                "endpoints": self.endpoints,
                "clusters": self.clusters,
                "kubeconfigs": self.kubeconfigs,
                "report": self.report,
            }
        )

    def _cluster(self, cluster: ClusterPlan) -> Any:
        """The cluster's component; each cloud's SDK is loaded only for clusters of its own."""
        args: Any = wiring.cluster_args(self._plan, cluster)
        options = pulumi.ResourceOptions(parent=self)
        if cluster.cloud == "aws":
            from gpuyard.aws.cluster import EksGpuCluster  # noqa: PLC0415

            return EksGpuCluster(cluster.name, args, options)
        if cluster.cloud == "gcp":
            from gpuyard.gcp.cluster import GkeGpuCluster  # noqa: PLC0415

            return GkeGpuCluster(cluster.name, args, options)
        from gpuyard.kubernetes.existing import ExistingCluster  # noqa: PLC0415

        return ExistingCluster(cluster.name, args, options)

    def _serve(self, cluster: ClusterPlan, made: Any) -> dict[str, pulumi.Output[str]]:
        """Pools, GPU software, monitoring and endpoints of one cluster; the endpoints' addresses."""
        plan, inside = self._plan, pulumi.ResourceOptions(parent=self, providers=[made.kubernetes_provider])
        pools = {
            pool.name: made.gpu_pool(f"{cluster.name}-{pool.name}", wiring.pool_args(plan, pool))
            for pool in plan.pools
            if pool.cluster == cluster.name
        }
        before: list[pulumi.Resource] = []
        if plan.deployment.monitoring.enabled:
            args: Any = wiring.monitoring_args(plan, cluster, made.storage_class)
            before.append(Monitoring(f"{cluster.name}-monitoring", args, inside))
        before += self._software(cluster, made, pulumi.ResourceOptions.merge(inside, _after(before)))
        before += self._spaces(cluster, inside)
        return {
            placed.endpoint.name: self._endpoint(
                placed,
                pulumi.ResourceOptions.merge(inside, _after([*before, *_of(pools, placed.pool)])),
            )
            for placed in plan.endpoints
            if placed.cluster == cluster.name
        }

    def _spaces(self, cluster: ClusterPlan, opts: pulumi.ResourceOptions) -> list[pulumi.Resource]:
        """Namespaces of the endpoints, and the token where it was given."""
        made: dict[str, pulumi.Resource] = {
            space: kubernetes.core.v1.Namespace(
                f"{cluster.name}-{space}", metadata={"name": space}, opts=opts
            )
            for space in wiring.namespaces(self._plan, cluster)
        }
        if self._token is None:
            return list(made.values())
        token = pulumi.Output.secret(self._token)
        secrets: list[pulumi.Resource] = [
            kubernetes.core.v1.Secret(
                f"{cluster.name}-{space}-{secret}",
                metadata={"name": secret, "namespace": space},
                string_data={"token": token},
                opts=pulumi.ResourceOptions.merge(opts, _after([made[space]])),
            )
            for space, secret in wiring.token_secrets(self._plan, cluster)
        ]
        return [*made.values(), *secrets]

    def _software(
        self, cluster: ClusterPlan, made: Any, opts: pulumi.ResourceOptions
    ) -> list[pulumi.Resource]:
        """The GPU Operator where there are GPUs, KEDA where replicas move, an autoscaler where nodes do."""
        plan, software = self._plan, list[pulumi.Resource]()
        args: Any
        if wiring.has_gpus(plan, cluster):
            from gpuyard.gpu_operator.operator import GpuOperator  # noqa: PLC0415

            args = wiring.operator_args(plan, cluster)
            software.append(GpuOperator(f"{cluster.name}-gpu", args, opts))
        if any(wiring.scales(plan, item) for item in _on(plan, cluster)):
            from gpuyard.autoscaling.keda import Keda  # noqa: PLC0415

            software.append(Keda(f"{cluster.name}-keda", {"service_monitor": True}, opts))
        if wiring.nodes_move(plan, cluster):
            from gpuyard.aws.autoscaler import ClusterAutoscaler  # noqa: PLC0415

            args = wiring.autoscaler_args(plan, cluster) | {"cluster_name": made.cluster_name}
            both = pulumi.ResourceOptions(providers=[made.aws_provider])
            software.append(
                ClusterAutoscaler(
                    f"{cluster.name}-autoscaler", args, pulumi.ResourceOptions.merge(opts, both)
                )
            )
        return software

    def _endpoint(self, placed: EndpointPlan, opts: pulumi.ResourceOptions) -> pulumi.Output[str]:
        args: Any = wiring.endpoint_args(self._plan, placed)
        return ModelEndpoint(f"{self._name}-{placed.endpoint.name}", args, opts).address


def _read(name: str, args: InferenceStackArgs) -> tuple[StackPlan, tuple[Finding, ...]]:
    known = InferenceStackArgs.__annotations__
    unknown = sorted(set(args) - set(known))
    if unknown:
        raise ArgsError("InferenceStack", tuple(_unknown(key, known) for key in unknown))
    try:
        return read_stack(
            pulumi.get_stack(),
            args.get("deployment"),
            args.get("lock"),
            Path(args.get("directory") or "."),
            name=name,
        )
    except SpecError as error:
        raise ArgsError("InferenceStack", error.findings) from None


def _unknown(key: str, known: Mapping[str, Any]) -> Finding:
    return Finding.error("UNKNOWN_KEY", key, f'there is no argument "{key}"', "known: " + ", ".join(known))


def _after(resources: list[pulumi.Resource]) -> pulumi.ResourceOptions:
    return pulumi.ResourceOptions(depends_on=resources)


def _of(pools: Mapping[str, pulumi.Resource], name: str) -> list[pulumi.Resource]:
    return [pools[name]] if name else []


def _on(plan: StackPlan, cluster: ClusterPlan) -> list[EndpointPlan]:
    return [item for item in plan.endpoints if item.cluster == cluster.name]
