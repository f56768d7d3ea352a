"""Attention against GPU: backends that were asked for, and what models need of them."""

import re
from collections.abc import Iterator

from gpuyard.catalog.software import Version
from gpuyard.compat.attention_backends import asked_backend, backend_span, drop_backend
from gpuyard.compat.attention_gaps import NEWER, gap_problems
from gpuyard.compat.facts import Facts
from gpuyard.compat.generations import AMPERE, BLACKWELL, HOPPER
from gpuyard.compat.latent import latent_problems
from gpuyard.compat.problem import Fix, Problem, set_gpu, set_gpus, set_release, without_flags
from gpuyard.compat.spelling import dotted, plain
from gpuyard.errors import Severity

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
FP8_CONTEXT_FLAGS = ("--use_fp8_context_fmha", "--use-fp8-context-fmha")
TRT_FP8_CONTEXT: tuple[tuple[Version, Version], ...] = (
    ((12, 0), (0, 18, 0, 0)),
    ((9, 0), ()),
    ((8, 9), (0, 12, 0, 0)),
)
"""First TensorRT-LLM with FP8 attention over the prompt, by GPU, newest first: consumer Blackwell (not in
0.17, fixed by 0.20.0: NVIDIA/TensorRT-LLM#2855), Hopper, Ada (notes of 0.12.0; before: #1864, #1914)."""
WIDE_HEADS = ("gemma-4",)
"""Models with heads of 512."""
WIDE_HEADS_SINCE = (0, 22, 0, 0)
"""First vLLM whose FlashInfer backend takes them (0.17 to 0.33 read)."""
GATED_DELTA = ("qwen3.5", "qwen3.6", "qwen3.8", "qwen3-next", "qwen3-coder-next")
"""Hybrids of gated delta nets and attention, which SGLang runs with few backends on B200 and B300."""
GATED_DELTA_BACKENDS = frozenset({"trtllm_mha", "triton", "fa4"})
SGLANG_TAKES: tuple[tuple[tuple[str, ...], Version, frozenset[str]], ...] = (
    (SINKS, (), frozenset({"triton", "trtllm_mha", "fa3", "fa4"})),
    (("llama-4", "llama4"), (0, 5, 1, 0), frozenset({"triton", "trtllm_mha", "fa3"})),
    (("gemma-4",), (0, 5, 15, 0), frozenset({"triton", "trtllm_mha", "fa4"})),
    (("exaone-4.0-32b", "k-exaone"), (0, 5, 10, 0), frozenset({"triton", "trtllm_mha", "fa3"})),
)
"""Words of models, the first SGLang that was read to ask for it, and the backends that it takes for them on
GPUs of NVIDIA, of whichever release (wheels of 0.5.1 to 0.5.23)."""
FLASH_SINKS_ON: tuple[tuple[Version, tuple[int, ...]], ...] = (((0, 18, 0, 0), (9, 10)), ((), (9,)))
"""The same of FlashAttention in vLLM, versions 3 and 4 of it (0.17.1 and 0.20.0 read)."""
FLASH_FP8_CACHE: tuple[tuple[Version, tuple[int, ...]], ...] = (
    ((0, 27, 0, 0), (9, 10)),
    ((0, 11, 0, 0), (9,)),
)
"""The same of its FP8 cache (0.11.2 to 0.33.0 read); releases before turn to another backend."""


def attention_problems(facts: Facts) -> Iterator[Problem]:
    """Every rule on attention."""
    if not facts.sm:
        return
    name = facts.model_name.lower()
    backend = asked_backend(facts)
    yield from _without_kernels(facts, backend)
    yield from latent_problems(facts, name, backend)
    yield from _features(facts, name, backend)
    yield from gap_problems(facts, name, backend)
    yield from _first_sinks(facts, name)


def _without_kernels(facts: Facts, backend: str) -> Iterator[Problem]:
    """A backend that was asked for and has nothing for the GPU."""
    span = backend_span(facts, backend)
    if span is None or span[0] <= facts.sm <= span[1]:
        return
    yield Problem(
        "ATTN_BACKEND_MISSING",
        "env",
        f"{backend} has no kernels for {facts.card}",
        (drop_backend(facts), *set_gpus(facts, *NEWER)),
    )
    if not facts.runtime and not facts.env and not facts.flags and facts.sm > span[1]:
        yield Problem(
            "SM_NOT_IN_BINARY",
            "runtime_version",
            f"{backend} is not built for {facts.card}",
            set_gpus(facts, *NEWER),
        )


def _first_sinks(facts: Facts, name: str) -> Iterator[Problem]:
    """The first build for gpt-oss, which had attention sinks in FlashAttention 3 alone."""
    sinks = "gpt-oss" in name and facts.runtime == "vllm" and is_first_gpt_oss(facts)
    if sinks and facts.sm >= AMPERE and facts.sm[0] not in (HOPPER[0], BLACKWELL[0]):
        yield Problem(
            "ATTN_BACKEND_MISSING",
            "runtime_version",
            "attention sinks of this build need FlashAttention 3 (Hopper); "
            f"{facts.who} has {dotted(facts.sm)}",
            (set_release(facts, "0.10.2"), *set_gpus(facts, *NEWER)),
            Severity.WARNING if may_be_later_gpt_oss(facts) else Severity.ERROR,
        )


def may_be_later_gpt_oss(facts: Facts) -> bool:
    """Whether a release is stated beside the tag of the first build, whose own number is ``0.10.1+gptoss``.

    Such an image is said to have run on A10 (LambdaLabsML/agentbeats-lambda PR#35, 2026-03-09).
    """
    return facts.given.runtime_version is not None and "gptoss" not in plain(facts.given.runtime_version)


def is_first_gpt_oss(facts: Facts) -> bool:
    """Whether it is the first build for gpt-oss, with the attention that it chooses itself.

    With Triton's it ran on Ampere (vllm-project/vllm#22331, 2025-08-28).
    """
    by_triton = facts.env.get("VLLM_ATTENTION_BACKEND", "").lower().startswith("triton")
    return "gptoss" in f"{facts.given.runtime_version} {facts.image}".lower() and not by_triton


def _served(facts: Facts, table: tuple[tuple[Version, tuple[int, ...]], ...]) -> tuple[int, ...]:
    """Major compute capabilities of the release, the newest one where none is stated; empty: not known."""
    return next((majors for since, majors in table if facts.version >= since or not facts.version), ())


def has_flashinfer_sinks(facts: Facts) -> bool:
    """Whether FlashInfer serves the model where it has attention sinks."""
    return not _has_sinks(facts.model_name.lower()) or facts.sm[0] in _served(facts, SINKS_ON)


def _has_sinks(name: str) -> bool:
    return any(word in name for word in SINKS)


def _features(facts: Facts, name: str, backend: str) -> Iterator[Problem]:
    """Engines and backends that lack what the model's attention needs."""
    if why := _backend_lacks(facts, name, backend):
        yield Problem("ATTN_BACKEND_MISSING", "env", why, (drop_backend(facts),))
    elif why := _may_lack(facts, name, backend):
        yield Problem(
            "ATTN_BACKEND_MISSING",
            "env",
            f"{why}, and no release is stated",
            (drop_backend(facts),),
            Severity.WARNING,
        )
    if why := _lacks_fp8_context(facts):
        dropped = Fix("build without --use_fp8_context_fmha", without_flags(facts, *FP8_CONTEXT_FLAGS))
        yield Problem("ATTN_BACKEND_MISSING", "env", why, (dropped,))
    if why := _trt_lacks(facts, name):
        others = (set_gpu(facts, "h100-sxm"), set_gpu(facts, "b200"))
        yield Problem("ATTN_BACKEND_MISSING", "model", why, others)


def _taken(facts: Facts, name: str) -> tuple[Version, frozenset[str]] | None:
    """Since when SGLang takes which backends for the model, where another is asked for."""
    asked = [value.lower() for value in facts.flag_values("--attention-backend") if value]
    for words, since, backends in SGLANG_TAKES:
        if any(word in name for word in words) and (not facts.version or facts.version >= since):
            return (since, backends) if asked and not backends.issuperset(asked) else None
    return None


def _may_lack(facts: Facts, name: str, backend: str) -> str:
    """What is known of some releases only, where none is stated; empty: nothing."""
    if facts.version or facts.runtime not in ("sglang", "vllm") or not facts.is_undated:
        return ""
    if facts.runtime == "sglang":
        taken = _taken(facts, name)
        return (
            f"newer SGLang runs {facts.model_name} with {', '.join(sorted(taken[1]))} only" if taken else ""
        )
    table = {"flashinfer": SINKS_ON, "flash_attn": FLASH_SINKS_ON}.get(backend)
    lately = facts.runtime == "vllm" and table is not None and facts.sm[0] not in table[-1][1]
    return f"{backend} got attention sinks on {facts.card} of late" if lately and _has_sinks(name) else ""


def _backend_lacks(facts: Facts, name: str, backend: str) -> str:
    """What the backend that was asked for lacks, in vLLM and SGLang; empty: nothing that is known."""
    major = facts.sm[0]
    if facts.runtime == "sglang":
        if (taken := _taken(facts, name)) and (facts.version or taken[0] == ()):
            return f"SGLang runs {facts.model_name} with {', '.join(sorted(taken[1]))} only"
        hybrid = any(word in name for word in GATED_DELTA) and major == BLACKWELL[0]
        lacks = hybrid and backend not in {"", *GATED_DELTA_BACKENDS}
        known = ", ".join(sorted(GATED_DELTA_BACKENDS))
        return f"on {facts.card} this hybrid runs with {known} only" if lacks else ""
    if facts.runtime != "vllm":
        return ""
    if backend == "flashinfer":
        if not has_flashinfer_sinks(facts):
            return f"FlashInfer has no attention sinks on {facts.card}"
        wide = any(word in name for word in WIDE_HEADS) and () < facts.version < WIDE_HEADS_SINCE
        return "FlashInfer takes no heads of 512 in this release" if wide else ""
    if backend == "flash_attn":
        if _has_sinks(name) and major not in _served(facts, FLASH_SINKS_ON):
            return f"FlashAttention has no attention sinks on {facts.card} in this release"
        cached = _served(facts, FLASH_FP8_CACHE) or (major,)
        lacks = plain(facts.given.kv_cache_dtype).startswith("fp8") and major not in cached
        return f"FlashAttention has no FP8 cache on {facts.card} in this release" if lacks else ""
    return "xFormers has no attention sinks" if backend == "xformers" and _has_sinks(name) else ""


def _lacks_fp8_context(facts: Facts) -> str:
    """Why FP8 attention over the prompt, which TensorRT-LLM is asked for, fails; empty: it does not."""
    told = (*facts.flag_values(*FP8_CONTEXT_FLAGS), facts.env.get("use_fp8_context_fmha"))
    asked = any(plain(value) in ("", "enable", "true", "1") for value in told if value is not None)
    if facts.runtime != "tensorrt-llm" or not asked:
        return ""
    since = next((since for sm, since in TRT_FP8_CONTEXT if facts.sm >= sm), None)
    if since is None:
        return f"FP8 attention needs compute capability 8.9, {facts.who} has {dotted(facts.sm)}"
    early = () < facts.version < since
    early = early or (bool(since) and facts.version == since and "dev" in plain(facts.given.runtime_version))
    return f"this TensorRT-LLM has no FP8 attention over the prompt on {facts.card}" if early else ""


def _trt_lacks(facts: Facts, name: str) -> str:
    """The same of TensorRT-LLM, which chooses its attention itself."""
    if facts.runtime != "tensorrt-llm":
        return ""
    if _has_sinks(name) and facts.sm[0] not in (HOPPER[0], BLACKWELL[0]):
        early = "gpt-oss" in facts.image or () < facts.version < TRT_SINKS_SINCE
        return f"this TensorRT-LLM has no attention sinks on {facts.card}" if early else ""
    elsewhere = TRT_GEMMA4_ELSEWHERE.search(f"{facts.given.runtime_version} {facts.image}")
    if "gemma-4" in name and facts.sm[0] != BLACKWELL[0] and elsewhere:
        return (
            f"this TensorRT-LLM has attention for Gemma 4 on data-centre Blackwell only, not on {facts.card}"
        )
    return ""
