"""People, and the total cost of ownership beside the hosted alternative. Only what was declared."""

from gpuyard.records import record


@record
class People:
    """Time that somebody spends, as its owner declares it."""

    setup_hours: float
    monthly_hours: float
    usd_per_hour: float
    source: str
    """Where the numbers come from: ``our own time sheets, 2026``."""
    months: int = 12
    """Over how long ownership is added up."""

    @property
    def setup(self) -> float:
        """USD once."""
        return self.setup_hours * self.usd_per_hour

    @property
    def monthly(self) -> float:
        """USD per month."""
        return self.monthly_hours * self.usd_per_hour


@record
class Ownership:
    """Everything over the months, the hosted alternative beside it."""

    people: People
    setup_usd: float
    upkeep_usd_per_month: float
    cloud_usd_per_month: float
    """Machines and everything else at the expected load."""
    cloud_one_time: float
    total_usd: float
    """Over ``people.months``: cloud, one-time purchases, set-up and upkeep."""
    hosted_usd: float | None
    """The same tokens from the cheapest hosted API, over the same months; None: see `hosted`."""
    hosted: str
    """Whose prices those are, or why there are none."""
    cloud: str = ""
    """What the cloud's part leaves out; empty: nothing that is known of."""


def own(
    people: People,
    cloud_usd_per_month: float,
    one_time: float,
    hosted_monthly: float | None,
    hosted: str,
    cloud: str = "",
) -> Ownership:
    """Cloud and people over the months, beside ``hosted_monthly`` for the same tokens."""
    months = people.months
    return Ownership(
        people=people,
        setup_usd=people.setup,
        upkeep_usd_per_month=people.monthly,
        cloud_usd_per_month=cloud_usd_per_month,
        cloud_one_time=one_time,
        total_usd=people.setup + one_time + months * (people.monthly + cloud_usd_per_month),
        hosted_usd=None if hosted_monthly is None else hosted_monthly * months,
        hosted=hosted,
        cloud=cloud,
    )
