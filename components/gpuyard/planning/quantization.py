"""How the weights and the cache of a model are stored: what is asked, else what was published."""

from collections.abc import Mapping
from dataclasses import replace

from gpuyard.catalog.gguf import is_gguf
from gpuyard.catalog.models import ModelShape
from gpuyard.catalog.quantizations import EXPERTS_ONLY, SCHEMES, Scheme, normal_name
from gpuyard.catalog.recipes import find_recipes

KV_BYTES: Mapping[str, float] = {
    "auto": 2.0,
    "bfloat16": 2.0,
    "float16": 2.0,
    "fp8": 1.0,
    "fp8_e4m3": 1.0,
    "fp8_e5m2": 1.0,
}
"""Per cached element."""
RARE_KV_BYTES: Mapping[str, float] = {
    "fp8_inc": 1.0,
    "fp8_ds_mla": 1.0,
    "fp8_per_token_head": 1.0,
    "int8": 1.0,
    "int8_per_token_head": 1.0,
    "nvfp4": 0.5625,
    "fp4_e2m1": 0.53125,
}
"""Caches that combinations name and plans do not offer, with their block scales."""
KV_FP8_SM_MIN = (8, 0)
"""fp8_e5m2 and weight-only kernels; e4m3 in hardware wants 8.9, which the compatibility check judges."""

_HALVES = ("bfloat16", "float16")
_MIXED_EXPERTS = {"DeepseekV4ForCausalLM": "mxfp4"}
"""Checkpoints that are called fp8 and store their experts in 4 bit (vllm-project/vllm#51041, 2026-08-07)."""
_MXFP4_FILES = ("GptOssForCausalLM",)
"""Models whose experts are MXFP4 in GGUF files of every type."""


def quantization_of(model: ModelShape, asked: str | None) -> str:
    """The scheme that weights are loaded in: what is asked, else the checkpoint's, else its dtype.

    float32 checkpoints count as 16 bit: every runtime loads them so.
    """
    if asked:
        return normal_name(asked)
    if model.quantization:
        return normal_name(model.quantization)
    published = _published(model)
    if published:
        return published
    return "float16" if model.dtype == "float16" else "bfloat16"


def published_kind(model: ModelShape) -> str:
    """What the checkpoint itself stores its weights in."""
    found = quantization_of(model, None)
    return model.dtype if found in _HALVES else found


def scheme_of(model: ModelShape, asked: str | None) -> Scheme:
    """The scheme that weights are loaded in; an unknown name counts as 16 bit."""
    found = SCHEMES.get(quantization_of(model, asked), SCHEMES["bfloat16"])
    mixed = _MIXED_EXPERTS.get(model.architecture)
    if mixed and keeps_rest(model, asked):
        found = SCHEMES[normal_name(model.quantization)] if asked else found
        return replace(found, experts=SCHEMES[mixed].experts)
    if model.architecture in _MXFP4_FILES and is_gguf(quantization_of(model, asked)):
        return replace(found, experts=SCHEMES["mxfp4"].experts)
    return found


def keeps_rest(model: ModelShape, asked: str | None) -> bool:
    """Whether what is asked names how the experts are stored anyway, the rest being as published."""
    own = model.architecture in _MIXED_EXPERTS and bool(model.quantization)
    return own and (not asked or normal_name(asked) in EXPERTS_ONLY)


def _published(model: ModelShape) -> str:
    """Four-bit checkpoints that the model table does not mark: the vendor's own recipe says so."""
    if model.moe is None:
        return ""
    for recipe in find_recipes(model.id):
        if (recipe.model, recipe.variant) == (model.id, "default") and recipe.precision in EXPERTS_ONLY:
            return recipe.precision
    return ""
