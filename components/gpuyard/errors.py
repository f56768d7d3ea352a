"""Findings and the error family: what is wrong, where, why, and what to do about it.

    GpuyardError                 exit 2 unless a subclass says otherwise
    ├── SpecError                input that cannot become a spec; carries findings
    ├── FindingsError            a spec that must not be deployed; carries findings (exit 1)
    └── EngineError              a cloud, the Pulumi engine or a plugin said no (exit 3)

A finding is a value: checks return lists of them and never raise. Only the edges raise.
"""

import re
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import fields, replace
from difflib import get_close_matches
from enum import StrEnum
from functools import cache
from typing import Any

from gpuyard.records import record


class Severity(StrEnum):
    """How much a finding weighs."""

    ERROR = "error"
    """It cannot work, or must not be deployed. Exit code 1."""
    WARNING = "warning"
    """It may fail, or cannot be decided from what is known."""
    NOTE = "note"
    """Worth knowing; nothing to do."""


@record
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

    @classmethod
    def error(cls, code: str, path: str, message: str, fix: str = "", **more: Any) -> "Finding":
        """One that forbids deployment; ``more`` are value, source and as_of."""
        return cls(severity=Severity.ERROR, code=code, path=path, message=message, fix=fix, **more)

    def as_dict(self) -> dict[str, Any]:
        """The finding as JSON-ready data, in the documented key order."""
        return {field.name: getattr(self, field.name) for field in fields(self)}

    def render(self) -> str:
        """The finding as terminal text: the claim, then the way out, indented."""
        place = f"{_plain(self.path)}: " if self.path else ""
        message = _ENDLESS.sub(lambda word: f"{word[0][:80]}…", _plain(self.message))
        lines = [f"{self.severity}: {place}{message}  [{self.code}]"]
        if self.fix:
            lines.append(f"  fix: {_plain(self.fix)}")
        if self.source:
            lines.append(f"  source: {self.source}" + (f" ({self.as_of})" if self.as_of else ""))
        return "\n".join(lines)


_CONTROL = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f]")
_ENDLESS = re.compile(r"\S{400,}")
_PLACES_INLINE = 3
_PLACES_MAX = 1000
"""Places of one problem that are printed; a table of prices has a hundred thousand cells."""
_CHOICES = re.compile(r"(?:^|  )(?:((?:known|allowed)\b[^:]*): |use one of ).+, .+", re.DOTALL)
"""The end of a fix that lists what may be written."""


def render_findings(findings: Iterable[Finding]) -> str:
    """Findings as terminal text: what is the same in many places once, with every place.

    A list of what may be written (``known keys: …``) that several fixes end in stands once, at the end.
    """
    groups: dict[tuple[Any, ...], list[Finding]] = {}
    for finding in findings:
        claim = finding.message.replace(_quoted(finding), "…")
        rest = (finding.severity, finding.code, finding.fix, finding.source, finding.as_of)
        groups.setdefault((claim, *rest), []).append(finding)
    lists = Counter(found[0].strip() for group in groups.values() if (found := _CHOICES.search(group[0].fix)))
    shared = [choices for choices, count in lists.items() if count > 1]
    return "\n".join([*(_render_group(group, shared) for group in groups.values()), *shared])


def _render_group(group: Sequence[Finding], shared: Sequence[str]) -> str:
    first = group[0]
    choices = _CHOICES.search(first.fix)
    if choices and choices[0].strip() in shared:
        hint = (
            first.fix[: choices.start()]
            or f"take one of {'the ' + choices[1] if choices[1] else 'those'} below"
        )
        group = [replace(finding, fix=hint) for finding in group]
        first = group[0]
    if len({finding.message for finding in group}) == 1:
        places = list(dict.fromkeys(finding.path for finding in group))
        if len(places) <= _PLACES_INLINE:
            return replace(first, path=", ".join(places)).render()
    elif len(group) <= _PLACES_INLINE:
        return "\n".join(finding.render() for finding in group)
    else:
        places = [f"{finding.path} {_quoted(finding)}" for finding in group]
    claim, *rest = replace(first, path=f"{first.path} and {len(places) - 1:,} more").render().split("\n")
    unsaid = f" and {len(places) - _PLACES_MAX:,} more" if len(places) > _PLACES_MAX else ""
    return "\n".join([claim, "  also: " + _plain(", ".join(places[1:_PLACES_MAX])) + unsaid, *rest])


def _quoted(finding: Finding) -> str:
    """Its value, as claims name it."""
    return f'"{finding.value}"'


def _plain(text: str) -> str:
    """Text that may come out of a file, without what a terminal would obey."""
    return _CONTROL.sub(lambda sign: f"\\x{ord(sign[0]):02x}", text)


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
        super().__init__(render_findings(self.findings))


class FindingsError(GpuyardError):
    """A valid spec that must not be deployed; raised by components on error findings."""

    exit_code = 1

    def __init__(self, findings: Sequence[Finding]) -> None:
        self.findings = tuple(findings)
        super().__init__(render_findings(self.findings))


class EngineError(GpuyardError):
    """A cloud, the Pulumi engine or a provider plugin said no."""

    exit_code = 3


def did_you_mean(value: str, choices: Iterable[str], *, limit: int = 3) -> str:
    """A hint such as ``did you mean "l4" or "l40s"?``, empty when nothing is close."""
    matches = _close_matches(str(value)[:_NAME_MAX].lower(), tuple(map(str, choices)), limit)
    if not matches:
        return ""
    return "did you mean " + " or ".join(f'"{match}"' for match in matches) + "?"


_NAME_MAX = 200
"""Of a word that may be a name: comparing takes the square of its length."""


@cache
def _close_matches(value: str, choices: tuple[str, ...], limit: int) -> list[str]:
    return get_close_matches(value, choices, n=limit, cutoff=0.6)
