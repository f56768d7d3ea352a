"""The line items as CSV (RFC 4180): one row per charge, unknown ones among them with the reason."""

import csv
import io
from collections.abc import Iterable, Mapping, Sequence
from decimal import Context, Decimal
from typing import Any

from gpuyard.report.model import Report

COLUMNS = (
    "resource",
    "type",
    "component",
    "group",
    "region",
    "unit",
    "unit_price_usd",
    "quantity_idle",
    "quantity_expected",
    "quantity_peak",
    "usd_idle",
    "usd_expected",
    "usd_peak",
    "category",
    "frequency",
    "status",
    "source",
    "as_of",
    "note",
    "urn",
)
"""``status``: ``priced``, ``by use`` (a rate without a declared amount) or ``unknown``."""
_CELL = Context(prec=12)
_FORMULA = ("=", "+", "-", "@", "\t", "\r")


def render_csv(report: Report) -> str:
    """All charges, then what is unknown; empty cells where there is no number."""
    rows: list[dict[str, Any]] = []
    for item in report.costs.items:
        quantity, cost = item.quantity, item.effective
        row = {key: getattr(item, key) for key in COLUMNS if hasattr(item, key)}
        row |= {"unit_price_usd": item.unit_price, "status": "by use" if cost is None else "priced"}
        if quantity is not None and cost is not None:
            for load in ("idle", "expected", "peak"):
                row |= {f"quantity_{load}": getattr(quantity, load), f"usd_{load}": getattr(cost, load)}
        rows.append(row)
    for found in report.costs.unknown:
        row = {key: getattr(found, key) for key in COLUMNS if hasattr(found, key)}
        rows.append({**row, "status": "unknown", "note": found.reason})
    return write_csv(COLUMNS, rows)


def write_csv(columns: Sequence[str], rows: Iterable[Mapping[str, Any]]) -> str:
    """A head and rows, lines ending in CR LF; missing and None are empty."""
    text = io.StringIO()
    writer = csv.writer(text)
    writer.writerow(columns)
    for row in rows:
        writer.writerow([_cell(row.get(column)) for column in columns])
    return text.getvalue()


def _cell(value: Any) -> str:
    if value is None:
        return ""
    if isinstance(value, Decimal):
        return plain(value)
    text = str(value)
    if isinstance(value, str) and text.startswith(_FORMULA):
        return "'" + text  # a spreadsheet would run it
    return text


def plain(amount: Decimal) -> str:
    """At most 12 significant digits, without exponent or needless zeros."""
    text = format(_CELL.plus(amount).normalize(), "f")
    return "0" if text == "-0" else text
