"""Limits that a team sets for a stack, and what is said of each when it was judged.

They come from ``gates`` of the deployment, travel inside the report, and give way to the command line.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """What must hold; None and an empty mapping: no limit. Meanings: docs/reference/gates.md."""

    monthly_usd_max: float | None = None
    monthly_usd_peak_max: float | None = None
    monthly_usd_increase_max: float | None = None
    monthly_percent_increase_max: float | None = None
    lead_time_minutes_max: Mapping[str, float] = field(default_factory=dict)
    """P90 by journey."""
    unknown_share_max: float | None = None
    price_age_days_max: int | None = None

    def __bool__(self) -> bool:
        return self != Limits()

    def as_dict(self) -> dict[str, Any]:
        """JSON-ready, only what is set."""
        found = {name: getattr(self, name) for name in self.__slots__}
        return {
            name: dict(value) if isinstance(value, Mapping) else value
            for name, value in found.items()
            if value is not None and value != {}
        }


NO_LIMITS = Limits()


@dataclass(frozen=True, slots=True, kw_only=True)
class Verdict:
    """One limit, judged."""

    gate: str
    """Name of the limit, with the journey after a dot."""
    subject: str
    """The stack, or the endpoint."""
    limit: float
    value: float | None
    """None: it cannot be known, and the limit is then not kept."""
    is_met: bool
    reason: str
    """What was found against what was allowed, in words."""
