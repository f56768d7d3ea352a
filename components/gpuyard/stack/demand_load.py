"""The declared load of an endpoint: what is asked of it, and the replicas that follow over the day."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from gpuyard.catalog.hardware import find_gpu
from gpuyard.catalog.lead_times import image_bytes
from gpuyard.economics.load import Load, Target, Workload, spread_over_day
from gpuyard.economics.replicas import ReplicaDay, plan_day
from gpuyard.economics.throughput import (
    MEASURED_BY_YOU,
    Capability,
    Setting,
    Timing,
    find_capability,
    normal_precision,
)
from gpuyard.economics.traffic import EndpointTraffic
from gpuyard.errors import Finding, Severity
from gpuyard.resources import Resource
from gpuyard.runtimes.runtime import newest_version
from gpuyard.stack.capacity_spec import CPU
from gpuyard.stack.load_spec import LoadSpec
from gpuyard.stack.plan import EndpointPlan, StackPlan, replicas_per_node
from gpuyard.stack.spec import Endpoint
from gpuyard.stack.wiring import pool_zones, weights_gib
from gpuyard.units import GB, gib

WEIGHTS_SOURCE = {"hugging_face": "hf", "pvc": "pvc", "s3": "s3", "gs": "gs"}
"""Sources of weights as lead time and traffic call them."""
NODE_POOLS = ("aws:eks/nodeGroup:NodeGroup", "gcp:container/nodePool:NodePool")


@dataclass(frozen=True, slots=True)
class Demand:
    """What the load asks of an endpoint, and the replicas that follow."""

    load: Load | None
    day: ReplicaDay | None
    """None: no load, or nobody knows what a replica serves."""


def load_findings(plan: StackPlan) -> Iterator[Finding]:
    """What a declared load says against the declared replicas."""
    for index, placed in enumerate(plan.endpoints):
        endpoint, demand = placed.endpoint, demand_of(placed)
        path = f"endpoints[{index}]"
        if endpoint.load is None or placed.accelerator == CPU:
            continue
        if demand.day is None:
            yield Finding(
                severity=Severity.NOTE,
                code="LOAD_THROUGHPUT_UNKNOWN",
                path=f"{path}.load",
                message="what a replica serves of this load is not known, so neither are replicas over the "
                "day nor money per token",
                fix="measure it and add it to `load.measured`",
            )
        elif demand.day.needed > placed.replicas_max:
            yield _too_few(path, placed.replicas_max, demand.day)


def _too_few(path: str, most: int, day: ReplicaDay) -> Finding:
    lost = f"; {day.lost_share:.0%} of the requests find no capacity at all" if day.lost_share > 0 else ""
    return Finding(
        severity=Severity.WARNING,
        code="LOAD_EXCEEDS_REPLICAS",
        path=f"{path}.replicas_max",
        value=most,
        message=f"the busiest hour of the load takes {day.needed} replicas at the planned utilisation{lost}",
        fix=f"set `replicas_max: {day.needed}`, promise less latency, or plan a higher `load.utilisation`",
    )


def demand_of(placed: EndpointPlan) -> Demand:
    """The load of the endpoint, and its replicas over the day where a replica's throughput is known."""
    endpoint = placed.endpoint
    spec = endpoint.load
    if spec is None:
        return Demand(None, None)
    load = Load(
        workload=Workload(input_tokens=spec.input_tokens, output_tokens=spec.output_tokens),
        hourly=spread_over_day(
            per_second=spec.requests_per_second,
            per_day=spec.requests_per_day,
            active_hours=spec.active_hours or 24.0,
            profile=spec.hourly,
        ),
        days_per_week=spec.days_per_week,
    )
    if placed.accelerator == CPU or not placed.gpus_per_replica:
        return Demand(load, None)
    setting = serving_setting(placed, placed.accelerator, placed.gpus_per_replica)
    found = find_capability(setting, load.workload, latency_target(spec), own_timings(spec, setting))
    if not isinstance(found, Capability):
        return Demand(load, None)
    day = plan_day(
        load,
        found.requests_per_s_per_gpu * placed.gpus_per_replica,
        target_utilisation=spec.utilisation,
        lowest=endpoint.replicas_min,
        highest=placed.replicas_max,
    )
    return Demand(load, day)


def serving_setting(placed: EndpointPlan, accelerator: str, gpus: int) -> Setting:
    """The endpoint's model on ``gpus`` of ``accelerator``: what throughputs are looked up for."""
    quantization = placed.fit.quantization if placed.fit else placed.endpoint.quantization
    return Setting(
        model=placed.endpoint.model,
        shape=placed.model,
        gpu=find_gpu(accelerator).id,
        runtime=placed.endpoint.runtime,
        precision=normal_precision(quantization),
        gpus_per_replica=gpus,
    )


def latency_target(spec: LoadSpec | None) -> Target:
    """The declared latency, or the default one."""
    return Target() if spec is None else Target(ttft_ms=spec.ttft_ms, tpot_ms=spec.tpot_ms)


def own_timings(spec: LoadSpec | None, setting: Setting) -> tuple[Timing, ...]:
    """The declared throughputs of the user's own."""
    if spec is None:
        return ()
    return tuple(
        Timing(
            model=setting.model,
            gpu=setting.gpu,
            engine=setting.runtime,
            precision=setting.precision,
            workload=Workload(input_tokens=one.input_tokens, output_tokens=one.output_tokens),
            tokens_per_s_per_gpu=one.output_tokens_per_second / (one.gpus or setting.gpus_per_replica),
            gpus_per_replica=one.gpus or setting.gpus_per_replica,
            concurrency=one.concurrency,
            ttft_ms=one.ttft_ms,
            tpot_ms=one.tpot_ms,
            basis=MEASURED_BY_YOU,
            source=one.what,
            as_of=one.date.isoformat(),
        )
        for one in spec.measured
    )


def pool_urns(plan: StackPlan, resources: Sequence[Resource]) -> Mapping[str, str]:
    """URN of the cloud's node pool by the pool's name, from the component that made it.

    Names of the node pools themselves are cut to the clouds' limits, and one may be part of another.
    """
    made = {
        resource.parent.rpartition("::")[2]: resource.urn
        for resource in resources
        if resource.parent and resource.type in NODE_POOLS
    }
    return {pool.name: made.get(f"{pool.cluster}-{pool.name}", "") for pool in plan.pools}


def traffic_of(plan: StackPlan, placed: EndpointPlan, urn: str = "") -> EndpointTraffic:
    """What the endpoint moves, as far as plan and load say; ``urn``: of its node pool, where it is known."""
    endpoint, cluster = placed.endpoint, plan.cluster(placed.cluster)
    weights, demand = weights_gib(placed), demand_of(placed)
    rung = plan.pool(placed.pool).rung if placed.pool else None
    return EndpointTraffic(
        endpoint=endpoint.name,
        cloud=cluster.cloud,
        region=cluster.region,
        cluster=cluster.name,
        pool=urn or placed.pool,
        image_bytes=endpoint_image_bytes(endpoint),
        weights_bytes=gib(weights) if weights else None,
        weights_source=WEIGHTS_SOURCE.get(endpoint.weights_source, "hf"),
        nodes_min=rung.nodes_min if rung else 0,
        replicas_per_node=replicas_per_node(rung) if rung else 0,
        nodes_per_replica=rung.nodes_per_replica if rung else 1,
        pool_zones=len(pool_zones(rung, cluster) or cluster.zones) if rung else 1,
        replicas_min=endpoint.replicas_min,
        is_exposed=endpoint.service_type == "LoadBalancer",
        load=demand.load,
        day=demand.day,
    )


def endpoint_image_bytes(endpoint: Endpoint) -> int | None:
    """Compressed size of the endpoint's image: declared, else published for that release; None: not known."""
    if endpoint.image_gb is not None:
        return round(endpoint.image_gb * GB)
    if endpoint.image:
        return None
    version = endpoint.runtime_version or newest_version(endpoint.runtime)
    return image_bytes(endpoint.runtime, version)
