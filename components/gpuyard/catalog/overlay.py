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

from gpuyard.catalog.hardware import machine_types
from gpuyard.catalog.list_prices import is_priced_type
from gpuyard.catalog.offers import Offer
from gpuyard.catalog.regions import regions
from gpuyard.errors import Finding, Severity, SpecError, did_you_mean

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
    try:
        text = path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise SpecError([_problem(str(path), None, f"cannot be read: {type(error).__name__}")]) from None
    rows = csv.DictReader(StringIO(text))
    problems = _header_problems(path, list(rows.fieldnames or []))
    if problems:
        raise SpecError(problems)
    offers: list[Offer] = []
    seen: dict[tuple[str, ...], int] = {}
    for row in rows:
        place = f"{path}:{rows.line_num}"
        found = _row_problems(place, row)
        key = tuple(str(row[column]) for column in COLUMNS[:4])
        if key in seen:
            found.append(
                _problem(place, " ".join(key), f"is already in line {seen[key]}", "keep one of them")
            )
        seen.setdefault(key, rows.line_num)
        problems += found
        if not found:
            offers.append(_offer(row))
    if problems:
        raise SpecError(problems)
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


def _header_problems(path: Path, header: list[str]) -> list[Finding]:
    place = f"{path}:1"
    unknown = [
        _problem(place, name, f'there is no column "{name}"', did_you_mean(name, COLUMNS) or "remove it")
        for name in header
        if name not in COLUMNS
    ]
    missing = [column for column in COLUMNS if column not in header]
    if missing:
        fix = "the first line is: " + ",".join(COLUMNS)
        unknown.append(_problem(place, None, "columns are missing: " + ", ".join(missing), fix))
    return unknown


def _row_problems(place: str, row: Mapping[str, str | None]) -> list[Finding]:
    if None in row or any(row[column] is None for column in COLUMNS):
        return [_problem(place, None, f"does not have {len(COLUMNS)} cells", "quote cells that hold commas")]
    cells = {column: str(row[column]) for column in COLUMNS}
    found = []

    def report(column: str, message: str, fix: str) -> None:
        found.append(_problem(f"{place}:{column}", cells[column], message, fix))

    cloud = cells["cloud"]
    if cloud not in _ZONES:
        report("cloud", "is not a cloud with prices", did_you_mean(cloud, _ZONES) or "use aws or gcp")
        return found
    machine, region, zone = cells["machine_type"], cells["region"], cells["zone"]
    if machine not in machine_types(cloud) and not is_priced_type(cloud, machine):
        hint = did_you_mean(machine, machine_types(cloud)) or f"use a machine type of {cloud}"
        report("machine_type", f"is not a machine type of {cloud}", hint)
    if region not in regions(cloud):
        hint = did_you_mean(region, regions(cloud)) or f"use a region of {cloud}"
        report("region", f"is not a region of {cloud}", hint)
    pattern, example = _ZONES[cloud]
    outside = cloud == "gcp" and not zone.startswith(f"{region}-")
    if zone and (outside or not re.fullmatch(pattern, zone)):
        report("zone", f"is not a zone of {region}", f"give {example}, or nothing for the region")
    for column in ("usd_per_hour_on_demand", "usd_per_hour_spot"):
        if cells[column] and not _is_positive(cells[column]):
            report(column, "is not a positive number", "give USD per machine-hour, or nothing for unknown")
    if not cells["source"].strip():
        report("source", "is required", "say where the row comes from")
    if not _is_date(cells["as_of"]):
        report("as_of", "is not a date", "give the day of the price as YYYY-MM-DD")
    return found


def _is_positive(text: str) -> bool:
    try:
        return 0 < float(text) < float("inf")
    except ValueError:
        return False


def _is_date(text: str) -> bool:
    try:
        date.fromisoformat(text)
    except ValueError:
        return False
    return True


def _problem(path: str, value: str | None, message: str, fix: str = "") -> Finding:
    return Finding(
        severity=Severity.ERROR,
        code="CATALOG_OVERLAY",
        path=path,
        value=value,
        message=message if value is None else f'"{value}" {message}',
        fix=fix or f"write it with `gpuyard catalog import`, or unset {OVERLAY_VARIABLE}",
    )
