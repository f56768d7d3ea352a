"""The arguments of each component of a stack, as plain data: what `InferenceStack` wires up."""

from typing import Any

from gpuyard.capacity.lock import LockedRung
from gpuyard.kubernetes.labels import POOL_LABEL
from gpuyard.monitoring.values import MonitoringSpec
from gpuyard.planning.weights import weight_bytes
from gpuyard.stack.capacity_spec import CPU
from gpuyard.stack.plan import ClusterPlan, EndpointPlan, PoolPlan, StackPlan
from gpuyard.units import GIB

NODE_IMAGE = {"eks": "al2023_nvidia", "gke": "cos", "kubernetes": "preinstalled"}
"""What the GPU nodes of each platform run; on an existing cluster the driver is there already."""


def cluster_args(plan: StackPlan, cluster: ClusterPlan) -> dict[str, Any]:
    """Arguments of `EksGpuCluster`, `GkeGpuCluster` or `ExistingCluster`."""
    if cluster.cloud == "kubernetes":
        return _set({"context": cluster.context, "kubeconfig": cluster.kubeconfig})
    settings = plan.deployment.cluster
    args = {
        "region": cluster.region,
        "kubernetes_version": settings.kubernetes_version,
        "system_nodes": settings.system_nodes,
        "public_access_cidrs": list(settings.public_access_cidrs),
        "tags": dict(plan.deployment.tags),
        "protect": plan.deployment.protect,
    }
    if cluster.cloud == "aws":
        return _set({**args, "zone_ids": list(cluster.zones), "nat": settings.nat})
    return _set({**args, "project": cluster.project, "zones": list(cluster.zones)})


def pool_args(plan: StackPlan, pool: PoolPlan) -> dict[str, Any]:
    """Arguments of the cluster's ``gpu_pool``."""
    served = next(item for item in plan.endpoints if item.pool == pool.name)
    rung, cluster = pool.rung, plan.cluster(pool.cluster)
    return _set(
        {
            "machine_type": rung.machine_type,
            "purchase": rung.purchase,
            "nodes_min": rung.nodes_min,
            "nodes_max": rung.nodes_max,
            "zones": list(pool_zones(rung, cluster)),
            ("reservation_id" if rung.cloud == "aws" else "reservation"): rung.reservation,
            "placement_group": rung.placement_group,
            "compact": rung.compact or None,
            "best_effort_min": _best_effort(rung),
            "weights_gib": weights_gib(served),
            # the component's own name may be longer than a label value
            "labels": {POOL_LABEL: pool.name},
        }
    )


def pool_zones(rung: LockedRung, cluster: ClusterPlan) -> tuple[str, ...]:
    """Zones of the cluster that the rung's pool lies in."""
    return tuple(zone for zone in rung.zones if zone in cluster.zones)


def _best_effort(rung: LockedRung) -> int | None:
    """GKE: a pool of independent nodes counts as made with one; the rest fill in as machines come free."""
    is_open = rung.cloud == "gcp" and rung.purchase in ("on_demand", "spot")
    return 1 if is_open and rung.nodes_min > 1 and rung.nodes_per_replica == 1 else None


def operator_args(plan: StackPlan, cluster: ClusterPlan) -> dict[str, Any]:
    """Arguments of `GpuOperator`."""
    args: dict[str, Any] = {
        "platform": cluster.platform,
        "node_image": NODE_IMAGE[cluster.platform],
        "service_monitor": plan.deployment.monitoring.enabled,
    }
    if cluster.cloud != "kubernetes":
        args["kubernetes_version"] = plan.deployment.cluster.kubernetes_version
    return args


def autoscaler_args(plan: StackPlan, cluster: ClusterPlan) -> dict[str, Any]:
    """Arguments of `ClusterAutoscaler`, without the cluster's name."""
    return {
        "region": cluster.region,
        "kubernetes_version": plan.deployment.cluster.kubernetes_version,
        "service_monitor": plan.deployment.monitoring.enabled,
        "tags": dict(plan.deployment.tags),
    }


def monitoring_args(plan: StackPlan, cluster: ClusterPlan, storage_class: str) -> dict[str, Any]:
    """Arguments of `Monitoring`."""
    settings = plan.deployment.monitoring
    return _set(
        {
            "retention_days": settings.retention_days,
            "storage_gib": settings.storage_gib,
            "storage_class": storage_class,
            "external_labels": {"cluster": cluster.name, "stack": plan.stack},
        }
    )


def endpoint_args(plan: StackPlan, placed: EndpointPlan) -> dict[str, Any]:
    """Arguments of `ModelEndpoint`."""
    endpoint, cluster = placed.endpoint, plan.cluster(placed.cluster)
    monitored = plan.deployment.monitoring.enabled
    args = {
        "name": endpoint.name,
        "model": endpoint.model,
        "namespace": endpoint.namespace,
        "runtime": endpoint.runtime,
        "runtime_version": endpoint.runtime_version,
        "image": endpoint.image,
        "args": list(endpoint.args),
        "env": dict(endpoint.env),
        "gpus": placed.gpus_per_replica,
        "platform": cluster.platform,
        "flags": list(placed.fit.flags) if placed.fit else [],
        "replicas_min": endpoint.replicas_min,
        "replicas_max": plan.deployment.replicas_peak(endpoint),
        "spare_gpus": placed.spare_gpus,
        "weights_source": endpoint.weights_source,
        "weights_claim": endpoint.weights_claim,
        "service_account_annotations": dict(endpoint.service_account_annotations),
        "weights_gib": weights_gib(placed),
        "hugging_face_secret": endpoint.hugging_face_secret,
        "service_type": endpoint.service_type,
        "node_selector": {POOL_LABEL: placed.pool} if placed.pool else {},
        "prometheus_address": MonitoringSpec().prometheus_address if scales(plan, placed) else "",
        "pod_monitor": monitored,
    }
    if placed.fit is None:  # else its flags say both
        args |= {"context_tokens": endpoint.context_tokens, "max_concurrency": endpoint.concurrency}
    return _set(args) | {"gpus": placed.gpus_per_replica}


def scales(plan: StackPlan, placed: EndpointPlan) -> bool:
    """Whether the endpoint's replicas move by themselves; that takes Prometheus."""
    return plan.deployment.replicas_peak(placed.endpoint) > placed.endpoint.replicas_min


def nodes_move(plan: StackPlan, cluster: ClusterPlan) -> bool:
    """Whether the cluster needs an autoscaler of ours: GKE's own moves nodes there."""
    pools = [pool.rung for pool in plan.pools if pool.cluster == cluster.name]
    return cluster.cloud == "aws" and any(rung.nodes_max > rung.nodes_min for rung in pools)


def token_secrets(plan: StackPlan, cluster: ClusterPlan) -> tuple[tuple[str, str], ...]:
    """Namespace and name of each Secret with a Hugging Face token that endpoints ask for, sorted."""
    asked = {
        (item.endpoint.namespace, item.endpoint.hugging_face_secret)
        for item in plan.endpoints
        if item.cluster == cluster.name and item.endpoint.hugging_face_secret
    }
    return tuple(sorted(asked))


def has_gpus(plan: StackPlan, cluster: ClusterPlan) -> bool:
    """Whether anything on the cluster runs on a GPU."""
    return any(item.cluster == cluster.name and item.accelerator != CPU for item in plan.endpoints)


def namespaces(plan: StackPlan, cluster: ClusterPlan) -> tuple[str, ...]:
    """Namespaces of the cluster's endpoints, sorted."""
    return tuple(sorted({item.endpoint.namespace for item in plan.endpoints if item.cluster == cluster.name}))


def weights_gib(placed: EndpointPlan) -> float | None:
    """Size of the weights; None: the model's shape is not known."""
    if placed.model is None:
        return None
    return round(weight_bytes(placed.model, placed.endpoint.quantization or None) / GIB, 1)


def _set(args: dict[str, Any]) -> dict[str, Any]:
    """Only what was said: components have defaults of their own."""
    return {key: value for key, value in args.items() if value not in (None, "", [], {})}
