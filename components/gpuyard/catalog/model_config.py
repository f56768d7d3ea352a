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
    name = model_id or str(raw.get("_name_or_path") or file.parent.name or "model")
    return read_shape(ConfigReader(raw, file), name)


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
