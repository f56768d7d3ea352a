"""What a cache of so many bytes holds: tokens, the longest sequence, sequences at once."""

from dataclasses import replace
from math import inf

from gpuyard.catalog.models import ModelShape
from gpuyard.planning.budget import Budget, Step
from gpuyard.planning.engine import Engine
from gpuyard.planning.kv_cache import (
    COMPRESSED_CHUNK,
    block_tokens,
    kv_bytes_fixed,
    kv_bytes_per_token,
    sequence_bytes,
)
from gpuyard.planning.parallel import Split
from gpuyard.records import record

_UNPACKED_HEAD = 256
"""13,360 tokens logged where this gives 12,900 (DeepSeek-V2, 8 x 80 GB; deepseek-ai/DeepSeek-V2#83)."""


@record
class Room:
    """The cache of one replica."""

    tokens: int
    """That grow with the context, over all copies of attention."""
    context: int
    """Longest single sequence."""
    concurrency: int
    """Sequences of the planned length at once."""
    sequence_bytes: int
    """One such sequence, on each GPU."""


def find_room(
    model: ModelShape,
    split: Split,
    engine: Engine,
    budget: Budget,
    context: int,
    kv_dtype: str | None,
    *,
    drafted: int = 0,
) -> Room:
    """What the budget's cache holds of sequences of ``context`` tokens, ``drafted`` of them ahead of each."""
    share = engine.sliding_share
    states = engine.states + (drafted if engine.runtime == "vllm" else 0)
    per_token = kv_bytes_per_token(model, split, kv_dtype, sliding_share=share)
    fixed = kv_bytes_fixed(model, split, kv_dtype, sliding_share=share, states=states)
    one = sequence_bytes(model, split, context, kv_dtype, sliding_share=share, states=states)
    free = max(budget.cache - chunk_bytes(model, split, engine, budget.step, context, kv_dtype), 0)
    page = block_tokens(model, split, kv_dtype)
    tokens_of_one = one
    most = inf if engine.runtime == "sglang" else budget.step.sequences  # it runs what its cache holds
    if engine.state_part and model.linear_layers:
        most = int(engine.state_part * free // fixed)
        free, tokens_of_one, fixed = (1 - engine.state_part) * free, one - fixed, 0.0
    at_once = min(free // tokens_of_one if tokens_of_one else budget.step.sequences, most)
    longest = 0
    if free > fixed:
        longest = int((free - fixed) // per_token // page * page) if per_token else model.context
    return Room(
        tokens=int(free // per_token) * split.data if per_token else 0,
        context=min(longest, model.context) if model.context else longest,
        concurrency=int(at_once) * split.data,
        sequence_bytes=round(one),
    )


def least_cache(
    model: ModelShape, split: Split, engine: Engine, sequences: int, context: int, kv_dtype: str | None
) -> float:
    """Cache without which a server for sequences of up to ``context`` tokens does not start."""
    share = engine.sliding_share
    shape = model if engine.latent or model.mla is None else _unpacked(model)
    need = sequence_bytes(shape, split, context, kv_dtype, sliding_share=share)
    if engine.states_ahead and model.linear_layers:
        need += (sequences - 1) * kv_bytes_fixed(model, split, kv_dtype, sliding_share=share)
    return need


def _unpacked(model: ModelShape) -> ModelShape:
    """Latent attention cached as keys and values of every head, padded to what the kernels take."""
    return replace(model, mla=None, kv_heads=model.heads, head_dim=_UNPACKED_HEAD)


def chunk_bytes(
    model: ModelShape, split: Split, engine: Engine, step: Step, context: int, kv_dtype: str | None
) -> int:
    """Bytes that sliding layers hold beside their windows: the chunk that one sequence is prefilled with."""
    if model.compressed and engine.runtime == "vllm":
        chunk = min(step.tokens, context) * COMPRESSED_CHUNK
        return round(chunk * kv_bytes_per_token(model, split, kv_dtype))
    if engine.sliding_share or not model.sliding_layers:
        return 0
    tokens = min(step.tokens, context)
    whole = kv_bytes_per_token(model, split, kv_dtype, sliding_share=1.0)
    return round(tokens * (whole - kv_bytes_per_token(model, split, kv_dtype)))
