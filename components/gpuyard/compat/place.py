"""Platform, Kubernetes version, machine type and node image that a combination names, in any spelling."""

import re

from gpuyard.catalog.software import Version, driver_branches, parse_version
from gpuyard.catalog.software_nodes import NodeImage, bottlerocket_driver, eks_image_driver, node_images
from gpuyard.compat.combination import Combination
from gpuyard.compat.spelling import dotted, plain

_CLOUDS = (("eks", r"\beks\b"), ("gke", r"\bgke\b"), ("aks", r"\baks\b"))
_FULL_NAMES = {"eks": "elastic kubernetes", "gke": "google kubernetes", "aks": "azure kubernetes"}
_OPENSHIFT = re.compile(r"openshift|\bocp\b|\bokd\b|rhcos|scos")
_AWS_INSTANCE = re.compile(r"[a-z]+\d[a-z0-9-]*\.(metal|nano|micro|small|medium|\d*x?large)")
OPENSHIFT_TO_KUBERNETES = 13
"""OpenShift 4.N runs Kubernetes 1.(N + 13)."""
_EKS_IMAGES = (
    ("AL2023_x86_64_NVIDIA", r"al2023_x86_64_nvidia"),
    ("AL2023_ARM_64_NVIDIA", r"al2023_arm_64_nvidia|al2023-arm64-nvidia"),
    ("AL2_x86_64_GPU", r"al2_x86_64_gpu|eks-gpu-node"),
    ("AL2023_x86_64_NVIDIA", r"nvidia"),
)
_OWN_MACHINES = re.compile(
    r"^(any|linux|vm|)$|bare|metal|docker|podman|compose|wsl|windows|desktop|workstation|on-?prem|\blocal"
    r"|proxmox|openstack|k3s|rke2|kube-?adm|minikube|microk8s|unraid|truenas|slurm|\bhpc|homelab|runpod|\bvast"
)
"""Platforms whose driver is not that of a node image."""


def read_platform(given: Combination) -> str:
    """``eks``, ``gke``, ``aks`` or what was written; the cloud that other fields name where it is vague."""
    text = plain(given.platform)
    for name, _ in _CLOUDS:
        if name in text or _FULL_NAMES[name] in text:
            return name
    if text in ("", "kubernetes", "k8s", "aws", "gcp", "azure", "cloud"):
        others = f"{plain(given.kubernetes)} {plain(given.os)} {plain(given.ami)}"
        for name, pattern in _CLOUDS:
            if re.search(pattern, others.replace("-", " ")):
                return name
    on_aws = "aws" in text or (not text and bool(_AWS_INSTANCE.match(plain(given.instance))))
    if on_aws and given.ami is not None and given.kubernetes is not None:
        return "eks"
    return text or ("aws" if on_aws else "")


def is_own_machine(platform: str) -> bool:
    """Whether no cloud's node image brings the driver, as far as the platform says."""
    return bool(_OWN_MACHINES.search(platform))


def is_openshift(given: Combination) -> bool:
    """Whether it is OpenShift, which counts its versions from 4, as Kubernetes does not."""
    version = parse_version(given.kubernetes) if given.kubernetes is not None else ()
    text = f"{plain(given.platform)} {plain(given.os)} {plain(given.kubernetes)}"
    return bool(_OPENSHIFT.search(text)) or (version[:1] == (4,) and len(version) > 1)


def read_kubernetes(given: Combination) -> Version:
    """Version of Kubernetes: its own field, else what the name of the system or image carries."""
    version = parse_version(given.kubernetes) if given.kubernetes is not None else ()
    text = f"{plain(given.os)} {plain(given.ami)}"
    if not version:
        found = re.search(r"\b(?:eks|gke|aks|k8s|kubernetes)[ _-]*v?(1\.\d\d)\b", text) or re.search(
            r"-(1\.\d\d)-(?:v20\d{6}|nvidia)", text
        )
        version = parse_version(found[1]) if found else ()
    if version[:1] == (4,) and len(version) > 1 and is_openshift(given):
        return 1, version[1] + OPENSHIFT_TO_KUBERNETES
    return version


def read_instance(given: Combination) -> str:
    """Machine type, else the AWS family in the platform's text (``aws g4dn``); lower case."""
    if given.instance:
        return plain(given.instance)
    found = re.search(r"\b(?:[pg]\d[a-z]*(?:-[a-z0-9]+)?|gr6f?)(?:\.\w+)?\b", plain(given.platform))
    return found[0] if found else ""


def read_image_driver(given: Combination, kubernetes: Version) -> str:
    """Driver that a node image's name says (``AL2023 custom 595``) or has by the catalog; empty: unknown."""
    text = f"{given.ami or ''} {given.os or ''}".lower()
    named = [part for part in re.findall(r"(?<![\d.v-])\d{3}(?=\b(?!\.\d{5}))", text) if _is_branch(part)]
    if named:
        return named[-1]
    if len(kubernetes) == 1:
        return ""
    minor = dotted(kubernetes[:2])
    if "bottlerocket" in text:
        releases = re.findall(r"\d+\.\d+\.\d+", text)
        return bottlerocket_driver(releases[-1], minor) if releases else ""
    found = re.search(r"(20\d{6})", text)
    if found is None:
        return ""
    return eks_image_driver(_eks_image(text), minor, found[1])


def first_eks_image(given: Combination, kubernetes: Version) -> NodeImage | None:
    """The release of a named EKS image that had its oldest driver; None: unknown."""
    image = _eks_image(f"{given.ami or ''} {given.os or ''}".lower())
    minor = dotted(kubernetes[:2])
    rows = (row for row in node_images() if row.image == image and minor in ("", row.kubernetes))
    return min(rows, key=lambda row: parse_version(row.driver), default=None)


def _eks_image(text: str) -> str:
    return next((name for name, pattern in _EKS_IMAGES if re.search(pattern, text)), "")


def _is_branch(text: str) -> bool:
    return int(text) in driver_branches()
