"""Machine types of Google Compute Engine, GPU or not: rows of the wide price table, sizes, custom names."""

import csv
import re
from collections import defaultdict
from collections.abc import Collection, Mapping
from functools import cache

from gpuyard.catalog.hardware import machine_types
from gpuyard.catalog.tables import DATA
from gpuyard.records import record

_CUSTOM = re.compile(
    r"(?:(?P<family>[a-z]+\d[a-z]?)-)?custom-(?P<vcpus>\d+|micro|small|medium)-(?P<mib>\d+)(?P<ext>-ext)?"
)
_SHARED_CORES = {"micro": 0.25, "small": 0.5, "medium": 1.0}
"""vCPUs that custom shared-core E2 machines are billed for."""


@record
class CustomType:
    """A machine whose size is in its name, ``n2-custom-4-8192``."""

    family: str
    vcpus: float
    """As billed: a share of one, or one, where cores are shared."""
    gib: float
    is_shared_core: bool
    has_extended_memory: bool


def read_custom(machine_type: str) -> CustomType | None:
    """The custom type of that name. None: it is a predefined one."""
    found = _CUSTOM.fullmatch(machine_type)
    if found is None:
        return None
    shared = _SHARED_CORES.get(found["vcpus"])
    return CustomType(
        family=found["family"] or "n1",
        vcpus=shared or float(found["vcpus"]),
        gib=int(found["mib"]) / 1024,
        is_shared_core=shared is not None,
        has_extended_memory=found["ext"] is not None,
    )


def gce_shape(machine_type: str) -> tuple[float, float] | None:
    """How many vCPUs and GiB of memory a machine type has. None: not known, or custom with shared cores."""
    row = next(iter(gce_rows(machine_type).values()), None)
    if row is not None:
        return float(row["vcpu"]), float(row["memory_gib"])
    machine = machine_types("gcp").get(machine_type)
    if machine is not None:
        return machine.vcpu, machine.memory_gib
    custom = read_custom(machine_type)
    return None if custom is None or custom.is_shared_core else (custom.vcpus, custom.gib)


def gce_types() -> Collection[str]:
    """Every machine type of the wide table."""
    return _lines()[1].keys()


@cache
def gce_rows(machine_type: str) -> Mapping[str, Mapping[str, str]]:
    """Rows of the wide table by region; none: it lacks the type."""
    header, lines = _lines()
    return {row["region"]: row for row in csv.DictReader([header, *lines.get(machine_type, ())])}


@cache
def _lines() -> tuple[str, Mapping[str, list[str]]]:
    """The header and the lines of each type: of 16,000, a run reads some hundred."""
    header, *lines = (DATA / "gcp_machine_prices.csv").read_text(encoding="utf-8").splitlines()
    found: dict[str, list[str]] = defaultdict(list)
    for line in lines:
        found[line.partition(",")[0]].append(line)
    return header, found
