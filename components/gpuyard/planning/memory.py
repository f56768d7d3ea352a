"""GPU memory of one replica: weights, KV cache, activations and the runtime's own share.

Formulae and constants: facts of 2026-11-23 (`catalog/data/models.yaml`, ``formulae``). The activation
peak is calibrated on one model (Llama-3.1-8B: 110 KB per batched token measured, 110,592 B computed), so
answers near the edge are estimates; `fit` says how near they are.
"""

from dataclasses import dataclass

from gpuyard.catalog.models import ModelShape
from gpuyard.units import GIB, MIB

BYTES_PER_PARAMETER = {
    "float32": 4.0,
    "bfloat16": 2.0,
    "float16": 2.0,
    "fp8": 1.01,
    "int8": 1.01,
    "w8a8": 1.01,
    "compressed-tensors": 1.01,
    "modelopt": 1.01,
    "awq": 0.55,
    "gptq": 0.55,
    "int4": 0.55,
    "w4a16": 0.55,
    "bitsandbytes": 0.55,
    "nvfp4": 0.5625,
    "mxfp4": 0.53125,
}
"""With scales. Embeddings, heads and norms stay 16 bit in quantised checkpoints and are counted apart."""

KV_BYTES = {"auto": 2.0, "bfloat16": 2.0, "float16": 2.0, "fp8": 1.0, "fp8_e4m3": 1.0, "fp8_e5m2": 1.0}
"""Per cached element."""

RUNTIME_RESERVE = int(1.5 * GIB)
"""CUDA context, NCCL and CUDA graphs per GPU; 1 to 2 GiB seen."""
BLOCK_TOKENS = 16
"""Paged allocation adds up to one block per sequence."""


@dataclass(frozen=True, slots=True)
class Split:
    """How one replica is cut over GPUs."""

    tensor: int = 1
    pipeline: int = 1

    @property
    def gpus(self) -> int:
        """GPUs of the replica."""
        return self.tensor * self.pipeline


def quantization_of(model: ModelShape, asked: str | None) -> str:
    """The quantization that weights are loaded in: what is asked, else the checkpoint's, else its dtype."""
    return (asked or model.quantization or model.dtype or "bfloat16").lower()


def weight_bytes(model: ModelShape, quantization: str | None = None) -> int:
    """Bytes of all weights of one replica, over all its GPUs."""
    kind = quantization_of(model, quantization)
    base = BYTES_PER_PARAMETER["float32" if model.dtype == "float32" else "bfloat16"]
    per_parameter = BYTES_PER_PARAMETER.get(kind, base)
    embeddings = model.vocab * model.hidden * (1 if model.tied else 2)
    kept = min(embeddings, model.params) if per_parameter < base else 0
    return round((model.params - kept) * per_parameter + kept * base)


def kv_bytes_per_token(model: ModelShape, split: Split, kv_dtype: str | None = None) -> float:
    """Cache bytes that one more token of context takes on each GPU.

    MLA keeps the whole latent cache on every tensor-parallel rank; otherwise heads are divided, and
    copied where there are fewer heads than ranks.
    """
    size = KV_BYTES.get((kv_dtype or "auto").lower(), 2.0)
    layers = model.full_attention_layers / split.pipeline
    if model.mla:
        return layers * (model.mla.kv_lora_rank + model.mla.qk_rope) * size
    return 2 * layers * model.head_dim * size * max(model.kv_heads / split.tensor, 1)


def kv_bytes_fixed(model: ModelShape, split: Split, kv_dtype: str | None = None) -> float:
    """Cache bytes per sequence on each GPU that do not grow with the context beyond the window."""
    size = KV_BYTES.get((kv_dtype or "auto").lower(), 2.0)
    heads = max(model.kv_heads / split.tensor, 1)
    sliding = 2 * model.sliding_layers * model.sliding_window * heads * model.head_dim * size
    linear = model.linear_layers * model.hidden * model.head_dim * 4 / split.tensor
    return (sliding + linear) / split.pipeline


def activation_bytes(model: ModelShape, split: Split, batched_tokens: int, sequences: int) -> int:
    """Peak of activations and logits on each GPU."""
    width = model.ffn
    if model.moe:
        width = max(model.moe.expert_ffn * model.moe.top_k + model.moe.shared_ffn, 1)
    return round(batched_tokens * 2 * 3 * (model.hidden + width / split.tensor) + sequences * model.vocab * 4)


def usable_bytes(memory_mib: int, utilization: float) -> int:
    """What the runtime may take of one GPU."""
    return round(memory_mib * MIB * utilization)
