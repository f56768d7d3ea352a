"""What a serving GPU hour costs where the stack runs, and where else it might."""

from collections.abc import Iterator, Sequence
from decimal import Decimal

from gpuyard.capacity.demand import OrderKey
from gpuyard.capacity.lock import LockedRung
from gpuyard.catalog.hardware import find_gpu
from gpuyard.costs.cost_report import CostReport
from gpuyard.costs.line_item import LineItem
from gpuyard.economics.throughput import timed_gpus
from gpuyard.economics.token_economics import Candidate, GpuHour
from gpuyard.planning.machines import rank_machines, thin_out
from gpuyard.stack.capacity_spec import CPU
from gpuyard.stack.demand_load import latency_target, serving_setting
from gpuyard.stack.plan import EndpointPlan, StackPlan, replicas_per_node


def gpu_hour(plan: StackPlan, placed: EndpointPlan, costs: CostReport, urn: str = "") -> GpuHour | None:
    """What a serving GPU hour costs: as priced in the report, else as locked, else as declared.

    ``urn``: of the endpoint's node pool.
    """
    spec = placed.endpoint.load
    if not placed.pool:
        declared = spec.usd_per_gpu_hour if spec else None
        if declared is None:
            return None
        return GpuHour(usd=declared, purchase="existing", source="declared in the load", as_of=plan.as_of)
    rung = plan.pool(placed.pool).rung
    serving = serving_gpus(rung)
    hours = [
        item
        for item in costs.items
        if item.unit == "hour" and item.urn == urn and item.component.startswith(rung.machine_type)
    ]
    if hours:
        first = hours[0]
        return GpuHour(
            usd=float(_mean_price(hours) / serving),
            purchase=rung.purchase,
            source=first.source,
            as_of=first.as_of,
            usd_low=_each(first.unit_price_low, serving),
            usd_high=_each(first.unit_price_high, serving),
        )
    return locked_hour(rung) or (
        GpuHour(usd=spec.usd_per_gpu_hour, purchase=rung.purchase, source="declared in the load", as_of="")
        if spec and spec.usd_per_gpu_hour
        else None
    )


def _mean_price(hours: Sequence[LineItem]) -> Decimal:
    """Of the expected hours, some of which a commitment may cover."""
    amounts = [item.quantity.expected if item.quantity else Decimal(0) for item in hours]
    total = sum(amounts)
    if not total:
        return hours[0].unit_price
    return sum(item.unit_price * amount for item, amount in zip(hours, amounts, strict=True)) / total


def _each(usd: Decimal | None, serving: int) -> float | None:
    return None if usd is None else float(usd / serving)


def locked_hour(rung: LockedRung) -> GpuHour | None:
    """A serving GPU hour at the price of the lock; None: the lock knows none."""
    if rung.rate.usd is None:
        return None
    serving = serving_gpus(rung)
    return GpuHour(
        usd=rung.rate.usd / serving,
        purchase=rung.purchase,
        source=rung.rate.source,
        as_of=rung.rate.as_of,
        usd_low=None if rung.rate.usd_low is None else rung.rate.usd_low / serving,
        usd_high=None if rung.rate.usd_high is None else rung.rate.usd_high / serving,
    )


def serving_gpus(rung: LockedRung) -> int:
    """GPUs of a full node that serve: what does not make up a replica is paid and idle."""
    if rung.nodes_per_replica > 1:
        return max(1, rung.gpus_per_replica // rung.nodes_per_replica)
    return replicas_per_node(rung) * rung.gpus_per_replica


def candidates_of(plan: StackPlan, placed: EndpointPlan) -> Iterator[Candidate]:
    """Other ways to serve the endpoint that have a price: its ladder, then what the deployment rules out."""
    if placed.pool:
        yield from _rungs(plan, placed)
        yield from _ruled_out(plan, placed)


def _rungs(plan: StackPlan, placed: EndpointPlan) -> Iterator[Candidate]:
    active = plan.pool(placed.pool).rung
    ladder = plan.ladders[placed.endpoint.name]
    number = 1 + next((index for index, rung in enumerate(ladder) if rung == active), 0)
    for place, rung in enumerate(ladder, start=1):
        hour = locked_hour(rung)
        if rung == active or hour is None:
            continue
        yield Candidate(
            place=f"{rung.cloud} {rung.region}",
            machine=rung.machine_type,
            purchase=rung.purchase,
            setting=serving_setting(placed, rung.accelerator, rung.gpus_per_replica),
            gpu_hour=hour,
            not_chosen=_not_chosen(plan, rung, active, place, number),
        )


def _ruled_out(plan: StackPlan, placed: EndpointPlan) -> Iterator[Candidate]:
    """What is not allowed: on demand, in each cloud's cheapest region, on every GPU that was timed."""
    endpoint, capacity = placed.endpoint, plan.deployment.capacity
    places = {str(place.cloud): set(place.regions) for place in plan.deployment.places}
    allowed = {find_gpu(name).id for name in capacity.accelerators if name != CPU}
    setting = serving_setting(placed, placed.accelerator, placed.gpus_per_replica)
    if placed.model is None:
        return
    for gpu in timed_gpus(setting, latency_target(endpoint.load)):
        ranked = rank_machines(
            placed.model,
            [find_gpu(gpu)],
            clouds=tuple(places),
            runtime=endpoint.runtime,
            runtime_version=endpoint.runtime_version or None,
            context_tokens=endpoint.context_tokens,
            concurrency=endpoint.concurrency,
            quantization=endpoint.quantization or None,
            kv_cache_dtype=endpoint.kv_cache_dtype or None,
        )
        for option in thin_out(ranked.found):
            price = option.on_demand
            reasons = [] if gpu in allowed else [f"`accelerators` does not allow {gpu}"]
            if price is not None and price.region not in places[option.cloud]:
                reasons.append(f"`places` does not allow {price.region}")
            if price is None or not reasons:
                continue
            serving = max(1, option.replicas_per_machine) * option.fit.gpus / option.machines
            hour = GpuHour(
                usd=price.usd / serving, purchase="on_demand", source=price.source, as_of=price.as_of
            )
            yield Candidate(
                place=f"{option.cloud} {price.region}",
                machine=option.machine_type,
                purchase="on_demand",
                setting=serving_setting(placed, gpu, option.fit.gpus),
                gpu_hour=hour,
                not_chosen=" and ".join(reasons),
            )


def _not_chosen(plan: StackPlan, rung: LockedRung, active: LockedRung, place: int, number: int) -> str:
    """Why the ladder has it elsewhere: the first thing that it is sorted by and in which the two differ."""
    capacity = plan.deployment.capacity
    for key in capacity.order:
        if key is OrderKey.ACCELERATOR and rung.accelerator != active.accelerator:
            order = [find_gpu(name).id for name in capacity.accelerators]
            return _prefers("accelerators", order, active.accelerator, rung.accelerator)
        if key is OrderKey.PURCHASE and rung.purchase != active.purchase:
            order = [str(kind) for kind in capacity.purchases]
            return _prefers("purchases", order, active.purchase, rung.purchase)
    if place < number:
        return f"rung {place}, above the active rung {number}: the lock has moved past it"
    return f"rung {place}, below the active rung {number}: {rung.reason}"


def _prefers(key: str, order: list[str], active: str, other: str) -> str:
    places = {name: index + 1 for index, name in enumerate(order)}
    if active not in places or other not in places:
        return f"`{key}` does not name it"
    return f"`{key}` has {active} as choice {places[active]} and {other} as choice {places[other]}"
