"""Drivers, CUDA toolkits and versions: which runs on which.

Runtimes are in `software_runtimes`, node images, operator and Kubernetes in `software_nodes`.
"""

import re
from collections.abc import Mapping, Sequence
from functools import cache
from typing import Any

from gpuyard.catalog.tables import read_csv, read_json
from gpuyard.records import record

Version = tuple[int, ...]
"""Numbers of a version, most significant first; compares as versions do."""

SOFTWARE_AS_OF = "2026-11-23"
_NUMBERS = re.compile(r"\d+(?:\.\d+)*")


@record
class CudaToolkit:
    """One CUDA release."""

    cuda: str
    version: Version
    native_driver: Version
    """Driver that it shipped with; empty: none, so none is known."""
    sm_min: Version
    source: str
    as_of: str = SOFTWARE_AS_OF


@record
class DriverBranch:
    """One driver branch."""

    branch: int
    kind: str
    """LTS, PB (production) or NFB (new feature)."""
    latest: str
    """Newest release seen; empty: unknown."""
    source: str
    as_of: str = SOFTWARE_AS_OF


@record
class OtherGpu:
    """A card that the catalog knows by its compute capability only: nobody rents it by the hour here."""

    id: str
    sm: str
    memory_mib: int | None
    datacenter: bool
    form: str
    """SXM or PCIe, where that decides; empty: unknown."""
    min_driver: str
    """First driver branch that knows it; empty: unknown."""
    source: str
    as_of: str = SOFTWARE_AS_OF


@record
class ImageGate:
    """Driver branches that base images let in although their CUDA is older than the image's."""

    since: Version
    """First CUDA whose images have this list."""
    branches: frozenset[int]
    geforce: bool
    """Whether the exceptions hold for GeForce and TITAN too."""
    tesla: frozenset[int]
    """Of them, those that hold for data-centre GPUs alone."""
    source: str
    as_of: str = SOFTWARE_AS_OF


def parse_version(text: object) -> Version:
    """The numbers of the first version in ``text``: ``v0.8.5.post1`` to ``(0, 8, 5)``. Empty: none there."""
    return _numbers(str(text))


@cache
def _numbers(text: str) -> Version:
    found = _NUMBERS.search(text)
    return tuple(int(part) for part in found.group().split(".")) if found else ()


@cache
def cuda_toolkits() -> Mapping[str, CudaToolkit]:
    """Every CUDA release by ``major.minor``."""
    return {row["cuda"]: _toolkit(row) for row in read_csv("cuda_toolkits")}


@cache
def _native_drivers() -> Mapping[Version, Version]:
    early = {
        parse_version(cuda): parse_version(driver) for cuda, driver in compat_rule("R-MVC")["early"].items()
    }
    return early | {toolkit.version: toolkit.native_driver for toolkit in cuda_toolkits().values()}


@cache
def compat_rule(name: str) -> Mapping[str, Any]:
    """The rule of that id (``R-MVC``), with the data that it comes with."""
    return next(rule for rule in read_json("compat_rules")["rules"] if rule["id"] == name)


@cache
def cuda_floors() -> Mapping[int, Version]:
    """Oldest driver of each CUDA major version."""
    return {int(major): parse_version(floor) for major, floor in compat_rule("R-MVC")["floors"].items()}


def native_driver(cuda: Version) -> Version:
    """Driver that a CUDA release came with; empty: unknown."""
    return _native_drivers().get(cuda[:2], ())


def newest_driver(cuda: Version) -> Version:
    """Driver that the newest release of the same CUDA major version came with; empty: unknown."""
    return max((own for known, own in _native_drivers().items() if known[:1] == cuda[:1]), default=())


def cuda_floor(cuda: Version) -> Version:
    """Oldest driver that a CUDA release runs on: of its major version, before 11 its own; empty: unknown."""
    if not cuda:
        return ()
    own = native_driver(cuda)
    floor = cuda_floors().get(cuda[0], ()) or own
    return min(floor, own) if own else floor


def floor_source(cuda: Version) -> str:
    """Where the floor of a CUDA release is stated."""
    return compat_rule("R-MVC")["source" if cuda[0] in cuda_floors() else "early_source"]


def native_source(cuda: Version) -> str:
    """Where the driver that a CUDA release came with is stated."""
    row = cuda_toolkits().get(".".join(map(str, cuda[:2])))
    return row.source if row else compat_rule("R-MVC")["early_source"]


@cache
def forward_hosts(kind: str) -> frozenset[int]:
    """Driver branches that compatibility libraries work on (``carried``), did (``formerly``) or leave out."""
    return frozenset(compat_rule("R-FWD")["hosts"][kind])


@cache
def image_gates() -> Sequence[ImageGate]:
    """What NVIDIA_REQUIRE_CUDA of the base images excepts, newest CUDA first."""
    rows = (
        ImageGate(
            since=parse_version(row["since"]),
            branches=frozenset(row["branches"]),
            geforce=row["geforce"],
            tesla=frozenset(row.get("tesla", ())),
            source=row["source"],
        )
        for row in compat_rule("R-REQ")["exceptions"]
    )
    return sorted(rows, key=lambda row: row.since, reverse=True)


@cache
def driver_branches() -> Mapping[int, DriverBranch]:
    """Every driver branch by number."""
    return {int(row["branch"]): _branch(row) for row in read_csv("driver_branches")}


@cache
def other_gpus() -> Mapping[str, OtherGpu]:
    """Cards outside the clouds' offer, by id."""
    return {
        row["id"]: OtherGpu(
            id=row["id"],
            sm=row["sm"],
            memory_mib=int(row["mem_mib"]) if row["mem_mib"] else None,
            datacenter=row["datacenter_gpu"] == "yes",
            form=row["form"],
            min_driver=row["min_driver"],
            source=row["source"],
        )
        for row in read_csv("other_gpus")
    }


def _toolkit(row: Mapping[str, str]) -> CudaToolkit:
    native = row["driver_bundled_native"]
    return CudaToolkit(
        cuda=row["cuda"],
        version=parse_version(row["cuda"]),
        native_driver=parse_version(native) if native[:1].isdigit() else (),
        sm_min=parse_version(row["sm_min"]),
        source=row["source"],
    )


def _branch(row: Mapping[str, str]) -> DriverBranch:
    return DriverBranch(
        branch=int(row["branch"]),
        kind=row["type"],
        latest=row["latest_seen"],
        source=row["source"],
    )
