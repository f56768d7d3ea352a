"""Findings and the error family: what is wrong, where, why, and what to do about it.

    GpuyardError                 exit 2 unless a subclass says otherwise
    ├── SpecError                input that cannot become a spec; carries findings
    ├── FindingsError            a spec that must not be deployed; carries findings (exit 1)
    └── EngineError              a cloud, the Pulumi engine or a plugin said no (exit 3)

A finding is a value: checks return lists of them and never raise. Only the edges raise.
"""

from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass
from difflib import get_close_matches
from enum import StrEnum
from typing import Any


class Severity(StrEnum):
    """How much a finding weighs."""

    ERROR = "error"
    """It cannot work, or must not be deployed. Exit code 1."""
    WARNING = "warning"
    """It may fail, or cannot be decided from what is known."""
    NOTE = "note"
    """Worth knowing; nothing to do."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """One thing that is wrong or worth knowing (`docs/reference/findings.md`)."""

    severity: Severity
    code: str
    """Stable and documented, e.g. ``SM_NOT_IN_BINARY``."""
    path: str
    """Where in the input, e.g. ``endpoints[0].runtime_version``. Empty: the whole input."""
    value: Any = None
    """What was found there. Never a secret."""
    message: str
    """What is wrong and why, one sentence."""
    fix: str = ""
    """What to do, as an instruction. Empty only where nothing can be done."""
    source: str = ""
    """Where the fact comes from."""
    as_of: str = ""
    """ISO date of that fact."""

    def as_dict(self) -> dict[str, Any]:
        """The finding as JSON-ready data, in the documented key order."""
        return asdict(self)

    def render(self) -> str:
        """The finding as terminal text: the claim, then the way out, indented."""
        place = f"{self.path}: " if self.path else ""
        lines = [f"{self.severity}: {place}{self.message}  [{self.code}]"]
        if self.fix:
            lines.append(f"  fix: {self.fix}")
        if self.source:
            lines.append(f"  source: {self.source}" + (f" ({self.as_of})" if self.as_of else ""))
        return "\n".join(lines)


def has_errors(findings: Iterable[Finding]) -> bool:
    """Whether any finding forbids deployment."""
    return any(finding.severity is Severity.ERROR for finding in findings)


class GpuyardError(Exception):
    """Base of every error gpuyard raises on purpose; its text is fit for a user."""

    exit_code = 2


class SpecError(GpuyardError):
    """Input that cannot become a spec. Carries every problem found, not only the first."""

    def __init__(self, findings: Sequence[Finding]) -> None:
        self.findings = tuple(findings)
        super().__init__("\n".join(finding.render() for finding in self.findings))


class FindingsError(GpuyardError):
    """A valid spec that must not be deployed; raised by components on error findings."""

    exit_code = 1

    def __init__(self, findings: Sequence[Finding]) -> None:
        self.findings = tuple(findings)
        super().__init__("\n".join(finding.render() for finding in self.findings))


class EngineError(GpuyardError):
    """A cloud, the Pulumi engine or a provider plugin said no."""

    exit_code = 3


def did_you_mean(value: str, choices: Iterable[str], *, limit: int = 3) -> str:
    """A hint such as ``did you mean "l4" or "l40s"?``, empty when nothing is close."""
    matches = get_close_matches(str(value).lower(), [str(c) for c in choices], n=limit, cutoff=0.6)
    if not matches:
        return ""
    return "did you mean " + " or ".join(f'"{match}"' for match in matches) + "?"
