"""How long the loop may try, what it may buy, what it leaves behind."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from gpuyard.failover.candidate import Candidate
from gpuyard.stack.spec import Abandoned, Deployment

QUEUED = ("flex_start", "queued")


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """Limits and permissions of one run. Times in seconds."""

    rung_s: float = 1800
    """For one rung in a cluster that stands: longer means a stockout that nobody reported."""
    cluster_s: float = 1500
    """Added where the rung's cluster is not there yet."""
    queue_s: float = 4 * 3600
    """Instead of `rung_s` for flex-start and queued capacity, which waits by design."""
    total_s: float = 12 * 3600
    """For the whole run."""
    wait_s: float = 0
    """Longest wait for a blocked rung once no other is left; 0: the run ends with the ladder, and no rung
    is tried again that was refused in it."""
    retries: int = 5
    """Repeats of the same rung after throttling or a fault of the cloud; then the next rung."""
    keeps_clusters: bool = False
    """Whether clusters of abandoned rungs stay for the next run. Their GPU pools never stay."""
    probes: bool = True
    """Whether a rung is looked up before it is tried, where an API answers without buying."""
    watches: bool = True
    """Whether the clouds are asked during a try why machines do not come."""
    acknowledged: Mapping[str, float] = field(default_factory=dict)
    """USD that may be paid up front, by id of the offering. Whatever is not here is never bought."""
    tolerance: float = 0.005
    """By how much a price may differ from the acknowledged one."""

    def may_take(self, candidate: Candidate) -> bool:
        """Whether nothing stands against ``candidate``: no purchase that nobody acknowledged, nor more."""
        if candidate.obstacle:
            return False
        if not candidate.is_purchase:
            return True
        amount = self.acknowledged.get(candidate.offering) if candidate.offering else None
        if amount is None or candidate.usd_upfront is None:
            return False
        return candidate.usd_upfront <= amount * (1 + self.tolerance)

    def limit_s(self, candidate: Candidate, *, has_cluster: bool) -> float:
        """How long ``candidate`` may take before it is given up."""
        rung = self.queue_s if candidate.purchase in QUEUED else self.rung_s
        return rung if has_cluster else rung + self.cluster_s


def settings_of(deployment: Deployment) -> Settings:
    """The limits and permissions that a deployment states."""
    stated = deployment.failover
    return Settings(
        rung_s=60 * stated.rung_minutes,
        queue_s=3600 * stated.queue_hours,
        total_s=3600 * stated.total_hours,
        wait_s=60 * stated.wait_minutes,
        retries=stated.retries,
        keeps_clusters=stated.abandoned is Abandoned.KEEP,
        probes=stated.probe,
        watches=stated.watch,
        acknowledged={item.offering: item.amount_usd for item in deployment.capacity.acknowledge_purchase},
    )
