"""Dated prices of machines and of everything beside them, sane rows only.

A price is looked up, never guessed: where no row survives the sanity rules the answer is None, and the
report lists it as unknown. Rejected rows stay readable through `rejected_rows`.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from statistics import median, quantiles

from gpuyard.catalog.tables import read_csv


@dataclass(frozen=True, slots=True, kw_only=True)
class Price:
    """One list price."""

    usd: float
    unit: str
    source: str
    as_of: str
    note: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class SpotPrice:
    """A spot price as the distribution that it is, USD per machine-hour."""

    p10: float
    p50: float
    p90: float
    samples: int
    source: str
    as_of: str
    basis: str
    """What the samples are: quotes across zones, or months of history."""


EC2_REST_AS_OF = "2025-04-24"
EC2_HOME_AS_OF = "2026-07-06"
GCP_AS_OF = "2026-07-30"
_EC2_CHANGED = re.compile(r"^(p4d|p4de|p5|p5e|p5en|u7i)|\.metal")
"""Families whose us-east-1 price changed after 2025-04: their regional prices of that date are not used."""


def on_demand(cloud: str, machine_type: str, region: str) -> Price | None:
    """USD per machine-hour at list price; GPU and CPU types. None: no sane row."""
    row = _gpu_on_demand().get((cloud, machine_type, region))
    if row is not None:
        return row
    return _ec2(machine_type, region) if cloud == "aws" else _gce(machine_type, region)


def spot(cloud: str, machine_type: str, region: str, zone: str | None = None) -> SpotPrice | None:
    """The spot price in a region, or one zone of it. None: no sane quote."""
    quotes = _spot_quotes().get((cloud, machine_type, region), ())
    if zone is not None:
        quotes = tuple(quote for quote in quotes if quote[0] == zone)
    values = sorted(price for _, price, _, _ in quotes)
    if cloud == "gcp" and zone is None:
        history = _gcp_history().get((machine_type, region), ())
        if history:
            low, high = _spread([price for _, price in history])
            latest = values[len(values) // 2] if values else history[-1][1]
            return SpotPrice(
                p10=min(low, latest),
                p50=latest,
                p90=max(high, latest),
                samples=len(history),
                source=quotes[0][2] if quotes else "Cyclenerd pricing history",
                as_of=quotes[0][3] if quotes else history[-1][0],
                basis=f"latest quote; spread over {len(history)} months of history",
            )
    if not values:
        return None
    low, high = _spread(values)
    middle = median(values)
    basis = f"quotes of {len(values)} zones" if len(values) > 1 else "one quote"
    return SpotPrice(
        p10=low,
        p50=middle,
        p90=high,
        samples=len(values),
        source=quotes[0][2],
        as_of=quotes[0][3],
        basis=basis,
    )


def component(cloud: str, component: str, region: str, sku: str | None = None) -> Price | None:
    """The price of something beside the machine, e.g. ``component("aws", "nat_gateway", "us-east-1", "hour")``.

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
        return None if price is None else _noted(price, "the same in all commercial regions")
    if cloud == "aws" and region in ("us-east-2", "us-west-2"):
        price = _pick(table.get((cloud, component, "us-east-1"), {}), sku)
        return (
            None if price is None else _noted(price, "derived: the us-east-1 price, equal in every row seen")
        )
    return None


def rejected_rows() -> tuple[tuple[Mapping[str, str], str], ...]:
    """Price rows that the sanity rules turned down, with the reason."""
    rows = []
    for row in read_csv("gpu_prices"):
        on_demand_reason, spot_reason = _distrust(row)
        reasons = [reason for reason in (on_demand_reason, spot_reason) if reason]
        if reasons:
            rows.append((row, "; ".join(reasons)))
    return tuple(rows)


def _pick(prices: Mapping[str, Price], sku: str | None) -> Price | None:
    if sku is not None:
        return prices.get(sku)
    return next(iter(prices.values())) if len(prices) == 1 else None


def _noted(price: Price, note: str) -> Price:
    return Price(usd=price.usd, unit=price.unit, source=price.source, as_of=price.as_of, note=note)


def _spread(values: list[float]) -> tuple[float, float]:
    """P10 and P90; the extremes where there are fewer than four samples."""
    if len(values) < 4:
        return min(values), max(values)
    tenths = quantiles(values, n=10, method="inclusive")
    return tenths[0], tenths[-1]


def _distrust(row: Mapping[str, str]) -> tuple[str, str]:
    """Why the row's on-demand and its spot price must not be used; empty: they may."""
    flag, source = row["flag"], row["source"]
    listed, quoted = _money(row["usd_per_hour_ondemand"]), _money(row["usd_per_hour_spot"])
    if "GPU-ONLY" in row["instance_type"]:
        return "the accelerator without its host", "the accelerator without its host"
    if "SUSPECT" in flag:
        return flag, flag
    spot_reason = ""
    if "local_zone" in flag:
        spot_reason = "a local zone's quote"
    elif quoted is not None and listed is not None and quoted > listed:
        return (
            f"spot {quoted:g} is above on-demand {listed:g}: one of them is another SKU",
            "spot above on-demand",
        )
    elif quoted is not None and listed is not None and quoted == listed:
        spot_reason = "spot equals on-demand: no market"
    elif "spot_at_10pct_floor" in flag:
        spot_reason = "exactly 10 % of on-demand: a placeholder"
    elif "derived" in source and quoted is not None:
        spot_reason = "a derived row has no spot quote of its own"
    return "", spot_reason


@cache
def _gpu_on_demand() -> Mapping[tuple[str, str, str], Price]:
    """Regional list prices of GPU machines: quoted rows before derived ones."""
    found: dict[tuple[str, str, str], Price] = {}
    for row in sorted(read_csv("gpu_prices"), key=lambda row: row["source"] == "derived"):
        usd = _money(row["usd_per_hour_ondemand"])
        if usd is None or _distrust(row)[0] or "local_zone" in row["flag"]:
            continue
        key = (row["cloud"], row["instance_type"], row["region"])
        note = "derived from the family's ratio to us-east-1" if "derived" in row["flag"] else ""
        if "excl_local_ssd" in row["flag"]:
            note = "host and GPU summed; local SSD comes on top"
        found.setdefault(
            key,
            Price(usd=usd, unit="USD/hour", source=row["source"], as_of=row["price_date_to"], note=note),
        )
    return found


@cache
def _spot_quotes() -> Mapping[tuple[str, str, str], tuple[tuple[str, float, str, str], ...]]:
    """Zone, price, source and date of every sane quote."""
    found: dict[tuple[str, str, str], list[tuple[str, float, str, str]]] = {}
    for row in read_csv("gpu_prices"):
        usd = _money(row["usd_per_hour_spot"])
        if usd is None or _distrust(row)[1]:
            continue
        key = (row["cloud"], row["instance_type"], row["region"])
        quotes = found.setdefault(key, [])
        if (row["zone"], usd) not in [(zone, price) for zone, price, _, _ in quotes]:
            quotes.append((row["zone"], usd, row["source"], row["price_date_to"]))
    return {key: tuple(value) for key, value in found.items()}


@cache
def _gcp_history() -> Mapping[tuple[str, str], tuple[tuple[str, float], ...]]:
    found: dict[tuple[str, str], list[tuple[str, float]]] = {}
    for row in read_csv("gcp_spot_history"):
        usd = _money(row["usd_per_hour_spot"])
        if usd is not None:
            found.setdefault((row["instance_type"], row["region"]), []).append((row["date"], usd))
    return {key: tuple(sorted(value)) for key, value in found.items()}


def _ec2(machine_type: str, region: str) -> Price | None:
    row = _ec2_rows().get(machine_type)
    usd = _money(row.get(region, "")) if row else None
    if usd is None:
        return None
    if region == "us-east-1":
        return Price(usd=usd, unit="USD/hour", source="karpenter-provider-aws v1.14.1", as_of=EC2_HOME_AS_OF)
    if _EC2_CHANGED.search(machine_type):
        return None
    return Price(usd=usd, unit="USD/hour", source="ec2instances.info (MIT)", as_of=EC2_REST_AS_OF)


@cache
def _ec2_rows() -> Mapping[str, Mapping[str, str]]:
    return {row["instance_type"]: row for row in read_csv("ec2_on_demand")}


def _gce(machine_type: str, region: str) -> Price | None:
    usd = _gce_rows().get((machine_type, region))
    source = "Cyclenerd/google-cloud-pricing-cost-calculator (Apache-2.0)"
    return None if usd is None else Price(usd=usd, unit="USD/hour", source=source, as_of=GCP_AS_OF)


@cache
def _gce_rows() -> Mapping[tuple[str, str], float]:
    return {
        (row["machine_type"], row["region"]): float(row["usd_per_hour"])
        for row in read_csv("gcp_machine_prices")
        if row["usd_per_hour"]
    }


@cache
def _components() -> Mapping[tuple[str, str, str], Mapping[str, Price]]:
    found: dict[tuple[str, str, str], dict[str, Price]] = {}
    for row in read_csv("component_prices"):
        usd = _money(row["price"])
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
        return None if price is None else _noted(price, "the same in every region seen")
    return None


@cache
def _gcp_regional() -> Mapping[tuple[str, str], float]:
    return {
        (row["item"], row["region"]): float(row["price"])
        for row in read_csv("gcp_region_prices")
        if row["price"] and not row["from_gib"]
    }


def _money(text: str) -> float | None:
    try:
        return float(text)
    except ValueError:
        return None
