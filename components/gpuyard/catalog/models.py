"""Models as shapes: what memory, parallelism and licence checks need to know of them."""

import re
from collections.abc import Mapping
from dataclasses import replace
from functools import cache
from typing import Any

from gpuyard.catalog.gguf import split_gguf
from gpuyard.catalog.names import UnknownName, normalise
from gpuyard.catalog.tables import read_csv, read_json
from gpuyard.catalog.vision import Vision, find_vision
from gpuyard.records import record


@record
class Moe:
    """A mixture of experts."""

    experts: int
    top_k: int
    expert_ffn: int
    shared_ffn: int = 0
    layers: int | None = None
    """Layers with experts; None: all of them."""
    matrices: int = 3
    """Of one expert: 2 where nothing gates."""
    width: int = 0
    """Width that experts read and write, where it is not the hidden size; 0: it is."""


@record
class Mla:
    """Multi-head latent attention: one compressed cache per layer, the same on every tensor-parallel rank."""

    kv_lora_rank: int
    qk_rope: int
    qk_nope: int
    v_head_dim: int
    q_lora: int = 0


@record
class ModelShape:
    """A model's architecture in numbers."""

    id: str
    architecture: str
    layers: int
    hidden: int
    heads: int
    kv_heads: int
    head_dim: int
    """Of queries and keys, and of values where `value_dim` says nothing else."""
    ffn: int
    """Dense feed-forward width; 0 where every layer has experts only."""
    vocab: int
    context: int
    """Longest sequence that the model was made for, tokens."""
    tied: bool
    """Input and output embeddings are one tensor."""
    dtype: str
    quantization: str
    """Of the published checkpoint: ``fp8``, ``mxfp4``, ``awq``, …; empty: none."""
    params: float
    active_params: float
    moe: Moe | None = None
    mla: Mla | None = None
    full_attention_layers: int
    """Layers whose cache grows with the context."""
    global_kv_heads: int = 0
    """KV heads of layers of full attention, where sliding ones have others; 0: they have the same."""
    global_head_dim: int = 0
    value_dim: int = 0
    """Of values, where they are narrower than keys; 0: they are not."""
    sliding_layers: int = 0
    sliding_window: int = 0
    compressed: tuple[tuple[int, int], ...] = ()
    """Compressed attention: tokens that share a row of the cache, and in how many layers; others slide."""
    linear_layers: int = 0
    """Layers with a constant state per sequence."""
    state_values: int = 0
    """Numbers in that state of one layer; 0: not known."""
    streams: int = 1
    """Copies of the hidden state that go from layer to layer side by side (hyper-connections)."""
    draft_layers: int = 0
    """Layers in the checkpoint that guess tokens ahead (MTP, NextN)."""
    gated: bool = False
    """Its weights need a token of an account that accepted the licence."""
    vision: Vision | None = None
    """Its encoder of images; None: it has none, or none is known."""
    vision_heads: int = 0
    """Attention heads of its vision tower, where tensor parallelism of 8 does not divide them; 0: it does."""
    verified: bool = True
    """False: some number is general knowledge."""
    cache_verified: bool = True
    """False: its cache is only bounded from above, or some number is not verified."""
    source: str
    as_of: str


_GATED = ("meta-llama/", "google/gemma-2", "google/gemma-3", "mistralai/Mistral-Large")
"""Id prefixes behind a licence form on the Hugging Face hub (seen 2026-11)."""


_UPPER_BOUNDS = ("upper-bound", "unverified", "mamba-hybrid")
"""Kinds of cache whose size the table bounds from above only."""


@cache
def models() -> Mapping[str, ModelShape]:
    """Every model of the catalog by Hugging Face id."""
    table = read_json("models")
    return {row["id"]: _shape(row, table["as_of"]) for row in table["models"]}


def find_model(text: str) -> ModelShape:
    """The model of that id, or that shares the shape of one.

    Owner, case and endings that change no shape do not matter (``-Instruct``, ``-it``, a month). What a name
    says of its quantization (``-AWQ``, ``-FP8-dynamic``) becomes the shape's, and the shape keeps that name.

    Raises:
        UnknownName: with close ids.
    """
    found = _exact(text)
    if found is not None:
        return found
    base, quantization = split_quantization(text)
    found = (_exact(base) or _alike(base)) if quantization else None
    if found is not None:
        return replace(found, id=text, quantization=quantization)
    found = _alike(text)
    if found is None:
        raise UnknownName("model", text, list(models()))
    return found


@cache
def model_names() -> tuple[str, ...]:
    """Names that the catalog knows, without endings that change no shape."""
    names = [*models(), *(row["name"] for row in read_csv("model_aliases"))]
    return tuple(dict.fromkeys(_TUNED.sub("", name.rpartition("/")[2]) for name in names))


def split_quantization(text: str) -> tuple[str, str]:
    """A name without its words for a quantization, and the quantization; empty: it names none."""
    owner, slash, name = text.rpartition("/")
    base, kind = split_gguf(name)
    if kind:
        return f"{owner}{slash}{base}", kind
    for pattern, quantization in _QUANTIZED:
        found = re.search(pattern, name, re.IGNORECASE)
        if found:
            return f"{owner}{slash}{name[: found.start()]}", quantization
    return text, ""


_QUANTIZED = (
    (r"[-_.](nvfp4|fp4)\b.*", "nvfp4"),
    (r"[-_.]mxfp4\b.*", "mxfp4"),
    (r"[-_.](gptq[-_.]int8|int8[-_.]gptq|gptq[-_.]8bit)\b.*", "int8"),
    (r"[-_.](quantized\.)?w4a16\b.*", "w4a16"),
    (r"[-_.](quantized\.)?w8a8\b.*", "w8a8"),
    (r"[-_.](quantized\.)?w8a16\b.*", "int8"),
    (r"[-_.]awq\b.*", "awq"),
    (r"[-_.]gptq\b.*", "gptq"),
    (r"[-_.]bnb\b.*", "bitsandbytes"),
    (r"[-_.](fp8|float8)\b.*", "fp8"),
    (r"[-_.]int8\b.*", "int8"),
    (r"[-_.](int4|4bit)\b.*", "int4"),
    (r"[-_.](bf16|fp16)\b.*", "bfloat16"),
)
"""How publishers name what they quantised, most special first."""


def _exact(text: str) -> ModelShape | None:
    """The model of that id, or of that name under another owner."""
    for key in (normalise(text), normalise(text.rpartition("/")[2])):
        if key in _aliases():
            return models()[_aliases()[key]]
        if key in _shared():
            return _sharing(_shared()[key])
    return None


def _alike(text: str) -> ModelShape | None:
    """The model that differs by endings only."""
    key = _bare(text)
    if key in _shared():
        return _sharing(_shared()[key])
    return models()[_aliases()[key]] if key in _aliases() else None


def _sharing(row: Mapping[str, str]) -> ModelShape:
    """The shape of another model, with the encoder beside it where that has none."""
    found = models()[row["id"]]
    architecture = row["architecture"] or found.architecture
    vision = find_vision(row["name"], architecture)
    tower = vision.parameters if vision and not found.vision else 0
    return replace(
        found,
        id=row["name"],
        context=int(row["context"] or found.context),
        quantization=row["quantization"] or found.quantization,
        params=found.params + tower,
        active_params=found.active_params + tower,
        vision=vision,
        vision_heads=int(row["vision_heads"] or 0),
        architecture=architecture,
        vocab=int(row["vocab"] or found.vocab),
    )


@cache
def _shared() -> Mapping[str, Mapping[str, str]]:
    """Models that share a shape, by their names with and without endings."""
    rows = read_csv("model_aliases")
    by_name = {normalise(row["name"].rpartition("/")[2]): row for row in rows}
    return {_bare(row["name"]): row for row in rows} | by_name


@cache
def _aliases() -> Mapping[str, str]:
    known = {_bare(name): name for name in models()}
    known |= {normalise(name.rpartition("/")[2]): name for name in models()}
    return known | {normalise(name): name for name in models()}


_TUNED = re.compile(r"[-_](instruct|base|chat|it|hf|pt|thinking|mpo|dpo|sft|\d{4})(?=[-_]|$)", re.IGNORECASE)
"""Endings that change no shape, wherever in a name they stand; four digits are a month."""


def _bare(name: str) -> str:
    """The name without its owner, vendor prefix and endings: ``llama318b``."""
    last = name.rpartition("/")[2]
    return normalise(_TUNED.sub("", last)).removeprefix("meta")


def _shape(row: Mapping[str, Any], as_of: str) -> ModelShape:
    moe, mla, wide = row.get("moe"), row.get("mla"), row.get("global_attention") or {}
    layers = int(row["layers"])
    growing = layers - int(row.get("sliding_layers") or 0) - int(row.get("linear_layers") or 0)
    return ModelShape(
        id=row["id"],
        architecture=row.get("arch") or row["model_type"],
        layers=layers,
        hidden=int(row["hidden"]),
        heads=int(row["heads"] or 0),
        kv_heads=int(row["kv_heads"] or 0),
        head_dim=int(row["head_dim"] or 0),
        ffn=int(row.get("ffn") or 0),
        vocab=int(row["vocab"] or 0),
        context=int(row["context"] or 0),
        tied=bool(row["tied"]),
        dtype=row.get("dtype") or "bfloat16",
        quantization=row.get("checkpoint_quant") or "",
        params=float(row["params_b"]) * 1e9,
        active_params=float(row.get("active_params_b") or row["params_b"]) * 1e9,
        moe=_moe(moe) if moe else None,
        mla=_mla(mla) if mla else None,
        full_attention_layers=int(row.get("full_attention_layers") or growing),
        global_kv_heads=int(wide.get("kv_heads") or 0),
        global_head_dim=int(wide.get("head_dim") or 0),
        sliding_layers=int(row.get("sliding_layers") or 0),
        sliding_window=int(row.get("sliding_window") or 0),
        compressed=tuple((int(ratio), int(count)) for ratio, count in row.get("compressed") or ()),
        linear_layers=int(row.get("linear_layers") or 0),
        state_values=int(row.get("state_values") or 0),
        value_dim=int(row.get("value_dim") or 0),
        streams=int(row.get("hc_mult") or 1),
        draft_layers=int(row.get("draft_layers") or 0),
        gated=row["id"].startswith(_GATED),
        vision=find_vision(row["id"], row.get("arch") or ""),
        vision_heads=int(row.get("vision_heads") or 0),
        verified=bool(row["verified"]),
        cache_verified=bool(row["verified"]) and row.get("kv_kind") not in _UPPER_BOUNDS,
        source=row["source"],
        as_of=as_of,
    )


def _moe(row: Mapping[str, Any]) -> Moe:
    return Moe(
        experts=int(row["experts"]),
        top_k=int(row.get("top_k") or 1),
        expert_ffn=int(row.get("expert_ffn") or 0),
        shared_ffn=int(row.get("shared_ffn") or 0),
        layers=int(row["moe_layers"]) if row.get("moe_layers") else None,
        matrices=int(row.get("matrices") or 3),
        width=int(row.get("width") or 0),
    )


def _mla(row: Mapping[str, Any]) -> Mla:
    return Mla(
        kv_lora_rank=int(row["kv_lora_rank"]),
        qk_rope=int(row["qk_rope"]),
        qk_nope=int(row.get("qk_nope") or 128),
        v_head_dim=int(row.get("v_head_dim") or 128),
        q_lora=int(row.get("q_lora") or 0),
    )
