"""Where regions lie: country, part of the world, and whether in the European Union."""

from collections.abc import Mapping
from functools import cache

from gpuyard.catalog.tables import read_csv

EUROPEAN_UNION = "eu"


def lies_in(cloud: str, region: str, places: tuple[str, ...]) -> bool:
    """Whether a region lies in one of ``places``: ``eu``, an area (``europe``) or a country (``DE``).

    A region that the table lacks lies nowhere: data must not go where nobody knows.
    """
    found = _regions().get((cloud, region))
    return found is not None and any(place.lower() in found for place in places)


@cache
def known_places() -> tuple[str, ...]:
    """Every place that `lies_in` knows, sorted."""
    return tuple(sorted({place for places in _regions().values() for place in places}))


@cache
def _regions() -> Mapping[tuple[str, str], frozenset[str]]:
    return {
        (row["cloud"], row["region"]): frozenset(
            {row["country"].lower(), row["area"]} | ({EUROPEAN_UNION} if row["is_eu"] == "true" else set())
        )
        for row in read_csv("regions")
    }
