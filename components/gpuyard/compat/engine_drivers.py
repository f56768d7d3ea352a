"""What releases of single engines ask of the driver beyond their CUDA."""

from collections.abc import Iterator

from gpuyard.catalog.software import Version
from gpuyard.compat.compat_libraries import uses_forward_compat
from gpuyard.compat.facts import Facts
from gpuyard.compat.problem import Problem, raise_driver, set_release
from gpuyard.compat.sourced import Sourced
from gpuyard.compat.spelling import dotted, driver_text

OLLAMA_WITHOUT_CUDA_11: Sourced[Version] = Sourced(
    ((0, 9, 3, 0), (0, 30, 0, 0), (525,)),
    "ollama/ollama Dockerfile of v0.9.2 and v0.9.3, docs/gpu.md; PR#10569",
)
"""Ollama in between has libraries of CUDA 12 and newer alone; the driver branch that they need."""
OLLAMA_COMPRESSED: tuple[Sourced[int], tuple[tuple[Version, int], ...]] = (
    Sourced((0, 30, 0, 0), "ollama/ollama#16449, #17290 and docs/gpu.mdx"),
    (((7, 0), 570), ((), 550)),
)
"""Ollama from here on, and the driver branch that GPUs below a compute capability need, then all others."""
GREEN_CONTEXTS: Sourced[Version] = Sourced(
    ((0, 4, 9, 3), (0, 5, 1, 0), (550, 54, 14)), "sgl-project/sglang#8432, #8430, PR#9021"
)
"""SGLang in between needs a driver of CUDA 12.4; since, it asks at run time."""


def engine_driver_problems(facts: Facts) -> Iterator[Problem]:
    """Every rule of these."""
    yield from _compressed(facts)
    yield from _without_cuda_11(facts)
    yield from _newer_call(facts)


def _compressed(facts: Facts) -> Iterator[Problem]:
    """Machine code that older drivers cannot unpack, and PTX for GPUs that it leaves out."""
    since, floors = OLLAMA_COMPRESSED
    if facts.runtime != "ollama" or facts.version < since or not facts.driver_high:
        return
    floor = next(branch for below, branch in floors if not below or () < facts.sm < below)
    if facts.driver_high >= (floor,):
        return
    needs = f"Ollama {dotted(facts.version[:3])} needs driver {floor} for {facts.who}, the node has "
    needs += facts.driver_text
    fixes = (raise_driver(facts, (floor,)),)
    yield Problem(
        "PTX_JIT_DRIVER_TOO_OLD",
        "driver",
        f"{needs}: it cannot read the compressed machine code",
        fixes,
        source=since.source,
    )
    yield Problem(
        "DRIVER_TOO_OLD_FOR_CUDA_MAJOR",
        "driver",
        f"{needs}: it leaves the GPU out and serves on the CPU",
        fixes,
        source=since.source,
    )


def _without_cuda_11(facts: Facts) -> Iterator[Problem]:
    """Ollama beside a driver that its last library for CUDA 11 served."""
    since, before, floor = OLLAMA_WITHOUT_CUDA_11
    meant = facts.runtime == "ollama" and since <= facts.version < before and not facts.cuda
    if not meant or not facts.driver_high or facts.driver_high >= floor:
        return
    yield Problem(
        "DRIVER_TOO_OLD_FOR_CUDA_MAJOR",
        "driver",
        f"Ollama {dotted(facts.version[:3])} has libraries for CUDA 12 and newer alone, which need driver "
        f"{driver_text(floor)}; the node has {facts.driver_text}: it serves on the CPU",
        (raise_driver(facts, floor), set_release(facts, "0.9.2")),
        source=OLLAMA_WITHOUT_CUDA_11.source,
    )


def _newer_call(facts: Facts) -> Iterator[Problem]:
    """Libraries that call what only newer drivers have: minor-version compatibility does not help."""
    since, before, floor = GREEN_CONTEXTS
    is_meant = facts.runtime == "sglang" and since <= facts.version < before and facts.cuda[:1] == (12,)
    if not is_meant or not facts.driver_high or facts.driver_high >= floor or uses_forward_compat(facts):
        return
    yield Problem(
        "DRIVER_TOO_OLD_FOR_CUDA_MAJOR",
        "driver",
        f"the kernels of SGLang {dotted(facts.version[:3])} call cuGreenCtxDestroy, which drivers have since "
        f"{driver_text(floor)}; the node has {facts.driver_text}",
        (raise_driver(facts, floor), set_release(facts, "0.4.9"), set_release(facts, "0.5.3")),
        source=GREEN_CONTEXTS.source,
    )
