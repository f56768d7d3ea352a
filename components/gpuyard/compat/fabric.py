"""Fabric manager: NVSwitch nodes need it, of exactly the driver's version."""

import re
from collections.abc import Iterator

from gpuyard.catalog.software import driver_branches
from gpuyard.compat.facts import Facts
from gpuyard.compat.image_defects import image_release
from gpuyard.compat.owner import ABSENT, has_operator
from gpuyard.compat.problem import Fix, Problem, set_driver, use_eks_image
from gpuyard.compat.sourced import Sourced
from gpuyard.compat.spelling import dotted, driver_text, plain, read_driver
from gpuyard.errors import Severity

SWITCHED = frozenset({(7, 0), (8, 0), (9, 0), (10, 0), (10, 3)})
"""Compute capabilities of GPUs that are sold behind NVSwitches (the catalog's forms)."""
V100_SWITCHED = 16
"""V100 behind switches, as in DGX-2; eight are a mesh without one."""
BOTTLEROCKET_FABRIC = Sourced((1, 20, 0), "bottlerocket-os/bottlerocket PR#3873 (2024-05-13)")
"""First Bottlerocket with fabric manager."""
MIXED_CONTAINER = (
    "Ubuntu 22.04",
    Sourced((580, 126, 9), "NVIDIA/gpu-driver-container#735 (2026-04-27)"),
    "580.126.20",
)
"""System and driver whose container has fabric manager 590.48.01, and the next driver that has its own."""
OLD_START = Sourced((570, 158, 1), "NVIDIA/gpu-driver-container PR#383; NVIDIA/gpu-operator#1595")
"""Driver that changed how fabric manager is started on Blackwell; containers followed on 2025-07-21."""
_BY_HAND = re.compile(r"\bapt\b|\byum\b|\bdnf\b|run ?file|\bdkms\b|manual|packages?\b|cuda-drivers")
_CLUSTERS = frozenset({"eks", "gke", "aks", "oke"})
"""Clusters of clouds, whose GPU images bring fabric manager; their plain machines often lack it."""
_MANAGED = re.compile(
    r"hyperpod|sagemaker|dlami|deep learning|parallelcluster|vertex|azureml|dgx|base command"
)
"""Services and systems whose own images bring it."""
_PRESENT = frozenset(
    {"true", "yes", "installed", "running", "active", "enabled", "present", "on", "ok", "matching", "match"}
)
_DOWN = re.compile(
    r"\bnot\b|\bno\b|\bnone\b|n't\b|fail|absent|missing|mismatch|inactive|stopp|crash|broken|error|without|lack|"
    r"dead|exit|never|race|too early|cloud-?init|wrong|differ|older|newer|upgraded|out of sync|\bskew|"
    r"past the|in progress|incompatib|activating|auto-restart|restarting|masked|pending|unhealthy|timed? ?out"
)
_NAME = re.compile(r"fabric[-_ ]?manager|\bnvlsm\b")
_CLAUSE = re.compile(r"[^,;(]*(fabric[ -]?manager|\bnvlsm\b)[^,;)]*")
_NODE_TESTS = re.compile(r"gpu[-_ ]?burn|nccl[-_ ]?tests?|cuda[-_ ]?samples|device[-_ ]?query")
"""Programs that are run to learn about a node: they are no engine that somebody else's node serves."""
_UNNEEDED = re.compile(r"not (needed|required|applicable|necessary)")
_NO_TROUBLE = re.compile(
    r"\b(no|without|0|zero|never) (any )?(error|failure|mismatch|issue|problem|warning|restart|crash)\w*"
)
_UPKEEP = re.compile(r"\b(was|were|after|since|fixed|before)\b")
"""Words that tell of earlier trouble beside a version: what holds now is not said."""


def fabric_problems(facts: Facts) -> Iterator[Problem]:
    """GPUs behind an NVSwitch without fabric manager of the driver's version."""
    told = _told(facts)
    if told:
        yield from _stated(facts, told)
    elif _is_switched(facts):
        yield from _unsaid(facts)


def _told(facts: Facts) -> str:
    """What is said of it, in its own field or beside the system, the driver's owner or a variable."""
    if facts.given.fabric_manager is not None:
        return plain(facts.given.fabric_manager)
    by_name = next((text for name, text in facts.env.items() if _NAME.search(name.lower())), "")
    words = f"{facts.node_image}; {plain(facts.given.driver_managed_by)}; {plain(facts.given.platform)}"
    found = _CLAUSE.search(words) if _NAME.search(words) else None  # which is quicker to say no
    return by_name.lower() or (found[0].strip() if found else "")


def _stated(facts: Facts, text: str) -> Iterator[Problem]:
    if text in _PRESENT:
        return
    version, branch = read_driver(text)
    if (version and facts.driver and version != facts.driver) or (
        branch and facts.branch and branch != facts.branch
    ):
        yield Problem(
            "FABRIC_MANAGER",
            "fabric_manager",
            f"fabric manager {text} is not of the driver's version {facts.driver_text} (error 802)",
            (_matching(facts),),
        )
    elif branch and _misses_switch_drivers(facts) and _is_switched(facts):
        yield _without_switch_drivers(facts)  # whose versions were equal
    elif _is_down(text) and _is_switched(facts) is not False and not (branch and _UPKEEP.search(text)):
        runs = f"fabric manager {text} does not serve the driver" if branch else "no fabric manager runs"
        of_its_own = (set_driver(facts, driver_text(version)),) if version and not facts.branch else ()
        yield Problem(
            "FABRIC_MANAGER",
            "fabric_manager",
            f"the GPUs hang on an NVSwitch, and {runs} (error 802)",
            (*of_its_own, _matching(facts)),
        )


def _unsaid(facts: Facts) -> Iterator[Problem]:
    """What system, driver and platform say of it on a node with switches."""
    if _is_mixed(facts):
        yield Problem(
            "FABRIC_MANAGER",
            "driver",
            f"the driver container {facts.driver_text} for {facts.os} brings fabric manager 590.48.01",
            (set_driver(facts, MIXED_CONTAINER[2]),),
            source=MIXED_CONTAINER[1].source,
        )
    elif facts.os == "Bottlerocket":
        yield from _old_bottlerocket(facts)
    elif _misses_switch_drivers(facts):
        yield _without_switch_drivers(facts)
    elif _starts_the_old_way(facts):
        yield Problem(
            "FABRIC_MANAGER",
            "driver",
            f"the driver container {facts.driver_text} starts fabric manager of NVLink 5 with options "
            "that it no longer knows (error 802)",
            (set_driver(facts, "570.211.01"), set_driver(facts, "580.126.20")),
            source=OLD_START.source,
        )
    elif (is_bare := _is_bare(facts)) or _is_by_hand(facts):
        yield Problem(
            "FABRIC_MANAGER",
            "fabric_manager",
            "NVSwitch nodes need fabric manager of the driver's version, and nothing says that it is "
            "there (error 802)",
            (_matching(facts),),
            Severity.ERROR if is_bare else Severity.WARNING,
        )


def _is_by_hand(facts: Facts) -> bool:
    """Whether somebody installed the driver on a node of their own, which does not bring fabric manager."""
    by_hand = _BY_HAND.search(plain(facts.given.driver_managed_by)) is not None
    return by_hand and facts.platform not in _CLUSTERS and not facts.has_workload


def _starts_the_old_way(facts: Facts) -> bool:
    is_nvlink_5 = facts.gpu is not None and facts.gpu.id in ("b200", "b300")
    return is_nvlink_5 and facts.manager == "operator" and facts.driver == OLD_START


def _is_bare(facts: Facts) -> bool:
    """Whether the question is about a node that nobody manages, with its platform said."""
    place = f"{facts.given.platform} {facts.given.os}".lower()
    managed = facts.platform in _CLUSTERS or bool(_MANAGED.search(place) or facts.given.ami)
    unmanaged = not managed and not facts.manager and not has_operator(facts)
    stated = facts.given.platform is not None and facts.given.kubernetes is None
    about_node = not facts.has_workload or bool(_NODE_TESTS.search(facts.runtime_text))
    return unmanaged and stated and about_node


def _is_mixed(facts: Facts) -> bool:
    return facts.manager == "operator" and (facts.os, facts.driver) == MIXED_CONTAINER[:2]


def _old_bottlerocket(facts: Facts) -> Iterator[Problem]:
    release = image_release(facts)
    if release and release[0] == 1 and release < BOTTLEROCKET_FABRIC:
        stated = "ami" if facts.given.ami is not None else "os"
        newer: dict[str, str | None] = {"os": None, "driver": None, "driver_branch": None}
        newer[stated] = "Bottlerocket 1.41.0"
        yield Problem(
            "FABRIC_MANAGER",
            stated,
            f"Bottlerocket {dotted(release)} has no fabric manager, which NVSwitch nodes need (error 802)",
            (Fix("use Bottlerocket 1.20.0 or newer", newer),),
            source=BOTTLEROCKET_FABRIC.source,
        )


def _is_down(text: str) -> bool:
    """Whether words about fabric manager say that it does not do its work."""
    return text in ABSENT or (bool(_DOWN.search(_NO_TROUBLE.sub("", text))) and not _UNNEEDED.search(text))


def _misses_switch_drivers(facts: Facts) -> bool:
    """HGX B200 with the operator's driver on Canonical's EKS image."""
    is_blackwell = facts.gpu is not None and facts.gpu.id in ("b200", "b300")
    return (
        is_blackwell
        and facts.platform == "eks"
        and facts.os.startswith("Ubuntu")
        and facts.manager == "operator"
    )


def _without_switch_drivers(facts: Facts) -> Problem:
    text = "use the image {image}, which brings driver and fabric manager"
    return Problem(
        "FABRIC_MANAGER",
        "os",
        "Ubuntu's EKS image lacks the InfiniBand modules that manage Blackwell's NVSwitches, so fabric "
        "manager fails while the driver container reports ready (error 802)",
        (use_eks_image(facts, text, driver_managed_by="image"),),
        source="NVIDIA/gpu-operator#2781 (2026-08-21)",
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
    if facts.datacenter is False or (facts.sm and facts.sm not in SWITCHED):
        return False
    if not facts.form:
        return None
    if not facts.form.startswith("SXM") or facts.sm < (7, 0):
        return False
    count = facts.count
    if facts.sm == (7, 0):  # DGX-2 and its kin; eight V100 are a mesh without a switch
        return count == V100_SWITCHED
    return None if count is None else count >= 8
