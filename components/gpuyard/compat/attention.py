"""Attention against GPU: backends that were asked for, and what models need of them."""

import re
from collections.abc import Iterator
from dataclasses import replace

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
    if facts.runtime == "sglang":
        yield from _sglang_lacks(facts, name, backend)
    elif facts.runtime == "vllm":
        yield from _vllm_lacks(facts, name, backend)
    elif facts.runtime == "tensorrt-llm":
        yield from _trt_lacks(facts, name)


def _lack(facts: Facts, why: str) -> Problem:
    """A backend that was asked for, and what it lacks."""
    return Problem("ATTN_BACKEND_MISSING", "env", why, (drop_backend(facts),))


def _may_lack(facts: Facts, why: str) -> Iterator[Problem]:
    """What is known of some releases only, where none is stated."""
    if facts.is_undated:
        yield replace(_lack(facts, f"{why}, and no release is stated"), severity=Severity.WARNING)


def _sglang_lacks(facts: Facts, name: str, backend: str) -> Iterator[Problem]:
    """SGLang's own list for the model, without the backend that was asked for."""
    asked = {value.lower() for value in facts.flag_values("--attention-backend") if value}
    for words, since, backends in SGLANG_TAKES:
        if asked <= backends or not any(word in name for word in words):
            continue
        only = f"SGLang runs {facts.model_name} with {', '.join(sorted(backends))} only"
        if not facts.version and since:
            yield from _may_lack(facts, f"newer {only}")
        elif facts.version >= since:
            yield _lack(facts, only)
        return
    hybrid = any(word in name for word in GATED_DELTA) and facts.sm[0] == BLACKWELL[0]
    if hybrid and backend not in {"", *GATED_DELTA_BACKENDS}:
        known = ", ".join(sorted(GATED_DELTA_BACKENDS))
        yield _lack(facts, f"on {facts.card} this hybrid runs with {known} only")


def _vllm_lacks(facts: Facts, name: str, backend: str) -> Iterator[Problem]:
    """What the backend that was asked for lacks in vLLM."""
    if why := _lacks_in_vllm(facts, name, backend):
        yield _lack(facts, why)
        return
    table = {"flashinfer": SINKS_ON, "flash_attn": FLASH_SINKS_ON}.get(backend)
    lately = table is not None and not facts.version and facts.sm[0] not in table[-1][1]
    if lately and _has_sinks(name):
        yield from _may_lack(facts, f"{backend} got attention sinks on {facts.card} of late")


def _lacks_in_vllm(facts: Facts, name: str, backend: str) -> str:
    """The same in words, as far as it is known of the release; empty: nothing."""
    major = facts.sm[0]
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


def _trt_lacks(facts: Facts, name: str) -> Iterator[Problem]:
    """TensorRT-LLM, which chooses its attention itself."""
    if why := _lacks_fp8_context(facts):
        dropped = Fix("build without --use_fp8_context_fmha", without_flags(facts, *FP8_CONTEXT_FLAGS))
        yield Problem("ATTN_BACKEND_MISSING", "env", why, (dropped,))
    if why := _lacks_model(facts, name):
        others = (set_gpu(facts, "h100-sxm"), set_gpu(facts, "b200"))
        yield Problem("ATTN_BACKEND_MISSING", "model", why, others)


def _lacks_fp8_context(facts: Facts) -> str:
    """Why FP8 attention over the prompt, where it is asked for, fails; empty: it does not."""
    told = (*facts.flag_values(*FP8_CONTEXT_FLAGS), facts.env.get("use_fp8_context_fmha"))
    asked = any(plain(value) in ("", "enable", "true", "1") for value in told if value is not None)
    if not asked:
        return ""
    since = next((since for sm, since in TRT_FP8_CONTEXT if facts.sm >= sm), None)
    if since is None:
        return f"FP8 attention needs compute capability 8.9, {facts.who} has {dotted(facts.sm)}"
    early = () < facts.version < since
    early = early or (bool(since) and facts.version == since and "dev" in plain(facts.given.runtime_version))
    return f"this TensorRT-LLM has no FP8 attention over the prompt on {facts.card}" if early else ""


def _lacks_model(facts: Facts, name: str) -> str:
    """Why it has no attention for the model on the GPU; empty: nothing is known against it."""
    if _has_sinks(name) and facts.sm[0] not in (HOPPER[0], BLACKWELL[0]):
        early = "gpt-oss" in facts.image or () < facts.version < TRT_SINKS_SINCE
        return f"this TensorRT-LLM has no attention sinks on {facts.card}" if early else ""
    elsewhere = TRT_GEMMA4_ELSEWHERE.search(f"{facts.given.runtime_version} {facts.image}")
    if "gemma-4" in name and facts.sm[0] != BLACKWELL[0] and elsewhere:
        return (
            f"this TensorRT-LLM has attention for Gemma 4 on data-centre Blackwell only, not on {facts.card}"
        )
    return ""
