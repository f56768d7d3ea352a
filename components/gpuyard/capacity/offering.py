"""An offering: one machine type in one place, bought in one way, with what is known of it."""

from functools import cache

from gpuyard.catalog.capacity_terms import Terms
from gpuyard.catalog.hardware import MachineType
from gpuyard.catalog.quotas import Bucket
from gpuyard.records import record


@record
class Rate:
    """What one machine costs per hour, and how well that is known."""

    usd: float | None
    """Expected USD per machine-hour; None: unknown."""
    usd_low: float | None = None
    usd_high: float | None = None
    """P10 and P90 where the price is a distribution (spot), bounds where only those are published."""
    source: str = ""
    as_of: str = ""
    note: str = ""

    @property
    def expected_usd(self) -> float | None:
        """The mean of the distribution where there is one (Swanson's rule: 0.3, 0.4, 0.3 of P10, P50, P90).

        The upper bound where only bounds are known; else the price.
        """
        if self.usd is None:
            return self.usd_high
        if self.usd_low is None or self.usd_high is None:
            return self.usd
        return 0.3 * self.usd_low + 0.4 * self.usd + 0.3 * self.usd_high


@record
class Odds:
    """How likely capacity is to come, and when."""

    probability: float
    probability_basis: str
    """``guess``, or the evidence with its date."""
    wait_hours: float
    learn_hours: float
    """Until a refusal is known."""
    reclaims_per_hour: float
    """Machines taken back, per machine."""
    reclaims_basis: str = ""


@record
class Offering:
    """What a cloud sells, or the account holds: machine type, place and way of buying."""

    id: str
    """``cloud/region/zone/machine/purchase``, or the cloud's own id of a reservation or block offer."""
    cloud: str
    region: str
    zones: tuple[str, ...]
    """AWS zone ids or GCP zone names; empty: not known."""
    machine: MachineType
    purchase: str
    rate: Rate
    odds: Odds
    buckets: tuple[Bucket, ...] | None
    """Limits that a machine counts against; None: not known."""
    not_sold: str = ""
    """Why it is not to be had whatever the demand; empty: it is sold."""
    reservation: str = ""
    """Id or name of what the account holds."""
    nodes: int | None = None
    """Machines that it holds or sells; None: any number."""
    starts: str = ""
    ends: str = ""
    """ISO time; empty: at once, without end."""
    hours: float | None = None
    """Length of what is sold as a whole."""
    usd_upfront: float | None = None
    """For the whole of it, paid before the start."""
    placement_group: str = ""
    """The reservation's own."""

    @property
    def place(self) -> str:
        """Cloud, region and, where it is one, the zone; Google's zones name their region."""
        if len(self.zones) != 1:
            return f"{self.cloud} {self.region}"
        zone = self.zones[0]
        return (
            f"{self.cloud} {zone}" if zone.startswith(self.region) else f"{self.cloud} {self.region} {zone}"
        )


PLACE_UNPROVEN = 0.5
"""Factor on the odds of a region in which no zone is known to sell the machine type: a guess."""


@cache
def terms_as_odds(terms: Terms, reclaims_per_hour: float | None = None, *, is_proven: bool = True) -> Odds:
    """What the catalog expects; a published reclaim rate wins over its guess.

    ``is_proven`` is False where no zone of the region is known to sell the machine type.
    """
    return Odds(
        probability=terms.probability * (1 if is_proven else PLACE_UNPROVEN),
        probability_basis=terms.basis + ("" if is_proven else ", halved: no zone is known to sell it"),
        wait_hours=terms.wait_hours,
        learn_hours=terms.learn_hours,
        reclaims_per_hour=terms.reclaims_per_hour if reclaims_per_hour is None else reclaims_per_hour,
        reclaims_basis=terms.basis if reclaims_per_hour is None else "AWS Spot Advisor band (2025-04-24)",
    )
