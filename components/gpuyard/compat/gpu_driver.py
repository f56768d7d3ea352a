"""The driver against the GPU: branches that dropped it, and those that do not know it yet."""

from collections.abc import Iterator, Mapping

from gpuyard.catalog.hardware import Gpu, gpus
from gpuyard.catalog.software import Version, compat_rule, parse_version
from gpuyard.compat.facts import Facts
from gpuyard.compat.generations import ADA, AMPERE, LAST_LEGACY_BRANCH, TURING, branch_row, last_branch
from gpuyard.compat.place import first_eks_image, is_own_machine
from gpuyard.compat.problem import Problem, raise_driver, set_driver, set_gpu
from gpuyard.compat.spelling import driver_text
from gpuyard.errors import Severity

IMAGE_SYSTEMS = frozenset({"Amazon Linux 2", "Amazon Linux 2023", "Bottlerocket", "GKE COS", "Talos"})
"""Systems whose driver comes with the node image."""
FIRST_BRANCHES: Mapping[Version, Version] = {TURING: (410,), AMPERE: (450,), (8, 6): (450,)}
"""First branches with CUDA 10.0 and 11.0, the first that compile for Turing and Ampere; of GeForce RTX 30
and most cards with 8.6 the first is a later one."""
FIRST_SAYS = "CUDA Toolkit release notes, drivers by CUDA (10.0: 410.48, 11.0: 450.36)"
WINDOWS_NUMBERS = 10
"""Windows counts a branch's drivers on, 581 and 582 for 580, 471 to 475 for 470; none starts there."""


def gpu_driver_problems(facts: Facts) -> Iterator[Problem]:
    """Branches that dropped the GPU, then the first driver that knows it."""
    if not facts.branch:
        yield from _left_by_the_image(facts)
        return
    stated = not is_own_machine(facts.platform) or facts.os in IMAGE_SYSTEMS
    by_image = stated or bool(facts.given.ami) or facts.manager == "image"
    last = last_branch(facts.sm)
    if last and facts.branch >= last + WINDOWS_NUMBERS:
        row = branch_row(last)
        fix = set_driver(facts, row.latest)
        text = f"driver {facts.driver_text} no longer drives {facts.who}; branch {last} was the last"
        fixes = (fix, set_gpu(facts, "t4"), set_gpu(facts, "l4"))
        source = compat_rule("R-LEGACY")["source"] if last == LAST_LEGACY_BRANCH else row.source
        if by_image:
            yield Problem("AMI_DRIVER_MIN", "driver", "the node image's " + text, fixes, source=source)
        yield Problem("DRIVER_DROPPED_GPU", "driver", text, fixes, source=source)
    floor, is_sure = _minimum(facts, by_image)
    is_sure = is_sure or facts.driver_high < _first_of_kin(facts.sm)
    if floor and facts.driver_high < floor:
        fixes = (raise_driver(facts, floor),)
        severity = Severity.ERROR if is_sure else Severity.WARNING
        source = _says_minimum(facts)
        text = f"{facts.who} needs driver {driver_text(floor)} or newer, the node"
        if by_image:
            told = f"{text} image has {facts.driver_text}"
            yield Problem("AMI_DRIVER_MIN", "driver", told, fixes, severity, source=source)
        told = f"{text} has {facts.driver_text}"
        yield Problem("DRIVER_TOO_OLD_FOR_GPU", "driver", told, fixes, severity, source=source)


def _left_by_the_image(facts: Facts) -> Iterator[Problem]:
    """GPUs that no release of a named node image has a driver for."""
    last = last_branch(facts.sm)
    by_other = facts.manager in ("operator", "none")
    if not last or by_other or facts.platform not in ("eks", "aws") or "bottlerocket" in facts.node_image:
        return
    first = first_eks_image(facts.given, facts.kubernetes)
    oldest = parse_version(first.driver)[0] if first else 0
    if first is None or oldest <= last:
        return
    text = (
        f"every release of the node image has driver {oldest} or newer; {last} was the last for {facts.who}"
    )
    source = f"{first.source}; branch {last}: {branch_row(last).source}"
    for code in ("AMI_DRIVER_MIN", "DRIVER_DROPPED_GPU"):
        yield Problem(code, "ami", text, (set_gpu(facts, "t4"),), source=source)


def _minimum(facts: Facts, by_image: bool) -> tuple[Version, bool]:
    """First driver for the GPU, and whether that is sure enough to refuse."""
    gpu = facts.gpu
    if facts.other_gpu and facts.other_gpu.min_driver:
        return parse_version(facts.other_gpu.min_driver), True
    if gpu is None:  # a card of the same architecture stands in for it
        return _first_of_kin(facts.sm), True
    if not gpu.min_driver[:1].isdigit():
        return (), False
    floor = parse_version(gpu.min_driver)
    if gpu.id == "rtx-pro-4500":  # sources disagree: AWS's guide for g7 wants 595, its kernel list has 580
        return floor, (by_image and facts.branch != LAST_LEGACY_BRANCH) or (
            facts.platform == "eks" or "aws" in facts.platform
        )
    if gpu.id == "rtx-pro-6000" and facts.machine is None and "server" not in str(facts.given.gpu).lower():
        return floor[:1], True  # the workstation edition ran with 575.51.03 (NVIDIA/TensorRT-LLM#4275)
    exact = gpu.id == "rtx-pro-6000"  # eight B200 answered with 570.124.06 (vllm-project/vllm#16336)
    # of H200 only Google states it, of GH200 nobody
    is_stated = gpu.id != "gh200" and (gpu.id != "h200" or facts.platform == "gke")
    return (floor if exact else floor[:1]), is_stated


def _first_of_kin(sm: Version) -> Version:
    """First branch for anything of that compute capability; empty: unknown."""
    if sm < ADA:
        return FIRST_BRANCHES.get(sm, ())
    oldest = _oldest_kin(sm)
    return parse_version(oldest.min_driver)[:1] if oldest else ()


def _oldest_kin(sm: Version) -> Gpu | None:
    """The card of that compute capability whose first driver is the oldest; None: the catalog has none."""
    kin = (row for row in gpus().values() if parse_version(row.sm) == sm and row.min_driver[:1].isdigit())
    return min(kin, key=lambda row: parse_version(row.min_driver)[:1], default=None)


def _says_minimum(facts: Facts) -> str:
    """Who says what the first driver for the GPU is."""
    other = facts.other_gpu if facts.other_gpu and facts.other_gpu.min_driver else None
    row = facts.gpu or other or (None if facts.sm in FIRST_BRANCHES else _oldest_kin(facts.sm))
    return row.source if row else FIRST_SAYS
