"""Everything known about one entry as plain data: its own facts, and what other tables add to them."""

from collections.abc import Mapping
from dataclasses import asdict
from typing import Any

from gpuyard.catalog.freshness import registered_tables
from gpuyard.catalog.hardware import Gpu, MachineType, machine_types
from gpuyard.catalog.models import ModelShape
from gpuyard.catalog.places import regions_selling, zones_selling
from gpuyard.catalog.prices import interruption_band, on_demand, rejections, reserved, spot
from gpuyard.catalog.purchases import purchase_limit
from gpuyard.catalog.quotas import quotas_of
from gpuyard.catalog.recipes import find_recipes
from gpuyard.catalog.search import Entry
from gpuyard.catalog.software_runtimes import release_text
from gpuyard.catalog.software_support import REGISTRIES, Span, model_architectures
from gpuyard.catalog.tables import read_table
from gpuyard.catalog.throughput import find_throughputs, throughputs


def fact_sheet(entry: Entry, region: str | None = None) -> dict[str, Any]:
    """The entry, and for machine types prices and quotas, for GPUs the types that carry them.

    ``region`` narrows prices to one region; otherwise every region that sells the type is listed.
    Prices that the sanity rules turned down, of the overlay among them, stand apart. GPUs and models come
    with the throughputs measured on them, models with published recipes and the engines that know them.
    """
    if isinstance(entry, MachineType):
        return {**asdict(entry), **_offers(entry, region)}
    if isinstance(entry, Gpu):
        carriers = [machine.id for machine in machine_types().values() if machine.gpu == entry.id]
        return {**asdict(entry), "machine_types": carriers, "throughputs": _measured(gpu=entry.id)}
    recipes = [asdict(recipe) for recipe in find_recipes(entry.id)]
    return {
        **asdict(entry),
        "engines": _engines(entry),
        "recipes": recipes,
        "throughputs": _measured(model=entry),
    }


def _engines(model: ModelShape) -> dict[str, str]:
    """Releases of each engine whose registry has the model's architecture, as text."""
    known = {name: model_architectures(name).get(model.architecture, ()) for name in REGISTRIES}
    return {name: ", ".join(map(_releases, spans)) for name, spans in known.items() if spans}


def _releases(span: Span) -> str:
    since = f"from {release_text(span.first_seen)}" if span.first_seen else "all"
    return f"{since} until {release_text(span.gone_in)}" if span.gone_in else since


def table_sheet(name: str) -> dict[str, Any] | None:
    """A whole table by its file name, with or without ending, or of releases by what is released (``vllm``).

    None: there is no such table.
    """
    stem = "_".join(name.lower().replace("-", " ").split())
    for row in registered_tables():
        if row["file"] == name or row["file"].rpartition(".")[0] in (stem, f"{stem}_releases"):
            return {**row, "content": read_table(row["file"])}
    return None


def _offers(machine: MachineType, region: str | None) -> Mapping[str, Any]:
    limits = {
        kind: limit.reason
        for kind in ("on_demand", "spot")
        if (limit := purchase_limit(machine.cloud, machine.id, kind)) is not None
    }
    return {
        "quota_codes": [quota.code for quota in quotas_of(machine, is_spot=False)],
        "quota_codes_spot": [quota.code for quota in quotas_of(machine, is_spot=True)],
        "not_sold_as": limits,
        "places": [
            place_facts(machine, place)
            for place in ((region,) if region else regions_selling(machine.cloud, machine.id))
        ],
        "rejected_prices": [
            asdict(refused)
            for refused in rejections()
            if refused.offer.machine_type == machine.id and region in (None, refused.offer.region)
        ],
    }


def place_facts(machine: MachineType, region: str) -> dict[str, Any]:
    """Zones and prices of a machine type in a region."""
    key = (machine.cloud, machine.id, region)
    listed, quoted = on_demand(*key), spot(*key)
    return {
        "region": region,
        "zones": list(zones_selling(*key)),
        "on_demand": asdict(listed) if listed else None,
        "spot": asdict(quoted) if quoted else None,
        "reserved": {term: asdict(price) for term, price in reserved(*key).items()},
        "interruptions": interruption_band(machine.id, region) if machine.cloud == "aws" else None,
    }


def _measured(*, gpu: str = "", model: ModelShape | None = None) -> list[dict[str, Any]]:
    if model is None:
        return [asdict(row) for row in throughputs() if row.gpu == gpu]
    gpus = sorted({row.gpu for row in throughputs() if row.gpu})
    return [asdict(row) for name in gpus for row in find_throughputs(model.id, name)]
