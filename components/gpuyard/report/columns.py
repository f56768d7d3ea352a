"""Text by the columns that a terminal gives it: letters of East Asia and emoji take two, marks none.

Widths are those of Unicode's East Asian Width (UAX 11): wide and full-width characters count as two.
"""

import re
import unicodedata
from collections.abc import Iterator

_WIDE = ("W", "F")
_NO_COLUMN = ("Mn", "Me", "Cf")


def columns_of(text: str) -> int:
    """Columns that ``text`` takes."""
    return len(text) if text.isascii() else sum(map(_columns, text))


def cut(text: str, columns: int) -> str:
    """``text`` in at most ``columns``; what is left out becomes an ellipsis."""
    if columns_of(text) <= columns:
        return text
    return f"{_head(text, columns - 1)}…"


def padded(text: str, columns: int, *, right: bool = False) -> str:
    """``text`` with spaces up to ``columns``, before it where it is aligned ``right``."""
    space = " " * (columns - columns_of(text))
    return space + text if right else text + space


def wrapped(text: str, columns: int, first: str = "", later: str = "") -> list[str]:
    """Lines of at most ``columns``, cut between words; a longer word is cut where it must be."""
    lines, line, is_empty = [], first, True
    for gap, word in _words(text, columns - max(len(first), len(later))):
        if not is_empty and columns_of(line + gap + word) > columns:
            lines.append(line)
            line, is_empty = later, True
        line += word if is_empty else gap + word
        is_empty = False
    return [*lines, "" if is_empty else line]


def _words(text: str, columns: int) -> Iterator[tuple[str, str]]:
    """Words, each with the gap before it; longer ones in parts."""
    for gap, word in re.findall(r"(\s*)(\S+)", text):
        space, rest = gap, word
        while columns_of(rest) > columns:
            head = _head(rest, columns) or rest[0]
            yield space, head
            space, rest = "", rest[len(head) :]
        yield space, rest


def _head(text: str, columns: int) -> str:
    """As much of the start of ``text`` as fits."""
    taken = 0
    for index, character in enumerate(text):
        taken += _columns(character)
        if taken > columns:
            return text[:index]
    return text


def _columns(character: str) -> int:
    if unicodedata.category(character) in _NO_COLUMN:
        return 0
    return 2 if unicodedata.east_asian_width(character) in _WIDE else 1
