"""What GKE asks for by GPU: its versions, and when its default driver became new enough."""

import re
from collections.abc import Mapping
from functools import cache

from gpuyard.catalog.software import Version, parse_version
from gpuyard.catalog.tables import read_csv
from gpuyard.records import record


@record
class GkeGpu:
    """One GPU on GKE. Versions carry Google's build number as their fourth part; empty: not stated."""

    gpu: str
    first: Version
    """First GKE that has its machine types."""
    asked: tuple[Version, ...]
    """First patch of each minor version that Google's guides ask for now; others ran before."""
    autopilot: tuple[Version, ...]
    """First Autopilot that offers it, of each minor version where it came with a patch; empty: not known."""
    provisioned: Version
    """First GKE whose node auto-provisioning makes pools with it; empty: not known."""
    default_driver_since: Version
    """First GKE whose default driver drives it; before, a pool has to ask for the latest."""
    driver: Version
    source: str
    as_of: str


def read_gke_version(text: object) -> Version:
    """``1.34.3-gke.1318000`` as four numbers, as far as they are said; empty: none."""
    found = re.search(r"(\d+)\.(\d+)(?:\.(\d+))?(?:-gke\.(\d+))?", str(text))
    return tuple(int(part) for part in found.groups() if part) if found else ()


@cache
def gke_gpus() -> Mapping[str, GkeGpu]:
    """GPUs of which GKE asks anything, by id."""
    return {
        row["gpu"]: GkeGpu(
            gpu=row["gpu"],
            first=read_gke_version(row["first"]),
            asked=tuple(read_gke_version(part) for part in row["asked"].split()),
            autopilot=tuple(read_gke_version(part) for part in row["autopilot"].split()),
            provisioned=read_gke_version(row["provisioned"]),
            default_driver_since=read_gke_version(row["default_driver_since"]),
            driver=parse_version(row["driver"]),
            source=row["source"],
            as_of=row["as_of"],
        )
        for row in read_csv("gke_gpus")
    }
