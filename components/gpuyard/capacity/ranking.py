"""What it is expected to cost to be served from an offering, waits, refusals and reclaims included.

Offerings are tried one after the other until one works. An attempt that fails costs the time until that
is known. For such a search, trying in ascending order of ``cost if it works + cost of failing / odds`` is
optimal (Weitzman, "Optimal Search for the Best Alternative", Econometrica 47(3), 1979): that sum, spread
over the hours of service, is the rank. `docs/explanation/ladder.md` works an example.
"""

from functools import cache

from gpuyard.capacity.constraints import Scope, Size, committed_hours, wait_hours
from gpuyard.capacity.demand import Demand, Purchase
from gpuyard.capacity.offering import Offering
from gpuyard.capacity.offerings import catalog_offerings
from gpuyard.capacity.rung import Cost

ODDS_MIN = 0.01
"""Odds below this count as this, so that an attempt costs something finite."""
USD_PER_GPU_HOUR_UNPRICED = 10.0
"""What a GPU-hour counts as where no on-demand price of the accelerator is published anywhere: a guess."""


def usd_per_hour_unserved(demand: Demand) -> float:
    """What an hour without the service costs: stated, or that of on-demand machines at their cheapest.

    Over every region of the catalog, not the allowed ones: allowing another region then changes no rank
    among the others. Two digits, so that a small change of price does not touch every rung of a lock.
    """
    stated = demand.weights.usd_per_hour_unserved
    if stated is not None:
        return stated
    need = demand.needs[0]
    replicas = max(1, demand.replicas_min)
    return float(f"{_usd_per_gpu_hour(need.accelerator) * need.gpus_per_replica * replicas:.2g}")


def expected_cost(
    scope: Scope, offering: Offering, size: Size, nodes_per_replica: int, unserved: float
) -> Cost:
    """The expected cost per served hour, moving apart."""
    odds, weights = offering.odds, scope.demand.weights
    hours = scope.hours or weights.hours
    chance = max(ODDS_MIN, odds.probability)
    lost = odds.learn_hours * (1 - chance) / chance
    machines = offering.rate.expected_usd
    if machines is not None:
        machines *= size.nodes_min or 1
        committed = committed_hours(offering, scope.hours)
        if committed is not None and committed > hours:
            machines *= committed / hours
    again = weights.recovery_hours + odds.wait_hours + lost
    return Cost(
        machines=machines,
        interruptions=odds.reclaims_per_hour * unserved * nodes_per_replica * again,
        waiting=unserved * wait_hours(offering, scope.today) / hours,
        refusals=unserved * lost / hours,
    )


def move(scope: Scope, cost: Cost) -> Cost:
    """With a region that nothing uses yet: its fixed cost, and both running while the service moves."""
    weights = scope.demand.weights
    hours = scope.hours or weights.hours
    moving = weights.usd_per_hour_extra_region + (cost.machines or 0.0) * weights.switch_hours / hours
    return Cost(
        machines=cost.machines,
        interruptions=cost.interruptions,
        waiting=cost.waiting,
        refusals=cost.refusals,
        moving=moving,
    )


UNPRICED = Cost(machines=None, interruptions=0.0, waiting=0.0, refusals=0.0)
"""Of what is not worth working out."""


@cache
def _usd_per_gpu_hour(gpu: str) -> float:
    """The cheapest published on-demand price of one GPU, anywhere."""
    prices = [
        offering.rate.usd / offering.machine.gpu_count
        for offering in catalog_offerings(gpu, by_zone=False)
        if offering.purchase == Purchase.ON_DEMAND and not offering.not_sold and offering.rate.usd
    ]
    return min(prices, default=USD_PER_GPU_HOUR_UNPRICED)
