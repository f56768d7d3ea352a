"""How the weights of a checkpoint are quantised, from the `quantization_config` of its config.json."""

from collections.abc import Mapping
from typing import Any

from gpuyard.catalog.config_reader import ConfigReader
from gpuyard.catalog.quantizations import METHODS
from gpuyard.errors import did_you_mean

_BY_WEIGHTS: Mapping[tuple[Any, Any], str] = {
    (8, "float"): "fp8",
    (8, "int"): "w8a8",
    (4, "int"): "w4a16",
    (4, "float"): "nvfp4",
}
"""Bits and type of the weights of a compressed-tensors group."""


def read_quantization(read: ConfigReader) -> str:
    """The quantization in the words of the runtimes (``fp8``, ``awq``, ``w4a16``, …); empty: none."""
    found = read.fields.get("quantization_config") or read.fields.get("compression_config")
    if found is None:
        return ""
    if not isinstance(found, Mapping):
        read.report("quantization_config", found, "must be an object")
        return ""
    method = str(found.get("quant_method") or found.get("quant_algo") or "").lower()
    if not method and (found.get("load_in_4bit") or found.get("load_in_8bit")):
        method = "bitsandbytes"
    if method not in METHODS:
        known = "known: " + ", ".join(sorted(METHODS))
        hint = did_you_mean(method, METHODS)
        message = f'"{method}" is not a quantization' if method else "is missing"
        read.report("quantization_config.quant_method", method or None, message, f"{hint}  {known}".strip())
        return ""
    return _by_bits(found, method) or METHODS[method]


def _by_bits(found: Mapping[str, Any], method: str) -> str:
    """The kind where the method alone does not say it; empty: it does."""
    if method == "compressed-tensors":
        return _compressed(found)
    if method == "modelopt":
        algorithm = str(found.get("quant_algo") or "").lower()
        return next((kind for kind in ("nvfp4", "fp8", "int8") if kind in algorithm), "")
    if method == "bitsandbytes":
        return "int8" if found.get("load_in_8bit") else ""
    if found.get("bits") == 8:
        return "int8"
    return "int4" if method == "auto-round" and found.get("bits", 4) == 4 else ""


def _compressed(found: Mapping[str, Any]) -> str:
    groups = found.get("config_groups")
    for group in groups.values() if isinstance(groups, Mapping) else ():
        weights = group.get("weights") if isinstance(group, Mapping) else None
        if isinstance(weights, Mapping):
            if (weights.get("num_bits"), weights.get("group_size")) == (4, 32) and weights.get(
                "type"
            ) == "float":
                return "mxfp4"
            return _BY_WEIGHTS.get((weights.get("num_bits"), weights.get("type")), "")
    return ""
