"""A diff for terminals: what is replaced, then money, time, risk, capacity."""

from collections.abc import Iterator

from gpuyard.report.diff import Diff
from gpuyard.report.diff_words import (
    NO_CHANGE,
    delta_words,
    effect_words,
    gate_words,
    group_rows,
    headline,
    journey_words,
    money_rows,
    pool_words,
    replacement_words,
    rung_words,
    token_words,
)
from gpuyard.report.money_diff import Change
from gpuyard.report.terminal import Page
from gpuyard.report.text import verdict_lines

_SIGNS = {"added": "+", "removed": "-", "changed": "~", "replaced": "!"}
_COLOURS = {"added": "green", "removed": "red", "changed": "yellow", "replaced": "red"}
_MOST = 40
"""Resources shown; the JSON has all."""
_RUNGS = 8


def render_diff_text(diff: Diff, *, width: int = 80, color: bool = False) -> str:
    """The diff in ``width`` columns."""
    page = Page(width, color=color)
    lines = [page.style(line, "bold") for line in page.fold(f"{diff.base.name} → {diff.head.name}")]
    if diff.is_empty:
        lines += page.fold(NO_CHANGE)
    else:
        lines += page.fold(headline(diff))
        lines += [*_replacements(diff, page), *_money(diff, page), *_time(diff, page)]
        lines += [*_risk(diff, page), *_capacity(diff, page)]
    lines += verdict_lines(diff.verdicts, page)
    for note in diff.notes:
        lines += page.fold(f"Note: {note}.")
    return "\n".join(line.rstrip() for line in lines) + "\n"


def _replacements(diff: Diff, page: Page) -> Iterator[str]:
    if not diff.replacements:
        return
    yield from page.heading("replaced")
    for found in diff.replacements[:_MOST]:
        style = "red" if found.is_gpu_pool else "yellow"
        yield from (page.style(line, style) for line in page.fold(f"! {replacement_words(found)}", 2, 2))
    if len(diff.replacements) > _MOST:
        yield f"  and {len(diff.replacements) - _MOST} more"


def _money(diff: Diff, page: Page) -> Iterator[str]:
    if not (diff.delta or diff.changes or diff.groups or diff.tokens):
        return
    yield from page.heading("money")
    yield page.style("USD per month, once for one-time purchases", "dim")
    yield from page.table([("", "before", "after", "change", ""), *money_rows(diff)], 4)
    rows = group_rows(diff)
    if rows:
        yield ""
        yield from page.table([("expected, by group", "before", "after", "change"), *rows], 3)
    for tokens in diff.tokens:
        yield from page.fold(token_words(tokens), 2, 2)
    for change in diff.changes[:_MOST]:
        yield ""
        yield from _change(change, page)
    if len(diff.changes) > _MOST:
        yield f"  and {len(diff.changes) - _MOST} more resources"
    if any(" / " in effect.before + effect.after for change in diff.changes for effect in change.effects):
        yield page.style("  three amounts: idle / expected / peak", "dim")


def _change(change: Change, page: Page) -> Iterator[str]:
    title = f"{_SIGNS[change.kind]} {change.resource}: {delta_words(change.delta)}"
    yield from (page.style(line, _COLOURS[change.kind]) for line in page.fold(title, 2, 2))
    for effect in change.effects:
        amount = delta_words(effect.delta)
        name = effect.component if effect.component not in (effect.before + effect.after) else ""
        words = f"{name} " if name else ""
        yield from page.fold(f"{words}{effect_words(effect)}: {amount}", 4, 2)


def _time(diff: Diff, page: Page) -> Iterator[str]:
    if not diff.times:
        return
    yield from page.heading("time")
    for found in diff.times:
        yield from page.fold(found.endpoint, 2)
        rows = [journey_words(journey) for journey in found.journeys]
        if rows:
            yield from page.table([("  until tokens flow", "before", "after", "change"), *rows], 3)
        for gate in found.gates:
            yield from page.fold(gate_words(gate), 4, 2)


def _risk(diff: Diff, page: Page) -> Iterator[str]:
    if not diff.risk:
        return
    yield from page.heading("risk")
    for mark, findings in (("+", diff.risk.new), ("-", diff.risk.gone)):
        for finding in findings:
            yield from page.fold(f"{mark} {finding.render().splitlines()[0]}", 2, 2)
    for before, after in diff.risk.changed:
        was = f" (was {before.severity})" if before.severity != after.severity else ""
        yield from page.fold(f"~ {after.render().splitlines()[0]}{was}", 2, 2)


def _capacity(diff: Diff, page: Page) -> Iterator[str]:
    if not diff.capacity:
        return
    yield from page.heading("capacity")
    for pool in diff.capacity.pools:
        yield from page.fold(pool_words(pool), 2, 2)
    for rung in diff.capacity.rungs[:_RUNGS]:
        yield from page.fold(rung_words(rung), 2, 2)
    if len(diff.capacity.rungs) > _RUNGS:
        yield f"  and {len(diff.capacity.rungs) - _RUNGS} more changes of the ladder"
