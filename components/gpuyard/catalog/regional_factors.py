"""Google prices known in one region only, carried to others by what is known of both.

Autopilot pods follow E2 machines: in the one other region whose Autopilot prices are known, vCPU, memory,
storage and the Balanced and Scale-Out classes all cost 1.288 times their us-central1 price, as E2 does there.
Hyperdisks follow pd-balanced, and rules of balancers are taken as they are. Every such price says so.
"""

from collections.abc import Callable, Sequence
from dataclasses import replace

from gpuyard.catalog.component_prices import component
from gpuyard.catalog.list_prices import gce_price
from gpuyard.catalog.price import Price, Tier

HOME = "us-central1"


def _like_e2(region: str) -> float | None:
    return _factor(*(gce_price("e2-standard-8", place) for place in (region, HOME)))


def _like_balanced_disks(region: str) -> float | None:
    return _factor(*(component("gcp", "disk", place, "pd-balanced") for place in (region, HOME)))


def _same(region: str) -> float | None:
    return 1.0 if gce_price("e2-standard-8", region) else None


def _factor(there: Price | None, here: Price | None) -> float | None:
    return round(there.usd / here.usd, 4) if there and here else None


_RULES: Sequence[tuple[str, str, Callable[[str], float | None], str]] = (
    ("gke_autopilot", "", _like_e2, "as E2 machines"),
    ("lb", "", _same, "Google lists every region apart, and some are dearer"),
    ("disk", "hyperdisk-", _like_balanced_disks, "as pd-balanced"),
    ("disk", "pd-extreme IOPS", _like_balanced_disks, "as pd-balanced"),
)
"""Service, what its items begin with, the factor between two regions, and why."""


def carry(service: str, item: str, region: str, home: Callable[[], Sequence[Tier]]) -> tuple[Tier, ...]:
    """The tiers of ``region`` from those of us-central1; empty: they do not carry over."""
    if not region or region == HOME:
        return ()
    for wanted, start, factor_of, words in _RULES:
        factor = factor_of(region) if service == wanted and item.startswith(start) else None
        if factor is not None:
            note = f"derived: the {HOME} price x {factor:g}, {words}"
            return tuple(replace(tier, price=_times(tier.price, factor).noted(note)) for tier in home())
    return ()


def _times(price: Price, factor: float) -> Price:
    return replace(price, usd=round(price.usd * factor, 9))
