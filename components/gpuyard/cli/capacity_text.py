"""The text form of `gpuyard capacity`."""

from collections import Counter
from collections.abc import Iterator
from textwrap import wrap

from gpuyard.capacity.quota import Verdict
from gpuyard.capacity.ranking import usd_per_hour_unserved
from gpuyard.capacity.relaxation import explain_nothing
from gpuyard.capacity.rung import Ladder, Rung
from gpuyard.catalog.evidence import describe_gaps, group_gaps
from gpuyard.cli.capacity_request import AD_HOC, Request
from gpuyard.cli.capacity_words import answers, would_ask
from gpuyard.units import format_seconds, format_usd

RUNGS = 15
"""Rungs that are shown without --all."""
REASONS = 8
_HEAD = ("#", "where", "machine", "bought", "$/machine-h", "$/h expected", "odds", "wait", "quota")
_NUMBERS = frozenset({0, 4, 5})


def render_capacity(request: Request, *, every: bool) -> str:
    """Ladders, what was left out, quota to ask for, answers: for a terminal."""
    lines: list[str] = []
    for ladder in request.ladders:
        lines += _ladder(ladder, request, every=every)
    for ladder, words, found in answers(request):
        lines += ["", f"why not {words}" + _for(ladder)]
        lines += [
            f"  {_number(answer.rung)}{answer.what}: {answer.reason}"
            for answer in found[: None if every else 20]
        ]
        lines += _more(len(found) - 20, "answers") if not every else []
    lines += _failed(request)
    lines += _asked(request)
    lines += [f"{finding.render()}" for finding in request.notes]
    if not request.ladders:
        lines = [f"{request.stack} runs on an existing cluster: there is no ladder"]
    return "\n".join(lines) + "\n"


def _ladder(ladder: Ladder, request: Request, *, every: bool) -> Iterator[str]:
    demand, known = ladder.demand, request.known
    if ladder is not request.ladders[0]:
        yield ""
    needs = " or ".join(f"{need.gpus_per_replica} x {need.accelerator}" for need in demand.needs)
    span = (
        str(demand.replicas_min)
        if demand.replicas_min == demand.replicas_max
        else (f"{demand.replicas_min} to {demand.replicas_max}")
    )
    name = "" if demand.endpoint == AD_HOC else f"{demand.endpoint}: "
    source = (
        f"clouds asked {known.evidence.as_of}" if known.evidence.as_of else "from the catalog, no cloud asked"
    )
    yield f"{name}{needs} per replica, {span} replica{'s' if span != '1' else ''}; {ladder.as_of}, {source}"
    if not ladder.rungs:
        yield from _nothing(ladder, request)
        return
    yield (
        f"{len(ladder.rungs)} rungs of {ladder.candidates} candidates, sorted by {', '.join(demand.order)}; "
        f"an hour without the service counts {format_usd(usd_per_hour_unserved(demand))}"
    )
    yield ""
    shown = ladder.rungs if every else ladder.rungs[:RUNGS]
    rows = [_row(place, rung, ladder, request) for place, rung in enumerate(shown, start=1)]
    yield from _table(_HEAD, rows)
    yield from _more(len(ladder.rungs) - len(shown), "rungs, with --all")
    first = ladder.rungs[0]
    yield ""
    following = request.next_rung(ladder)
    if following != 1:
        yield "every rung is kept out for now" if following is None else f"to try now: #{following}"
    yield f"#1 because {first.reason}"
    yield f"   odds {first.offering.odds.probability:.0%}: {first.offering.odds.probability_basis}"
    yield from (f"   quota {check.verdict}: {check.describe()}" for check in first.quota_checks or ())
    if first.is_commitment:
        amount = "unknown" if first.usd_committed is None else f"${first.usd_committed:,.2f}"
        yield f"   buying it commits to {amount} and cannot be undone: see docs/how-to/buy-capacity.md"
    yield from _quota(ladder, request, every=every)
    yield from _left_out(ladder, every=every)


def _row(place: int, rung: Rung, ladder: Ladder, request: Request) -> tuple[str, ...]:
    rate, odds, total = rung.rate, rung.offering.odds, rung.cost.total
    price = (
        "unknown"
        if rate.usd is None and rate.usd_high is None
        else (f"<= {rate.usd_high:,.2f}" if rate.usd is None else f"{rate.expected_usd:,.2f}")
    )
    mark = ">" if request.active.get(ladder.demand.endpoint) == rung.offering.id else ""
    blocked = request.blocking(ladder.demand.endpoint, rung)
    start = rung.offering.starts[:10]
    return (
        f"{mark}{place}",
        rung.offering.place,
        f"{rung.nodes_min} x {rung.machine_type}",
        rung.purchase + (f" {rung.offering.reservation}" if rung.is_held else ""),
        price,
        "unknown" if total is None else f"{total:,.2f}",
        f"{odds.probability:.0%}" + (" (guess)" if "guess" in odds.probability_basis else ""),
        f"from {start}" if start else format_seconds(odds.wait_hours * 3600),
        blocked.words if blocked else str(rung.quota_verdict),
    )


def _table(head: tuple[str, ...], rows: list[tuple[str, ...]]) -> Iterator[str]:
    widths = [max(len(row[index]) for row in (head, *rows)) for index in range(len(head))]
    for row in (head, *rows):
        cells = (
            cell.rjust(width) if index in _NUMBERS else cell.ljust(width)
            for index, (cell, width) in enumerate(zip(row, widths, strict=True))
        )
        yield ("  " + "  ".join(cells)).rstrip()


def _quota(ladder: Ladder, request: Request, *, every: bool) -> Iterator[str]:
    """Requests for the first rung, or with --all for every one; and for what only a quota keeps out."""
    from gpuyard.capacity.quota import quota_asks

    asks = ladder.quota_asks() if every else quota_asks(ladder.rungs[0].quota_checks or ())
    short = [item for item in ladder.excluded if item.rules == ("quota",)]
    if not every:
        asks += quota_asks(check for item in short[:3] for check in item.quota_checks)
    if asks:
        yield ""
        yield "quota requests, to file unless the limit is there already"
        for ask in dict.fromkeys(asks):
            yield f"  {ask.command(request.project(ask.cloud, ask.region))}"
            if ask.pending:
                yield f"    open already: {ask.pending}"


def _left_out(ladder: Ladder, *, every: bool) -> Iterator[str]:
    if not ladder.excluded:
        return
    yield ""
    yield f"left out ({len(ladder.excluded)}); ask with --why-not REGION, ZONE, TYPE or PURCHASE"
    if every:
        yield from (f"  {item.what}: {item.reason}" for item in ladder.excluded)
        return
    counts = Counter(item.reason for item in ladder.excluded)
    yield from (f"  {count:>4}  {reason}" for reason, count in counts.most_common(REASONS))
    yield from _more(len(counts) - REASONS, "reasons, with --all")


def _nothing(ladder: Ladder, request: Request) -> Iterator[str]:
    verdict = explain_nothing(ladder.demand, request.known)
    yield ""
    yield "nothing meets it"
    yield from (f"  {rule} rules out {count} offerings" for rule, count in verdict.killers)
    yield ""
    if verdict.relaxations:
        yield "what would help, smallest change first"
    else:
        yield "no change of these limits helps: allow another accelerator, or spread a replica over nodes"
    for item in verdict.relaxations:
        price = "at an unknown price" if item.usd_per_hour is None else f"at ${item.usd_per_hour:,.2f}/h"
        yield f"  {item.change}: opens {item.offering} {price}"


def _failed(request: Request) -> Iterator[str]:
    """The failure memory: what is not tried now."""
    failures = request.failures()
    if failures:
        yield ""
        yield "refused lately, and not tried before"
    for blocked in failures:
        what = blocked.as_dict()
        times = f", {what['times']} times in a row" if what["times"] > 1 else ""
        yield f"  {what['until']}  {what['class']} of {what['scope']}{times}: {what['evidence']}"
        if what["remedy"]:
            yield f"    {what['remedy']}"


def _asked(request: Request) -> Iterator[str]:
    calls = would_ask(request)
    if calls and request.ladders:
        yield ""
        yield "no cloud was asked; --live would ask"
        yield from (f"  {line}" for line in wrap(", ".join(calls), 100))
    gaps = group_gaps(request.known.evidence.gaps)
    if gaps:
        yield ""
        yield "questions to clouds that stayed open"
        for group in gaps[:REASONS]:
            yield f"  {describe_gaps(group)}: {group[0].message}; {group[0].fix}"
        yield from _more(len(gaps) - REASONS, "causes, in the evidence file")
    unknown = sum(
        rung.quota_verdict is Verdict.UNKNOWN for ladder in request.ladders for rung in ladder.rungs
    )
    if unknown and request.ladders:
        yield f"quota of {unknown} rungs has not been read: state it in `capacity.quotas`, or ask with --live"


def _for(ladder: Ladder) -> str:
    return "" if ladder.demand.endpoint == AD_HOC else f" ({ladder.demand.endpoint})"


def _number(rung: int | None) -> str:
    return "" if rung is None else f"#{rung} "


def _more(count: int, what: str) -> Iterator[str]:
    if count > 0:
        yield f"  and {count} more {what}"
