"""Code that the driver must translate: PTX of a newer CUDA, and kernels without machine code for the GPU."""

import re
from collections.abc import Iterator, Mapping

from gpuyard.catalog.software import Version, compat_rule, cuda_floor, native_driver, native_source
from gpuyard.catalog.software_kernels import kernel_code
from gpuyard.catalog.software_runtimes import newest_release
from gpuyard.compat.attention import has_sinks
from gpuyard.compat.blocks import WEIGHT_ONLY
from gpuyard.compat.build import is_own_image
from gpuyard.compat.compat_libraries import is_carried, is_framework, uses_forward_compat
from gpuyard.compat.facts import Facts
from gpuyard.compat.generations import BLACKWELL, CONSUMER_BLACKWELL, HOPPER
from gpuyard.compat.problem import Problem, raise_driver
from gpuyard.compat.quantization import scheme_of
from gpuyard.compat.run_time import names_jit_library
from gpuyard.compat.sourced import Sourced, join_sources
from gpuyard.compat.spelling import dotted, driver_text
from gpuyard.errors import Severity

VISION_BY_FA2: Sourced[Version] = Sourced(
    ((0, 10, 2, 0), (0, 12, 0, 0)), "vllm-project/vllm#25143, #27103, #27405, #28030"
)
"""vLLM in between takes FlashAttention 2 for them on Hopper too."""
FEW_BITS = frozenset({*WEIGHT_ONLY, "wna16", "int4"})
"""Schemes whose experts Marlin runs."""
BESIDE_TORCH: Sourced[Version] = Sourced(
    ((12, 8), (12, 9)), "vllm-project/vllm#38619; PTX in PyPI's wheels of 0.12.0 to 0.19.1 (read 2026-11-27)"
)
"""CUDA of the torch that pip brings and of vLLM's wheels beside it, of which none is for 12.8."""
MARLIN_SAYS = "vllm-project/vllm#38619, PR#46601"
"""Experts on Hopper failed with 0.17.1 and 0.18.0, dense GPTQ ran: that is Machete's there."""
AWQ_BY_MARLIN: Version = (0, 19, 0, 0)
"""First vLLM that takes Machete for dense AWQ on Hopper too (awq_marlin.py of 0.7.3 to 0.19.1)."""
_TINYGRAD = "compiler_cuda.py and ops_cuda.py of tinygrad's wheels, 0.9.2 to 0.11.0 (2026-11-27)"
PTX_ONLY: Mapping[str, Sourced[Version]] = {
    "mistral.rs": Sourced(((), ()), "EricLBuehler/mistral.rs#2272, #1858, #1571, #867"),
    "candle": Sourced(((), ()), "huggingface/candle#3358; EricLBuehler/mistral.rs#1858"),
    "exo": Sourced(((), ()), f"exo-explore/exo#318; {_TINYGRAD}"),
    "tinygrad": Sourced(((), ()), _TINYGRAD),
    "koboldcpp": Sourced(((1, 100), ()), "LostRuins/koboldcpp#1758 (2025-09-26)"),
    "numba-cuda": Sourced(((), (0, 20)), "NVIDIA/numba-cuda#120; its PR#413 and PR#357 (2025-08)"),
}
"""Engines whose kernels are PTX, which the driver compiles when they load: releases from, and before."""
GGML_CODE: Sourced[tuple[int, tuple[Version, ...]]] = Sourced(
    (
        (4720, ((5, 2), (6, 1), (7, 0), (7, 5))),
        (5300, ((5, 0), (6, 1), (7, 0), (7, 5), (8, 0))),
        (10**6, ((8, 6), (8, 9))),
    ),
    "ggml/src/ggml-cuda/CMakeLists.txt (2024-06 to 2026-08) and ggml-org/llama.cpp .devops/cuda.Dockerfile",
)
"""Machine code of llama.cpp's own images by the build before which it is so; for all else they bring PTX."""
_VISION = re.compile(r"[-_]vl\b|glm-4\.[15]v|deepseek-ocr|internvl|omni")
"""Models with a vision tower."""


def ptx_problems(facts: Facts) -> Iterator[Problem]:
    """A driver older than the build's CUDA: an error where a needed kernel is PTX alone."""
    if not facts.driver_high:
        return
    cuda = max(facts.cuda, _compiled_with(facts))
    native = native_driver(cuda)
    if not native or facts.driver_high >= native:
        return
    floor = cuda_floor(cuda)
    if facts.driver_high < floor or uses_forward_compat(facts) or is_carried(facts):
        return
    lacking, source = _lacking(facts)
    yield Problem(
        "PTX_JIT_DRIVER_TOO_OLD",
        "driver",
        f"driver {facts.driver_text} is older than CUDA {dotted(cuda)} of the build (native: "
        f"{driver_text(native)}); code compiled from PTX fails"
        + (f", and {lacking} no machine code for this GPU" if lacking else ""),
        (raise_driver(facts, native),),
        Severity.ERROR if lacking else Severity.WARNING,
        source=join_sources(native_source(cuda), source or compat_rule("R-PTX")["source"]),
    )


def _lacking(facts: Facts) -> tuple[str, str]:
    """What is needed and the driver has to compile, and who says so; empty: nothing known."""
    only = _is_ptx_alone(facts) or _ggml_translates(facts)
    # on data-centre GPUs a container may bring libraries of its CUDA for the driver
    if only is not None and (facts.install != "docker" or facts.datacenter is False):
        return "its kernels have", only.source
    if facts.runtime != "vllm" or not facts.sm:
        return "", ""
    flash = kernel_code("flash_attn_2", facts.version)
    if flash is not None and flash.is_compiled_for(facts.sm) and _takes_flash_2(facts):
        why = VISION_BY_FA2.source if _has_tower(facts) else compat_rule("R-PTX")["source"]
        return "FlashAttention 2 has", join_sources(flash.source, why)
    marlin = kernel_code("marlin", facts.version)
    if marlin is not None and marlin.is_compiled_for(facts.sm) and _takes_marlin(facts):
        return "Marlin has", join_sources(marlin.source, MARLIN_SAYS)
    return "", ""


def _takes_flash_2(facts: Facts) -> bool:
    """Whether vLLM runs FlashAttention 2: on Hopper for vision towers and where it is asked for."""
    # NVIDIA's own containers build it for every GPU (26.05 and 26.06 on a GB10: dgx-spark-playbooks PR#91)
    if is_framework(facts):
        return False
    if facts.sm < BLACKWELL:
        return _has_tower(facts) or facts.env.get("VLLM_FLASH_ATTN_VERSION") == "2"
    # it has no sinks: those models take FlashInfer's kernels (SemiAnalysisAI/InferenceX#393)
    own = facts.driver_high < native_driver(_compiled_with(facts))
    return own and not has_sinks(facts.model_name.lower())


def _has_tower(facts: Facts) -> bool:
    """Whether the release runs the model's vision tower with FlashAttention 2 on Hopper too."""
    since, before = VISION_BY_FA2
    meant = facts.sm < BLACKWELL and since <= facts.version < before
    return meant and _VISION.search(facts.model_name.lower()) is not None


def _takes_marlin(facts: Facts) -> bool:
    """Whether vLLM by pip runs Marlin on Hopper: experts in few bits, dense AWQ before `AWQ_BY_MARLIN`.

    Images bring libraries of their CUDA for the driver.
    """
    if facts.install != "pip" or facts.sm[:1] != HOPPER[:1] or not facts.version:
        return False
    kind = scheme_of(facts)
    if facts.is_mixture:
        return kind in FEW_BITS
    return kind in ("awq", "awq_marlin") and facts.version < AWQ_BY_MARLIN


def _is_ptx_alone(facts: Facts) -> Sourced[Version] | None:
    """Who says that the release has no machine code at all; None: it has some, or it is not known."""
    only = PTX_ONLY.get(facts.runtime or facts.runtime_text)
    if only is None:
        return None
    since, before = only
    late = not before or () < facts.version < before
    return only if since <= facts.version and late else None


def _ggml_translates(facts: Facts) -> Sourced[tuple[int, tuple[Version, ...]]] | None:
    """Who says that llama.cpp's image has PTX for the GPU, not code; None: it has, or it is not known."""
    if facts.runtime != "llama.cpp" or not is_own_image("llama.cpp", facts.image) or not facts.sm:
        return None
    build = facts.version[2] if facts.version[:2] == (0, 0) else 10**6 - 1
    code = next(code for before, code in GGML_CODE if build < before)
    native = facts.sm >= CONSUMER_BLACKWELL and facts.cuda >= (12, 8)
    return None if native or any(sm[0] == facts.sm[0] and sm <= facts.sm for sm in code) else GGML_CODE


def _compiled_with(facts: Facts) -> Version:
    """CUDA of the toolkit that compiled the engine's kernels.

    A wheel stays what it is, whatever torch is beside it; an unknown release may be one built by hand, whose
    FlashAttention FlashInfer stands in for (vllm-project/vllm#47397).
    """
    row = facts.release or newest_release(facts.runtime)
    if row is None or not row.wheel_cuda or facts.install != "pip":
        return facts.cuda
    if facts.release is None and not facts.host_cuda and not names_jit_library(facts):
        return facts.cuda
    wheel = row.wheel_cuda[:2]
    if facts.runtime == "vllm" and (facts.cuda, wheel) == BESIDE_TORCH:
        return wheel
    return min(facts.cuda, max(wheel, facts.host_cuda))
