"""Whether weights and one sequence fit the GPUs: refused only beyond the formulae's own error."""

import re
from collections.abc import Iterator

from gpuyard.catalog.models import ModelShape
from gpuyard.compat.facts import Facts
from gpuyard.compat.problem import Fix, Problem, set_field, set_gpu
from gpuyard.errors import Severity
from gpuyard.planning.memory import (
    RUNTIME_RESERVE,
    Split,
    activation_bytes,
    kv_bytes_fixed,
    kv_bytes_per_token,
    weight_bytes,
)
from gpuyard.units import MIB, format_bytes

DEFAULT_SHARE = {"vllm": 0.9, "sglang": 0.88, "tgi": 0.95, "tensorrt-llm": 0.9}
NAME_BYTES = {
    "fp8": 1.0,
    "int8": 1.0,
    "w8a8": 1.0,
    "awq": 0.53,
    "gptq": 0.53,
    "w4a16": 0.53,
    "int4": 0.53,
    "bitsandbytes": 0.53,
    "nvfp4": 0.56,
    "mxfp4": 0.53,
}
UNVERIFIED_TOLERANCE = 0.7
"""Share of the weights of an unverified model that are sure."""
WEIGHT_TOLERANCE = 0.97
"""Parameter counts of the catalog are within 3 % of the published ones."""
PEAK_TOLERANCE = 0.8
"""The activation peak is calibrated on one model: a refusal counts this share of it."""
WHOLE = 0.97
"""Share of a GPU that weights can take at all: the driver and CUDA keep the rest."""
ONE_GPU_WEIGHTS = 20e9
"""Weights, in bytes, up to which a report that names no number of GPUs means one."""
CHUNKED_SINCE = (0, 5, 4, 0)
"""Before, vLLM prefilled a whole max_model_len at once; since, only up to 32,768 tokens."""
V1_SINCE = (0, 8, 0, 0)
_OFFLOAD = ("--cpu-offload-gb", "--kv-offloading-size", "--offload", "--cpu-offload")
_SIZES = re.compile(r"(?<![a-z0-9.])(?:(\d+)x)?(\d+(?:\.\d+)?)b(?![a-z])")
_MIXTRAL = {"8x7": 46.7e9, "8x22": 141e9}


def memory_problems(facts: Facts) -> Iterator[Problem]:
    """Weights, then the cache. Nothing where the GPUs or the model are unknown."""
    if (
        facts.runtime in ("llama.cpp", "ollama")
        or not facts.memory_mib
        or any(flag in _OFFLOAD for flag, _ in facts.flags)
    ):
        return
    split = _split(facts)
    weights = _weights(facts)
    if split is None or not weights:
        return
    total = facts.memory_mib * MIB
    per_gpu = weights / split.gpus
    share = max(facts.given.gpu_memory_utilization or 0, DEFAULT_SHARE.get(facts.runtime, 0.9), 0.9)
    tight = per_gpu <= total * WHOLE
    # what a name says of its size is rounder than the catalog
    if per_gpu * WEIGHT_TOLERANCE > total * share or (facts.model is not None and not tight):
        unverified = facts.model is not None and not facts.model.verified
        unverified = unverified and per_gpu * UNVERIFIED_TOLERANCE <= total * WHOLE
        yield Problem(
            "MEMORY_WEIGHTS",
            "model",
            f"weights take {format_bytes(per_gpu)} per GPU ({split.gpus} of them), "
            f"one has {format_bytes(total)}",
            _weight_fixes(facts, weights),
            Severity.WARNING if unverified or _count_unsaid(facts) else Severity.ERROR,
        )
        if tight and not unverified and not _count_unsaid(facts):
            yield _no_room(facts, per_gpu, total * share)
        return
    yield from _cache(facts, split, per_gpu, total)


def _split(facts: Facts) -> Split | None:
    tensor = int(facts.given.tensor_parallel or 0)
    stages = int(facts.given.pipeline_parallel or 0)
    if tensor > 1 and not stages and facts.count and facts.count % tensor == 0:
        stages = facts.count // tensor  # more GPUs than ranks: stages, which nobody said there are not
    stages = max(stages, 1)
    if tensor:
        return Split(tensor, stages)
    if facts.count:
        return Split(facts.count, stages)
    # engines take one GPU where nothing else is said; whoever reports may have left the number out
    return Split(1, stages) if facts.machine is None else None


def _count_unsaid(facts: Facts) -> bool:
    return not facts.given.tensor_parallel and not facts.count


def _weights(facts: Facts) -> float:
    """Bytes of all weights; 0: cannot be told."""
    quantization = _bytes_name(facts.quantization) or ("float32" if facts.dtype == "float32" else "")
    name = facts.model_name.lower()
    if facts.model is not None:
        # what the checkpoint is anyway may mix schemes
        asked = quantization if quantization != facts.model.quantization else ""
        whole = weight_bytes(facts.model, asked or None)
        if quantization == "fp8" and "meta-llama" in name and "405b" in name:
            whole += round(_attention_parameters(facts.model))  # the publisher kept attention in 16 bit
        return whole
    count = _parameters(name)
    if "gguf" in quantization or quantization in ("exl2", "exl3"):
        return 0
    default = 4.0 if quantization == "float32" else 2.0 if not quantization else 0.5
    return count * NAME_BYTES.get(quantization, default)


def _bytes_name(quantization: str) -> str:
    """The name that sizes are listed under; an unknown scheme counts as four bits and so refuses little."""
    if not quantization or quantization in NAME_BYTES:
        return quantization
    for word in ("nvfp4", "mxfp4", "fp4", "awq", "gptq", "gguf", "exl", "fp8", "int8", "w8a8"):
        if word in quantization:
            return {"fp4": "nvfp4", "exl": "exl2"}.get(word, word)
    return "int4"


def _parameters(name: str) -> float:
    """Parameters that a model's name states; 0: none."""
    found = _SIZES.findall(name.rpartition("/")[2])
    if not found:
        return 0
    times, size = found[0]
    if times:
        return _MIXTRAL.get(f"{times}x{size}", 0)
    return float(size) * 1e9


def _attention_parameters(model: ModelShape) -> float:
    return model.layers * (
        2 * model.hidden * model.heads * model.head_dim + 2 * model.hidden * model.kv_heads * model.head_dim
    )


def _cache(facts: Facts, split: Split, weights: float, total: float) -> Iterator[Problem]:
    model = facts.model
    share = facts.given.gpu_memory_utilization or DEFAULT_SHARE.get(facts.runtime, 0.9)
    if model is None or not model.verified or "llama-4" in model.id.lower():
        if (
            facts.given.gpu_memory_utilization
            and weights * WEIGHT_TOLERANCE > total * share
            and facts.runtime == "vllm"
        ):
            yield _no_room(facts, weights, total * share)
        return
    length = int(facts.given.max_model_len or 0)
    tokens = length or model.context
    need = kv_bytes_per_token(model, split, facts.given.kv_cache_dtype) * tokens + kv_bytes_fixed(
        model, split, facts.given.kv_cache_dtype
    )
    batched = _batched_tokens(facts, tokens)
    sequences = int(facts.given.max_num_seqs or 256)
    peak = activation_bytes(model, split, batched, min(sequences, batched))
    room = total * share - weights - peak - RUNTIME_RESERVE
    if need <= room:
        return
    generous = total * share - weights * WEIGHT_TOLERANCE - peak * PEAK_TOLERANCE - RUNTIME_RESERVE / 2
    # others than vLLM shorten the context instead of refusing; nothing asked is nothing promised
    sure = need > generous and bool(length) and facts.runtime in ("vllm", "")
    if _count_unsaid(facts) and weights > ONE_GPU_WEIGHTS:
        sure = False  # such a model is as likely to be on several GPUs
    largest = int(max(room, 0) / max(kv_bytes_per_token(model, split, facts.given.kv_cache_dtype), 1))
    yield Problem(
        "MEMORY_KV",
        "max_model_len",
        f"one sequence of {tokens} tokens needs {format_bytes(need)} of cache per GPU; "
        f"weights ({format_bytes(weights)}) and activations leave {format_bytes(max(room, 0))}, "
        f"about {largest} tokens",
        _cache_fixes(facts, largest),
        Severity.ERROR if sure else Severity.WARNING,
    )


def _no_room(facts: Facts, weights: float, usable: float) -> Problem:
    return Problem(
        "MEMORY_KV",
        "gpu_memory_utilization",
        f"weights take {format_bytes(weights)} per GPU, and the engine may take "
        f"{format_bytes(usable)} for everything",
        (
            set_field("gpu_memory_utilization", 0.9, "use gpu_memory_utilization 0.9"),
            *_weight_fixes(facts, 0),
        ),
    )


def _batched_tokens(facts: Facts, tokens: int) -> int:
    if facts.given.max_num_batched_tokens:
        return (
            facts.given.max_num_batched_tokens
            if isinstance(facts.given.max_num_batched_tokens, int)
            else 2048
        )
    if facts.runtime == "vllm" and () < facts.version < V1_SINCE:
        whole = facts.version < CHUNKED_SINCE or tokens <= 32768
        return tokens if whole else 512
    return 2048


def _cache_fixes(facts: Facts, largest: int) -> tuple[Fix, ...]:
    fixes = []
    asked = int(facts.given.max_model_len or 0)
    for length in (131072, 98304, 65536, 49152, 32768, 24576, 16384, 12288, 8192, 4096, 2048, 1024, 512):
        if length < asked and (length <= largest or facts.version < CHUNKED_SINCE):
            fixes.append(set_field("max_model_len", length, f"use max_model_len {length}"))
        if len(fixes) >= 6:
            break
    share = facts.given.gpu_memory_utilization
    if share and share < 0.9:
        fixes.insert(0, set_field("gpu_memory_utilization", 0.9, "use gpu_memory_utilization 0.9"))
    return (*fixes, *_weight_fixes(facts, 0))


def _weight_fixes(facts: Facts, weights: float) -> tuple[Fix, ...]:
    """More of the same GPUs, then four-bit weights, then larger GPUs."""
    del weights
    size = int(facts.given.tensor_parallel or facts.count or 1)
    heads = facts.model.heads if facts.model else 0
    fixes = [
        Fix(
            f"use {count} GPUs with tensor_parallel {count}",
            {"gpu_count": count, "tensor_parallel": count, "instance": None},
        )
        for count in (2, 4, 8)
        if count > size and (not heads or heads % count == 0) and not facts.mig
    ]
    if facts.mig:
        fixes.append(set_field("mig", None, "use whole GPUs"))
    if not facts.quantization and facts.sm >= (8, 0):
        fixes.append(set_field("quantization", "awq", "use a 4-bit (AWQ) checkpoint"))
    larger = [
        name
        for name, memory in (
            ("l40s", 45776),
            ("a100-80gb-sxm", 81920),
            ("h200", 144384),
            ("b200", 183359),
            ("b300", 275040),
        )
        if memory > (facts.memory_mib or 0)
    ]
    fixes += [set_gpu(facts, name) for name in larger]
    if larger:
        bigger = set_gpu(facts, "b200")
        fixes.append(
            Fix(
                "use 8 B200 GPUs with tensor_parallel 8",
                {**bigger.changes, "gpu_count": 8, "tensor_parallel": 8},
            )
        )
    if size >= 8:
        fixes.append(
            Fix(
                "use two nodes: pipeline_parallel 2",
                {"pipeline_parallel": 2 * int(facts.given.pipeline_parallel or 1)},
            )
        )
    return tuple(fixes)
