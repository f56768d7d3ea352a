"""Compilers for the GPU: nvcc and ptxas of the build, of the host and of Triton."""

import re
from collections.abc import Iterator, Mapping
from functools import cache
from typing import Any

from gpuyard.catalog.software import Version, cuda_toolkits
from gpuyard.catalog.software_runtimes import RuntimeRelease, runtime_releases
from gpuyard.compat.build import base_image, is_by_others
from gpuyard.compat.facts import Facts
from gpuyard.compat.generations import ADA, AMPERE, BLACKWELL, HOPPER
from gpuyard.compat.problem import Fix, Problem, set_field, set_release, with_env
from gpuyard.compat.run_time import FLASHINFER_WANTS, flashinfer_wants, names_jit_library, needs_host_toolkit
from gpuyard.compat.sourced import Sourced, join_sources
from gpuyard.compat.spelling import dotted
from gpuyard.errors import Severity

SM_SINCE_CUDA: tuple[tuple[Version, Version], ...] = (
    ((12, 1), (12, 9)),
    ((12, 0), (12, 8)),
    ((11, 0), (13, 0)),
    ((10, 3), (12, 9)),
    ((10, 0), (12, 8)),
    ((9, 0), (11, 8)),
    ((8, 9), (11, 8)),
    ((8, 6), (11, 1)),
    ((8, 0), (11, 0)),
    ((7, 5), (10, 0)),
    ((7, 0), (9, 0)),
)
"""First toolkit that compiles for a GPU, newest GPU first."""
CODE_SINCE_CUDA = tuple(row for row in SM_SINCE_CUDA if row[0] not in ((8, 6), (8, 9)))
"""First toolkit with code that runs on a GPU: what it compiles for 8.0 runs on 8.6 and 8.9 too."""
RUNS_SINCE_CUDA = tuple(row for row in CODE_SINCE_CUDA if row[0] != (12, 1))
"""The same where nothing is known to compile at run time: what it compiles for 12.0 runs on 12.1."""
CARRIES_PTX: Mapping[str, Sourced[int]] = {
    "llama.cpp": Sourced((7, 5), "ggml/src/ggml-cuda/CMakeLists.txt (2024-06 to 2026-08)"),
    "whisper.cpp": Sourced((7, 5), "ggml/src/ggml-cuda/CMakeLists.txt (2024-06 to 2026-08)"),
    "stable-diffusion.cpp": Sourced((7, 5), "leejet/stable-diffusion.cpp .github/workflows/build.yml"),
    "koboldcpp": Sourced((7, 5), "LostRuins/koboldcpp CMakeLists.txt (2024-10)"),
    "ollama": Sourced((9, 0), "ollama/ollama PR#11635"),
    "docker-model-runner": Sourced((7, 5), "docker/model-runner#929"),
    "ktransformers": Sourced((9, 0), "kvcache-ai/ktransformers Dockerfile of v0.1.4 to v0.3.2"),
    "ctranslate2": Sourced((8, 6), "wheels of 3.24.0 to 4.8.1 (2026-11-27); OpenNMT/CTranslate2#1865"),
    "onnxruntime": Sourced((8, 0), "wheels of 1.18.0 and 1.23.2 (2026-11-27)"),
    "mistral.rs": Sourced((5, 0), "EricLBuehler/mistral.rs#850, #2272"),
    "candle": Sourced((5, 0), "huggingface/candle#3358"),
}
"""Engines whose builds bring PTX, and of which compute capability: any newer GPU's driver compiles it.

(An RTX 5090 with llama.cpp of CUDA 12.4: TheTom/llama-cpp-turboquant#112.)"""
OWN_ARCHITECTURES = ("llama-box", "ktransformers", "ctranslate2", "onnxruntime", "xformers")
"""Engines that compile for the machine's GPU, or what they are told, when they are built from source."""
WITHOUT_PTX = ("llama-cpp-python", "llama_cpp_python", "ik-llama", "ik_llama")
"""Their kin with machine code alone, or built for one's own GPU (abetlen/llama-cpp-python#2341)."""
EXACT = ("tensorrt",)
"""Engines that refuse a GPU newer than those they name, also within a generation."""
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
CU126_TORCH = ((0, 9, 0, 0), (0, 10, 1, 99))
"""vLLM releases whose torch on the default index is built for CUDA 12.6: nothing newer than Hopper."""
TORCH_ENDS_AT_HOPPER: Mapping[str, Sourced[Version]] = {
    "vllm": Sourced(CU126_TORCH, ""),
    "tensorrt-llm": Sourced(((0, 17, 0, 0), (0, 18, 99, 0)), "NVIDIA/TensorRT-LLM#3347 (torch 2.6)"),
}
"""Releases with code for Blackwell whose torch on the default index has none; its source where the catalog's
row of the release is another."""
COMPILED_AT_RUN_TIME: tuple[Version, ...] = ((12, 1), (11, 0), (10, 3))
"""GPUs that engines have no machine code of their own for: Triton compiles, with the ptxas of its CUDA."""
ORIN: Version = (8, 7)
TEGRA_ONLY: Sourced[Version] = Sourced(
    ((5, 3), (6, 2), (7, 2), ORIN), "CUDA programming guide, binary compatibility (general knowledge)"
)
"""Whose machine code no other GPU of the generation takes."""
BLACKWELL_IN_SOURCE: Version = (0, 8, 0, 0)
"""First vLLM that compiles for Blackwell where the toolkit does; its wheels had 12.0 later
(vllm-project/vllm#14452 and #16515: built from source, 0.8 and 0.9.0 ran on RTX 5090)."""
AMPERE_WHEELS = {"aphrodite": (0, 20, 0, 0)}
"""First releases whose wheels start with Ampere, while their images have Turing (wheels read 2026-11-27)."""
THOR: Version = (11, 0)
"""Of vLLM's builds those for CUDA 13 alone have it."""
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
        or (not facts.install and (same or facts.sm >= BLACKWELL))
    )
    devel = re.match(r"(docker\.io/)?nvidia/cuda:\S*-devel", facts.image)
    by_image = devel is not None and facts.host_cuda == base_image(facts.image) == facts.cuda
    by_image = by_image and facts.cuda < compiled_since(CODE_SINCE_CUDA, facts.sm)
    return by_hand or by_image or (facts.sm >= ADA and needs_host_toolkit(facts))


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


def covers(sass: tuple[Version, ...], sm: Version) -> bool:
    """Machine code runs on later minor versions of its own major one, Tegra's on Tegra's own alone."""
    return any(
        code == sm or (code[0] == sm[0] and code[1] < sm[1] and code not in TEGRA_ONLY) for code in sass
    )


def is_translated(facts: Facts) -> bool:
    """Whether the engine's builds bring PTX that the GPU's driver compiles."""
    since = CARRIES_PTX.get(facts.runtime)
    if since is None or facts.sm < since or facts.install == "source":
        return False
    return not any(name in facts.runtime_text for name in WITHOUT_PTX)


def code_of(facts: Facts) -> tuple[Version, ...]:
    """Compute capabilities that the release's build has code for; others of it may have older ones."""
    release = facts.release
    if release is None:
        return ()
    code = (facts.arch == "arm64" and release.sass_arm64) or release.sass
    since = AMPERE_WHEELS.get(facts.runtime)
    from_ampere = since is not None and facts.install == "pip" and facts.version >= since
    return tuple(sm for sm in code if not from_ampere or sm >= AMPERE)


def is_left_out(facts: Facts) -> bool:
    """Whether the release has no machine code for the GPU; Jetson Orin takes none but its own."""
    release = facts.release
    if release is None or not release.sass or is_translated(facts):
        return False
    if facts.install == "source" and facts.runtime == "vllm" and facts.sm >= BLACKWELL:
        return release.key < BLACKWELL_IN_SOURCE
    if facts.install == "source" and facts.runtime in OWN_ARCHITECTURES:
        return False
    code = code_of(facts)
    if facts.runtime == "vllm" and facts.sm == ORIN:
        return ORIN not in code
    if facts.runtime == "vllm" and facts.sm == THOR and facts.cuda < (13, 0):
        return True
    return not covers(code, facts.sm)


@cache
def with_code(runtime: str, sm: Version, *, by_wheel: bool) -> tuple[RuntimeRelease, ...]:
    """Releases with code for the GPU, as far as they say."""
    return tuple(row for row in runtime_releases(runtime) if _has_code(row, sm, by_wheel=by_wheel))


def newer_release(facts: Facts) -> tuple[Fix, ...]:
    """The oldest newer release that has code for the GPU, and the newest one."""
    by_wheel = facts.install == "pip"
    known = with_code(facts.runtime, facts.sm, by_wheel=by_wheel)
    fitting = [release for release in known if release.key > facts.version]
    by_pip = [row for row in fitting if row.wheel_cuda >= (12, 8) and row.key > CU126_TORCH[1]]
    chosen = [
        *(by_pip[:1] if by_wheel and facts.sm >= BLACKWELL else ()),
        *fitting[:1],
        *[row for row in fitting if row.wheel_cuda >= (13, 0)][:1],
        *fitting[-1:],
    ]
    return tuple(set_release(facts, release.version) for release in dict.fromkeys(chosen))


def _has_code(release: RuntimeRelease, sm: Version, *, by_wheel: bool) -> bool:
    """By its machine code, by the span that its project names, or by the CUDA that compiled it."""
    if release.sass:
        return covers((*release.sass, *release.sass_arm64), sm)
    if release.max_sm:
        return release.min_sm <= sm and reaches(release, sm)
    cuda = release.wheel_cuda if by_wheel else release.image_cuda
    if not cuda:
        return bool(release.min_sm) and release.min_sm <= sm < BLACKWELL
    return release.min_sm <= sm and cuda >= compiled_since(SM_SINCE_CUDA, sm)


def reaches(release: RuntimeRelease, sm: Version) -> bool:
    """Whether the newest GPU that the release names is as new."""
    return sm <= release.max_sm if release.runtime in EXACT else sm[0] <= release.max_sm[0]


def raise_cuda(facts: Facts, cuda: Version) -> Fix:
    """A build for that CUDA."""
    changes: dict[str, Any] = {"cuda": dotted(cuda)}
    if facts.image:
        changes["image"] = None  # which tag that is, only its publisher knows
    return Fix(f"use a build for CUDA {dotted(cuda)}", changes)


def compiler_source(cuda: Version) -> str:
    """Who says which GPUs the toolkit of that CUDA compiles for; empty: the catalog lacks it."""
    row = cuda_toolkits().get(dotted(cuda[:2]))
    return row.source if row else ""


def compiled_since(table: tuple[tuple[Version, Version], ...], sm: Version) -> Version:
    """First CUDA of the table that knows the GPU; empty: all do."""
    return next((cuda for since, cuda in table if sm >= since), ())
