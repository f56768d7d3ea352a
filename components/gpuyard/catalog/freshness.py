"""How old each table of the catalog is, against the limit that it has for itself."""

from collections.abc import Mapping, Sequence
from datetime import date

from gpuyard.catalog.tables import read_csv
from gpuyard.records import record


@record
class TableAge:
    """One table on one day."""

    file: str
    holds: str
    source: str
    as_of: date
    """Of its oldest part that is still used."""
    fresh_days: int
    """How long its facts may be trusted: spot prices two months, hardware a year."""
    age_days: int

    @property
    def is_stale(self) -> bool:
        """Whether it is older than its own limit."""
        return self.age_days > self.fresh_days


def registered_tables() -> Sequence[Mapping[str, str]]:
    """Every table: ``file``, ``holds``, ``fresh_days``, ``as_of``, ``source``."""
    return read_csv("tables")


def table_date(file: str) -> str:
    """The day that one table is of, as the register has it."""
    return next(row["as_of"] for row in registered_tables() if row["file"] == file)


def table_ages(today: date) -> tuple[TableAge, ...]:
    """Every table as it stands on ``today``; the one furthest beyond its limit first."""
    ages = [
        TableAge(
            file=row["file"],
            holds=row["holds"],
            source=row["source"],
            as_of=date.fromisoformat(row["as_of"]),
            fresh_days=int(row["fresh_days"]),
            age_days=(today - date.fromisoformat(row["as_of"])).days,
        )
        for row in registered_tables()
    ]
    return tuple(sorted(ages, key=lambda age: (age.fresh_days - age.age_days, age.file)))
