"""The zones of regions, as the clouds list them."""

import re
from functools import cache

from gpuyard.catalog.regions import regions
from gpuyard.catalog.tables import read_csv
from gpuyard.errors import EngineError, did_you_mean

_GCP_LETTERS = {"us-central1": "abcf", "us-east1": "bcd", "europe-west1": "bcd"}
"""Other regions have a, b and c (https://docs.cloud.google.com/compute/docs/regions-zones, read 2026-11)."""
_DIRECTIONS = re.compile("north|south|east|west|central|gov")


@cache
def aws_zones(region: str) -> tuple[tuple[str, str], ...]:
    """Name and id of the zones of ``region``, e.g. ``("us-east-1a", "use1-az1")``.

    Which id a name stands for differs between accounts; here letters follow the numbers. A region whose
    offerings the catalog lacks has three.

    Raises:
        EngineError: no such region.
    """
    _require("aws", region, regions("aws"))
    listed = {
        int(zone.rpartition("az")[2])
        for row in read_csv("aws_offerings")
        if row["region"] == region
        for zone in row["zone_ids"].split()
        if zone.count("-") == 1
    }
    area, _, rest = region.partition("-")
    prefix = area + _DIRECTIONS.sub(lambda word: word[0][0], rest).replace("-", "")
    return tuple(
        (f"{region}{chr(96 + number)}", f"{prefix}-az{number}") for number in sorted(listed or {1, 2, 3})
    )


@cache
def gcp_zones(region: str) -> tuple[str, ...]:
    """Names of the zones of ``region``.

    Raises:
        EngineError: no such region.
    """
    _require("gcp", region, gcp_regions())
    return tuple(f"{region}-{letter}" for letter in _GCP_LETTERS.get(region, "abc"))


def gcp_regions() -> tuple[str, ...]:
    """Google's regions; the price lists also have groups of them, such as ``us-multi``."""
    return tuple(region for region in regions("gcp") if not region.endswith("-multi"))


def _require(cloud: str, region: str, known: tuple[str, ...]) -> None:
    if region not in known:
        hint = did_you_mean(region, known)
        raise EngineError(f'{cloud} has no region "{region}"' + (f"\n  {hint}" if hint else ""))
