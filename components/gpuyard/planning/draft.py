"""Layers that a checkpoint brings to guess tokens ahead (MTP, NextN): their weights and their cache.

Each is one more layer of the model's own kind with full attention, and a projection of two hidden states
into one; tables are shared. Where a checkpoint stores its experts or its linear layers in less than 8 bit,
the draft stays 16 bit: Qwen3.5-122B-A10B in NVFP4 took 75.17 GiB with its draft and 70.47 without
(2026-04-08), which is one layer of 256 experts in 16 bit. DeepSeek-V4's own checkpoints store it like the
rest: V4-Flash is 148.66 GiB with it (vllm-project/vllm#40802, 2026-04-24), 144.5 without. An early image of
SGLang took 3.07 GB for it on each of eight GPUs in V4-Pro, where 1.7 are counted, and for the rest 22 more
than later ones (SemiAnalysisAI/InferenceX#2128, 2026-07-09 and 2026-09-09).
"""

from dataclasses import replace

from gpuyard.catalog.model_layers import Dimensions, count_parameters
from gpuyard.catalog.models import ModelShape
from gpuyard.catalog.quantizations import HALF
from gpuyard.planning.parallel import Split
from gpuyard.planning.quantization import keeps_rest, scheme_of


def draft_bytes(model: ModelShape, split: Split, quantization: str | None = None) -> int:
    """Weights of the draft layers on each GPU of the last pipeline stage; 0: the model has none."""
    scheme = scheme_of(model, quantization)
    total, experts = _layer_parameters(model)
    cut = split.ranks if model.moe else split.tensor
    if keeps_rest(model, quantization):
        layer = experts * scheme.experts + (total - experts) * scheme.linear
    else:
        layer = total * (scheme.linear if min(scheme.linear, scheme.experts) >= 1 else HALF)
    return round(model.draft_layers * layer / cut)


def with_draft(model: ModelShape) -> ModelShape:
    """The shape whose cache holds the draft's tokens as well; beside compressed attention they only slide."""
    if model.compressed:
        return model
    return replace(model, full_attention_layers=model.full_attention_layers + model.draft_layers)


def _layer_parameters(model: ModelShape) -> tuple[float, float]:
    """All of one layer, and those of its experts."""
    moe = replace(model.moe, layers=None) if model.moe else None
    size = Dimensions(
        layers=1,
        hidden=model.hidden,
        heads=model.heads,
        kv_heads=model.global_kv_heads or model.kv_heads,
        head_dim=model.global_head_dim or model.head_dim,
        ffn=model.ffn,
        vocab=0,
        tied=True,
        family="",
    )
    total, active = count_parameters(size, moe, model.mla)
    idle = (total - active) / (1 - moe.top_k / moe.experts) if moe and moe.top_k < moe.experts else 0.0
    return total + 2.0 * model.hidden**2, idle
