"""The gate of NVIDIA's base images: NVIDIA_REQUIRE_CUDA, which the container runtime reads first."""

from collections.abc import Iterator

from gpuyard.catalog.software import cuda_floors, image_gates, native_driver
from gpuyard.compat.compat_libraries import is_framework, tries_both_modes
from gpuyard.compat.facts import Facts
from gpuyard.compat.problem import Fix, Problem, raise_driver, with_env
from gpuyard.compat.spelling import dotted, driver_text
from gpuyard.errors import Severity

GATE_UNREAD_SINCE = 580
"""GeForce drivers from here on pass images that do not except them (noonghunna/club-3090#633)."""


def gate_problems(facts: Facts) -> Iterator[Problem]:
    """A driver that is older than the image's CUDA and not among its exceptions."""
    base = facts.base_cuda
    native = native_driver(base)
    if facts.install == "pip" or not native or not facts.branch or facts.branch >= native[0]:
        return
    if facts.env.get("NVIDIA_DISABLE_REQUIRE", "").lower() in ("1", "true") or tries_both_modes(facts):
        return
    gate = next((row for row in image_gates() if base >= row.since), None)
    if gate is None:
        return
    excepted = facts.branch in gate.branches
    if excepted and (gate.geforce or not facts.is_geforce):
        return
    fixes = [raise_driver(facts, native)]
    if facts.driver_high >= cuda_floors().get(base[0], ()):
        disabled = Fix("set NVIDIA_DISABLE_REQUIRE=1", with_env(facts, "NVIDIA_DISABLE_REQUIRE", "1"))
        fixes.append(disabled)
    sure = not excepted or facts.branch < GATE_UNREAD_SINCE
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
    )
