"""Bytes of a model's weights: in all, and on the fullest GPU of a split.

Vocabulary, experts and heads are padded or copied as the runtimes do. Compared with what vLLM and SGLang
logged for 34 checkpoints (`tests/planning/measurements.yaml`): median error 0.8 %, worst 5.9 %
(gpt-oss-20b, loaded before experts were padded); shards of small layers on eight GPUs are up to 14 %
larger. A publisher that quantises less than its name says is underestimated, unless it is known for it
(`_PLAIN_ATTENTION`).
"""

from functools import lru_cache
from math import ceil

from gpuyard.catalog.models import ModelShape
from gpuyard.catalog.quantizations import EXPERTS_ONLY, HALF
from gpuyard.planning.parallel import Split
from gpuyard.planning.quantization import keeps_rest, quantization_of, scheme_of
from gpuyard.records import record

VOCAB_PAD = 64
"""Vocabularies are padded to whole multiples of this before they are cut."""
_MXFP4_PAD = (128, 256)
"""Expert width of a shard, and hidden size, are padded to these by the MXFP4 kernels (weights of
gpt-oss-120b: 65.97 GiB logged, 59.3 without padding; vllm-project/vllm#23278, 2025-08-20)."""
_MXFP4_LEAST = {"KimiLinearForCausalLM": 256}
"""Least expert width of a shard, by architecture (Kimi-K3: 180.8 GB per GPU on 8, 120.5 on 16 and on 32;
vllm-project/vllm#51124, 2026-08)."""
_ROUND = 1e12
"""Published numbers of parameters from here on are too round: what is no expert follows from the active ones
(Kimi-K2: 1,026 B so, published as 1 T). So it does where a shape is not verified: tables that no token passes
through whole may stay in host memory (Qwen3.8-Flash-Next in NVFP4: 74 to 101 GiB, eugr/spark-vllm-docker#388;
180 B published)."""
_HYBRID_MIXING = 1.0
"""NVFP4 checkpoints of hybrids keep linear and full attention in about 8 bit (Qwen3.8-27B: 19.75 GiB
logged, 17.5 if all were 4 bit; noonghunna/club-3090#1047, 2026-08-17), mixtures of experts among them."""

_PLAIN_ATTENTION = (
    ("meta-llama/", "405b", "fp8"),
    ("nvidia/", "gemma-4-31b", "nvfp4"),
    ("moonshotai/", "kimi-k2", "int4"),
)
"""Owner, name and scheme of checkpoints that keep attention in 16 bit: 57.75 GiB per GPU logged for
Llama-3.1-405B-FP8 on eight (vllm-project/vllm#6746); `hf_quant_config.json` of the second; experts alone are
4 bit in the third (its config.json, as eatang/Kimi-K2.5-2layer ships it)."""

_WHOLE_OWNERS = ("redhatai/",)
"""Owners whose NVFP4 mixtures are 4 bit in every linear layer, not in the experts alone: 15.77 GiB logged for
gemma-4-26B-A4B (vLLM 0.19, 2026-04-19), 17.9 with the rest in 16 bit."""


@record
class Parameters:
    """Where a model's parameters are."""

    tables: float
    """One embedding; a head of its own counts again."""
    heads: int
    """Tables in all: 1 when tied."""
    experts: float
    keys: float
    """Key and value projections, copied where there are fewer heads than ranks."""
    copied: float
    """Routers and the narrow projections of latent attention: whole on every rank."""
    seeing: float
    """The vision encoder, which checkpoints leave in 16 bit."""
    rest: float


def count_parts(model: ModelShape) -> Parameters:
    """The parts of ``model.params``; none is negative whatever the shape says."""
    heads = 1 if model.tied else 2
    tables = min(float(model.vocab * model.hidden), model.params / heads)
    left = model.params - tables * heads
    experts = _expert_parameters(model)
    doubtful = model.params >= _ROUND or not model.verified
    if model.moe and model.active_params < model.params and doubtful:
        active = experts * model.moe.top_k / max(model.moe.experts, 1)
        left = max(model.active_params - active - tables * heads, 0.0)
    else:
        experts = min(experts, left)
        left -= experts
    keys = 0.0 if model.mla else 2.0 * model.hidden * model.kv_heads * model.head_dim * _attending(model)
    copied = _copied_parameters(model)
    keys = min(keys, left)
    copied = min(copied, left - keys)
    seeing = min(float(model.vision.parameters), left - keys - copied) if model.vision else 0.0
    return Parameters(
        tables=tables,
        heads=heads,
        experts=experts,
        keys=keys,
        copied=copied,
        seeing=seeing,
        rest=left - keys - copied - seeing,
    )


def weight_bytes(model: ModelShape, quantization: str | None = None) -> int:
    """Bytes of all weights, each counted once."""
    parts, scheme = count_parts(model), scheme_of(model, quantization)
    linear = _linear_bytes(model, quantization)
    return round(
        parts.tables * parts.heads * scheme.tables
        + parts.seeing * max(scheme.tables, HALF)
        + parts.experts * scheme.experts
        + (parts.keys + parts.rest + parts.copied) * linear
    )


@lru_cache(maxsize=1024)  # proposals ask for the same shape again and again
def weight_bytes_per_gpu(model: ModelShape, split: Split, quantization: str | None = None) -> int:
    """Bytes on the GPU that holds most: the first or last pipeline stage, with its share of everything."""
    parts, scheme = count_parts(model), scheme_of(model, quantization)
    linear = _linear_bytes(model, quantization)
    stage = ceil(model.layers / split.pipeline) / model.layers if model.layers else 1 / split.pipeline
    sharded = parts.rest / split.tensor + parts.keys * max(1 / split.tensor, 1 / max(model.kv_heads, 1))
    body = (sharded + parts.copied) * linear
    body += parts.seeing / split.tensor * max(scheme.tables, HALF)
    body += _absorbed_bytes(model) / split.tensor
    experts = parts.experts * scheme.experts * _expert_share(model, split, quantization)
    rows = ceil(ceil(model.vocab / VOCAB_PAD) * VOCAB_PAD / split.tensor)
    table = min(rows * model.hidden, parts.tables) * scheme.tables
    tables = parts.heads if split.pipeline == 1 else 1
    return round(body * stage + experts * _expert_stage(model, stage) + table * tables)


def _expert_stage(model: ModelShape, stage: float) -> float:
    """Share of all experts in the stage that has most: the layers without any lie in the first one."""
    layers = model.moe.layers if model.moe else None
    return min(stage * model.layers / layers, 1) if layers else stage


def _linear_bytes(model: ModelShape, quantization: str | None) -> float:
    """Bytes per parameter outside tables and experts."""
    kind, scheme = quantization_of(model, quantization), scheme_of(model, quantization)
    if model.moe is not None:
        if kind == "nvfp4" and model.id.lower().startswith(_WHOLE_OWNERS):
            return scheme.linear
        if kind == "nvfp4" and model.linear_layers:
            return _HYBRID_MIXING
        halves = kind in EXPERTS_ONLY and not keeps_rest(model, quantization)
        return HALF if halves else scheme.linear
    if kind == "nvfp4" and model.linear_layers:
        parts = count_parts(model)
        mixing = max(parts.rest + parts.keys - 3.0 * model.layers * model.hidden * model.ffn, 0)
        share = mixing / max(parts.rest + parts.keys, 1)
        return share * _HYBRID_MIXING + (1 - share) * scheme.linear
    if keeps_attention(model, quantization):
        parts = count_parts(model)
        width = (model.heads + model.kv_heads) * model.head_dim
        share = 2.0 * model.layers * model.hidden * width / max(parts.rest + parts.keys, 1)
        return share * HALF + (1 - share) * scheme.linear
    return scheme.linear


def keeps_attention(model: ModelShape, quantization: str | None = None) -> bool:
    """Whether that checkpoint is known to keep its attention in 16 bit."""
    kind, name = quantization_of(model, quantization), model.id.lower()
    return any(
        kind == scheme and name.startswith(owner) and word in name for owner, word, scheme in _PLAIN_ATTENTION
    )


def _expert_parameters(model: ModelShape) -> float:
    if model.moe is None:
        return 0.0
    layers = model.layers if model.moe.layers is None else model.moe.layers
    width = model.moe.width or model.hidden
    return float(model.moe.matrices * layers * model.moe.experts * model.moe.expert_ffn * width)


def _copied_parameters(model: ModelShape) -> float:
    copied = 0.0
    if model.moe:
        copied += float(model.layers * model.hidden * model.moe.experts)
    if model.mla:
        copied += (
            model.layers * model.hidden * (model.mla.q_lora + model.mla.kv_lora_rank + model.mla.qk_rope)
        )
    return copied


def _absorbed_bytes(model: ModelShape) -> float:
    """Latent attention keeps its up-projections a second time, in 16 bit, for decoding."""
    if model.mla is None:
        return 0.0
    width = model.mla.qk_nope + model.mla.v_head_dim
    return HALF * model.layers * model.heads * model.mla.kv_lora_rank * width


def _expert_share(model: ModelShape, split: Split, quantization: str | None) -> float:
    """Share of all expert bytes on one GPU of a stage, with padding."""
    if model.moe is None or not model.moe.expert_ffn:
        return 1 / split.ranks
    if split.experts:
        return ceil(model.moe.experts / split.ranks) / model.moe.experts
    if quantization_of(model, quantization) != "mxfp4":
        return 1 / split.ranks
    wide, deep = _MXFP4_PAD
    shard = ceil(model.moe.expert_ffn / split.ranks / wide) * wide
    width = max(shard, _MXFP4_LEAST.get(model.architecture, 0)) / model.moe.expert_ffn
    return width * ceil(model.hidden / deep) * deep / model.hidden


def _attending(model: ModelShape) -> int:
    return max(model.full_attention_layers + model.sliding_layers, 0)
