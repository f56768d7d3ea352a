"""Whether the cache of one sequence fits what weights leave, by the planner's own budget.

vLLM refuses to start where a sequence of the longest length would not fit; other engines shorten it, and fail
only where nothing is left at all.
"""

from collections.abc import Iterator, Mapping

from gpuyard.catalog.models import ModelShape
from gpuyard.catalog.quantizations import HALF
from gpuyard.catalog.software import Version
from gpuyard.compat.facts import Facts
from gpuyard.compat.generations import TURING
from gpuyard.compat.memory_fixes import cache_fixes, share_fixes, step_fixes, weight_fixes
from gpuyard.compat.problem import Problem
from gpuyard.compat.sizes import size_date, size_source
from gpuyard.compat.sourced import Sourced, join_sources
from gpuyard.errors import Severity
from gpuyard.planning.budget import Step, cache_bytes, spend, step_bytes, takes_at_most
from gpuyard.planning.engine import Engine, engine_at, engine_tiers, tier_at
from gpuyard.planning.extras import without_encoder
from gpuyard.planning.kv_cache import kv_bytes_per_token
from gpuyard.planning.memory import forward_bytes
from gpuyard.planning.parallel import Split
from gpuyard.planning.room import chunk_bytes, least_cache
from gpuyard.units import MIB, format_bytes

WARMED_UP: Sourced[Version] = Sourced(
    ((1, 0, 0, 0), (3, 0, 0, 0)), "text-generation-inference, router of 1.0 to 2.4 (general knowledge)"
)
"""TGI that stops where the GPU does not hold its longest request; 3.0 chooses lengths and cuts prompts."""
ONE_GPU_WEIGHTS = 20e9
"""Weights, in bytes, up to which a report that names no number of GPUs means one."""
CHUNKED_SINCE = (0, 5, 4, 0)
"""Before, vLLM prefilled a whole max_model_len at once; since, only up to 32,768 tokens."""
V1_SINCE = (0, 8, 0, 0)
ENCODER_LEFT_OUT: Version = (0, 10, 1, 0)
"""First vLLM that does not load it where no images are allowed (qwen2_5_vl.py of 0.10.0 and 0.10.1)."""
AWQ_SPLIT_UNTIL = Sourced((0, 3, 0, 0), "vllm-project/vllm#2566, #2199")
"""First vLLM whose AWQ multiplies large batches as 16-bit weights."""
_AWQ_SPLITS = 8
"""Partial sums that its kernel kept: 10.75 GiB of a 34B at 16,384 tokens."""
_WHOLE_PREFILL = 32768
_CHUNK = 512
_LEAST_CHUNK = 2048
"""Tokens of a prefill that vLLM's older defaults have on any GPU."""
_SEQUENCES = 256
_ERROR = 0.03
"""Of what the engine may take: caches planned 2.1 % too small at worst, on cards of 12 GB and more."""
_PLAIN_ERROR = 0.015
"""The same of models without quantization and states: 1.2 % at worst."""
_TUNED_SHARE = 0.95
"""Of the GPU, what an engine may have been let take where nobody tells, by who shortens the length above all:
Qwen3.6-27B in 4 bit held 75,000 tokens on 24 GB, 90,000 on an RTX 4090 (noonghunna/club-3090#71, 2026-05)."""
_FEW = 64
"""Sequences that a refusal counts with where nobody says how many; `max_num_seqs` is lowered first of all."""
_SHORT = 1024
"""Tokens that a server which is of any use holds."""
_NONE: Sourced[float] = Sourced((0,), "")
_LAUNCHER_SHARES: Mapping[str, Sourced[float]] = {
    "kaito": Sourced((0.84,), "kaito-project/kaito PR#1507, pkg/model/interface.go up to 0.12.0")
}
"""Shares that a launcher gives its engine: KAITO since 0.7.0, whatever its own configuration left out."""
_MEASURED = ("vllm", "sglang")


def cache_problems(
    facts: Facts, split: Split, weights: float, sure_weights: float, *, count_unsaid: bool
) -> Iterator[Problem]:
    """What is left for the cache against what it must hold.

    ``sure_weights``: less than ``weights`` where checkpoints differ beyond the planner's error.
    """
    model, memory = facts.model, facts.memory_mib or 0
    engine = engine_at(facts.runtime or "vllm", facts.version)
    launcher = _launcher(facts)
    share = facts.given.gpu_memory_utilization or launcher[0] or engine.share
    usable = takes_at_most(engine, memory, share)
    if model is None or not model.cache_verified:
        if facts.given.gpu_memory_utilization and sure_weights > usable and facts.runtime == "vllm":
            yield no_room(facts, weights, usable)
        return
    tokens = int(facts.given.max_model_len or 0) or model.context
    step = _step(facts, engine, tokens)
    linked = facts.gpu is not None and facts.gpu.linked
    # what is refused is refused without images as well, where these may be off
    shape = model if _profiles_images(facts) else without_encoder(model)
    budget = spend(shape, memory, split, engine, step=step, share=share, linked=linked)
    sums = _partial_sums(facts, model, split, step)
    left = cache_bytes(engine, memory, share, round(weights + budget.working + sums))
    margin = _margin(facts, model, split, engine, step, usable) + weights - sure_weights
    need = _need(facts, model, split, engine, tokens, step)
    if need <= left:
        return
    # such a model is as likely to be on several GPUs
    one = count_unsaid and weights > ONE_GPU_WEIGHTS
    one = one and facts.datacenter is not False and not facts.given.gpu_memory_utilization
    # the budget is that of engines whose logs were read; others, LMI and TGI among them, choose their lengths
    known = facts.runtime in _MEASURED or sure_weights > usable
    spare = 0
    if facts.runtime == "vllm" and not facts.given.gpu_memory_utilization and not launcher[0]:
        spare = takes_at_most(engine, memory, max(_TUNED_SHARE, share)) - usable
    is_chosen = 0 < int(facts.given.max_model_len or 0) < model.context
    refused = facts.runtime == "vllm" and _length_is_said(facts)
    refused = refused and need > left + margin + (spare if is_chosen else 0)
    sure = sure_weights + need > memory * MIB
    refused = refused or (sure and _warms_up(facts))
    nothing = _need(facts, model, split, engine, min(tokens, _SHORT), step) > left + margin + spare
    nothing = nothing or left + margin < 0
    dtype = facts.given.kv_cache_dtype
    per_token = kv_bytes_per_token(model, split, dtype, sliding_share=engine.sliding_share)
    largest = int(max(left, 0) / max(per_token, 1))
    source = join_sources(
        size_source(facts),
        AWQ_SPLIT_UNTIL.source if sums else "",
        WARMED_UP.source if sure and _warms_up(facts) else "",
        "" if facts.given.gpu_memory_utilization else launcher.source,
    )
    if left + margin < 0 and not one:
        yield Problem(
            "MEMORY_WEIGHTS",
            "model",
            f"weights take {format_bytes(weights)} per GPU, and one step does not fit beside them",
            (*share_fixes(facts), *step_fixes(facts), *weight_fixes(facts)),
            Severity.ERROR if known else Severity.WARNING,
            source=source,
            as_of=size_date(facts),
        )
    yield Problem(
        "MEMORY_KV",
        "max_model_len",
        f"one sequence of {tokens} tokens needs {format_bytes(need)} of cache per GPU; "
        f"weights ({format_bytes(weights)}) and activations leave {format_bytes(max(left, 0))}, "
        f"about {largest} tokens",
        cache_fixes(facts, largest, tokens, whole_prefill=_prefills_whole(facts, tokens)),
        Severity.ERROR if (refused or (nothing and known)) and not one else Severity.WARNING,
        source=source,
        as_of=size_date(facts),
    )


def _launcher(facts: Facts) -> Sourced[float]:
    """The share that what starts the engine gives it; 0: nothing known."""
    return next((share for name, share in _LAUNCHER_SHARES.items() if name in facts.runtime_text), _NONE)


def _margin(
    facts: Facts, model: ModelShape, split: Split, engine: Engine, step: Step, usable: float
) -> float:
    """Bytes by which more may be left than the budget says."""
    is_plain = not facts.quantization and not model.linear_layers
    margin = (_PLAIN_ERROR if is_plain else _ERROR) * usable
    if model.vision and not _loads_encoder(facts):  # a server of text alone leaves the encoder out
        margin += HALF * model.vision.parameters / split.tensor
    if not facts.given.max_num_seqs and not _is_v0(facts) and not _is_tuned(facts):
        # fewer sequences than a server has sample less
        shape, few = without_encoder(model), Step(tokens=step.tokens, sequences=_FEW)
        margin += step_bytes(shape, split, engine, step) - step_bytes(shape, split, engine, few)
    return margin


def _loads_encoder(facts: Facts) -> bool:
    """Whether the release loads the encoder of a model that sees, whatever it is asked for."""
    return facts.runtime == "vllm" and () < facts.version < ENCODER_LEFT_OUT


def _profiles_images(facts: Facts) -> bool:
    """Whether it is sure that such a release makes room for images: all is told, and no limit of them."""
    return _loads_encoder(facts) and _is_tuned(facts) and not facts.flag_values("--limit-mm-per-prompt")


def no_room(facts: Facts, weights: float, usable: float) -> Problem:
    """The weights fit the GPU, but not the share of it that the engine may take."""
    return Problem(
        "MEMORY_KV",
        "gpu_memory_utilization",
        f"weights take {format_bytes(weights)} per GPU, and the engine may take "
        f"{format_bytes(usable)} for everything",
        (*share_fixes(facts), *weight_fixes(facts)),
        source=size_source(facts),
        as_of=size_date(facts),
    )


def _length_is_said(facts: Facts) -> bool:
    """Whether the length is known: stated, or left at the model's own by somebody who states its share."""
    return bool(facts.given.max_model_len) or facts.given.gpu_memory_utilization is not None


def _warms_up(facts: Facts) -> bool:
    """Whether text-generation-inference makes room for the length that is stated before it serves."""
    since, before = WARMED_UP
    plain = facts.has_older_code or facts.is_without_flash or () < facts.sm < TURING
    within = facts.runtime == "tgi" and since <= facts.version < before
    return within and bool(facts.given.max_model_len) and not plain


def _is_tuned(facts: Facts) -> bool:
    """Whether length and share are both stated: who tells that much of a command line tells the rest."""
    return bool(facts.given.max_model_len and facts.given.gpu_memory_utilization)


def _need(facts: Facts, model: ModelShape, split: Split, engine: Engine, tokens: int, step: Step) -> float:
    """Cache of one sequence, with the chunk that vLLM counts for sliding layers before it starts."""
    sequences = int(facts.given.max_num_seqs or _SEQUENCES)
    dtype = facts.given.kv_cache_dtype
    told = bool(facts.given.max_num_batched_tokens)
    counted = step if told else Step(tokens=min(step.tokens, _LEAST_CHUNK), sequences=step.sequences)
    chunk = chunk_bytes(model, split, engine, counted, tokens, dtype) if facts.runtime == "vllm" else 0
    return chunk + least_cache(model, split, engine, sequences, tokens, dtype)


def _step(facts: Facts, engine: Engine, tokens: int) -> Step:
    """The largest step, as far as it is said; else the smallest that such a server has."""
    batched = facts.given.max_num_batched_tokens
    stated = int(facts.given.max_num_seqs or 0)
    tier = tier_at(engine_tiers(engine, facts.gpu_name), facts.memory_mib or 0)
    if _is_v0(facts):
        whole = _prefills_whole(facts, tokens)
        size = tokens if whole else _CHUNK
        # a prefill in chunks is profiled without sampling
        sequences = (stated or _SEQUENCES) if whole else 0
    else:
        size, sequences = tier.tokens, stated or max(tier.sequences, engine.sequences_least)
    return Step(tokens=batched if isinstance(batched, int) else size, sequences=sequences)


def _partial_sums(facts: Facts, model: ModelShape, split: Split, step: Step) -> float:
    """What the AWQ kernel of early releases needs for the widest product beyond any other forward pass."""
    early = facts.runtime == "vllm" and () < facts.version < AWQ_SPLIT_UNTIL
    if not early or facts.quantization != "awq" or model.moe is not None:
        return 0
    sums = step.tokens * _AWQ_SPLITS * 2 * model.ffn / split.tensor * HALF
    return max(sums - forward_bytes(model, split, step.tokens), 0)


def _prefills_whole(facts: Facts, tokens: int) -> bool:
    """Whether the release prefills a whole sequence at once."""
    return _is_v0(facts) and (facts.version < CHUNKED_SINCE or tokens <= _WHOLE_PREFILL)


def _is_v0(facts: Facts) -> bool:
    """Whether it is the older engine of vLLM, which samples for as many sequences whoever starts it."""
    return facts.runtime == "vllm" and () < facts.version < V1_SINCE
