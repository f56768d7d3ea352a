"""Attention against GPU: backends that were asked for, and what models need of them."""

import re
from collections.abc import Iterator, Mapping

from gpuyard.catalog.software import Version
from gpuyard.compat.attention_gaps import NEWER, gap_problems
from gpuyard.compat.facts import Facts
from gpuyard.compat.generations import AMPERE, BLACKWELL, HOPPER
from gpuyard.compat.latent import latent_problems
from gpuyard.compat.problem import (
    BACKEND_FLAGS,
    Fix,
    Problem,
    set_gpu,
    set_gpus,
    set_release,
    without_flags,
)
from gpuyard.compat.spelling import dotted

LIBRARIES: tuple[tuple[str, tuple[str, ...]], ...] = (
    ("fa3", ("flash-attn-3", "flash_attn_3", "flash-attention-3", "flash attention 3", "flashattention-3")),
    ("flashmla", ("flashmla", "flash-mla", "flash_mla")),
    ("flash_attn", ("flash-attn", "flash_attn", "flash-attention", "flash attention", "flashattention")),
)
"""Attention libraries used on their own, by what the runtime is called."""
SINKS = ("gpt-oss", "gptoss")
"""Models with attention sinks."""
SINKS_ON: tuple[tuple[Version, tuple[int, ...]], ...] = (
    ((0, 30, 0, 0), (9, 10, 12)),
    ((0, 28, 0, 0), (10, 12)),
    ((), (10,)),
)
"""Major compute capabilities that FlashInfer serves sinks on, newest vLLM first (0.14 to 0.33 read)."""
TRT_GEMMA4_ELSEWHERE = re.compile(r"1\.3\.0\s*rc(1[7-9]|2[0-2])\b")
"""TensorRT-LLM that sends every layer of Gemma 4 to kernels of data-centre Blackwell
(NVIDIA/TensorRT-LLM#14942 and #17052; PR#17557 of 2026-08-12 sends the others elsewhere)."""
TRT_SINKS_SINCE = (1, 1, 0, 0)
"""TensorRT-LLM before has attention sinks for Hopper and data-centre Blackwell (NVIDIA/TensorRT-LLM#6892)."""
WIDE_HEADS = ("gemma-4",)
"""Models with heads of 512."""
WIDE_HEADS_SINCE = (0, 22, 0, 0)
"""First vLLM whose FlashInfer backend takes them (0.17 to 0.33 read)."""
GATED_DELTA = ("qwen3.5", "qwen3.6", "qwen3.8", "qwen3-next", "qwen3-coder-next")
"""Hybrids of gated delta nets and attention, which SGLang runs with few backends on B200 and B300."""
GATED_DELTA_BACKENDS = frozenset({"trtllm_mha", "triton", "fa4"})
BACKEND_SM: Mapping[str, tuple[Version, Version]] = {
    "flash_attn": (AMPERE, (99, 0)),
    "flashinfer": ((7, 5), (99, 0)),
    "flashmla": (HOPPER, (10, 9)),
    "flash_attn_mla": (HOPPER, (9, 9)),
    "cutlass_mla": (BLACKWELL, (10, 9)),
    "flashinfer_mla": (BLACKWELL, (10, 9)),
    "fa3": (AMPERE, (9, 9)),
    "fa4": (HOPPER, (10, 9)),
    "trtllm_mla": (BLACKWELL, (10, 9)),
    "trtllm_mha": (BLACKWELL, (10, 9)),
}
"""Compute capabilities from and to which an attention backend exists."""
BACKEND_EARLY: tuple[tuple[str, str, Version, Version], ...] = (
    ("flash_attn", "", (2, 7, 4), (9, 9)),
    ("flashmla", "vllm", (0, 11), (9, 9)),
)
"""Backend, engine (empty: the library itself), release before which, and newest GPU until then
(Dao-AILab/flash-attention#1464, deepseek-ai/FlashMLA#83)."""
MHA_PREFILL_SINCE = (0, 5, 19, 0)
MHA_DECODE_SINCE = (0, 5, 10, 0)
"""First SGLang that takes trtllm_mha off data-centre Blackwell: on Hopper and SM 12.x, and in 0.5.10 to
0.5.18 for decoding only (the checks of its wheels); GB10 fails (Blackwellboy/model-serving-minefield#110)."""


def attention_problems(facts: Facts) -> Iterator[Problem]:
    """Every rule on attention."""
    if not facts.sm:
        return
    name = facts.model_name.lower()
    who = facts.who
    asked = facts.env.get("VLLM_ATTENTION_BACKEND", "")
    asked = asked or next((value for flag, value in facts.flags if flag in BACKEND_FLAGS), "")
    backend = asked.lower().replace("_vllm_v1", "")
    backend = backend or next(
        (name for name, words in LIBRARIES if any(w in facts.runtime_text for w in words)), ""
    )
    span = _span(facts, backend)
    if facts.env.get("VLLM_FLASH_ATTN_VERSION") == "3":
        span, backend = (HOPPER, (9, 9)), "FlashAttention 3"

    if span and not span[0] <= facts.sm <= span[1]:
        drop = without_flags(facts, "VLLM_ATTENTION_BACKEND", *BACKEND_FLAGS, "VLLM_FLASH_ATTN_VERSION")
        yield Problem(
            "ATTN_BACKEND_MISSING",
            "env",
            f"{backend} has no kernels for {facts.card}",
            (Fix("let the engine choose the attention backend", drop), *set_gpus(facts, *NEWER)),
        )
        if not asked and not facts.runtime and facts.sm > span[1]:
            yield Problem(
                "SM_NOT_IN_BINARY",
                "runtime_version",
                f"{backend} is not built for {facts.card}",
                set_gpus(facts, *NEWER),
            )
    yield from latent_problems(facts, name, backend)
    yield from _features(facts, name, backend)
    yield from gap_problems(facts, name, backend)
    sinks = "gpt-oss" in name and facts.runtime == "vllm" and is_first_gpt_oss(facts)
    if sinks and facts.sm >= AMPERE and facts.sm[0] not in (HOPPER[0], BLACKWELL[0]):
        yield Problem(
            "ATTN_BACKEND_MISSING",
            "runtime_version",
            f"attention sinks of this build need FlashAttention 3 (Hopper); {who} has {dotted(facts.sm)}",
            (set_release(facts, "0.10.2"), *set_gpus(facts, *NEWER)),
        )


def is_first_gpt_oss(facts: Facts) -> bool:
    """Whether it is the first build for gpt-oss, with the attention that it chooses itself.

    With Triton's it ran on Ampere (vllm-project/vllm#22331, 2025-08-28).
    """
    by_triton = facts.env.get("VLLM_ATTENTION_BACKEND", "").lower().startswith("triton")
    return "gptoss" in f"{facts.given.runtime_version} {facts.image}".lower() and not by_triton


def _span(facts: Facts, backend: str) -> tuple[Version, Version] | None:
    """Compute capabilities from and to which the backend has kernels in this release."""
    if backend == "trtllm_mha" and facts.runtime == "sglang" and facts.version:
        asked = {flag for flag, _ in facts.flags if flag in BACKEND_FLAGS}
        decodes = asked == {"--decode-attention-backend"}
        if facts.version >= (MHA_DECODE_SINCE if decodes else MHA_PREFILL_SINCE):
            return HOPPER, (12, 9) if decodes else (12, 0)
    if backend == "fa3" and facts.runtime == "sglang" and facts.model and facts.model.mla is not None:
        return HOPPER, (9, 9)  # on 8.x for other attention only
    for name, runtime, before, last in BACKEND_EARLY:
        if name == backend and runtime == facts.runtime and () < facts.version < before:
            return BACKEND_SM[backend][0], last
    return BACKEND_SM.get(backend)


def _features(facts: Facts, name: str, backend: str) -> Iterator[Problem]:
    """Backends that were asked for and lack what the model's attention needs."""
    why = ""
    if facts.runtime == "vllm" and backend == "flashinfer":
        served = next(majors for since, majors in SINKS_ON if facts.version >= since or not facts.version)
        if any(word in name for word in SINKS) and facts.sm[0] not in served:
            why = f"FlashInfer has no attention sinks on {facts.card}"
        elif any(word in name for word in WIDE_HEADS) and () < facts.version < WIDE_HEADS_SINCE:
            why = "FlashInfer takes no heads of 512 in this release"
    elif facts.runtime == "vllm" and backend == "xformers" and any(word in name for word in SINKS):
        why = "xFormers has no attention sinks"
    elif (
        facts.runtime == "sglang"
        and any(word in name for word in GATED_DELTA)
        and facts.sm[0] == BLACKWELL[0]
        and backend not in {"", *GATED_DELTA_BACKENDS}
    ):
        why = f"on {facts.card} this hybrid runs with {', '.join(sorted(GATED_DELTA_BACKENDS))} only"
    elif (
        facts.runtime == "tensorrt-llm" and any(word in name for word in SINKS) and facts.sm[0] not in (9, 10)
    ):
        early = "gpt-oss" in facts.image or () < facts.version < TRT_SINKS_SINCE
        why = f"this TensorRT-LLM has no attention sinks on {facts.card}" if early else ""
    elif (
        facts.runtime == "tensorrt-llm"
        and "gemma-4" in name
        and facts.sm[0] != BLACKWELL[0]
        and TRT_GEMMA4_ELSEWHERE.search(f"{facts.given.runtime_version} {facts.image}")
    ):
        why = (
            f"this TensorRT-LLM has attention for Gemma 4 on data-centre Blackwell only, not on {facts.card}"
        )
    if why:
        drop = without_flags(facts, "VLLM_ATTENTION_BACKEND", *BACKEND_FLAGS)
        others = (set_gpu(facts, "h100-sxm"), set_gpu(facts, "b200"))
        own = (Fix("let the engine choose the attention backend", drop),)
        fixes = others if facts.runtime == "tensorrt-llm" else own
        yield Problem("ATTN_BACKEND_MISSING", "env" if fixes is own else "model", why, fixes)
