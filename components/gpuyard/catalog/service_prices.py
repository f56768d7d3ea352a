"""Dated prices of services, tier by tier: ``service_prices.csv``, and behind it the flat component table."""

from collections.abc import Mapping
from dataclasses import replace
from functools import cache

from gpuyard.catalog.component_prices import component
from gpuyard.catalog.price import Price, Tier
from gpuyard.catalog.regional_factors import HOME as GCP_HOME
from gpuyard.catalog.regional_factors import carry
from gpuyard.catalog.tables import read_csv

_EQUAL_TO_HOME = ("us-east-2", "us-west-2")
"""Regions with the us-east-1 price in every row seen (2026-07)."""
_HOME = "us-east-1"


def service_tiers(cloud: str, service: str, item: str, region: str) -> tuple[Tier, ...]:
    """What ``item`` costs, from which monthly amount on, in the unit of the price; empty: not known.

    Rows of the region come first, then rows of every region, then the flat table, then, at AWS, us-east-1
    for the two regions that have always had its prices, and at Google what carries over from us-central1;
    such a price says that it is derived.
    """
    table = _table()
    for place in (region, "all"):
        found = table.get((cloud, service, item, place))
        if found:
            return _with_sku(found, service, item, region) if cloud == "aws" else found
    flat = component(cloud, service, region, item) if region else None
    if flat is not None:
        return _with_sku((Tier(from_gb=0, price=flat),), service, item, region)
    if cloud == "gcp":
        return carry(service, item, region, lambda: service_tiers(cloud, service, item, GCP_HOME))
    if cloud == "aws" and region in _EQUAL_TO_HOME:
        home = table.get((cloud, service, item, _HOME), ())
        note = f"derived: the {_HOME} price, equal in every row seen"
        return tuple(replace(tier, price=tier.price.noted(note)) for tier in home)
    return ()


def service_price(cloud: str, service: str, item: str, region: str) -> Price | None:
    """The price of ``item`` from the first unit on; None: not known."""
    tiers = service_tiers(cloud, service, item, region)
    return tiers[0].price if tiers else None


def aws_sku(service: str, item: str, region: str) -> str:
    """AWS's id of what is sold there; empty: not in public data."""
    return _skus().get((service, item, region), "")


def _with_sku(tiers: tuple[Tier, ...], service: str, item: str, region: str) -> tuple[Tier, ...]:
    """The tiers with their SKU, where there is one tier: others have an id for each."""
    sku = aws_sku(service, item, region) if len(tiers) == 1 else ""
    return tuple(replace(tier, price=replace(tier.price, sku=sku)) for tier in tiers) if sku else tiers


@cache
def _skus() -> Mapping[tuple[str, str, str], str]:
    return {(row["service"], row["item"], row["region"]): row["sku"] for row in read_csv("aws_skus")}


@cache
def _table() -> Mapping[tuple[str, str, str, str], tuple[Tier, ...]]:
    found: dict[tuple[str, str, str, str], list[Tier]] = {}
    for row in read_csv("service_prices"):
        price = Price(
            usd=float(row["price"]),
            unit=row["unit"],
            source=row["source"],
            as_of=row["as_of"],
            note=row["note"],
        )
        key = (row["cloud"], row["service"], row["item"], row["region"])
        found.setdefault(key, []).append(Tier(from_gb=float(row["from"]), price=price))
    return {key: tuple(sorted(tiers, key=lambda tier: tier.from_gb)) for key, tiers in found.items()}
