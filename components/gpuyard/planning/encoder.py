"""GPU memory of a vision encoder's largest step, which vLLM profiles before it sizes the cache.

The encoder takes as many of the largest images as fit the budget of a step, at least one. Four tensors as
wide as the hidden state stay whole on every rank; queries, keys, values, their output and the feed-forward
are cut. Peaks logged: 4.06 GiB for Qwen2.5-VL-3B at 32,768 tokens on one GPU (4.2 computed), 1.59 for
Qwen3.8-27B at 16,384 on two (1.4, noonghunna/club-3090#1087), about 2.0 for gemma-4-26B at 8,192 on one
(2.2).
"""

from gpuyard.catalog.models import ModelShape
from gpuyard.planning.parallel import Split


def encoder_bytes(model: ModelShape, split: Split, batched_tokens: int) -> int:
    """Peak of encoding images on each GPU; 0 where the model has no encoder that is known."""
    vision = model.vision
    if vision is None:
        return 0
    items = max(batched_tokens // vision.item_tokens, 1)
    width = 4 * vision.hidden + (4 * vision.hidden + 2 * vision.ffn) / split.tensor
    return round(2 * items * vision.item_tokens * vision.patches * width)
