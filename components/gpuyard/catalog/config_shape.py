"""The shape that the fields of a config.json describe: how it is cut, what it weighs and keeps."""

from collections.abc import Mapping
from typing import Any

from gpuyard.catalog.checkpoint_quantization import read_quantization
from gpuyard.catalog.config_reader import ConfigReader, config_problem
from gpuyard.catalog.model_layers import (
    Dimensions,
    LayerKinds,
    attention_parameters,
    count_layers,
    count_parameters,
    linear_parameters,
    read_blocks,
    read_compressed,
    read_experts,
    read_latent,
    read_layer_kinds,
    state_values,
)
from gpuyard.catalog.models import Mla, ModelShape, split_quantization
from gpuyard.catalog.vision import read_vision
from gpuyard.errors import SpecError

_TIED = (
    "gemma",
    "gemma2",
    "gemma3",
    "gemma3_text",
    "gpt2",
    "bloom",
    "opt",
    "falcon",
    "cohere",
    "cohere2",
    "mpt",
    "lfm2",
    "lfm2_moe",
    "phi3small",
)
"""Model types whose embeddings are tied where the file does not say."""
_DTYPES = ("float32", "bfloat16", "float16", "float8_e4m3fn")


def read_shape(read: ConfigReader, model_id: str) -> ModelShape:
    """The model of that file.

    Raises:
        SpecError: every problem of its fields.
    """
    _refuse_others(read)
    family = read.text("model_type", default="unknown")
    layers, hidden = count_layers(read), read.whole("hidden_size", "n_embd", "d_model")
    heads, kv_heads, ffn = _heads(read, hidden)
    moe, mla = read_experts(read, layers), read_latent(read)
    kinds = read_layer_kinds(read, layers)
    size = Dimensions(
        layers=layers,
        hidden=hidden,
        heads=_mean_heads(read, heads),
        kv_heads=kv_heads,
        head_dim=read.whole("head_dim", "attention_head_dim", "kv_channels", default=max(hidden // heads, 1)),
        ffn=_feed_forward(read, ffn, is_dense=moe is None),
        vocab=read.whole("vocab_size", "padded_vocab_size"),
        tied=_is_tied(read, family),
        family=family,
        kinds=kinds,
        linear=linear_parameters(read, hidden),
        attention=attention_parameters(read, hidden, heads, kv_heads),
    )
    context = _context(read)
    dtype = _dtype(read)
    window = read.whole_or_none("sliding_window", "attention_chunk_size") if kinds.sliding else 0
    quantization = read_quantization(read) or split_quantization(model_id)[1]
    if read.problems:
        raise SpecError(read.problems)
    params, active = count_parameters(size, moe, mla)
    architecture = _architecture(read, family)
    vision = read_vision(read.fields, read, architecture)
    seeing = vision.parameters if vision else 0
    return ModelShape(
        id=model_id,
        architecture=architecture,
        layers=layers,
        hidden=hidden,
        heads=heads,
        kv_heads=kv_heads,
        head_dim=size.head_dim,
        ffn=size.ffn,
        vocab=size.vocab,
        context=context,
        tied=size.tied,
        dtype=dtype,
        quantization=quantization,
        params=params + seeing,
        active_params=active + seeing,
        moe=moe,
        mla=mla,
        draft_layers=read.whole_or_none("num_nextn_predict_layers", "mtp_num_hidden_layers"),
        vision=vision,
        sliding_window=window,
        **_cached(read, layers, kinds, mla),
        verified=False,
        cache_verified=False,
        source=f"counted from {read.file.name}",
        as_of="",
    )


def _refuse_others(read: ConfigReader) -> None:
    """Models that are no decoders with attention."""
    words = fix = ""
    if read.fields.get("num_attention_heads") is None and read.fields.get("state_size"):
        words, fix = "has no attention: models of states alone are not planned", "use a model with attention"
    elif read.fields.get("is_encoder_decoder") is True:
        words, fix = "writes from what an encoder read: such models are not planned", "use a decoder alone"
    if words:
        family = read.text("model_type", default="unknown")
        raise SpecError([config_problem(f"{read.file}: model_type", family, words, fix)])


def _heads(read: ConfigReader, hidden: int) -> tuple[int, int, int]:
    """Heads of queries, heads of keys and values, and the width of the feed-forward where none is said."""
    heads = read.whole("num_attention_heads", "n_head", "n_heads")
    block_kv, block_ffn = read_blocks(read, hidden, heads)
    kv_heads = read.whole(
        "num_key_value_heads",
        "num_kv_heads",
        "n_head_kv",
        "kv_n_heads",
        default=block_kv or _default_kv(read, heads),
    )
    if not read.problems and (kv_heads > heads or heads % kv_heads):
        read.report("num_key_value_heads", kv_heads, f"does not divide the {heads} attention heads")
    return heads, kv_heads, block_ffn or 4 * hidden


def _default_kv(read: ConfigReader, heads: int) -> int:
    """One for multi-query models of the older naming, the groups of ChatGLM, else one per head."""
    if read.fields.get("multi_query_attention") is True:
        return read.whole("multi_query_group_num", default=1)
    return 1 if read.fields.get("multi_query") is True else heads


def _mean_heads(read: ConfigReader, heads: int) -> int:
    """Query heads of the mean layer, where a file lists them by layer."""
    listed = read.fields.get("num_attention_heads_per_layer")
    if not isinstance(listed, list) or not all(isinstance(count, int) for count in listed) or not listed:
        return heads
    return round(sum(listed) / len(listed))


def _feed_forward(read: ConfigReader, default: int, *, is_dense: bool) -> int:
    """Width of the dense feed-forward.

    Granite's hybrids call it shared where nothing else is there; Lfm2 rounds two thirds of what it says.
    """
    shared = read.whole_or_none("shared_intermediate_size")
    if is_dense and shared:
        return shared
    width = read.whole(
        "intermediate_size_mlp",
        "intermediate_size",
        "n_inner",
        "ffn_dim",
        "ffn_hidden_size",
        "ff_intermediate_size",
        "block_ff_dim",
        default=default,
    )
    if read.fields.get("model_type") == "qwen":  # the first of its name counts the gate along
        return width // 2
    if not read.fields.get("block_auto_adjust_ff_dim"):
        return width
    step = read.whole("block_multiple_of", default=1)
    return -(-(2 * width // 3) // step) * step


def _is_tied(read: ConfigReader, family: str) -> bool:
    fields = read.fields
    return bool(fields.get("tie_word_embeddings", fields.get("tie_embedding", family in _TIED)))


def _context(read: ConfigReader) -> int:
    return read.whole(
        "max_position_embeddings",
        "n_positions",
        "max_sequence_length",
        "seq_length",
        "max_seq_len",
        "model_max_length",
        default=4096,
    )


def _dtype(read: ConfigReader) -> str:
    dtype = read.text("torch_dtype", "dtype", default="bfloat16").removeprefix("torch.")
    if dtype not in _DTYPES:
        known = "known: " + ", ".join(_DTYPES)
        read.report("torch_dtype", dtype, f'"{dtype}" is not a dtype of weights', known)
    return dtype


def _architecture(read: ConfigReader, family: str) -> str:
    named = read.fields.get("architectures")
    return str(named[0]) if isinstance(named, list) and named else family


def _cached(read: ConfigReader, layers: int, kinds: LayerKinds, mla: Mla | None) -> Mapping[str, Any]:
    """What the cache keeps, by the layers that keep it."""
    others = max(layers - kinds.sliding - kinds.linear - kinds.without_attention, 0)
    global_kv_heads = read.whole_or_none("num_global_key_value_heads")
    return {
        "full_attention_layers": others if kinds.full is None else kinds.full,
        "global_kv_heads": global_kv_heads,
        "global_head_dim": read.whole_or_none("global_head_dim") if global_kv_heads else 0,
        "value_dim": 0 if mla else read.whole_or_none("v_head_dim"),
        "compressed": read_compressed(read, layers),
        "sliding_layers": kinds.sliding,
        "linear_layers": kinds.linear,
        "state_values": state_values(read) if kinds.linear else 0,
    }
