"""Tensor parallelism: what a model can be split into."""

import re
from collections.abc import Iterator
from math import ceil

from gpuyard.catalog.models import ModelShape, models
from gpuyard.compat.blocks import block_problems
from gpuyard.compat.facts import Facts
from gpuyard.compat.memory import named_parameters
from gpuyard.compat.problem import Fix, Problem, with_env
from gpuyard.compat.spelling import plain
from gpuyard.compat.split import attention_ranks, may_share_attention
from gpuyard.compat.split_fixes import size_fixes
from gpuyard.errors import Severity
from gpuyard.planning.weights import VOCAB_PAD

WHOLE_KV_HEADS = frozenset({"tgi", "transformers"})
"""Engines that cut KV heads and never copy several of them (huggingface/transformers#48307,
huggingface/text-generation-inference#1696)."""
_TRAINERS = ("torchtitan", "automodel", "autodeploy")
"""The same, by the words that they are named with (pytorch/torchtitan#2577, NVIDIA-NeMo/Automodel#799,
NVIDIA/TensorRT-LLM#4308)."""
KV_COPIES_SINCE = (0, 2, 1, 0)
"""First vLLM that copies KV heads where there are fewer of them than GPUs; 0.2.0 asserts that they divide."""
_HEADS = re.compile(r"\b(\d{1,3})[- ](?:attention |query )?heads?\b")
_SIZE_ERROR = 0.15
"""How far a model may be from the size in its name: 8B models are called 7B."""
_FEW_SHAPES = 5
"""Models of one size, fewer of which say nothing of another."""
_RARE = 0.1
"""Share of them that would be a rare case."""
VISION_FLAG = "--mm-encoder-tp-mode"
VISION_DATA_SINCE = (0, 10, 2, 0)
"""First vLLM with that flag."""
INTERN_VIT, INTERN_VIT_PADDED = 25, (0, 6, 1, 0)
"""Heads of the InternViT of 6 B, and the first vLLM that pads them (vllm-project/vllm#8097)."""
SGLANG_VIT_CUT = (0, 4, 9, 0)
"""Last SGLang that was read and cuts them as they are (sgl-project/sglang#7854); 0.4.9.post6 pads them."""


def parallel_problems(facts: Facts) -> Iterator[Problem]:
    """Every rule on splitting a model."""
    size = facts.tensor
    yield from _heads(facts, attention_ranks(facts))
    yield from _vocabulary(facts, attention_ranks(facts))
    yield from _vision_heads(facts, size)
    yield from block_problems(facts, size)


def _heads(facts: Facts, size: int) -> Iterator[Problem]:
    heads = int(facts.given.attention_heads or 0) or (
        facts.model.heads if facts.model else _worded_heads(facts)
    )
    if size < 2 or not heads or heads % size == 0:
        yield from _kv_heads(facts, size, heads)
        yield from _usual_heads(facts, size, heads)
        return
    yield _indivisible(facts, size, heads, f"{heads} attention heads do not divide by {size}")


def _indivisible(facts: Facts, size: int, number: int, message: str) -> Problem:
    """What every copy of attention cuts; there may be more of them, each over fewer GPUs."""
    return Problem(
        "TP_DIVISIBILITY",
        "tensor_parallel",
        message,
        size_fixes(facts, size, lambda part: number % part == 0),
        Severity.WARNING if may_share_attention(facts) else Severity.ERROR,
    )


def _worded_heads(facts: Facts) -> int:
    """Heads that a description counts: ``a model with 28 attention heads``; 0: it does not."""
    found = _HEADS.search(plain(facts.given.model))
    return int(found[1]) if found else 0


def _usual_heads(facts: Facts, size: int, heads: int) -> Iterator[Problem]:
    """A model whose name says its size only, where no model of that size splits so."""
    parameters = 0.0 if heads or size < 2 else named_parameters(facts.model_name.lower())
    if not parameters or facts.runtime not in ("vllm", "sglang", "tgi", ""):
        return
    alike = [
        shape.heads
        for shape in models().values()
        if shape.moe is None and shape.heads and abs(shape.params / parameters - 1) <= _SIZE_ERROR
    ]
    fitting = sum(heads % size == 0 for heads in alike)
    if len(alike) < _FEW_SHAPES or fitting > _RARE * len(alike):
        return
    shares = fitting or may_share_attention(facts)
    yield Problem(
        "TP_DIVISIBILITY",
        "tensor_parallel",
        f"models of that size have {', '.join(map(str, sorted(set(alike))))} attention heads; "
        + (f"few divide by {size}" if fitting else f"none divides by {size}"),
        size_fixes(facts, size, lambda _: True),
        Severity.WARNING if shares else Severity.ERROR,
    )


def _kv_heads(facts: Facts, size: int, heads: int) -> Iterator[Problem]:
    model = facts.model
    if model is None or model.mla is not None or size < 2 or not model.kv_heads or not heads:
        return
    copied = _copies_kv_heads(facts, model)
    kv_heads = model.kv_heads

    def fits(part: int) -> bool:
        return kv_heads % part == 0 or (copied and part % kv_heads == 0)

    if fits(size):
        return
    yield Problem(
        "TP_DIVISIBILITY",
        "tensor_parallel",
        f"{kv_heads} KV heads neither divide by {size} nor divide it"
        if copied
        else f"{kv_heads} KV heads do not divide by {size}, "
        f"and {facts.runtime or facts.runtime_text} copies none",
        size_fixes(facts, size, lambda part: heads % part == 0 and fits(part)),
    )


def _copies_kv_heads(facts: Facts, model: ModelShape) -> bool:
    """Whether the engine gives GPUs copies of KV heads where it has more of them than heads."""
    early = facts.runtime == "vllm" and () < facts.version < KV_COPIES_SINCE
    # a single head has code of its own
    cut = facts.runtime in WHOLE_KV_HEADS or any(word in facts.runtime_text for word in _TRAINERS)
    return model.kv_heads == 1 or not (cut or early)


def _vocabulary(facts: Facts, size: int) -> Iterator[Problem]:
    """The padded vocabulary is cut like heads are."""
    vocabulary = facts.model.vocab if facts.model else 0
    padded = ceil(vocabulary / VOCAB_PAD) * VOCAB_PAD
    if size < 2 or padded % size == 0 or facts.runtime not in ("vllm", "sglang", ""):
        return
    message = f"a vocabulary of {vocabulary} (padded to {padded}) does not divide by {size}"
    yield _indivisible(facts, size, padded, message)


def _vision_heads(facts: Facts, size: int) -> Iterator[Problem]:
    """A vision tower is cut like the language part, unless every rank keeps a whole one."""
    heads = facts.model.vision_heads if facts.model else 0
    whole = "data" in facts.flag_values(VISION_FLAG)
    padded = heads == INTERN_VIT and not () < facts.version < INTERN_VIT_PADDED
    early = facts.runtime == "sglang" and heads == INTERN_VIT and () < facts.version <= SGLANG_VIT_CUT
    judged = early or (facts.runtime == "vllm" and not whole and not padded)
    if not judged or size <= 1 or not heads or heads % size == 0:
        return
    if not early and (facts.version >= VISION_DATA_SINCE or not facts.version):
        fixes = (Fix(f"add {VISION_FLAG} data", with_env(facts, VISION_FLAG, "data")),)
    else:
        fixes = ()
    yield Problem(
        "TP_DIVISIBILITY",
        "tensor_parallel",
        f"{heads} attention heads of the vision tower do not divide by {size}",
        (*fixes, *size_fixes(facts, size, lambda part: heads % part == 0)),
    )
