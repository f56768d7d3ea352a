"""llama.cpp told to put every layer on the GPUs: the file and the cache of a stated context must fit."""

import re
from collections.abc import Iterator

from gpuyard.catalog.gguf import gguf_types
from gpuyard.compat.facts import Facts
from gpuyard.compat.problem import MORE_OF_THE_SAME, Fix, Problem, with_env
from gpuyard.compat.sizes import size_date, size_source
from gpuyard.compat.sourced import join_sources
from gpuyard.compat.spelling import plain
from gpuyard.errors import Severity
from gpuyard.planning.kv_cache import kv_bytes_per_token
from gpuyard.planning.parallel import Split
from gpuyard.planning.weights import weight_bytes_per_gpu
from gpuyard.units import MIB, format_bytes

_LAYERS = ("-ngl", "--n-gpu-layers", "--gpu-layers")
_CONTEXT = ("-c", "--ctx-size")
_CACHE_TYPES = ("-ctk", "--cache-type-k", "-ctv", "--cache-type-v")
_ON_HOST = frozenset(
    {
        *("--cpu-moe", "-cmoe", "--n-cpu-moe", "-ncmoe", "--override-tensor", "-ot"),
        *("--no-kv-offload", "-nkvo", "--fit", "-fit"),
    }
)
"""Flags that keep a part in the host's memory, or let the server choose what."""
_SURE = 0.93
"""Share of the file that is on the GPU for sure: the table of the input stays with the host."""
_SOURCE = "ggml-org/llama.cpp tools/server README (-ngl, -c, -ctk, -ot)"
_ONE = Split(1, 1)


def layers_on_gpu_problems(facts: Facts) -> Iterator[Problem]:
    """Weights, else weights and cache, against the memory of all GPUs: layers are shared out over them."""
    model, memory = facts.model, facts.memory_mib
    if facts.runtime != "llama.cpp" or model is None or not memory:
        return
    kind = _file_type(facts)
    if not kind or _keeps_on_host(facts):
        return
    asked = next(iter(facts.flag_values(*_LAYERS)), "")
    if asked != "all" and not (asked.isdecimal() and int(asked) >= model.layers):
        return
    count = facts.count or 1
    total = memory * MIB * count
    weights = weight_bytes_per_gpu(model, _ONE, kind)
    severity = Severity.ERROR if facts.count else Severity.WARNING
    source, date = join_sources(_SOURCE, size_source(facts)), size_date(facts)
    have = f"{count} of them have {format_bytes(total)}" if count > 1 else f"one has {format_bytes(total)}"
    fewer = _fewer_layers(facts, int(model.layers * total * _SURE / weights))
    if weights * _SURE > total:
        message = f"all layers take {format_bytes(weights)} ({kind}), {have}"
        fixes = (fewer, *_more(facts, count, weights))
        yield Problem("MEMORY_WEIGHTS", "env", message, fixes, severity, source=source, as_of=date)
        return
    tokens = _context(facts)
    cache = kv_bytes_per_token(model, _ONE) * tokens
    if tokens and not _has_small_cache(facts) and weights * _SURE + cache > total:
        message = (
            f"a cache of {tokens} tokens takes {format_bytes(cache)} beside {format_bytes(weights)}, {have}"
        )
        shorter = _shorter(facts, int((total - weights) / max(cache / tokens, 1)))
        fixes = (*shorter, *_more(facts, count, weights + cache), fewer)
        yield Problem("MEMORY_KV", "env", message, fixes, severity, source=source, as_of=date)


def _file_type(facts: Facts) -> str:
    """The type of the file; empty: not said."""
    own = facts.model.quantization or "" if facts.model else ""
    words = re.findall(r"(?:iq|q)\d_\w+|f16", plain(facts.given.quantization))
    return next((kind for kind in (*words, facts.quantization, own) if kind in gguf_types()), "")


def _keeps_on_host(facts: Facts) -> bool:
    flags = {flag for flag, _ in facts.flags}
    # the driver of Windows moves to the host's memory what does not fit
    return bool(flags & _ON_HOST) or facts.is_on_windows or "GGML_CUDA_ENABLE_UNIFIED_MEMORY" in facts.env


def _context(facts: Facts) -> int:
    text = next(iter(facts.flag_values(*_CONTEXT)), "")
    return int(text) if text.isdecimal() else int(facts.given.max_model_len or 0)


def _has_small_cache(facts: Facts) -> bool:
    stated = plain(facts.given.kv_cache_dtype)
    asked = (*facts.flag_values(*_CACHE_TYPES), *([stated] if stated else []))
    return any(kind not in ("f16", "fp16", "float16", "auto", "bf16", "bfloat16") for kind in asked)


def _fewer_layers(facts: Facts, layers: int) -> Fix:
    name = next(flag for flag, _ in facts.flags if flag in _LAYERS)
    return Fix(f"put {layers} layers on the GPU ({name} {layers})", with_env(facts, name, str(layers)))


def _shorter(facts: Facts, tokens: int) -> tuple[Fix, ...]:
    """A context in whole thousands; none where not even one fits."""
    tokens = tokens // 1024 * 1024
    if not tokens:
        return ()
    name = next((flag for flag, _ in facts.flags if flag in _CONTEXT), "-c")
    changes = with_env(facts, name, str(tokens))
    if facts.given.max_model_len is not None:
        changes["max_model_len"] = tokens
    return (Fix(f"use a context of {tokens} ({name} {tokens})", changes),)


def _more(facts: Facts, count: int, need: float) -> tuple[Fix, ...]:
    """As many of the same GPUs as hold it, within a node."""
    memory = (facts.memory_mib or 0) * MIB
    more = next((size for size in (2, 4, 8) if size > count and size * memory > need), None)
    changes = {"gpu_count": more, "instance": None, "gpu": facts.given.gpu or (facts.gpu and facts.gpu.id)}
    return (Fix(f"use {more} GPUs", changes, MORE_OF_THE_SAME),) if more else ()
