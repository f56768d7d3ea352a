"""What kinds of layers a config.json describes, and how many parameters they have."""

from dataclasses import dataclass

from gpuyard.catalog.config_reader import ConfigReader
from gpuyard.catalog.models import Mla, Moe

_UNGATED = (
    "bloom",
    "falcon",
    "gpt2",
    "gpt_bigcode",
    "gpt_neox",
    "gptj",
    "mpt",
    "nemotron",
    "opt",
    "phi",
    "starcoder2",
)
"""Model types whose feed-forward has two matrices instead of three."""
_SLIDING_PATTERN = {"gemma2": 2, "gemma3": 6, "gemma3_text": 6, "cohere2": 4}
"""One layer of so many sees the whole context, where the file names no pattern."""
_FULL_WINDOW = ("qwen2", "qwen2_moe", "qwen3", "qwen3_moe")
"""Model types that use their window only where `use_sliding_window` says so."""


_LINEAR_SQUARES = 6
"""Parameters of a linear or Mamba layer, in squares of the hidden size: expansion 2, in and out."""


@dataclass(frozen=True, slots=True, kw_only=True)
class LayerKinds:
    """How many layers keep what."""

    sliding: int = 0
    linear: int = 0
    without_attention: int = 0
    """Feed-forward layers that stand alone and keep nothing."""
    without_ffn: int = 0
    """Layers that mix tokens only."""


def read_experts(read: ConfigReader, layers: int) -> Moe | None:
    """The mixture of experts; None: dense."""
    names = ("num_local_experts", "n_routed_experts", "num_experts", "moe_num_experts")
    experts = read.whole("num_experts", *names, default=0, least=0)
    if experts < 2:
        return None
    width = read.whole("moe_intermediate_size", "expert_ffn_hidden_size", "intermediate_size")
    top_k = read.whole("num_experts_per_tok", "experts_per_token", "moe_top_k", "moe_topk", default=1)
    if top_k > experts:
        read.report("num_experts_per_tok", top_k, f"is more than the {experts} experts")
    shared = read.whole_or_none("n_shared_experts") * width
    return Moe(
        experts=experts,
        top_k=top_k,
        expert_ffn=width,
        shared_ffn=shared or read.whole_or_none("shared_expert_intermediate_size"),
        layers=_expert_layers(read, layers),
    )


def _expert_layers(read: ConfigReader, layers: int) -> int | None:
    """Layers with experts; None: all."""
    dense = read.whole_or_none("first_k_dense_replace")
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
    indices = read.fields.get("attn_layer_indices")
    if isinstance(indices, list):
        return LayerKinds(linear=max(layers - len(indices), 0))
    period = read.whole_or_none("full_attention_interval", "attn_layer_period")
    if period:
        return LayerKinds(linear=layers - layers // period)
    return _windowed_kinds(read, layers)


def _listed_kinds(read: ConfigReader, kinds: list[str], layers: int) -> LayerKinds:
    if len(kinds) != layers:
        read.report("layer_types", len(kinds), f"lists {len(kinds)} layers, the model has {layers}")
    return LayerKinds(
        sliding=sum("sliding" in kind or "chunked" in kind for kind in kinds),
        linear=sum(any(word in kind for word in ("linear", "mamba", "conv", "recurrent")) for kind in kinds),
        without_attention=sum(kind in ("mlp", "moe") for kind in kinds),
    )


def _windowed_kinds(read: ConfigReader, layers: int) -> LayerKinds:
    """A window that `use_sliding_window` turns off counts as none."""
    family = str(read.fields.get("model_type", ""))
    chunked = read.whole_or_none("attention_chunk_size")
    if chunked and family.startswith("llama4"):
        skipped = read.fields.get("no_rope_layers")
        whole = skipped.count(0) if isinstance(skipped, list) and skipped else layers // 4
        return LayerKinds(sliding=layers - whole)
    if not read.whole_or_none("sliding_window") or not read.fields.get(
        "use_sliding_window", family not in _FULL_WINDOW
    ):
        return LayerKinds()
    if family in _FULL_WINDOW:
        return LayerKinds(sliding=max(layers - read.whole("max_window_layers", default=layers, least=0), 0))
    pattern = read.whole_or_none("sliding_window_pattern") or _SLIDING_PATTERN.get(family, 0)
    return LayerKinds(sliding=layers - layers // pattern if pattern else layers)


@dataclass(frozen=True, slots=True, kw_only=True)
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


def count_parameters(size: Dimensions, moe: Moe | None, mla: Mla | None) -> tuple[float, float]:
    """Parameters, and those active for one token; norms and biases are left out (below 0.1 %)."""
    matrices = 2 if size.family in _UNGATED else 3
    linear, layers_with_ffn = size.kinds.linear, size.layers - size.kinds.without_ffn
    attending = max(size.layers - size.kinds.without_attention - linear, 0)
    mixing = attending * _attention(size, mla) + linear * _LINEAR_SQUARES * size.hidden**2
    base = mixing + size.vocab * size.hidden * (1 if size.tied else 2)
    if moe is None:
        total = float(base + layers_with_ffn * matrices * size.hidden * size.ffn)
        return total, total
    with_experts = layers_with_ffn if moe.layers is None else moe.layers
    base += max(layers_with_ffn - with_experts, 0) * matrices * size.hidden * size.ffn
    base += with_experts * size.hidden * (matrices * moe.shared_ffn + moe.experts)
    expert = with_experts * matrices * size.hidden * moe.expert_ffn
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
