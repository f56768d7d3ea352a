"""From a deployment to demands: which model, how many GPUs of which kind, where allowed."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from gpuyard.capacity.demand import AllowedRegion, Demand, GpuNeed, Purchase, Weights
from gpuyard.capacity.known import Known
from gpuyard.capacity.ladder import Ladder, rank_offerings
from gpuyard.capacity.quota import Limit, Limits
from gpuyard.catalog.evidence import Evidence
from gpuyard.catalog.evidence_items import Reservation as HeldReservation
from gpuyard.catalog.hardware import find_gpu
from gpuyard.catalog.model_config import read_config
from gpuyard.catalog.models import ModelShape, find_model
from gpuyard.catalog.names import UnknownName
from gpuyard.errors import Finding, SpecError
from gpuyard.planning.fit import fit_model, node_sizes, smallest_fit
from gpuyard.planning.fitted import Fit
from gpuyard.stack.capacity_spec import Capacity
from gpuyard.stack.spec import Deployment, Endpoint


def endpoint_model(endpoint: Endpoint, base: Path) -> ModelShape:
    """The shape of the endpoint's model: from its config.json, else from the catalog.

    Raises:
        SpecError: neither knows it.
    """
    if endpoint.model_config_path:
        return read_config(base / endpoint.model_config_path, model_id=endpoint.model)
    try:
        return find_model(endpoint.model)
    except UnknownName as error:
        raise SpecError(
            [
                Finding.error(
                    "MODEL_UNKNOWN",
                    f"endpoints.{endpoint.name}.model",
                    str(error),
                    "use a model of the catalog, or give its config.json in `model_config_path`",
                    value=endpoint.model,
                )
            ]
        ) from None


def make_demands(deployment: Deployment, base: Path) -> tuple[Demand, ...]:
    """What each endpoint needs, accelerator by accelerator; none on an existing cluster.

    Raises:
        SpecError: unknown models, or models that no allowed accelerator holds.
    """
    if deployment.existing_cluster:
        return ()
    problems: list[Finding] = []
    demands = []
    for endpoint in deployment.endpoints:
        try:
            demands.append(_make_demand(deployment, endpoint, endpoint_model(endpoint, base)))
        except SpecError as error:
            problems += error.findings
    if problems:
        raise SpecError(problems)
    return tuple(demands)


def known_of(deployment: Deployment, evidence: Evidence | None = None) -> Known:
    """What the deployment states of its accounts, beside what the clouds answered."""
    capacity = deployment.capacity
    stated = {
        (str(item.cloud), item.region, item.code, item.gpu_family): Limit(
            limit=item.limit, used=item.used, source="the config", as_of=item.as_of.isoformat()
        )
        for item in capacity.quotas
    }
    held = tuple(
        HeldReservation(
            cloud=str(item.cloud),
            account="",
            region=item.region,
            zone=item.zone,
            machine_type=item.machine_type,
            id=item.id,
            form="capacity_block" if item.is_block else "reservation",
            state="",
            total=item.machines,
            is_targeted=True,
            starts_at=item.starts,
            ends_at=item.ends,
            placement_group=item.placement_group,
            as_of="stated",
        )
        for item in capacity.reservations
    )
    return Known(evidence=evidence or Evidence(), limits=Limits(stated), held=held)


def make_ladders(deployment: Deployment, base: Path) -> tuple[Ladder, ...]:
    """The ladder of each endpoint from the catalog; none on an existing cluster."""
    known = known_of(deployment)
    return tuple(rank_offerings(demand, known) for demand in make_demands(deployment, base))


def _make_demand(deployment: Deployment, endpoint: Endpoint, model: ModelShape) -> Demand:
    capacity = deployment.capacity
    needs, refused = [], []
    for accelerator in capacity.accelerators:
        most = node_sizes(find_gpu(accelerator))[-1]
        fitted = fit_endpoint(endpoint, model, accelerator, endpoint.gpus_per_replica) or fit_endpoint(
            endpoint, model, accelerator, most
        )
        if fitted is not None and fitted.fits:
            gpus = fitted.tensor_parallel * fitted.pipeline_parallel
            needs.append(GpuNeed(accelerator=accelerator, gpus_per_replica=gpus, reason=fitted.reason))
        elif fitted is not None:
            refused.append(fitted)
    if not needs:
        raise SpecError([too_large(endpoint, refused)])
    return Demand(
        endpoint=endpoint.name,
        needs=tuple(needs),
        replicas_min=endpoint.replicas_min,
        replicas_max=deployment.replicas_peak(endpoint),
        purchases=_purchases(capacity),
        regions=tuple(
            AllowedRegion(cloud=str(place.cloud), region=region, zones=place.zones)
            for place in deployment.places
            for region in place.regions
        ),
        usd_per_gpu_hour_max=capacity.usd_per_gpu_hour_max,
        one_zone=capacity.one_zone,
        interconnects=capacity.interconnects,
        residency=capacity.residency,
        start_by=capacity.start_by,
        end=capacity.end,
        usd_budget=capacity.usd_budget,
        order=capacity.order,
        weights=Weights(**capacity.weights.model_dump()),
    )


def _purchases(capacity: Capacity) -> tuple[Purchase, ...]:
    """The allowed kinds; whoever names a reservation wants it used."""
    if capacity.reservations and Purchase.RESERVATION not in capacity.purchases:
        return (Purchase.RESERVATION, *capacity.purchases)
    return capacity.purchases


def too_large(endpoint: Endpoint, refused: Sequence[Fit]) -> Finding:
    """What no allowed accelerator holds: the weights, or beside them the cache of the requests.

    Or what none serves, however much memory it has.
    """
    is_cache = any(fitted.kv_bytes_available > 0 for fitted in refused)
    reasons = "; ".join(f"{fitted.gpu}: {fitted.reason}" for fitted in refused)
    if refused and all(fitted.max_concurrency >= fitted.concurrency for fitted in refused):
        return Finding.error(
            "MODEL_NOT_SERVED",
            f"endpoints.{endpoint.name}.model",
            f"cannot be served as asked on any allowed accelerator: {reasons}",
            "change what the reason names: model, runtime, context or accelerator",
            value=endpoint.model,
        )
    return Finding.error(
        "MEMORY_KV" if is_cache else "MEMORY_WEIGHTS",
        f"endpoints.{endpoint.name}.{'context_tokens' if is_cache else 'model'}",
        f"fits on none of the allowed accelerators: {reasons}",
        "allow a larger accelerator, lower context or concurrency, or set a quantization",
        value=endpoint.context_tokens if is_cache else endpoint.model,
    )


def fit_endpoint(
    endpoint: Endpoint, model: ModelShape, accelerator: str, gpus: int | None, gpus_most: int | None = None
) -> Fit | None:
    """How the endpoint fits: on ``gpus`` GPUs, or on the fewest that hold it (None: no number does).

    ``gpus_most`` are those of a node, by default of the largest machine that a cloud has of them.
    """
    wanted: dict[str, Any] = {
        "runtime": endpoint.runtime,
        "runtime_version": endpoint.runtime_version or None,
        "context_tokens": endpoint.context_tokens,
        "concurrency": endpoint.concurrency,
        "quantization": endpoint.quantization or None,
        "kv_cache_dtype": endpoint.kv_cache_dtype or None,
    }
    gpu = find_gpu(accelerator)
    if gpus:
        return fit_model(model, gpu, gpus=gpus, **wanted)
    return smallest_fit(model, gpu, gpus_most=gpus_most, **wanted)
