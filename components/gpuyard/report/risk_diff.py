"""What a change does to risk: findings that came, went, or weigh differently."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from gpuyard.errors import Finding, Severity


@dataclass(frozen=True, slots=True, kw_only=True)
class RiskDiff:
    """Findings by what became of them; falsy when nothing did."""

    new: tuple[Finding, ...] = ()
    gone: tuple[Finding, ...] = ()
    changed: tuple[tuple[Finding, Finding], ...] = ()
    """The same code at the same path, with other words or another weight: before, after."""

    def __bool__(self) -> bool:
        return bool(self.new or self.gone or self.changed)

    @property
    def new_errors(self) -> int:
        """Findings that forbid deployment and did not before."""
        raised = [after for before, after in self.changed if before.severity is not Severity.ERROR]
        return sum(finding.severity is Severity.ERROR for finding in [*self.new, *raised])

    def as_dict(self) -> dict[str, Any]:
        """JSON-ready."""
        return {
            "new": [finding.as_dict() for finding in self.new],
            "gone": [finding.as_dict() for finding in self.gone],
            "changed": [
                {"base": before.as_dict(), "head": after.as_dict()} for before, after in self.changed
            ],
        }


def diff_risk(base: Sequence[Finding], head: Sequence[Finding]) -> RiskDiff:
    """Findings of ``head`` against those of ``base``; order changes nothing."""
    before, after = Counter(map(_whole, base)), Counter(map(_whole, head))
    gone, new = _surplus(base, before - after), _surplus(head, after - before)
    changed = []
    for finding in list(gone):
        other = next((item for item in new if _place(item) == _place(finding)), None)
        if other is not None:
            gone.remove(finding)
            new.remove(other)
            changed.append((finding, other))
    return RiskDiff(new=tuple(new), gone=tuple(gone), changed=tuple(changed))


def _whole(finding: Finding) -> tuple[str, ...]:
    return str(finding.severity), finding.code, finding.path, finding.message


def _place(finding: Finding) -> tuple[str, str]:
    return finding.code, finding.path


def _surplus(findings: Sequence[Finding], more: Counter[tuple[str, ...]]) -> list[Finding]:
    left = Counter(more)
    found = []
    for finding in findings:
        key = _whole(finding)
        if left[key] > 0:
            left[key] -= 1
            found.append(finding)
    return found
