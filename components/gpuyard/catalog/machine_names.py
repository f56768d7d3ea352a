"""Machine types of Azure and Oracle, which the catalog does not price: their names say the GPUs."""

import re
from collections.abc import Sequence
from functools import cache

from gpuyard.catalog.tables import read_csv
from gpuyard.records import record


@record
class NamedMachine:
    """GPUs of a machine type."""

    pattern: re.Pattern[str]
    """The whole name in lower case, without Azure's ``standard_``."""
    gpu: str
    count: int
    source: str
    as_of: str


@cache
def named_machines() -> Sequence[NamedMachine]:
    """Every machine type that is known by its name alone."""
    return [
        NamedMachine(
            pattern=re.compile(row["name"]),
            gpu=row["gpu"],
            count=int(row["count"]),
            source=row["source"],
            as_of=row["as_of"],
        )
        for row in read_csv("machine_names")
    ]


@cache
def find_named_machine(text: str) -> NamedMachine | None:
    """The machine type of that name, in Azure's or Oracle's spelling; None: not known."""
    name = re.sub(r"[ _]+", "_", text.strip().lower()).removeprefix("standard_")
    return next((row for row in named_machines() if row.pattern.fullmatch(name)), None)
