"""The report as a pull-request comment: totals first, details folded, a hidden marker to update in place."""

from collections.abc import Iterator
from decimal import Decimal

from gpuyard.costs.line_item import Loads
from gpuyard.economics.people import Ownership
from gpuyard.leadtime.lead_time import LeadTime, Phase, Shortcut
from gpuyard.report import token_words
from gpuyard.report.comment import Section, render_comment
from gpuyard.report.markup import (
    Dialect,
    escape,
    escaped,
    finding_line,
    marker,
    more,
    prose,
    table,
    verdict_lines,
)
from gpuyard.report.model import Report, RungRow
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
    groups = [(group, *map(usd, _amounts(loads))) for group, loads in costs.by_group.items()]
    totals = ("**total**", *(f"**{usd(amount)}**" for amount in _amounts(total)))
    yield from table(("USD per month", "idle", "expected", "peak"), [*groups, totals], numbers=3)
    yield ""
    yield " ".join(_apart(report))


def _amounts(loads: Loads) -> tuple[Decimal, Decimal, Decimal]:
    return loads.idle, loads.expected, loads.peak


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
        yield f"- {finding_line(finding)}"
        if finding.fix:
            yield f"  - {prose(finding.fix)}"
        if finding.source:
            dated = f" ({finding.as_of})" if finding.as_of else ""
            yield f"  - source: {escape(finding.source + dated)}"
    yield from more(len(report.findings), dialect.rows, "findings")


def _unknown(report: Report, dialect: Dialect) -> Iterator[str]:
    rows = [(found.resource, found.component, found.reason) for found in report.costs.unknown[: dialect.rows]]
    yield from table(("resource", "part", "why"), escaped(rows))
    yield from more(len(report.costs.unknown), dialect.rows, "unknown prices")


def _items(report: Report, dialect: Dialect) -> Iterator[str]:
    items = sorted(
        report.costs.items,
        key=lambda item: (-(item.effective.expected if item.effective else -1), item.urn, item.component),
    )
    rows = (
        (
            *map(escape, (item.resource, item.component, item.as_of, rate(item))),
            "by use" if item.effective is None else usd(item.effective.expected),
        )
        for item in items[: dialect.rows]
    )
    titles = ("resource", "part", "as of", "unit price", "expected per month")
    yield from table(titles, rows, numbers=2)
    yield from more(len(items), dialect.rows, "line items, smaller ones")


def _tokens(report: Report) -> Iterator[str]:
    for endpoint, found in report.tokens.items():
        yield f"**{escape(endpoint)}**: {escape(token_words.headline(found))}"
        yield ""
        if found.at_planned is not None:
            first, *prices = token_words.price_rows(found)
            yield from table(first, escaped(prices), numbers=2)
            yield ""
        for line in (*token_words.basis_lines(found), *token_words.demand_lines(found)):
            yield f"- {escape(line)}"
        yield ""
        if found.hosted:
            first, *hosted = token_words.hosted_rows(found)
            yield from table(first, escaped(hosted), numbers=3)
            yield ""
        if found.cheaper:
            cheaper = (map(prose, cells) for cells in token_words.cheaper_rows(found))
            yield from table(("cheaper for the same target", "USD", "why not chosen"), cheaper)
            yield ""
        elif found.next_cheaper:
            yield f"- {escape(found.next_cheaper)}"
            yield ""


def _ownership(found: Ownership) -> Iterator[str]:
    rows = escaped(token_words.ownership_rows(found))
    yield from table(("people and ownership, apart", "USD"), rows, numbers=1)
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
    yield from table(("until tokens flow", "P50", "P90"), map(journey_line, journeys), numbers=2)
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
        titles = ("what would shorten it most", "effect on the P50", "how", "price")
        yield from table(titles, map(_shortcut, lead_time.shortcuts), numbers=1)
        yield ""
    phases = map(_phase, journeys[0].phases)
    yield from table(("phase", "basis", "source", "P50", "P90"), phases, numbers=2)
    yield ""


def _shortcut(found: Shortcut) -> tuple[str, ...]:
    name, effect, price = shortcut_line(found)
    return escape(name), escape(effect), escape(found.changes), price


def _phase(phase: Phase) -> tuple[str, ...]:
    source = escape(phase.source or phase.note)
    return escape(phase.name), phase.basis, source, duration(phase.p50_s), duration(phase.p90_s)


def _ladder(report: Report, dialect: Dialect) -> Iterator[str]:
    titles = ("", "endpoint", "place", "machine", "bought", "price")
    yield from table(titles, map(_rung, report.rungs[: dialect.rows]), numbers=1)
    yield from more(len(report.rungs), dialect.rows, "rungs, in the lock")


def _rung(rung: RungRow) -> tuple[str, ...]:
    mark = "active" if rung.is_active else f"{rung.number}"
    words = (rung.endpoint, rung.place, rung.machine, rung.purchase.replace("_", " "), rung.price)
    return mark, *map(escape, words)
