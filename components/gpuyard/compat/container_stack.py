"""Container toolkit, containerd and operator of one node, as far as they are known."""

import re
from dataclasses import dataclass

from gpuyard.catalog.software import Version, parse_version
from gpuyard.catalog.software_nodes import OperatorRelease
from gpuyard.compat.facts import Facts
from gpuyard.compat.owner import installs_toolkit, stated_operator
from gpuyard.compat.problem import Fix

CONTAINERD_2_SINCE: Version = (1, 33)
"""Kubernetes version from which EKS, GKE, K3s and RKE2 nodes run containerd 2."""
SAFE = "1.18.1"
"""Toolkit without the faults that the rules know."""
OWN_CONTAINERD = ("k3s", "rke2", "k0s", "microk8s")
"""Distributions that keep `containerd` to themselves."""


@dataclass(frozen=True, slots=True)
class Stack:
    """Toolkit, containerd and operator of one node. Empty: unknown, or none."""

    facts: Facts
    release: OperatorRelease | None
    toolkit: Version
    containerd: Version


def read_stack(facts: Facts) -> Stack:
    """What is stated, and what follows from operator, platform and Kubernetes."""
    release = stated_operator(facts)
    toolkit = stated_toolkit(facts) or _operators_toolkit(facts, release)
    return Stack(facts, release, toolkit, containerd_of(facts))


def stated_toolkit(facts: Facts) -> Version:
    """The toolkit's version by its own field; empty: unknown."""
    found = re.search(r"\d+\.\d+(\.\d+)?", str(facts.given.toolkit or ""))
    return parse_version(found[0]) if found else ()


def _operators_toolkit(facts: Facts, release: OperatorRelease | None) -> Version:
    """The operator's own toolkit, unless it is switched off."""
    return () if release is None or installs_toolkit(facts) is False else release.toolkit


def containerd_of(facts: Facts) -> Version:
    """The containerd that is stated, or that the Kubernetes of a platform brings; empty: unknown."""
    if facts.given.containerd is not None:
        return parse_version(facts.given.containerd)
    has_2 = facts.platform in ("eks", "gke") or any(
        word in distribution_words(facts) for word in ("k3s", "rke2")
    )
    return (2,) if has_2 and facts.kubernetes[:2] >= CONTAINERD_2_SINCE else ()


def distribution_words(facts: Facts) -> str:
    """Words that may name a distribution of Kubernetes: platform, image, version and containerd's files."""
    files = " ".join(text for name, text in facts.env.items() if name.startswith("CONTAINERD_"))
    return f"{facts.platform} {facts.node_image} {facts.given.kubernetes or ''} {files}".lower()


def use_operator(version: str) -> Fix:
    """The operator of that version with the toolkit that it brings."""
    return Fix(f"use GPU Operator {version}", {"gpu_operator": version, "toolkit": None})
