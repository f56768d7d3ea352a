"""How a runtime's share of one GPU is spent: weights, steps, libraries, graphs; the rest is cache.

`spend` takes the step as it is, for comparing with logs. `plan_budget` chooses it: what the server defaults
to on such a GPU, less where that would cost more than `STEP_SHARE`; `Budget.step` then differs from the
default and becomes flags. More memory never leaves less cache: where a server doubles its step at some
size, a GPU just beyond pays for it only what it has more.
"""

from collections.abc import Sequence

from gpuyard.catalog.hardware import Gpu
from gpuyard.catalog.models import ModelShape
from gpuyard.planning.encoder import encoder_bytes
from gpuyard.planning.engine import Engine, Tier, engine_tiers, other_bytes, runner_of, tier_at
from gpuyard.planning.extras import NONE, Extras, extra_bytes
from gpuyard.planning.memory import forward_bytes, graph_bytes, sampler_bytes, usable_bytes, visible_bytes
from gpuyard.planning.parallel import Split
from gpuyard.planning.weights import weight_bytes_per_gpu
from gpuyard.records import record
from gpuyard.units import GIB, MIB

STEP_SHARE = 0.05
"""Of what is seen of a GPU, the most that the peak of a step may cost."""
_LEAST = Tier(memory_mib=0, tokens=512, sequences=16)
_MANY = 300
"""Sequences beyond which SGLang keeps half as much again for copies of attention."""
_USUAL_ENCODER = 24 * 1024**2
"""Layers times squared width of the encoder that SGLang takes as the measure (ViT-L/14)."""
_CONTEXT = int(0.5 * GIB)
"""CUDA context, which SGLang's share counts and vLLM's does not."""


@record
class Step:
    """What one engine step may hold at most."""

    tokens: int
    sequences: int


@record
class Budget:
    """Bytes of one GPU."""

    share: float
    """Of the GPU that the runtime is told to take, or of what is free (`Engine.of_free`)."""
    weights: int
    working: int
    """Peak of a step, libraries, and graphs where they count."""
    cache: int
    """What is left for the cache; negative: too little by so much."""
    step: Step
    default_step: Step
    """What the server would do by itself."""


def spend(
    model: ModelShape,
    memory_mib: int,
    split: Split,
    engine: Engine,
    *,
    step: Step,
    share: float | None = None,
    quantization: str | None = None,
    linked: bool = False,
    extras: Extras = NONE,
) -> Budget:
    """The budget of a server with this step, and the share of the GPU that its flag says.

    ``linked``: its GPUs talk over NVLink.
    """
    share = engine.share if share is None else share
    weights = _loaded_bytes(model, split, quantization, extras)
    if engine.runtime == "sglang" or engine.cache_first:
        working = other_bytes(engine, model, split, linked=linked)
    else:
        peak = step_bytes(model, split, engine, step)
        working = peak + _around(model, engine, split, step, linked=linked)
    return Budget(
        share=share,
        weights=weights,
        working=working,
        cache=cache_bytes(engine, memory_mib, share, weights + working),
        step=step,
        default_step=step,
    )


def plan_budget(
    model: ModelShape,
    gpu: Gpu,
    split: Split,
    engine: Engine,
    *,
    concurrency: int,
    quantization: str | None = None,
    extras: Extras = NONE,
) -> Budget:
    """The budget to deploy with; the context does not matter to it."""
    memory = gpu.memory_mib or 0
    tiers = engine_tiers(engine, gpu.id)
    default = tier_at(tiers, memory)
    default_step = Step(tokens=default.tokens, sequences=default.sequences)
    weights = _loaded_bytes(model, split, quantization, extras)
    if engine.runtime == "sglang":
        reserved = _reserved_by_sglang(memory, tiers, split)
        share = max(1 - reserved / (memory * MIB), 0.0) * _left_by_images(model) if memory else 0.0
        other = other_bytes(engine, model, split, linked=gpu.linked)
        return Budget(
            share=share,
            weights=weights,
            working=other,
            cache=cache_bytes(engine, memory, share, weights + other),
            step=_shrink_prefill(default_step, reserved, split),
            default_step=default_step,
        )
    if engine.cache_first:
        return _cache_first(model, gpu, split, engine, default_step, weights, concurrency)
    peak = max(
        _affordable_peak(model, memory, split, engine, tiers),
        sampler_bytes(model, concurrency, runner_of(engine, model).per_logit),
    )
    if engine.encodes:
        peak = max(peak, encoder_bytes(model, split, _LEAST.tokens))
    step = _largest_step(model, split, engine, default_step, peak, concurrency)
    most = Step(tokens=step.tokens, sequences=tiers[-1].sequences)
    around = _around(model, engine, split, most, linked=gpu.linked)
    return Budget(
        share=engine.share,
        weights=weights,
        working=peak + around,
        cache=cache_bytes(engine, memory, engine.share, weights + peak + around),
        step=step,
        default_step=default_step,
    )


def _cache_first(
    model: ModelShape,
    gpu: Gpu,
    split: Split,
    engine: Engine,
    default: Step,
    weights: int,
    concurrency: int,
) -> Budget:
    """The largest step that fits what the share leaves; a smaller share where not even the least one does."""
    other = other_bytes(engine, model, split, linked=gpu.linked)
    free = visible_bytes(gpu.memory_mib or 0) - weights - other
    rest = free - cache_bytes(engine, gpu.memory_mib or 0, engine.share, weights + other)
    step = _largest_step(model, split, engine, default, max(rest, 0), concurrency)
    peak = step_bytes(model, split, engine, step)
    cache = free - max(rest, peak)
    return Budget(
        share=cache / free if cache > 0 and peak > rest else engine.share,
        weights=weights,
        working=other + peak,
        cache=cache,
        step=step,
        default_step=default,
    )


def takes_at_most(engine: Engine, memory_mib: int, share: float) -> int:
    """Bytes of a GPU that weights, steps and the cache may take in all; ``share``: what its flag says."""
    if engine.of_free:
        return visible_bytes(memory_mib)
    if engine.runtime == "sglang":
        return round((visible_bytes(memory_mib) - _CONTEXT) * share)
    return usable_bytes(memory_mib, share)


def cache_bytes(engine: Engine, memory_mib: int, share: float, taken: int) -> int:
    """The cache beside ``taken`` bytes of weights, steps and libraries; negative: too little by so much."""
    left = takes_at_most(engine, memory_mib, share) - taken
    return round(left * share) if engine.of_free and left > 0 else left


def _loaded_bytes(model: ModelShape, split: Split, quantization: str | None, extras: Extras) -> int:
    weights = weight_bytes_per_gpu(model, split, quantization)
    return weights + extra_bytes(model, split, extras, quantization)


def step_bytes(model: ModelShape, split: Split, engine: Engine, step: Step | Tier) -> int:
    """Peak of one step on each GPU: images, the forward pass or the choice of tokens, never two at once."""
    return max(
        _prefill_bytes(model, split, engine, step.tokens),
        sampler_bytes(model, step.sequences, runner_of(engine, model).per_logit),
    )


def _around(model: ModelShape, engine: Engine, split: Split, step: Step, *, linked: bool) -> int:
    graphs = graph_bytes(model, split, step.sequences) if runner_of(engine, model).graphs_inside else 0
    return other_bytes(engine, model, split, linked=linked) + graphs


def _affordable_peak(
    model: ModelShape, memory_mib: int, split: Split, engine: Engine, tiers: Sequence[Tier]
) -> int:
    seen = visible_bytes(memory_mib)
    most = max(step_bytes(model, split, engine, _LEAST), round(STEP_SHARE * seen))
    if not engine.step_is_told:
        most = step_bytes(model, split, engine, tiers[-1])
    peak = min(step_bytes(model, split, engine, tiers[0]), most)
    for tier in tiers[1:]:
        if memory_mib >= tier.memory_mib:
            more = round(engine.share * (seen - visible_bytes(tier.memory_mib)))
            peak = max(peak, min(step_bytes(model, split, engine, tier), most, peak + more))
    return peak


def _largest_step(
    model: ModelShape, split: Split, engine: Engine, default: Step, peak: int, concurrency: int
) -> Step:
    tokens = default.tokens
    while tokens > _LEAST.tokens and _prefill_bytes(model, split, engine, tokens) > peak:
        tokens //= 2
    sequences = default.sequences
    one = sampler_bytes(model, 1, runner_of(engine, model).per_logit)
    while sequences > _LEAST.sequences and sequences * one > peak:
        sequences //= 2
    return Step(tokens=tokens, sequences=max(sequences, concurrency))


def _prefill_bytes(model: ModelShape, split: Split, engine: Engine, tokens: int) -> int:
    encoding = encoder_bytes(model, split, tokens) if engine.encodes else 0
    logits = sampler_bytes(model, tokens, engine.per_prefill_logit)
    return max(encoding, forward_bytes(model, split, tokens), logits)


def _left_by_images(model: ModelShape) -> float:
    """What SGLang leaves of its share by default where a model sees (`adjust_mem_fraction_for_vlm`)."""
    if model.vision is None:
        return 1.0
    size = model.vision.layers * model.vision.hidden**2 / _USUAL_ENCODER
    return 0.95 * max(0.8, min(1.05, 1.1 - 0.1 * size))


def _reserved_by_sglang(memory_mib: int, tiers: Sequence[Tier], split: Split) -> int:
    """Bytes that `--mem-fraction-static` leaves out by default (`_handle_gpu_memory_settings`)."""
    reserved = 0
    for tier in tiers:
        if memory_mib >= tier.memory_mib:
            wanted = _reserve_of(tier, split)
            more = (memory_mib - tier.memory_mib) * MIB
            reserved = max(reserved, min(wanted, reserved + more))
    return reserved


def _reserve_of(tier: Tier | Step, split: Split) -> int:
    graphs = tier.sequences * 2 if split.tensor < 4 else max(tier.sequences * 2, 160)
    if split.data > 1:  # attention pads every copy's batch
        graphs += tier.sequences * split.data * (4.5 if tier.sequences > _MANY else 3)
    mib = 512 + max(tier.tokens, 2048) * 1.5 + graphs + split.tensor * split.pipeline / 8 * 1024
    if isinstance(tier, Tier) and tier.memory_mib >= 60 * 1024:
        mib = max(mib, 10 * 1024)
    return round(mib * MIB)


def _shrink_prefill(default: Step, reserved: int, split: Split) -> Step:
    tokens = default.tokens
    while tokens > 2048 and _reserve_of(Step(tokens=tokens, sequences=default.sequences), split) > reserved:
        tokens //= 2
    return Step(tokens=tokens, sequences=default.sequences)
