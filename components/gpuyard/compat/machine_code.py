"""Machine code of an engine's builds: which GPUs it runs on, and the releases that have it."""

from collections.abc import Mapping
from functools import cache
from typing import Any

from gpuyard.catalog.software import Version, cuda_toolkits
from gpuyard.catalog.software_runtimes import RuntimeRelease, runtime_releases
from gpuyard.compat.facts import Facts
from gpuyard.compat.generations import AMPERE, BLACKWELL
from gpuyard.compat.problem import Fix, set_release
from gpuyard.compat.sourced import Sourced
from gpuyard.compat.spelling import dotted

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
CU126_TORCH = ((0, 9, 0, 0), (0, 10, 1, 99))
"""vLLM releases whose torch on the default index is built for CUDA 12.6: nothing newer than Hopper."""
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
