"""Markdown as three code hosts render it, and text of others that must not become any.

What differs, each checked against the host's documentation or its issue tracker (read 2026-11):

- GitHub and GitLab fold with ``<details>``. Azure DevOps Services does so too by now, its servers of 2019 and
  2020 show the tags as text; so for Azure a section is a heading with fewer rows.
- Mentions and references (``@team``, ``#12``, ``!12``) are found after Markdown and entities are resolved, so
  escaping does not stop them; a zero-width space (``&#8203;``) after the sign does, as dependency bots do it.
- A line of a GitLab comment that starts with ``/`` is a quick action; no line starts with others' text.
"""

import re
import unicodedata
from collections.abc import Iterable, Iterator, Sequence
from enum import StrEnum

from gpuyard.errors import Finding
from gpuyard.report.limits import Verdict

LONGEST_TEXT = 300
"""Characters of one cell or sentence; the rest becomes an ellipsis."""
LONGEST_WORD = 80
_META = re.compile(r"([\\`*_\[\]|~$])")
_REFERENCE = re.compile(r"([@#!%&~])(?=[\w\"{])")
_BLOCK = re.compile(r"^(?:([-+=#])|(\d+)([.)]))")
_GAP = "\u200b"


class Dialect(StrEnum):
    """Whose Markdown."""

    GITHUB = "github"
    GITLAB = "gitlab"
    AZURE = "azure"

    @property
    def folds(self) -> bool:
        """Whether sections fold."""
        return self is not Dialect.AZURE

    @property
    def rows(self) -> int:
        """Rows of a table before the rest is counted: fewer where nothing folds."""
        return 100 if self.folds else 15


def escape(text: str, longest: int = LONGEST_TEXT) -> str:
    """``text`` as text: no table, list, HTML, link, mention or formula can come out of it; one line."""
    line = " ".join(_shorten_word(word) for word in visible(text).split())
    if len(line) > longest:
        line = line[: longest - 1] + "…"
    line = _REFERENCE.sub(r"\1" + _GAP, line)
    line = line.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
    line = _BLOCK.sub(r"\2\\\1\3", _META.sub(r"\\\1", line))
    return line.replace(_GAP, "&#8203;")


def code(text: str, longest: int = LONGEST_TEXT) -> str:
    """``text`` in a code span that it cannot leave, also inside a table; empty stays empty."""
    line = " ".join(visible(text).split()).replace("|", "¦")
    if not line:
        return ""
    if len(line) > longest:
        line = line[: longest - 1] + "…"
    longest_run = max((len(run) for run in re.findall(r"`+", line)), default=0)
    fence = "`" * (longest_run + 1)
    space = " " if line.startswith("`") or line.endswith("`") else ""
    return f"{fence}{space}{line}{space}{fence}"


def prose(text: str, longest: int = LONGEST_TEXT) -> str:
    """As `escape`, but what stands between two backticks becomes a code span."""
    pieces = re.split(r"`([^`]+)`", " ".join(text.split())[:longest])
    return "".join(
        code(piece) if index % 2 else _spaced(piece, escape(piece)) for index, piece in enumerate(pieces)
    )


def _spaced(raw: str, escaped: str) -> str:
    """Keeps the blanks at both ends, which `escape` takes off."""
    before = " " if raw[:1] == " " else ""
    after = " " if raw[-1:] == " " and raw.strip() else ""
    return before + escaped + after


def table(titles: Sequence[str], rows: Iterable[Iterable[str]], *, numbers: int = 0) -> Iterator[str]:
    """A table; cells are Markdown already, the last ``numbers`` columns are right-aligned."""
    yield _row(titles)
    yield "|" + "---|" * (len(titles) - numbers) + "---:|" * numbers
    yield from map(_row, rows)


def _row(cells: Iterable[str]) -> str:
    return "| " + " | ".join(cells) + " |"


def escaped(rows: Iterable[Iterable[str]]) -> Iterator[Iterator[str]]:
    """Rows of text as `escape` has it."""
    return (map(escape, cells) for cells in rows)


def more(count: int, shown: int, what: str) -> Iterator[str]:
    """A line that counts what was left out; none when nothing was."""
    if count > shown:
        yield ""
        yield f"_… and {count - shown} more {what}._"


def verdict_lines(verdicts: Sequence[Verdict]) -> Iterator[str]:
    """Gates, broken ones first, one list item each."""
    for verdict in sorted(verdicts, key=lambda verdict: verdict.is_met):
        sign = "✅ kept" if verdict.is_met else "❌ **broken**"
        yield f"- {sign}: {escape(verdict.subject, 100)}: {escape(verdict.reason)} ({code(verdict.gate)})"


def finding_line(finding: Finding) -> str:
    """A finding in one line."""
    place = f"{code(finding.path)}: " if finding.path else ""
    return f"**{finding.severity}** {place}{prose(finding.message)} ({code(finding.code)})"


def marker(kind: str, name: str) -> str:
    """The hidden first line by which whoever posts finds the comment again, e.g. of one stack."""
    safe = re.sub(r"[^A-Za-z0-9._/]+", "-", name).strip("-")[:100]
    return f"<!-- gpuyard-{kind}:{safe} -->"


def visible(text: str) -> str:
    """The text without control characters and those that turn or hide text."""
    return "".join(
        " " if sign in "\t\n\r\v\f\x85\u2028\u2029" else sign
        for sign in text
        if sign in "\t\n\r\v\f" or unicodedata.category(sign) not in ("Cc", "Cf", "Co", "Cs")
    )


def _shorten_word(word: str) -> str:
    """Long words keep both ends, which is where names differ."""
    if len(word) <= LONGEST_WORD:
        return word
    half = LONGEST_WORD // 2 - 1
    return f"{word[:half]}…{word[-half:]}"
