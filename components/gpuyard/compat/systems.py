"""Operating systems by the names that people and clouds have for them."""

import re
from functools import cache

from gpuyard.catalog.software import Version

EKS_IMAGE = "EKS GPU image"
"""AWS's image with a driver, where nobody says of which system."""
OS_NAMES: tuple[tuple[str, str, Version], ...] = (
    (r"bottlerocket|\bauto ?mode", "Bottlerocket", ()),
    (r"autopilot", "GKE Autopilot", ()),
    (r"\bcos\b|container[- ]optimi[sz]ed|cos_containerd|\bcos\d", "GKE COS", ()),
    (r"al2023|amazon ?linux ?2023|amazonlinux2023|amzn ?2023", "Amazon Linux 2023", (2, 34)),
    (r"\bal2\b|al2_|amazon ?linux ?2|amzn2|amazon-eks-(gpu-|arm64-)?node-1\.", "Amazon Linux 2", (2, 26)),
    (r"ubuntu core", "Other", ()),
    (r"ubuntu[ _-]*\d+\.(?!04(?!\d))\d+|ubuntu[ _-]*(19|21|23|25)\b", "Ubuntu interim", ()),
    (r"ubuntu[ _-]*20|\bfocal", "Ubuntu 20.04", (2, 31)),
    (r"ubuntu[ _-]*18|\bbionic", "Ubuntu 18.04", (2, 27)),
    (r"ubuntu[ _-]*22|\bjammy", "Ubuntu 22.04", (2, 35)),
    (r"ubuntu[ _-]*16|\bxenial", "Ubuntu 16.04", (2, 23)),
    (r"ubuntu[ _-]*24|\bnoble", "Ubuntu 24.04", (2, 39)),
    (r"ubuntu[ _-]*26", "Ubuntu 26.04", ()),
    (r"ubuntu", "Ubuntu", ()),
    (r"debian[ _-]*10|\bbuster", "Debian", (2, 28)),
    (r"debian[ _-]*13|\btrixie", "Debian", (2, 41)),
    (r"debian[ _-]*11|\bbullseye", "Debian 11", (2, 31)),
    (r"debian[ _-]*12|\bbookworm", "Debian 12", (2, 36)),
    (r"debian", "Debian", ()),
    (
        r"(rhel|red ?hat[a-z ]*|(alma|scientific) ?linux|rocky[a-z ]*|oracle[a-z ]*|centos[a-z ]*|el)[ _-]*7",
        "RHEL 7",
        (2, 17),
    ),
    (
        r"(rhel|ubi|red ?hat[a-z ]*|alma ?linux|rocky[a-z ]*|oracle[a-z ]*|centos[a-z ]*|el)[ _-]*8",
        "RHEL 8",
        (2, 28),
    ),
    (
        r"(rhel|ubi|red ?hat[a-z ]*|alma ?linux|rocky[a-z ]*|oracle[a-z ]*|centos[a-z ]*|el)[ _-]*9",
        "RHEL 9",
        (2, 34),
    ),
    (r"(rhel|red ?hat[a-z ]*|alma ?linux|rocky[a-z ]*|oracle[a-z ]*)[ _-]*10", "RHEL 10", (2, 39)),
    (r"fedora|\bfcos\b", "Fedora", ()),
    (r"\bscos|\bokd\b|centos stream coreos", "SCOS", ()),
    (r"rhcos[ _-]*9", "RHCOS (OpenShift)", (2, 34)),
    (r"rhcos|openshift|coreos|\bocp\b", "RHCOS (OpenShift)", ()),
    (r"talos", "Talos", ()),
    (r"flatcar", "Flatcar", ()),
    (r"arch ?linux", "Arch", ()),
    (r"suse[ _-]*leap[ _-]*15(\.[345])?\b(?!\.)", "openSUSE", (2, 31)),
    (r"opensuse|suse[ _-]*leap|tumbleweed|micro ?os|\bsle? ?micro|harvester", "openSUSE", ()),
    (r"(sles|suse linux)[a-z ]*[ _-]*15([ ._-]*(sp)?[345])?\b(?![. ]*(sp)?\d)", "SLES", (2, 31)),
    (r"\bsles|suse linux enterprise", "SLES", ()),
    (r"nixos", "NixOS", ()),
    (r"\balpine", "Alpine", ()),
    (r"buildroot|minikube", "Buildroot", ()),
    (r"photon", "Photon", ()),
    (r"azure ?linux|mariner", "Azure Linux", ()),
    (
        r"kylin[a-z ]*v?10|open ?euler[ _-]*20|anolis[a-z ]*8|tencent ?os[a-z ]*3",
        "openEuler and kin",
        (2, 28),
    ),
    (r"open ?euler[ _-]*22", "openEuler and kin", (2, 34)),
    (r"(alibaba ?cloud ?linux|alinux)[ _-]*3", "openEuler and kin", (2, 32)),
    (r"(alibaba ?cloud ?linux|alinux|tencent ?os[a-z ]*)[ _-]*2", "openEuler and kin", (2, 17)),
    (r"open ?euler|kylin|anolis|alibaba ?cloud ?linux|alinux|tencent ?os", "openEuler and kin", ()),
    (r"\beuler ?os|\buos\b|\bhce\b|velinux|bc-?linux|bigcloud", "openEuler and kin", ()),
    (r"proxmox|truenas|unraid|gentoo|slackware|manjaro|raspbian|k3os|kairos|windows", "Other", ()),
    (r"linux ?mint|pop!?[ _]?os|\bpop\d|void linux", "Other", ()),
    (
        r"\beks\b.*\b(gpu|accelerated|nvidia)\b.*\b(ami|image|node)|\beks[ -](gpu|accelerated)\b",
        EKS_IMAGE,
        (),
    ),
    (r"\beks\b.*\b(ami|image)\b.*\b(gpu|accelerated|nvidia)\b", EKS_IMAGE, ()),
)
"""Operating systems by pattern, with the glibc that they carry."""


@cache
def read_system(text: str) -> tuple[str, Version]:
    """Operating system and its glibc; words may be joined by ``-`` or ``_``."""
    apart = re.sub("[-_]+", " ", text)
    for pattern, name, glibc in OS_NAMES:
        if re.search(pattern, text) or re.search(pattern, apart):
            return name, glibc
    return "", ()
