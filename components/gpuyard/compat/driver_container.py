"""Driver containers of the GPU Operator: the systems and releases that have them."""

from collections.abc import Iterator, Mapping
from typing import Any

from gpuyard.catalog.software import Version, parse_version
from gpuyard.catalog.software_nodes import OperatorOs, operator_releases
from gpuyard.compat.facts import Facts
from gpuyard.compat.gke import INSTALL_DIR
from gpuyard.compat.owner import has_operator, is_default_driver, is_on, operator_system
from gpuyard.compat.problem import Fix, Problem, raise_driver, set_driver, use_eks_image, without_flags
from gpuyard.compat.spelling import dotted, driver_text, plain
from gpuyard.errors import Severity

X86_ALONE = "RHEL 9"
"""The system whose containers NVIDIA's matrix says are for x86 alone; its builds name arm64 too."""
PRECOMPILED: Mapping[tuple[str, str], Version] = {
    ("Ubuntu 20.04", "amd64"): (23, 3),
    ("Ubuntu 22.04", "amd64"): (23, 3),
    ("Ubuntu 24.04", "amd64"): (25, 3),
    ("Ubuntu 24.04", "arm64"): (26, 7),
    ("Ubuntu 26.04", "amd64"): (26, 7),
}
"""GPU Operator from which NVIDIA publishes driver containers with a built module."""
PRECOMPILED_SOURCE = (
    "GPU Operator docs, page on precompiled drivers (2026-08-21); "
    "NVIDIA/gpu-driver-container 3df89b7, PR#533 and PR#758"
)


def container_problems(facts: Facts) -> Iterator[Problem]:
    """Every rule on the containers, where the operator is to install a driver."""
    system = operator_system(facts)
    own = plain(facts.env.get("driver.repository"))
    if system is None or (own and "nvcr.io/nvidia" not in own):
        return  # a repository of one's own may have containers for any system
    if is_on(facts.env.get("driver.usePrecompiled", "false")):
        yield from _precompiled(facts, system)
    if system.driver_container:
        yield from _other_release(facts, system)
        return
    with_dir = Fix(
        f"let GKE install the driver and set toolkit.installDir={INSTALL_DIR}",
        {"driver_managed_by": "cloud", "toolkit": f"installDir={INSTALL_DIR}"},
    )
    nvidia = use_eks_image(facts, "use the NVIDIA image and driver.enabled=false", driver_managed_by="image")
    where = facts.who if system.name == "Jetson" else facts.given.os or facts.os
    yield Problem(
        "OS_NO_DRIVER_CONTAINER",
        "os",
        f"there is no driver container for {where}",
        (with_dir, leave_to_image(facts)) if facts.os == "GKE COS" else (leave_to_image(facts), nvidia),
        source=system.source,
        as_of=system.as_of,
    )


def leave_to_image(facts: Facts) -> Fix:
    """No driver by the operator: the node image brings one, or GKE."""
    changes: dict[str, Any] = {"driver_managed_by": "cloud" if facts.platform == "gke" else "image"}
    if facts.env:
        changes |= without_flags(facts, "driver.enabled", "toolkit.enabled")
    return Fix("let the node image bring the driver (driver.enabled=false)", changes)


def _other_release(facts: Facts, system: OperatorOs) -> Iterator[Problem]:
    """Releases of the operator from before or after the containers of a system."""
    release = parse_version(facts.given.gpu_operator) if has_operator(facts) else ()
    is_gap = () < system.until < system.since  # images were left out in between
    early = bool(release) and release < system.since and not (is_gap and release[:3] <= system.until)
    late = bool(release) and bool(system.until) and not is_gap and release[:3] > system.until
    # a driver of one's own choice may well have an image that the default one lacks
    own_driver = facts.given.driver is not None and not is_default_driver(facts)
    versions = ("v25.3.4", "v26.3.3", operator_releases()[-1].version)
    fixes = tuple(
        Fix(f"use GPU Operator {version}", {"gpu_operator": version})
        for version in ((f"v{dotted(system.until)}",) if late else versions)
    )
    refused = system.range_is_sure and ((early and not (is_gap and own_driver)) or (late and not own_driver))
    lacks = _lacks_image(system, facts.driver)
    if refused or ((early or late) and not lacks):
        yield Problem(
            "OS_NO_DRIVER_CONTAINER",
            "gpu_operator",
            f"GPU Operator {dotted(release)} has no driver container for {system.name} "
            + ("yet" if early else "any more"),
            (*fixes, leave_to_image(facts)),
            Severity.ERROR if refused else Severity.WARNING,
            source=system.source,
            as_of=system.as_of,
        )
    elif lacks:
        newest = driver_text(system.first_images[-1])
        yield Problem(
            "OS_NO_DRIVER_CONTAINER",
            "driver",
            f"driver {facts.driver_text} has no container for {system.name}, where images begin with "
            + ", ".join(driver_text(first) for first in system.first_images),
            (
                *(raise_driver(facts, first) for first in system.first_images if first > facts.driver),
                set_driver(facts, newest),
                leave_to_image(facts),
            ),
            source=system.source,
            as_of=system.as_of,
        )
    elif facts.arch == "arm64" and system.name.startswith(X86_ALONE):
        yield Problem(
            "OS_NO_DRIVER_CONTAINER",
            "cpu_arch",
            f"NVIDIA lists driver containers for {system.name} on x86 only",
            (leave_to_image(facts),),
            Severity.WARNING,
            source="NVIDIA/cloud-native-docs gpu-operator/platform-support.rst (2026-08-21)",
        )
    elif system.by_partner:
        yield Problem(
            "OS_NO_DRIVER_CONTAINER",
            "os",
            f"driver containers for {system.name} are a partner's: the operator needs their repository",
            (leave_to_image(facts),),
            Severity.WARNING,
            source=system.source,
            as_of=system.as_of,
        )


def _precompiled(facts: Facts, system: OperatorOs) -> Iterator[Problem]:
    """Containers with a built module are fewer, and their tags name the branch alone."""
    since = PRECOMPILED.get((system.name, facts.arch or "amd64"), ())
    release = parse_version(facts.given.gpu_operator)
    version = facts.env.get("driver.version", "")
    if not since or () < release < since:
        what = f"NVIDIA has no precompiled driver containers for {system.name} on {facts.arch or 'amd64'}" + (
            f" before GPU Operator {dotted(since)}" if since else ""
        )
    elif "." in version:
        what = f"precompiled driver containers are named by the branch, not by driver {version}"
    else:
        return
    yield Problem(
        "OS_NO_DRIVER_CONTAINER",
        "env",
        what,
        (
            Fix("leave driver.usePrecompiled unset", without_flags(facts, "driver.usePrecompiled")),
            Fix("build one and set driver.repository", {}),
        ),
        source=PRECOMPILED_SOURCE,
    )


def _lacks_image(system: OperatorOs, driver: Version) -> bool:
    """Whether that driver is older than every image of its branch for the system, or its branch has none."""
    if not driver or not system.first_images or driver[:1] > system.first_images[-1][:1]:
        return False
    return not any(
        first[:1] == driver[:1] and first[: len(driver)] <= driver for first in system.first_images
    )
