"""Attention against GPU: backends that were asked for, and what models need of them."""

import re
from collections.abc import Iterator, Mapping
from dataclasses import replace

from gpuyard.catalog.software import Version
from gpuyard.compat.attention_backends import SGLANG_READ, asked_backend, backend_span, drop_backend
from gpuyard.compat.attention_gaps import NEWER, gap_problems
from gpuyard.compat.cache_formats import cache_format_problems
from gpuyard.compat.facts import Facts
from gpuyard.compat.generations import AMPERE, BLACKWELL, HOPPER
from gpuyard.compat.head_sizes import head_size_problems
from gpuyard.compat.latent import latent_problems
from gpuyard.compat.problem import Fix, Problem, set_field, set_gpu, set_gpus, set_release, without_flags
from gpuyard.compat.sourced import Sourced
from gpuyard.compat.spelling import dotted, plain
from gpuyard.errors import Severity

Lack = tuple[str, str]
"""What is lacking, and who says so; empty: what the code cites."""
SINKS = ("gpt-oss", "gptoss")
"""Models with attention sinks."""
SINKS_ON = Sourced(
    (((0, 30, 0, 0), (9, 10, 12)), ((0, 28, 0, 0), (10, 12)), ((), (10,))),
    "vLLM releases 0.14 to 0.33 (FlashInfer's backend)",
)
"""Major compute capabilities that FlashInfer serves sinks on, newest vLLM first."""
TRT_GEMMA4_ELSEWHERE = re.compile(r"1\.3\.0\s*rc(1[7-9]|2[0-2])\b")
"""TensorRT-LLM that sends every layer of Gemma 4 to kernels of data-centre Blackwell; its PR#17557 of
2026-08-12 sends the others elsewhere."""
TRT_GEMMA4_SOURCE = "NVIDIA/TensorRT-LLM#14942 and #17052"
TRT_SINKS_SINCE = Sourced((1, 1, 0, 0), "NVIDIA/TensorRT-LLM#6892")
"""TensorRT-LLM before has attention sinks for Hopper and data-centre Blackwell."""
FP8_CONTEXT_FLAGS = ("--use_fp8_context_fmha", "--use-fp8-context-fmha")
TRT_FP8_CONTEXT: tuple[tuple[Version, Sourced[int]], ...] = (
    ((12, 0), Sourced((0, 18, 0, 0), "NVIDIA/TensorRT-LLM#2855")),
    ((9, 0), Sourced((), "NVIDIA/TensorRT-LLM release notes 0.12.0")),
    ((8, 9), Sourced((0, 12, 0, 0), "NVIDIA/TensorRT-LLM release notes 0.12.0, #1864, #1914")),
)
"""First TensorRT-LLM with FP8 attention over the prompt, by GPU, newest first: consumer Blackwell (not in
0.17, fixed by 0.20.0), Hopper, Ada."""
TGI_FP8_CACHE: Sourced[Version] = Sourced(
    ((2, 4, 0, 0), (3, 1, 0, 0)),
    "huggingface/text-generation-inference, kv_cache.py and resolve_attention of 2.4.0 to 3.1.0",
)
"""First TGI with an FP8 cache, and the first whose paged attention takes it."""
WIDE_HEADS = ("gemma-4",)
"""Models with heads of 512."""
WIDE_HEADS_SINCE = Sourced((0, 22, 0, 0), "vLLM releases 0.17 to 0.33 (FlashInfer's backend)")
"""First vLLM whose FlashInfer backend takes them."""
OTHER_PLATFORMS: Mapping[str, tuple[Version, Version, frozenset[str], str]] = {
    "vllm": (
        (0, 4, 0, 0),
        (0, 9, 0, 0),
        frozenset({"torch_sdpa", "rocm_flash", "pallas", "ipex", "hpu_attn", "openvino"}),
        "vllm/platforms/cuda.py and vllm/attention/selector.py of 0.4 to 0.8 (general knowledge)",
    ),
    "sglang": (
        (),
        (1000,),
        frozenset({"aiter", "ascend"}),
        "SGLang's backends for AMD and Ascend, whose packages are for those alone (general knowledge)",
    ),
}
"""By engine: releases from and before which backends for what is no GPU of NVIDIA are known to be refused,
those backends, and who says so."""
SOFT_CAPPED = re.compile(r"gemma-?2(?:[-:]\d+b|$)|shieldgemma-\d+b")
"""Models whose attention has a soft cap."""
XFORMERS_CAPS = Sourced((0, 6, 6, 0), "vllm-project/vllm#8929, #9922, PR#11252 (2024-12-17)")
"""First vLLM that leaves the soft cap out with xFormers; before, it stops."""
CROSS_ATTENTION = re.compile(r"(?:^|/|-)m?bart-|distilbart|whisper|llama-3\.2-\d+b-vision|florence-2")
"""Encoder-decoders, and what runs as one."""
CROSS_BACKENDS = Sourced(
    (
        ((0, 5, 5, 0), (0, 6, 4, 0), frozenset({"xformers"})),
        ((0, 6, 4, 0), (0, 10, 0, 0), frozenset({"xformers", "flash_attn"})),
    ),
    "vllm/worker/enc_dec_model_runner.py of 0.5.5 to 0.9 (general knowledge)",
)
"""Releases of vLLM from and before which, and the backends that they take for those."""
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
GPUs of NVIDIA, of whichever release."""
FLASH_SINKS_ON = Sourced(
    (((0, 18, 0, 0), (9, 10)), ((), (9,))), "vLLM releases 0.17.1 and 0.20.0 (FlashAttention's backend)"
)
"""As `SINKS_ON`, of FlashAttention in vLLM, versions 3 and 4 of it."""
FLASH_FP8_CACHE = Sourced(
    (((0, 27, 0, 0), (9, 10)), ((0, 11, 0, 0), (9,))),
    "vLLM releases 0.11.2 to 0.33.0 (FlashAttention's backend)",
)
"""The same of its FP8 cache; releases before turn to another backend."""
LOOKS_FIRST = ("vllm", "sglang")
"""Engines that compare what is asked for with the GPU before they load a model."""
FIRST_SINKS = "vllm-project/vllm#22331 (2025-08-28)"


def attention_problems(facts: Facts) -> Iterator[Problem]:
    """Every rule on attention."""
    yield from head_size_problems(facts)
    if not facts.sm:
        return
    name = facts.model_name.lower()
    backend = asked_backend(facts)
    yield from _without_kernels(facts, backend)
    yield from latent_problems(facts, name, backend)
    yield from _of_another_platform(facts, backend)
    yield from _features(facts, name, backend)
    yield from cache_format_problems(facts)
    yield from gap_problems(facts, name, backend)
    yield from _first_sinks(facts, name)


def _without_kernels(facts: Facts, backend: str) -> Iterator[Problem]:
    """A backend that was asked for and has nothing for the GPU."""
    span = backend_span(facts, backend)
    if span is None or span[0] <= facts.sm <= span[1]:
        return
    # engines look at the GPU themselves before a kernel is missing
    codes = (
        ("ATTN_BACKEND_MISSING", "ENGINE_MIN_SM")
        if facts.runtime in LOOKS_FIRST
        else ("ATTN_BACKEND_MISSING",)
    )
    for code in codes:
        yield Problem(
            code,
            "env",
            f"{backend} has no kernels for {facts.card}",
            (drop_backend(facts), *set_gpus(facts, *NEWER)),
            source=span.source,
        )
    if not facts.runtime and not facts.env and not facts.flags and facts.sm > span[1]:
        yield Problem(
            "SM_NOT_IN_BINARY",
            "runtime_version",
            f"{backend} is not built for {facts.card}",
            set_gpus(facts, *NEWER),
            source=span.source,
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
            source=FIRST_SINKS,
        )


def may_be_later_gpt_oss(facts: Facts) -> bool:
    """Whether a release is stated beside the tag of the first build, whose own number is ``0.10.1+gptoss``.

    Such an image is said to have run on A10 (LambdaLabsML/agentbeats-lambda PR#35, 2026-03-09).
    """
    return facts.given.runtime_version is not None and "gptoss" not in plain(facts.given.runtime_version)


def is_first_gpt_oss(facts: Facts) -> bool:
    """Whether it is the first build for gpt-oss, with the attention that it chooses itself.

    With Triton's it ran on Ampere.
    """
    by_triton = facts.env.get("VLLM_ATTENTION_BACKEND", "").lower().startswith("triton")
    return "gptoss" in f"{facts.given.runtime_version} {facts.image}".lower() and not by_triton


def _served(facts: Facts, table: tuple[tuple[Version, tuple[int, ...]], ...]) -> tuple[int, ...]:
    """Major compute capabilities of the release, the newest one where none is stated; empty: not known."""
    return next((majors for since, majors in table if facts.version >= since or not facts.version), ())


def has_flashinfer_sinks(facts: Facts) -> bool:
    """Whether FlashInfer serves the model where it has attention sinks."""
    return not has_sinks(facts.model_name.lower()) or facts.sm[0] in _served(facts, SINKS_ON)


def has_sinks(name: str) -> bool:
    """Whether the model's attention has sinks, which only some kernels know."""
    return any(word in name for word in SINKS)


def _of_another_platform(facts: Facts, backend: str) -> Iterator[Problem]:
    """A backend that was asked for and is for GPUs of others, or for none."""
    since, before, backends, source = OTHER_PLATFORMS.get(facts.runtime, ((), (), frozenset(), ""))
    if backend in backends and since <= facts.version < before:
        yield _lack(facts, f"{facts.engine} has no {backend} for GPUs of NVIDIA", source)


def _features(facts: Facts, name: str, backend: str) -> Iterator[Problem]:
    """Engines and backends that lack what the model's attention needs."""
    if facts.runtime == "sglang":
        yield from _sglang_lacks(facts, name, backend)
    elif facts.runtime == "vllm":
        yield from _vllm_lacks(facts, name, backend)
    elif facts.runtime == "tgi":
        yield from _tgi_lacks(facts)
    elif facts.runtime == "tensorrt-llm":
        yield from _trt_lacks(facts, name)


def _lack(facts: Facts, why: str, source: str) -> Problem:
    """A backend that was asked for, and what it lacks."""
    return Problem("ATTN_BACKEND_MISSING", "env", why, (drop_backend(facts),), source=source)


def _may_lack(facts: Facts, why: str, source: str) -> Iterator[Problem]:
    """What is known of some releases only, where none is stated."""
    if facts.is_undated:
        yield replace(_lack(facts, f"{why}, and no release is stated", source), severity=Severity.WARNING)


def _sglang_lacks(facts: Facts, name: str, backend: str) -> Iterator[Problem]:
    """SGLang's own list for the model, without the backend that was asked for."""
    asked = {value.lower() for value in facts.flag_values("--attention-backend") if value}
    for words, since, backends in SGLANG_TAKES:
        if asked <= backends or not any(word in name for word in words):
            continue
        only = f"SGLang runs {facts.model_name} with {', '.join(sorted(backends))} only"
        if not facts.version and since:
            yield from _may_lack(facts, f"newer {only}", SGLANG_READ)
        elif facts.version >= since:
            yield _lack(facts, only, SGLANG_READ)
        return
    hybrid = any(word in name for word in GATED_DELTA) and facts.sm[0] == BLACKWELL[0]
    if hybrid and backend not in {"", *GATED_DELTA_BACKENDS}:
        known = ", ".join(sorted(GATED_DELTA_BACKENDS))
        yield _lack(facts, f"on {facts.card} this hybrid runs with {known} only", SGLANG_READ)


def _vllm_lacks(facts: Facts, name: str, backend: str) -> Iterator[Problem]:
    """What the backend that was asked for lacks in vLLM."""
    if lack := _lacks_in_vllm(facts, name, backend):
        yield _lack(facts, *lack)
        return
    table = {"flashinfer": SINKS_ON, "flash_attn": FLASH_SINKS_ON}.get(backend)
    if table is None or facts.version or facts.sm[0] in table[-1][1] or not has_sinks(name):
        return
    yield from _may_lack(facts, f"{backend} got attention sinks on {facts.card} of late", table.source)


def _lacks_in_vllm(facts: Facts, name: str, backend: str) -> Lack | None:
    """The same in words, as far as it is known of the release."""
    major = facts.sm[0]
    if lack := _is_refused_in_vllm(facts, name, backend):
        return lack
    if backend == "flashinfer":
        if not has_flashinfer_sinks(facts):
            return f"FlashInfer has no attention sinks on {facts.card}", SINKS_ON.source
        wide = any(word in name for word in WIDE_HEADS) and () < facts.version < WIDE_HEADS_SINCE
        return ("FlashInfer takes no heads of 512 in this release", WIDE_HEADS_SINCE.source) if wide else None
    if backend == "flash_attn":
        if has_sinks(name) and major not in _served(facts, FLASH_SINKS_ON):
            why = f"FlashAttention has no attention sinks on {facts.card} in this release"
            return why, FLASH_SINKS_ON.source
        cached = _served(facts, FLASH_FP8_CACHE) or (major,)
        lacks = plain(facts.given.kv_cache_dtype).startswith("fp8") and major not in cached
        why = f"FlashAttention has no FP8 cache on {facts.card} in this release"
        return (why, FLASH_FP8_CACHE.source) if lacks else None
    return ("xFormers has no attention sinks", "") if backend == "xformers" and has_sinks(name) else None


def _is_refused_in_vllm(facts: Facts, name: str, backend: str) -> Lack | None:
    """Backends that the older engine refuses by what they are, whatever the GPU."""
    if backend == "xformers" and () < facts.version < XFORMERS_CAPS and SOFT_CAPPED.search(name):
        return f"xFormers has no soft cap in {facts.engine}", XFORMERS_CAPS.source
    if not backend or not CROSS_ATTENTION.search(name):
        return None
    for since, before, takes in CROSS_BACKENDS:
        if since <= facts.version < before and backend not in takes:
            only = " and ".join(sorted(takes))
            return f"{facts.engine} runs encoder-decoders with {only} only", CROSS_BACKENDS.source
    return None


def _tgi_lacks(facts: Facts) -> Iterator[Problem]:
    """Paged attention, which is all that it has below Ampere, with an FP8 cache."""
    since, before = TGI_FP8_CACHE
    asked = plain(facts.given.kv_cache_dtype).startswith("fp8") and facts.sm < AMPERE
    if asked and since <= facts.version < before:
        yield Problem(
            "ATTN_BACKEND_MISSING",
            "kv_cache_dtype",
            f"this TGI has an FP8 cache with FlashInfer only, which it does not run on {facts.card}",
            (set_field("kv_cache_dtype", "auto", "use kv_cache_dtype auto"), *set_gpus(facts, *NEWER)),
            source=TGI_FP8_CACHE.source,
        )


def _trt_lacks(facts: Facts, name: str) -> Iterator[Problem]:
    """TensorRT-LLM, which chooses its attention itself."""
    if lack := _lacks_fp8_context(facts):
        why, source = lack
        dropped = Fix("build without --use_fp8_context_fmha", without_flags(facts, *FP8_CONTEXT_FLAGS))
        yield Problem("ATTN_BACKEND_MISSING", "env", why, (dropped,), source=source)
    if lack := _lacks_model(facts, name):
        why, source = lack
        others = (set_gpu(facts, "h100-sxm"), set_gpu(facts, "b200"))
        yield Problem("ATTN_BACKEND_MISSING", "model", why, others, source=source)


def _lacks_fp8_context(facts: Facts) -> Lack | None:
    """Why FP8 attention over the prompt, where it is asked for, fails; None: it does not."""
    told = (*facts.flag_values(*FP8_CONTEXT_FLAGS), facts.env.get("use_fp8_context_fmha"))
    asked = any(plain(value) in ("", "enable", "true", "1") for value in told if value is not None)
    if not asked:
        return None
    since = next((since for sm, since in TRT_FP8_CONTEXT if facts.sm >= sm), None)
    if since is None:
        why = f"FP8 attention needs compute capability 8.9, {facts.who} has {dotted(facts.sm)}"
        return why, TRT_FP8_CONTEXT[-1][1].source
    early = () < facts.version < since
    early = early or (bool(since) and facts.version == since and "dev" in plain(facts.given.runtime_version))
    why = f"this TensorRT-LLM has no FP8 attention over the prompt on {facts.card}"
    return (why, since.source) if early else None


def _lacks_model(facts: Facts, name: str) -> Lack | None:
    """Why it has no attention for the model on the GPU; None: nothing is known against it."""
    if has_sinks(name) and facts.sm[0] not in (HOPPER[0], BLACKWELL[0]):
        early = "gpt-oss" in facts.image or () < facts.version < TRT_SINKS_SINCE
        why = f"this TensorRT-LLM has no attention sinks on {facts.card}"
        return (why, TRT_SINKS_SINCE.source) if early else None
    elsewhere = TRT_GEMMA4_ELSEWHERE.search(f"{facts.given.runtime_version} {facts.image}")
    if "gemma-4" in name and facts.sm[0] != BLACKWELL[0] and elsewhere:
        why = (
            f"this TensorRT-LLM has attention for Gemma 4 on data-centre Blackwell only, not on {facts.card}"
        )
        return why, TRT_GEMMA4_SOURCE
    return None
