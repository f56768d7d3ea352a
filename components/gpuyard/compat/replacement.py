"""How a place exchanges what it has: a driver comes with an image, a GPU with a machine type."""

from collections.abc import Mapping
from functools import cache
from typing import Any

from gpuyard.catalog.hardware import MachineType, find_gpu, machine_types
from gpuyard.catalog.software import Version, parse_version
from gpuyard.catalog.software_nodes import NodeImage, node_images
from gpuyard.compat.facts import Facts
from gpuyard.compat.spelling import dotted

DUAL_DRIVER_RELEASE = "20260917"
"""First EKS AL2023 NVIDIA release with two drivers in one image, 580 and 595 (awslabs/amazon-eks-ami)."""
DUAL_DRIVER_BRANCHES = (580, 595)
_CLOUDS = {"eks": "aws", "aws": "aws", "gke": "gcp"}


def exchange_driver(facts: Facts, version: str) -> tuple[str, Mapping[str, Any]]:
    """How that driver comes to the node, in words, and the fields besides the driver's own."""
    wanted = parse_version(version)
    if facts.manager == "operator":
        return f"set driver.version={version} in GPU Operator", {}
    if "bottlerocket" in facts.node_image:
        row = _bottlerocket(wanted)
        name = row.image.removeprefix("Bottlerocket NVIDIA ") if row else ""
        text = f"use Bottlerocket's NVIDIA image {name}, which has driver {row.driver}" if row else ""
        return text or f"use a Bottlerocket release with driver {version}", {}
    if facts.platform == "eks":
        return _eks(facts, version, wanted)
    if facts.platform == "gke" and facts.os != "Ubuntu":
        return f"use gke-gpu-driver-version: latest, on nodes where that is driver {version} or newer", {}
    if facts.platform == "aks":
        return f"use a node image with driver {version}, or GPU Operator with driver.version={version}", {}
    return f"use driver {version}", {}


def nvidia_image(facts: Facts) -> str:
    """EKS's image with a driver, for the node's processor."""
    return "AL2023_ARM_64_NVIDIA" if facts.arch == "arm64" else "AL2023_x86_64_NVIDIA"


def _eks(facts: Facts, version: str, wanted: Version) -> tuple[str, Mapping[str, Any]]:
    image = nvidia_image(facts)
    kubernetes = dotted(facts.kubernetes[:2])
    fitting = [
        row
        for row in node_images()
        if row.image == image
        and row.last_release
        and kubernetes in ("", row.kubernetes)
        and parse_version(row.driver)[:1] == wanted[:1]
    ]
    named = "al2023" in facts.node_image or "AL2023" in str(facts.given.ami)
    newest = max(fitting, key=lambda row: row.last_release, default=None)
    if newest is not None:
        release, version = newest.last_release, newest.driver
    elif older := _older_image(kubernetes, wanted, facts.arch):
        image, release, version, named = older.image, older.last_release, older.driver, True
    elif wanted[0] in DUAL_DRIVER_BRANCHES:
        release = DUAL_DRIVER_RELEASE
    else:
        return f"use an EKS image with driver {version}", {}
    changes: dict[str, Any] = {"driver": version, "driver_branch": version.partition(".")[0]}
    if facts.given.fabric_manager is not None:
        changes["fabric_manager"] = version
    if facts.given.ami is not None and named:
        changes["ami"] = f"{image} v{release}"
    return f"use the EKS image {image} v{release}, which has driver {version}", changes


def _older_image(kubernetes: str, wanted: Version, arch: str) -> NodeImage | None:
    """The newest Amazon Linux 2 of that Kubernetes, of the lowest branch that reaches the driver."""
    fitting = [
        row
        for row in node_images()
        if row.image == "AL2_x86_64_GPU"
        and arch != "arm64"
        and row.kubernetes == kubernetes
        and parse_version(row.driver) >= wanted
    ]
    return min(fitting, key=lambda row: (int(row.driver[:3]), -int(row.last_release)), default=None)


def _bottlerocket(wanted: Version) -> NodeImage | None:
    rows = [row for row in node_images() if row.image.startswith("Bottlerocket NVIDIA")]
    fitting = [row for row in rows if parse_version(row.driver)[:1] == wanted[:1]]
    return fitting[-1] if fitting else None


def exchange_machine(facts: Facts, gpu: str, count: int | None = None) -> MachineType | None:
    """The smallest machine type of the same cloud with as many of those GPUs, by default as many as now.

    None: no machine was named, or the cloud has none.
    """
    # types that are no longer sold, or of a catalog's, are of the platform's cloud
    cloud = facts.machine.cloud if facts.machine else _CLOUDS.get(facts.platform)
    if cloud is None or not facts.given.instance:
        return None
    return _smallest(cloud, find_gpu(gpu).id, count or facts.count or 1)


@cache
def _smallest(cloud: str, gpu: str, count: int) -> MachineType | None:
    fitting = [
        machine
        for machine in machine_types().values()
        if machine.cloud == cloud and machine.gpu == gpu and machine.gpu_count >= count
    ]
    return min(fitting, key=lambda machine: (machine.gpu_count, machine.vcpu), default=None)
