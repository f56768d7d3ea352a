"""Compilers for the GPU: nvcc and ptxas of the build, of the host and of Triton."""

import re
from collections.abc import Iterator, Mapping

from gpuyard.catalog.software import Version
from gpuyard.compat.architectures import by_torch, read_lists
from gpuyard.compat.build import base_image, is_by_others
from gpuyard.compat.facts import Facts
from gpuyard.compat.generations import ADA, BLACKWELL, HOPPER
from gpuyard.compat.machine_code import (
    CODE_SINCE_CUDA,
    SM_SINCE_CUDA,
    compiled_since,
    compiler_source,
    covers,
    is_translated,
    newer_release,
    raise_cuda,
)
from gpuyard.compat.problem import Fix, Problem, set_field, with_env
from gpuyard.compat.run_time import FLASHINFER_WANTS, flashinfer_wants, names_jit_library, needs_host_toolkit
from gpuyard.compat.sourced import Sourced, join_sources
from gpuyard.compat.spelling import dotted
from gpuyard.errors import Severity

JIT_SINCE_CUDA: tuple[tuple[Version, Version], ...] = (
    ((12, 1), (12, 9)),
    ((12, 0), (12, 8)),
    ((11, 0), (13, 0)),
    ((10, 3), (12, 9)),
    ((10, 0), (12, 8)),
    ((9, 0), (12, 3)),
)
"""First toolkit that FlashInfer's and DeepGEMM's run-time kernels want, in any release."""
PACKAGES_SINCE_CUDA: Mapping[str, tuple[tuple[Version, Version], ...]] = {
    "sageattention": (((12, 0), (12, 8)), ((9, 0), (12, 3)), ((8, 9), (12, 4)), ((8, 0), (12, 0))),
    "flashmla": (((10, 0), (12, 9)), ((9, 0), (12, 3))),
}
"""First toolkit that compiles a package for a GPU; they come without wheels."""
PACKAGES_SAY: Mapping[str, str] = {
    "sageattention": "thu-ml/SageAttention setup.py (2026-01-17)",
    "flashmla": "deepseek-ai/FlashMLA setup.py and README (read 2026-11-27)",
}
SGLANG_DEEP_GEMM = (0, 4, 6, 0)
"""First SGLang that uses DeepGEMM unasked; 0.2.5 and 0.4.1 served FP8 beside CUDA 12.1 (sglang issues 810
and 2746)."""
COMPILED_AT_RUN_TIME: tuple[Version, ...] = ((12, 1), (11, 0), (10, 3))
"""GPUs that engines have no machine code of their own for: Triton compiles, with the ptxas of its CUDA."""
FIRST_WHEEL: Sourced[int] = Sourced((0, 2, 0, 0), "vllm-project/vllm#803; files of vllm 0.1.x on PyPI")
"""vLLM before has no wheel: pip compiles it."""
TRITON_ITSELF = re.compile(r"triton[\W_]*(lang|compiler)|openai[ /-]triton")
"""The compiler, not the server of the same name."""
TRITON_OWN: tuple[tuple[Version, int], ...] = (((3, 6), 0), ((3, 7), 1))
"""The compiler's release before which each line of `TRITON_PTXAS` holds."""
TRITON_WITHOUT_BLACKWELL: Sourced[int] = Sourced(
    (3, 3), "ptxas in Triton's wheels, 2.0.0 to 3.6.0 (2026-11-27)"
)
"""First Triton with a ptxas for Blackwell; that of those before is of CUDA 12.4 at most."""
_TRITON_NAME = re.compile(r"(pytorch-)?triton")
TRITON_ENGINES = ("vllm", "sglang")
"""Engines that compile with Triton on every GPU."""
TRITON_SAYS = "vllm-project/vllm#16336"
TRITON_PTXAS: tuple[tuple[Version, Version, str], ...] = (
    ((2, 10), (12, 8), "TRITON_PTXAS_PATH"),
    ((2, 12), (12, 9), "TRITON_PTXAS_BLACKWELL_PATH"),
)
"""Torch before which Triton assembles with a ptxas of its own, the CUDA of that and the variable that names
another (the wheels of Triton 3.5 to 3.7)."""
PTXAS_SAYS = "vllm-project/vllm#32704; triton-lang/triton#10331, #8539"


def toolchain_problems(facts: Facts) -> Iterator[Problem]:
    """Every rule on what is compiled at run time."""
    host = facts.host_cuda
    # without a toolkit of the host it does not compile (0.17.1 on CUDA 12.8, vllm-project/vllm#37242)
    jit = names_jit_library(facts)
    wanted = flashinfer_wants(facts) if host or jit else ()
    # SGLang runs block-quantised FP8 through DeepGEMM on Hopper and data-centre Blackwell
    deep_gemm = facts.runtime == "sglang" and not () < facts.version < SGLANG_DEEP_GEMM
    deep_gemm = deep_gemm and facts.sm[0] in (HOPPER[0], BLACKWELL[0])
    jit = jit or (bool(host) and deep_gemm and facts.quantization == "fp8")
    package = PACKAGES_SINCE_CUDA.get(facts.runtime, ())
    known = compiled_since(package or (JIT_SINCE_CUDA if jit else SM_SINCE_CUDA), facts.sm)
    needed = max(wanted, known)
    path, toolkit = ("host_toolkit", host) if host else ("cuda", facts.cuda)
    yield from _triton(facts, host)
    if not toolkit or not needed or toolkit >= needed:
        return
    by_triton = facts.runtime in TRITON_ENGINES and facts.sm >= BLACKWELL
    by_triton = by_triton or TRITON_ITSELF.search(facts.runtime_text) is not None
    engine = bool(facts.runtime) and not _has_code_of_its_own(facts) and not is_translated(facts)
    without_code = engine and facts.sm in COMPILED_AT_RUN_TIME
    if not (host or jit or package or by_triton or facts.install == "source" or without_code):
        return
    is_sure = not host or bool(package) or _compiles_there(facts)
    # the compiler knows the GPU, and FlashInfer of this release wants more
    is_sure = is_sure or (toolkit >= known and needs_host_toolkit(facts))
    fix = (
        set_field(path, dotted(needed), f"use CUDA {dotted(needed)} or newer")
        if host
        else raise_cuda(facts, needed)
    )
    yield Problem(
        "TOOLCHAIN_TOO_OLD_FOR_SM",
        path,
        f"kernels are compiled {'here' if facts.install == 'source' else 'at run time'}, "
        f"and CUDA {dotted(toolkit)} does not do it for {facts.who} "
        f"(compute capability {dotted(facts.sm)}): it takes {dotted(needed)}",
        (fix, *newer_release(facts)),
        Severity.ERROR if is_sure else Severity.WARNING,
        source=PACKAGES_SAY[facts.runtime]
        if package
        else FLASHINFER_WANTS.source
        if jit or wanted == needed
        else join_sources(TRITON_SAYS if by_triton and not host else "", compiler_source(needed)),
    )


def _has_code_of_its_own(facts: Facts) -> bool:
    """Whether an engine that does without Triton brings machine code for the GPU, as TurboMind does."""
    release = facts.release
    return facts.runtime not in TRITON_ENGINES and release is not None and covers(release.sass, facts.sm)


def _compiles_there(facts: Facts) -> bool:
    """Builds of one's own ask the host's toolkit for what newer GPUs need; wheels and images do not."""
    same = facts.cuda_is_given and not facts.runtime and facts.host_cuda == facts.cuda
    by_hand = (
        facts.install == "source"
        or _has_no_wheel(facts)
        or (not facts.install and (same or facts.sm >= BLACKWELL or _is_told_architectures(facts)))
    )
    devel = re.match(r"(docker\.io/)?nvidia/cuda:\S*-devel", facts.image)
    by_image = devel is not None and facts.host_cuda == base_image(facts.image) == facts.cuda
    by_image = by_image and facts.cuda < compiled_since(CODE_SINCE_CUDA, facts.sm)
    return by_hand or by_image or (facts.sm >= ADA and needs_host_toolkit(facts))


def _is_told_architectures(facts: Facts) -> bool:
    """Whether a build is told to compile for this GPU: by CMake's list, as wheels read torch's too."""
    listed = [found for name, found in read_lists(facts.given.env) if not by_torch(name)]
    return any(item.sm == facts.sm for found in listed for item in found)


def _has_no_wheel(facts: Facts) -> bool:
    """Whether pip has to compile the release."""
    return facts.runtime == "vllm" and facts.install == "pip" and () < facts.version < FIRST_WHEEL


def _triton(facts: Facts, host: Version) -> Iterator[Problem]:
    """Kernels that Triton assembles for GPUs which its own ptxas does not know."""
    if _is_compiler(facts):
        yield from _assembled(facts, host)
        return
    torch = facts.release.torch if facts.release else ()
    needed = compiled_since(SM_SINCE_CUDA, facts.sm)
    own, switch = next(((cuda, name) for before, cuda, name in TRITON_PTXAS if torch < before), (needed, ""))
    by_host = host >= needed or switch in facts.env
    if facts.sm not in COMPILED_AT_RUN_TIME or not torch or own >= needed or by_host:
        return
    if not facts.cuda or facts.cuda < needed or host:
        return  # told below, by the toolkit
    # images for CUDA 13 may point Triton at their own toolkit; SGLang's do, those on CUDA 12 did not
    # (sgl-project/sglang#14075, #13900; the tag of a release may be on either)
    either = facts.runtime == "sglang" and not facts.cuda_is_given
    unsure = facts.install != "pip" and (facts.cuda >= (13, 0) or either)
    unsure = unsure or not (facts.install or facts.cuda_is_given)  # the same release has images on CUDA 13
    # without torch.compile torch needs no Triton; others' images bring a torch or a ptxas of their own
    by_others = is_by_others(facts.image, facts.runtime)
    unsure = unsure or facts.runtime == "torch" or (by_others and not _is_cuda_12(facts))
    yield _own_ptxas(facts, f"Triton of torch {dotted(torch)}", own, switch, unsure=unsure)


def _is_cuda_12(facts: Facts) -> bool:
    """Whether the image is told to be for CUDA 12, whose torch has that ptxas (THUDM/slime PR#1835)."""
    return facts.cuda_is_given and facts.cuda < (13, 0)


def _is_compiler(facts: Facts) -> bool:
    """Whether the runtime is Triton the compiler, by its major version; the server's are 1, 2 and years."""
    named = TRITON_ITSELF.search(facts.runtime_text) or _TRITON_NAME.fullmatch(facts.runtime_text)
    return named is not None and facts.version[:1] == (3,)


def _assembled(facts: Facts, host: Version) -> Iterator[Problem]:
    """The compiler on its own: its ptxas unless a variable names another."""
    needed = compiled_since(SM_SINCE_CUDA, facts.sm)
    line = next((line for before, line in TRITON_OWN if facts.version[:2] < before), None)
    if line is None:
        return
    _, own, switch = TRITON_PTXAS[line]
    if facts.version[:2] < TRITON_WITHOUT_BLACKWELL:
        own = (12, 4)
    if own < needed and switch not in facts.env and not host:
        yield _own_ptxas(facts, f"Triton {dotted(facts.version[:3])}", own, switch, unsure=False)


def _own_ptxas(facts: Facts, what: str, own: Version, switch: str, *, unsure: bool) -> Problem:
    return Problem(
        "TOOLCHAIN_TOO_OLD_FOR_SM",
        "runtime_version",
        f"{what} assembles with its own ptxas of CUDA {dotted(own)}, which does not know {facts.card}",
        (
            Fix(
                f"set {switch} to the ptxas of a newer toolkit",
                with_env(facts, switch, "/usr/local/cuda/bin/ptxas"),
            ),
            *newer_release(facts),
        ),
        Severity.WARNING if unsure else Severity.ERROR,
        source=PTXAS_SAYS,
    )
