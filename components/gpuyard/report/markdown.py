"""The report as a pull-request comment: totals first, details folded, a hidden marker to update in place."""

from collections.abc import Iterator

from gpuyard.report.model import Report
from gpuyard.report.words import (
    PRICE_AGE_NOTE,
    dates_line,
    duration,
    gate_state,
    journey_line,
    rate,
    risk_line,
    usd,
)

MARKER = "<!-- gpuyard-report:{stack} -->"
"""First line of the comment: whoever posts looks for it and edits instead of adding."""
MAX_CHARACTERS = 60_000
"""GitHub takes 65,536; the rest is for whoever wraps it."""


def render_markdown(report: Report) -> str:
    """The comment, shorter than `MAX_CHARACTERS`: what does not fit is dropped from the end and counted."""
    head = "\n".join([MARKER.format(stack=_comment_safe(report.stack)), *_summary(report)]) + "\n"
    text, dropped = head, []
    for title, lines in _details(report):
        block = "\n".join(["", "<details>", f"<summary>{title}</summary>", "", *lines, "", "</details>", ""])
        room = MAX_CHARACTERS - len(text) - 400
        if len(block) > room:
            block = _shortened(title, lines, room)
        if block:
            text += block
        else:
            dropped.append(title)
    if dropped:
        text += (
            "\n_Left out for length: " + ", ".join(dropped) + ". The JSON and HTML reports have it all._\n"
        )
    return text


def _shortened(title: str, lines: list[str], room: int) -> str:
    """The block with as many lines as fit; empty when none but the head would."""
    kept, size = [], len(title) + 200
    for line in lines:
        size += len(line) + 1
        if size > room:
            break
        kept.append(line)
    if len(kept) < 4:
        return ""
    more = f"_… and {len(lines) - len(kept)} more lines in the JSON and HTML reports._"
    return "\n".join(
        ["", "<details>", f"<summary>{title}</summary>", "", *kept, "", more, "", "</details>", ""]
    )


def _summary(report: Report) -> Iterator[str]:
    costs, total = report.costs, report.costs.monthly
    yield f"## {_escape(report.title)}"
    yield ""
    yield (
        f"**{usd(total.expected)} a month expected**, {usd(total.idle)} idle, {usd(total.peak)} at peak. "
        f"{_fastest(report)}Risk: {risk_line(report)}."
    )
    yield ""
    yield "| USD per month | idle | expected | peak |"
    yield "|---|---:|---:|---:|"
    for group, loads in costs.by_group.items():
        yield f"| {group} | {usd(loads.idle)} | {usd(loads.expected)} | {usd(loads.peak)} |"
    yield f"| **total** | **{usd(total.idle)}** | **{usd(total.expected)}** | **{usd(total.peak)}** |"
    yield ""
    low, high = costs.spread
    if low != high:
        yield f"Spot at P10 to P90: {usd(low)} to {usd(high)} expected."
    if costs.one_time:
        yield f"One-time purchases, apart: {usd(costs.one_time)}."
    if costs.credits:
        yield f"Credits, apart: {usd(costs.credits)} per month."
    if costs.unknown:
        yield f"**{len(costs.unknown)} unknown** and not in the totals, listed below by name."
    yield f"{costs.hours_per_month} hours per month; {dates_line(report)}. {PRICE_AGE_NOTE}"


def _fastest(report: Report) -> str:
    parts = []
    for endpoint, lead_time in report.lead_times.items():
        journey = next((journey for journey in lead_time.journeys if journey.phases), None)
        if journey is not None:
            name, p50, p90 = journey_line(journey)
            parts.append(f"{_escape(endpoint)} serves {p50} {name} (P90 {p90}), gates apart.")
    return " ".join(parts) + (" " if parts else "")


def _details(report: Report) -> Iterator[tuple[str, list[str]]]:
    costs = report.costs
    if report.findings:
        yield f"Findings ({len(report.findings)})", _findings(report)
    if costs.unknown:
        rows = [
            f"| {_escape(found.resource)} | {_escape(found.component)} | {_escape(found.reason)} |"
            for found in costs.unknown
        ]
        yield f"Unknown prices ({len(rows)})", ["| resource | part | why |", "|---|---|---|", *rows]
    if report.lead_times:
        yield "Lead time: gates and phases", list(_lead_times(report))
    yield f"Line items ({len(costs.items)})", list(_items(report))
    if report.rungs:
        yield f"Ladder ({len(report.rungs)} rungs)", list(_ladder(report))


def _findings(report: Report) -> list[str]:
    lines = []
    for finding in report.findings:
        place = f"`{finding.path}`: " if finding.path else ""
        lines.append(f"- **{finding.severity}** {place}{_escape(finding.message)} (`{finding.code}`)")
        if finding.fix:
            lines.append(f"  - {_escape(' '.join(finding.fix.split()))}")
    return lines


def _items(report: Report) -> Iterator[str]:
    yield "| resource | part | unit price | expected per month | as of |"
    yield "|---|---|---:|---:|---|"
    for item in report.costs.items:
        effective = item.effective
        amount = "by use" if effective is None else usd(effective.expected)
        cells = (_escape(item.resource), _escape(item.component), rate(item), amount, item.as_of)
        yield "| " + " | ".join(cells) + " |"


def _lead_times(report: Report) -> Iterator[str]:
    for endpoint, lead_time in report.lead_times.items():
        yield f"**{_escape(endpoint)}**"
        yield ""
        for gate in lead_time.gates:
            state = gate_state(gate)
            yield f"- gate, {state}: {_escape(gate.name)}: {_escape(gate.evidence)}"
        yield ""
        journeys = [journey for journey in lead_time.journeys if journey.phases]
        yield "| until tokens flow | P50 | P90 |"
        yield "|---|---:|---:|"
        for journey in journeys:
            yield "| " + " | ".join(journey_line(journey)) + " |"
        yield ""
        if not journeys:
            continue
        yield "| phase | P50 | P90 | basis | source |"
        yield "|---|---:|---:|---|---|"
        for phase in journeys[0].phases:
            yield (
                f"| {phase.name} | {duration(phase.p50_s)} | {duration(phase.p90_s)} | {phase.basis} "
                f"| {_escape(phase.source or phase.note)} |"
            )
        yield ""


def _ladder(report: Report) -> Iterator[str]:
    yield "| | endpoint | place | machine | bought | price |"
    yield "|---|---|---|---|---|---:|"
    for row in report.rungs:
        mark = "active" if row.is_active else f"#{row.number}"
        yield (
            f"| {mark} | {_escape(row.endpoint)} | {row.place} | {row.machine} "
            f"| {row.purchase.replace('_', ' ')} | {row.price} |"
        )


def _escape(text: str) -> str:
    """Text that cannot break a table, start HTML or mention anyone."""
    for sign, safe in (("&", "&amp;"), ("<", "&lt;"), (">", "&gt;"), ("|", "\\|"), ("@", "&#64;")):
        text = text.replace(sign, safe)
    return " ".join(text.split())


def _comment_safe(text: str) -> str:
    return text.replace("--", "-").replace(">", "")
