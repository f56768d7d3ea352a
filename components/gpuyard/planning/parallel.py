"""Which ways of cutting a replica over GPUs a model allows."""

from gpuyard.catalog.models import ModelShape

FP8_BLOCK = 128
"""Block-quantised FP8 weights want shards of whole blocks."""
GROUP = 64
"""AWQ and GPTQ want shards of whole groups; 128 at most, 64 at least."""


def tensor_parallel_problem(model: ModelShape, tensor: int, quantization: str) -> str:
    """Why ``tensor`` ranks cannot share the model; empty: they can."""
    if tensor == 1:
        return ""
    if model.heads and model.heads % tensor:
        return f"{model.heads} attention heads do not divide by {tensor}"
    if model.kv_heads and model.kv_heads % tensor and tensor % model.kv_heads:
        return f"{model.kv_heads} KV heads neither divide nor are divided by {tensor}"
    width = model.moe.expert_ffn if model.moe and model.moe.expert_ffn else model.ffn
    block = {"fp8": FP8_BLOCK, "awq": GROUP, "gptq": GROUP}.get(quantization, 1)
    if model.quantization != quantization:
        block = 1  # quantised while loading: per tensor or per channel, no blocks
    if block > 1 and width and (width % tensor or (width // tensor) % block):
        return f"a {quantization} shard of {width}/{tensor} is not a multiple of {block}"
    return ""
