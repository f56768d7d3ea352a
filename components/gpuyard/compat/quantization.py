"""Quantization against GPU: which release has kernels for which scheme on which generation."""

import re
from collections.abc import Iterator, Mapping
from dataclasses import replace

from gpuyard.catalog.software import Version
from gpuyard.catalog.software_kernels import kernel_code
from gpuyard.catalog.software_runtimes import RuntimeRelease, is_recent, runtime_releases
from gpuyard.catalog.software_support import QuantizationSpan, quantization_support
from gpuyard.compat.attention import FIRST_SINKS, is_first_gpt_oss, may_be_later_gpt_oss
from gpuyard.compat.build import is_own_image
from gpuyard.compat.checkpoint import FP4, has_fp8_blocks
from gpuyard.compat.dtypes import no_fp8
from gpuyard.compat.facts import Facts
from gpuyard.compat.fp8_cache import fp8_cache_problems
from gpuyard.compat.generations import ADA, BLACKWELL, CONSUMER_BLACKWELL, HOPPER, VOLTA
from gpuyard.compat.problem import (
    Fix,
    Problem,
    set_field,
    set_gpu,
    set_gpus,
    set_release,
    with_env,
    without_flags,
)
from gpuyard.compat.quantization_methods import method_problems
from gpuyard.compat.sourced import Sourced, join_sources
from gpuyard.compat.spelling import dotted
from gpuyard.errors import Severity

COMPRESSED = (
    ("w4a16", "w4a16"),
    ("w4a8", "w4a8"),
    ("nvfp4", "nvfp4"),
    ("fp8", "fp8"),
    ("w8a16", "w8a16"),
    ("wna16", "wna16"),
    ("awq", "w4a16"),
    ("gptq", "w4a16"),
    ("int4", "w4a16"),
    ("w8a8", "w8a8"),
    ("int8", "w8a8"),
)
"""Schemes of compressed-tensors checkpoints by what their names carry."""
WORDS = {
    "fp8_block": "FP8 with scales per block",
    "fp8_block_ct": "FP8 with scales per block (compressed-tensors)",
    "fp8_ct": "FP8 (compressed-tensors)",
    "nvfp4_ct": "NVFP4 (compressed-tensors)",
    "wna16": "compressed-tensors (WNA16)",
    "quark_fp8": "FP8 (Quark)",
    "sparse_w8a8": "2:4 sparsity in 8 bit (compressed-tensors)",
}
"""Schemes of the support table for people."""
BLOCKS_DIFFER = ("vllm", "sglang", "tensorrt-llm")
"""Engines whose kernels for FP8 in blocks are others than for one scale per tensor."""
FP8_EXPERTS: tuple[tuple[str, Version, Version, str], ...] = (
    ("vllm", (0, 6, 0), HOPPER, "vllm-project/vllm#6875"),
    ("vllm", (0, 9, 0), ADA, "vllm-project/vllm#6875"),
    ("sglang", (1000,), ADA, "sgl-project/sglang#12887 and PR#30681"),
    ("tensorrt-llm", (1000,), HOPPER, "TensorRT-LLM support matrix (2026-11-23)"),
)
"""Engine, release before which, oldest GPU of FP8 experts, and who says so (SGLang has no Marlin for them up
to 0.5.23; TensorRT-LLM's matrix has none on Ada)."""
_NEWEST: Mapping[str, Version] = {"sglang": (0, 5, 23)}
"""The newest release that was read for this, which one that is not stated counts as."""
SGLANG_FP4_EXPERTS_ON_SM12 = Sourced((0, 5, 5, 0), "sgl-kernel 0.3.16.post5")
"""First SGLang with the grouped kernel of FP4 experts for compute capability 12."""
OTHER_KERNELS: dict[tuple[str, str], tuple[Version, str, str]] = {
    ("vllm", "fp8_block"): ((0, 24, 0, 0), "VLLM_USE_DEEP_GEMM", "0"),
    ("vllm", "fp8_block_ct"): ((0, 24, 0, 0), "VLLM_USE_DEEP_GEMM", "0"),
    ("sglang", "fp8_block"): ((0, 4, 7), "SGL_ENABLE_JIT_DEEPGEMM", "0"),
    ("sglang", "fp8"): ((0, 4, 7), "USE_TRITON_W8A8_FP8_KERNEL", "1"),
}
"""Releases from which a variable takes Triton's kernels in place of those that compute capability 12 lacks
(vllm-project/vllm#47436, sgl-project/sglang#7482; SGLang 0.4.7 to 0.5.3)."""
FP4_MOE_REGRESSION = Sourced((0, 15, 0, 0), "vllm-project/vllm#33417")
"""vLLM that did not choose the grouped kernel of FP4 experts for compute capability 12, which it has."""
FP4_MOE_PLAIN = Sourced((0, 16, 0, 0), "vllm-project/vllm#35065 (2026-02-22); 0.27.0 has them (its #52308)")
_PLAIN_EXPERTS = re.compile(r"nemotron-?(?:3|h)|nemotron_h")
"""vLLM that chose no kernels for experts without a gate there, and models that have them."""
FP4_IMAGE_IN_DOUBT = Sourced((0, 10, 0, 0), "vllm-project/vllm#23826, a comment of 2025-08-28")
"""vLLM whose image is said to serve FP4 experts on RTX 5090 all the same; whoever asked there was not helped
by it."""
DEEPEP_FP4 = Sourced((0, 5, 15, 1), "sgl-project/sglang#35557 (H100; H20 with 0.5.12)")
"""Last SGLang that was seen to run FP4 experts behind DeepEP with DeepGEMM only, whose kernels for them are
for data-centre Blackwell."""
CUTLASS_EXPERTS_SAY = "vllm-project/vllm#18421, PR#19648"
_SPARSE = re.compile(r"2of4.*(?:fp8|w8a8|int8)")
"""Checkpoints with two of four weights left, in 8 bit."""
_PACKED_FP8 = re.compile(r"^(?:neuralmagic|redhatai)/.*llama-3\.[1-9].*fp8(?!-kv)|llama-4-.*fp8|fp8-dynamic")
"""Checkpoints in compressed-tensors, as Meta publishes Llama 4 and Neural Magic its own since Llama 3.1;
those before are in the plain format (`--quantization fp8` took its Mixtral: sgl-project/sglang PR#1290)."""
_FP4_BY_NAME = re.compile(r"deepseek-v4(?!.*(?:base|fp8|bf16|int))")
"""Models whose experts are in MXFP4 though the rest is FP8."""


def quantization_problems(facts: Facts) -> Iterator[Problem]:
    """Every rule on weights and cache in fewer bits."""
    yield from method_problems(facts)
    if facts.sm:
        yield from _weights(facts)
        yield from _experts_behind_deepep(facts)
        yield from _experts_by_cutlass(facts)
        yield from fp8_cache_problems(facts)


def _weights(facts: Facts) -> Iterator[Problem]:
    kind = scheme_of(facts)
    span = _span(facts, kind, facts.version)
    path = "quantization" if facts.given.quantization else "model"
    since, switch, value = OTHER_KERNELS.get((facts.runtime, kind), ((), "", ""))
    if facts.version < since:
        switch = ""
    if span.sm_min and facts.sm < span.sm_min:
        cards = ("l4", "l40s", "a100-80gb-sxm", "h100-sxm", "b200") if span.sm_min < BLACKWELL else ("b200",)
        fixes = (*_other_releases(facts, kind), *set_gpus(facts, *cards))
        lenient = (facts.is_for_older_gpus and facts.sm >= VOLTA) or not facts.names_engine
        yield Problem(
            "QUANT_MIN_SM",
            path,
            f"{WORDS.get(kind, kind)} needs compute capability {dotted(span.sm_min)}, "
            f"{facts.who} has {dotted(facts.sm)}",
            fixes,
            Severity.WARNING if lenient else Severity.ERROR,
            source=span.source,
        )
        if kind.startswith("fp8") and span.sm_min >= ADA > facts.sm and facts.names_engine:
            yield no_fp8(facts, path, fixes, span.source)
    elif span.leaves_out(facts.sm) and not (switch and facts.env.get(switch) == value):
        yield Problem(
            "QUANT_MIN_SM",
            path,
            f"{facts.engine} has no kernels for {WORDS.get(kind, kind)} on {facts.card}",
            (
                *([Fix(f"set {switch}={value}", with_env(facts, switch, value))] if switch else []),
                *_other_releases(facts, kind),
                set_gpu(facts, "h100-sxm"),
                set_gpu(facts, "b200"),
            ),
            source=span.source,
        )
    elif facts.runtime == "vllm" and kind in FP4 and facts.sm >= CONSUMER_BLACKWELL:
        yield from _fp4_on_consumer_cards(facts, path)
    elif facts.runtime == "vllm" and kind in FP4 and facts.sm < BLACKWELL:
        yield Problem(
            "QUANT_MIN_SM",
            "quantization",
            f"{kind} runs weight-only below Blackwell",
            (set_gpu(facts, "b200"),),
            Severity.WARNING,
            source=span.source,
        )
    elif lacking := _lacked_lately(facts, kind):
        yield Problem(
            "QUANT_MIN_SM",
            path,
            f"{WORDS.get(kind, kind)} runs on {facts.card} in {facts.runtime} after {lacking.version} only, "
            "and no release is stated",
            (),
            Severity.WARNING,
            source=_span(facts, kind, lacking.key).source,
        )


def _lacked_lately(facts: Facts, kind: str) -> RuntimeRelease | None:
    """The last release without kernels for the GPU if it is not a year old, where none is stated."""
    if facts.version or facts.sm >= ADA or not kind:
        return None
    lacking = [row for row in runtime_releases(facts.runtime) if not _has_kernels(facts, kind, row)]
    return lacking[-1] if lacking and is_recent(lacking[-1]) else None


def _experts_behind_deepep(facts: Facts) -> Iterator[Problem]:
    """FP4 experts that tokens are sent to by DeepEP."""
    asked = "deepep" in facts.flag_values("--moe-a2a-backend") or "--enable-deepep-moe" in dict(facts.flags)
    named = _FP4_BY_NAME.search(facts.model_name.lower()) is not None
    fp4 = named or facts.quantization == "mxfp4"
    if facts.runtime != "sglang" or not asked or not fp4 or facts.sm[0] == BLACKWELL[0]:
        return
    yield Problem(
        "QUANT_MIN_SM",
        "env",
        f"behind DeepEP, FP4 experts have kernels for data-centre Blackwell only, not for {facts.card}",
        (
            Fix(
                "leave out --moe-a2a-backend",
                without_flags(facts, "--moe-a2a-backend", "--enable-deepep-moe"),
            ),
            set_gpu(facts, "b200"),
        ),
        Severity.ERROR if named and () < facts.version <= DEEPEP_FP4 else Severity.WARNING,
        source=DEEPEP_FP4.source,
    )


def _experts_by_cutlass(facts: Facts) -> Iterator[Problem]:
    """FP8 experts of compressed-tensors checkpoints, which vLLM gives to CUTLASS on Hopper alone."""
    meant = facts.runtime == "vllm" and facts.is_mixture and facts.sm[:1] == HOPPER[:1]
    code = kernel_code("fp8_experts", facts.version) if meant and facts.version else None
    if code is None or code.runs_on(facts.sm) or facts.install == "source":
        return
    scheme = scheme_of(facts)
    if scheme != "fp8_ct" and (scheme, facts.quantization) != ("fp8", "compressed-tensors"):
        return
    yield Problem(
        "SM_NOT_IN_BINARY",
        "runtime_version",
        f"the FP8 kernels for experts of vLLM {dotted(facts.version[:3])} are built for B200, "
        f"not for {facts.card}",
        (set_release(facts, "0.9.2"), set_release(facts, "0.8.5")),
        source=join_sources(CUTLASS_EXPERTS_SAY, code.source),
    )


def scheme_of(facts: Facts) -> str:
    """The scheme as the support table names it."""
    kind = facts.quantization
    name = facts.model_name.lower()
    if "mxfp8" in name and kind == "fp8":
        return "mxfp8"
    if (
        "nvfp4" in name
        and facts.runtime == "sglang"
        and (kind == "compressed-tensors" or "redhatai/" in name)
    ):
        return "nvfp4_ct"
    if "fp8-block" in name and facts.runtime == "vllm" and kind in ("fp8", "compressed-tensors"):
        return "fp8_block_ct"
    if kind == "quark" and "fp8" in name and "fp4" not in name:
        return "quark_fp8"
    if kind in ("compressed-tensors", "fp8", "w8a8") and facts.runtime == "vllm" and _SPARSE.search(name):
        return "sparse_w8a8"
    if kind in ("fp8", "compressed-tensors") and facts.runtime == "vllm" and _PACKED_FP8.search(name):
        return "fp8_ct"
    if kind == "compressed-tensors":
        # the format of many schemes; where nothing tells them apart, 4-bit weights are the usual one
        return next((scheme for word, scheme in COMPRESSED if word in name), "wna16")
    if kind == "fp8" and has_fp8_blocks(name) and facts.runtime in BLOCKS_DIFFER:
        return "fp8_block"
    return kind


def _span(facts: Facts, kind: str, version: Version) -> QuantizationSpan:
    """GPUs that the release has kernels for; experts had theirs later than dense layers."""
    span = quantization_support(facts.runtime or "vllm", kind, version)
    if kind == "mxfp4" and is_first_gpt_oss(facts) and not may_be_later_gpt_oss(facts):
        # the first build for gpt-oss had Hopper and Blackwell only
        return replace(span, sm_min=HOPPER, source=FIRST_SINKS)
    late = kind in (*FP4, "nvfp4_ct", "fp4") and () < version < SGLANG_FP4_EXPERTS_ON_SM12
    if (kind == "mxfp8" or late) and facts.runtime == "sglang" and facts.is_mixture:
        # CUTLASS's are for 10.0 only
        source = join_sources(SGLANG_FP4_EXPERTS_ON_SM12.source if late else "", span.source)
        return replace(span, not_on=(*span.not_on, CONSUMER_BLACKWELL[:1]), source=source)
    known = version or _NEWEST.get(facts.runtime)
    if not kind.startswith("fp8") or not facts.is_mixture or not known:
        return span
    for runtime, before, floor, source in FP8_EXPERTS:
        if runtime == facts.runtime and known < before:
            return replace(span, sm_min=floor, source=source) if floor > span.sm_min else span
    return span


def _has_kernels(facts: Facts, kind: str, release: RuntimeRelease) -> bool:
    span = _span(facts, kind, release.key)
    return facts.sm >= span.sm_min and not span.leaves_out(facts.sm)


def _other_releases(facts: Facts, kind: str) -> Iterator[Fix]:
    """What keeps the GPU: the scheme's older kernels, then the nearest release whose kernels have it."""
    base = kind.removesuffix("_marlin")
    if base != kind and facts.sm >= quantization_support(facts.runtime or "vllm", base, facts.version).sm_min:
        yield set_field("quantization", base, f"use quantization {base}, the same weights with older kernels")
    if not facts.version:
        return
    known = runtime_releases(facts.runtime)
    newer = [release for release in known if release.key > facts.version]
    older = [release for release in reversed(known) if release.key < facts.version]
    for releases in (newer, older):
        for release in releases:
            if _has_kernels(facts, kind, release):
                yield set_release(facts, release.version)
                break


def _fp4_on_consumer_cards(facts: Facts, path: str) -> Iterator[Problem]:
    """Which releases have FP4 kernels for compute capability 12."""
    moe = facts.is_mixture
    kernels, what, since = ("fp4_experts", "experts", "0.12.0") if moe else ("fp4", "layers", "0.10.1")
    code = kernel_code(kernels, facts.version)
    plain_experts = moe and facts.version == FP4_MOE_PLAIN and _PLAIN_EXPERTS.search(facts.model_name.lower())
    regressed = moe and facts.version == FP4_MOE_REGRESSION
    has_code = code is not None and code.runs_on(CONSUMER_BLACKWELL)
    if not facts.version or (has_code and not regressed and not plain_experts):
        return
    number = dotted(facts.version[:3])
    able = "0.27.0" if plain_experts else since
    fixes = (set_release(facts, able), set_release(facts, "0.28.0"), set_gpu(facts, "b200"))
    if not plain_experts:
        fixes = (fixes[0], set_release(facts, "0.20.0"), fixes[-1])
    in_doubt = facts.version == FP4_IMAGE_IN_DOUBT and is_own_image("vllm", facts.image)
    severity = Severity.WARNING if in_doubt else Severity.ERROR
    of_code = code.source if code is not None else ""
    source = FP4_MOE_REGRESSION.source if regressed else FP4_MOE_PLAIN.source if plain_experts else of_code
    source = join_sources(source, FP4_IMAGE_IN_DOUBT.source if in_doubt else "")
    yield Problem(
        "QUANT_MIN_SM",
        path,
        f"vLLM {number} has no NVFP4 kernels for {what} on {facts.who}; {able} does",
        fixes,
        severity,
        source=source,
    )
    if plain_experts:
        return
    yield Problem(
        "SM_NOT_IN_BINARY",
        path,
        f"the NVFP4 kernels for {what} of vLLM {number} are built for other GPUs than {facts.card}",
        fixes,
        severity,
        source=source,
    )
