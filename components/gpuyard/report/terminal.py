"""A page of terminal text: so many columns, colours only where a person looks."""

from collections.abc import Sequence

from gpuyard.report.columns import columns_of, cut, padded, wrapped
from gpuyard.report.markup import visible

NARROWEST = 60
"""Columns that a page has at least."""
_STYLES = {"bold": "1", "dim": "2", "red": "31", "yellow": "33", "green": "32"}
_GAP = 2
_LEAST = 8


class Page:
    """Lines of a page ``width`` columns wide; ``color`` adds ANSI styles and changes no character."""

    def __init__(self, width: int, *, color: bool) -> None:
        self.width, self.color = max(NARROWEST, width), color

    def narrower(self, columns: int) -> "Page":
        """A page for what is indented by ``columns``."""
        page = Page(self.width, color=self.color)
        page.width = self.width - columns
        return page

    def style(self, text: str, name: str) -> str:
        """``text`` in a style: bold, dim, red, yellow or green."""
        return f"\033[{_STYLES[name]}m{text}\033[0m" if self.color else text

    def heading(self, text: str) -> list[str]:
        """A heading with the empty line before it."""
        return ["", self.style(text.upper(), "bold")]

    def fold(self, text: str, indent: int = 0, hang: int = 0) -> list[str]:
        """Paragraph, every line indented, those after the first by ``hang`` more."""
        plain = visible(text)  # others' text must not move the cursor or set colours
        return wrapped(plain, self.width, " " * indent, " " * (indent + hang))

    def table(self, rows: Sequence[Sequence[str]], numbers: int) -> list[str]:
        """Columns; the last ``numbers`` are right-aligned, the widest others give way when space is short."""
        if not rows:
            return []
        plain = [[visible(cell) for cell in row] for row in rows]
        widths = [max(columns_of(row[i]) for row in plain) for i in range(len(plain[0]))]
        words = range(len(widths) - numbers)
        while sum(widths) + _GAP * len(widths) > self.width:
            widest = max(words, key=lambda i: widths[i], default=None)
            if widest is None or widths[widest] <= _LEAST:
                break
            widths[widest] -= 1
        return ["  " + "  ".join(_cells(row, widths, numbers)) for row in plain]


def _cells(row: Sequence[str], widths: Sequence[int], numbers: int) -> list[str]:
    cells = []
    for index, (cell, width) in enumerate(zip(row, widths, strict=True)):
        cells.append(padded(cut(cell, width), width, right=index >= len(row) - numbers))
    return cells
