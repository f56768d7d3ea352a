"""The lead time of an endpoint of a stack: its plan as a way to serving, with what would shorten it."""

from collections.abc import Sequence
from dataclasses import replace

from gpuyard.capacity.lock import LockedRung
from gpuyard.catalog.component_prices import component
from gpuyard.economics.traffic import month_of
from gpuyard.leadtime.estimate import estimate
from gpuyard.leadtime.lead_time import LeadTime
from gpuyard.leadtime.measured import Measurement
from gpuyard.leadtime.path import ServingPath
from gpuyard.leadtime.shortcuts import Bill, cold_start_usd, find_shortcuts
from gpuyard.serving.lifecycle import PRESTOP_SECONDS
from gpuyard.serving.spec import EndpointSpec
from gpuyard.stack.capacity_spec import CPU
from gpuyard.stack.demand_load import WEIGHTS_SOURCE, endpoint_image_bytes, traffic_of
from gpuyard.stack.plan import EndpointPlan, StackPlan
from gpuyard.stack.wiring import weights_gib
from gpuyard.units import gib

_NAT = {"aws": ("nat_gateway", "data processed"), "gcp": ("cloud_nat", "data")}
_DRIVER_BY = {"eks": "image", "gke": "cloud", "kubernetes": "image"}
_DRAIN_SECONDS: int = EndpointSpec.model_fields["drain_seconds"].default


def lead_time_of(plan: StackPlan, placed: EndpointPlan, measured: Sequence[Measurement] = ()) -> LeadTime:
    """How long the endpoint takes to serve from each starting point, and what would shorten it."""
    path = serving_path(plan, placed)
    bill = _bill(plan, placed)
    found = estimate(path, measured=measured)
    return replace(
        found,
        shortcuts=find_shortcuts(path, bill, measured),
        cold_start_usd=cold_start_usd(found.zero_to_one, bill),
    )


def _bill(plan: StackPlan, placed: EndpointPlan) -> Bill:
    """What the endpoint's machines cost, and its image and weights through NAT."""
    if not placed.pool:
        return Bill()
    rung = plan.pool(placed.pool).rung
    month = month_of(traffic_of(plan, placed))
    nat = component(rung.cloud, _NAT[rung.cloud][0], rung.region, _NAT[rung.cloud][1])
    per_gb = 0.0 if nat is None else nat.usd
    return Bill(
        usd_per_node_hour=rung.rate.usd,
        nodes=month.nodes,
        nodes_max=rung.nodes_max,
        held_free=_held_free(plan, rung),
        nat_usd_image=month.nat_image_gb * per_gb,
        nat_usd_weights=month.nat_weights_gb * per_gb,
    )


def _held_free(plan: StackPlan, rung: LockedRung) -> int | None:
    """Machines of the rung's reservation that no pool of the stack may take; None: not known."""
    held = [item.machines for item in plan.deployment.capacity.reservations if item.id == rung.reservation]
    taken = [pool.rung.nodes_max for pool in plan.pools if pool.rung.reservation == rung.reservation]
    return max(0, held[0] - sum(taken)) if held else None


def serving_path(plan: StackPlan, placed: EndpointPlan) -> ServingPath:
    """What decides how long the endpoint takes to serve."""
    endpoint, cluster = placed.endpoint, plan.cluster(placed.cluster)
    rung = plan.pool(placed.pool).rung if placed.pool else None
    weights = weights_gib(placed)
    gpus = placed.gpus_per_replica
    return ServingPath(
        cloud=cluster.cloud,
        platform=cluster.platform,
        endpoint=endpoint.name,
        region=cluster.region,
        machine_type=rung.machine_type if rung else "",
        purchase=rung.purchase if rung else "on_demand",
        quota=rung.quota if rung else "",
        has_quota_evidence=rung is not None and _has_quota(rung),
        quota_evidence=_quota_words(rung) if rung else "",
        capacity_evidence=_odds_words(rung) if rung else "",
        starts_on=rung.starts if rung else "",
        driver_by="none" if placed.accelerator == CPU else _DRIVER_BY[cluster.platform],
        image_bytes=endpoint_image_bytes(endpoint),
        weights_bytes=gib(weights) if weights else None,
        weights_source=WEIGHTS_SOURCE.get(endpoint.weights_source, "hf"),
        parameters=placed.model.params if placed.model else None,
        tensor_parallel=gpus or 1,
        runtime=endpoint.runtime,
        cluster_exists=cluster.cloud == "kubernetes",
        has_monitoring=plan.deployment.monitoring.enabled,
        replicas=endpoint.replicas_min,
        spare_replicas=placed.spare_gpus // gpus if rung and gpus else 1,
        surges=placed.spare_gpus >= gpus,
        drain_seconds=PRESTOP_SECONDS + _DRAIN_SECONDS,
        is_exposed=endpoint.service_type == "LoadBalancer",
    )


def _has_quota(rung: LockedRung) -> bool:
    return bool(rung.quotas) and all(quota.verdict == "enough" for quota in rung.quotas)


def _quota_words(rung: LockedRung) -> str:
    """What was read of the account's limits; empty: nothing."""
    read = [quota for quota in rung.quotas if quota.verdict != "unknown"]
    return "; ".join(
        f"{quota.code}: {quota.verdict}, needs {quota.needed:g} {quota.unit}"
        + ("" if quota.limit is None else f" of {'no limit' if quota.limit < 0 else f'{quota.limit:g}'}")
        + ("" if quota.used is None else f", {quota.used:g} used")
        + (f" ({quota.as_of})" if quota.as_of else "")
        for quota in read
    )


def _odds_words(rung: LockedRung) -> str:
    """How likely the capacity is to come; empty: the lock does not say."""
    odds = rung.odds
    return "" if odds is None else f"odds {odds.probability:.0%} ({odds.basis})"
