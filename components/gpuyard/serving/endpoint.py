"""ModelEndpoint: one model served by one runtime, on any cluster."""

from typing import Any, NotRequired, TypedDict

import pulumi
import pulumi_kubernetes as kubernetes

from gpuyard.errors import Severity
from gpuyard.inputs import parse_inputs
from gpuyard.kubernetes.wiring import passed_dependencies
from gpuyard.serving import manifests
from gpuyard.serving.checks import check_endpoint, check_flags
from gpuyard.serving.lifecycle import plan_lifecycle
from gpuyard.serving.spec import EndpointSpec


class ModelEndpointArgs(TypedDict):
    """What to serve, and how."""

    name: str
    """Name of the Service and of all other objects. Never the runtime's own name."""
    model: str
    """Hugging Face id, or a path inside the image."""
    namespace: NotRequired[str]
    """Namespace, which must exist. Default ``inference``."""
    runtime: NotRequired[str]
    """``vllm``, ``sglang``, ``tgi`` or ``custom``. Default vllm."""
    runtime_version: NotRequired[str]
    """Any version. Default that of the image's tag, else the newest that the catalog knows."""
    image: NotRequired[str]
    """Any image. Default the runtime's public one; required for custom."""
    cuda: NotRequired[str]
    """``12`` or ``13``: build of the default image. Default the release's own."""
    args: NotRequired[list[str]]
    """Flags of the runtime; they win over computed ones."""
    env: NotRequired[dict[str, str]]
    """Environment of the container; never a secret."""
    gpus: NotRequired[int]
    """GPUs of one replica, 0 to run on CPU. Default 1."""
    nodes: NotRequired[int]
    """Nodes of one replica. Default 1; more needs LeaderWorkerSet and is refused."""
    platform: NotRequired[str]
    """``eks``, ``gke`` or ``kubernetes``. GKE mounts driver libraries at a place of its own. Default
    kubernetes."""
    flags: NotRequired[list[str]]
    """Flags that planning computed, e.g. by `gpuyard fit`."""
    replicas_min: NotRequired[int]
    """Replicas kept when idle. Default 1."""
    replicas_max: NotRequired[int]
    """Replicas at most. Default 1; above replicas_min it needs prometheus_address."""
    spare_gpus: NotRequired[int]
    """GPUs that stand free at the minimum; decides whether a rollout may surge. Default 0."""
    context_tokens: NotRequired[int]
    """Longest request. Default the runtime's, which may be more than the memory holds."""
    max_concurrency: NotRequired[int]
    """Requests that one replica runs at once. Default the runtime's own."""
    weights_source: NotRequired[str]
    """``hugging_face``, ``pvc``, ``s3`` or ``gs``. Default hugging_face."""
    weights_claim: NotRequired[str]
    """Existing claim with the weights, mounted read-only at ``/weights``; for source pvc."""
    cache_gib: NotRequired[int]
    """Size of the cache for weights and compiled code. Default 1.3 times the weights and 20 GiB."""
    cache_persistent: NotRequired[bool]
    """Keep weights and compiled code on a volume of its own. Default off: they go with the pod."""
    cache_storage_class: NotRequired[str]
    """Class of that volume. Default the cluster's; several replicas need one that is ReadWriteMany."""
    weights_gib: NotRequired[float]
    """Size of the weights; cache disk, memory and start-up budget follow from it. Default 20."""
    hugging_face_secret: NotRequired[str]
    """Name of a Secret with the key ``token``. Default none."""
    api_key_secret: NotRequired[str]
    """Name of a Secret with the key ``api-key`` that callers must present. Default none."""
    service_account_annotations: NotRequired[dict[str, str]]
    """Cloud identity of the pods, for weights in buckets."""
    cpu: NotRequired[str]
    """CPU request. Default 3 per GPU, 2 without."""
    memory_gib: NotRequired[int]
    """Memory request. Default 0.6 times the weights, on CPU all of them and more, at least 8."""
    startup_budget_seconds: NotRequired[int]
    """From pod start to ready; probes and waits follow from it. Default from the weights."""
    drain_seconds: NotRequired[int]
    """Time that requests in flight get when a pod goes. Default 60."""
    service_type: NotRequired[str]
    """``ClusterIP``, ``NodePort`` or ``LoadBalancer``. Default ClusterIP."""
    allowed_namespaces: NotRequired[list[str]]
    """Namespaces that may call it. Default the whole cluster."""
    monitoring_namespace: NotRequired[str]
    """Namespace of Prometheus, which may always scrape. Default ``monitoring``."""
    node_selector: NotRequired[dict[str, str]]
    """Labels of the nodes to run on. Default any with enough GPUs."""
    tolerations: NotRequired[list[dict[str, str]]]
    """Besides the one for GPU nodes: key, operator, value, effect."""
    port: NotRequired[int]
    """Port of a custom image. Default 8000."""
    health_path: NotRequired[str]
    """Probe path of a custom image. Default ``/health``."""
    prometheus_address: NotRequired[str]
    """Prometheus inside the cluster; KEDA then scales between the replica bounds. Default none."""
    pod_monitor: NotRequired[bool]
    """Make a PodMonitor; needs the Prometheus operator's CRDs. Default off."""


@pulumi.type_token("gpuyard:index:ModelEndpoint")
class ModelEndpoint(pulumi.ComponentResource):
    """One model with its Service, account, network policy and budgets; probes and drain from one budget.

    Give the cluster's provider through ``opts.providers``, and with ``pod_monitor`` or ``prometheus_address``
    the monitoring and the autoscaler through ``opts.depends_on``: their CRDs must be there first.
    """

    address: pulumi.Output[str]
    """Base URL inside the cluster."""

    def __init__(
        self, name: str, args: ModelEndpointArgs, opts: pulumi.ResourceOptions | None = None
    ) -> None:
        spec = parse_inputs("ModelEndpoint", EndpointSpec, args)
        super().__init__("gpuyard:index:ModelEndpoint", name, {}, opts)
        for finding in (*check_endpoint(spec), *check_flags(spec)):
            log = pulumi.log.info if finding.severity is Severity.NOTE else pulumi.log.warn
            log(finding.render(), self)
        waits = passed_dependencies(opts)
        child = pulumi.ResourceOptions(parent=self, depends_on=waits)
        before: list[Any] = [*waits]
        before.append(
            kubernetes.core.v1.ServiceAccount(
                f"{name}-account",
                metadata=kubernetes.meta.v1.ObjectMetaArgs(**manifests.render_account_metadata(spec)),
                automount_service_account_token=False,  # the engine has no business with the API server
                opts=child,
            )
        )
        if spec.cache_persistent:
            claim = manifests.render_cache_claim(spec)
            before.append(kubernetes.core.v1.PersistentVolumeClaim(f"{name}-cache", **claim, opts=child))
        deployment = self._deployment(name, spec, before)
        service = kubernetes.core.v1.Service(
            f"{name}-service",
            **manifests.render_service(spec),
            opts=pulumi.ResourceOptions(parent=self, depends_on=[*waits, deployment]),
        )
        kubernetes.policy.v1.PodDisruptionBudget(
            f"{name}-budget", **manifests.render_disruption_budget(spec), opts=child
        )
        kubernetes.networking.v1.NetworkPolicy(
            f"{name}-network", **manifests.render_network_policy(spec), opts=child
        )
        if spec.pod_monitor:
            kubernetes.apiextensions.CustomResource(
                f"{name}-monitor",
                api_version="monitoring.coreos.com/v1",
                kind="PodMonitor",
                **manifests.render_pod_monitor(spec),
                opts=child,
            )
        if spec.scales:
            kubernetes.apiextensions.CustomResource(
                f"{name}-scaler",
                api_version="keda.sh/v1alpha1",
                kind="ScaledObject",
                **manifests.render_scaled_object(spec),
                opts=pulumi.ResourceOptions(parent=self, depends_on=[*waits, deployment]),
            )
        address = f"http://{spec.name}.{spec.namespace}.svc.cluster.local"
        self.address = service.metadata.apply(lambda _: address)
        self.register_outputs({"address": self.address})

    def _deployment(self, name: str, spec: EndpointSpec, before: list[Any]) -> kubernetes.apps.v1.Deployment:
        times = plan_lifecycle(spec)
        wait = f"{times.await_ready}s"
        return kubernetes.apps.v1.Deployment(
            f"{name}-deployment",
            **manifests.render_deployment(spec),
            opts=pulumi.ResourceOptions(
                parent=self,
                depends_on=before,
                ignore_changes=["spec.replicas"] if spec.scales else None,
                custom_timeouts=pulumi.CustomTimeouts(
                    create=wait, update=wait, delete=f"{times.grace + 300}s"
                ),
            ),
        )
