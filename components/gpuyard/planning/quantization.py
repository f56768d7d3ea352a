"""How weights and cache are stored: bytes per parameter, what stays 16 bit, what hardware it needs.

Sizes are arithmetic on the formats (bits plus scales per group); `weights` says how well they match logs.
Smallest compute capabilities: facts on compatibility of 2026-11-23.
"""

from collections.abc import Mapping
from dataclasses import field, replace

from gpuyard.catalog.gguf import GGUF, USUAL, gguf_types, is_gguf
from gpuyard.catalog.models import ModelShape
from gpuyard.catalog.recipes import find_recipes
from gpuyard.records import record


@record
class Scheme:
    """One way of storing weights."""

    linear: float
    """Bytes per parameter of attention and feed-forward matrices, scales included."""
    experts: float
    """The same for experts."""
    tables: float = 2.0
    """The same for embeddings and heads."""
    block: int = 1
    """Shards of a feed-forward must be whole multiples of this, where the checkpoint is stored so."""
    sm_min: tuple[int, int] = (7, 0)
    on_load: Mapping[str, str] = field(default_factory=dict)
    """Runtimes that make it of 16-bit weights while loading, with the word of their flag."""


HALF = 2.0
"""Bytes of bfloat16 and float16: embeddings, heads, norms and routers are kept so whatever the scheme."""

_PLAIN: Mapping[str, Scheme] = {
    "float32": Scheme(linear=4.0, experts=4.0, tables=4.0),
    "bfloat16": Scheme(linear=HALF, experts=HALF),
    "float16": Scheme(linear=HALF, experts=HALF),
    # one scale per 128 x 128 block or per channel; weight-only kernels run it on Ampere
    "fp8": Scheme(
        linear=1.0005,
        experts=1.0005,
        block=128,
        sm_min=(8, 0),
        on_load={"vllm": "fp8", "sglang": "fp8", "tgi": "fp8"},
    ),
    "int8": Scheme(linear=1.001, experts=1.001, sm_min=(7, 5), on_load={"tgi": "eetq"}),
    "w8a8": Scheme(linear=1.001, experts=1.001, sm_min=(7, 5)),
    "compressed-tensors": Scheme(linear=1.001, experts=1.001, sm_min=(7, 5)),
    "modelopt": Scheme(linear=1.0005, experts=1.0005, sm_min=(8, 0)),
    # groups of 128, some of 64, with a 16-bit scale and a 4-bit zero, and what the packing adds
    "awq": Scheme(linear=0.53, experts=0.53, block=64, sm_min=(7, 5)),
    "gptq": Scheme(linear=0.53, experts=0.53, block=64, sm_min=(7, 0)),
    "w4a16": Scheme(linear=0.53, experts=0.53, sm_min=(8, 0)),
    # as its vendors publish it: experts in groups of 32, the rest of a mixture untouched
    "int4": Scheme(linear=0.53, experts=0.5625, sm_min=(8, 0)),
    "bitsandbytes": Scheme(
        linear=0.53,
        experts=0.53,
        sm_min=(7, 0),
        on_load={"vllm": "bitsandbytes", "tgi": "bitsandbytes-nf4"},
    ),
    "nvfp4": Scheme(linear=0.5625, experts=0.5625, sm_min=(8, 0)),
    "mxfp4": Scheme(linear=0.53125, experts=0.53125, sm_min=(8, 0)),
}
_FILES: Mapping[str, Scheme] = {
    name: Scheme(linear=bits / 8, experts=bits / 8, tables=bits / 8, sm_min=(6, 0))
    for name, bits in gguf_types().items()
}
SCHEMES: Mapping[str, Scheme] = {**_PLAIN, **_FILES, GGUF: _FILES[USUAL]}
"""By the name that people and runtimes give them; types of GGUF files among them."""
NAMED = (*_PLAIN, GGUF, USUAL, "q8_0")
"""Those to propose: a few of many types of GGUF files."""

EXPERTS_ONLY = frozenset({"mxfp4", "nvfp4", "int4"})
"""Schemes whose checkpoints leave everything but the experts of a mixture in 16 bit."""
_ALIASES = {
    "bf16": "bfloat16",
    "fp16": "float16",
    "half": "float16",
    "fp32": "float32",
    "float": "float32",
    "fp8_e4m3": "fp8",
    "w8a8_fp8": "fp8",
    "fbgemm_fp8": "fp8",
    "w8a8_int8": "w8a8",
    "awq_marlin": "awq",
    "gptq_marlin": "gptq",
    "modelopt_fp4": "nvfp4",
    "fp4": "nvfp4",
    "bnb": "bitsandbytes",
    "none": "bfloat16",
}

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


def normal_name(name: str) -> str:
    """The name in `SCHEMES` that ``name`` means; an unknown one as it is, in lower case."""
    key = name.strip().lower()
    return _ALIASES.get(key, key)


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
