"""Rungs, exclusions and the ladder that they make.

Rungs and costs are named tuples: a ladder makes hundreds, and they cost a third of a frozen dataclass.
"""

from math import inf
from typing import NamedTuple

from gpuyard.capacity.demand import PURCHASES_COMMITTED, Demand, GpuNeed, Purchase
from gpuyard.capacity.offering import Offering, Rate
from gpuyard.capacity.quota import QuotaAsk, QuotaCheck, Verdict, overall, quota_asks
from gpuyard.records import record

COMPACT_FLEX_FAMILIES = ("a3-ultragpu", "a4-highgpu")
"""Google families whose flex-start nodes can be placed close together (cluster-toolkit 1.95.0, 2026-06)."""


class Cost(NamedTuple):
    """Expected cost of being served from an offering, USD per served hour, by what causes it."""

    machines: float | None
    """None: the price is unknown."""
    interruptions: float
    """Reclaims, times the time until serving again, times what an unserved hour costs."""
    waiting: float
    """The wait for the capacity, spread over the hours of service."""
    refusals: float
    """Time lost to refusals before it works or is given up, by its odds, spread likewise."""
    moving: float = 0.0
    """A region that nothing else uses: its fixed cost, and both running while the service moves."""

    @property
    def total(self) -> float | None:
        """The sum; None: the price is unknown."""
        return None if self.machines is None else self.machines + self.friction

    @property
    def rank(self) -> tuple[float, float]:
        """What rungs are sorted by: the sum, known ones first, then what comes on top of the machines."""
        friction = self.friction
        total = inf if self.machines is None else self.machines + friction
        return round(total, 6), round(friction, 6)

    @property
    def friction(self) -> float:
        """All but the machines."""
        return self.interruptions + self.waiting + self.refusals + self.moving

    def describe(self) -> str:
        """The sum and its parts, those that matter."""
        parts = [
            f"{value:,.2f} {name}"
            for name, value in (
                ("interruptions", self.interruptions),
                ("waiting", self.waiting),
                ("refusals", self.refusals),
                ("moving", self.moving),
            )
            if value >= 0.005
        ]
        if self.machines is None:
            return " + ".join(["price unknown", *parts])
        return f"${self.machines + self.friction:,.2f}/h expected: " + " + ".join(
            [f"{self.machines:,.2f} machines", *parts]
        )


class Rung(NamedTuple):
    """One offering with the count that meets the demand."""

    offering: Offering
    need: GpuNeed
    choice: int
    """Place of the accelerator among the alternatives, from 1."""
    choices: int
    nodes_min: int
    nodes_max: int
    zones: tuple[str, ...]
    """AWS zone ids or GCP zone names: those of the offering that are allowed; empty: not known."""
    cost: Cost
    quota_checks: tuple[QuotaCheck, ...] | None
    """None: the limits it counts against are not known."""
    usd_committed: float | None = None
    """What buying it commits to, whether used or not; None: nothing, or unknown (see `is_commitment`)."""

    @property
    def cloud(self) -> str:
        """``aws`` or ``gcp``."""
        return self.offering.cloud

    @property
    def region(self) -> str:
        """Region of the zones."""
        return self.offering.region

    @property
    def machine_type(self) -> str:
        """The machine type's name."""
        return self.offering.machine.id

    @property
    def accelerator(self) -> str:
        """The GPU's id."""
        return self.need.accelerator

    @property
    def purchase(self) -> str:
        """How it is bought: a value of `Purchase`."""
        return self.offering.purchase

    @property
    def rate(self) -> Rate:
        """What one machine costs per hour."""
        return self.offering.rate

    @property
    def gpus_per_node(self) -> int:
        """GPUs of one machine."""
        return int(self.offering.machine.gpu_count)

    @property
    def is_held(self) -> bool:
        """Whether the account holds and pays it already."""
        return bool(self.offering.reservation)

    @property
    def is_commitment(self) -> bool:
        """Whether buying it needs an acknowledgement."""
        return not self.is_held and self.purchase in PURCHASES_COMMITTED

    @property
    def is_compact(self) -> bool:
        """Google: place the nodes close together; gangs outside reservations, where GKE allows it."""
        offering = self.offering
        if self.need.nodes_per_replica == 1 or offering.cloud != "gcp" or offering.reservation:
            return False
        if offering.purchase == Purchase.FLEX_START:
            return offering.machine.family in COMPACT_FLEX_FAMILIES
        return offering.purchase != Purchase.QUEUED

    @property
    def usd_per_hour(self) -> float | None:
        """Expected USD per hour of the nodes that are always on."""
        usd = self.rate.expected_usd
        return None if usd is None else usd * self.nodes_min

    @property
    def quota_verdict(self) -> Verdict:
        """Over every limit."""
        return overall(self.quota_checks)

    @property
    def quota(self) -> str:
        """The limits it counts against, in words."""
        if self.quota_checks is None:
            return "not known"
        return " + ".join(
            f"{check.bucket.code} {check.bucket.gpu_family}".rstrip() for check in self.quota_checks
        )

    @property
    def reason(self) -> str:
        """Why it stands where it stands, one line."""
        first = "held and idle, so before everything that costs money; " if self.is_held else ""
        choice = f"{self.accelerator} is choice {self.choice} of {self.choices}; " if self.choices > 1 else ""
        return f"{first}{choice}{self.cost.describe()}"


@record
class Exclusion:
    """An offering that is left out, and why."""

    what: str
    """Place, machine type and purchase, in words."""
    reason: str
    rules: tuple[str, ...] = ()
    """Names of the constraints that it breaks."""
    offering: str = ""
    """Its id; empty: there is no such offering."""
    cloud: str = ""
    region: str = ""
    zones: tuple[str, ...] = ()
    machine_type: str = ""
    purchase: str = ""
    quota_checks: tuple[QuotaCheck, ...] = ()
    """The arithmetic, where a limit is too small."""


@record
class Ladder:
    """Rungs in order, and what was left out."""

    demand: Demand
    rungs: tuple[Rung, ...]
    excluded: tuple[Exclusion, ...]
    as_of: str = ""
    """The day that waits count from."""

    @property
    def candidates(self) -> int:
        """Offerings that were judged: rungs, and existing ones that were left out."""
        return len(self.rungs) + sum(bool(item.offering) for item in self.excluded)

    def quota_asks(self) -> tuple[QuotaAsk, ...]:
        """Requests for every limit that rungs or left-out offerings lack or that nobody has read."""
        checks = [check for rung in self.rungs for check in rung.quota_checks or ()]
        checks += [check for item in self.excluded for check in item.quota_checks]
        return quota_asks(checks)
