"""Bytes of the attention cache: per token, and per sequence whatever its length, on each GPU.

=================  ==========================================================================
full attention     keys and values of every token; heads are cut over tensor-parallel ranks, and
                   copied where there are fewer heads than ranks
latent (MLA)       one compressed row per token, whole on every tensor-parallel rank
sliding window     the window's tokens where the runtime knows how, else every token
linear, Mamba      one state per sequence; two where the runtime also keeps one to share a prefix
compressed         a row for every few tokens in 8 bit, whole on every tensor-parallel rank; beside it
                   windows of uncompressed rows and of the sums that become rows
=================  ==========================================================================

Tokens per GiB agree with logged ``GPU KV cache size`` lines within 2 % (`tests/planning`).
"""

from dataclasses import replace
from math import ceil

from gpuyard.catalog.models import Mla, ModelShape
from gpuyard.planning.parallel import Split
from gpuyard.planning.quantization import KV_BYTES, RARE_KV_BYTES

BLOCK_TOKENS = 16
"""Paged allocation adds up to one block per sequence."""
LATENT_BLOCK_TOKENS = 64
"""The same for latent attention, whose kernels want larger pages."""
STATE_WIDTH = 128
"""Key width of linear attention; with `heads * head_dim` values in float32 it gives 3.1 MB per layer of
Qwen3.5-27B, and pages of 1,568 tokens logged for its state (noonghunna/club-3090#1047, 2026-08-17)."""
_STATE_BYTES = 4
INDEXER_BYTES = 132
"""Per token and layer of sparse attention: 128 fp8 values and a scale that pick what is attended to."""
INDEXED = ("DeepseekV32ForCausalLM", "GlmMoeDsaForCausalLM")
"""Latent attention to tokens that an indexer picks."""
_PICKED_BLOCKS = "MiniMaxM3ForCausalLM"
"""Sparse attention whose layers with experts keep a key of 128 values in 16 bit, whole on every rank, beside
grouped heads: 44.25 GiB for 1,048,576 tokens on 8 GPUs (vllm-project/recipes#653, 2026-07-19)."""
_PICK_KEY_BYTES = 256
_SPARSE_GROUP = 128
"""Values of a latent row that share a 4-byte scale in the 8-bit cache of sparse attention, whose rotary part
stays 16 bit: 656 bytes for a row of 512 and 64 (7.51 GiB logged for 131,072 tokens of GLM-5.2)."""
COMPRESSED_PAGE = 256
"""Tokens of one page of compressed attention; every kind of its cache takes pages of the same size."""
_ROW = 585
"""Bytes of a compressed row: 512 values in 8 bit, 64 of them rotary in 16, and scales; 37,440 for 64 rows."""
_PICKS = 143
"""The same of what picks rows, beside rows of the finest kind. Pages of 1,002,240 bytes were logged for 62
such caches of DeepSeek-V4-Flash (vllm-project/vllm#54703, 2026-09-06)."""
_WINDOW_PAGES = 26
"""Of a sequence, whatever its length: two kinds of sliding rows and two of sums."""
COMPRESSED_CHUNK = 104
"""Tokens of context that one token of the chunk in prefill takes: it lies in pages of 64, 64, 4 and 8 tokens.
One sequence of 912,128 tokens took 6.33 GiB in vLLM 0.26 (vllm-project/vllm#51041, 2026-08-04)."""


def kv_bytes_per_token(
    model: ModelShape, split: Split, kv_dtype: str | None = None, *, sliding_share: float = 0.0
) -> float:
    """Cache bytes that one more token of context takes on each GPU.

    ``sliding_share`` is how much of a token the sliding layers keep beyond their window: 0 where the
    runtime frees what left it, 1 where it does not know windows.
    """
    if model.compressed:
        return _compressed_bytes(model) / split.pipeline
    whole = _stage_layers(_group_padded(model, sliding_share), split)
    sliding = sliding_share * _stage_layers(model.sliding_layers, split)
    picks = 0
    if model.architecture == _PICKED_BLOCKS and model.moe:
        picks = _PICK_KEY_BYTES * _stage_layers(model.moe.layers or model.layers, split)
    heads = whole * _global_token_bytes(model, split, kv_dtype)
    return picks + heads + sliding * _layer_token_bytes(model, split, kv_dtype)


def kv_bytes_fixed(
    model: ModelShape,
    split: Split,
    kv_dtype: str | None = None,
    *,
    sliding_share: float = 0.0,
    states: int = 1,
) -> float:
    """Cache bytes per sequence on each GPU that do not grow with the context: windows and states.

    ``states`` is how many of each linear layer the runtime keeps for a sequence.
    """
    if model.compressed:
        return _WINDOW_PAGES * COMPRESSED_PAGE * kv_bytes_per_token(model, split)
    window = 0.0
    if sliding_share == 0.0 and model.sliding_layers:
        tokens = model.sliding_window + BLOCK_TOKENS
        layers = _stage_layers(_sliding_padded(model), split)
        window = layers * tokens * _layer_token_bytes(model, split, kv_dtype)
    return window + states * _stage_layers(model.linear_layers, split) * state_bytes(model, split)


def state_bytes(model: ModelShape, split: Split) -> float:
    """State of one linear layer for one sequence on each GPU."""
    values = model.state_values or model.heads * model.head_dim * STATE_WIDTH
    return values * _STATE_BYTES / split.tensor


def block_tokens(model: ModelShape, split: Split, kv_dtype: str | None = None) -> int:
    """Tokens of one page: hybrids make pages of attention as large as one state."""
    if model.compressed:
        return COMPRESSED_PAGE
    least = LATENT_BLOCK_TOKENS if model.mla else BLOCK_TOKENS
    token = _layer_token_bytes(model, split, kv_dtype)
    if not model.linear_layers or not token:
        return least
    return max(least, ceil(state_bytes(model, split) / token / BLOCK_TOKENS) * BLOCK_TOKENS)


def sequence_bytes(
    model: ModelShape,
    split: Split,
    context_tokens: int,
    kv_dtype: str | None = None,
    *,
    sliding_share: float = 0.0,
    states: int = 1,
) -> float:
    """Cache bytes of one sequence of that length on each GPU, with the slack of its last page."""
    page = block_tokens(model, split, kv_dtype)
    tokens = ceil(context_tokens / page) * page
    per_token = kv_bytes_per_token(model, split, kv_dtype, sliding_share=sliding_share)
    fixed = kv_bytes_fixed(model, split, kv_dtype, sliding_share=sliding_share, states=states)
    return tokens * per_token + fixed


def _layer_token_bytes(model: ModelShape, split: Split, kv_dtype: str | None) -> float:
    name = (kv_dtype or "auto").lower()
    size = KV_BYTES.get(name) or RARE_KV_BYTES.get(name, KV_BYTES["auto"])
    if model.mla:
        return _latent_bytes(model.mla, size, sparse=model.architecture in INDEXED)
    width = model.head_dim + (model.value_dim or model.head_dim)
    return width * size * max(model.kv_heads / split.tensor, 1)


def _latent_bytes(mla: Mla, size: float, *, sparse: bool) -> float:
    if not sparse:
        return (mla.kv_lora_rank + mla.qk_rope) * size
    if size > 1:
        return (mla.kv_lora_rank + mla.qk_rope) * size + INDEXER_BYTES
    return mla.kv_lora_rank * size + mla.kv_lora_rank / _SPARSE_GROUP * 4 + mla.qk_rope * 2 + INDEXER_BYTES


def _compressed_bytes(model: ModelShape) -> float:
    """Of one more token, in all layers."""
    finest = min(ratio for ratio, _ in model.compressed)
    return sum(
        layers * (_ROW + (_PICKS if ratio == finest else 0)) / ratio for ratio, layers in model.compressed
    )


def _global_token_bytes(model: ModelShape, split: Split, kv_dtype: str | None) -> float:
    """Of a layer of full attention: its heads may be fewer and wider than those of sliding layers."""
    if not model.global_kv_heads:
        return _layer_token_bytes(model, split, kv_dtype)
    heads = replace(model, kv_heads=model.global_kv_heads, head_dim=model.global_head_dim)
    return _layer_token_bytes(heads, split, kv_dtype)


def _stage_layers(layers: int, split: Split) -> int:
    return ceil(layers / split.pipeline)


def _group_padded(model: ModelShape, sliding_share: float) -> int:
    """Layers of full attention, filled up to whole groups where two kinds of layers share one pool."""
    if sliding_share or not model.sliding_layers:
        return model.full_attention_layers
    return _fill(model.full_attention_layers, _group(model))


def _sliding_padded(model: ModelShape) -> int:
    return _fill(model.sliding_layers, _group(model))


def _group(model: ModelShape) -> int:
    return min(model.full_attention_layers or model.sliding_layers, model.sliding_layers)


def _fill(layers: int, group: int) -> int:
    return ceil(layers / group) * group if group else layers
