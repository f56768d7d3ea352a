"""List prices of every machine type, GPU or not, from the wide tables; and the few that are derived."""

import csv
import re
from collections.abc import Mapping
from functools import cache
from statistics import median
from sys import intern

from gpuyard.catalog.offers import money
from gpuyard.catalog.price import Price
from gpuyard.catalog.tables import DATA, read_csv

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
    usd = _gce().get((machine_type, region))
    source = "Cyclenerd/google-cloud-pricing-cost-calculator (Apache-2.0)"
    return None if usd is None else Price(usd=usd, unit="USD/hour", source=source, as_of=GCP_AS_OF)


def gce_spot_price(machine_type: str, region: str) -> Price | None:
    """The spot price that Google lists for a machine type. None: no row, or not below on demand."""
    usd, listed = (
        _gce_column("usd_per_hour_spot").get((machine_type, region)),
        _gce().get((machine_type, region)),
    )
    if usd is None or (listed is not None and usd >= listed):
        return None
    source = "Cyclenerd/google-cloud-pricing-cost-calculator (Apache-2.0)"
    return Price(usd=usd, unit="USD/hour", source=source, as_of=GCP_AS_OF)


def gce_committed_prices(machine_type: str, region: str) -> Mapping[str, Price]:
    """USD per machine-hour under a resource commitment, by term (``1y``, ``3y``); a month has 730 hours."""
    source = "Cyclenerd/google-cloud-pricing-cost-calculator (Apache-2.0)"
    found: dict[str, Price] = {}
    for term in ("1y", "3y"):
        monthly = _gce_column(f"usd_per_month_{term}").get((machine_type, region))
        if monthly is not None:
            usd = round(monthly / 730, 8)
            found[term] = Price(usd=usd, unit="USD/hour", source=source, as_of=GCP_AS_OF)
    return found


def gce_shape(machine_type: str) -> tuple[float, float] | None:
    """How many vCPUs and GiB of memory a Google machine type has. None: no row."""
    return _gce_shapes().get(machine_type)


def gce_types() -> frozenset[str]:
    """Every Google machine type of the wide table."""
    return _gce_types()


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
    return machine_type in _gce_types()


@cache
def _gce_shapes() -> Mapping[str, tuple[float, float]]:
    with (DATA / "gcp_machine_prices.csv").open(encoding="utf-8", newline="") as file:
        rows = csv.reader(file)
        header = next(rows)
        name, vcpus, gib = (header.index(key) for key in ("machine_type", "vcpu", "memory_gib"))
        return {intern(row[name]): (float(row[vcpus]), float(row[gib])) for row in rows}


@cache
def _gce_types() -> frozenset[str]:
    return frozenset(name for name, _ in _gce())


@cache
def _peer_factors(region: str) -> Mapping[str, float]:
    pairs = {peer: (ec2_price(peer, region), ec2_price(peer, _HOME)) for peer in _PEERS}
    return {peer: there.usd / home.usd for peer, (there, home) in pairs.items() if there and home}


@cache
def _ec2() -> Mapping[str, Mapping[str, str]]:
    return {row["instance_type"]: row for row in read_csv("ec2_on_demand")}


def _gce() -> Mapping[tuple[str, str], float]:
    return _gce_column("usd_per_hour")


@cache
def _gce_column(column: str) -> Mapping[tuple[str, str], float]:
    """One price column by machine type and region.

    Read without `read_csv`: a dict for each of 16,000 rows would be most of the catalog's memory.
    """
    with (DATA / "gcp_machine_prices.csv").open(encoding="utf-8", newline="") as file:
        rows = csv.reader(file)
        header = next(rows)
        name, region, usd = (header.index(key) for key in ("machine_type", "region", column))
        return {(intern(row[name]), intern(row[region])): float(row[usd]) for row in rows if row[usd]}
