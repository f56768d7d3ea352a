"""A comment under a pull request: what matters first, details folded, within the hosts' limits."""

from collections.abc import Sequence

from gpuyard.records import record
from gpuyard.report.markup import Dialect

MAX_CHARACTERS = 60_000
"""GitHub takes 65,536 (GitLab 1,000,000, Azure DevOps 150,000); the rest is for whoever wraps it."""
_RESERVE = 1_000
"""For the line that names what was left out."""


@record
class Section:
    """A part that folds."""

    title: str
    """Plain words and numbers of our own."""
    lines: tuple[str, ...]


def render_comment(
    marker: str,
    head: Sequence[str],
    sections: Sequence[Section],
    *,
    dialect: Dialect = Dialect.GITHUB,
    limit: int = MAX_CHARACTERS,
) -> str:
    """The comment, at most ``limit`` characters.

    Sections that do not fit are left out whole and named; later ones may still fit.
    """
    text = _cut(marker, head, limit - _RESERVE)
    left_out = []
    for section in sections:
        block = _block(section, dialect)
        if len(text) + len(block) > limit - _RESERVE:
            left_out.append(section.title)
        else:
            text += block
    if left_out:
        named = ", ".join(left_out)
        if len(named) > _RESERVE - 200:
            named = f"{len(left_out)} sections"
        text += f"\n_Left out for length: {named}. The JSON and HTML reports have it all._\n"
    return text


def _block(section: Section, dialect: Dialect) -> str:
    if not dialect.folds:
        return "\n".join(["", f"### {section.title}", "", *section.lines, ""])
    return "\n".join(
        ["", "<details>", f"<summary>{section.title}</summary>", "", *section.lines, "", "</details>", ""]
    )


def _cut(marker: str, head: Sequence[str], room: int) -> str:
    """Marker and head, line by line while there is room."""
    text = f"{marker}\n"
    for line in head:
        if len(text) + len(line) + 1 > room:
            return text + "_… shortened_\n"
        text += line + "\n"
    return text
