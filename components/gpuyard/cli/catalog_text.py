"""The catalog's answers as terminal text."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

import click

if TYPE_CHECKING:
    from gpuyard.catalog.listings import Listing
    from gpuyard.catalog.sanity import Rejection


_BILLION = 1e9


def count(number: int, noun: str) -> str:
    """A number with its noun: ``1 row``, ``1,996 rows``."""
    return f"{number:,} {noun}" + ("" if number == 1 else "s")


def echo_facts(title: str, facts: dict[str, Any]) -> None:
    """Print a fact sheet: plain facts, then places with prices, then measurements."""
    click.echo(title)
    for key, value in facts.items():
        if key not in ("id", "places", "rejected_prices", "recipes", "throughputs"):
            click.echo(f"  {key:<22} {_words(value)}")
    for place in facts.get("places", ()):
        click.echo(f"  {place['region']:<22} {_place_text(place)}")
    for refused in facts.get("rejected_prices", ()):
        offer, usd = refused["offer"], refused["offer"][refused["price"]]
        where = offer["zone"] or offer["region"]
        click.echo(f"  not used: {where} {refused['price']} {usd:g}: {refused['reason']} [{refused['rule']}]")
    for recipe in facts.get("recipes", ()):
        click.echo(f"  recipe                 {_recipe_text(recipe)}")
    _echo_throughputs(facts.get("throughputs", ()))


def _echo_throughputs(rows: Sequence[dict[str, Any]]) -> None:
    """Print measurements, the sources named once below them."""
    sources: dict[str, int] = {}
    for row in rows:
        number = sources.setdefault(row["source"], len(sources) + 1)
        rate = f"{row['tokens_per_s_per_gpu']:>8,.0f} tokens/s per GPU"
        click.echo(f"  {rate}  {_throughput_text(row)}, {row['as_of']} [{number}]")
    for source, number in sources.items():
        click.echo(f"  [{number}] {source}")


def _recipe_text(recipe: dict[str, Any]) -> str:
    version = f"vLLM {recipe['min_vllm_version']} or newer" if recipe["min_vllm_version"] else "any vLLM"
    hardware = " ".join(recipe["hardware_verified"]) or "not stated"
    what = f"{recipe['variant']} {recipe['precision']}, {version}, verified on: {hardware}"
    return f"{what} ({recipe['source']})"


_ROWS_IN_FULL = 3


def echo_listing(listing: "Listing") -> None:
    """Print what belongs to a name: a few in full, more of them a line each."""
    if listing.kind in ("rows", "GPU") and len(listing.entries) <= _ROWS_IN_FULL:
        for entry in listing.entries:
            facts = {key: value for key, value in entry.items() if key not in ("table", "title")}
            echo_facts(f"{entry.get('table', listing.kind)} {entry.get('title') or entry['id']}", facts)
        return
    click.echo(f"{listing.kind} {listing.id}: {len(listing.entries)}")
    for entry in listing.entries:
        click.echo(f"  {entry.get('title') or entry['id']:<22} {_entry_text(listing.kind, entry)}")


def _entry_text(kind: str, entry: Mapping[str, Any]) -> str:
    if kind in ("region", "zone"):
        return _place_text(entry)
    if kind == "machine type without GPUs":
        return f"${entry['usd']:g}/h ({entry['source']}, {entry['as_of']})"
    if kind == "rows":
        facts = ", ".join(f"{key} {text}" for key, text in entry.items() if text and key not in _ABOUT)
        return f"{facts} [{entry['table']}, {entry['as_of']}]"
    return str(entry["summary"])


_ABOUT = ("table", "title", "source", "as_of")


def echo_table(table: dict[str, Any]) -> None:
    """Print a table, a row a line."""
    click.echo(f"table {table['file']}: {table['holds']}\n  {table['source']} ({table['as_of']})")
    content = table["content"]
    if not isinstance(content, list | tuple):
        click.echo("  its rows are nested: use --format json")
        return
    for row in content:
        click.echo("  " + ", ".join(f"{key} {text}" for key, text in row.items() if text))


def _throughput_text(row: dict[str, Any]) -> str:
    lengths = f"{row['input_tokens'] or '?'} in, {row['output_tokens'] or '?'} out"
    bound = row["latency_bound"] or "no latency limit"
    engine = f"{row['engine']} {row['precision']}".strip()
    return f"{row['model']} on {row['gpu_name']}, {engine}, {lengths}, {bound}"


def _place_text(place: Mapping[str, Any]) -> str:
    listed, quoted = place["on_demand"], place["spot"]
    parts = [
        "on demand unknown"
        if listed is None
        else f"${listed['usd']:g}/h ({listed['source']}, {listed['as_of']})",
        "spot unknown"
        if quoted is None
        else f"spot ${quoted['p50']:g}/h ({quoted['basis']}, {quoted['as_of']})",
        "zones unknown" if not place["zones"] else " ".join(place["zones"]),
    ]
    return "; ".join([*parts, *([listed["note"]] if listed and listed["note"] else [])])


def _words(value: Any) -> str:
    if value is None or value in ("", {}):
        return "-"
    if isinstance(value, list):
        return " ".join(map(str, value)) or "-"
    if isinstance(value, dict):
        return ", ".join(f"{key} {_words(item)}" for key, item in value.items())
    if isinstance(value, float):
        return f"{value / 1e9:,.4g} billion" if abs(value) >= _BILLION else f"{value:,.10g}"
    return str(value)


def rejected_data(rejections: Iterable["Rejection"]) -> list[dict[str, Any]]:
    """Rejected prices as JSON-ready data."""
    return [asdict(rejection) for rejection in rejections]


def echo_rejections(rejections: Sequence["Rejection"]) -> None:
    """Print how many prices were rejected, and each with its rule and reason."""
    click.echo(f"{count(len(rejections), 'price')} rejected")
    for rejection in rejections:
        offer = rejection.offer
        place = offer.zone or offer.region
        click.echo(f"  {rejection.rule}: {offer.machine_type} {place} {rejection.price}: {rejection.reason}")
