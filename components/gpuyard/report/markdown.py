"""The report as a pull-request comment: totals first, details folded, a hidden marker to update in place."""

from collections.abc import Iterator

from gpuyard.economics.people import Ownership
from gpuyard.leadtime.lead_time import LeadTime
from gpuyard.report import token_words
from gpuyard.report.comment import Section, render_comment
from gpuyard.report.markup import Dialect, code, escape, head, marker, more, prose, row, verdict_lines
from gpuyard.report.model import Report
from gpuyard.report.words import (
    JOURNEYS,
    count,
    dates_line,
    duration,
    gate_state,
    journey_line,
    month,
    price_note,
    rate,
    risk_line,
    shortcut_line,
    usd,
)

_BROKEN = 10
"""Broken gates named before the folded part."""
_ENDPOINTS = 5
"""Endpoints named in the first sentence; the others are in the folded part."""


def render_markdown(report: Report, dialect: Dialect = Dialect.GITHUB) -> str:
    """The comment for ``dialect``; equal reports give equal bytes."""
    return render_comment(
        marker("report", report.stack),
        list(_summary(report)),
        list(_details(report, dialect)),
        dialect=dialect,
    )


def _summary(report: Report) -> Iterator[str]:
    costs, total = report.costs, report.costs.monthly
    yield f"## {escape(report.title)}"
    yield ""
    yield (
        f"**{month(report, total.expected)} a month expected**, {month(report, total.idle)} idle, "
        f"{month(report, total.peak)} at peak{_without(report)}. "
        f"{_fastest(report)}Risk: {risk_line(report)}."
    )
    yield ""
    broken = [verdict for verdict in report.verdicts if not verdict.is_met]
    if broken:
        yield from verdict_lines(broken[:_BROKEN])
        yield ""
    yield from head("USD per month", "idle", "expected", "peak", numbers=3)
    for group, loads in costs.by_group.items():
        yield row(group, usd(loads.idle), usd(loads.expected), usd(loads.peak))
    yield row("**total**", *(f"**{usd(amount)}**" for amount in (total.idle, total.expected, total.peak)))
    yield ""
    yield " ".join(_apart(report))


def _without(report: Report) -> str:
    """What the totals lack, in the same breath."""
    number = len(report.costs.unknown)
    return f", without {count(number, 'unknown price')}" if number else ""


def _apart(report: Report) -> Iterator[str]:
    """What stands beside the totals."""
    costs = report.costs
    low, high = costs.spread
    if low != high:
        yield f"Spot at P10 to P90: {usd(low)} to {usd(high)} expected."
    if costs.one_time:
        yield f"One-time purchases, apart: {usd(costs.one_time)}."
    if costs.credits:
        yield f"Credits, apart: {usd(costs.credits)} per month."
    if costs.unknown:
        yield f"**{len(costs.unknown)} unknown** and not in the totals, listed below by name."
    yield f"{costs.hours_per_month} hours per month; {dates_line(report)}. {price_note(report)}"


def _fastest(report: Report) -> str:
    parts = []
    for endpoint, lead_time in report.lead_times.items():
        journey = next((journey for journey in lead_time.journeys if journey.phases), None)
        if journey is not None:
            name, p50, p90 = journey_line(journey)
            parts.append(f"{escape(endpoint, 60)} serves {p50} {name} (P90 {p90}), gates apart.")
    if len(parts) > _ENDPOINTS:
        parts = [*parts[:_ENDPOINTS], f"{len(parts) - _ENDPOINTS} more endpoints below."]
    return " ".join(parts) + (" " if parts else "")


def _details(report: Report, dialect: Dialect) -> Iterator[Section]:
    costs = report.costs
    if report.findings:
        title = f"Findings ({len(report.findings)})"
        yield Section(title=title, lines=tuple(_findings(report, dialect)))
    if report.verdicts:
        title = f"Gates ({len(report.verdicts)})"
        yield Section(title=title, lines=tuple(verdict_lines(report.verdicts[:200])))
    if costs.unknown:
        yield Section(title=f"Unknown prices ({len(costs.unknown)})", lines=tuple(_unknown(report, dialect)))
    if report.tokens:
        yield Section(title="Money per token", lines=tuple(_tokens(report)))
    if report.ownership is not None:
        yield Section(title="People and ownership", lines=tuple(_ownership(report.ownership)))
    if report.assumptions:
        lines = tuple(f"- {escape(token_words.assumption_line(found))}" for found in report.assumptions)
        yield Section(title=f"Assumptions ({len(lines)})", lines=lines)
    if report.lead_times:
        yield Section(title="Lead time: gates and phases", lines=tuple(_lead_times(report)))
    if costs.items:
        yield Section(title=f"Line items ({len(costs.items)})", lines=tuple(_items(report, dialect)))
    if report.rungs:
        title = f"Ladder ({count(len(report.rungs), 'rung')})"
        yield Section(title=title, lines=tuple(_ladder(report, dialect)))
    if report.notes:
        notes = tuple(f"- {escape(note, 2000)}" for note in report.notes[: dialect.rows])
        yield Section(title="Notes", lines=notes)


def _findings(report: Report, dialect: Dialect) -> Iterator[str]:
    for finding in report.findings[: dialect.rows]:
        place = f"{code(finding.path)}: " if finding.path else ""
        yield f"- **{finding.severity}** {place}{prose(finding.message)} ({code(finding.code)})"
        if finding.fix:
            yield f"  - {prose(finding.fix)}"
    yield from more(len(report.findings), dialect.rows, "findings")


def _unknown(report: Report, dialect: Dialect) -> Iterator[str]:
    yield from head("resource", "part", "why")
    for found in report.costs.unknown[: dialect.rows]:
        yield row(escape(found.resource), escape(found.component), escape(found.reason))
    yield from more(len(report.costs.unknown), dialect.rows, "unknown prices")


def _items(report: Report, dialect: Dialect) -> Iterator[str]:
    yield from head("resource", "part", "as of", "unit price", "expected per month", numbers=2)
    items = sorted(
        report.costs.items,
        key=lambda item: (-(item.effective.expected if item.effective else -1), item.urn, item.component),
    )
    for item in items[: dialect.rows]:
        amount = "by use" if item.effective is None else usd(item.effective.expected)
        yield row(
            escape(item.resource), escape(item.component), escape(item.as_of), escape(rate(item)), amount
        )
    yield from more(len(items), dialect.rows, "line items, smaller ones")


def _tokens(report: Report) -> Iterator[str]:
    for endpoint, found in report.tokens.items():
        yield f"**{escape(endpoint)}**: {escape(token_words.headline(found))}"
        yield ""
        if found.at_planned is not None:
            first, *rows = token_words.price_rows(found)
            yield from head(*first, numbers=2)
            for cells in rows:
                yield row(*(escape(cell) for cell in cells))
            yield ""
        for line in (*token_words.basis_lines(found), *token_words.demand_lines(found)):
            yield f"- {escape(line)}"
        yield ""
        if found.hosted:
            first, *hosted = token_words.hosted_rows(found)
            yield from head(*first, numbers=3)
            for line in hosted:
                yield row(*(escape(cell) for cell in line))
            yield ""
        if found.cheaper:
            yield from head("cheaper for the same target", "USD", "why not chosen")
            for cells in token_words.cheaper_rows(found):
                yield row(*(prose(cell) for cell in cells))
            yield ""
        elif found.next_cheaper:
            yield f"- {escape(found.next_cheaper)}"
            yield ""


def _ownership(found: Ownership) -> Iterator[str]:
    yield from head("people and ownership, apart", "USD", numbers=1)
    for cells in token_words.ownership_rows(found):
        yield row(*(escape(cell) for cell in cells))
    yield ""
    for line in token_words.ownership_notes(found):
        yield f"- {escape(line)}"


def _lead_times(report: Report) -> Iterator[str]:
    for endpoint, lead_time in report.lead_times.items():
        yield f"**{escape(endpoint)}**"
        yield ""
        yield from _lead_time(lead_time)


def _lead_time(lead_time: LeadTime) -> Iterator[str]:
    for gate in lead_time.gates:
        yield f"- gate, {gate_state(gate)}: {escape(gate.name)}: {escape(gate.evidence)}"
    yield ""
    journeys = [journey for journey in lead_time.journeys if journey.phases]
    if not journeys:
        return
    yield from head("until tokens flow", "P50", "P90", numbers=2)
    for journey in journeys:
        yield row(*journey_line(journey))
    yield ""
    for journey in journeys:
        if journey.note:
            yield f"- {JOURNEYS[journey.name]}: {escape(journey.note)}"
    if lead_time.cold_start_usd:
        yield f"- a cold start bills {usd(lead_time.cold_start_usd)} before the first token"
    if lead_time.measured:
        yield f"- measured by you: {escape(', '.join(lead_time.measured))}"
    yield ""
    if lead_time.shortcuts:
        yield from head("what would shorten it most", "effect on the P50", "how", "price", numbers=1)
        for found in lead_time.shortcuts:
            name, effect, price = shortcut_line(found)
            yield row(escape(name), escape(effect), escape(found.changes), price)
        yield ""
    yield from head("phase", "basis", "source", "P50", "P90", numbers=2)
    for phase in journeys[0].phases:
        source = escape(phase.source or phase.note)
        yield row(escape(phase.name), phase.basis, source, duration(phase.p50_s), duration(phase.p90_s))
    yield ""


def _ladder(report: Report, dialect: Dialect) -> Iterator[str]:
    yield from head("", "endpoint", "place", "machine", "bought", "price", numbers=1)
    for rung in report.rungs[: dialect.rows]:
        mark = "active" if rung.is_active else f"{rung.number}"
        words = (rung.endpoint, rung.place, rung.machine, rung.purchase.replace("_", " "), rung.price)
        yield row(mark, *(escape(word) for word in words))
    yield from more(len(report.rungs), dialect.rows, "rungs, in the lock")
