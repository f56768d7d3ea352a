"""Models as shapes: what memory, parallelism and licence checks need to know of them."""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from typing import Any

from gpuyard.catalog.names import UnknownName, normalise, resolve
from gpuyard.catalog.tables import read_yaml


@dataclass(frozen=True, slots=True, kw_only=True)
class Moe:
    """A mixture of experts."""

    experts: int
    top_k: int
    expert_ffn: int
    shared_ffn: int = 0
    layers: int | None = None
    """Layers with experts; None: all of them."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Mla:
    """Multi-head latent attention: one compressed cache per layer, the same on every tensor-parallel rank."""

    kv_lora_rank: int
    qk_rope: int
    qk_nope: int
    v_head_dim: int
    q_lora: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class ModelShape:
    """A model's architecture in numbers."""

    id: str
    architecture: str
    layers: int
    hidden: int
    heads: int
    kv_heads: int
    head_dim: int
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
    sliding_layers: int = 0
    sliding_window: int = 0
    linear_layers: int = 0
    """Layers with a constant state per sequence."""
    gated: bool = False
    """Its weights need a token of an account that accepted the licence."""
    verified: bool = True
    """False: some number is an upper bound or general knowledge."""
    source: str
    as_of: str


_GATED = ("meta-llama/", "google/gemma-2", "google/gemma-3", "mistralai/Mistral-Large")
"""Id prefixes behind a licence form on the Hugging Face hub (seen 2026-11)."""


_UPPER_BOUNDS = ("upper-bound", "unverified", "mamba-hybrid")
"""Kinds of cache whose size the table bounds from above only."""


@cache
def models() -> Mapping[str, ModelShape]:
    """Every model of the catalog by Hugging Face id."""
    table = read_yaml("models")
    return {row["id"]: _shape(row, table["as_of"]) for row in table["models"]}


def find_model(text: str) -> ModelShape:
    """The model of that id; case and the ``-Instruct``, ``-it`` ending do not matter, shapes are the same.

    Raises:
        UnknownName: with close ids.
    """
    table = models()
    try:
        return table[resolve("model", text, _aliases(), list(table))]
    except UnknownName:
        found = _aliases().get(_bare(text))
        if found is None:
            raise
        return table[found]


@cache
def _aliases() -> Mapping[str, str]:
    known = {_bare(name): name for name in models()}
    known |= {normalise(name.rsplit("/", 1)[-1]): name for name in models()}
    return known | {normalise(name): name for name in models()}


def _bare(name: str) -> str:
    """The name without its owner, vendor prefix and tuning suffix: ``llama318b``."""
    key = normalise(name.rsplit("/", 1)[-1]).removeprefix("meta")
    for suffix in ("instruct", "base", "chat", "it"):
        key = key.removesuffix(suffix)
    return key


def _shape(row: Mapping[str, Any], as_of: str) -> ModelShape:
    moe, mla = row.get("moe"), row.get("mla")
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
        sliding_layers=int(row.get("sliding_layers") or 0),
        sliding_window=int(row.get("sliding_window") or 0),
        linear_layers=int(row.get("linear_layers") or 0),
        gated=row["id"].startswith(_GATED),
        verified=bool(row["verified"]) and row.get("kv_kind") not in _UPPER_BOUNDS,
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
    )


def _mla(row: Mapping[str, Any]) -> Mla:
    return Mla(
        kv_lora_rank=int(row["kv_lora_rank"]),
        qk_rope=int(row["qk_rope"]),
        qk_nope=int(row.get("qk_nope") or 128),
        v_head_dim=int(row.get("v_head_dim") or 128),
        q_lora=int(row.get("q_lora") or 0),
    )
