"""What the node brings: who owns the driver. Images, GKE and fabric manager have files of their own."""

import re
from collections.abc import Iterator
from typing import Any

from gpuyard.catalog.software import parse_version
from gpuyard.catalog.software_nodes import operator_systems
from gpuyard.compat.device_plugin import OPERATOR_ON_GKE, plugin_problems
from gpuyard.compat.driver_container import container_problems, leave_to_image
from gpuyard.compat.fabric import fabric_problems
from gpuyard.compat.facts import Facts
from gpuyard.compat.gke import gke_problems
from gpuyard.compat.gke_pool import has_googles_driver
from gpuyard.compat.node_image import AKS_GPUS, image_problems, says_no_driver
from gpuyard.compat.operands import operand_problems
from gpuyard.compat.owner import (
    has_operator,
    installs_driver,
    installs_toolkit,
    is_in_environment,
    operator_values,
    stated_operator,
    switched,
)
from gpuyard.compat.problem import Fix, Problem, without_flags
from gpuyard.compat.spelling import plain
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
_ALL_OFF = dict.fromkeys(("driver.enabled", "toolkit.enabled", "devicePlugin.enabled"), "false")
OPERATOR_BESIDE_AL2023 = (24, 9)
"""First operator from after AWS's first image of Amazon Linux 2023 with a driver (v20240924)."""


def node_problems(facts: Facts) -> Iterator[Problem]:
    """Every rule on the node."""
    yield from _driver_owner(facts)
    yield from plugin_problems(facts)
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
    yield from container_problems(facts)
    yield from _two_drivers(facts)


def _two_drivers(facts: Facts) -> Iterator[Problem]:
    stated = plain(facts.given.driver_managed_by)
    own_image = facts.os in _AWS_SYSTEMS and not says_no_driver(facts.node_image)
    if own_image and (facts.platform == "eks" or "al2_x86_64_gpu" in facts.node_image):
        yield Problem(
            "OPERATOR_DUPLICATE_STACK",
            "driver_managed_by",
            f"AWS's GPU image of {facts.os} already brings the driver",
            (leave_to_image(facts),),
        )
    elif _HAS_DRIVER.search(stated) or _brings_stack(facts) or _says_driver(facts):
        yield Problem(
            "OPERATOR_DUPLICATE_STACK",
            "driver_managed_by",
            "the node has a driver already, and the operator is to install another",
            (leave_to_image(facts),),
            source=SYSTEMS_WITH_DRIVER if _brings_stack(facts) else "",
        )
    elif facts.platform == "gke" and has_googles_driver(facts):
        yield Problem(
            "OPERATOR_DUPLICATE_STACK",
            "driver_managed_by",
            "the node pool installs Google's driver, and the operator is to install another",
            (leave_to_image(facts),),
            source=OPERATOR_ON_GKE,
        )
    elif facts.platform == "aks":
        yield Problem(
            "OPERATOR_DUPLICATE_STACK",
            "driver_managed_by",
            "AKS installs a driver itself unless the node pool was made with --gpu-driver none",
            (leave_to_image(facts),),
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
