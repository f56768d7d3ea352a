"""Money per token, use and ownership of a stack: its plan as what `economics` takes."""

from collections.abc import Mapping, Sequence

from gpuyard.costs.cost_report import CostReport
from gpuyard.costs.usage import Usage
from gpuyard.economics.people import Ownership, People, own
from gpuyard.economics.token_economics import TokenEconomics, weigh_tokens
from gpuyard.economics.traffic import DerivedUsage, derive_usage, month_of
from gpuyard.resources import Resource
from gpuyard.stack.alternatives import candidates_of, gpu_hour
from gpuyard.stack.capacity_spec import CPU
from gpuyard.stack.demand_load import (
    Demand,
    demand_of,
    latency_target,
    own_timings,
    pool_urns,
    serving_setting,
    traffic_of,
)
from gpuyard.stack.plan import EndpointPlan, StackPlan, replicas_per_node
from gpuyard.units import HOURS_PER_MONTH

_NAT_TYPES = ("aws:ec2/natGateway:NatGateway", "gcp:compute/routerNat:RouterNat")


def tokens_section(
    plan: StackPlan, costs: CostReport, resources: Sequence[Resource] = ()
) -> dict[str, TokenEconomics]:
    """Money per token of each endpoint on GPUs, by name."""
    urns = pool_urns(plan, resources)
    shares = _shares(plan, costs, urns)
    return {
        placed.endpoint.name: _tokens(
            plan, placed, costs, shares[placed.endpoint.name], urns.get(placed.pool, "")
        )
        for placed in plan.endpoints
        if placed.accelerator != CPU
    }


def usage_of(plan: StackPlan, resources: Sequence[Resource] = ()) -> DerivedUsage:
    """Use that follows from the demand, in the shape of a usage file; every assumption by name."""
    gateways = {
        cluster.name: sum(
            resource.type in _NAT_TYPES and resource.name.startswith(cluster.name) for resource in resources
        )
        for cluster in plan.clusters
    }
    urns = pool_urns(plan, resources)
    return derive_usage(
        [traffic_of(plan, placed, urns.get(placed.pool, "")) for placed in plan.endpoints], gateways
    )


def price_usage(derived: Sequence[DerivedUsage]) -> Usage:
    """The derived use of a program's stacks as pricing takes it."""
    return Usage(
        resources={name: amounts for found in derived for name, amounts in found.resources.items()},
        types={name: amounts for found in derived for name, amounts in found.types.items()},
        free=tuple(entry for found in derived for entry in found.free),
    )


def ownership_of(plan: StackPlan, costs: CostReport, tokens: dict[str, TokenEconomics]) -> Ownership | None:
    """Cloud and people over the months beside hosted APIs; None: no people are declared."""
    declared = plan.deployment.people
    if declared is None:
        return None
    people = People(
        setup_hours=declared.setup_hours,
        monthly_hours=declared.monthly_hours,
        usd_per_hour=declared.usd_per_hour,
        source=declared.source,
        months=declared.months,
    )
    monthly, words = _hosted(plan, tokens)
    machines, cloud = _declared_machines(plan, tokens, costs.hours_per_month)
    expected = float(costs.monthly.expected) + machines
    return own(people, expected, float(costs.one_time), monthly, words, cloud)


def _declared_machines(plan: StackPlan, tokens: dict[str, TokenEconomics], hours: int) -> tuple[float, str]:
    """USD per month of GPUs on an existing cluster at the declared price, and what is not known of them."""
    total, unknown = 0.0, []
    for placed in plan.endpoints:
        if placed.pool:
            continue
        found = tokens.get(placed.endpoint.name)
        if found is None or found.gpu_hour is None:
            unknown.append(placed.endpoint.name)
            continue
        replicas = found.day.mean if found.day else placed.endpoint.replicas_min
        total += replicas * placed.gpus_per_replica * found.gpu_hour.usd * hours
    if unknown:
        return total, f"without the machines of {', '.join(unknown)}: no price of theirs is declared"
    return total, ""


def _tokens(
    plan: StackPlan, placed: EndpointPlan, costs: CostReport, share: float, urn: str
) -> TokenEconomics:
    spec, demand = placed.endpoint.load, demand_of(placed)
    setting = serving_setting(placed, placed.accelerator, placed.gpus_per_replica)
    return weigh_tokens(
        setting,
        latency_target(spec),
        load=demand.load,
        own=own_timings(spec, setting),
        gpu_hour=gpu_hour(plan, placed, costs, urn),
        day=demand.day,
        utilisation=_utilisation(plan, placed, demand),
        usd_per_month=float(costs.monthly.expected) * share if share and placed.pool else None,
        hours_per_month=costs.hours_per_month,
        candidates=tuple(candidates_of(plan, placed)),
    )


def _utilisation(plan: StackPlan, placed: EndpointPlan, demand: Demand) -> float | None:
    """Share of the billed serving GPUs in use; None: no load, or no known throughput."""
    if demand.day is None or demand.load is None:
        return None
    if not placed.pool:
        return demand.day.utilisation
    rung = plan.pool(placed.pool).rung
    billed = month_of(traffic_of(plan, placed)).nodes / rung.nodes_per_replica * replicas_per_node(rung)
    return min(1.0, demand.day.utilisation * demand.day.mean / billed) if billed else None


def _shares(plan: StackPlan, costs: CostReport, urns: Mapping[str, str]) -> dict[str, float]:
    """Each endpoint's share of the stack's cost: by what its own pool costs; even where one is not known."""
    own = {urn: 0.0 for urn in urns.values() if urn}
    for item in costs.items:
        if item.urn in own and item.effective is not None:
            own[item.urn] += float(item.effective.expected)
    weights = {placed.endpoint.name: own.get(urns.get(placed.pool, ""), 0.0) for placed in plan.endpoints}
    total = sum(weights.values())
    if not all(weights.values()):
        return {name: 1 / len(weights) for name in weights}
    return {name: weight / total for name, weight in weights.items()}


def _hosted(plan: StackPlan, tokens: dict[str, TokenEconomics]) -> tuple[float | None, str]:
    """The cheapest hosted API for every endpoint's load together, per month."""
    total, names = 0.0, []
    for placed in plan.endpoints:
        found = tokens.get(placed.endpoint.name)
        if found is None or found.requests_per_month is None:
            return None, f"{placed.endpoint.name} declares no load, so there is nothing to compare"
        if not found.hosted:
            return None, f"no hosted price of {placed.endpoint.model} is known"
        best = found.hosted[0]
        total += best.usd_per_month or 0.0
        names.append(f"{placed.endpoint.name}: {best.provider}, {best.as_of}")
    return total, "; ".join(names) + f"; {HOURS_PER_MONTH} hours a month, list prices, people not counted"
