"""The gate of NVIDIA's base images: NVIDIA_REQUIRE_CUDA, which the container runtime reads first."""

import re
from collections.abc import Iterator

from gpuyard.catalog.software import cuda_floor, image_gates, native_driver
from gpuyard.compat.compat_libraries import is_framework, tries_both_modes
from gpuyard.compat.facts import Facts
from gpuyard.compat.place import is_own_machine
from gpuyard.compat.problem import Fix, Problem, raise_driver, with_env
from gpuyard.compat.spelling import dotted, driver_text
from gpuyard.errors import Severity

GATE_UNREAD_SINCE = 580
"""GeForce drivers from here on pass images that do not except them (noonghunna/club-3090#633)."""

FOR_JETSON = re.compile(r"jetson|\bl4t\b|tegra|\bigpu\b|dustynv/|nvidia-ai-iot/|[-_:]jp[567]")
"""Images for Jetson: built on NVIDIA's for L4T, which ask nothing of its driver (540 with JetPack 6)."""
_AT_HOME = re.compile(r"debian|truenas|unraid|windows|\bwsl|proxmox|\barch\b|fedora|\bmint\b|nixos|\bhome")
"""Systems of people's own machines."""


def gate_problems(facts: Facts) -> Iterator[Problem]:
    """A driver that is older than the image's CUDA and not among its exceptions."""
    base = facts.base_cuda
    native = native_driver(base)
    if facts.install == "pip" or not native or not facts.branch or facts.branch >= native[0]:
        return
    if facts.env.get("NVIDIA_DISABLE_REQUIRE", "").lower() in ("1", "true") or tries_both_modes(facts):
        return
    if FOR_JETSON.search(facts.image):
        return
    gate = next((row for row in image_gates() if base >= row.since), None)
    if gate is None:
        return
    excepted = facts.branch in gate.branches
    for_geforce = gate.geforce and facts.branch not in gate.tesla
    if excepted and (for_geforce or not _may_be_geforce(facts)):
        return
    fixes = [raise_driver(facts, native)]
    if facts.driver_high >= cuda_floor(base):
        disabled = Fix("set NVIDIA_DISABLE_REQUIRE=1", with_env(facts, "NVIDIA_DISABLE_REQUIRE", "1"))
        fixes.append(disabled)
    sure = not excepted or (facts.branch < GATE_UNREAD_SINCE and _is_surely_geforce(facts))
    yield Problem(
        "IMAGE_REQUIRE_GATE",
        "driver",
        f"the container was built for driver {driver_text(native)} or later, {facts.driver_text} is older "
        "and its compatibility mode is not available"
        if is_framework(facts)
        else f"the image demands cuda>={dotted(base)}; driver {facts.driver_text} is older and not excepted "
        "(unsatisfied condition)",
        tuple(fixes),
        Severity.ERROR if sure else Severity.WARNING,
        source=gate.source,
    )


def is_let_in(facts: Facts) -> bool:
    """Whether an image of CUDA 10 excepts the driver, and so brings libraries for it, on data-centre GPUs."""
    gate = next((row for row in image_gates() if facts.base_cuda >= row.since), None)
    return gate is not None and facts.branch in gate.branches and facts.datacenter is not False


def _may_be_geforce(facts: Facts) -> bool:
    """Whether it is a consumer card, or a GPU that nobody names on a machine that is not a cloud's.

    Who reports the gate's refusal often leaves the GPU out (henrygd/beszel PR#1103, speaches-ai/speaches#276,
    SyneRBI/PETRIC2#27, open-webui/docs PR#507).
    """
    is_unknown = facts.datacenter is None and not facts.gpu_name and not facts.sm
    return facts.is_geforce or (is_unknown and not facts.instance and is_own_machine(facts.platform))


def _is_surely_geforce(facts: Facts) -> bool:
    return facts.is_geforce or bool(_AT_HOME.search(f"{facts.platform} {facts.node_image}"))
