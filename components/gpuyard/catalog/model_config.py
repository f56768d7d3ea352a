"""Any Hugging Face config.json as a model shape, for models that the catalog lacks."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from gpuyard.catalog.config_reader import ConfigReader, config_problem
from gpuyard.catalog.config_shape import read_shape
from gpuyard.catalog.models import ModelShape
from gpuyard.errors import SpecError

_NESTED = ("text_config", "llm_config", "language_config", "thinker_config")
"""Where models that also see or hear keep the part that writes."""
_PARTS = {
    "attn_config": ("kv_n_heads",),
    "ffn_config": ("ffn_hidden_size", "moe_num_experts", "moe_top_k"),
}
"""Where DBRX and MPT keep fields that others have at the top."""
_DEFAULTS: Mapping[str, Mapping[str, int]] = {
    "llama": {
        "vocab_size": 32_000,
        "hidden_size": 4096,
        "intermediate_size": 11_008,
        "num_hidden_layers": 32,
        "num_attention_heads": 32,
        "max_position_embeddings": 2048,
    },
    "mistral": {
        "vocab_size": 32_000,
        "hidden_size": 4096,
        "intermediate_size": 14_336,
        "num_hidden_layers": 32,
        "num_attention_heads": 32,
        "num_key_value_heads": 8,
        "max_position_embeddings": 131_072,
        "sliding_window": 4096,
    },
    "gemma3_text": {
        "vocab_size": 262_208,
        "hidden_size": 2304,
        "intermediate_size": 9216,
        "num_hidden_layers": 26,
        "num_attention_heads": 8,
        "num_key_value_heads": 4,
        "head_dim": 256,
        "max_position_embeddings": 131_072,
        "sliding_window": 4096,
    },
}
"""What a nested part leaves out because it is its family's default (Gemma 3, LLaVA 1.5, Pixtral).

Source: huggingface/transformers configuration_{gemma3,mistral,llama}.py @008f5c8c, @001f85b3, @008e5742,
read 2026-11-27.
"""
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
        raw = raw if nested is None else _lifted(raw, nested)
    raw = _with_parts(raw)
    name = model_id or str(raw.get("_name_or_path") or file.parent.name or "model")
    return read_shape(ConfigReader(raw, file), name)


def _with_export(raw: dict[str, Any], export: Path) -> dict[str, Any]:
    """ModelOpt's older exports say beside the config how they quantised."""
    if not export.is_file():
        return raw
    found = _load(export).get("quantization")
    method = {"quant_method": "modelopt"}
    return {**raw, "quantization_config": {**found, **method}} if isinstance(found, Mapping) else raw


def _lifted(raw: Mapping[str, Any], nested: Mapping[str, Any]) -> dict[str, Any]:
    """The part that writes over the rest, with what its family's defaults say."""
    defaults = _DEFAULTS.get(str(nested.get("model_type")), {})
    inner = {key: nested[key] for key in _NESTED if key in nested}
    return {**defaults, **raw, **nested, **dict.fromkeys(_NESTED)} | inner


def _with_parts(raw: dict[str, Any]) -> dict[str, Any]:
    found = {
        key: part[key]
        for name, keys in _PARTS.items()
        if isinstance(part := raw.get(name), Mapping)
        for key in keys
        if key in part
    }
    return {**found, **raw}


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
