"""Code that the driver must translate: PTX of a newer CUDA, and kernels without machine code for the GPU."""

import re
from collections.abc import Iterator, Mapping

from gpuyard.catalog.software import (
    Version,
    compat_rule,
    cuda_floor,
    native_driver,
    native_source,
)
from gpuyard.catalog.software_runtimes import newest_release
from gpuyard.compat.attention import has_sinks
from gpuyard.compat.blocks import WEIGHT_ONLY
from gpuyard.compat.build import is_own_image
from gpuyard.compat.compat_libraries import (
    is_carried,
    is_framework,
    uses_forward_compat,
)
from gpuyard.compat.facts import Facts
from gpuyard.compat.generations import (
    BLACKWELL,
    CONSUMER_BLACKWELL,
    HOPPER,
)
from gpuyard.compat.problem import (
    Problem,
    raise_driver,
)
from gpuyard.compat.quantization import scheme_of
from gpuyard.compat.run_time import names_jit_library
from gpuyard.compat.sourced import Sourced, join_sources
from gpuyard.compat.spelling import dotted, driver_text
from gpuyard.errors import Severity

VISION_BY_FA2: Sourced[Version] = Sourced(
    ((0, 10, 2, 0), (0, 12, 0, 0)), "vllm-project/vllm#25143, #27103, #27405, #28030"
)
"""vLLM in between, seen on Hopper."""
EXPERTS_BY_MARLIN: Sourced[Version] = Sourced(
    ((0, 17, 0, 0), (0, 25, 0, 0)), "vllm-project/vllm#38619, PR#38669, PR#46601"
)
"""vLLM in between: 0.17.1 and 0.18.0 failed on H200, dense layers ran; the mend was not in on 2026-06-24."""
FEW_BITS = frozenset({*WEIGHT_ONLY, "wna16", "int4"})
"""Schemes whose experts Marlin runs."""
PTX_ONLY: Mapping[str, Sourced[Version]] = {
    "mistral.rs": Sourced(((), ()), "EricLBuehler/mistral.rs#2272, #1858, #1571, #867"),
    "candle": Sourced(((), ()), "huggingface/candle#3358; EricLBuehler/mistral.rs#1858"),
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
    native = native_driver(facts.cuda)
    if not native or not facts.driver_high or facts.driver_high >= native:
        return
    floor = cuda_floor(facts.cuda)
    if facts.driver_high < floor or uses_forward_compat(facts) or is_carried(facts):
        return
    must_translate = facts.runtime == "vllm" and facts.sm >= BLACKWELL
    must_translate = must_translate and (facts.version >= (0, 9, 2, 0) or not facts.version)
    must_translate = must_translate and facts.driver_high < native_driver(_compiled_with(facts))
    # FlashAttention 2 has no sinks: those models take FlashInfer's kernels (SemiAnalysisAI/InferenceX#393)
    must_translate = must_translate and not has_sinks(facts.model_name.lower())
    tower, experts = _translates_its_tower(facts), _translates_its_experts(facts)
    must_translate = must_translate or tower
    # NVIDIA's own containers build it for every GPU (26.05 and 26.06 on a GB10: dgx-spark-playbooks PR#91)
    must_translate = must_translate and not is_framework(facts)
    lacking = "Marlin's kernels for experts have" if experts else ""
    lacking = "FlashAttention 2 has" if must_translate else lacking
    only = _is_ptx_alone(facts) or _ggml_translates(facts)
    # on data-centre GPUs a container may bring libraries of its CUDA for the driver
    alone = only is not None and (facts.install != "docker" or facts.datacenter is False)
    lacking = "its kernels have" if alone else lacking
    yield Problem(
        "PTX_JIT_DRIVER_TOO_OLD",
        "driver",
        f"driver {facts.driver_text} is older than CUDA {dotted(facts.cuda)} of the build (native: "
        f"{driver_text(native)}); code compiled from PTX fails"
        + (f", and {lacking} no machine code for this GPU" if lacking else ""),
        (raise_driver(facts, native),),
        Severity.ERROR if lacking else Severity.WARNING,
        source=join_sources(
            native_source(facts.cuda),
            VISION_BY_FA2.source if tower and must_translate else "",
            EXPERTS_BY_MARLIN.source if experts and not must_translate else "",
            only.source if only is not None and alone else "",
            "" if lacking and (tower or experts) else compat_rule("R-PTX")["source"],
        ),
    )


def _is_ptx_alone(facts: Facts) -> Sourced[Version] | None:
    """Who says that the release has no machine code at all; None: it has some, or it is not known."""
    only = PTX_ONLY.get(facts.runtime)
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
    return min(facts.cuda, max(row.wheel_cuda[:2], facts.host_cuda))


def _translates_its_tower(facts: Facts) -> bool:
    """Whether vLLM runs a vision tower with FlashAttention 2, whose machine code ends with Ampere and Ada."""
    since, before = VISION_BY_FA2
    is_meant = facts.runtime == "vllm" and facts.sm[:1] == HOPPER[:1] and since <= facts.version < before
    return is_meant and bool(_VISION.search(facts.model_name.lower()))


def _translates_its_experts(facts: Facts) -> bool:
    """Whether vLLM by pip runs experts in few bits with Marlin, whose machine code ends with Ampere and Ada.

    Images bring libraries of their CUDA for the driver.
    """
    since, before = EXPERTS_BY_MARLIN
    is_meant = facts.runtime == "vllm" and facts.install == "pip" and since <= facts.version < before
    return is_meant and facts.sm[:1] == HOPPER[:1] and facts.is_mixture and scheme_of(facts) in FEW_BITS
