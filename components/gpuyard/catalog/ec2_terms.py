"""What an EC2 machine costs beyond Linux on shared hardware: licensed systems, dedicated hardware."""

from collections.abc import Mapping
from dataclasses import replace
from decimal import Decimal
from functools import cache

from gpuyard.catalog.list_prices import ec2_vcpus
from gpuyard.catalog.price import Price
from gpuyard.catalog.tables import read_csv

_DEDICATED_REGION = "eu-west-1"
_DEDICATED_AS_OF = "2023-02-23"
_DEDICATED_SOURCE = "AWS price list of eu-west-1 in a test dump of cycloidio/terracost"
SYSTEMS = {
    "linux": "linux",
    "linux/unix": "linux",
    "windows": "windows",
    "rhel": "rhel",
    "red hat enterprise linux": "rhel",
    "suse": "suse",
    "suse linux": "suse",
}
"""Operating systems by what usage files and capacity reservations call them, in lower case."""


def with_system(price: Price, system: str, machine_type: str) -> Price | None:
    """The price of an hour with a licensed system on top; None: its fee is not known.

    Fees are the same in every region: a type's own row first, else the row of its number of vCPUs.
    """
    if system == "linux":
        return price
    vcpus = ec2_vcpus(machine_type)
    row = _fees().get((system, machine_type)) or (None if vcpus is None else _by_size(system, vcpus))
    if row is None or vcpus is None:
        return None
    each = row["usd_per_vcpu_hour"]
    fee = Decimal(each) * vcpus if each else Decimal(row["usd_per_hour"])
    how = f"{each} per vCPU" if each else f"{fee} per hour"
    usd = float(Decimal(str(price.usd)) + fee)
    return replace(price, usd=usd).noted(
        f"with a {system} fee of {how}, as of {row['as_of']} ({row['source']})"
    )


def on_dedicated(price: Price, machine_type: str, region: str) -> Price | None:
    """The price of an hour on dedicated hardware, from the shared one; None: not known for the family.

    Listed in one region; elsewhere the shared price times the factor of the family's largest type, which
    rounding touches least.
    """
    row = _dedicated().get(machine_type)
    if row is not None and region == _DEDICATED_REGION:
        usd = float(row["usd_per_hour"])
        return Price(usd=usd, unit=price.unit, source=_DEDICATED_SOURCE, as_of=_DEDICATED_AS_OF)
    family = machine_type.partition(".")[0]
    factor = _factors().get(family)
    if factor is None or ".metal" in machine_type:
        return None
    found = replace(price, usd=round(price.usd * factor, 6))
    return found.noted(
        f"derived: the shared price x {factor:.4f}, the factor of {family} in {_DEDICATED_REGION}"
    )


def _by_size(system: str, vcpus: int) -> Mapping[str, str] | None:
    rows = [
        row
        for row in read_csv("ec2_system_fees")
        if row["system"] == system and not row["instance_type"] and int(row["from_vcpu"]) <= vcpus
    ]
    return max(rows, key=lambda row: int(row["from_vcpu"]), default=None)


@cache
def _fees() -> Mapping[tuple[str, str], Mapping[str, str]]:
    rows = read_csv("ec2_system_fees")
    return {(row["system"], row["instance_type"]): row for row in rows if row["instance_type"]}


@cache
def _dedicated() -> Mapping[str, Mapping[str, str]]:
    return {row["instance_type"]: row for row in read_csv("ec2_dedicated")}


@cache
def _factors() -> Mapping[str, float]:
    largest: dict[str, tuple[float, float]] = {}
    for row in read_csv("ec2_dedicated"):
        family, shared = row["instance_type"].partition(".")[0], float(row["shared_usd_per_hour"])
        if shared > largest.get(family, (0.0, 0.0))[0]:
            largest[family] = (shared, float(row["usd_per_hour"]))
    return {family: round(usd / shared, 4) for family, (shared, usd) in largest.items()}
