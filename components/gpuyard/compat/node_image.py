"""Node images against machine types: images without a driver, and with one that does not fit."""

import re
from collections.abc import Iterator
from functools import cache

from gpuyard.catalog.software_nodes import driver_exclusions
from gpuyard.compat.facts import Facts
from gpuyard.compat.gke_pool import names_installer
from gpuyard.compat.owner import ABSENT, has_operator, installs_driver, switched
from gpuyard.compat.problem import Fix, Problem, set_driver, set_field, use_eks_image
from gpuyard.compat.sourced import Sourced
from gpuyard.compat.spelling import plain
from gpuyard.errors import Severity

EKS_IMAGES = "awslabs/amazon-eks-ami doc (2026-07-23)"
_WITHOUT = re.compile(
    r"standard|vanilla|\bplain\b|non[- ]?(nvidia|gpu|accelerated)|not -?(the )?(nvidia|gpu|accelerated)"
    r"|(without|no|w/o|lacks?|missing) ?(the |a |any )?(nvidia|gpu|driver)"
    r"|\bal2_(x86_64|arm_64)(?!_gpu)\b|\bbottlerocket_(x86_64|arm_64)\b(?!_nvidia)"
    r"|amazon-eks-(arm64-)?node-1\.|gpu[- ]driver[= ]none|\bubuntu-eks/|ami ?family\W{0,3}ubuntu"
)
"""What people and AWS call images without a driver."""
_SKIPPED = re.compile(
    r"--gpu-driver\W+none\b|skip-?gpu-?driver-?install(?!\W+false)|gpu_?(profile\W+)?driver\W+none\b"
)
"""How AKS is told to install no driver: by its command line, by a tag, in templates and in Terraform."""
CANONICAL = "cloud-images.ubuntu.com/docs/aws/eks; eksctl-io/eksctl#6452 (2023-03-20)"
_OTHER_IMAGES = re.compile(r"dlami|deep learning|nvidia|gpu|driver|custom|\bown\b|packer")
"""Words on images that may have a driver."""
GUEST_DRIVER_SINCE = Sourced((20250604,), "awslabs/amazon-eks-ami PR#2265")
"""Day from which EKS images of Amazon Linux 2023 carry the GRID module; Bottlerocket brings it too
(awsdocs/amazon-eks-user-guide PR#1143)."""
AZURE_SLICES = re.compile(r"nv\d+adm?s_a10_v5")
"""Azure's machine types whose A10s the hypervisor hands out as virtual ones."""
BY_GRID = "NVIDIA/gpu-operator#691, #2201; dstackai/dstack#1014; Azure/AKS#5860"
AKS_GPUS = "MicrosoftDocs/azure-aks-docs articles/aks/use-nvidia-gpu.md (2026-08-21)"
AKS_WITHOUT_DRIVER: tuple[tuple[str, frozenset[str], str, str], ...] = (
    (
        r"(azure ?linux|mariner)[ _-]*v?2(?!\d)|mariner(?!.*3)",
        frozenset({"v100", "t4"}),
        "Azure Linux 2",
        f"Azure/AKS#4602; {AKS_GPUS}",
    ),
    (r"flatcar", frozenset(), "Flatcar", AKS_GPUS),
    (r"os ?guard", frozenset(), "Azure Linux with OS Guard", AKS_GPUS),
)
"""Node systems of AKS, the only GPUs that they drive, their names, and who says so."""


@cache
def says_no_driver(text: str) -> bool:
    """Whether the name of a system or image says that it has no driver."""
    return _WITHOUT.search(text) is not None


def image_problems(facts: Facts) -> Iterator[Problem]:
    """Every rule on node images."""
    yield from _no_driver(facts)
    yield from _no_guest_driver(facts)
    yield from _needs_guest_driver(facts)
    yield from _left_out_by_azure(facts)
    yield from _excluded(facts)


def _excluded(facts: Facts) -> Iterator[Problem]:
    """Drivers that do not drive a family of machine types, whatever its GPU."""
    if facts.branch is None or not facts.instance:
        return
    rows = driver_exclusions().get(facts.instance.partition(".")[0], ())
    row = next((row for row in rows if facts.branch in row.branches), None)
    if row is not None:
        yield Problem(
            "AMI_DRIVER_MIN",
            "driver",
            f"driver {facts.driver_text} does not drive {facts.instance}: {row.reason}",
            (set_driver(facts, row.instead),),
            source=row.source,
            as_of=row.as_of,
        )


def _no_guest_driver(facts: Facts) -> Iterator[Problem]:
    """Slices of a GPU that AWS sells, on images without NVIDIA's driver for guests."""
    is_slice = facts.machine is not None and 0 < facts.machine.gpu_count < 1 and "." in facts.instance
    if not is_slice or facts.manager not in ("", "image") or facts.branch or facts.os == "Bottlerocket":
        return
    day = re.search(r"20\d{6}", facts.node_image)
    has_it = facts.os == "Amazon Linux 2023" and not says_no_driver(facts.node_image)
    if has_it and (day is None or (int(day[0]),) >= GUEST_DRIVER_SINCE):
        return
    if re.search(r"\bgrid\b", facts.node_image):
        return
    changes = {"instance": "g6.xlarge", "gpu": None, "gpu_count": None, "gpu_mem_mib": None, "sm": None}
    yield Problem(
        "AMI_NO_DRIVER",
        "instance",
        f"{facts.instance} has a slice of a GPU, which needs NVIDIA's GRID guest driver",
        (
            use_eks_image(facts),
            Fix("use g6.xlarge", changes),
        ),
        Severity.ERROR if facts.os or facts.given.ami else Severity.WARNING,
        source=GUEST_DRIVER_SINCE.source,
    )


def _needs_guest_driver(facts: Facts) -> Iterator[Problem]:
    """Azure's slices of an A10 under the operator's public driver, which is for whole GPUs."""
    if not AZURE_SLICES.search(facts.instance) or not installs_driver(facts):
        return
    own = facts.env.get("driver.repository") or any("licens" in name.lower() for name in facts.env)
    words = f"{facts.node_image} {facts.given.driver or ''} {facts.given.driver_managed_by or ''}".lower()
    if own or re.search(r"\bgrid\b|vgpu|guest", words):
        return
    yield Problem(
        "AMI_DRIVER_MIN",
        "driver_managed_by",
        f"{facts.instance} has a virtual GPU, which needs the GRID guest driver, not the operator's",
        (
            Fix("let AKS install its GRID driver (driver.enabled=false)", {"driver_managed_by": "cloud"}),
            Fix("use Standard_NC24ads_A100_v4", {"instance": "Standard_NC24ads_A100_v4", "gpu": None}),
        ),
        source=BY_GRID,
    )


def _left_out_by_azure(facts: Facts) -> Iterator[Problem]:
    """Systems of AKS that bring no driver for a GPU."""
    if facts.platform != "aks" or facts.manager in ("operator", "none") or facts.branch:
        return
    gpu = facts.gpu.id if facts.gpu else ""
    row = next((row for row in AKS_WITHOUT_DRIVER if re.search(row[0], facts.node_image)), None)
    if row is None or not gpu or gpu in row[1]:
        return
    yield Problem(
        "AMI_NO_DRIVER",
        "os",
        f"AKS has no driver for {facts.who} on {row[2]}",
        (set_field("os", "Ubuntu 22.04", "use Ubuntu nodes"),),
        source=row[3],
    )


def _no_driver(facts: Facts) -> Iterator[Problem]:
    text = facts.node_image
    on_eks = facts.platform in ("eks", "aws") or "aws" in facts.platform
    standard = says_no_driver(text)
    standard = standard or (facts.os == "Bottlerocket" and "aws-k8s" in text and "nvidia" not in text)
    on_aks = facts.platform == "aks"
    absent = plain(facts.given.driver).removeprefix("nvidia ") in ABSENT
    if (facts.given.driver is not None and not absent) or facts.given.driver_branch is not None:
        return
    if not (on_eks or on_aks):
        yield from _nothing_installs(facts, absent)
        return
    bare_ubuntu = facts.os.startswith("Ubuntu") and facts.manager == "image" and facts.platform == "eks"
    words = plain(facts.given.env) if on_aks and not facts.manager else ""
    skipped = _SKIPPED.search(words) is not None and not names_installer(words)
    nobody = facts.manager == "none" or (absent and not facts.manager) or skipped
    nobody = nobody and (not has_operator(facts) or switched(facts, "driver") is False)
    # of AWS's systems, the operator has containers for Ubuntu alone
    may_be = on_aks or facts.os.startswith("Ubuntu")
    by_operator = facts.manager == "operator" or (may_be and not facts.manager and has_operator(facts))
    silent = facts.os.startswith("Ubuntu") and facts.platform == "eks" and not facts.manager
    silent = silent and not has_operator(facts) and not _OTHER_IMAGES.search(text)
    if (standard and not by_operator) or bare_ubuntu or nobody or silent:
        fixes = [set_field("driver_managed_by", "cloud", "let AKS install the driver")] if on_aks else []
        fixes.append(use_eks_image(facts, driver_managed_by="image"))
        if facts.os.startswith("Ubuntu"):
            fixes.insert(0, set_field("driver_managed_by", "operator", "let the operator install the driver"))
        yield Problem(
            "AMI_NO_DRIVER",
            "ami" if facts.given.ami else "os",
            "the node image has no GPU driver, and nothing installs one",
            tuple(fixes),
            # who runs an image of one's own may have put a driver in
            Severity.ERROR if standard or bare_ubuntu or nobody else Severity.WARNING,
            source=AKS_GPUS if on_aks else CANONICAL if facts.os.startswith("Ubuntu") else EKS_IMAGES,
        )


def _nothing_installs(facts: Facts, absent: bool) -> Iterator[Problem]:
    """Nodes of one's own that are said to have no driver, and nobody to install one."""
    nobody = facts.manager == "none" or (absent and facts.manager in ("", "image"))
    if facts.platform == "gke" or not nobody or has_operator(facts) or not (facts.gpu_name or facts.sm):
        return
    yield Problem(
        "AMI_NO_DRIVER",
        "driver" if absent else "driver_managed_by",
        "the node has no GPU driver, and nothing installs one",
        (
            Fix("install NVIDIA's driver on the node", {"driver": None, "driver_managed_by": "image"}),
            set_field("driver_managed_by", "operator", "let the operator install the driver"),
        ),
        # on a machine of one's own it may mean that nobody but oneself does
        Severity.ERROR if absent or facts.platform not in ("", "bare") else Severity.WARNING,
    )
