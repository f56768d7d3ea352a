"""Any Hugging Face config.json as a model shape, for models that the catalog lacks."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from gpuyard.catalog.checkpoint_quantization import read_quantization
from gpuyard.catalog.config_reader import ConfigReader, config_problem
from gpuyard.catalog.model_layers import (
    Dimensions,
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
from gpuyard.catalog.models import ModelShape, split_quantization
from gpuyard.catalog.vision import read_vision
from gpuyard.errors import SpecError

_NESTED = ("text_config", "llm_config", "language_config", "thinker_config")
"""Where models that also see or hear keep the part that writes."""
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
)
"""Model types whose embeddings are tied where the file does not say."""
_DTYPES = ("float32", "bfloat16", "float16", "float8_e4m3fn")
_FILE_BYTES_MAX = 50_000_000
"""A config.json has some kilobytes; beyond this it is another file, perhaps the weights."""


def read_config(path: Path, model_id: str | None = None) -> ModelShape:
    """The shape that a config.json (the file, or the folder that holds it) describes.

    Parameters are counted from the shape; those of a vision encoder by rule of thumb.

    Raises:
        SpecError: every problem of the file: not there, not JSON, fields missing or absurd.
    """
    file = path / "config.json" if path.is_dir() else path
    raw = _load(file)
    if not raw.get("quantization_config") and file.name == "config.json":
        raw = _with_export(raw, file.with_name("hf_quant_config.json"))
    for _ in range(2):  # a thinker_config holds a text_config
        nested = next((raw[key] for key in _NESTED if isinstance(raw.get(key), Mapping)), None)
        raw = raw if nested is None else {**raw, **nested, **dict.fromkeys(_NESTED)} | _inner(nested)
    return _shape(raw, file, model_id or str(raw.get("_name_or_path") or file.parent.name or "model"))


def _with_export(raw: dict[str, Any], export: Path) -> dict[str, Any]:
    """ModelOpt's older exports say beside the config how they quantised."""
    if not export.is_file():
        return raw
    found = _load(export).get("quantization")
    method = {"quant_method": "modelopt"}
    return {**raw, "quantization_config": {**found, **method}} if isinstance(found, Mapping) else raw


def _inner(nested: Mapping[str, Any]) -> dict[str, Any]:
    return {key: nested[key] for key in _NESTED if key in nested}


def _load(file: Path) -> dict[str, Any]:
    try:
        if file.stat().st_size > _FILE_BYTES_MAX:
            raise SpecError([config_problem(str(file), None, "is too large for a config.json")])
        raw = json.loads(file.read_text(encoding="utf-8-sig"))
    except (OSError, UnicodeDecodeError) as error:
        fix = "give the path of a config.json, or of the directory that holds it"
        raise SpecError([config_problem(str(file), None, f"cannot be read: {_reason(error)}", fix)]) from None
    except json.JSONDecodeError as error:
        place = f"{file}:{error.lineno}:{error.colno}"
        raise SpecError([config_problem(place, None, f"is not JSON, perhaps cut off: {error.msg}")]) from None
    except (RecursionError, ValueError):
        raise SpecError([config_problem(str(file), None, "is not a config.json: absurd content")]) from None
    if not isinstance(raw, dict):
        raise SpecError([config_problem(str(file), None, f"must be an object, not {type(raw).__name__}")])
    return raw


def _reason(error: OSError | UnicodeDecodeError) -> str:
    return error.strerror or type(error).__name__ if isinstance(error, OSError) else "it is not UTF-8 text"


def _shape(fields: Mapping[str, Any], file: Path, model_id: str) -> ModelShape:
    read = ConfigReader(fields, file)
    family = read.text("model_type", default="unknown")
    layers = count_layers(read)
    hidden = read.whole("hidden_size", "n_embd", "d_model")
    if fields.get("num_attention_heads") is None and fields.get("state_size"):
        words = "has no attention: models of states alone are not planned"
        raise SpecError([config_problem(f"{file}: model_type", family, words, "use a model with attention")])
    heads = read.whole("num_attention_heads", "n_head", "n_heads")
    block_kv, block_ffn = read_blocks(read, hidden, heads)
    kv_heads = read.whole(
        "num_key_value_heads", "num_kv_heads", "n_head_kv", default=block_kv or _default_kv(read, heads)
    )
    if not read.problems and (kv_heads > heads or heads % kv_heads):
        read.report("num_key_value_heads", kv_heads, f"does not divide the {heads} attention heads")
    moe, mla = read_experts(read, layers), read_latent(read)
    kinds = read_layer_kinds(read, layers)
    size = Dimensions(
        layers=layers,
        hidden=hidden,
        heads=_mean_heads(read, heads),
        kv_heads=kv_heads,
        head_dim=read.whole("head_dim", "attention_head_dim", default=max(hidden // heads, 1)),
        ffn=_feed_forward(read, block_ffn or 4 * hidden, is_dense=moe is None),
        vocab=read.whole("vocab_size"),
        tied=bool(fields.get("tie_word_embeddings", fields.get("tie_embedding", family in _TIED))),
        family=family,
        kinds=kinds,
        linear=linear_parameters(read, hidden),
        attention=attention_parameters(read, hidden, heads, kv_heads),
    )
    context = read.whole(
        "max_position_embeddings", "n_positions", "max_sequence_length", "seq_length", default=4096
    )
    dtype = read.text("torch_dtype", "dtype", default="bfloat16").removeprefix("torch.")
    if dtype not in _DTYPES:
        read.report(
            "torch_dtype", dtype, f'"{dtype}" is not a dtype of weights', "known: " + ", ".join(_DTYPES)
        )
    window = read.whole_or_none("sliding_window", "attention_chunk_size") if kinds.sliding else 0
    quantization = read_quantization(read) or split_quantization(model_id)[1]
    if read.problems:
        raise SpecError(read.problems)
    params, active = count_parameters(size, moe, mla)
    architectures = fields.get("architectures")
    architecture = str(architectures[0]) if isinstance(architectures, list) and architectures else family
    vision = read_vision(fields, read, architecture)
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
        full_attention_layers=max(layers - kinds.sliding - kinds.linear - kinds.without_attention, 0)
        if kinds.full is None
        else kinds.full,
        global_kv_heads=read.whole_or_none("num_global_key_value_heads"),
        global_head_dim=read.whole_or_none("global_head_dim")
        if read.whole_or_none("num_global_key_value_heads")
        else 0,
        streams=read.whole_or_none("hc_mult") or 1,
        draft_layers=read.whole_or_none("num_nextn_predict_layers", "mtp_num_hidden_layers"),
        value_dim=0 if mla else read.whole_or_none("v_head_dim"),
        vision=vision,
        compressed=read_compressed(read, layers),
        sliding_layers=kinds.sliding,
        sliding_window=window,
        linear_layers=kinds.linear,
        state_values=state_values(read) if kinds.linear else 0,
        verified=False,
        cache_verified=False,
        source=f"counted from {file.name}",
        as_of="",
    )


def _default_kv(read: ConfigReader, heads: int) -> int:
    """One for multi-query models of the older naming, else one per head."""
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
        "intermediate_size", "n_inner", "ffn_dim", "ffn_hidden_size", "block_ff_dim", default=default
    )
    if not read.fields.get("block_auto_adjust_ff_dim"):
        return width
    step = read.whole("block_multiple_of", default=1)
    return -(-(2 * width // 3) // step) * step
