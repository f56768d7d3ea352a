"""List prices of every machine type, GPU or not, from the wide tables; and the few that are derived."""

import re
from collections.abc import Mapping
from functools import cache
from statistics import median

from gpuyard.catalog.gce_types import gce_rows, gce_types
from gpuyard.catalog.offers import money
from gpuyard.catalog.price import Price
from gpuyard.catalog.tables import read_csv

EC2_REST_AS_OF = "2025-04-24"
EC2_HOME_AS_OF = "2026-07-06"
GCP_AS_OF = "2026-07-30"
_HOME = "us-east-1"
_EC2_CHANGED = re.compile(r"^(p4d|p4de|p5|p5e|p5en|u7i)|\.metal")
"""Families whose us-east-1 price changed after 2025-04: their regional prices of that date are not used."""
_EQUAL_TO_HOME = ("us-east-2", "us-west-2")
"""Regions with the us-east-1 price in every GPU row seen (2026-07)."""
_PEERS = ("g5.xlarge", "g6.xlarge", "g6e.xlarge")
"""Types whose regional factors agree within 1 % wherever two of them are sold (checked 2026-11)."""


def ec2_price(machine_type: str, region: str) -> Price | None:
    """The on-demand price of an EC2 type, Linux, shared tenancy. None: no row that still holds."""
    row = _ec2().get(machine_type)
    usd = money(row.get(region)) if row else None
    if usd is None:
        return None
    if region == _HOME:
        return Price(usd=usd, unit="USD/hour", source="karpenter-provider-aws v1.14.1", as_of=EC2_HOME_AS_OF)
    if _EC2_CHANGED.search(machine_type):
        return None
    return Price(usd=usd, unit="USD/hour", source="ec2instances.info (MIT)", as_of=EC2_REST_AS_OF)


def ec2_vcpus(machine_type: str) -> int | None:
    """How many vCPUs an EC2 type has. None: no row."""
    row = _ec2().get(machine_type)
    return None if row is None else int(row["vcpu"])


def gce_price(machine_type: str, region: str) -> Price | None:
    """The on-demand price of a Google machine type; A2, A3, G2 and G4 with their GPUs. None: no row."""
    usd = _cell(machine_type, region, "usd_per_hour")
    return None if usd is None else _listed(usd)


def gce_spot_price(machine_type: str, region: str) -> Price | None:
    """The spot price that Google lists for a machine type. None: no row, or not below on demand."""
    usd, listed = (_cell(machine_type, region, key) for key in ("usd_per_hour_spot", "usd_per_hour"))
    return None if usd is None or (listed is not None and usd >= listed) else _listed(usd)


def gce_committed_prices(machine_type: str, region: str) -> Mapping[str, Price]:
    """USD per machine-hour under a resource commitment, by term (``1y``, ``3y``); a month has 730 hours."""
    monthly = {term: _cell(machine_type, region, f"usd_per_month_{term}") for term in ("1y", "3y")}
    return {term: _listed(round(usd / 730, 8)) for term, usd in monthly.items() if usd is not None}


def derived_price(machine_type: str, region: str, home: Price | None) -> Price | None:
    """The price of an EC2 GPU type from its us-east-1 price and what is known of the region.

    Only where the evidence is plain: regions that equal us-east-1 in every row, and G types that follow
    the factor of G5, G6 and G6e. The note says that it is derived, and from what.
    """
    if home is None:
        return None
    if region in _EQUAL_TO_HOME:
        return home.noted(f"derived: {region} has had the {_HOME} price in every GPU row seen")
    if not re.match(r"(g6f|gr6f|g6e|g6|g5|g7e|g7)\.", machine_type) or machine_type.endswith(".metal"):
        return None
    factors = _peer_factors(region)
    if not factors or max(factors.values()) > 1.01 * min(factors.values()):
        return None
    factor = median(factors.values())
    price = Price(usd=round(home.usd * factor, 5), unit=home.unit, source=home.source, as_of=EC2_REST_AS_OF)
    return price.noted(
        f"derived: {_HOME} price x {factor:.4f}, the factor of {', '.join(factors)} in {region}"
    )


def ec2_regions() -> tuple[str, ...]:
    """The regions that the EC2 table has a column for."""
    columns = list(read_csv("ec2_on_demand")[0])
    return tuple(columns[columns.index("memory_gib") + 1 :])


def is_priced_type(cloud: str, machine_type: str) -> bool:
    """Whether the wide tables have the machine type at all, GPU or not."""
    if cloud == "aws":
        return machine_type in _ec2()
    return machine_type in gce_types()


@cache
def _peer_factors(region: str) -> Mapping[str, float]:
    pairs = {peer: (ec2_price(peer, region), ec2_price(peer, _HOME)) for peer in _PEERS}
    return {peer: there.usd / home.usd for peer, (there, home) in pairs.items() if there and home}


@cache
def _ec2() -> Mapping[str, Mapping[str, str]]:
    return {row["instance_type"]: row for row in read_csv("ec2_on_demand")}


def _cell(machine_type: str, region: str, column: str) -> float | None:
    return money(gce_rows(machine_type).get(region, {}).get(column))


def _listed(usd: float) -> Price:
    source = "Cyclenerd/google-cloud-pricing-cost-calculator (Apache-2.0)"
    return Price(usd=usd, unit="USD/hour", source=source, as_of=GCP_AS_OF)
