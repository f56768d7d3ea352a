"""Finding entries of the catalog by what people remember of them."""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cache

from gpuyard.catalog.freshness import registered_tables
from gpuyard.catalog.hardware import (
    Gpu,
    MachineType,
    find_gpu,
    find_machine_type,
    gpu_aliases,
    gpus,
    machine_types,
)
from gpuyard.catalog.lead_times import LeadTimeFact, lead_times
from gpuyard.catalog.models import ModelShape, find_model, models
from gpuyard.catalog.names import UnknownName
from gpuyard.catalog.places import regions_selling, zones_selling
from gpuyard.catalog.tables import read_csv
from gpuyard.errors import did_you_mean

_MACHINE = "machine type"
Entry = Gpu | MachineType | ModelShape
_NAMES_MAX = 5
_TYPED = ("gpus.csv", "instances.csv", "tables.csv")
"""Tables whose rows are entries of their own."""
_PRICES = ("prices", "_on_demand", "_reserved", "_spot", "offerings", "egress", "regions", "history")
"""Tables with a row per price or place: `gpuyard catalog show` sums them up by machine type."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Hit:
    """One entry in a line."""

    kind: str
    id: str
    summary: str
    source: str
    as_of: str


def find_entry(text: str) -> Entry:
    """The GPU, machine type or model that ``text`` names, tried in this order.

    Raises:
        UnknownName: none does; with close ids of all three, or the members of a family.
    """
    for find in (find_gpu, find_machine_type, find_model):
        try:
            return find(text)
        except UnknownName as error:
            if "it is a" in str(error):  # a family: more than one, so list them
                raise
    ids = [*gpus(), *machine_types(), *models()]
    names = {alias.lower(): alias for alias in gpu_aliases()}
    names |= {name.rsplit("/", 1)[-1].lower(): name for name in ids}
    hint = did_you_mean(text, names) or _containing(text, names)
    for short, name in names.items():
        hint = hint.replace(f'"{short}"', f'"{name}"')
    raise UnknownName("GPU, machine type or model", text, ids, hint)


def _containing(text: str, names: Mapping[str, str]) -> str:
    """Names that hold ``text``: of ``mixtral``, whose releases are called after it."""
    word = text.strip().lower()
    found = [name for name in names if len(word) > 2 and word in name][:_NAMES_MAX]
    return "did you mean " + " or ".join(f'"{name}"' for name in found) + "?" if found else ""


def search_catalog(text: str) -> tuple[Hit, ...]:
    """Entries that hold every word of ``text``, case aside: in their ids, summaries, sources or places.

    Those whose kind and id have more of the words as words of their own come first.
    """
    words = text.lower().split()
    found = [hit for hit in _hits() if all(word in _haystack(hit) for word in words)]
    return tuple(sorted(found, key=lambda hit: -sum(word in _named(hit) for word in words)))


def unknown_words(text: str) -> list[str]:
    """The words of ``text`` that no entry holds."""
    haystacks = [_haystack(hit) for hit in _hits()]
    return [word for word in text.split() if not any(word.lower() in hay for hay in haystacks)]


def summarise(entry: Entry) -> Hit:
    """The entry in a line."""
    if isinstance(entry, Gpu):
        memory = "memory unknown" if entry.memory_gb is None else f"{entry.memory_gb:g} GB"
        return _hit("gpu", entry, f"{entry.name}, {entry.arch}, sm {entry.sm}, {memory}")
    if isinstance(entry, MachineType):
        summary = (
            f"{entry.cloud}, {entry.gpu_count:g} x {entry.gpu}, {entry.vcpu} vCPU, {entry.memory_gib:g} GiB"
        )
        return _hit(_MACHINE, entry, summary)
    size = f"{entry.params / 1e9:.3g} B parameters, context {entry.context:,}, {entry.architecture}"
    return _hit("model", entry, size + (", gated" if entry.gated else ""))


def _hits() -> Iterator[Hit]:
    for entry in (*gpus().values(), *machine_types().values(), *models().values()):
        yield summarise(entry)
    for fact in lead_times():
        yield _lead_time_hit(fact)
    for table in registered_tables():
        if has_rows(table):
            yield from _row_hits(table)


def has_rows(table: Mapping[str, str]) -> bool:
    """Whether the rows of a registered table are found one by one."""
    file = table["file"]
    return file.endswith(".csv") and file not in _TYPED and not any(word in file for word in _PRICES)


def id_of(row: Mapping[str, str]) -> str:
    """What names a row: its first two cells that are not empty."""
    return " ".join([text for _, text in _cells(row)][:2])


def _cells(row: Mapping[str, str]) -> list[tuple[str, str]]:
    return [(key, text) for key, text in row.items() if text and key not in ("source", "as_of")]


def _row_hits(table: Mapping[str, str]) -> Iterator[Hit]:
    """Rows of a table of releases, versions, quotas and the like, each in a line."""
    stem = table["file"].removesuffix(".csv")
    for row in read_csv(stem):
        yield Hit(
            kind=stem,
            id=id_of(row),
            summary=", ".join(f"{key} {text}" for key, text in _cells(row)[2:]),
            source=row.get("source") or table["source"],
            as_of=row.get("as_of") or table["as_of"],
        )


def _lead_time_hit(fact: LeadTimeFact) -> Hit:
    typical = "no number" if fact.p50_s is None else f"{fact.p50_s:g} s"
    summary = f"{fact.condition}: {typical} ({fact.basis})"
    return Hit(kind="lead time", id=fact.phase, summary=summary, source=fact.source, as_of=fact.as_of)


def _hit(kind: str, entry: Entry, summary: str) -> Hit:
    return Hit(kind=kind, id=entry.id, summary=summary, source=entry.source, as_of=entry.as_of)


def _haystack(hit: Hit) -> str:
    source = "" if hit.source == _table_sources().get(hit.kind) else hit.source  # said of every row alike
    text = f"{hit.kind} {hit.id} {hit.summary} {source}".lower()
    return f"{text} {_places(hit.id)}" if hit.kind == _MACHINE else text


@cache
def _table_sources() -> Mapping[str, str]:
    return {table["file"].removesuffix(".csv"): table["source"] for table in registered_tables()}


def _named(hit: Hit) -> set[str]:
    return set(re.split(r"[^a-z0-9.]+", f"{hit.kind} {hit.id}".lower()))


def _places(machine_type: str) -> str:
    """Regions and zones that sell it."""
    cloud = machine_types()[machine_type].cloud
    places = regions_selling(cloud, machine_type)
    zones = (zone for region in places for zone in zones_selling(cloud, machine_type, region))
    return " ".join([*places, *zones])
