"""Replicas over the day: what a load takes, hour by hour, within what is allowed."""

from math import ceil

from gpuyard.economics.load import HOURS_PER_DAY, Load
from gpuyard.records import record

_EPSILON = 1e-9
"""A load that fills replicas exactly takes no further one for a rounding error."""


@record
class ReplicaDay:
    """Replicas by hour of a busy day, and over the week."""

    by_hour: tuple[int, ...]
    """24 numbers, between the minimum and the maximum."""
    needed: int
    """In the busiest hour, whatever the maximum."""
    idle: int
    """With nothing to do: the minimum."""
    mean: float
    """Over the week, days without load at the minimum."""
    peak: int
    """In the busiest hour, as allowed."""
    utilisation: float
    """Share of the replicas' capacity that serves, over the week."""
    lost_share: float
    """Share of the requests beyond what the maximum serves at all."""


def plan_day(
    load: Load, requests_per_s_per_replica: float, *, target_utilisation: float, lowest: int, highest: int
) -> ReplicaDay:
    """Replicas that keep each hour at ``target_utilisation`` or below, between ``lowest`` and ``highest``."""
    room = requests_per_s_per_replica * target_utilisation
    wanted = [ceil(rate / room - _EPSILON) for rate in load.hourly]
    by_hour = tuple(min(max(count, lowest), highest) for count in wanted)
    busy = load.days_per_week / 7
    mean = busy * sum(by_hour) / HOURS_PER_DAY + (1 - busy) * lowest
    served = [
        min(rate, count * requests_per_s_per_replica)
        for rate, count in zip(load.hourly, by_hour, strict=True)
    ]
    asked = sum(load.hourly)
    return ReplicaDay(
        by_hour=by_hour,
        needed=max(*wanted, lowest),
        idle=lowest,
        mean=mean,
        peak=max(by_hour),
        utilisation=sum(served) / HOURS_PER_DAY * busy / (mean * requests_per_s_per_replica) if mean else 0.0,
        lost_share=max(0.0, 1 - sum(served) / asked) if asked else 0.0,
    )
