"""What a server is asked for beyond the model itself, and the memory that it takes."""

from dataclasses import replace

from gpuyard.catalog.models import ModelShape
from gpuyard.catalog.quantizations import HALF
from gpuyard.planning.draft import draft_bytes
from gpuyard.planning.parallel import Split
from gpuyard.records import record


@record
class Extras:
    """The default asks for nothing."""

    draft_tokens: int = 0
    """Tokens that the model's own draft layers guess ahead; 0: they are not loaded."""
    adapters: int = 0
    """LoRA adapters of one batch."""
    adapter_rank: int = 16
    """The largest rank that an adapter may have."""


NONE = Extras()


def extra_bytes(model: ModelShape, split: Split, extras: Extras, quantization: str | None) -> int:
    """What is loaded beside the weights, on each GPU."""
    draft = draft_bytes(model, split, quantization) if extras.draft_tokens else 0
    return draft + extras.adapters * adapter_bytes(model, split, extras.adapter_rank)


def without_encoder(model: ModelShape) -> ModelShape:
    """The shape as a server of text alone loads it."""
    if model.vision is None:
        return model
    return replace(model, vision=None, params=model.params - model.vision.parameters)


def adapter_bytes(model: ModelShape, split: Split, rank: int) -> int:
    """Room for one LoRA adapter of every linear layer, experts as well, on each GPU.

    A pair of matrices of ``rank`` beside each; the one on the side that tensor parallelism does not cut is
    whole on every rank (vLLM without `--fully-sharded-loras`). An upper bound where a release adapts only
    attention. Four of rank 64 took 28.1 GiB of each of eight GPUs beside Nemotron-3-Super (vLLM 0.22), whose
    512 experts have two matrices of 1,024 values' width.
    """
    cut, hidden = split.tensor, model.hidden
    query, key = model.heads * model.head_dim, model.kv_heads * model.head_dim
    attention = 4 * hidden + (2 * query + 2 * key) / cut
    feeding = 3 * hidden + 3 * model.ffn / cut if model.ffn else 0
    if model.moe is None:
        pairs = model.layers * (attention + feeding)
    else:
        mixed = model.layers if model.moe.layers is None else model.moe.layers
        experts = model.moe.experts / (split.ranks if split.experts else 1)
        within = 1 if split.experts else cut
        matrices, width = model.moe.matrices, model.moe.width or hidden
        routed = experts * matrices * (width + model.moe.expert_ffn / within)
        shared = matrices * (hidden + model.moe.shared_ffn / cut) if model.moe.shared_ffn else 0
        pairs = model.layers * attention + mixed * (routed + shared) + (model.layers - mixed) * feeding
    return round(HALF * rank * pairs / split.pipeline)
