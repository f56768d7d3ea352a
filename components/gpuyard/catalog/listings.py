"""What people name that is more than one entry: a family, a place, a release, a driver branch, a quota.

`gpuyard catalog show` lists what belongs to it.
"""

import re
from collections.abc import Mapping
from dataclasses import asdict
from typing import Any

from gpuyard.catalog.freshness import registered_tables
from gpuyard.catalog.hardware import MachineType, family_members, find_gpu, machine_types
from gpuyard.catalog.list_prices import is_priced_type
from gpuyard.catalog.machine_names import find_named_machine
from gpuyard.catalog.names import UnknownName, normalise
from gpuyard.catalog.places import regions, regions_selling, zones_selling
from gpuyard.catalog.prices import on_demand
from gpuyard.catalog.search import has_rows, id_of, summarise
from gpuyard.catalog.sheet import place_facts
from gpuyard.catalog.software import other_gpus
from gpuyard.catalog.tables import read_csv
from gpuyard.records import record

_COUNTED = re.compile(r"(?P<count>\d{1,2})\s*[x*]\s*(?P<gpu>.+)|(?P<name>.+?)\s*[x*:]\s*(?P<number>\d{1,2})")
"""Some of a GPU: ``8xH100``, ``h100 x 8``, SkyPilot's ``H100:8``."""
_NOT_GPUS = re.compile(
    r"(trn|inf|dl)\d\w*(\..*)?|trainium\d*|inferentia\d*|neuron|gaudi.*|tpu.*|v[56]e|ct\d.*|\d+xtpu.*"
)

_DRIVER = re.compile(r"(?:nvidia |driver )?(\d{3})\.\d+(?:\.\d+)?")
_GIGABYTES = re.compile(r"\d+gb")
_FORM = re.compile(rf"sxm\d?|pcie|nvidia|quadro|tesla|geforce|rtx|{_GIGABYTES.pattern}")
"""What a card's name may lack or have besides."""
_OF_OTHERS = ("model_", "amd64_")
"""Tables whose rows speak of entries and images, which are found by their own names."""


@record
class Listing:
    """Entries that a name stands for."""

    kind: str
    """``family``, ``machine types``, ``region``, ``zone``, ``GPU``, ``rows`` and the like."""
    id: str
    entries: tuple[Mapping[str, Any], ...]
    """Each with an ``id``; rows of tables with ``table``, ``title``, ``source`` and ``as_of``."""


def find_listing(text: str) -> Listing | None:
    """What ``text`` stands for besides one entry; None: nothing."""
    name = text.strip()
    finders = (_family, _counted, _other_gpu, _other_machine, _place, _system_type, _rows)
    return next((found for find in finders if (found := find(name)) is not None), None)


def hint_instead(text: str) -> str:
    """What to do about a name that the catalog has nothing of."""
    word = text.strip().lower()
    if _NOT_GPUS.fullmatch(word):
        return "name a GPU: Trainium, Inferentia, Gaudi and TPUs are not in the catalog"
    stems = [table["file"].rpartition(".")[0] for table in registered_tables()]
    found = [stem for stem in stems if len(word) > 2 and word.rstrip("s").replace(" ", "_") in stem]
    tables = f"show the table {' or '.join(found)}, or " if found else ""
    return f"{tables}look for it: gpuyard catalog search {text.strip() or 'WORD'}"


def _family(name: str) -> Listing | None:
    members = family_members(name)
    return _machines("family", name, members) if members else None


def _counted(name: str) -> Listing | None:
    found = _COUNTED.fullmatch(name)
    if found is None:
        return None
    try:
        gpu = find_gpu(found["gpu"] or found["name"]).id
    except UnknownName:
        return None
    count = int(found["count"] or found["number"])
    members = [
        machine for machine in machine_types().values() if (machine.gpu, machine.gpu_count) == (gpu, count)
    ]
    return _machines("machine types", f"{count} x {gpu}", members)


def _machines(kind: str, name: str, members: list[MachineType]) -> Listing:
    entries = tuple({**asdict(machine), "summary": summarise(machine).summary} for machine in members)
    return Listing(kind=kind, id=name, entries=entries)


def _other_gpu(name: str) -> Listing | None:
    cards = list(other_gpus().values())
    found = [card for card in cards if normalise(card.id) == normalise(name)]
    words = _card_words(name)
    found = found or [card for card in cards if words and _card_words(card.id) == words]
    memory = _GIGABYTES.findall(name.lower())
    found = [card for card in found if set(memory) & set(_GIGABYTES.findall(card.id))] or found
    if not found:
        return None
    ids = " or ".join(card.id for card in found)
    return Listing(kind="GPU", id=ids, entries=tuple(asdict(card) for card in found))


def _card_words(name: str) -> list[str]:
    words = re.split(r"[^a-z0-9]+", name.lower())
    return [word for word in words if word and not _FORM.fullmatch(word)]


def _other_machine(name: str) -> Listing | None:
    machine = find_named_machine(name)
    if machine is None:
        return None
    about = {"gpu": machine.gpu, "gpu_count": machine.count, "source": machine.source, "as_of": machine.as_of}
    summary = f"{machine.count} x {machine.gpu}; its prices are not in the catalog"
    return Listing(kind="machine type", id=name, entries=({"id": name, **about, "summary": summary},))


def _system_type(name: str) -> Listing | None:
    """A machine type without GPUs, for system nodes and gateways: what it costs where."""
    for cloud in ("aws", "gcp") if not _NOT_GPUS.fullmatch(name.lower()) else ():
        if is_priced_type(cloud, name.lower()):
            places = ((region, on_demand(cloud, name.lower(), region)) for region in regions(cloud))
            entries = tuple({"id": region, **asdict(price)} for region, price in places if price is not None)
            return Listing(kind="machine type without GPUs", id=name.lower(), entries=entries)
    return None


def _place(name: str) -> Listing | None:
    for cloud in ("aws", "gcp"):
        for region in regions(cloud):
            if name == region:
                sold = [machine for machine in _types(cloud) if region in regions_selling(cloud, machine.id)]
                return _offered("region", name, region, sold)
            sold = [machine for machine in _types(cloud) if name in zones_selling(cloud, machine.id, region)]
            if sold:
                return _offered("zone", name, region, sold)
    return None


def _types(cloud: str) -> list[MachineType]:
    return list(machine_types(cloud).values())


def _offered(kind: str, name: str, region: str, sold: list[MachineType]) -> Listing:
    entries = tuple({"id": machine.id, **place_facts(machine, region)} for machine in sold)
    return Listing(kind=kind, id=name, entries=entries)


def _rows(name: str) -> Listing | None:
    """Rows of tables of releases, versions, quotas and the like, whose table and first two cells hold it.

    Where none does, versions that begin with it, or the branch of a driver that is written in full.
    """
    driver = _DRIVER.fullmatch(name.lower())
    for wanted, whole in (
        (_tokens(name), True),
        (_tokens(name), False),
        (_tokens(driver[1]) if driver else [], True),
    ):
        entries = _matching(wanted, whole=whole)
        if entries:
            return Listing(kind="rows", id=name, entries=entries)
    return None


def _matching(wanted: list[str], *, whole: bool) -> tuple[Mapping[str, Any], ...]:
    return tuple(
        {
            **row,
            "table": table["file"],
            "title": id_of(row),
            "source": row.get("source") or table["source"],
            "as_of": row.get("as_of") or table["as_of"],
        }
        for table in registered_tables()
        if has_rows(table) and not table["file"].startswith(_OF_OTHERS)
        for row in read_csv(table["file"].removesuffix(".csv"))
        if wanted and _holds(table["file"], row, wanted, whole=whole)
    )


def _tokens(text: str) -> list[str]:
    """Words and versions: vllm and 0.11.0 of ``vllm-0.11.0``, cuda and 12.8 of ``cuda12.8``."""
    text = re.sub(r"\bv(?=\d)", "", text.lower())
    text = re.sub(r"(?<=[a-z])-?(?=\d+\.\d)", " ", text)
    return re.findall(r"[a-z0-9.+-]+", text.replace("_", " "))


def _holds(file: str, row: Mapping[str, str], wanted: list[str], *, whole: bool) -> bool:
    named = set(_tokens(id_of(row)))
    if not whole:
        named |= {
            begun
            for begun in wanted
            if begun[:1].isdigit() and any(one.startswith(f"{begun}.") for one in named)
        }
    about = {*_tokens(file.removesuffix(".csv")), *(word.removesuffix("s") for word in _tokens(file))}
    return bool(named & set(wanted)) and set(wanted) <= named | about
