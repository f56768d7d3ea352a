"""A diff as a pull-request comment: totals first, replacements next, details folded."""

from collections.abc import Iterator

from gpuyard.report.comment import Section, render_comment
from gpuyard.report.diff import Diff
from gpuyard.report.diff_words import (
    NO_CHANGE,
    counts_line,
    delta_words,
    effect_words,
    gate_words,
    group_rows,
    headline,
    journey_words,
    largest_cause,
    money_rows,
    pool_words,
    replacement_words,
    rung_words,
    token_words,
)
from gpuyard.report.markup import Dialect, escape, finding_line, marker, more, table, verdict_lines
from gpuyard.report.time_diff import EndpointTime

_BROKEN = 10
"""Broken gates named before the folded part."""
_TOKENS = 10
"""Endpoints whose price of a token is in the first part."""
_RUNGS = 15
_REPLACEMENTS = 10
"""Replacements named before the folded part."""


def render_diff_markdown(diff: Diff, dialect: Dialect = Dialect.GITHUB) -> str:
    """The comment; equal diffs give equal bytes."""
    sections = list(_sections(diff, dialect))
    return render_comment(marker("diff", diff.head.stack), list(_summary(diff)), sections, dialect=dialect)


def _summary(diff: Diff) -> Iterator[str]:
    yield f"## {escape(diff.head.stack, 100)}: what this changes"
    yield ""
    if diff.is_empty:
        yield NO_CHANGE
        yield from _broken(diff)
        yield from _notes(diff)
        return
    counted = counts_line(diff)
    yield f"**{headline(diff)}**{_cause(diff)}" + (f" {counted[:1].upper()}{counted[1:]}." if counted else "")
    yield ""
    yield from _broken(diff)
    for found in diff.replacements[:_REPLACEMENTS]:
        sign = "⚠️ **replaced**" if found.is_gpu_pool else "replaced"
        yield f"- {sign}: {escape(replacement_words(found))}"
    if len(diff.replacements) > _REPLACEMENTS:
        yield f"- and {len(diff.replacements) - _REPLACEMENTS} more replacements, below"
    if diff.replacements:
        yield ""
    rows = (
        (name, before, after, f"**{change}**", share)
        for name, before, after, change, share in money_rows(diff)
    )
    yield from table(("USD per month", "before", "after", "change", ""), rows, numbers=4)
    yield ""
    for tokens in diff.tokens[:_TOKENS]:
        yield f"- {escape(token_words(tokens))}"
    if diff.tokens:
        yield ""
    yield f"{escape(diff.base.name, 100)} → {escape(diff.head.name, 100)}."
    yield from _notes(diff)


def _broken(diff: Diff) -> Iterator[str]:
    broken = [verdict for verdict in diff.verdicts if not verdict.is_met]
    if broken:
        yield ""
        yield from verdict_lines(broken[:_BROKEN])
        yield ""


def _cause(diff: Diff) -> str:
    found = largest_cause(diff)
    if found is None:
        return ""
    change, effect = found
    return f" Largest cause: {escape(change.resource, 100)}, {escape(effect_words(effect), 200)}."


def _notes(diff: Diff) -> Iterator[str]:
    for note in diff.notes:
        yield ""
        yield f"_Note: {escape(note)}._"


def _sections(diff: Diff, dialect: Dialect) -> Iterator[Section]:
    if diff.verdicts:
        title = f"Gates ({len(diff.verdicts)})"
        yield Section(title=title, lines=tuple(verdict_lines(diff.verdicts[:200])))
    if diff.changes or diff.groups:
        yield Section(
            title=f"Money by resource and reason ({len(diff.changes)})", lines=tuple(_money(diff, dialect))
        )
    if len(diff.replacements) > _REPLACEMENTS:
        lines = tuple(f"- {escape(replacement_words(found))}" for found in diff.replacements[:200])
        yield Section(title=f"Replacements ({len(diff.replacements)})", lines=lines)
    if diff.risk:
        risk = diff.risk
        number = len(risk.new) + len(risk.gone) + len(risk.changed)
        yield Section(title=f"Risk ({number})", lines=tuple(_risk(diff, dialect)))
    if diff.times:
        lines = tuple(line for found in diff.times for line in _time(found))
        yield Section(title="Time until tokens flow", lines=lines)
    if diff.capacity:
        yield Section(title="Capacity", lines=tuple(_capacity(diff, dialect)))


def _money(diff: Diff, dialect: Dialect) -> Iterator[str]:
    rows = group_rows(diff)
    if rows:
        yield from table(("expected, by group", "before", "after", "change"), rows, numbers=3)
        yield ""
    shown = [(change, effect) for change in diff.changes for effect in change.effects]
    parts = (
        (
            change.kind,
            *map(escape, (change.resource, effect.component, effect_words(effect))),
            delta_words(effect.delta),
        )
        for change, effect in shown[: dialect.rows]
    )
    yield from table(("", "resource", "part", "reason", "change"), parts, numbers=1)
    if any(" / " in effect.before + effect.after for _, effect in shown):
        yield ""
        yield "Three amounts: idle / expected / peak."
    yield from more(len(shown), dialect.rows, "parts")


def _risk(diff: Diff, dialect: Dialect) -> Iterator[str]:
    pairs = [("new", finding) for finding in diff.risk.new]
    pairs += [("gone", finding) for finding in diff.risk.gone]
    for what, finding in pairs[: dialect.rows]:
        yield f"- {what}: {finding_line(finding)}"
    yield from more(len(pairs), dialect.rows, "findings")
    for before, after in diff.risk.changed[: dialect.rows]:
        was = f" (was {before.severity})" if before.severity != after.severity else ""
        yield f"- changed{was}: {finding_line(after)}"
    yield from more(len(diff.risk.changed), dialect.rows, "changed findings")


def _time(found: EndpointTime) -> Iterator[str]:
    yield f"**{escape(found.endpoint)}**"
    yield ""
    if found.journeys:
        rows = map(journey_words, found.journeys)
        yield from table(("journey", "before", "after", "change"), rows, numbers=3)
        yield ""
    for gate in found.gates:
        yield f"- {escape(gate_words(gate))}"
    yield ""


def _capacity(diff: Diff, dialect: Dialect) -> Iterator[str]:
    for pool in diff.capacity.pools[: dialect.rows]:
        yield f"- {escape(pool_words(pool))}"
    yield from more(len(diff.capacity.pools), dialect.rows, "pools")
    rungs = diff.capacity.rungs
    for rung in rungs[:_RUNGS]:
        yield f"- {escape(rung_words(rung))}"
    yield from more(len(rungs), _RUNGS, "changes of the ladder")
