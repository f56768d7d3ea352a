"""Machine code for the GPU: what the build ships, and what is compiled at run time."""

from collections.abc import Iterator

from gpuyard.catalog.software import Version
from gpuyard.catalog.software_runtimes import RuntimeRelease, runtime_releases
from gpuyard.catalog.software_support import find_retired
from gpuyard.compat.architectures import architecture_problems
from gpuyard.compat.build import is_by_others
from gpuyard.compat.driver import cuda_12_fixes
from gpuyard.compat.embedding_image import embedding_image_problems
from gpuyard.compat.facts import Facts
from gpuyard.compat.floors import floor_problems, older_release, other_engine
from gpuyard.compat.generations import BLACKWELL, TURING
from gpuyard.compat.machine_code import (
    CODE_SINCE_CUDA,
    OWN_ARCHITECTURES,
    RUNS_SINCE_CUDA,
    SM_SINCE_CUDA,
    code_of,
    compiled_since,
    compiler_source,
    covers,
    is_left_out,
    is_translated,
    newer_release,
    raise_cuda,
    reaches,
)
from gpuyard.compat.package_code import package_problems
from gpuyard.compat.problem import (
    CONTAINER_IMAGE,
    VLLM_INSTEAD,
    Fix,
    Problem,
    set_field,
    set_gpu,
    set_release,
)
from gpuyard.compat.spelling import dotted
from gpuyard.compat.tagged_image import tagged_image_problems
from gpuyard.compat.toolchain import COMPILED_AT_RUN_TIME, toolchain_problems
from gpuyard.compat.torch_code import torch_ends_at_hopper, torch_for_cuda_128, torch_starts_later
from gpuyard.compat.undated import undated_problems
from gpuyard.errors import Severity

ONE_BUILD = ("tgi", "tensorrt-llm", "lmdeploy")
"""Engines whose releases come for one CUDA only."""


def binary_problems(facts: Facts) -> Iterator[Problem]:
    """Every rule on the release and its machine code."""
    if facts.is_newer and facts.release is not None:
        yield Problem(
            "RUNTIME_NEWER_THAN_CATALOG",
            "runtime_version",
            f"{facts.engine} is newer than the catalog; judged as {facts.release.version}",
            (),
            Severity.WARNING,
            source=facts.release.source,
        )
    retired = find_retired(f"{facts.runtime} {facts.runtime_text}")
    if retired is not None:
        yield Problem(
            "RUNTIME_UNMAINTAINED",
            "runtime",
            f"{retired.name} is {retired.state} (since {retired.since})",
            (Fix(f"use {retired.instead}", {}),),
            Severity.WARNING,
            source=retired.source,
        )
    if facts.sm:
        yield from floor_problems(facts)
        code = list(_machine_code(facts))
        if not any(item.severity is Severity.ERROR for item in code):
            code += architecture_problems(facts)
        if not any(item.severity is Severity.ERROR for item in code):
            code = [*_kernel_package(facts), *code]
        if not code:
            code = list(undated_problems(facts))
        if facts.sm in COMPILED_AT_RUN_TIME:
            yield from toolchain_problems(facts)
            yield from code
        else:
            yield from code
            yield from toolchain_problems(facts)
        yield from embedding_image_problems(facts)
        yield from tagged_image_problems(facts)
        yield from package_problems(facts)


def _only_known(facts: Facts) -> RuntimeRelease | None:
    """The newest release, where none is stated: what even that one lacks, every release does."""
    rows = runtime_releases(facts.runtime) if facts.runtime else ()
    stated = [row for row in rows if row.max_sm]
    # one with a list of its machine code says nothing of where it ends
    if facts.version or not stated or any(row.sass and row.key > stated[-1].key for row in rows):
        return None
    return max(stated, key=lambda row: (row.max_sm, row.key))


def _machine_code(facts: Facts) -> Iterator[Problem]:
    """The first thing that is wrong with the build's machine code."""
    by_code = (_has_none, torch_ends_at_hopper, torch_for_cuda_128)
    by_cuda = (_cannot_compile, _ends_before, _all_lack, torch_starts_later, torch_ends_at_hopper)
    rules = (_dropped_by_cuda_13, *(by_code if _is_inspected(facts) else by_cuda))
    found = next((problem for rule in rules if (problem := rule(facts)) is not None), None)
    if found is not None:
        yield found
    else:
        yield from _sm_103(facts)


def _is_inspected(facts: Facts) -> bool:
    """Whether the catalog has the machine code of this very build."""
    release = facts.release
    if release is None or not release.sass:
        return False
    other_torch = facts.runtime == "torch" and facts.cuda != release.wheel_cuda[:2]
    too_old = facts.cuda_is_given and compiled_since(_since_cuda(facts), facts.sm) > facts.cuda
    return not other_torch and not too_old


def _dropped_by_cuda_13(facts: Facts) -> Problem | None:
    if facts.cuda < (13, 0) or facts.sm >= TURING:
        return None
    return Problem(
        "SM_NOT_IN_BINARY",
        "cuda",
        f"CUDA 13 dropped {facts.card}; 12.9 was the last toolkit",
        (
            *cuda_12_fixes(facts),
            set_field("cuda", "12.9", "use a build for CUDA 12.9"),
            set_gpu(facts, "t4"),
        ),
        source=compiler_source((13, 0)),
    )


def _has_none(facts: Facts) -> Problem | None:
    release = facts.release
    if release is None or not is_left_out(facts):
        return None
    return Problem(
        "SM_NOT_IN_BINARY",
        "runtime_version",
        f"{facts.runtime} {release.version} has no machine code for {facts.card}; "
        f"it has {' '.join(map(dotted, code_of(facts)))}",
        (
            *((CONTAINER_IMAGE,) if covers(release.sass, facts.sm) else ()),
            *newer_release(facts),
            *older_release(facts),
            set_gpu(facts, "h100-sxm"),
        ),
        Severity.WARNING if _is_own_build(facts) else Severity.ERROR,
        source=release.source,
    )


def _cannot_compile(facts: Facts) -> Problem | None:
    since = compiled_since(_since_cuda(facts), facts.sm)
    if not facts.cuda or since <= facts.cuda or is_translated(facts):
        return None
    elsewhere = other_engine(facts) if facts.runtime in ONE_BUILD else (raise_cuda(facts, since),)
    return Problem(
        "SM_NOT_IN_BINARY",
        "cuda",
        f"CUDA {dotted(facts.cuda)} cannot compile for {facts.who} (compute capability {dotted(facts.sm)}; "
        f"from CUDA {dotted(since)} on)",
        (*newer_release(facts), *elsewhere, set_gpu(facts, "h100-sxm")),
        source=compiler_source(since),
    )


def _ends_before(facts: Facts) -> Problem | None:
    newest = facts.release or _only_known(facts)
    if newest is None or not newest.max_sm or reaches(newest, facts.sm):
        return None
    return Problem(
        "SM_NOT_IN_BINARY",
        "gpu",
        f"{facts.runtime} {newest.version} ends at compute capability {dotted(newest.max_sm)}, "
        f"{facts.who} has {dotted(facts.sm)}",
        (*newer_release(facts), *VLLM_INSTEAD, set_gpu(facts, "h100-sxm")),
        source=newest.source,
    )


def _all_lack(facts: Facts) -> Problem | None:
    """Where no release is stated: every one that is known lists its machine code, and none has the GPU's."""
    # of vLLM and torch the catalog does not list every build
    unsaid = facts.runtime not in ("", "vllm", "torch") and not facts.version
    rows = runtime_releases(facts.runtime) if unsaid else ()
    listed = [row for row in rows if row.sass]
    if not listed or len(listed) < len(rows) or any(covers(row.sass, facts.sm) for row in listed):
        return None
    if is_translated(facts) or (facts.install == "source" and facts.runtime in OWN_ARCHITECTURES):
        return None
    return Problem(
        "SM_NOT_IN_BINARY",
        "gpu",
        f"no release of {facts.runtime} has machine code for {facts.card}",
        (*VLLM_INSTEAD, set_gpu(facts, "l4")),
        source=listed[-1].source,
    )


def _kernel_package(facts: Facts) -> Iterator[Problem]:
    """SGLang's kernels on the default index, where no other CUDA says that they may come from another one."""
    release = facts.release
    on_arm = facts.arch == "arm64"
    code = release.package_code(facts.arch) if release else ()
    if facts.install != "pip" or not code or (facts.sm < BLACKWELL and not on_arm) or facts.sm in code:
        return
    if on_arm and facts.sm < BLACKWELL and covers(code, facts.sm):
        return
    if facts.cuda_is_given and (facts.cuda >= (13, 0) or (facts.cuda >= (12, 8) and BLACKWELL not in code)):
        return
    yield Problem(
        "SM_NOT_IN_BINARY",
        "install",
        f"the kernels that pip brings with {facts.engine} have no machine code "
        f"for {facts.card}; they have {' '.join(map(dotted, code))}",
        (
            CONTAINER_IMAGE,
            set_release(facts, "0.5.11"),
            *newer_release(facts),
        ),
        source=release.source if release else "",
    )


def _since_cuda(facts: Facts) -> tuple[tuple[Version, Version], ...]:
    """What a compiler knows where the engine is compiled here, else what runs."""
    if facts.install == "source":
        return SM_SINCE_CUDA
    return CODE_SINCE_CUDA if facts.runtime else RUNS_SINCE_CUDA


def _sm_103(facts: Facts) -> Iterator[Problem]:
    if facts.sm != (10, 3) or not facts.cuda or facts.cuda >= (13, 0):
        return
    is_fp4 = "fp4" in facts.quantization
    # the same release has images on CUDA 13 beside its default one
    is_certain = facts.cuda_is_given or bool(facts.image) or facts.install == "pip"
    fixes = []
    if facts.runtime == "vllm" and facts.release is not None and "cu130" in facts.release.image_variants:
        fixes.append(set_release(facts, facts.release.version, "13.0"))
    if facts.runtime == "vllm":
        fixes.append(set_release(facts, "0.20.0"))
    if facts.runtime == "sglang":
        fixes.append(set_release(facts, "0.5.11"))
    yield Problem(
        "SM_NOT_IN_BINARY",
        "cuda",
        f"CUDA {dotted(facts.cuda)} builds have no FP4 kernels for {facts.gpu_name}"
        if is_fp4
        else f"{facts.gpu_name} wants a CUDA 13 build; this one is CUDA {dotted(facts.cuda)}",
        (*fixes, raise_cuda(facts, (13, 0))),
        Severity.ERROR if is_fp4 and is_certain else Severity.WARNING,
        source=facts.release.source if facts.release else "",
    )


def _is_own_build(facts: Facts) -> bool:
    """A build between releases (``0.8.5.dev169+gce17db8``), by others, by hand; its CUDA knows the GPU."""
    own = ".dev" in str(facts.given.runtime_version) or is_by_others(facts.image, facts.runtime)
    own = own or _is_by_hand(facts)
    return facts.is_for_older_gpus or (
        own and facts.cuda_is_given and facts.cuda >= compiled_since(SM_SINCE_CUDA, facts.sm)
    )


def _is_by_hand(facts: Facts) -> bool:
    """Whether it has a CUDA that no build of the release has."""
    release = facts.release
    if release is None or facts.install or facts.image or not facts.cuda_is_given:
        return False
    return facts.cuda not in (release.wheel_cuda[:2], release.image_cuda[:2])
