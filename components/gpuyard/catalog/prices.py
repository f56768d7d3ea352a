"""Dated prices of machines, sane ones only.

A price is looked up, never guessed: where nothing survives the sanity rules the answer is None, and the
report lists it as unknown. What was turned down stays readable through `rejections`.
"""

from collections.abc import Mapping, Sequence
from dataclasses import asdict
from functools import cache
from statistics import median, quantiles

from gpuyard.catalog.component_prices import component
from gpuyard.catalog.hardware import machine_types
from gpuyard.catalog.list_prices import (
    EC2_REST_AS_OF,
    derived_price,
    ec2_price,
    gce_committed_prices,
    gce_price,
    gce_spot_price,
)
from gpuyard.catalog.offers import Offer, money, shipped_offers
from gpuyard.catalog.overlay import overlay_offers
from gpuyard.catalog.price import Price, SpotPrice
from gpuyard.catalog.sanity import Rejection, accept, judge
from gpuyard.catalog.tables import read_csv

__all__ = [
    "Price",
    "SpotPrice",
    "component",
    "interruption_band",
    "on_demand",
    "rejected_rows",
    "rejections",
    "reserved",
    "spot",
]
_Key = tuple[str, str, str]


def on_demand(cloud: str, machine_type: str, region: str) -> Price | None:
    """USD per machine-hour at list price; GPU and CPU types. None: no sane row.

    The user's overlay comes first, then quoted rows, then derived ones, which say so in their note.
    """
    key = (cloud, machine_type, region)
    for found in (_overlay_on_demand().get(key), _gpu_on_demand().get(key)):
        if found is not None:
            return found
    if cloud == "gcp":
        return gce_price(machine_type, region)
    listed = ec2_price(machine_type, region)
    if listed is None and machine_type in machine_types("aws"):
        home = _gpu_on_demand().get((cloud, machine_type, "us-east-1"))
        return derived_price(machine_type, region, home or ec2_price(machine_type, "us-east-1"))
    return listed


def list_price(cloud: str, machine_type: str, region: str) -> float | None:
    """What the shipped tables say that a machine costs on demand: the yardstick for other sources."""
    key = (cloud, machine_type, region)
    found = _gpu_on_demand().get(key)
    if found is None:
        found = gce_price(machine_type, region) if cloud == "gcp" else ec2_price(machine_type, region)
    return None if found is None else found.usd


def spot(cloud: str, machine_type: str, region: str, zone: str | None = None) -> SpotPrice | None:
    """The spot price in a region, or one zone of it. None: no sane quote."""
    key = (cloud, machine_type, region)
    own = _overlay_spot().get(key, ())
    if cloud == "gcp" and _has_no_gpu(machine_type) and not own:  # the list has more digits than quotes
        listed = gce_spot_price(machine_type, region)
        if listed is not None:
            return SpotPrice.listed(listed, "the listed spot price; Google changes it up to once in 30 days")
    quotes = own or _spot_quotes().get(key, ())
    if zone is not None:
        quotes = tuple(quote for quote in quotes if quote.zone == zone)
    history = _gcp_history().get((machine_type, region), ()) if cloud == "gcp" and zone is None else ()
    if history or quotes:
        return _from_history(history, quotes) if history else _from_quotes(quotes)
    return None


def reserved(cloud: str, machine_type: str, region: str) -> Mapping[str, Price]:
    """USD per machine-hour under a commitment, by its term; empty: not known.

    At AWS terms are those of standard reserved instances (``1y_no_upfront``), at Google ``1y`` and ``3y``.
    """
    if cloud == "gcp":
        return gce_committed_prices(machine_type, region)
    rows = (
        row
        for row in read_csv("ec2_gpu_reserved_2025_04")
        if row["instance_type"] == machine_type and row["region"] == region
    )
    return {
        term.removeprefix("standard_"): Price(
            usd=usd, unit="USD/hour", source="ec2instances.info (MIT)", as_of=EC2_REST_AS_OF
        )
        for row in rows
        for term, text in row.items()
        if term.startswith("standard_") and (usd := money(text)) is not None
    }


def interruption_band(machine_type: str, region: str) -> str | None:
    """How often AWS took the type back in 30 days, e.g. ``5-10%`` (Spot Advisor, 2025-04-24)."""
    for row in read_csv("ec2_gpu_spot_2025_04"):
        if row["instance_type"] == machine_type and row["region"] == region:
            return row["interruption_band"] or None
    return None


@cache
def rejections() -> tuple[Rejection, ...]:
    """Prices that the sanity rules turned down: of the shipped table, then of the overlay."""
    return judge(shipped_offers()) + judge(overlay_offers(), list_price)


def rejected_rows() -> tuple[tuple[Mapping[str, str], str], ...]:
    """Offers with a price that was turned down, and why: one entry per offer."""
    found: dict[Offer, list[str]] = {}
    for rejection in rejections():
        found.setdefault(rejection.offer, []).append(f"{rejection.price}: {rejection.reason}")
    return tuple((_as_text(offer), "; ".join(reasons)) for offer, reasons in found.items())


def _as_text(offer: Offer) -> Mapping[str, str]:
    return {key: "" if value is None else str(value) for key, value in asdict(offer).items()}


def _from_quotes(quotes: Sequence[Offer]) -> SpotPrice | None:
    values = sorted(quote.spot for quote in quotes if quote.spot is not None)
    if not values:
        return None
    low, high = _spread(values)
    return SpotPrice(
        p10=low,
        p50=median(values),
        p90=high,
        samples=len(values),
        source=quotes[0].source,
        as_of=min(quote.as_of for quote in quotes),
        basis=f"quotes of {len(values)} zones" if len(values) > 1 else "one quote",
    )


def _has_no_gpu(machine_type: str) -> bool:
    """GPU types are quoted, and their list prices have been other SKUs before."""
    return machine_type not in machine_types("gcp")


def _from_history(history: Sequence[tuple[str, float]], quotes: Sequence[Offer]) -> SpotPrice:
    """The latest quote with the spread that past months had."""
    latest = _from_quotes(quotes)
    low, high = _spread([usd for _, usd in history])
    middle = latest.p50 if latest else history[-1][1]
    return SpotPrice(
        p10=min(low, middle),
        p50=middle,
        p90=max(high, middle),
        samples=len(history),
        source=latest.source if latest else "Cyclenerd pricing history",
        as_of=latest.as_of if latest else history[-1][0],
        basis=f"latest quote; spread over {len(history)} months of history",
    )


def _spread(values: list[float]) -> tuple[float, float]:
    """P10 and P90; the extremes where there are fewer than four samples."""
    if len(values) < 4:
        return min(values), max(values)
    tenths = quantiles(values, n=10, method="inclusive")
    return tenths[0], tenths[-1]


@cache
def _sane_offers() -> tuple[Offer, ...]:
    return accept(shipped_offers())


@cache
def _gpu_on_demand() -> Mapping[_Key, Price]:
    """Regional list prices of GPU machines: quoted rows before derived ones."""
    return _index_on_demand(sorted(_sane_offers(), key=lambda offer: offer.is_derived))


@cache
def _overlay_on_demand() -> Mapping[_Key, Price]:
    return _index_on_demand(accept(overlay_offers(), list_price))


def _index_on_demand(offers: Sequence[Offer]) -> Mapping[_Key, Price]:
    found: dict[_Key, Price] = {}
    for offer in offers:
        if offer.on_demand is None or offer.in_local_zone:
            continue
        note = "derived from the family's ratio to us-east-1" if offer.is_derived else ""
        if "excl_local_ssd" in offer.flag:
            note = "host and GPU summed; local SSD comes on top"
        found.setdefault(
            (offer.cloud, offer.machine_type, offer.region),
            Price(usd=offer.on_demand, unit="USD/hour", source=offer.source, as_of=offer.as_of, note=note),
        )
    return found


@cache
def _spot_quotes() -> Mapping[_Key, tuple[Offer, ...]]:
    return _index_spot(_sane_offers())


@cache
def _overlay_spot() -> Mapping[_Key, tuple[Offer, ...]]:
    return _index_spot(accept(overlay_offers(), list_price))


def _index_spot(offers: Sequence[Offer]) -> Mapping[_Key, tuple[Offer, ...]]:
    """Every sane quote of a place, each zone and price once."""
    found: dict[_Key, dict[tuple[str, float], Offer]] = {}
    for offer in offers:
        if offer.spot is not None:
            quotes = found.setdefault((offer.cloud, offer.machine_type, offer.region), {})
            quotes.setdefault((offer.zone, offer.spot), offer)
    return {key: tuple(quotes.values()) for key, quotes in found.items()}


@cache
def _gcp_history() -> Mapping[tuple[str, str], tuple[tuple[str, float], ...]]:
    found: dict[tuple[str, str], list[tuple[str, float]]] = {}
    for row in read_csv("gcp_spot_history"):
        usd = money(row["usd_per_hour_spot"])
        if usd is not None:
            found.setdefault((row["instance_type"], row["region"]), []).append((row["date"], usd))
    return {key: tuple(sorted(value)) for key, value in found.items()}
