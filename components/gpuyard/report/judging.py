"""Whether a report or a change keeps the limits that its team set."""

from collections.abc import Iterator
from datetime import date
from decimal import Decimal

from gpuyard.leadtime.lead_time import Journey
from gpuyard.report.limits import Limits, Verdict
from gpuyard.report.model import Report
from gpuyard.report.money_diff import Amounts
from gpuyard.report.words import JOURNEYS, duration, usd


def judge_report(report: Report, limits: Limits, today: date) -> tuple[Verdict, ...]:
    """Every limit that a report alone can break; ages of prices are as of ``today``."""
    return (
        *_budget(report, limits),
        *_lead_times(report, limits),
        *_unknown(report, limits),
        *_age(report, limits, today),
    )


def judge_change(stack: str, before: Amounts, after: Amounts, limits: Limits) -> tuple[Verdict, ...]:
    """The limits on what a change adds to the expected month."""
    found = []
    delta = after.expected - before.expected
    words = f"{usd(before.expected)} → {usd(after.expected)} a month expected"
    if limits.monthly_usd_increase_max is not None:
        limit = limits.monthly_usd_increase_max
        found.append(
            Verdict(
                gate="monthly_usd_increase_max",
                subject=stack,
                limit=limit,
                value=float(delta),
                is_met=delta <= Decimal(str(limit)),
                reason=f"{words}: {_more(usd(delta), delta > 0)}, {usd(limit)} allowed",
            )
        )
    if limits.monthly_percent_increase_max is not None:
        found.append(_share(stack, before, delta, words, limits.monthly_percent_increase_max))
    return tuple(found)


def _share(stack: str, before: Amounts, delta: Decimal, words: str, limit: float) -> Verdict:
    share = float(delta / before.expected * 100) if before.expected else None
    met = delta <= 0 if share is None else share <= limit
    said = "no share of nothing" if share is None else _more(f"{share:,.1f} %", share > 0)
    return Verdict(
        gate="monthly_percent_increase_max",
        subject=stack,
        limit=limit,
        value=share if share is not None or delta > 0 else 0.0,
        is_met=met,
        reason=f"{words}: {said}, {limit:g} % allowed",
    )


def _budget(report: Report, limits: Limits) -> Iterator[Verdict]:
    monthly = report.costs.monthly
    unknown = len(report.costs.unknown)
    besides = f", without {unknown} unknown" if unknown else ""
    for gate, load, amount in (
        ("monthly_usd_max", "expected", monthly.expected),
        ("monthly_usd_peak_max", "at peak", monthly.peak),
    ):
        limit = getattr(limits, gate)
        if limit is not None:
            yield Verdict(
                gate=gate,
                subject=report.stack,
                limit=limit,
                value=float(amount),
                is_met=amount <= Decimal(str(limit)),
                reason=f"{usd(amount)} a month {load}{besides}, {usd(limit)} allowed",
            )


def _lead_times(report: Report, limits: Limits) -> Iterator[Verdict]:
    for endpoint, lead_time in report.lead_times.items():
        for journey in lead_time.journeys:
            limit = limits.lead_time_minutes_max.get(journey.name)
            if limit is not None and journey.phases:
                yield _journey(endpoint, journey, limit)


def _journey(endpoint: str, journey: Journey, limit: float) -> Verdict:
    """What is known of the journey against the limit; phases of unknown length are named."""
    is_known = journey.p90_s > 0
    besides = f", without {', '.join(journey.unknown)} of unknown length" if journey.unknown else ""
    said = f"P90 {duration(journey.p90_s)}" if is_known else "P90 unknown"
    return Verdict(
        gate=f"lead_time_minutes_max.{journey.name}",
        subject=endpoint,
        limit=limit,
        value=journey.p90_s / 60 if is_known else None,
        is_met=is_known and journey.p90_s <= limit * 60,
        reason=f"{JOURNEYS.get(journey.name, journey.name)}: {said}{besides}, {duration(limit * 60)} allowed",
    )


def _unknown(report: Report, limits: Limits) -> Iterator[Verdict]:
    """Resources with an unknown price among those that cost something."""
    limit = limits.unknown_share_max
    if limit is None:
        return
    unknown = {found.urn for found in report.costs.unknown}
    costing = unknown | {item.urn for item in report.costs.items}
    share = len(unknown) / len(costing) if costing else 0.0
    yield Verdict(
        gate="unknown_share_max",
        subject=report.stack,
        limit=limit,
        value=share,
        is_met=share <= limit,
        reason=f"{len(unknown)} of {len(costing)} resources that cost have an unknown price "
        f"({share:.1%}), {limit:.1%} allowed",
    )


def _age(report: Report, limits: Limits, today: date) -> Iterator[Verdict]:
    limit = limits.price_age_days_max
    if limit is None:
        return
    dates = [day for item in report.costs.items if (day := _day(item.as_of)) is not None]
    if not dates:
        return
    oldest = min(dates)
    days = (today - oldest).days
    yield Verdict(
        gate="price_age_days_max",
        subject=report.stack,
        limit=limit,
        value=days,
        is_met=days <= limit,
        reason=f"the oldest price is of {oldest}, {days} days old on {today}, {limit} allowed",
    )


def _day(text: str) -> date | None:
    """The day in a price's date; the first one of ``2026`` and ``2026-08``. None: it names no date."""
    for candidate in (text[:10], f"{text[:7]}-01", f"{text[:4]}-01-01"):
        try:
            return date.fromisoformat(candidate)
        except ValueError:
            continue
    return None


def _more(amount: str, is_more: bool) -> str:
    return f"{amount} more" if is_more else "no more"
