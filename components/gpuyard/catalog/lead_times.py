"""How long things take: phases on the way from nothing to a served token, each with its evidence."""

from collections.abc import Mapping
from functools import cache
from types import MappingProxyType
from typing import Any

from gpuyard.catalog.tables import read_yaml
from gpuyard.records import record
from gpuyard.units import GB


@record
class LeadTimeFact:
    """What one source says about one phase under one condition."""

    stage: str
    """Group of the table: ``quota``, ``capacity``, ``cluster``, ``node``, ``image``, ``weights``, …"""
    phase: str
    condition: str
    p50_s: float | None
    """Seconds; a median only where `is_percentile`, else the typical value. None: no number exists."""
    p90_s: float | None
    """Seconds; a 90th percentile only where `is_percentile`, else the upper bound that the source gives."""
    basis: str
    """``measured``, ``documented``, ``anecdotal``, ``code`` or ``inferred``."""
    samples: int | None
    source: str
    as_of: str
    more: Mapping[str, Any]
    """Other facts of the row (rules, sizes, notes), as the table has them."""

    @property
    def is_percentile(self) -> bool:
        """Whether the numbers are percentiles: timed by someone, more than once."""
        return self.basis == "measured" and (self.samples or 0) > 1


_FIELDS = ("phase", "condition", "p50_s", "p90_s", "basis", "n", "source", "date")


@cache
def lead_times() -> tuple[LeadTimeFact, ...]:
    """Every fact, in the order of the table: from quota to the whole way."""
    table = read_yaml("lead_times")
    return tuple(
        LeadTimeFact(
            stage=stage,
            phase=row["phase"],
            condition=row["condition"],
            p50_s=row.get("p50_s"),
            p90_s=row.get("p90_s"),
            basis=row["basis"],
            samples=row.get("n"),
            source=row["source"],
            as_of=str(row["date"]),
            more=MappingProxyType({key: value for key, value in row.items() if key not in _FIELDS}),
        )
        for stage, rows in table.items()
        if isinstance(rows, list)
        for row in rows
    )


def find_lead_times(phase: str) -> tuple[LeadTimeFact, ...]:
    """The facts of one phase, measured ones first; empty: nothing is known about it."""
    order = ("measured", "documented", "code", "anecdotal", "inferred")
    facts = [fact for fact in lead_times() if fact.phase == phase]
    return tuple(
        sorted(facts, key=lambda fact: order.index(fact.basis) if fact.basis in order else len(order))
    )


def image_bytes(runtime: str, version: str) -> int | None:
    """Compressed size of a runtime's public image; None: nobody has published that of this version."""
    for fact in find_lead_times("image_size"):
        since = fact.more.get("from_version")
        if fact.more.get("runtime") == runtime and since and _numbers(version) >= _numbers(str(since)):
            return round(float(fact.more["compressed_gb"]) * GB)
    return None


def _numbers(version: str) -> tuple[int, ...]:
    """``0.11.2`` as numbers; a tag such as ``latest`` counts as none."""
    return tuple(int(part) for part in version.lstrip("v").split(".")[:3] if part.isdigit())
