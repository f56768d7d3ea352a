"""A deployment and its lock become a stack plan: which clusters, pools and endpoints, with what settings.

Everything is settled here, in plain data, before the first resource: components only wire it.
"""

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

from gpuyard.capacity.lock import Lock, LockedRung
from gpuyard.catalog.models import ModelShape
from gpuyard.catalog.places import zones_selling
from gpuyard.errors import Finding, SpecError, has_errors
from gpuyard.names import fit
from gpuyard.planning.fit import NODE_GPUS
from gpuyard.planning.fitted import Fit
from gpuyard.records import record
from gpuyard.stack.capacity_spec import CPU, Cloud
from gpuyard.stack.demands import endpoint_model, fit_endpoint, make_demands
from gpuyard.stack.lock_check import check_lock
from gpuyard.stack.spec import Deployment, Endpoint

SYSTEM_MACHINE = {"aws": "m7i.large", "gcp": "e2-standard-4"}
"""CPU nodes for controllers, Prometheus among them."""
PLATFORM = {"aws": "eks", "gcp": "gke", "kubernetes": "kubernetes"}


@record
class ClusterPlan:
    """One cluster: to be created, or existing."""

    name: str
    cloud: str
    region: str = ""
    zones: tuple[str, ...] = ()
    project: str = ""
    context: str = ""
    kubeconfig: str = ""

    @property
    def platform(self) -> str:
        """``eks``, ``gke`` or ``kubernetes``."""
        return PLATFORM[self.cloud]


@record
class PoolPlan:
    """One GPU node pool: the active rung of one endpoint."""

    name: str
    cluster: str
    endpoint: str
    rung: LockedRung


@record
class EndpointPlan:
    """One endpoint, placed and fitted."""

    endpoint: Endpoint
    cluster: str
    pool: str
    """Name of its pool; empty on an existing cluster."""
    model: ModelShape | None
    """None: the catalog lacks it and no config.json was given (existing clusters only)."""
    accelerator: str
    gpus_per_replica: int
    fit: Fit | None
    """None without a GPU, or without a known model."""
    spare_gpus: int
    """GPUs of the pool that hold no replica at the minimum: what a rollout can surge into."""
    replicas_max: int
    """Replicas there may be: as declared, as far as the pool has room and something moves them."""


@record
class StackPlan:
    """The whole stack as plain data."""

    stack: str
    deployment: Deployment
    as_of: str
    """Reference date of every check; the newest evidence of the lock, never today."""
    clusters: tuple[ClusterPlan, ...]
    pools: tuple[PoolPlan, ...]
    endpoints: tuple[EndpointPlan, ...]
    ladders: Mapping[str, tuple[LockedRung, ...]]
    lock_warnings: tuple[Finding, ...] = ()
    """What the lock has that does no harm: endpoints that the stack no longer has."""

    def cluster(self, name: str) -> ClusterPlan:
        """The cluster of that name."""
        return next(cluster for cluster in self.clusters if cluster.name == name)

    def pool(self, name: str) -> PoolPlan:
        """The pool of that name."""
        return next(pool for pool in self.pools if pool.name == name)


def plan_stack(
    stack: str, deployment: Deployment, lock: Lock | None, base: Path, *, name: str = ""
) -> StackPlan:
    """The plan of ``stack``; ``name`` heads the names of its parts (default: the stack's own).

    Raises:
        SpecError: no lock, or a lock made for another demand; an unknown model.
    """
    if deployment.existing_cluster:
        return _plan_existing(stack, name or stack, deployment, base)
    demands = make_demands(deployment, base)
    problems = check_lock(stack, demands, lock)
    if lock is None or has_errors(problems):
        raise SpecError(problems)
    plan = _plan_cloud(stack, name or stack, deployment, lock, base)
    return replace(plan, lock_warnings=tuple(problems)) if problems else plan


def cluster_name(prefix: str, rung: LockedRung) -> str:
    """The cluster that a rung lies in: one per region."""
    return fit(f"{prefix}-{rung.cloud}-{rung.region}", 40)


def pool_name(endpoint: str, rung: LockedRung) -> str:
    """The pool of a rung, within its cluster."""
    return fit(f"{endpoint}-{rung.machine_type}-{rung.purchase}", 40)


def room_for(rung: LockedRung) -> int:
    """Replicas that the rung's machines hold."""
    return rung.nodes_max // rung.nodes_per_replica * replicas_per_node(rung)


def replicas_per_node(rung: LockedRung) -> int:
    """Replicas that one node holds; 1 where a replica spans several."""
    return max(1, rung.gpus_per_node // rung.gpus_per_replica)


def _plan_cloud(stack: str, prefix: str, deployment: Deployment, lock: Lock, base: Path) -> StackPlan:
    clusters: dict[str, ClusterPlan] = {}
    pools, endpoints = [], []
    for endpoint in deployment.endpoints:
        rung = _active(lock, endpoint.name)
        name = cluster_name(prefix, rung)
        clusters[name] = _cluster_for(name, rung, clusters.get(name), deployment)
        pool = pool_name(endpoint.name, rung)
        pools.append(PoolPlan(name=pool, cluster=name, endpoint=endpoint.name, rung=rung))
        model = endpoint_model(endpoint, base)
        endpoints.append(
            EndpointPlan(
                endpoint=endpoint,
                cluster=name,
                pool=pool,
                model=model,
                accelerator=rung.accelerator,
                gpus_per_replica=rung.gpus_per_replica,
                fit=fit_endpoint(endpoint, model, rung.accelerator, rung.gpus_per_replica),
                spare_gpus=rung.nodes_min * rung.gpus_per_node
                - endpoint.replicas_min * rung.gpus_per_replica,
                replicas_max=min(deployment.replicas_peak(endpoint), room_for(rung)),
            )
        )
    return StackPlan(
        stack=stack,
        deployment=deployment,
        as_of=lock.as_of,
        clusters=tuple(clusters.values()),
        pools=tuple(pools),
        endpoints=tuple(endpoints),
        ladders={one.name: lock.endpoints[one.name].rungs for one in deployment.endpoints},
    )


def _cluster_for(
    name: str, rung: LockedRung, known: ClusterPlan | None, deployment: Deployment
) -> ClusterPlan:
    """The cluster of a rung's region, its zones those of the pools, filled up to the two that EKS wants."""
    zones = list(known.zones if known else ())
    zones += [zone for zone in rung.zones[:3] if zone not in zones]
    if len(zones) < 2:
        others = zones_selling(rung.cloud, SYSTEM_MACHINE[rung.cloud], rung.region)
        zones += [zone for zone in others if zone not in zones][: 2 - len(zones)]
    place = next(
        place
        for place in deployment.places
        if str(place.cloud) == rung.cloud and rung.region in place.regions
    )
    cluster = ClusterPlan(name=name, cloud=rung.cloud, region=rung.region, project=place.project)
    return replace(cluster, zones=tuple(sorted(zones)))


def _plan_existing(stack: str, prefix: str, deployment: Deployment, base: Path) -> StackPlan:
    place = deployment.existing_cluster
    assert place is not None  # noqa: S101 (the caller asked)
    cluster = ClusterPlan(
        name=fit(f"{prefix}-{place.context}", 40),
        cloud=str(Cloud.KUBERNETES),
        context=place.context,
        kubeconfig=place.kubeconfig,
    )
    endpoints, problems = [], []
    for endpoint in deployment.endpoints:
        try:
            endpoints.append(_existing_endpoint(cluster, endpoint, deployment, base))
        except SpecError as error:
            problems += error.findings
    if problems:
        raise SpecError(problems)
    return StackPlan(
        stack=stack,
        deployment=deployment,
        as_of="",
        clusters=(cluster,),
        pools=(),
        endpoints=tuple(endpoints),
        ladders={},
    )


def _existing_endpoint(
    cluster: ClusterPlan, endpoint: Endpoint, deployment: Deployment, base: Path
) -> EndpointPlan:
    place = deployment.existing_cluster
    assert place is not None  # noqa: S101 (the caller asked)
    accelerator = place.accelerator
    model = endpoint_model(endpoint, base)
    fitted = None
    if accelerator != CPU:
        node = max(size for size in NODE_GPUS if size <= max(place.gpus_per_node, 1))
        fitted = fit_endpoint(endpoint, model, accelerator, endpoint.gpus_per_replica, node)
        fitted = fitted or fit_endpoint(endpoint, model, accelerator, node)
    gpus = 0 if accelerator == CPU else endpoint.gpus_per_replica or (fitted.tensor_parallel if fitted else 1)
    return EndpointPlan(
        endpoint=endpoint,
        cluster=cluster.name,
        pool="",
        model=model,
        accelerator=accelerator,
        gpus_per_replica=gpus,
        fit=fitted,
        spare_gpus=0,
        replicas_max=deployment.replicas_peak(endpoint),
    )


def _active(lock: Lock, endpoint: str) -> LockedRung:
    locked = lock.endpoints[endpoint]
    return locked.rungs[locked.active]
