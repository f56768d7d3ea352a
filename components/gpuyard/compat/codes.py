"""Every code that `check` can answer: what it means, how much it weighs, an example, the way out.

`docs/reference/findings.md` is this table (`render_reference`); a test holds them together.
"""

from collections.abc import Mapping
from dataclasses import dataclass

from gpuyard.catalog.tables import read_json
from gpuyard.errors import Severity


@dataclass(frozen=True, slots=True)
class Code:
    """One code. ``severity`` is the usual one: where a rule is unsure it answers a warning."""

    code: str
    severity: Severity
    meaning: str
    example: str
    fix: str
    source: str
    """Of findings that cite nothing of their own; `as_of` likewise."""
    as_of: str


def _read() -> Mapping[str, Code]:
    table = read_json("compat_codes")
    rows = ({**row, "severity": Severity(row["severity"])} for row in table["codes"])
    return {row["code"]: Code(**row, as_of=table["as_of"]) for row in rows}


CODES: Mapping[str, Code] = _read()


def render_reference() -> str:
    """The table as the Markdown page `docs/reference/findings.md`."""
    lines = [
        "# Findings of `gpuyard compat`",
        "",
        "Generated from `gpuyard.compat.codes`.",
        "Severity is the usual one: where the facts are unsure, the same code is a warning.",
        "A missing or null field is unknown and never an error.",
        "Source is where the code is described; a finding cites the row or rule that spoke where it has one.",
        "",
    ]
    for item in CODES.values():
        lines += [
            f"## {item.code}",
            "",
            item.meaning,
            "",
            f"- Severity: {item.severity}",
            f"- Example: {item.example}",
            f"- Fix: {item.fix}",
            f"- Source: {item.source} (as of {item.as_of})",
            "",
        ]
    return "\n".join(lines)
