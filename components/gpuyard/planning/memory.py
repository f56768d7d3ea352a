"""GPU memory of one replica: what a runtime may take, and what weights and steps leave for the cache.

Formulae: facts of 2026-11-23 (`catalog/data/models.json`, ``formulae``). Constants here, in `engine` and in
`encoder` are fitted to 18 of 89 logged caches (`tests/planning/measurements.yaml`, each with where and when).
Cache per GPU against the log, as a share of what the runtime may take of the GPU: of the 71 others 0.9 % off
in the median, 3.4 % in nine of ten; at worst of all 14.6 % too large (steps of 64,000 tokens of linear
attention). Where starts were collected before anything was computed for them, the constants of that day were
off by this: 22 starts 3.8 % in the median and 12.9 % at worst, five on an H100 0.8 % and 1.7 %, 15 more (nine
of vLLM 0.11 on H100, two of DeepSeek-V4 with whole experts, one of SGLang, three of TGI) 0.7 % and 7.9 %:
TGI's warm-up takes logits of the whole prefill, which was not known. One start with adapters had 100 GiB of
cache where none was planned: experts of two narrow matrices were counted as three of the model's width.
13 more (four of SGLang, one with adapters, one with whole experts, vLLM 0.6 to 0.26 on six kinds of GPU)
1.2 % and 12.2 %, the latter on a card with 6 GB. Seven of TensorRT-LLM, by the constants of vLLM and the
formula of its source, 2.7 % and 7.3 %, before one constant was fitted to one of them; LMDeploy's one 1.0 %.
"""

from gpuyard.catalog.models import ModelShape
from gpuyard.planning.kv_cache import INDEXED
from gpuyard.planning.parallel import Split
from gpuyard.records import record
from gpuyard.units import GIB, MIB


@record
class Accuracy:
    """How far planned caches are from logged ones, as a share of what the runtime may take of a GPU."""

    median: float
    """Of the starts that nothing was fitted to."""
    p90: float
    """What nine of ten of them are within."""
    worst: float
    """Of all."""
    starts: int


ACCURACY = Accuracy(median=0.0090, p90=0.0339, worst=0.1461, starts=89)
GRAPHS_LEAST = int(0.2 * GIB)
GRAPHS_FULL = int(0.45 * GIB)
"""CUDA graphs of a few and of all batch sizes; 0.13 to 0.45 GiB estimated by vLLM 0.21 to 0.29 for most
models."""
GRAPHS_PICKING = int(4.99 * GIB)
"""The same of sparse attention with whole experts: GLM-5.2 on four GB200 (2026-08-20). DeepSeek-V4-Flash left
4 to 5 GiB less cache than was planned before on eight B200, in one copy of attention and in eight
(vllm-project/vllm#51454, 2026-08-07). With whole experts beside other attention one log tells no more than
those of dense models: 3.45 GiB on top of the share, Qwen3-235B on eight L40S under vLLM 0.10.2 (2025-09-24);
2.24 for Qwen3-8B under 0.9.2. For a hybrid of 92 layers on 16 GPUs 33 were set apart and 8.57 taken (a log in
the tests of NVIDIA's srtctl, 2026-08-13)."""
GRAPHS_SEQUENCES = 256
"""Concurrency from which every batch size has its graph."""
_DRIVER_FIXED = 250 * MIB
_DRIVER_SHARE = 0.0065
"""What the driver keeps for itself: 0.4 GiB of an RTX 3090 (23.58 of 24), 0.7 of a B200 (178.4 of 179.1)."""


def visible_bytes(memory_mib: int) -> int:
    """What a process sees of a GPU whose driver reports ``memory_mib``."""
    return max(round(memory_mib * MIB * (1 - _DRIVER_SHARE)) - _DRIVER_FIXED, 0)


def usable_bytes(memory_mib: int, utilization: float) -> int:
    """What the runtime may take of one GPU."""
    return round(visible_bytes(memory_mib) * utilization)


def forward_bytes(model: ModelShape, split: Split, batched_tokens: int) -> int:
    """Peak of one forward pass on each GPU: three tensors of hidden and feed-forward width.

    Llama-3.1-8B: 110,592 B per token; 110 to 111 KB logged at 20,000 and 29,000 tokens. Of a mixture, each
    token's row is there for every expert it goes to: 0.30 GiB for 2,048 tokens of DeepSeek-R1 on 16 GPUs,
    0.37 logged (vllm-project/vllm#14447).
    """
    width = 3 * model.hidden * model.streams + _inner_width(model, split)
    return round(batched_tokens * 2 * width)


def sampler_bytes(model: ModelShape, sequences: int, per_logit: float) -> int:
    """Peak of choosing the next token for ``sequences`` at once; every rank holds all logits."""
    return round(sequences * model.vocab * per_logit)


def graph_bytes(model: ModelShape, split: Split, sequences: int) -> int:
    """CUDA graphs captured for batches of up to ``sequences``."""
    share = min(sequences / GRAPHS_SEQUENCES, 1)
    full = GRAPHS_PICKING if has_large_graphs(model, split) else GRAPHS_FULL
    return round(GRAPHS_LEAST + (full - GRAPHS_LEAST) * share)


def has_large_graphs(model: ModelShape, split: Split) -> bool:
    """Whether CUDA graphs are known to take GiB."""
    return split.experts and (model.architecture in INDEXED or bool(model.compressed))


def _inner_width(model: ModelShape, split: Split) -> float:
    """Values of one token inside a feed-forward, on each GPU; input and output of experts share a buffer."""
    moe = model.moe
    dense = 3 * model.ffn / split.tensor if moe is None or moe.layers is not None else 0.0
    if moe is None:
        return dense
    width = moe.expert_ffn / (1 if split.experts else split.ranks)
    row = max(moe.width or model.hidden, 2 * width) + width
    return max(moe.top_k * row + 3 * moe.shared_ffn / split.tensor, dense, 1.0)
