"""Published images by the processors that they are for."""

import re
from collections.abc import Sequence
from functools import cache

from gpuyard.catalog.tables import read_csv
from gpuyard.records import record


@record
class Amd64Image:
    """Images that are published for amd64 only."""

    pattern: re.Pattern[str]
    """What their names contain, in lower case."""
    instead: str
    """An image that arm64 has too, made from the name by the pattern's groups; empty: none known."""
    source: str
    as_of: str


@cache
def amd64_images() -> Sequence[Amd64Image]:
    """Images seen missing on arm64."""
    return [
        Amd64Image(
            pattern=re.compile(row["image"]),
            instead=row["instead"],
            source=row["source"],
            as_of=row["as_of"],
        )
        for row in read_csv("amd64_images")
    ]
