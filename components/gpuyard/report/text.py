"""The report for terminals: money, then time, then risk."""

from collections.abc import Iterator, Sequence

from gpuyard.costs.line_item import LineItem, Unpriced
from gpuyard.errors import Severity
from gpuyard.leadtime.lead_time import LeadTime
from gpuyard.report import token_words
from gpuyard.report.limits import Verdict
from gpuyard.report.model import Report
from gpuyard.report.terminal import Page
from gpuyard.report.words import (
    JOURNEYS,
    dates_line,
    duration,
    gate_state,
    journey_line,
    price_note,
    rate,
    risk_line,
    shortcut_line,
    usd,
    verdict_word,
)

_COLOURS = {Severity.ERROR: "red", Severity.WARNING: "yellow", Severity.NOTE: "dim"}


def render_text(report: Report, *, width: int = 80, color: bool = False) -> str:
    """The report in ``width`` columns. ``color`` adds ANSI styles and changes no character."""
    page = Page(width, color=color)
    lines = [
        *(page.style(line, "bold") for line in page.fold(report.title)),
        *(page.style(line, "dim") for line in page.fold(_dates(report))),
        *_pools(report, page),
        *_money(report, page),
        *_tokens(report, page),
        *_ownership(report, page),
        *_time(report, page),
        *_risk(report, page),
        *verdict_lines(report.verdicts, page),
    ]
    for note in report.notes:
        lines += ["", *page.fold(note)]
    return "\n".join(line.rstrip() for line in lines) + "\n"


def _dates(report: Report) -> str:
    return f"reference date {report.reference_date}; {dates_line(report)}"


def verdict_lines(verdicts: Sequence[Verdict], page: Page) -> Iterator[str]:
    """Gates, broken ones first; nothing where none was judged."""
    if verdicts:
        yield from page.heading("gates")
    for verdict in sorted(verdicts, key=lambda verdict: verdict.is_met):
        line = f"{verdict_word(verdict)}: {verdict.subject}: {verdict.reason}  [{verdict.gate}]"
        style = "green" if verdict.is_met else "red"
        yield from (page.style(folded, style) for folded in page.fold(line, 2, 2))


def _pools(report: Report, page: Page) -> Iterator[str]:
    if not report.pools:
        return
    yield from page.heading("what and where")
    for row in report.pools:
        yield from page.fold(f"{row.serves}", 2)
        bought = f", {row.purchase.replace('_', ' ')}" if row.purchase else ""
        nodes = f", {row.nodes} node{'s' * (row.nodes != '1')}" if row.nodes else ""
        yield from page.fold(f"{row.place}: {row.machine}{bought}{nodes}", 4)


def _money(report: Report, page: Page) -> Iterator[str]:
    costs = report.costs
    yield from page.heading("money")
    yield page.style(f"USD per month of {costs.hours_per_month} hours", "dim")
    rows = [("", "idle", "expected", "peak")]
    rows += [
        (group, usd(loads.idle), usd(loads.expected), usd(loads.peak))
        for group, loads in costs.by_group.items()
    ]
    total = costs.monthly
    rows.append(("total", usd(total.idle), usd(total.expected), usd(total.peak)))
    table = page.table(rows, 3)
    yield from table[:-1]
    yield page.style(table[-1], "bold")
    low, high = costs.spread
    if low != high:
        yield from page.fold(f"with spot prices at their P10 and P90: {usd(low)} to {usd(high)}", 2)
    if costs.one_time:
        yield from page.fold(f"one-time purchases, apart: {usd(costs.one_time)}", 2)
    if costs.credits:
        yield from page.fold(f"credits, apart: {usd(costs.credits)} per month", 2)
    yield from _largest(costs.items, page)
    if costs.metered:
        yield ""
        yield from page.fold("By use, not in the totals until declared:", 2)
        seen = dict.fromkeys(f"{item.component}: {rate(item)} ({item.region})" for item in costs.metered)
        for line in seen:
            yield from page.fold(line, 4)
    if costs.unknown:
        yield ""
        yield page.style("  Unknown, not in the totals:", "yellow")
        for line in _unknown(costs.unknown):
            yield from page.fold(line, 4)
    yield from page.fold(price_note(report), 2)


def _unknown(unknown: Sequence[Unpriced], limit: int = 3) -> Iterator[str]:
    """What has no price, by name; many of one kind in one line with their number."""
    alike: dict[tuple[str, str], list[str]] = {}
    for found in unknown:
        alike.setdefault((found.component, found.reason), []).append(found.resource)
    for (component, reason), names in alike.items():
        if len(names) <= limit:
            yield from (f"{name}, {component}: {reason}" for name in names)
        else:
            shown = ", ".join(names[:limit])
            yield f"{len(names)} x {component}: {reason} ({shown} and {len(names) - limit} more)"


def _largest(items: Sequence[LineItem], page: Page, limit: int = 8) -> Iterator[str]:
    """The largest items at the expected load, and how many there are besides."""
    counted = [item for item in items if item.effective is not None and item.effective.peak > 0]
    counted.sort(key=lambda item: (-item.effective.expected if item.effective else 0, item.urn))
    if not counted:
        return
    yield ""
    rows = [("largest items", "unit price", "expected")]
    for item in counted[:limit]:
        effective = item.effective
        assert effective is not None  # noqa: S101 (filtered above)
        rows.append((f"{item.resource}: {item.component}", rate(item), usd(effective.expected)))
    yield from page.table(rows, 1)
    if len(counted) > limit:
        yield f"  and {len(counted) - limit} more"


def _tokens(report: Report, page: Page) -> Iterator[str]:
    if not report.tokens:
        return
    yield from page.heading("per token")
    for endpoint, found in report.tokens.items():
        yield from page.fold(f"{endpoint}: {token_words.headline(found)}", 2)
        if found.at_planned is not None:
            yield from (f"  {line}" for line in page.narrower(2).table([*token_words.price_rows(found)], 2))
        for line in (*token_words.basis_lines(found), *token_words.demand_lines(found)):
            yield from page.fold(line, 4)
        if found.hosted:
            yield ""
            yield from (f"  {line}" for line in page.narrower(2).table([*token_words.hosted_rows(found)], 3))
        if found.next_cheaper:
            yield ""
            yield from page.fold(f"next cheaper: {found.next_cheaper}", 4)


def _ownership(report: Report, page: Page) -> Iterator[str]:
    if report.ownership is not None:
        yield from page.heading("people and ownership, apart")
        yield from page.table([*token_words.ownership_rows(report.ownership)], 1)
        for line in token_words.ownership_notes(report.ownership):
            yield from page.fold(line, 4)
    if report.assumptions:
        yield ""
        yield from page.fold("Assumed, for amounts by use:", 2)
        for found in report.assumptions:
            yield from page.fold(token_words.assumption_line(found), 4)


def _time(report: Report, page: Page) -> Iterator[str]:
    if not report.lead_times:
        return
    yield from page.heading("time")
    for endpoint, lead_time in report.lead_times.items():
        yield from page.fold(endpoint, 2)
        yield from (f"  {line}" for line in _journeys(lead_time, page.narrower(2)))
        for gate in lead_time.gates:
            state = gate_state(gate)
            yield from page.fold(f"gate ({state}): {gate.name}: {gate.evidence}", 4)


def _journeys(lead_time: LeadTime, page: Page) -> Iterator[str]:
    journeys = [journey for journey in lead_time.journeys if journey.phases]
    rows = [("until tokens flow", "P50", "P90"), *map(journey_line, journeys)]
    yield from page.table(rows, 2)
    longest = journeys[0] if journeys else None
    if longest is None:
        return
    rows = [(phase.name, duration(phase.p50_s), phase.basis) for phase in longest.phases]
    yield ""
    yield from page.table([("phase", "P50", "basis"), *rows], 0)
    if longest.assumed_spread:
        yield from page.fold("P90 guesses 1.5 times the median for phases that were timed only once", 2)
    if lead_time.measured:
        yield from page.fold("measured by you: " + ", ".join(lead_time.measured), 2)
    for journey in journeys:
        if journey.note:
            yield from page.fold(f"{JOURNEYS[journey.name]}: {journey.note}", 2)
    if lead_time.cold_start_usd:
        yield from page.fold(f"a cold start bills {usd(lead_time.cold_start_usd)} before the first token", 2)
    if lead_time.shortcuts:
        yield ""
        rows = [("what would shorten it most", "effect on the P50", "price")]
        rows += [shortcut_line(found) for found in lead_time.shortcuts]
        yield from page.table(rows, 0)


def _risk(report: Report, page: Page) -> Iterator[str]:
    yield from page.heading("risk")
    yield f"  {risk_line(report)}"
    for finding in report.findings:
        first, *rest = finding.render().splitlines()
        yield from (page.style(line, _COLOURS[finding.severity]) for line in page.fold(first, 2))
        for line in rest:
            yield from page.fold(line.strip(), 4)
    if report.rungs:
        yield ""
        rows = [("where next", "machine", "bought", "price")]
        rows += [
            (
                f"{'>' if row.is_active else ' '} {row.endpoint} #{row.number} {row.place}",
                row.machine,
                row.purchase.replace("_", " "),
                row.price,
            )
            for row in report.rungs[:10]
        ]
        yield from page.table(rows, 1)
        if len(report.rungs) > 10:
            yield f"  and {len(report.rungs) - 10} more rungs in the lock"
