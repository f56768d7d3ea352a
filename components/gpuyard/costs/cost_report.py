"""The sum: line items, totals at three loads, what is metered without a declared amount, what is unknown."""

from collections import Counter
from collections.abc import Iterable, Mapping
from decimal import Decimal
from typing import Any

from gpuyard.costs.line_item import GROUPS, NOTHING, LineItem, Loads, Unpriced, loads_dict
from gpuyard.records import record

_DAY = len("2026-01-01")


@record
class CostReport:
    """What a set of resources costs. Lists are sorted, so the order of resources changes nothing."""

    hours_per_month: int
    reference_date: str
    """The day on which support periods were judged."""
    items: tuple[LineItem, ...]
    """Every charge with a price; those without a declared amount have no quantity."""
    unknown: tuple[Unpriced, ...]
    free: int
    """Resources known to cost nothing by themselves."""
    priced: int
    """Resources with at least one line item."""

    @property
    def monthly(self) -> Loads:
        """USD per month, one-time purchases and credits apart."""
        return _sum(item for item in self.items if _is_monthly(item))

    @property
    def one_time(self) -> Decimal:
        """USD paid once."""
        return _sum(item for item in self.items if item.frequency == "One-Time").expected

    @property
    def credits(self) -> Decimal:
        """USD per month that the cloud gives back, zero or negative."""
        return _sum(item for item in self.items if item.category == "Credit").expected

    @property
    def spread(self) -> tuple[Decimal, Decimal]:
        """USD per month at the expected load, were every spot price at its P10, and at its P90."""
        low = high = Decimal(0)
        for item in self.items:
            if item.quantity is not None and _is_monthly(item):
                low += item.quantity.expected * _or(item.unit_price_low, item.unit_price)
                high += item.quantity.expected * _or(item.unit_price_high, item.unit_price)
        return low, high

    @property
    def by_group(self) -> Mapping[str, Loads]:
        """USD per month by group, in the order of `GROUPS`, empty groups left out."""
        sums = {
            group: _sum(item for item in self.items if item.group == group and _is_monthly(item))
            for group in GROUPS
        }
        return {group: loads for group, loads in sums.items() if loads != NOTHING}

    @property
    def metered(self) -> tuple[LineItem, ...]:
        """Charges by use that nobody declared: rates, not in the totals."""
        return tuple(item for item in self.items if item.quantity is None)

    @property
    def price_dates(self) -> tuple[str, str] | None:
        """Oldest and newest date of the prices used; None without any.

        Dates of a year or month alone count only where no price has a day.
        """
        dates = sorted({item.as_of for item in self.items if item.as_of[:2].isdigit()})
        days = [found for found in dates if len(found) == _DAY] or dates
        return (days[0], days[-1]) if days else None

    @property
    def coarse_price_dates(self) -> tuple[str, ...]:
        """Years and months of prices that have no day and may lie outside `price_dates`."""
        span = self.price_dates
        if span is None:
            return ()
        oldest, newest = span
        dates = {
            item.as_of for item in self.items if item.as_of[:2].isdigit() and len(item.as_of) < len(oldest)
        }
        return tuple(sorted(found for found in dates if found < oldest or found > newest[: len(found)]))

    @property
    def unknown_types(self) -> Mapping[str, int]:
        """How many resources of each type have an unknown part."""
        return dict(sorted(Counter(dict((u.urn, u.type) for u in self.unknown).values()).items()))  # noqa: C402 (one vote per resource)

    def totals_dict(self) -> dict[str, Any]:
        """``{idle: {monthly}, expected: {monthly}, peak: {monthly}, one_time, credits}``."""
        monthly, (low, high) = self.monthly, self.spread
        return {
            "idle": {"monthly": float(monthly.idle)},
            "expected": {
                "monthly": float(monthly.expected),
                "monthly_p10": float(low),
                "monthly_p90": float(high),
            },
            "peak": {"monthly": float(monthly.peak)},
            "one_time": float(self.one_time),
            "credits": float(self.credits),
        }

    def as_dict(self) -> dict[str, Any]:
        """JSON-ready, the answer of ``gpuyard cost --format json``."""
        return {
            "currency": "USD",
            "hours_per_month": self.hours_per_month,
            "reference_date": self.reference_date,
            "totals": self.totals_dict(),
            "groups": {group: loads_dict(loads) for group, loads in self.by_group.items()},
            "line_items": [item.as_dict() for item in self.items],
            "unknown": [unknown.as_dict() for unknown in self.unknown],
            "unknown_types": dict(self.unknown_types),
            "price_dates": list(self.price_dates) if self.price_dates else None,
            "resources": {"priced": self.priced, "free": self.free},
        }


def _is_monthly(item: LineItem) -> bool:
    return item.frequency != "One-Time" and item.category != "Credit"


def _sum(items: Iterable[LineItem]) -> Loads:
    total = NOTHING
    for item in items:
        effective = item.effective
        if effective is not None:
            total = total + effective
    return total


def _or(value: Decimal | None, other: Decimal) -> Decimal:
    return other if value is None else value
