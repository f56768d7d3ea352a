"""Model, quantization and dtype that a combination names."""

import re
from dataclasses import replace
from functools import cache

from gpuyard.catalog.models import ModelShape, find_model, split_quantization
from gpuyard.catalog.names import UnknownName
from gpuyard.catalog.quantizations import QUANTIZED, dtype_name
from gpuyard.catalog.software_support import quantization_names
from gpuyard.compat.combination import Combination
from gpuyard.compat.described_model import described_model
from gpuyard.compat.spelling import plain

_PRUNED = re.compile(r"reap|prune|sparse-|-2of4")
"""What names of checkpoints carry whose experts or weights were cut away (Cerebras' REAP, Neural Magic)."""


def is_pruned(name: str) -> bool:
    """Whether it is less than the model that its name starts with, by how much nobody knows."""
    return _PRUNED.search(name.lower()) is not None


def what_is_left(name: str) -> str:
    """The part of a name that sizes are of: what follows the word for cutting, else all of it."""
    return _PRUNED.split(name.lower())[-1]


@cache
def read_model(text: str | None) -> ModelShape | None:
    """The shape of that model; None: unknown."""
    if not text or is_pruned(text):
        return None
    try:
        return find_model(text)
    except UnknownName:
        base, quantization = split_quantization(text)
        found = described_model(base)
        return found if found is None or not quantization else replace(found, quantization=quantization)


PER_TENSOR = ("neuralmagic", "redhatai", "nvidia/", "nm-testing", "dynamic", "pertensor", "distill")
"""Publishers and words of FP8 checkpoints with one scale per tensor or channel, or of none in FP8."""
FP8_NATIVE = (
    *("deepseek-v3", "deepseek-r1", "deepseek-v4", "minimax-m2", "minimax-2", "kimi-k2-instruct", "mimo-v2"),
    *("ring-1t", "ling-1t"),
)
"""Models that were published in FP8 with block scales: `weight_block_size` of their config.json (copies in
ai-dynamo/aiconfigurator, 2026-08-21)."""
FP4 = QUANTIZED["nvfp4"].methods
"""Names of weights in NVFP4."""
_QUANT_WORDS = (
    ("nvfp4", "nvfp4"),
    ("mxfp4", "mxfp4"),
    ("awq", "awq"),
    ("gptq", "gptq"),
    ("w4a16", "w4a16"),
    ("int4", "int4"),
    ("w4a8", "w4a8"),
    ("w4afp8", "w4a8"),
    ("fp8", "fp8"),
    ("w8a8", "w8a8"),
    ("gguf", "gguf"),
    ("bnb", "bitsandbytes"),
    ("-fp4", "nvfp4"),
    ("autoround", "int4"),
    ("auto-round", "int4"),
)
"""Quantization by what model names carry."""
_SCHEMES = (
    "modelopt_fp4",
    "nvfp4",
    "mxfp4",
    "awq_marlin",
    "gptq_marlin",
    "w4a16",
    "w4a8",
    "w8a16",
    "wna16",
    "awq",
    "gptq",
    "fp8",
    "w8a8",
    "gguf",
    "bitsandbytes",
    "bnb",
    "int8",
    "int4",
    "compressed-tensors",
)
"""Schemes that a description may name, the one that decides first."""


def read_quantization(given: Combination, model: ModelShape | None) -> str:
    """The scheme asked for, else the one that name or checkpoint carry; empty: none."""
    asked = plain(given.quantization).replace(" ", "")
    name = plain(given.model)
    if asked in ("none", "no", "false", "bf16", "bfloat16", "fp16", "float16", "auto"):
        return ""
    if asked == "modelopt" and "nvfp4" in name:
        return "nvfp4"  # the tool that made the checkpoint, whose name says of what kind
    if asked == "fp4" and "gpt-oss" in name:
        return "mxfp4"  # its checkpoints know no other 4-bit format
    if asked:
        return asked if asked in quantization_names() else _scheme(asked)
    for word, quantization in _QUANT_WORDS:
        if word in name:
            return quantization
    own = model.quantization if model is not None else ""
    return "" if own in ("bfloat16", "float16") else own


@cache
def _scheme(text: str) -> str:
    """The scheme in a description (``compressed-tensors (w4a16)``, ``AWQ 4-bit``); the text itself: none."""
    known = (word for word in _SCHEMES if word in text)
    found = next(known, text)
    if "compressed" in text and found in ("awq", "gptq", "int4"):
        return "w4a16"
    return "bitsandbytes" if found == "bnb" else found


def has_fp8_blocks(name: str) -> bool:
    """Whether a checkpoint of that name has scales per block: those that their authors published in FP8."""
    name = name.replace(" ", "-")
    if any(word in name for word in PER_TENSOR):
        return False
    own = "fp8" in name and any(word in name for word in ("qwen", "glm-5", "step-3"))
    return own or any(word in name for word in FP8_NATIVE)


def read_dtype(value: object) -> str:
    """The dtype by its full name."""
    return dtype_name(plain(value).removeprefix("torch."))
