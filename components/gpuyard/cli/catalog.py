"""`gpuyard catalog`: show, search, age, refresh and import the dated facts."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from gpuyard.cli.catalog_text import (
    count,
    echo_facts,
    echo_listing,
    echo_rejections,
    echo_table,
    rejected_data,
)
from gpuyard.errors import Finding, GpuyardError, SpecError

if TYPE_CHECKING:
    from gpuyard.catalog.listings import Listing
    from gpuyard.catalog.offers import Offer
    from gpuyard.catalog.sanity import Rejection
    from gpuyard.catalog.search import Entry

_format = click.option(
    "--format", "style", type=click.Choice(["text", "json"]), default="text", show_default=True
)
_output = click.option(
    "--output",
    type=click.Path(path_type=Path, dir_okay=False),
    default=Path("catalog-overlay.csv"),
    show_default=True,
    help="The overlay to write; rows that it already holds are replaced, others stay.",
)


@click.group()
def command() -> None:
    """Dated facts: GPUs, machine types, models, prices, lead times.

    GPUYARD_CATALOG_OVERLAY names a CSV file of your own prices and offerings;
    `refresh` and `import` write one.
    """


@command.command()
@click.argument("words", metavar="NAME", nargs=-1, required=True)
@click.option("--region", help="Price a machine type in this region only.")
@_format
def show(words: tuple[str, ...], region: str | None, style: str) -> None:
    """Everything known about a GPU, machine type, model or table, with source and date.

    NAME may also be a family (p5), some of a GPU (8xH100), a region or zone, a release (vllm 0.11.0), a
    driver branch, CUDA toolkit, node image, Kubernetes version or quota code: what belongs to it is listed.
    """
    from gpuyard.catalog.listings import Listing
    from gpuyard.catalog.search import summarise
    from gpuyard.catalog.sheet import fact_sheet, table_sheet

    name = " ".join(words)
    table = table_sheet(name)
    if table is not None:
        _print_json(table) if style == "json" else echo_table(table)
        return
    entry = _find(name, region)
    if isinstance(entry, Listing):
        _print_json(asdict(entry)) if style == "json" else echo_listing(entry)
        return
    facts = fact_sheet(entry, region)
    if style == "json":
        _print_json({"kind": summarise(entry).kind, **facts})
        return
    echo_facts(f"{summarise(entry).kind} {entry.id}", facts)


@command.command()
@click.argument("words", nargs=-1, required=True)
@_format
def search(words: tuple[str, ...], style: str) -> None:
    """Entries that hold every one of WORDS."""
    from gpuyard.catalog.search import search_catalog, unknown_words

    hits = search_catalog(" ".join(words))
    if style == "json":
        _print_json([asdict(hit) for hit in hits])
        return
    for hit in hits:
        click.echo(f"{hit.kind:<13} {hit.id}\n  {hit.summary}\n  {hit.source} ({hit.as_of})")
    if not hits:
        unknown = unknown_words(" ".join(words))
        nowhere = (
            f": {', '.join(unknown)} {'stands' if len(unknown) == 1 else 'stand'} nowhere" if unknown else ""
        )
        click.echo(f"nothing holds all of these words{nowhere}")


@command.command()
@click.option("--today", help="Judge as of this day, YYYY-MM-DD.  [default: today]")
@click.option("--strict", is_flag=True, help="Exit 1 when a table is beyond its limit.")
@_format
def age(today: str | None, strict: bool, style: str) -> int:
    """How old every table is, and which are beyond their own limits."""
    from gpuyard.catalog.freshness import table_ages
    from gpuyard.catalog.prices import rejections

    ages = table_ages(_day(today, "--today") if today else date.today())
    stale = [table for table in ages if table.is_stale]
    if style == "json":
        tables = [
            {**asdict(table), "as_of": table.as_of.isoformat(), "is_stale": table.is_stale} for table in ages
        ]
        _print_json({"tables": tables, "rejected_prices": rejected_data(rejections())})
    else:
        for table in ages:
            mark = "STALE" if table.is_stale else "fresh"
            days = f"{table.age_days} of {table.fresh_days} days"
            click.echo(f"{mark}  {table.file:<30} {table.as_of}  {days:<17} {table.holds}")
        click.echo(f"{len(stale)} of {len(ages)} tables are beyond their limit")
        echo_rejections(rejections())
    return 1 if strict and stale else 0


@command.command(name="import")
@click.argument("path", type=click.Path(path_type=Path))
@click.option(
    "--cloud",
    type=click.Choice(["aws", "gcp"]),
    help="Whose vms.csv it is.  [default: by the folders; of a directory, both]",
)
@click.option("--as-of", required=True, help="Day of the prices, YYYY-MM-DD: the files do not say it.")
@_output
@_format
def import_(path: Path, cloud: str | None, as_of: str, output: Path, style: str) -> None:
    """Take prices from a SkyPilot v8 catalog into an overlay.

    PATH is aws/vms.csv or gcp/vms.csv, or a directory that holds them, such as ~/.sky/catalogs/v8.
    """
    from gpuyard.catalog.skypilot import find_files, read_skypilot

    day, held = _past(as_of, "--as-of").isoformat(), _held(output)
    found = [read_skypilot(file, whose, day) for whose, file in find_files(path, cloud).items()]
    skipped: dict[str, int] = {}
    for catalog in found:
        for reason, number in catalog.skipped.items():
            skipped[reason] = skipped.get(reason, 0) + number
    offers = [offer for catalog in found for offer in catalog.offers]
    rejections = [rejection for catalog in found for rejection in catalog.rejections]
    _write(offers, rejections, skipped, (output, held), style)


@command.command()
@click.option("--cloud", type=click.Choice(["aws", "gcp"]), required=True)
@click.option("--region", "regions", multiple=True, required=True, help="May be given more than once.")
@click.option("--machine-type", "names", multiple=True, required=True, help="May be given more than once.")
@click.option("--project", default="", help="Google project whose credentials may read Compute Engine.")
@_output
@_format
def refresh(
    cloud: str, regions: tuple[str, ...], names: tuple[str, ...], project: str, output: Path, style: str
) -> None:
    """Ask the cloud for prices and zones now, and write them into an overlay to review.

    AWS: Price List and EC2, by the usual AWS credentials. Google: Cloud Billing and Compute, by
    application-default credentials and --project. Nothing is created or changed there.
    """
    from gpuyard.catalog.prices import list_price
    from gpuyard.catalog.sanity import accept, judge
    from gpuyard.discovery.prices import ask_aws, ask_gcp

    machines = _asked(cloud, regions, names)
    if cloud == "gcp" and not project:
        raise SpecError([_problem("--project", "", "is required for gcp", "name the project to ask with")])
    today, held = date.today().isoformat(), _held(output)
    asked = (
        ask_aws(machines, regions, today) if cloud == "aws" else ask_gcp(machines, regions, project, today)
    )
    _write(accept(asked, list_price), judge(asked, list_price), {}, (output, held), style)


def _asked(cloud: str, places: Sequence[str], names: Sequence[str]) -> list[str]:
    """Ids of the machine types asked for; every wrong name is reported."""
    from gpuyard.catalog.hardware import find_machine_type
    from gpuyard.catalog.names import UnknownName
    from gpuyard.catalog.regions import regions
    from gpuyard.errors import did_you_mean

    found, problems = [], []
    for name in names:
        try:
            machine = find_machine_type(name)
        except UnknownName as error:
            problems.append(_problem("--machine-type", name, str(error), "name a GPU machine type"))
            continue
        if machine.cloud == cloud:
            found.append(machine.id)
        else:
            message = f"{machine.id} is a machine type of {machine.cloud}"
            problems.append(_problem("--machine-type", name, message, f"use --cloud {machine.cloud}"))
    for place in places:
        if place not in regions(cloud):
            hint = did_you_mean(place, regions(cloud)) or f"name a region of {cloud}"
            problems.append(_problem("--region", place, f'"{place}" is not a region of {cloud}', hint))
    if problems:
        raise SpecError(problems)
    return found


def _held(output: Path) -> Sequence["Offer"]:
    """What the overlay to write holds already; asked first, so that nothing is asked of a cloud in vain."""
    from gpuyard.catalog.overlay import read_overlay
    from gpuyard.catalog.tables import DATA

    if output.resolve().is_relative_to(DATA.resolve()):
        message = f"{output} lies in the shipped catalog, which no command changes"
        raise SpecError([_problem("--output", str(output), message, "name a file outside of the package")])
    return read_overlay(output) if output.is_file() else ()


def _write(
    offers: Sequence["Offer"],
    rejections: Sequence["Rejection"],
    skipped: Mapping[str, int],
    overlay: tuple[Path, Sequence["Offer"]],
    style: str,
) -> None:
    """Merge ``offers`` into the overlay, a path and what it holds; say what was taken and what was not."""
    from gpuyard.catalog.overlay import merge_offers, render_overlay
    from gpuyard.files import write_atomically

    output, held = overlay
    usable = [
        offer for offer in offers if offer.zone or offer.on_demand is not None or offer.spot is not None
    ]
    if not usable:
        raise NothingUsableError("nothing usable was found; no file was written")
    write_atomically(output, render_overlay(merge_offers(held, usable)))
    if style == "json":
        summary = {"output": str(output), "offers": len(usable), "skipped": dict(skipped)}
        _print_json({**summary, "rejected_prices": rejected_data(rejections)})
        return
    written = f"{count(len(usable), 'offer')} written to {output}"
    click.echo(f"{written}; review it, then set GPUYARD_CATALOG_OVERLAY={output}")
    for reason, number in skipped.items():
        click.echo(f"  {count(number, 'row')} left out: {reason}")
    echo_rejections(rejections)


class NothingUsableError(GpuyardError):
    """A source that answered, but with nothing that may be used."""

    exit_code = 3


def _find(name: str, region: str | None) -> "Entry | Listing":
    """The one entry of that name, or what else is called so."""
    from gpuyard.catalog.hardware import MachineType
    from gpuyard.catalog.listings import find_listing, hint_instead
    from gpuyard.catalog.names import UnknownName
    from gpuyard.catalog.regions import regions
    from gpuyard.catalog.search import find_entry
    from gpuyard.errors import did_you_mean

    try:
        found = find_entry(name)
    except UnknownName as error:
        found = find_listing(name)
        if found is None:
            raise SpecError([_problem("NAME", name, str(error), hint_instead(name))]) from None
    if region and not isinstance(found, MachineType):
        message = f"prices one machine type, and {name} is none"
        raise SpecError([_problem("--region", region, message, "leave it out, or name a machine type")])
    if region and isinstance(found, MachineType) and region not in regions(found.cloud):
        hint = did_you_mean(region, regions(found.cloud)) or f"name a region of {found.cloud}"
        raise SpecError([_problem("--region", region, f'"{region}" is not a region of {found.cloud}', hint)])
    return found


def _day(text: str, option: str) -> date:
    try:
        return date.fromisoformat(text)
    except ValueError:
        raise SpecError(
            [_problem(option, text, f'"{text}" is not a date', "give it as YYYY-MM-DD")]
        ) from None


def _past(text: str, option: str) -> date:
    """A day that was: prices of a day to come would never be old."""
    day = _day(text, option)
    if day > date.today():
        raise SpecError([_problem(option, text, f"{text} is yet to come", "give the day of the prices")])
    return day


def _problem(path: str, value: str, message: str, fix: str) -> Finding:
    return Finding.error("CATALOG", path, message, fix, value=value)


def _print_json(data: Any) -> None:
    click.echo(json.dumps(data, indent=2, ensure_ascii=False, default=str))
