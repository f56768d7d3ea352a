"""What the node brings: who owns the driver. Images, GKE and fabric manager have files of their own."""

import re
from collections.abc import Iterator, Mapping
from typing import Any

from gpuyard.catalog.software import Version, parse_version
from gpuyard.catalog.software_nodes import OperatorOs, operator_releases, operator_systems
from gpuyard.compat.fabric import fabric_problems
from gpuyard.compat.facts import Facts
from gpuyard.compat.gke import INSTALL_DIR, PLUGIN_LABEL, gke_problems
from gpuyard.compat.gke_pool import has_googles_driver
from gpuyard.compat.node_image import AKS_GPUS, image_problems, says_no_driver
from gpuyard.compat.operands import operand_problems
from gpuyard.compat.owner import (
    has_operator,
    installs_driver,
    installs_toolkit,
    is_default_driver,
    is_in_environment,
    is_on,
    operator_system,
    operator_values,
    stated_operator,
    switched,
)
from gpuyard.compat.problem import Fix, Problem, raise_driver, set_driver, use_eks_image, without_flags
from gpuyard.compat.spelling import dotted, driver_text, plain
from gpuyard.compat.systems import EKS_IMAGE
from gpuyard.errors import Severity

_AL2_OR_UNSAID = frozenset({"Amazon Linux 2", EKS_IMAGE})
_AWS_SYSTEMS = frozenset({*_AL2_OR_UNSAID, "Amazon Linux 2023", "Bottlerocket"})
_HAS_DRIVER = re.compile(
    r"image|\bami\b|host|pre-?installed|cloud|\bgke\b|\baks\b|daemon ?-?set|installer|\bdkms\b|run ?file"
    r"|\bapt\b"
)
"""What people write beside the operator where a driver is there without it."""
TOOLKIT_SEEN = {
    "Talos": "NVIDIA/gpu-operator#2382; cozystack/cozystack PR#3585",
    "Amazon Linux 2": "NVIDIA/nvidia-container-toolkit#64; awslabs/amazon-eks-ami#1329",
    "Amazon Linux 2023": "awslabs/amazon-eks-ami doc (2026-07-23); aws/aws-eks-best-practices "
    "latest/bpg/aiml/aiml_compute.adoc (2025-07): MIG on p4de ran with both",
}
"""Systems that were seen with a second container toolkit: all but the last failed."""
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
SYSTEMS_WITH_DRIVER = "NVIDIA GPU Operator docs, page on DGX; NVIDIA/deepops#1054; NVIDIA/aicr#2355"
_DRIVER_SYSTEMS = re.compile(
    r"\bdgx[ -]?(base )?os\b|\bdlami\b|deep learning (base )?(gpu |oss )?(nvidia )?(driver )?(ami|image|vm)"
    r"|\bgpu (node )?(image|ami)\b|accelerated (ami|image)"
)
"""Systems and images that come with driver and container toolkit."""
_SAYS_DRIVER = re.compile(
    r"pre-?(baked|installed|loaded) (nvidia |cuda |gpu )*drivers?"
    r"|drivers? (is |already |was )*(pre-?)?(installed|baked|loaded)"
)
"""What people write of an image that a driver is in."""
_OTHER_PLUGIN = re.compile(r"nvdp/|\bnvdp\b|k8s-device-plugin")
"""NVIDIA's own chart or manifest of it, which the operator's DaemonSet is not called."""
_ALL_OFF = dict.fromkeys(("driver.enabled", "toolkit.enabled", "devicePlugin.enabled"), "false")
_PLUGIN_IN_WORDS = re.compile(
    r"^(?!.*\b(no|not|without|excluded?|keep|kept)\b).*"
    r"(nvdp/|nvidia[- ]device[- ]plugin|k8s-device-plugin|install-nvidia-plugin(?!=false)|\bnvdp\b)",
    re.DOTALL,
)
"""How an environment says that NVIDIA's device plugin was installed by hand."""
OPERATOR_ON_GKE = "GPU Operator docs, NVIDIA GPU Operator with Google GKE (2025-01)"
OPERATOR_BESIDE_AL2023 = (24, 9)
"""First operator from after AWS's first image of Amazon Linux 2023 with a driver (v20240924)."""


def node_problems(facts: Facts) -> Iterator[Problem]:
    """Every rule on the node."""
    yield from _driver_owner(facts)
    yield from _second_plugin(facts)
    yield from _plugin_beside(facts)
    yield from operand_problems(facts)
    yield from image_problems(facts)
    yield from gke_problems(facts)
    yield from fabric_problems(facts)


def _driver_owner(facts: Facts) -> Iterator[Problem]:
    if facts.os == "GKE Autopilot" and (has_operator(facts) or facts.manager == "operator"):
        changes: dict[str, Any] = {"gpu_operator": None, "driver_managed_by": "cloud"}
        if is_in_environment(facts):
            changes |= without_flags(facts, *operator_values(facts))
        fixes = (Fix("leave the driver to GKE", changes),)
        row = operator_systems()[facts.os]
        yield Problem(
            "OPERATOR_DUPLICATE_STACK",
            "gpu_operator",
            "GKE Autopilot brings driver and device plugin itself and does not support the operator",
            fixes,
            source=row.source,
            as_of=row.as_of,
        )
        yield Problem(
            "OS_NO_DRIVER_CONTAINER",
            "os",
            "GKE Autopilot does not run the operator's driver container",
            fixes,
            source=row.source,
            as_of=row.as_of,
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
        (with_dir, _by_image(facts)) if facts.os == "GKE COS" else (_by_image(facts), nvidia),
        source=system.source,
        as_of=system.as_of,
    )


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
            (*fixes, _by_image(facts)),
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
                _by_image(facts),
            ),
            source=system.source,
            as_of=system.as_of,
        )
    elif facts.arch == "arm64" and system.name.startswith(X86_ALONE):
        yield Problem(
            "OS_NO_DRIVER_CONTAINER",
            "cpu_arch",
            f"NVIDIA lists driver containers for {system.name} on x86 only",
            (_by_image(facts),),
            Severity.WARNING,
            source="NVIDIA/cloud-native-docs gpu-operator/platform-support.rst (2026-08-21)",
        )
    elif system.by_partner:
        yield Problem(
            "OS_NO_DRIVER_CONTAINER",
            "os",
            f"driver containers for {system.name} are a partner's: the operator needs their repository",
            (_by_image(facts),),
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


def _two_drivers(facts: Facts) -> Iterator[Problem]:
    stated = plain(facts.given.driver_managed_by)
    own_image = facts.os in _AWS_SYSTEMS and not says_no_driver(facts.node_image)
    if own_image and (facts.platform == "eks" or "al2_x86_64_gpu" in facts.node_image):
        yield Problem(
            "OPERATOR_DUPLICATE_STACK",
            "driver_managed_by",
            f"AWS's GPU image of {facts.os} already brings the driver",
            (_by_image(facts),),
        )
    elif _HAS_DRIVER.search(stated) or _brings_stack(facts) or _says_driver(facts):
        yield Problem(
            "OPERATOR_DUPLICATE_STACK",
            "driver_managed_by",
            "the node has a driver already, and the operator is to install another",
            (_by_image(facts),),
            source=SYSTEMS_WITH_DRIVER if _brings_stack(facts) else "",
        )
    elif facts.platform == "gke" and has_googles_driver(facts):
        yield Problem(
            "OPERATOR_DUPLICATE_STACK",
            "driver_managed_by",
            "the node pool installs Google's driver, and the operator is to install another",
            (_by_image(facts),),
            source=OPERATOR_ON_GKE,
        )
    elif facts.platform == "aks":
        yield Problem(
            "OPERATOR_DUPLICATE_STACK",
            "driver_managed_by",
            "AKS installs a driver itself unless the node pool was made with --gpu-driver none",
            (_by_image(facts),),
            Severity.WARNING,
            source=AKS_GPUS,
        )


def _duplicates(facts: Facts) -> Iterator[Problem]:
    """A toolkit beside the system's own."""
    ships = (facts.os in _AWS_SYSTEMS and facts.platform == "eks") or facts.platform == "aks"
    ships = ships or _brings_stack(facts) or facts.os == "Talos"
    if not has_operator(facts) or not ships:
        return
    plugin = switched(facts, "devicePlugin")
    toolkit = installs_toolkit(facts)
    if toolkit or (toolkit is None and _is_operators(facts)) or (plugin and facts.os == "Bottlerocket"):
        cleared = {"toolkit": None, "env": None}
        yield Problem(
            "OPERATOR_DUPLICATE_STACK",
            "toolkit",
            f"{facts.os or facts.given.os or 'AKS'} brings the container toolkit itself, "
            "and the operator installs another",
            (Fix("set toolkit.enabled=false", cleared),),
            # AWS's own guide to MIG runs both there
            Severity.WARNING if facts.os == "Amazon Linux 2023" and _is_about_mig(facts) else Severity.ERROR,
            source=_has_toolkit(facts),
        )
    elif facts.os == "Talos" and toolkit is None:
        yield Problem(
            "OPERATOR_DUPLICATE_STACK",
            "gpu_operator",
            "Talos has driver and container toolkit as extensions, and the operator can write neither",
            (Fix("set driver and toolkit to enabled=false", {}),),
            Severity.WARNING,
            source=_has_toolkit(facts),
        )
    elif facts.os == "Bottlerocket" and not (toolkit is False and plugin is False):
        yield Problem(
            "OPERATOR_DUPLICATE_STACK",
            "gpu_operator",
            "Bottlerocket brings driver, container toolkit and device plugin; the operator must install none",
            (
                Fix(
                    "set driver, toolkit and devicePlugin to enabled=false",
                    {"env": {**dict(facts.flags), **facts.env, **_ALL_OFF}},
                ),
            ),
            # a chart whose values are listed installs what they leave out, onto a system that is read-only
            Severity.ERROR if toolkit is None and operator_values(facts) else Severity.WARNING,
        )


def _is_about_mig(facts: Facts) -> bool:
    return bool(facts.mig) or "mig" in plain(facts.given.env)


def _second_plugin(facts: Facts) -> Iterator[Problem]:
    """NVIDIA's device plugin by hand where the node image runs one."""
    if facts.os != "Bottlerocket":
        return
    by_image = "k8s-device-plugin" in facts.image
    by_words = _PLUGIN_IN_WORDS.search(plain(facts.given.env)) is not None
    runs_one = "nvidia" in facts.node_image or "auto" in plain(facts.given.platform)
    if not runs_one or not (by_image or by_words):
        return
    yield Problem(
        "OPERATOR_DUPLICATE_STACK",
        "image" if by_image else "env",
        "Bottlerocket's image for NVIDIA runs the device plugin itself, and the DaemonSet's is a second one",
        (Fix("keep the DaemonSet off these nodes", {"image": None} if by_image else {"env": None}),),
        source="bottlerocket-os/bottlerocket#4309; aws-samples/stable-diffusion-on-eks#91",
    )


def _plugin_beside(facts: Facts) -> Iterator[Problem]:
    """The same beside the operator's, or GKE's own."""
    if not (facts.platform == "gke" or has_operator(facts)) or switched(facts, "devicePlugin") is False:
        return
    words = plain(facts.given.env)
    if not _OTHER_PLUGIN.search(words) or not _PLUGIN_IN_WORDS.search(words) or PLUGIN_LABEL in words:
        return
    whose = "the operator's" if has_operator(facts) else "GKE's"
    yield Problem(
        "OPERATOR_DUPLICATE_STACK",
        "env",
        f"{whose} device plugin and one by hand both offer the GPUs",
        (Fix("install one of them alone", {"env": None}),),
        Severity.WARNING,
        source=OPERATOR_ON_GKE,
    )


def _brings_stack(facts: Facts) -> bool:
    """Whether the name of system or image says that driver and container toolkit are in it."""
    return bool(_DRIVER_SYSTEMS.search(facts.node_image)) and not says_no_driver(facts.node_image)


def _says_driver(facts: Facts) -> bool:
    return bool(_SAYS_DRIVER.search(facts.node_image)) and not says_no_driver(facts.node_image)


def _has_toolkit(facts: Facts) -> str:
    """Who says that the system brings the container toolkit; empty: AWS's guide, as the code does."""
    known = TOOLKIT_SEEN.get(facts.os, "") or (AKS_GPUS if facts.platform == "aks" else "")
    return known or (SYSTEMS_WITH_DRIVER if _brings_stack(facts) else "")


def _is_operators(facts: Facts) -> bool:
    """Whether the toolkit's version is the operator's: AL2's images stayed with an older one in /usr/bin.

    The image's hook comes first and does not know the operator's configuration.
    """
    release = stated_operator(facts)
    if release is None or release.key >= OPERATOR_BESIDE_AL2023 or facts.os not in _AL2_OR_UNSAID:
        return False
    return parse_version(facts.given.toolkit)[:2] == release.toolkit[:2]
