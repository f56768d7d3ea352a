"""Offers: what one source says that one machine type costs in one place."""

from collections.abc import Mapping
from functools import cache

from gpuyard.catalog.tables import read_csv
from gpuyard.records import record


@record
class Offer:
    """A machine type in a region, or in one zone of it, with its prices in USD per machine-hour."""

    cloud: str
    machine_type: str
    region: str
    zone: str = ""
    """AWS zone id or GCP zone name; empty: the whole region."""
    on_demand: float | None = None
    spot: float | None = None
    source: str
    as_of: str
    gpus: float = 0
    """GPUs that the price is for; 0: as many as the machine type has."""
    flag: str = ""
    """Doubts that the source itself has."""

    @property
    def in_local_zone(self) -> bool:
        """Whether the zone is an AWS local zone (``use1-atl2-az1``), whose prices are not the region's."""
        return self.cloud == "aws" and self.zone.count("-") > 1

    @property
    def is_derived(self) -> bool:
        """Whether the price was computed from another one."""
        return "derived" in self.flag


@cache
def shipped_offers() -> tuple[Offer, ...]:
    """Every row of ``gpu_prices.csv``, sane or not."""
    return tuple(_offer(row) for row in read_csv("gpu_prices"))


def money(text: str | None) -> float | None:
    """The number in a cell; None: empty, or words."""
    try:
        return float(text or "")
    except ValueError:
        return None


def _offer(row: Mapping[str, str]) -> Offer:
    return Offer(
        cloud=row["cloud"],
        machine_type=row["instance_type"],
        region=row["region"],
        zone=row["zone"],
        on_demand=money(row["usd_per_hour_ondemand"]),
        spot=money(row["usd_per_hour_spot"]),
        source=row["source"],
        as_of=row["price_date_to"],
        flag=row["flag"],
    )
