"""Whether a model fits GPUs, with what context and concurrency, and with which flags."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from gpuyard.catalog.gguf import is_gguf
from gpuyard.catalog.hardware import Gpu, machine_types
from gpuyard.catalog.models import ModelShape
from gpuyard.catalog.quantizations import NAMED, SCHEMES
from gpuyard.catalog.software_runtimes import release_key
from gpuyard.planning.advice import Change, changes
from gpuyard.planning.budget import Budget, plan_budget
from gpuyard.planning.draft import with_draft
from gpuyard.planning.engine import find_engine
from gpuyard.planning.extras import NONE, Extras, without_encoder
from gpuyard.planning.fit_flags import lacking, render_flags
from gpuyard.planning.fitted import Fit
from gpuyard.planning.parallel import Split, choose_split
from gpuyard.planning.quantization import KV_BYTES, KV_FP8_SM_MIN, quantization_of, scheme_of
from gpuyard.planning.room import Room, find_room
from gpuyard.units import format_bytes

CONTEXT_DEFAULT = 8192
"""Context that is planned for when none is asked, at most the model's own."""
CONCURRENCY_DEFAULT = 8
_DRAFTS_STAGED = (0, 27)
"""vLLM: MTP across stages failed to start in 0.26 (vllm-project/vllm#52069), mended in #46994.

SGLang refuses it unless an experimental variable is set (sgl-project/sglang#30775, 2026-07-10).
"""
NODE_GPUS = (1, 2, 4, 8, 16)
"""GPUs of one node that one replica may take."""


def fit_model(
    model: ModelShape,
    gpu: Gpu,
    *,
    gpus: int,
    nodes: int = 1,
    runtime: str = "vllm",
    runtime_version: str | None = None,
    context_tokens: int | None = None,
    concurrency: int | None = None,
    quantization: str | None = None,
    kv_cache_dtype: str | None = None,
    data_parallel: int = 1,
    expert_parallel: bool = False,
    text_only: bool = False,
    extras: Extras = NONE,
) -> Fit:
    """How ``model`` fits ``gpus`` GPUs of each of ``nodes`` nodes: tensor parallel inside, pipeline across.

    Without ``runtime_version`` the newest release that is known counts. Never raises: what cannot work does
    not fit, and says why.
    """
    wanted = {
        "gpus": gpus,
        "nodes": nodes,
        "runtime": runtime,
        "runtime_version": runtime_version,
        "context_tokens": context_tokens,
        "concurrency": concurrency,
        "quantization": quantization,
        "kv_cache_dtype": kv_cache_dtype,
        "data_parallel": data_parallel,
        "expert_parallel": expert_parallel,
        "text_only": text_only,
        "extras": extras,
    }
    fitted = _fit(model, gpu, **wanted)
    hopeless = (
        _refusal(model, gpu, quantization, kv_cache_dtype)
        or _unasked(model, runtime, fitted.quantization, extras)
        or lacking(runtime, runtime_version, fitted.flags)
    )
    if fitted.fits or hopeless:
        return fitted
    change = _smallest_change(model, gpu, fitted, wanted)
    return replace(fitted, reason=f"{fitted.reason}; {change}" if change else fitted.reason)


def smallest_fit(
    model: ModelShape, gpu: Gpu, *, gpus_most: int | None = None, nodes_max: int = 1, **wanted: Any
) -> Fit | None:
    """The fit on the fewest GPUs; None: not even the largest node holds it. Takes what `fit_model` takes.

    ``gpus_most`` is the size of the node, by default that of the largest machine that carries the GPU. With
    ``nodes_max`` above 1, whole nodes are joined once one does not hold it.
    """
    most = gpus_most or node_sizes(gpu)[-1]
    for gpus in (size for size in NODE_GPUS if size <= most):
        fitted = _fit(model, gpu, gpus=gpus, **wanted)
        if fitted.fits:
            return fitted
    for nodes in range(2, nodes_max + 1):
        fitted = _fit(model, gpu, gpus=most, nodes=nodes, **wanted)
        if fitted.fits:
            return fitted
    return None


def node_sizes(gpu: Gpu) -> tuple[int, ...]:
    """Numbers of GPUs that one replica can have in one node: up to the largest machine that carries it."""
    counts = [int(machine.gpu_count) for machine in machine_types().values() if machine.gpu == gpu.id]
    most = max(counts, default=8) or 1
    return tuple(size for size in NODE_GPUS if size <= most)


def _fit(
    model: ModelShape,
    gpu: Gpu,
    *,
    gpus: int,
    nodes: int = 1,
    runtime: str = "vllm",
    runtime_version: str | None = None,
    context_tokens: int | None = None,
    concurrency: int | None = None,
    quantization: str | None = None,
    kv_cache_dtype: str | None = None,
    data_parallel: int = 1,
    expert_parallel: bool = False,
    text_only: bool = False,
    extras: Extras = NONE,
) -> Fit:
    text_only = text_only and model.vision is not None
    model = without_encoder(model) if text_only else model
    kind = quantization_of(model, quantization)
    engine = find_engine(runtime, runtime_version)
    context = max(min(context_tokens or CONTEXT_DEFAULT, model.context or CONTEXT_DEFAULT), 1)
    sequences = max(concurrency or CONCURRENCY_DEFAULT, 1)
    split, problem = choose_split(model, gpus, nodes, kind, data_parallel, whole_experts=expert_parallel)
    split = split or Split(max(gpus, 1), max(nodes, 1))
    problem = (
        _refusal(model, gpu, quantization, kv_cache_dtype)
        or _unasked(model, runtime, kind, extras)
        or problem
        or _too_long(model, context_tokens)
        or _staged(runtime, runtime_version, split, extras)
    )
    per_copy = -(-sequences // split.data)
    budget = plan_budget(
        model, gpu, split, engine, concurrency=per_copy, quantization=quantization, extras=extras
    )
    cached = with_draft(model) if extras.draft_tokens else model
    room = find_room(cached, split, engine, budget, context, kv_cache_dtype, drafted=extras.draft_tokens)
    fitted = Fit(
        model=model.id,
        gpu=gpu.id,
        fits=not problem and room.concurrency >= sequences,
        tensor_parallel=split.tensor,
        pipeline_parallel=split.pipeline,
        data_parallel=split.data,
        expert_parallel=split.experts,
        nodes=nodes,
        quantization=kind,
        context_tokens=context,
        concurrency=sequences,
        weights_bytes_per_gpu=budget.weights,
        working_bytes_per_gpu=budget.working,
        kv_bytes_available=budget.cache,
        kv_tokens=room.tokens,
        max_context=room.context,
        max_concurrency=room.concurrency,
        memory_share=budget.share,
        flags=(),
        reason=problem or _balance(gpu, budget, room, context, per_copy),
    )
    flags, notes = render_flags(
        model,
        gpu,
        split,
        budget,
        runtime=runtime,
        runtime_version=runtime_version,
        nodes=nodes,
        context_tokens=context,
        concurrency=per_copy,
        quantization=quantization,
        kv_cache_dtype=kv_cache_dtype,
        text_only=text_only,
        extras=extras,
    )
    missing = lacking(runtime, runtime_version, flags)
    if missing and not problem:
        return replace(fitted, fits=False, reason=missing, flags=flags, notes=notes)
    return replace(fitted, flags=flags, notes=notes)


def _refusal(model: ModelShape, gpu: Gpu, quantization: str | None, kv_dtype: str | None) -> str:
    kind, sm = quantization_of(model, quantization), _capability(gpu)
    if gpu.memory_mib is None:
        return f"the memory of {gpu.id} is not known"
    if kind not in SCHEMES:
        return f'quantization "{kind}" is not known; known: ' + ", ".join(sorted(NAMED))
    if kv_dtype and kv_dtype.lower() not in KV_BYTES:
        return f'KV cache dtype "{kv_dtype}" is not known; known: ' + ", ".join(sorted(KV_BYTES))
    least = scheme_of(model, quantization).sm_min
    if sm and sm < least:
        wants = f"{kind} wants compute capability {least[0]}.{least[1]}, {gpu.id} has {gpu.sm}"
        return f"{wants}: use a newer GPU, or weights that it reads"
    if sm and sm < KV_FP8_SM_MIN and KV_BYTES[(kv_dtype or "auto").lower()] < KV_BYTES["auto"]:
        return f"an fp8 cache wants compute capability 8.0, {gpu.id} has {gpu.sm}: leave it in 16 bit"
    return ""


def _unasked(model: ModelShape, runtime: str, kind: str, extras: Extras) -> str:
    """What is asked that this model or runtime does not have; empty: nothing."""
    if runtime == "tgi" and is_gguf(kind):
        return "TGI reads GGUF files in its llama.cpp image alone: use vllm or sglang"
    if runtime == "tgi" and (extras.draft_tokens or extras.adapters):
        return "drafts and adapters of TGI are not planned: use vllm or sglang"
    if extras.draft_tokens and not model.draft_layers:
        return f"{model.id} has no draft layers of its own"
    return ""


def _staged(runtime: str, version: str | None, split: Split, extras: Extras) -> str:
    """Why the runtime cannot cut what is asked into pipeline stages; empty: it can, or need not."""
    if split.pipeline == 1:
        return ""
    if runtime == "tgi":
        return "TGI has no pipeline parallel"
    old = runtime == "vllm" and () < release_key(version or "") < _DRAFTS_STAGED
    if extras.draft_tokens and (old or runtime == "sglang"):
        which = "vLLM before 0.27" if old else "SGLang"
        return f"{which} drafts no tokens across pipeline stages: use GPUs that hold it without, or no drafts"
    return ""


def _capability(gpu: Gpu) -> tuple[int, ...]:
    """Numbers of the compute capability; empty where the vendor counts otherwise."""
    parts = gpu.sm.split(".")
    return tuple(int(part) for part in parts) if all(part.isdigit() for part in parts) else ()


def _too_long(model: ModelShape, asked: int | None) -> str:
    if asked and model.context and asked > model.context:
        return f"{asked:,} tokens of context are more than the model's {model.context:,}"
    return ""


def _balance(gpu: Gpu, budget: Budget, room: Room, context: int, sequences: int) -> str:
    parts = (
        f"weights {format_bytes(budget.weights)}, activations and runtime {format_bytes(budget.working)} "
        f"per {gpu.id}"
    )
    if budget.cache <= 0:
        return f"{parts}: {format_bytes(-budget.cache)} too much before any cache"
    need = f"{sequences} x {context:,} tokens take {format_bytes(room.sequence_bytes * sequences)}"
    return f"{parts}; {need} of {format_bytes(budget.cache)} cache"


def _smallest_change(model: ModelShape, gpu: Gpu, fitted: Fit, wanted: Mapping[str, Any]) -> str:
    for change in changes(model, gpu, fitted, wanted, node_sizes(gpu)):
        tried = {**wanted, **change.wanted}
        again = _fit(model, gpu, **tried)
        if again.fits:
            return _in_words(change, again)
    short = fitted.max_concurrency < fitted.concurrency
    return "use a larger GPU, or a smaller model" if short else ""


def _in_words(change: Change, fitted: Fit) -> str:
    return f"it fits with {change.words}".format(
        context=fitted.context_tokens, concurrency=fitted.concurrency
    )
