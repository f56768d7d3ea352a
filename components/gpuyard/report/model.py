"""One report: what a stack is, costs, takes and risks. Every format reads this."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, field
from typing import Any

from gpuyard.costs.cost_report import CostReport
from gpuyard.economics.people import Ownership
from gpuyard.economics.token_economics import TokenEconomics
from gpuyard.economics.traffic import Assumption
from gpuyard.errors import Finding, Severity
from gpuyard.leadtime.lead_time import LeadTime
from gpuyard.records import record
from gpuyard.report.limits import NO_LIMITS, Limits, Verdict

SCHEMA = "gpuyard.report/v1"
"""Name and version of the JSON form; a change that breaks readers raises the number."""


@record
class PoolRow:
    """One GPU pool, or one endpoint on an existing cluster."""

    name: str
    place: str
    """E.g. ``aws us-east-1`` or ``context my-cluster``."""
    machine: str
    """E.g. ``p5.48xlarge (8 x h100-sxm)``."""
    purchase: str
    nodes: str
    """E.g. ``2 to 4``."""
    serves: str
    """Endpoint and model."""


@record
class RungRow:
    """One rung of an endpoint's ladder."""

    endpoint: str
    number: int
    place: str
    machine: str
    purchase: str
    price: str
    """In words; ``unknown`` where nobody publishes it."""
    is_active: bool = False
    reason: str = ""


@record
class Report:
    """The whole report."""

    stack: str
    title: str
    reference_date: str
    """The day that the checks stand on; never today."""
    costs: CostReport
    findings: tuple[Finding, ...] = ()
    pools: tuple[PoolRow, ...] = ()
    rungs: tuple[RungRow, ...] = ()
    lead_times: Mapping[str, LeadTime] = field(default_factory=dict)
    """By endpoint."""
    tokens: Mapping[str, TokenEconomics] = field(default_factory=dict)
    """Money per token, by endpoint."""
    ownership: Ownership | None = None
    """Cloud and people over the months; None: no people are declared."""
    assumptions: tuple[Assumption, ...] = ()
    """What the amounts by use rest on."""
    notes: tuple[str, ...] = ()
    gates: Limits = NO_LIMITS
    """Limits of the stack's config."""
    verdicts: tuple[Verdict, ...] = ()
    """Whether they were kept; empty where nobody judged."""

    @property
    def errors(self) -> int:
        """Findings that forbid deployment."""
        return sum(finding.severity is Severity.ERROR for finding in self.findings)

    @property
    def warnings(self) -> int:
        """Findings that may matter."""
        return sum(finding.severity is Severity.WARNING for finding in self.findings)

    def as_dict(self) -> dict[str, Any]:
        """JSON-ready, as `docs/reference/report-schema.md` has it."""
        return {
            "schema": SCHEMA,
            "stack": self.stack,
            "title": self.title,
            "reference_date": self.reference_date,
            "pools": [asdict(row) for row in self.pools],
            "ladder": [asdict(row) for row in self.rungs],
            "cost": self.costs.as_dict(),
            "lead_time": {name: time.as_dict() for name, time in self.lead_times.items()},
            "tokens": {name: found.as_dict() for name, found in self.tokens.items()},
            "ownership": None if self.ownership is None else asdict(self.ownership),
            "assumptions": [asdict(found) for found in self.assumptions],
            "findings": [finding.as_dict() for finding in self.findings],
            "notes": list(self.notes),
            "gates": self.gates.as_dict(),
            "verdicts": [asdict(verdict) for verdict in self.verdicts],
        }


_ORDER = (Severity.ERROR, Severity.WARNING, Severity.NOTE)


def build_report(
    *,
    stack: str,
    costs: CostReport,
    title: str = "",
    reference_date: str = "",
    findings: Sequence[Finding] = (),
    pools: Sequence[PoolRow] = (),
    rungs: Sequence[RungRow] = (),
    lead_times: Mapping[str, LeadTime] | None = None,
    tokens: Mapping[str, TokenEconomics] | None = None,
    ownership: Ownership | None = None,
    assumptions: Sequence[Assumption] = (),
    notes: Sequence[str] = (),
    gates: Limits | None = None,
) -> Report:
    """The report with its parts in their order: findings by weight, endpoints by name."""
    ordered = sorted(findings, key=lambda found: (_ORDER.index(found.severity), found.path, found.code))
    return Report(
        stack=stack,
        title=title or f"{stack}: money, time, risk",
        reference_date=reference_date or costs.reference_date,
        costs=costs,
        findings=tuple(ordered),
        pools=tuple(pools),
        rungs=tuple(rungs),
        lead_times=dict(sorted((lead_times or {}).items())),
        tokens=dict(sorted((tokens or {}).items())),
        ownership=ownership,
        assumptions=tuple(assumptions),
        notes=tuple(notes),
        gates=gates or NO_LIMITS,
    )
