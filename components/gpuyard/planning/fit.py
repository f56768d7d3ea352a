"""Whether a model fits GPUs, with what context and concurrency, and with which flags."""

from dataclasses import replace
from typing import Any

from gpuyard.catalog.hardware import Gpu, machine_types
from gpuyard.catalog.models import ModelShape
from gpuyard.planning.advice import Change, changes
from gpuyard.planning.budget import Budget, plan_budget
from gpuyard.planning.draft import with_draft
from gpuyard.planning.engine import find_engine
from gpuyard.planning.extras import without_encoder
from gpuyard.planning.fit_flags import lacking, render_flags
from gpuyard.planning.fitted import Fit
from gpuyard.planning.obstacle import find_obstacle, not_copied, not_staged, too_long
from gpuyard.planning.parallel import Split, choose_split
from gpuyard.planning.quantization import quantization_of
from gpuyard.planning.room import Room, find_room
from gpuyard.planning.wanted import Wanted
from gpuyard.units import format_bytes

CONTEXT_DEFAULT = 8192
"""Context that is planned for when none is asked, at most the model's own."""
CONCURRENCY_DEFAULT = 8
NODE_GPUS = (1, 2, 4, 8, 16)
"""GPUs of one node that one replica may take."""


def fit_model(model: ModelShape, gpu: Gpu, **wanted: Any) -> Fit:
    """How ``model`` fits: tensor parallel inside a node, pipeline across. ``wanted``: the fields of `Wanted`.

    Never raises: what cannot work does not fit, and says why.
    """
    asked = Wanted(**wanted)
    fitted = _fit(model, gpu, asked)
    if fitted.fits or find_obstacle(model, gpu, asked):
        return fitted
    if lacking(asked.runtime, asked.runtime_version, fitted.flags):
        return fitted
    change = _smallest_change(model, gpu, fitted, asked)
    return replace(fitted, reason=f"{fitted.reason}; {change}" if change else fitted.reason)


def smallest_fit(
    model: ModelShape, gpu: Gpu, *, gpus_most: int | None = None, nodes_max: int = 1, **wanted: Any
) -> Fit | None:
    """The fit on the fewest GPUs; None: not even the largest node holds it. Takes what `fit_model` takes.

    ``gpus_most`` is the size of the node, by default that of the largest machine that carries the GPU. With
    ``nodes_max`` above 1, whole nodes are joined once one does not hold it.
    """
    most = gpus_most or node_sizes(gpu)[-1]
    sizes = [(gpus, 1) for gpus in NODE_GPUS if gpus <= most]
    sizes += [(most, nodes) for nodes in range(2, nodes_max + 1)]
    fits = (_fit(model, gpu, Wanted(gpus=gpus, nodes=nodes, **wanted)) for gpus, nodes in sizes)
    return next((fitted for fitted in fits if fitted.fits), None)


def node_sizes(gpu: Gpu) -> tuple[int, ...]:
    """Numbers of GPUs that one replica can have in one node: up to the largest machine that carries it."""
    counts = [int(machine.gpu_count) for machine in machine_types().values() if machine.gpu == gpu.id]
    most = max(counts, default=8) or 1
    return tuple(size for size in NODE_GPUS if size <= most)


def _fit(model: ModelShape, gpu: Gpu, wanted: Wanted) -> Fit:
    text_only = wanted.text_only and model.vision is not None
    model = without_encoder(model) if text_only else model
    context = max(min(wanted.context_tokens or CONTEXT_DEFAULT, model.context or CONTEXT_DEFAULT), 1)
    sequences = max(wanted.concurrency or CONCURRENCY_DEFAULT, 1)
    split, obstacle = _split(model, gpu, wanted)
    per_copy = -(-sequences // split.data)
    budget, room = _memory(model, gpu, split, wanted, context, per_copy)
    flags, notes = render_flags(
        model,
        gpu,
        split,
        budget,
        wanted,
        context_tokens=context,
        concurrency=per_copy,
        text_only=text_only,
    )
    obstacle = obstacle or lacking(wanted.runtime, wanted.runtime_version, flags)
    return Fit(
        model=model.id,
        gpu=gpu.id,
        fits=not obstacle and room.concurrency >= sequences,
        tensor_parallel=split.tensor,
        pipeline_parallel=split.pipeline,
        data_parallel=split.data,
        expert_parallel=split.experts,
        nodes=wanted.nodes,
        quantization=quantization_of(model, wanted.quantization),
        context_tokens=context,
        concurrency=sequences,
        weights_bytes_per_gpu=budget.weights,
        working_bytes_per_gpu=budget.working,
        kv_bytes_available=budget.cache,
        kv_tokens=room.tokens,
        max_context=room.context,
        max_concurrency=room.concurrency,
        memory_share=budget.share,
        flags=flags,
        notes=notes,
        reason=obstacle or _balance(gpu, budget, room, context, per_copy),
    )


def _split(model: ModelShape, gpu: Gpu, wanted: Wanted) -> tuple[Split, str]:
    """How the model is cut over the GPUs, and why what is asked cannot be; empty: it can."""
    kind = quantization_of(model, wanted.quantization)
    split, indivisible = choose_split(
        model, wanted.gpus, wanted.nodes, kind, wanted.data_parallel, whole_experts=wanted.expert_parallel
    )
    split = split or Split(max(wanted.gpus, 1), max(wanted.nodes, 1))
    obstacle = (
        find_obstacle(model, gpu, wanted)
        or indivisible
        or too_long(model, wanted)
        or not_staged(wanted, split)
        or not_copied(wanted, split)
    )
    return split, obstacle


def _memory(
    model: ModelShape, gpu: Gpu, split: Split, wanted: Wanted, context: int, sequences: int
) -> tuple[Budget, Room]:
    """Where the memory of a GPU goes, and what the rest holds of the cache; ``sequences`` of one copy."""
    engine = find_engine(wanted.runtime, wanted.runtime_version)
    budget = plan_budget(
        model,
        gpu,
        split,
        engine,
        concurrency=sequences,
        quantization=wanted.quantization,
        extras=wanted.extras,
    )
    drafted = wanted.extras.draft_tokens
    cached = with_draft(model) if drafted else model
    return budget, find_room(cached, split, engine, budget, context, wanted.kv_cache_dtype, drafted=drafted)


def _balance(gpu: Gpu, budget: Budget, room: Room, context: int, sequences: int) -> str:
    parts = (
        f"weights {format_bytes(budget.weights)}, steps and runtime {format_bytes(budget.working)} "
        f"per {gpu.id}"
    )
    if budget.cache <= 0:
        return f"{parts}: {format_bytes(-budget.cache)} too much before any cache"
    need = f"{sequences} x {context:,} tokens take {format_bytes(room.sequence_bytes * sequences)}"
    return f"{parts}; {need} of {format_bytes(budget.cache)} cache"


def _smallest_change(model: ModelShape, gpu: Gpu, fitted: Fit, wanted: Wanted) -> str:
    for change in changes(model, gpu, fitted, wanted, node_sizes(gpu)):
        again = _fit(model, gpu, replace(wanted, **change.wanted))
        if again.fits:
            return _in_words(change, again)
    short = fitted.max_concurrency < fitted.concurrency
    return "use a larger GPU, or a smaller model" if short else ""


def _in_words(change: Change, fitted: Fit) -> str:
    return f"it fits with {change.words}".format(
        context=fitted.context_tokens, concurrency=fitted.concurrency
    )
