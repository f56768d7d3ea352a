"""CSV files that people hand over: every row with its line, and every problem of their form."""

import csv
from collections.abc import Callable, Sequence
from io import StringIO
from pathlib import Path

from gpuyard.errors import Finding, SpecError, did_you_mean

Report = Callable[[str, str, str], Finding]
"""The finding of a place, a message and a fix."""
BYTES_MAX = 256 * 1024 * 1024
"""Seventy times the largest price table seen (SkyPilot's of AWS, 3.7 MB, 2026-11)."""
_MARKS = {b"\xff\xfe": "UTF-16", b"\xfe\xff": "UTF-16", b"PK\x03\x04": "a spreadsheet", b"\x1f\x8b": "gzip"}
_OTHER_DELIMITERS = {";": "semicolons", "\t": "tabs", "|": "bars"}


def read_rows(
    path: Path, columns: Sequence[str], report: Report, *, may_have_others: bool
) -> tuple[list[tuple[int, dict[str, str]]], list[Finding]]:
    """Whole rows with the line that each ends in, cells without blanks around them; and problems of others.

    Raises:
        SpecError: it cannot be read, or its header has not the ``columns``; every problem at once.
    """
    text = _text(path, report)
    lines = csv.reader(StringIO(text, newline=""), strict=True)
    rows: list[tuple[int, dict[str, str]]] = []
    problems: list[Finding] = []
    began = 1
    try:
        header = [name.strip() for name in next(lines, [])]
        if wrong := _header_problems(f"{path}:1", header, columns, report, may_have_others=may_have_others):
            raise SpecError(wrong)
        began = lines.line_num + 1
        for cells in lines:
            place, began = f"{path}:{lines.line_num}", lines.line_num + 1
            if len(cells) == len(header):
                row = dict(zip(header, map(str.strip, cells), strict=True))
                if any(row.values()):
                    rows.append((lines.line_num, row))
            elif any(map(str.strip, cells)):
                message = f"has {len(cells)} of {len(header)} cells"
                is_cut = len(cells) < len(header)
                fix = (
                    "give all of them, or get a file again that is cut off"
                    if is_cut
                    else "quote cells that hold commas"
                )
                problems.append(report(place, message, fix))
    except csv.Error as error:
        problems.append(report(f"{path}:{began}", f"is no CSV from here on: {error}", "mend that line"))
    return rows, problems


def problem(code: str, path: str, message: str, fix: str, value: str | None = None) -> Finding:
    """An error at a place; with a ``value`` the message goes on from it."""
    return Finding.error(code, path, message if value is None else f'"{value}" {message}', fix, value=value)


def in_order(path: Path, problems: Sequence[Finding]) -> list[Finding]:
    """Problems of rows (``path:line…``) by line."""
    return sorted(problems, key=lambda found: int(found.path.removeprefix(f"{path}:").split(":")[0]))


def _text(path: Path, report: Report) -> str:
    try:
        content = path.read_bytes() if path.stat().st_size <= BYTES_MAX else None
    except OSError as error:
        reason = f"cannot be read: {error.strerror}"
        raise SpecError([report(str(path), reason, "give the path of a CSV file")]) from None
    if content is None:
        raise SpecError([report(str(path), "is too large for a table of prices", "give the table alone")])
    for mark, kind in _MARKS.items():
        if content.startswith(mark):
            raise SpecError([report(str(path), f"cannot be read: it is {kind}", "save it as CSV in UTF-8")])
    try:
        return content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = content.count(b"\n", 0, error.start) + 1
        reason = "cannot be read: this line is not UTF-8"
        raise SpecError([report(f"{path}:{line}", reason, "save it as CSV in UTF-8")]) from None


def _header_problems(
    place: str, header: Sequence[str], columns: Sequence[str], report: Report, *, may_have_others: bool
) -> list[Finding]:
    first_line = "the first line is: " + ",".join(columns)
    for delimiter, words in _OTHER_DELIMITERS.items():
        if len(header) == 1 and header[0].count(delimiter) >= len(columns) - 1:
            return [report(place, f"separates its columns by {words}", "separate them by commas")]
    if not set(columns) & set(header):
        names = "names none of its columns" if any(header) else "is empty: it names no columns"
        return [report(place, names, first_line)]
    others = [name for name in header if name not in columns]
    missing = [column for column in columns if column not in header]
    problems = [
        report(place, f'has the column "{name}" {header.count(name)} times', "keep one of them")
        for name in dict.fromkeys(header)
        if header.count(name) > 1
    ]
    if not may_have_others:
        problems += [
            report(place, f'there is no column "{name}"', did_you_mean(name, missing) or "remove it")
            for name in others
        ]
    if missing:
        by_lower = {name.lower(): name for name in others}
        near = {column: did_you_mean(column, by_lower, limit=1) for column in missing if may_have_others}
        renamed = [f"{column}: {hint}" for column, hint in near.items() if hint]
        fix = "  ".join([*renamed, *([first_line] if len(renamed) < len(missing) else [])])
        problems.append(report(place, "columns are missing: " + ", ".join(missing), fix))
    return problems
