"""The user's own prices and offerings: a reviewed CSV file laid over the shipped tables.

`gpuyard catalog refresh` and `import` write it, people review it like code, and every command reads it
where the environment variable GPUYARD_CATALOG_OVERLAY names it. One row is one machine type in one zone,
or in a region where the zone cell is empty. The shipped tables are never changed.
"""

import csv
import os
import re
from collections.abc import Mapping, Sequence
from datetime import date
from functools import cache
from io import StringIO
from pathlib import Path

from gpuyard.catalog.csv_file import in_order, problem, read_rows
from gpuyard.catalog.hardware import machine_types, members_hint
from gpuyard.catalog.list_prices import is_priced_type
from gpuyard.catalog.offers import Offer
from gpuyard.catalog.regions import regions
from gpuyard.catalog.tables import read_csv
from gpuyard.errors import Finding, SpecError, did_you_mean

OVERLAY_VARIABLE = "GPUYARD_CATALOG_OVERLAY"
COLUMNS = (
    "cloud",
    "machine_type",
    "region",
    "zone",
    "usd_per_hour_on_demand",
    "usd_per_hour_spot",
    "source",
    "as_of",
)
_ZONES = {
    "aws": (
        r"[a-z]+\d*-(?:[a-z]+\d+-)?[a-z]+\d+",
        "an AWS zone id such as use1-az4: zone names differ by account",
    ),
    "gcp": (r"[a-z]+-[a-z]+\d+-[a-z0-9]+", "a Google zone such as us-central1-a"),
}
_NUMBER = re.compile(r"\+?(\d+\.?\d*|\.\d+)(e[+-]?\d+)?", re.ASCII | re.IGNORECASE)


def overlay_path() -> Path | None:
    """The overlay in force; None: the shipped tables alone."""
    named = os.environ.get(OVERLAY_VARIABLE, "")
    return Path(named) if named else None


def overlay_offers() -> tuple[Offer, ...]:
    """The offers of the overlay in force; empty where there is none.

    Raises:
        SpecError: the file is missing or broken.
    """
    path = overlay_path()
    return () if path is None else _cached(path)


def read_overlay(path: Path) -> tuple[Offer, ...]:
    """The offers that the file holds, prices not yet judged.

    Raises:
        SpecError: with every problem of the file, each at its line and column.
    """
    rows, problems = read_rows(path, COLUMNS, _problem, may_have_others=False)
    offers: list[Offer] = []
    seen: dict[tuple[str, ...], int] = {}
    for line, row in rows:
        place = f"{path}:{line}"
        found = _row_problems(place, row)
        key = tuple(row[column] for column in COLUMNS[:4])
        if key in seen:
            found.append(
                _problem(place, f"is already in line {seen[key]}", "keep one of them", " ".join(key))
            )
        seen.setdefault(key, line)
        problems += found
        if not found:
            offers.append(_offer(row))
    if problems:
        raise SpecError(in_order(path, problems))
    return tuple(offers)


def render_overlay(offers: Sequence[Offer]) -> str:
    """The offers as the text of an overlay file, sorted, so that a refresh differs where a price did."""
    text = StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(COLUMNS)
    writer.writerows(sorted(_cells(offer) for offer in offers))
    return text.getvalue()


def merge_offers(held: Sequence[Offer], added: Sequence[Offer]) -> tuple[Offer, ...]:
    """``held`` with ``added`` in place of the rows for the same machine type and zone."""
    places = {_cells(offer)[:4]: offer for offer in (*held, *added)}
    return tuple(places.values())


_cached = cache(read_overlay)


def _cells(offer: Offer) -> tuple[str, ...]:
    prices = ("" if usd is None else f"{usd:.10g}" for usd in (offer.on_demand, offer.spot))
    return (offer.cloud, offer.machine_type, offer.region, offer.zone, *prices, offer.source, offer.as_of)


def _offer(row: Mapping[str, str]) -> Offer:
    listed, quoted = row["usd_per_hour_on_demand"], row["usd_per_hour_spot"]
    return Offer(
        cloud=row["cloud"],
        machine_type=row["machine_type"],
        region=row["region"],
        zone=row["zone"],
        on_demand=float(listed) if listed else None,
        spot=float(quoted) if quoted else None,
        source=row["source"],
        as_of=row["as_of"],
    )


def _row_problems(place: str, cells: Mapping[str, str]) -> list[Finding]:
    found = []

    def report(column: str, message: str, fix: str) -> None:
        found.append(_problem(f"{place}:{column}", message, fix, cells[column]))

    cloud = cells["cloud"]
    if cloud not in _ZONES:
        report("cloud", "is not a cloud with prices", did_you_mean(cloud, _ZONES) or "use aws or gcp")
        return found
    machine, region, zone = cells["machine_type"], cells["region"], cells["zone"]
    if machine not in machine_types(cloud) and not is_priced_type(cloud, machine):
        report("machine_type", f"is not a machine type of {cloud}", _machine_hint(cloud, machine))
    if region not in regions(cloud):
        hint = did_you_mean(region, regions(cloud)) or f"use a region of {cloud}"
        report("region", f"is not a region of {cloud}", hint)
    if zone and not is_zone(cloud, region, zone):
        example = _ZONES[cloud][1]
        report("zone", f"is not a zone of {region}", f"give {example}, or nothing for the region")
    for column in ("usd_per_hour_on_demand", "usd_per_hour_spot"):
        if cells[column] and not _is_positive(cells[column]):
            report(column, "is not a positive number", "give USD per machine-hour, or nothing for unknown")
    if not cells["source"]:
        report("source", "is required", "say where the row comes from")
    if not _is_date(cells["as_of"]):
        report("as_of", "is not a date", "give the day of the price as YYYY-MM-DD")
    return found


def _machine_hint(cloud: str, name: str) -> str:
    """A close machine type of the cloud, the family's or GPU's, or the cloud that does have it."""
    if name in machine_types():
        return f"it is one of {machine_types()[name].cloud}: correct the cloud"
    return did_you_mean(name, machine_types(cloud)) or members_hint(name) or f"use a machine type of {cloud}"


def is_zone(cloud: str, region: str, zone: str) -> bool:
    """Whether ``zone`` has the form of a zone id (AWS) or zone name (Google) of that region."""
    if not re.fullmatch(_ZONES[cloud][0], zone):
        return False
    if cloud == "gcp":
        return zone.startswith(f"{region}-")
    prefix = _zone_prefixes().get(region)
    return prefix is None or zone.startswith(f"{prefix}-")


@cache
def _zone_prefixes() -> Mapping[str, str]:
    """What the zone ids of an AWS region begin with: ``use1`` of us-east-1."""
    return {
        row["region"]: row["zone_ids"].split()[0].partition("-")[0]
        for row in read_csv("aws_offerings")
        if row["zone_ids"]
    }


def _is_positive(text: str) -> bool:
    return bool(_NUMBER.fullmatch(text)) and 0 < float(text) < float("inf")


def _is_date(text: str) -> bool:
    try:
        return date.fromisoformat(text).isoformat() == text
    except ValueError:
        return False


def _problem(path: str, message: str, fix: str = "", value: str | None = None) -> Finding:
    remedy = fix or f"write it with `gpuyard catalog import`, or unset {OVERLAY_VARIABLE}"
    return problem("CATALOG_OVERLAY", path, message, remedy, value)
