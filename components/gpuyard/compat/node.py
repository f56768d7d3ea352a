"""What the node brings: who owns the driver, and fabric manager. Images and GKE have files of their own."""

import re
from collections.abc import Iterator
from typing import Any

from gpuyard.catalog.software import driver_branches, parse_version
from gpuyard.catalog.software_nodes import OperatorOs, operator_releases
from gpuyard.compat.facts import Facts
from gpuyard.compat.gke import INSTALL_DIR, gke_problems
from gpuyard.compat.node_image import image_problems, says_no_driver
from gpuyard.compat.owner import ABSENT, has_operator, installs_driver, operator_system, switched
from gpuyard.compat.problem import Fix, Problem, without_flags
from gpuyard.compat.spelling import dotted, read_driver
from gpuyard.errors import Severity

_AWS_SYSTEMS = frozenset({"Amazon Linux 2", "Amazon Linux 2023", "Bottlerocket"})

_PRESENT = frozenset(
    {"true", "yes", "installed", "running", "active", "enabled", "present", "on", "ok", "matching", "match"}
)


def node_problems(facts: Facts) -> Iterator[Problem]:
    """Every rule on the node."""
    yield from _driver_owner(facts)
    yield from image_problems(facts)
    yield from gke_problems(facts)
    yield from _fabric(facts)


def _driver_owner(facts: Facts) -> Iterator[Problem]:
    if facts.os == "GKE Autopilot" and (has_operator(facts) or facts.manager == "operator"):
        fixes = (Fix("leave the driver to GKE", {"gpu_operator": None, "driver_managed_by": "cloud"}),)
        yield Problem(
            "OPERATOR_DUPLICATE_STACK",
            "gpu_operator",
            "GKE Autopilot brings driver and device plugin itself and does not support the operator",
            fixes,
        )
        yield Problem(
            "OS_NO_DRIVER_CONTAINER",
            "os",
            "GKE Autopilot does not run the operator's driver container",
            fixes,
        )
        return
    if not installs_driver(facts):
        yield from _duplicates(facts)
        return
    yield from _no_container(facts)
    yield from _two_drivers(facts)


def _by_image(facts: Facts) -> Fix:
    changes: dict[str, Any] = {"driver_managed_by": "cloud" if facts.platform == "gke" else "image"}
    if facts.env:
        changes |= without_flags(facts, "driver.enabled", "toolkit.enabled")
    return Fix("let the node image bring the driver (driver.enabled=false)", changes)


def _no_container(facts: Facts) -> Iterator[Problem]:
    system = operator_system(facts)
    if system is None:
        return
    if system.driver_container:
        yield from _other_release(facts, system)
        return
    with_dir = Fix(
        f"let GKE install the driver and set toolkit.installDir={INSTALL_DIR}",
        {"driver_managed_by": "cloud", "toolkit": f"installDir={INSTALL_DIR}"},
    )
    nvidia = Fix(
        "use the NVIDIA image and driver.enabled=false",
        {"driver_managed_by": "image", "ami": "AL2023_x86_64_NVIDIA"},
    )
    yield Problem(
        "OS_NO_DRIVER_CONTAINER",
        "os",
        f"there is no driver container for {facts.given.os or facts.os}",
        (with_dir, _by_image(facts)) if facts.os == "GKE COS" else (_by_image(facts), nvidia),
    )


def _other_release(facts: Facts, system: OperatorOs) -> Iterator[Problem]:
    """Releases of the operator from before or after the containers of a system."""
    release = parse_version(facts.given.gpu_operator) if has_operator(facts) else ()
    early = bool(release) and release < system.since
    late = bool(release) and bool(system.until) and release[:3] > system.until
    newest = operator_releases()[-1].version
    fixes = tuple(
        Fix(f"use GPU Operator {version}", {"gpu_operator": version})
        for version in ("v25.3.4", "v26.3.3", newest)
    )
    if early or late:
        yield Problem(
            "OS_NO_DRIVER_CONTAINER",
            "gpu_operator",
            f"GPU Operator {dotted(release)} has no driver container for {system.name} "
            + ("yet" if early else "any more"),
            (*fixes, _by_image(facts)),
            Severity.ERROR if system.range_is_sure else Severity.WARNING,
        )
    elif system.by_partner:
        yield Problem(
            "OS_NO_DRIVER_CONTAINER",
            "os",
            f"driver containers for {system.name} are a partner's: the operator needs their repository",
            (_by_image(facts),),
            Severity.WARNING,
        )


def _two_drivers(facts: Facts) -> Iterator[Problem]:
    stated = str(facts.given.driver_managed_by or "").lower()
    own_image = facts.os in _AWS_SYSTEMS and not says_no_driver(facts.node_image)
    if own_image and (facts.platform == "eks" or "al2_x86_64_gpu" in facts.node_image):
        yield Problem(
            "OPERATOR_DUPLICATE_STACK",
            "driver_managed_by",
            f"AWS's GPU image of {facts.os} already brings the driver",
            (_by_image(facts),),
        )
    elif re.search(r"image|\bami\b|host|pre-?installed|cloud|\bgke\b|\baks\b", stated):
        yield Problem(
            "OPERATOR_DUPLICATE_STACK",
            "driver_managed_by",
            "the node has a driver already, and the operator is to install another",
            (_by_image(facts),),
        )
    elif facts.platform == "aks":
        yield Problem(
            "OPERATOR_DUPLICATE_STACK",
            "driver_managed_by",
            "AKS installs a driver itself unless the node pool was made with --gpu-driver none",
            (_by_image(facts),),
            Severity.WARNING,
        )


def _duplicates(facts: Facts) -> Iterator[Problem]:
    ships = (facts.os in _AWS_SYSTEMS and facts.platform == "eks") or facts.platform == "aks"
    if not has_operator(facts) or not ships:
        return
    plugin = switched(facts, "devicePlugin")
    toolkit = str(facts.given.toolkit or "").lower()
    stated = switched(facts, "toolkit") or toolkit in ("enabled", "true", "yes") or "operator" in toolkit
    if stated or (plugin and facts.os == "Bottlerocket"):
        cleared = {"toolkit": None, "env": None}
        yield Problem(
            "OPERATOR_DUPLICATE_STACK",
            "toolkit",
            f"{facts.os or 'AKS'} brings the container toolkit itself, and the operator installs another",
            (Fix("set toolkit.enabled=false", cleared),),
        )
    elif facts.os == "Bottlerocket" and not (switched(facts, "toolkit") is False and plugin is False):
        yield Problem(
            "OPERATOR_DUPLICATE_STACK",
            "gpu_operator",
            "Bottlerocket brings driver, container toolkit and device plugin; the operator must install none",
            (Fix("set driver, toolkit and devicePlugin to enabled=false", {}),),
            Severity.WARNING,
        )


def _fabric(facts: Facts) -> Iterator[Problem]:
    switched = _is_switched(facts)
    given = facts.given.fabric_manager
    text = str(given).strip().lower() if given is not None else ""
    if text in _PRESENT:
        return
    version, branch = read_driver(text) if given is not None else ((), None)
    fix = (_matching(facts),)
    if (version and facts.driver and version != facts.driver) or (
        branch and facts.branch and branch != facts.branch
    ):
        yield Problem(
            "FABRIC_MANAGER",
            "fabric_manager",
            f"fabric manager {text} is not of the driver's version {facts.driver_text} (error 802)",
            fix,
        )
    elif (
        switched is not False
        and given is not None
        and branch is None
        and (text in ABSENT or "not" in text or "fail" in text)
    ):
        yield Problem(
            "FABRIC_MANAGER",
            "fabric_manager",
            "the GPUs hang on an NVSwitch, and no fabric manager runs (error 802)",
            fix,
        )
    elif switched and given is None and _misses_switch_drivers(facts):
        yield Problem(
            "FABRIC_MANAGER",
            "os",
            "Ubuntu's EKS image lacks the InfiniBand modules that manage Blackwell's NVSwitches, so "
            "fabric manager fails while the driver container reports ready (error 802)",
            (
                Fix(
                    "use the image AL2023_x86_64_NVIDIA, which brings driver and fabric manager",
                    {"os": None, "ami": "AL2023_x86_64_NVIDIA", "driver_managed_by": "image"},
                ),
            ),
        )
    elif switched and given is None:
        unmanaged = facts.platform not in ("eks", "gke", "aks") and not facts.given.ami and not facts.manager
        sure = unmanaged and not facts.has_workload and not has_operator(facts)
        if sure and facts.given.kubernetes is None:
            yield Problem(
                "FABRIC_MANAGER",
                "fabric_manager",
                "NVSwitch nodes need fabric manager of the driver's version, and nothing says that it is "
                "there (error 802)",
                fix,
            )


def _misses_switch_drivers(facts: Facts) -> bool:
    """NVIDIA/gpu-operator#2781 (2026-08-21): HGX B200 with the operator's driver on Canonical's EKS image."""
    is_blackwell = facts.gpu is not None and facts.gpu.id in ("b200", "b300")
    return (
        is_blackwell
        and facts.platform == "eks"
        and facts.os.startswith("Ubuntu")
        and facts.manager == "operator"
    )


def _matching(facts: Facts) -> Fix:
    branch = driver_branches().get(facts.branch or 580, driver_branches()[580])
    version = facts.driver_text if facts.driver else branch.latest or driver_branches()[580].latest
    changes = (
        {"fabric_manager": version}
        if facts.driver
        else {"fabric_manager": version, "driver": version, "driver_branch": version.split(".")[0]}
    )
    return Fix(f"install nvidia-fabricmanager {version}, the driver's version", changes)


def _is_switched(facts: Facts) -> bool | None:
    """Whether the GPUs sit on an NVSwitch: whole nodes of eight SXM GPUs. None: may be."""
    gpu = facts.gpu
    if gpu is None:
        return None
    if not gpu.form.startswith("SXM") or gpu.id in ("p100", "v100"):
        return False
    count = facts.count
    return None if count is None else count >= 8
