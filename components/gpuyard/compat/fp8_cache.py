"""Caches in FP8 (e4m3) on GPUs from before Ada: who converts, who only stores, and who stops."""

from collections.abc import Iterator, Mapping

from gpuyard.catalog.software import Version
from gpuyard.compat.attention import has_flashinfer_sinks, has_sinks
from gpuyard.compat.attention_backends import asked_backend
from gpuyard.compat.dtypes import no_fp8
from gpuyard.compat.facts import Facts
from gpuyard.compat.generations import ADA, AMPERE, VOLTA
from gpuyard.compat.problem import Problem, set_field, set_gpus
from gpuyard.compat.sourced import Sourced
from gpuyard.compat.spelling import dotted, plain
from gpuyard.errors import Severity

FP8_CACHE = "vllm-project/vllm#26431, #47549"
STORES_FP8: Mapping[str, Sourced[Version]] = {
    "vllm": Sourced(
        ((0, 3, 0, 0), (0, 10, 0, 0)),
        "vllm-project/vllm#4827; allenai/open-instruct PR#950; EricLBuehler/mistral.rs#1570 (2025-07-22)",
    )
}
"""Releases whose attention (xFormers beside the kernels of vLLM's older engine, which 0.8 and 0.9 fall back
to for it) only stores in FP8, as any GPU does, unless a cached or chunked prompt is read by Triton
(vllm-project/vllm#3156, #7714)."""
TRITON_READS = ("--enable-prefix-caching", "--enable-chunked-prefill")
_WHOLE_PROMPT = 32768
_CUT_SINCE: Version = (0, 5, 4, 0)
"""Tokens up to which those releases do not cut prompts by themselves, and the first that cuts any."""
SGLANG_FP8_CACHE = "noonghunna/club-3090#1381 (2026-09-22); EricLBuehler/mistral.rs#1570 (2025-07-22)"
"""Two reports of such caches on RTX 3090 under SGLang; Triton compiles nothing for them there."""


def fp8_cache_problems(facts: Facts) -> Iterator[Problem]:
    """A cache in FP8 that is asked for where the GPU has no such numbers."""
    cache = plain(facts.given.kv_cache_dtype)
    if (
        cache not in ("fp8", "fp8_e4m3")
        or facts.sm >= ADA
        or facts.runtime not in ("vllm", "sglang", "mistral.rs", "")
    ):
        return
    # FlashInfer converts in software; from 0.12 on vLLM falls to it by itself (vllm-project/vllm#26431)
    asked = asked_backend(facts)
    lately = not facts.version or facts.version >= (0, 12, 0)
    by_itself = lately and not asked.startswith("triton") and has_flashinfer_sinks(facts)
    converts = facts.runtime == "vllm" and facts.sm >= AMPERE
    converts = converts and (asked.startswith("flashinfer") or by_itself)
    converts = (
        converts or _sglang_converts(facts, asked) or not facts.names_engine or _only_stores(facts, asked)
    )
    auto = set_field("kv_cache_dtype", "auto", "use kv_cache_dtype auto")
    yield Problem(
        "QUANT_MIN_SM",
        "kv_cache_dtype",
        f"an FP8 (e4m3) cache needs compute capability 8.9, {facts.who} has {dotted(facts.sm)}",
        (auto, *set_gpus(facts, "l4", "h100-sxm")),
        Severity.WARNING if converts else Severity.ERROR,
        source=SGLANG_FP8_CACHE if facts.runtime == "sglang" else FP8_CACHE,
    )
    if not converts:
        yield no_fp8(facts, "kv_cache_dtype", (auto,), FP8_CACHE)


def _only_stores(facts: Facts, asked: str) -> bool:
    """Whether the release computes in 16 bit what it stores in FP8."""
    releases = STORES_FP8.get(facts.runtime)
    if releases is None or not releases[0] <= facts.version < releases[1] or facts.sm < VOLTA:
        return False
    model = facts.model
    told = dict(facts.flags)
    read = any(told.get(flag, "false").lower() != "false" for flag in TRITON_READS)
    read = read or asked.startswith("triton") or facts.env.get("VLLM_USE_V1") == "1"
    tokens = int(facts.given.max_model_len or 0) or (model.context if model else 0)
    whole = facts.version < _CUT_SINCE or 0 < tokens <= _WHOLE_PROMPT
    return whole and not read and not (model and model.mla)


def _sglang_converts(facts: Facts, asked: str) -> bool:
    """Whether SGLang reads such a cache by FlashInfer, its own choice on Ampere but for latent attention."""
    latent = facts.model is not None and facts.model.mla is not None
    by_itself = not asked and not latent and not has_sinks(facts.model_name.lower())
    return facts.runtime == "sglang" and facts.sm >= AMPERE and (asked.startswith("flashinfer") or by_itself)
