"""Any Hugging Face config.json as a model shape, for models that the catalog lacks."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from gpuyard.catalog.models import Mla, ModelShape, Moe
from gpuyard.errors import Finding, Severity, SpecError

_LIMITS = {
    "num_hidden_layers": 1_000,
    "hidden_size": 1_000_000,
    "num_attention_heads": 10_000,
    "vocab_size": 10_000_000,
    "intermediate_size": 10_000_000,
    "max_position_embeddings": 1_000_000_000,
}
"""Beyond these a number is a mistake, not a model."""


def read_config(path: Path, model_id: str | None = None) -> ModelShape:
    """The shape that a config.json (the file, or the folder that holds it) describes.

    Parameters are counted from the shape, so they lack vision towers and other extras.

    Raises:
        SpecError: every problem of the file: not there, not JSON, fields missing or absurd.
    """
    file = path / "config.json" if path.is_dir() else path
    try:
        raw = json.loads(file.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError) as error:
        raise SpecError([_problem(str(file), None, f"cannot be read: {error.__class__.__name__}")]) from None
    except json.JSONDecodeError as error:
        place = f"{file}:{error.lineno}:{error.colno}"
        raise SpecError([_problem(place, None, f"is not JSON, perhaps cut off: {error.msg}")]) from None
    if not isinstance(raw, Mapping):
        raise SpecError([_problem(str(file), None, f"must be an object, not {type(raw).__name__}")])
    return _shape(raw, file, model_id or str(raw.get("_name_or_path") or file.parent.name or "model"))


def _shape(raw: Mapping[str, Any], file: Path, model_id: str) -> ModelShape:
    nested = raw.get("text_config") or raw.get("llm_config")
    config: dict[str, Any] = {**raw, **nested} if isinstance(nested, Mapping) else dict(raw)
    problems: list[Finding] = []

    def number(key: str, *others: str, default: int | None = None) -> int:
        value = next((config[name] for name in (key, *others) if config.get(name) is not None), default)
        if isinstance(value, bool) or not isinstance(value, int) or value <= 0:
            problems.append(_problem(f"{file}: {key}", value, "must be a positive whole number"))
            return 1
        if value > _LIMITS.get(key, 1_000_000):
            problems.append(
                _problem(f"{file}: {key}", value, f"is absurd; the limit is {_LIMITS.get(key, 1_000_000):,}")
            )
        return value

    layers = number("num_hidden_layers", "n_layer", "num_layers")
    hidden = number("hidden_size", "n_embd", "d_model")
    heads = number("num_attention_heads", "n_head")
    kv_heads = number("num_key_value_heads", "num_kv_heads", default=heads)
    head_dim = number("head_dim", default=max(hidden // max(heads, 1), 1))
    vocab = number("vocab_size")
    context = number("max_position_embeddings", "n_positions", "max_sequence_length", default=4096)
    ffn = number("intermediate_size", "n_inner", "ffn_dim", default=4 * hidden)
    moe = _moe(config, number)
    mla = _mla(config, number)
    sliding, linear = _layer_kinds(config, layers)
    if problems:
        raise SpecError(problems)
    quantization = config.get("quantization_config")
    tied = bool(config.get("tie_word_embeddings", False))
    counted, active = _count(layers, hidden, heads, kv_heads, head_dim, ffn, vocab, tied, moe, mla)
    return ModelShape(
        id=model_id,
        architecture=str((raw.get("architectures") or [config.get("model_type", "unknown")])[0]),
        layers=layers,
        hidden=hidden,
        heads=heads,
        kv_heads=kv_heads,
        head_dim=head_dim,
        ffn=ffn,
        vocab=vocab,
        context=context,
        tied=tied,
        dtype=str(config.get("torch_dtype") or config.get("dtype") or "bfloat16"),
        quantization=str(quantization.get("quant_method", "")) if isinstance(quantization, Mapping) else "",
        params=counted,
        active_params=active,
        moe=moe,
        mla=mla,
        full_attention_layers=max(layers - sliding - linear, 0),
        sliding_layers=sliding,
        sliding_window=int(config.get("sliding_window") or 0) if sliding else 0,
        linear_layers=linear,
        gated=False,
        verified=False,
        source=f"counted from {file.name}",
        as_of="",
    )


def _moe(config: Mapping[str, Any], number: Any) -> Moe | None:
    if not any(config.get(key) for key in ("num_local_experts", "n_routed_experts", "num_experts")):
        return None
    experts = number("num_local_experts", "n_routed_experts", "num_experts")
    width = number("moe_intermediate_size", "intermediate_size")
    shared = int(config.get("n_shared_experts") or 0) * width or int(
        config.get("shared_expert_intermediate_size") or 0
    )
    dense = int(config.get("first_k_dense_replace") or 0)
    return Moe(
        experts=experts,
        top_k=number("num_experts_per_tok", "experts_per_token", default=1),
        expert_ffn=width,
        shared_ffn=shared,
        layers=int(config["num_hidden_layers"]) - dense if dense else None,
    )


def _mla(config: Mapping[str, Any], number: Any) -> Mla | None:
    if not config.get("kv_lora_rank"):
        return None
    return Mla(
        kv_lora_rank=number("kv_lora_rank"),
        qk_rope=number("qk_rope_head_dim", default=64),
        qk_nope=number("qk_nope_head_dim", default=128),
        v_head_dim=number("v_head_dim", default=128),
        q_lora=int(config.get("q_lora_rank") or 0),
    )


def _layer_kinds(config: Mapping[str, Any], layers: int) -> tuple[int, int]:
    """Sliding-window and linear layers. A window that `use_sliding_window` turns off counts as none."""
    kinds = config.get("layer_types")
    if isinstance(kinds, list):
        sliding = sum("sliding" in str(kind) or "chunked" in str(kind) for kind in kinds)
        linear = sum(any(word in str(kind) for word in ("linear", "mamba", "conv")) for kind in kinds)
        return sliding, linear
    if config.get("full_attention_interval"):
        return 0, layers - layers // int(config["full_attention_interval"])
    if config.get("sliding_window") and config.get("use_sliding_window", True):
        pattern = int(config.get("sliding_window_pattern") or 0)
        return (layers - layers // pattern if pattern else layers), 0
    return 0, 0


def _count(
    layers: int,
    hidden: int,
    heads: int,
    kv_heads: int,
    head_dim: int,
    ffn: int,
    vocab: int,
    tied: bool,
    moe: Moe | None,
    mla: Mla | None,
) -> tuple[float, float]:
    """Parameters, and those active for one token."""
    if mla:
        key = mla.qk_nope + mla.qk_rope
        query = hidden * mla.q_lora + mla.q_lora * heads * key if mla.q_lora else hidden * heads * key
        latent = hidden * (mla.kv_lora_rank + mla.qk_rope)
        expand = mla.kv_lora_rank * heads * (mla.qk_nope + mla.v_head_dim)
        attention = query + latent + expand + heads * mla.v_head_dim * hidden
    else:
        attention = 2 * hidden * heads * head_dim + 2 * hidden * kv_heads * head_dim
    embedding = vocab * hidden * (1 if tied else 2)
    if moe is None:
        total = layers * (attention + 3 * hidden * ffn) + embedding
        return float(total), float(total)
    with_experts = moe.layers if moe.layers is not None else layers
    dense = (layers - with_experts) * 3 * hidden * ffn
    shared = with_experts * 3 * hidden * moe.shared_ffn
    base = layers * attention + dense + shared + embedding + with_experts * hidden * moe.experts
    expert = with_experts * 3 * hidden * moe.expert_ffn
    return float(base + expert * moe.experts), float(base + expert * moe.top_k)


def _problem(path: str, value: Any, message: str) -> Finding:
    return Finding(
        severity=Severity.ERROR,
        code="MODEL_CONFIG",
        path=path,
        value=value,
        message=message,
        fix="take config.json from the model's repository",
    )
