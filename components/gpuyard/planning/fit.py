"""Whether a model fits GPUs, with what context and concurrency, and with which flags."""

from dataclasses import dataclass, replace
from typing import Any

from gpuyard.catalog.hardware import Gpu
from gpuyard.catalog.models import ModelShape
from gpuyard.planning.memory import (
    BLOCK_TOKENS,
    BYTES_PER_PARAMETER,
    KV_BYTES,
    RUNTIME_RESERVE,
    Split,
    activation_bytes,
    kv_bytes_fixed,
    kv_bytes_per_token,
    quantization_of,
    usable_bytes,
    weight_bytes,
)
from gpuyard.planning.parallel import tensor_parallel_problem
from gpuyard.units import format_bytes

MEMORY_SHARE = {"vllm": 0.90, "sglang": 0.88, "tgi": 0.95}
"""Share of a GPU that the runtime takes. vLLM's default is 0.90, 0.92 in late releases: the smaller counts."""
CONTEXT_DEFAULT = 8192
"""Context that is planned for when none is asked, at most the model's own."""
CONCURRENCY_DEFAULT = 8
NODE_GPUS = (1, 2, 4, 8)
"""Tensor-parallel widths that machine types come in."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Fit:
    """One model on one kind of GPU."""

    model: str
    gpu: str
    fits: bool
    tensor_parallel: int
    pipeline_parallel: int
    quantization: str
    context_tokens: int
    concurrency: int
    weights_bytes_per_gpu: int
    kv_bytes_available: int
    """Per GPU, for the cache; negative: weights and activations alone are too much."""
    kv_tokens: int
    """Tokens of cache in the whole replica."""
    max_context: int
    """Longest single sequence."""
    max_concurrency: int
    """Sequences of ``context_tokens`` at once."""
    flags: tuple[str, ...]
    """For the runtime."""
    reason: str
    """Where the memory goes; when it does not fit, what is missing."""


def batched_tokens(gpu: Gpu, runtime: str) -> int:
    """Tokens of one engine step: what the runtime's server defaults to on such a GPU."""
    if runtime != "vllm":
        return 8192
    memory = gpu.memory_mib or 0
    return 16384 if memory >= 160 * 1024 else 8192 if memory >= 70 * 1024 else 2048


def fit_model(
    model: ModelShape,
    gpu: Gpu,
    *,
    gpus: int,
    nodes: int = 1,
    runtime: str = "vllm",
    runtime_version: str | None = None,  # noqa: ARG001 (memory behaviour is per release)
    context_tokens: int | None = None,
    concurrency: int | None = None,
    quantization: str | None = None,
    kv_cache_dtype: str | None = None,
) -> Fit:
    """How ``model`` fits ``gpus`` GPUs of each of ``nodes`` nodes: tensor parallel inside, pipeline across."""
    kind = quantization_of(model, quantization)
    split = Split(gpus, nodes)
    context = min(context_tokens or CONTEXT_DEFAULT, model.context or CONTEXT_DEFAULT)
    sequences = concurrency or CONCURRENCY_DEFAULT
    problem = _refusal(model, gpu, kind, kv_cache_dtype, gpus) or _too_long(model, context_tokens)
    weights = round(weight_bytes(model, quantization) / split.gpus)
    share = MEMORY_SHARE.get(runtime, 0.90)
    step = min(batched_tokens(gpu, runtime), max(context, 2048))
    working = activation_bytes(model, split, step, sequences) + RUNTIME_RESERVE
    available = usable_bytes(gpu.memory_mib or 0, share) - weights - working
    per_token = kv_bytes_per_token(model, split, kv_cache_dtype)
    fixed = kv_bytes_fixed(model, split, kv_cache_dtype)
    per_sequence = (context + BLOCK_TOKENS) * per_token + fixed
    most = int(available // per_sequence) if available > 0 and per_sequence else 0
    longest = int((available - fixed) // per_token) if available > fixed and per_token else 0
    fitted = Fit(
        model=model.id,
        gpu=gpu.id,
        fits=not problem and most >= sequences,
        tensor_parallel=gpus,
        pipeline_parallel=nodes,
        quantization=kind,
        context_tokens=context,
        concurrency=sequences,
        weights_bytes_per_gpu=weights,
        kv_bytes_available=available,
        kv_tokens=max(int(available // per_token), 0) if per_token else 0,
        max_context=min(longest, model.context) if model.context else longest,
        max_concurrency=most,
        flags=(),
        reason=problem
        or _balance(gpu, weights, working, available, per_sequence * sequences, context, sequences),
    )
    return replace(fitted, flags=_flags(fitted, runtime, quantization, kv_cache_dtype, share))


def smallest_fit(model: ModelShape, gpu: Gpu, **wanted: Any) -> Fit | None:
    """The fit on the fewest GPUs of one node; None: not even eight hold it. Takes what `fit_model` takes."""
    for gpus in NODE_GPUS:
        fitted = fit_model(model, gpu, gpus=gpus, **wanted)
        if fitted.fits:
            return fitted
    return None


def _refusal(model: ModelShape, gpu: Gpu, kind: str, kv_dtype: str | None, tensor: int) -> str:
    if gpu.memory_mib is None:
        return f"the memory of {gpu.id} is not known"
    if kind not in BYTES_PER_PARAMETER:
        return f'quantization "{kind}" is not known; known: ' + ", ".join(sorted(BYTES_PER_PARAMETER))
    if kv_dtype and kv_dtype.lower() not in KV_BYTES:
        return f'KV cache dtype "{kv_dtype}" is not known; known: ' + ", ".join(sorted(KV_BYTES))
    return tensor_parallel_problem(model, tensor, kind)


def _too_long(model: ModelShape, asked: int | None) -> str:
    if asked and model.context and asked > model.context:
        return f"{asked:,} tokens of context are more than the model's {model.context:,}"
    return ""


def _balance(
    gpu: Gpu, weights: int, working: int, available: int, wanted: float, context: int, sequences: int
) -> str:
    parts = f"weights {format_bytes(weights)}, activations and runtime {format_bytes(working)} per {gpu.id}"
    if available <= 0:
        return f"{parts}: {format_bytes(-available)} too much before any cache"
    need = f"{sequences} x {context:,} tokens take {format_bytes(wanted)} of {format_bytes(available)} cache"
    return f"{parts}; {need}"


def _flags(
    fitted: Fit, runtime: str, quantization: str | None, kv_dtype: str | None, share: float
) -> tuple[str, ...]:
    names = {
        "vllm": (
            "--max-model-len",
            "--tensor-parallel-size",
            "--pipeline-parallel-size",
            "--gpu-memory-utilization",
        ),
        "sglang": ("--context-length", "--tp-size", "--pp-size", "--mem-fraction-static"),
        "tgi": ("--max-total-tokens", "--num-shard", "", "--cuda-memory-fraction"),
    }.get(runtime)
    if names is None:
        return ()
    length, tensor, pipeline, memory = names
    flags = [f"{length}={fitted.context_tokens}", f"{memory}={share:.2f}"]
    if fitted.tensor_parallel > 1:
        flags.append(f"{tensor}={fitted.tensor_parallel}")
    if fitted.pipeline_parallel > 1 and pipeline:
        flags.append(f"{pipeline}={fitted.pipeline_parallel}")
    if quantization:
        flags.append(f"--quantiz{'e' if runtime == 'tgi' else 'ation'}={quantization}")
    if kv_dtype:
        flags.append(f"--kv-cache-dtype={kv_dtype}")
    return tuple(flags)
