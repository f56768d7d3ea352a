"""GPUs against the GKE version: machine types that came later, and default drivers that are too old."""

from collections.abc import Iterator

from gpuyard.catalog.software import Version
from gpuyard.catalog.software_gke import GkeGpu, gke_gpus, read_gke_version
from gpuyard.compat.facts import Facts
from gpuyard.compat.gke_pool import change_pool_driver, is_provisioned, pool_driver
from gpuyard.compat.owner import has_operator
from gpuyard.compat.problem import Fix, Problem, raise_driver, set_field
from gpuyard.compat.sourced import Sourced
from gpuyard.compat.spelling import dotted, driver_text, plain
from gpuyard.errors import Severity

SLICES_ON_AUTOPILOT = Sourced((1, 29, 3, 1093000), "GKE docs, GPUs in Autopilot (2026-06-25)")
"""First Autopilot that cuts GPUs into MIG slices."""
_PATCH = 3
"""Parts of a version before Google's build number."""


def gke_gpu_problems(facts: Facts) -> Iterator[Problem]:
    """What GKE's version says against the GPU."""
    row = gke_gpus().get(facts.gpu.id) if facts.gpu else None
    version = read_gke_version(facts.given.kubernetes) if facts.given.kubernetes is not None else ()
    if facts.platform != "gke" or len(version) < len((1, 0)):
        return
    by_autopilot = facts.os == "GKE Autopilot"
    if by_autopilot and facts.mig and _is_before(version, SLICES_ON_AUTOPILOT):
        yield Problem(
            "K8S_VERSION",
            "kubernetes",
            f"GKE Autopilot has MIG slices from {_written(SLICES_ON_AUTOPILOT)} on, "
            f"this is {_written(version)}",
            (set_field("kubernetes", "1.30", "use GKE 1.30"),),
            source=SLICES_ON_AUTOPILOT.source,
        )
    if row is None:
        return
    newest = dotted(max((*row.asked, *row.autopilot, row.first, row.default_driver_since))[:2])
    fix = set_field("kubernetes", newest, f"use GKE {newest}")
    first = _first(version, row.autopilot) if by_autopilot and row.autopilot else row.first
    by_pods = is_provisioned(
        f"{facts.given.platform} {facts.given.driver_managed_by} {facts.given.env}".lower()
    )
    if by_pods and not by_autopilot:
        first = max(first, row.provisioned)
    if _is_before(version, first):
        yield Problem(
            "K8S_VERSION",
            "kubernetes",
            f"GKE {'Autopilot ' * by_autopilot}has {facts.who} from {_written(first)} on"
            f"{' for auto-provisioning' * (by_pods and first == row.provisioned)}, "
            f"this is {_written(version)}",
            (fix,),
            source=row.source,
            as_of=row.as_of,
        )
    elif any(version[:2] == asked[:2] and _is_before(version, asked) for asked in row.asked):
        asked = next(asked for asked in row.asked if asked[:2] == version[:2])
        yield Problem(
            "K8S_VERSION",
            "kubernetes",
            f"Google's guide asks for GKE {_written(asked)} with {facts.who}, this is {_written(version)}",
            (fix,),
            Severity.WARNING,
            source=row.source,
            as_of=row.as_of,
        )
    yield from _default_driver(facts, row, version)
    if row.driver and facts.driver and facts.driver[:1] == row.driver[:1] and facts.driver < row.driver:
        yield Problem(
            "AMI_DRIVER_MIN",
            "driver",
            f"Google asks for driver {driver_text(row.driver)} with {facts.who}, "
            f"the node has {facts.driver_text}",
            (raise_driver(facts, row.driver),),
            Severity.WARNING,
            source=row.source,
            as_of=row.as_of,
        )


def _default_driver(facts: Facts, row: GkeGpu, version: Version) -> Iterator[Problem]:
    told = f"{plain(facts.given.driver_managed_by)} {pool_driver(facts.env)}"
    by_cloud = not facts.manager or facts.manager == "cloud"
    if facts.branch or not by_cloud or has_operator(facts) or "latest" in told:
        return
    if not _is_before(version, row.default_driver_since):
        return
    yield Problem(
        "AMI_DRIVER_MIN",
        "driver_managed_by",
        f"{facts.who} needs driver {driver_text(row.driver)} or newer, which is the default of GKE only from "
        f"{_written(row.default_driver_since)} on",
        (
            Fix(
                "set gke-gpu-driver-version: latest",
                {
                    "driver_managed_by": "cloud (gke-gpu-driver-version: latest)",
                    **change_pool_driver(facts, "latest"),
                },
            ),
        ),
        Severity.ERROR if "default" in told else Severity.WARNING,
        source=row.source,
        as_of=row.as_of,
    )


def _first(version: Version, offered: tuple[Version, ...]) -> Version:
    """The first one of the version's own minor release, else the oldest of all."""
    return next((first for first in offered if first[:2] == version[:2]), min(offered))


def _is_before(version: Version, bound: Version) -> bool:
    """Whether the version is older for sure, however much of it was left unsaid."""
    return version < bound[: len(version)]


def _written(version: Version) -> str:
    build = f"-gke.{version[_PATCH]}" if len(version) > _PATCH else ""
    return dotted(version[:_PATCH]) + build
