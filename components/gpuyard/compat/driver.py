"""Driver against CUDA: the floor of each major version. What else is asked of it has files of its own."""

from collections.abc import Iterator

from gpuyard.catalog.software import cuda_floor, floor_source, forward_hosts
from gpuyard.catalog.software_runtimes import newest_release
from gpuyard.compat.build import is_by_others
from gpuyard.compat.compat_libraries import (
    is_carried,
    is_framework,
    mounted_library_problems,
    stated_library_problems,
    uses_forward_compat,
)
from gpuyard.compat.engine_drivers import engine_driver_problems
from gpuyard.compat.facts import Facts
from gpuyard.compat.gpu_driver import gpu_driver_problems
from gpuyard.compat.image_gate import gate_problems, is_let_in
from gpuyard.compat.kernel_module import module_problems
from gpuyard.compat.problem import Fix, Problem, raise_driver, set_field, set_release
from gpuyard.compat.ptx import ptx_problems
from gpuyard.compat.sourced import join_sources
from gpuyard.compat.spelling import dotted, driver_text
from gpuyard.errors import Severity

CUDA_12_ESCAPES = {
    "vllm": ("0.19.1", (0, 20, 0, 0), (0, 32, 99, 0)),
    "sglang": ("0.5.10", (0, 5, 11, 0), (0, 5, 19, 0)),
}
"""Per engine: last release on CUDA 12 by default, and the releases with a ``-cu129`` variant."""


def driver_problems(facts: Facts) -> Iterator[Problem]:
    """Every rule on the driver."""
    # in the order that a user meets them: loader, container start, first call
    yield from stated_library_problems(facts)
    yield from gate_problems(facts)
    yield from mounted_library_problems(facts)
    yield from _cuda_floor(facts)
    yield from _floor_of_the_newest(facts)
    yield from ptx_problems(facts)
    yield from engine_driver_problems(facts)
    yield from gpu_driver_problems(facts)
    yield from module_problems(facts)


def cuda_12_fixes(facts: Facts) -> tuple[Fix, ...]:
    """The same release on CUDA 12, else the last release on it."""
    known = CUDA_12_ESCAPES.get(facts.runtime)
    if known is None:
        return (
            (set_field("cuda", "12.9", "use a build for CUDA 12.9"),) if facts.given.cuda is not None else ()
        )
    last, first_variant, last_variant = known
    fixes = []
    if facts.version and first_variant <= facts.version <= last_variant and facts.release is not None:
        fixes.append(set_release(facts, facts.release.version, "12.9"))
    return (*fixes, set_release(facts, last))


def _cuda_floor(facts: Facts) -> Iterator[Problem]:
    floor = cuda_floor(facts.cuda)
    if not floor or not facts.driver_high or facts.driver_high >= floor:
        return
    if uses_forward_compat(facts) and facts.branch in forward_hosts("carried"):
        return
    if facts.cuda < (11,) and is_let_in(facts):
        return
    yield Problem(
        "DRIVER_TOO_OLD_FOR_CUDA_MAJOR",
        "driver",
        f"CUDA {dotted(facts.cuda)} needs driver {driver_text(floor)} or newer, "
        f"the node has {facts.driver_text}"
        + (": it takes the compatibility libraries of the image's entry point" if is_carried(facts) else ""),
        (*(cuda_12_fixes(facts) if facts.cuda[0] >= 13 else ()), raise_driver(facts, floor)),
        Severity.WARNING if is_carried(facts) or _was_carried(facts) else Severity.ERROR,
        source=floor_source(facts.cuda),
    )


def _was_carried(facts: Facts) -> bool:
    """Whether the libraries of that CUDA took the branch while it was kept up.

    NVIDIA's framework containers brought them (TensorRT-LLM of CUDA 12.3 on an A800 with 470:
    NVIDIA/TensorRT-LLM#965; the release notes of 25.01, the first of CUDA 12.8, leave these branches out).
    """
    brings = facts.install == "docker" and is_framework(facts) and facts.datacenter is True
    brings = brings and facts.cuda < (12, 8)
    known = facts.cuda[:1] == (12,) and facts.branch in forward_hosts("formerly")
    return known and (brings or uses_forward_compat(facts))


def _floor_of_the_newest(facts: Facts) -> Iterator[Problem]:
    """What the newest release asks of the driver, where none is stated: a warning."""
    newest = newest_release(facts.runtime)
    known = facts.cuda or facts.version or is_by_others(facts.image, facts.runtime)
    if newest is None or known or not facts.is_undated or facts.install == "source":
        return
    cuda = (newest.wheel_cuda if facts.install == "pip" else newest.image_cuda)[:2]
    floor = cuda_floor(cuda)
    if not floor or not facts.driver_high or facts.driver_high >= floor or uses_forward_compat(facts):
        return
    yield Problem(
        "DRIVER_TOO_OLD_FOR_CUDA_MAJOR",
        "driver",
        f"{facts.runtime} {newest.version}, the newest, is built for CUDA {dotted(cuda)}, which needs driver "
        f"{driver_text(floor)}; the node has {facts.driver_text}, and no release is stated",
        (*cuda_12_fixes(facts), raise_driver(facts, floor)),
        Severity.WARNING,
        source=join_sources(floor_source(cuda), newest.source),
    )
