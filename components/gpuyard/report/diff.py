"""What a change does to money, time, risk and capacity: two sources in, one value for every format."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
from datetime import date
from typing import Any

from gpuyard.costs.line_item import GROUPS, NOTHING, Loads, loads_dict
from gpuyard.report.capacity_diff import CapacityDiff, Replacement, diff_capacity, find_replacements
from gpuyard.report.judging import judge_change, judge_report
from gpuyard.report.limits import NO_LIMITS, Limits, Verdict
from gpuyard.report.model import Report
from gpuyard.report.money_diff import Amounts, Change, diff_costs, total_amounts
from gpuyard.report.risk_diff import RiskDiff, diff_risk
from gpuyard.report.sources import Source
from gpuyard.report.time_diff import EndpointTime, diff_times
from gpuyard.report.token_diff import TokenChange, diff_tokens

SCHEMA = "gpuyard.diff/v1"
"""Name and version of the JSON form (docs/reference/diff-schema.md)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Side:
    """One of the two things compared."""

    name: str
    kind: str
    stack: str
    reference_date: str
    hours_per_month: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Diff:
    """Head against base."""

    base: Side
    head: Side
    before: Amounts
    after: Amounts
    groups: Mapping[str, tuple[Loads, Loads]]
    """USD per month by group, before and after; those that did not change left out."""
    changes: tuple[Change, ...]
    replacements: tuple[Replacement, ...]
    """What is destroyed and made anew; GPU pools first."""
    tokens: tuple[TokenChange, ...]
    times: tuple[EndpointTime, ...]
    risk: RiskDiff
    capacity: CapacityDiff
    gates: tuple[Limits, Limits] = (NO_LIMITS, NO_LIMITS)
    """Limits of the two sides' configs."""
    verdicts: tuple[Verdict, ...] = ()
    """Whether the head and the change keep them; empty where nobody judged."""

    @property
    def delta(self) -> Amounts:
        """After minus before."""
        return self.after - self.before

    @property
    def is_empty(self) -> bool:
        """Whether nothing that a report says has changed."""
        money = self.changes or self.groups or self.tokens
        return not (money or self.replacements or self.times or self.risk or self.capacity)

    @property
    def notes(self) -> tuple[str, ...]:
        """Settings that differ, so that amounts may differ without a change of the stack."""
        found = []
        if self.base.hours_per_month != self.head.hours_per_month:
            found.append(
                f"months have {self.base.hours_per_month} hours before and {self.head.hours_per_month} after"
            )
        if self.base.reference_date != self.head.reference_date:
            found.append(
                f"support periods are judged on {self.base.reference_date} before "
                f"and on {self.head.reference_date} after"
            )
        if self.base.stack != self.head.stack:
            found.append(f"two stacks are compared: {self.base.stack} before and {self.head.stack} after")
        if self.gates[0] and self.gates[0] != self.gates[1]:
            found.append("the gates themselves differ; those of before count")
        return tuple(found)

    def as_dict(self) -> dict[str, Any]:
        """JSON-ready, as docs/reference/diff-schema.md has it."""
        return {
            "schema": SCHEMA,
            "base": asdict(self.base),
            "head": asdict(self.head),
            "is_empty": self.is_empty,
            "replacements": [found.as_dict() for found in self.replacements],
            "money": {
                "base": self.before.as_dict(),
                "head": self.after.as_dict(),
                "delta": self.delta.as_dict(),
                "groups": {
                    group: {"base": loads_dict(old), "head": loads_dict(new)}
                    for group, (old, new) in self.groups.items()
                },
                "changes": [change.as_dict() for change in self.changes],
                "tokens": {change.endpoint: change.as_dict() for change in self.tokens},
            },
            "time": {found.endpoint: found.as_dict() for found in self.times},
            "risk": self.risk.as_dict(),
            "capacity": self.capacity.as_dict(),
            "verdicts": [asdict(verdict) for verdict in self.verdicts],
            "notes": list(self.notes),
        }


def diff_sources(base: Source, head: Source) -> Diff:
    """What ``head`` changes of ``base``. A source against itself gives an empty diff."""
    old, new = base.report, head.report
    replacements = find_replacements(base, head)
    again = {found.urn for found in replacements}
    changes = (
        replace(found, kind="replaced") if found.kind == "changed" and found.urn in again else found
        for found in diff_costs(old.costs, new.costs)
    )
    return Diff(
        base=_side(base),
        head=_side(head),
        before=total_amounts(old.costs),
        after=total_amounts(new.costs),
        groups=_groups(old.costs.by_group, new.costs.by_group),
        changes=tuple(changes),
        replacements=replacements,
        tokens=diff_tokens(old.tokens, new.tokens),
        times=diff_times(old.lead_times, new.lead_times),
        risk=diff_risk(old.findings, new.findings),
        capacity=diff_capacity(old, new),
        gates=(old.gates, new.gates),
    )


def judge_diff(diff: Diff, head: Report, limits: Limits, today: date) -> Diff:
    """The diff with a verdict on every limit: what the change adds first, then what the head is."""
    change = judge_change(head.stack, diff.before, diff.after, limits)
    return replace(diff, verdicts=(*change, *judge_report(head, limits, today)))


def _side(source: Source) -> Side:
    report = source.report
    return Side(
        name=source.name,
        kind=source.kind,
        stack=report.stack,
        reference_date=report.reference_date,
        hours_per_month=report.costs.hours_per_month,
    )


def _groups(old: Mapping[str, Loads], new: Mapping[str, Loads]) -> dict[str, tuple[Loads, Loads]]:
    pairs = {group: (old.get(group, NOTHING), new.get(group, NOTHING)) for group in GROUPS}
    return {group: pair for group, pair in pairs.items() if pair[0] != pair[1]}
