"""Units that type names do not carry: constructors for bytes, words for people.

Memory is kept in MiB (what drivers report) or bytes (what formulae give), never in bare "GB".
"""

from datetime import UTC, datetime
from typing import Any

KIB = 1024
MIB = 1024**2
GIB = 1024**3
GB = 1000**3
HOURS_PER_MONTH = 730
"""AWS and Infracost bill a month as 730 hours; reports print the number they used."""


def gib(value: float) -> int:
    """Bytes in ``value`` GiB."""
    return round(value * GIB)


def format_bytes(value: float) -> str:
    """Bytes for people, binary units, three significant digits: ``16.1 GiB``."""
    for unit, size in (("TiB", 1024**4), ("GiB", GIB), ("MiB", MIB), ("KiB", KIB)):
        if abs(value) >= size:
            return f"{value / size:.3g} {unit}" if value / size < 1000 else f"{value / size:.0f} {unit}"
    return f"{value:.0f} B"


def format_seconds(value: float) -> str:
    """A duration for people, two largest units: ``6 min 33 s``, ``2 d 4 h``."""
    seconds = round(value)
    parts: list[str] = []
    for unit, size in (("d", 86400), ("h", 3600), ("min", 60), ("s", 1)):
        count, seconds = divmod(seconds, size)
        if count or (unit == "s" and not parts):
            parts.append(f"{count} {unit}")
    return " ".join(parts[:2])


def format_usd(value: float) -> str:
    """Money for people: cents below 1,000, whole dollars above, thousands separated, the sign first."""
    sign, amount = ("-", -value) if value < 0 else ("", value)
    return f"{sign}${amount:,.2f}" if amount < 1000 else f"{sign}${amount:,.0f}"


def moment(value: Any) -> datetime | None:
    """A point in time from ISO 8601, in UTC where it names no zone; None: no such text."""
    try:
        found = datetime.fromisoformat(value) if isinstance(value, str) else None
    except ValueError:
        return None
    return found.replace(tzinfo=found.tzinfo or UTC) if found else None
