"""What kinds of layers a config.json describes, and how many parameters they have."""

from collections import Counter
from collections.abc import Mapping
from math import ceil
from typing import Any

from gpuyard.catalog.config_reader import ConfigReader
from gpuyard.catalog.models import Mla, Moe
from gpuyard.records import record

_UNGATED = (
    "bloom",
    "falcon",
    "gpt2",
    "gpt_bigcode",
    "gpt_neox",
    "gptj",
    "mpt",
    "nemotron",
    "nemotron_h",
    "opt",
    "phi",
    "starcoder2",
)
"""Model types whose feed-forward has two matrices instead of three."""
_SLIDING_PATTERN = {"gemma2": 2, "gemma3": 6, "gemma3_text": 6, "cohere2": 4}
"""One layer of so many sees the whole context, where the file names no pattern."""
_FULL_WINDOW = ("qwen2", "qwen2_moe", "qwen3", "qwen3_moe")
"""Model types that use their window only where `use_sliding_window` says so."""


_FFN_STEP = 256
"""Widths of searched architectures are whole multiples of this."""
_LEFT_OUT = "such models are not planned"
_HEADS = ("mamba_num_heads", "mamba_n_heads", "n_mamba_heads")
_HEAD_DIM = ("mamba_head_dim", "mamba_d_head", "mamba_headdim")
_STATE = ("ssm_state_size", "mamba_state_dim", "mamba_d_state")
_GROUPS = ("n_groups", "mamba_n_groups", "mamba_ngroups")
"""What families of Mamba call the same numbers."""
_LINEAR_SQUARES = 6
"""Parameters of a linear or Mamba layer, in squares of the hidden size: expansion 2, in and out."""


@record
class LayerKinds:
    """How many layers keep what."""

    sliding: int = 0
    linear: int = 0
    without_attention: int = 0
    """Feed-forward layers that stand alone and keep nothing."""
    without_ffn: int = 0
    """Layers that mix tokens only."""
    full: int | None = None
    """Layers whose cache grows, where they are not just the others."""
    both: int = 0
    """Layers with attention and a state side by side; they are among ``linear`` too."""


def count_layers(read: ConfigReader) -> int:
    """Layers: as the file says, else as many as it lists one by one."""
    lists = ("layer_types", "layers_block_type", "hybrid_override_pattern", "block_configs")
    listed = next((read.fields[key] for key in lists if isinstance(read.fields.get(key), list | str)), ())
    return read.whole("num_hidden_layers", "n_layer", "n_layers", "num_layers", default=len(listed) or None)


def read_experts(read: ConfigReader, layers: int) -> Moe | None:
    """The mixture of experts; None: dense."""
    names = ("num_local_experts", "n_routed_experts", "num_experts", "moe_num_experts")
    experts = read.whole("num_experts", *names, default=0, least=0)
    if experts < 2:
        return None
    width = read.whole(
        "moe_intermediate_size", "expert_ffn_hidden_size", "intermediate_size", "ffn_hidden_size"
    )
    top_k = read.whole(
        "num_experts_per_tok",
        "num_experts_per_token",
        "experts_per_token",
        "moe_top_k",
        "moe_topk",
        "moe_k",
        default=1,
    )
    if top_k > experts:
        read.report("num_experts_per_tok", top_k, f"is more than the {experts} experts")
    shared = read.whole_or_none(
        "moe_shared_expert_intermediate_size", "shared_expert_intermediate_size", "shared_intermediate_size"
    )
    return Moe(
        experts=experts,
        top_k=top_k,
        expert_ffn=width,
        shared_ffn=shared or _shared_experts(read) * width,
        layers=_expert_layers(read, layers),
        matrices=2 if is_ungated(read) else 3,
        width=read.whole_or_none("moe_latent_size", "routed_expert_hidden_size"),
    )


def _shared_experts(read: ConfigReader) -> int:
    """Experts of every token; Llama 4 has one and does not say so."""
    own = str(read.fields.get("model_type", "")).startswith("llama4")
    names = ("n_shared_experts", "num_shared_experts", "num_shared_expert", "moe_num_shared_experts")
    return read.whole_or_none(*names) or int(own)


def is_ungated(read: ConfigReader) -> bool:
    """Whether the feed-forward has two matrices instead of three."""
    return str(read.fields.get("model_type", "")) in _UNGATED


def _expert_layers(read: ConfigReader, layers: int) -> int | None:
    """Layers with experts; None: all."""
    pattern, kinds = read.fields.get("hybrid_override_pattern"), read.fields.get("layers_block_type")
    if isinstance(pattern, str) and "E" in pattern:
        return pattern.count("E")
    if isinstance(kinds, list) and "moe" in kinds:
        return kinds.count("moe")
    listed = read.fields.get("moe_layer_freq")
    if isinstance(listed, list):
        return sum(1 for entry in listed if entry)
    dense = read.whole_or_none("first_k_dense_replace", "num_dense_layers", "moe_layer_start_index")
    step = read.whole("decoder_sparse_step", "interleave_moe_layer_step", "expert_layer_period", default=1)
    alone = read.fields.get("mlp_only_layers")
    count = (layers - dense) // step - (len(alone) if isinstance(alone, list) else 0)
    return None if count == layers else max(count, 0)


def read_latent(read: ConfigReader) -> Mla | None:
    """Multi-head latent attention; None: the usual kind."""
    rank = read.whole_or_none("kv_lora_rank")
    if not rank:
        return None
    return Mla(
        kv_lora_rank=rank,
        qk_rope=read.whole("qk_rope_head_dim", default=64),
        qk_nope=read.whole("qk_nope_head_dim", default=128),
        v_head_dim=read.whole("v_head_dim", default=128),
        q_lora=read.whole_or_none("q_lora_rank"),
    )


def read_layer_kinds(read: ConfigReader, layers: int) -> LayerKinds:
    """How many layers slide a window, are linear, or have no attention."""
    kinds = read.fields.get("layer_types")
    if kinds is None:
        kinds = read.fields.get("layers_block_type")
    if isinstance(kinds, list):
        return _listed_kinds(read, [str(kind) for kind in kinds], layers)
    pattern = read.fields.get("hybrid_override_pattern")
    if isinstance(pattern, str) and pattern:
        alone = sum(map(pattern.count, "-E"))
        return LayerKinds(
            linear=pattern.count("M"), without_attention=alone, without_ffn=max(len(pattern) - alone, 0)
        )
    for key, holder in (
        ("attn_layer_indices", read.fields),
        ("full_attn_idxs", read.fields),
        ("full_attn_layers", _linear_config(read)),
    ):
        indices = holder.get(key)
        if isinstance(indices, list):
            return LayerKinds(linear=max(layers - len(indices), 0))
    attending = read.fields.get("attn_type_list")
    if isinstance(attending, list) and len(attending) == layers:
        return LayerKinds(linear=attending.count(0))  # MiniMax's lightning attention
    slides = read.fields.get("hybrid_layer_pattern")
    if isinstance(slides, list) and read.whole_or_none("sliding_window"):
        return LayerKinds(sliding=sum(1 for entry in slides if entry == 1))
    if read_compressed(read, layers):
        return LayerKinds()
    blocks = read.fields.get("block_configs")
    if isinstance(blocks, list):
        return LayerKinds(without_attention=sum(1 for block in blocks if _skips(block, "attention")))
    period = read.whole_or_none("full_attention_interval", "attn_layer_period")
    if period:
        return LayerKinds(linear=layers - layers // period)
    if read.whole_or_none("mamba_d_ssm"):
        return LayerKinds(linear=layers, both=layers, full=layers)
    mamba = next((key for key in read.fields if key.startswith(("mamba_", "ssm_"))), "")
    if mamba:
        read.report(mamba, None, "does not say which layers are Mamba's, or they share weights", _LEFT_OUT)
    return _windowed_kinds(read, layers)


def read_compressed(read: ConfigReader, layers: int) -> tuple[tuple[int, int], ...]:
    """Layers of compressed attention by how many tokens share a row; empty: it is another."""
    ratios = read.fields.get("compress_ratios")
    if not isinstance(ratios, list) or not all(isinstance(ratio, int) for ratio in ratios):
        return ()
    found = Counter(ratio for ratio in ratios[:layers] if ratio > 0)
    return tuple(sorted(found.items()))


def _linear_config(read: ConfigReader) -> Mapping[str, Any]:
    found = read.fields.get("linear_attn_config")
    return found if isinstance(found, Mapping) else {}


def _skips(block: Any, part: str) -> bool:
    """Whether a block of a searched architecture goes without its attention or feed-forward."""
    found = block.get(part) if isinstance(block, Mapping) else None
    return isinstance(found, Mapping) and bool(found.get("no_op") or found.get("replace_with_linear"))


def read_blocks(read: ConfigReader, hidden: int, heads: int) -> tuple[int, int]:
    """KV heads and mean feed-forward width of a searched architecture; 0: it is none."""
    blocks = read.fields.get("block_configs")
    if not isinstance(blocks, list) or not blocks:
        return 0, 0
    groups, widths = 0, 0
    for block in blocks:
        parts = block if isinstance(block, Mapping) else {}
        attention, ffn = parts.get("attention") or {}, parts.get("ffn") or {}
        groups = groups or int(attention.get("n_heads_in_group") or 0)
        multiple = 0 if ffn.get("no_op") else float(ffn.get("ffn_mult") or 0)
        widths += ceil(2 * multiple * hidden / 3 / _FFN_STEP) * _FFN_STEP
    return (heads // groups if groups else 0), round(widths / len(blocks))


def state_values(read: ConfigReader) -> int:
    """Numbers in the state that one linear or Mamba layer keeps for a sequence; 0: the file does not say."""
    inner = _mamba_width(read)
    if inner:
        return inner * read.whole(*_STATE, default=128)
    taps = read.whole_or_none("conv_L_cache")
    if taps:
        return (taps - 1) * read.whole("hidden_size")
    heads, width = read.whole_or_none("linear_num_value_heads"), read.whole_or_none("linear_value_head_dim")
    if heads and width:
        return heads * width * read.whole("linear_key_head_dim", default=width)
    if isinstance(read.fields.get("attn_type_list"), list):
        heads, width = read.whole("num_attention_heads"), read.whole("head_dim", default=128)
        return heads * width * width
    inner = ConfigReader(_linear_config(read), read.file)
    heads, width = inner.whole_or_none("num_heads"), inner.whole_or_none("head_dim")
    return heads * width * width


def linear_parameters(read: ConfigReader, hidden: int) -> int:
    """Parameters of one linear layer's projections; 0: the file does not say."""
    if read.whole_or_none("conv_L_cache"):
        return 4 * hidden**2  # three gates in, one out
    inner = _mamba_width(read)
    if not inner:
        return 0
    groups, state = read.whole(*_GROUPS, default=1), read.whole(*_STATE, default=128)
    into = 2 * inner + 2 * groups * state + read.whole(*_HEADS)
    return hidden * (into + inner)


def _mamba_width(read: ConfigReader) -> int:
    """Width of Mamba-2 layers inside; 0: it has none, or is of the first kind."""
    heads = read.whole_or_none(*_HEADS)
    if not heads or any(read.fields.get(name) == "auto" for name in _HEAD_DIM):
        return (read.whole("mamba_expand", default=2) * read.whole("hidden_size")) if heads else 0
    return heads * read.whole_or_none(*_HEAD_DIM)


def attention_parameters(read: ConfigReader, hidden: int, heads: int, kv_heads: int) -> int:
    """Parameters of attention whose query and output are both of low rank; 0: it is another."""
    query, out = read.whole_or_none("q_lora_rank"), read.whole_or_none("o_lora_rank")
    if not out:
        return 0
    width = read.whole("head_dim", default=max(hidden // heads, 1))
    groups = read.whole("o_groups", default=1)
    key = hidden * kv_heads * width  # the value is the key
    return hidden * query + query * heads * width + key + heads * width * out + groups * out * hidden


def _listed_kinds(read: ConfigReader, kinds: list[str], layers: int) -> LayerKinds:
    if len(kinds) != layers:
        read.report("layer_types", len(kinds), f"lists {len(kinds)} layers, the model has {layers}")
    alone = sum(kind in ("mlp", "moe") for kind in kinds)
    return LayerKinds(
        sliding=sum("sliding" in kind or "chunked" in kind for kind in kinds),
        linear=sum(any(word in kind for word in ("linear", "mamba", "conv", "recurrent")) for kind in kinds),
        without_attention=alone,
        without_ffn=len(kinds) - alone if alone else 0,
    )


def _windowed_kinds(read: ConfigReader, layers: int) -> LayerKinds:
    """A window that `use_sliding_window` turns off, or that no context outgrows, counts as none."""
    family = str(read.fields.get("model_type", ""))
    chunked = read.whole_or_none("attention_chunk_size")
    if chunked and family.startswith("llama4"):
        skipped = read.fields.get("no_rope_layers")
        whole = skipped.count(0) if isinstance(skipped, list) and skipped else layers // 4
        return LayerKinds(sliding=layers - whole)
    window = read.whole_or_none("sliding_window")
    sees_all = 0 < read.whole_or_none("max_position_embeddings") <= window
    if not window or sees_all or not read.fields.get("use_sliding_window", family not in _FULL_WINDOW):
        return LayerKinds()
    if family in _FULL_WINDOW:
        return LayerKinds(sliding=max(layers - read.whole("max_window_layers", default=layers, least=0), 0))
    pattern = read.whole_or_none("sliding_window_pattern") or _SLIDING_PATTERN.get(family, 0)
    return LayerKinds(sliding=layers - layers // pattern if pattern else layers)


@record
class Dimensions:
    """The numbers that parameters are counted from."""

    layers: int
    hidden: int
    heads: int
    kv_heads: int
    head_dim: int
    ffn: int
    vocab: int
    tied: bool
    family: str
    kinds: LayerKinds = LayerKinds()
    linear: int = 0
    """Parameters of one linear layer; 0: by rule of thumb."""
    attention: int = 0
    """Parameters of one layer's attention; 0: from the heads."""


def count_parameters(size: Dimensions, moe: Moe | None, mla: Mla | None) -> tuple[float, float]:
    """Parameters, and those active for one token; norms and biases are left out (below 0.1 %)."""
    matrices = 2 if size.family in _UNGATED else 3
    linear, layers_with_ffn = size.kinds.linear, size.layers - size.kinds.without_ffn
    attending = max(size.layers - size.kinds.without_attention - (linear - size.kinds.both), 0)
    mixing = attending * (size.attention or _attention(size, mla)) + linear * (
        size.linear or _LINEAR_SQUARES * size.hidden**2
    )
    base = mixing + size.vocab * size.hidden * (1 if size.tied else 2)
    if moe is None:
        total = float(base + layers_with_ffn * matrices * size.hidden * size.ffn)
        return total, total
    alone = size.kinds.without_attention > 0  # the layers of experts are layers of their own
    with_experts = layers_with_ffn if moe.layers is None else moe.layers
    base += 0 if alone else max(layers_with_ffn - with_experts, 0) * matrices * size.hidden * size.ffn
    width = moe.width or size.hidden
    base += with_experts * size.hidden * (matrices * moe.shared_ffn + moe.experts)
    base += with_experts * 2 * size.hidden * moe.width
    expert = with_experts * moe.matrices * width * moe.expert_ffn
    return float(base + expert * moe.experts), float(base + expert * moe.top_k)


def _attention(size: Dimensions, mla: Mla | None) -> int:
    if mla is None:
        return 2 * size.hidden * size.head_dim * (size.heads + size.kv_heads)
    key = mla.qk_nope + mla.qk_rope
    query = (
        size.hidden * mla.q_lora + mla.q_lora * size.heads * key
        if mla.q_lora
        else size.hidden * size.heads * key
    )
    latent = size.hidden * (mla.kv_lora_rank + mla.qk_rope)
    expand = mla.kv_lora_rank * size.heads * (mla.qk_nope + mla.v_head_dim)
    return query + latent + expand + size.heads * mla.v_head_dim * size.hidden
