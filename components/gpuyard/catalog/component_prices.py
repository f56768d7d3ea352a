"""Dated prices of what stands beside the machine: control planes, disks, NAT, balancers, traffic."""

from collections.abc import Mapping
from functools import cache

from gpuyard.catalog.list_prices import GCP_AS_OF
from gpuyard.catalog.offers import money
from gpuyard.catalog.price import Price, Tier
from gpuyard.catalog.tables import read_csv

_EGRESS_AS_OF = "2024-08-09"


def component(cloud: str, component: str, region: str, sku: str | None = None) -> Price | None:
    """The price of something beside the machine: ``component("aws", "nat_gateway", "us-east-1", "hour")``.

    Falls back to rows for all regions, and for us-east-2 and us-west-2 to us-east-1, which has had the
    same price in every row seen; that price then says so. ``sku`` may be left out where there is one.
    """
    table = _components()
    for place in (region, "all", "-"):
        price = _pick(table.get((cloud, component, place), {}), sku)
        if price is not None:
            return price
    if cloud == "gcp":
        return _gcp_item(component, region, sku)
    if cloud == "aws" and component == "eks_control_plane":
        price = _pick(table[cloud, component, "us-east-1"], sku)
        return None if price is None else price.noted("the same in all commercial regions")
    if cloud == "aws" and region in ("us-east-2", "us-west-2"):
        price = _pick(table.get((cloud, component, "us-east-1"), {}), sku)
        return None if price is None else price.noted("derived: the us-east-1 price, equal in every row seen")
    return None


def egress_tiers(cloud: str, region: str) -> tuple[Tier, ...]:
    """What traffic to the internet costs, tier by tier of the monthly amount; empty: not known."""
    if cloud == "gcp":
        source = "Cyclenerd/google-cloud-pricing-cost-calculator (Apache-2.0)"
        rows = [
            (row["from_gib"], row["price"])
            for row in read_csv("gcp_region_prices")
            if row["region"] == region and row["item"] == "internet egress, premium tier"
        ]
        return _tiers(rows, "USD/GiB", source, GCP_AS_OF)
    rows = [
        (row["from_gb"], row["usd_per_gb"])
        for row in read_csv("egress_by_region_2024_08")
        if (row["cloud"], row["region"], row["kind"]) == (cloud, region, "internet_egress")
    ]
    return _tiers(rows, "USD/GB", "coroot/cloud-pricing (Apache-2.0)", _EGRESS_AS_OF)


def zone_traffic(cloud: str, region: str) -> Price | None:
    """What a GB between two zones of ``region`` costs, both directions together. None: not known."""
    found = [
        float(row["usd_per_gb"])
        for row in read_csv("egress_by_region_2024_08")
        if row["cloud"] == cloud and row["region"] == region and row["kind"].startswith("between_zones")
    ]
    if not found:
        return None
    source = "coroot/cloud-pricing (Apache-2.0)"
    return Price(usd=round(sum(found), 6), unit="USD/GB", source=source, as_of=_EGRESS_AS_OF)


def _tiers(rows: list[tuple[str, str]], unit: str, source: str, as_of: str) -> tuple[Tier, ...]:
    """Tiers in order. One that is cheaper than the next is a slip of the source and takes that price."""
    tiers: list[Tier] = []
    for start, usd in sorted(
        ((float(start), usd) for start, text in rows if (usd := money(text)) is not None), reverse=True
    ):
        price = Price(usd=usd, unit=unit, source=source, as_of=as_of)
        if tiers and usd < tiers[-1].price.usd:
            price = tiers[-1].price.noted(f"derived: the source has {usd:g}, below its own next tier")
        tiers.append(Tier(from_gb=start, price=price))
    return tuple(reversed(tiers))


def _pick(prices: Mapping[str, Price], sku: str | None) -> Price | None:
    if sku is not None:
        return prices.get(sku)
    return next(iter(prices.values())) if len(prices) == 1 else None


@cache
def _components() -> Mapping[tuple[str, str, str], Mapping[str, Price]]:
    found: dict[tuple[str, str, str], dict[str, Price]] = {}
    for row in read_csv("component_prices"):
        usd = money(row["price"])
        if usd is None:
            continue
        prices = found.setdefault((row["cloud"], row["component"], row["region"]), {})
        prices.setdefault(
            row["sku"],
            Price(
                usd=usd,
                unit=row["unit"],
                source=row["source"],
                as_of=row["price_date"] or row["price_date_note"] or "undated",
                note=row["note"],
            ),
        )
    return found


_GCP_ITEMS = {
    ("disk", "pd-balanced"): "disk pd-balanced",
    ("disk", "pd-ssd"): "disk pd-ssd",
    ("disk", "pd-standard"): "disk pd-standard",
    ("cloud_nat", "data"): "cloud NAT data",
    ("ip", "external on VM"): "external IP on VM",
    ("ip", "unused static"): "external IP unused",
    ("gcs", "standard regional"): "gcs standard",
    ("disk", "local ssd (a3/g2 bundled rate)"): "local SSD",
    ("disk", "local ssd spot"): "local SSD spot",
    ("disk", "pd-balanced regional"): "disk pd-balanced regional",
    ("disk", "pd-ssd regional"): "disk pd-ssd regional",
    ("disk", "pd-standard regional"): "disk pd-standard regional",
    ("disk", "pd-extreme storage"): "disk pd-extreme",
    ("disk", "hyperdisk-extreme storage"): "disk hyperdisk-extreme",
    ("disk", "snapshot"): "disk snapshot",
    ("gcs", "standard storage"): "gcs standard",
    ("gcs", "multi-region storage"): "gcs standard multi-region",
    ("gcs", "nearline storage"): "gcs nearline",
    ("gcs", "coldline storage"): "gcs coldline",
}
_GCP_EVERYWHERE = ("gke_management", "gke_free_tier", "cloud_nat")
"""Components with one price in every region seen."""


def _gcp_item(component: str, region: str, sku: str | None) -> Price | None:
    usd = _gcp_regional().get((_GCP_ITEMS.get((component, sku or ""), ""), region))
    if usd is not None:
        unit = "USD/hour" if component == "ip" else "USD/GB-month" if component != "cloud_nat" else "USD/GB"
        source = "Cyclenerd/google-cloud-pricing-cost-calculator (Apache-2.0)"
        return Price(usd=usd, unit=unit, source=source, as_of=GCP_AS_OF)
    if component in _GCP_EVERYWHERE:
        price = _pick(_components().get(("gcp", component, "us-central1"), {}), sku)
        return None if price is None else price.noted("the same in every region seen")
    return None


@cache
def _gcp_regional() -> Mapping[tuple[str, str], float]:
    return {
        (row["item"], row["region"]): float(row["price"])
        for row in read_csv("gcp_region_prices")
        if row["price"] and not row["from_gib"]
    }
