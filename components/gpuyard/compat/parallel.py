"""Tensor parallelism: what a model can be split into."""

import re
from collections.abc import Iterator, Mapping
from math import ceil

from gpuyard.catalog.models import ModelShape, models
from gpuyard.catalog.software import Version
from gpuyard.compat.blocks import block_problems
from gpuyard.compat.codes import CODES
from gpuyard.compat.facts import Facts
from gpuyard.compat.memory import named_parameters
from gpuyard.compat.problem import Fix, Problem, with_env
from gpuyard.compat.sourced import Sourced, join_sources
from gpuyard.compat.spelling import plain
from gpuyard.compat.split import attention_ranks, may_share_attention
from gpuyard.compat.split_fixes import size_fixes
from gpuyard.errors import Severity
from gpuyard.planning.weights import VOCAB_PAD

WHOLE_KV_HEADS: Mapping[str, str] = {
    "tgi": "huggingface/text-generation-inference#1696",
    "transformers": "huggingface/transformers#48307",
}
"""Engines that cut KV heads and never copy several of them, and who says so."""
_TRAINERS: Mapping[str, str] = {
    "torchtitan": "pytorch/torchtitan#2577",
    "automodel": "NVIDIA-NeMo/Automodel#799",
    "autodeploy": "NVIDIA/TensorRT-LLM#4308",
}
"""The same, by the words that they are named with."""
KV_COPIES_SINCE: Mapping[str, Sourced[int]] = {
    "vllm": Sourced((0, 2, 1, 0), "vLLM 0.2.0, which asserts that they divide"),
    "lmdeploy": Sourced(
        (0, 6, 5, 0), "InternLM/lmdeploy PR#2874 (2024-12-18); 0.6.4 asserts that they divide"
    ),
}
"""First release that copies KV heads where there are fewer of them than GPUs."""
_OF_TURBOMIND = re.compile(r"llama|vicuna|mi[sx]tral|internlm2|qwen-?(?:1\.5|2)(?!.*vl)|baichuan|yi-")
"""Models that LMDeploy serves with TurboMind unless told otherwise (supported_models.md of 0.6)."""
_OF_LIGHTLLM = re.compile(r"llama|vicuna|mi[sx]tral|starcoder2")
LIGHTLLM_SAYS = "ModelTC/lightllm, models/*/model.py of 1.0.1"
"""Models whose KV heads LightLLM asserts to divide, and where."""
_HEADS = re.compile(r"\b(\d{1,3})[- ](?:attention |query )?heads?\b")
_TOKENS = re.compile(r"\bvocab(?:ulary)?(?:[ _]size)?(?: of| is|:|=)? ?(\d{1,3}(?:,?\d{3})+)\b")
_SIZE_ERROR = 0.15
"""How far a model may be from the size in its name: 8B models are called 7B."""
_FEW_SHAPES = 5
"""Models of one size, fewer of which say nothing of another."""
_RARE = 0.1
"""Share of them that would be a rare case."""
TGI_CUTS_UNEVENLY: Version = (0, 9, 2, 0)
"""First text-generation-inference whose embedding takes shards of any size (its tags; #507)."""
PADDED_SINCE: Mapping[str, Version] = {"vllm": (0, 1, 4, 0)}
"""First release that was read and pads the vocabulary (`gpt_bigcode.py` and `llama.py` of its wheel)."""
VISION_FLAG = "--mm-encoder-tp-mode"
VISION_DATA_SINCE = (0, 10, 2, 0)
"""First vLLM with that flag."""
INTERN_VIT, INTERN_VIT_PADDED = 25, Sourced((0, 6, 1, 0), "vllm-project/vllm#8097")
"""Heads of the InternViT of 6 B, and the first vLLM that pads them."""
SGLANG_VIT_CUT = Sourced((0, 4, 9, 0), "sgl-project/sglang#7854")
"""Last SGLang that was read and cuts them as they are; 0.4.9.post6 pads them."""
LAW = CODES["TP_DIVISIBILITY"].source
"""Who says that numbers must divide; what they are, the model's row says."""


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
    own = facts.model if not facts.given.attention_heads else None
    yield _indivisible(facts, size, heads, f"{heads} attention heads do not divide by {size}", own)


def _indivisible(facts: Facts, size: int, number: int, message: str, model: ModelShape | None) -> Problem:
    """What every copy of attention cuts; there may be more of them, each over fewer GPUs."""
    return Problem(
        "TP_DIVISIBILITY",
        "tensor_parallel",
        message,
        size_fixes(facts, size, lambda part: number % part == 0),
        Severity.WARNING if may_share_attention(facts) else Severity.ERROR,
        source=join_sources(model.source, LAW) if model else "",
        as_of=model.as_of if model else "",
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
        shape
        for shape in models().values()
        if shape.moe is None and shape.heads and abs(shape.params / parameters - 1) <= _SIZE_ERROR
    ]
    fitting = sum(shape.heads % size == 0 for shape in alike)
    if len(alike) < _FEW_SHAPES or fitting > _RARE * len(alike):
        return
    shares = fitting or may_share_attention(facts)
    counts = sorted({shape.heads for shape in alike})
    yield Problem(
        "TP_DIVISIBILITY",
        "tensor_parallel",
        f"models of that size have {', '.join(map(str, counts))} attention heads; "
        + (f"few divide by {size}" if fitting else f"none divides by {size}"),
        size_fixes(facts, size, lambda _: True),
        Severity.WARNING if shares else Severity.ERROR,
        source=join_sources(f"{len(alike)} models of the catalog", LAW),
        as_of=min(shape.as_of for shape in alike),
    )


def _kv_heads(facts: Facts, size: int, heads: int) -> Iterator[Problem]:
    model = facts.model
    if model is None or model.mla is not None or size < 2 or not model.kv_heads or not heads:
        return
    whole = _cut_whole(facts)
    copied = model.kv_heads == 1 or not whole  # a single head has code of its own
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
        source=join_sources(model.source, LAW if copied else whole),
        as_of=model.as_of,
    )


def _cut_whole(facts: Facts) -> str:
    """Who says that the engine gives no GPU a copy of a KV head; empty: it does, where GPUs are more."""
    since, name = KV_COPIES_SINCE.get(facts.runtime), facts.model_name.lower()
    if since and () < facts.version < since and _is_turbomind(facts, name):
        return since.source
    if "lightllm" in facts.runtime_text and _OF_LIGHTLLM.search(name):
        return LIGHTLLM_SAYS
    by_words = (source for word, source in _TRAINERS.items() if word in facts.runtime_text)
    return WHOLE_KV_HEADS.get(facts.runtime) or next(by_words, "")


def _is_turbomind(facts: Facts, name: str) -> bool:
    """Whether LMDeploy's own engine serves; of other engines, always."""
    by_torch = "pytorch" in facts.flag_values("--backend") or not _OF_TURBOMIND.search(name)
    return facts.runtime != "lmdeploy" or not by_torch


def _worded_vocabulary(facts: Facts) -> int:
    """Tokens that a description of the model counts: ``a vocabulary of 65027``; 0: it does not."""
    found = _TOKENS.search(plain(facts.given.model)) if "vocab" in plain(facts.given.model) else None
    return int(found[1].replace(",", "")) if found else 0


def _vocabulary(facts: Facts, size: int) -> Iterator[Problem]:
    """The vocabulary is cut like heads are, padded or as it is."""
    vocabulary = _worded_vocabulary(facts) or (facts.model.vocab if facts.model else 0)
    unpadded = facts.runtime == "tgi" and () < facts.version < TGI_CUTS_UNEVENLY
    unpadded = unpadded or () < facts.version < PADDED_SINCE.get(facts.runtime, ())
    padded = vocabulary if unpadded else ceil(vocabulary / VOCAB_PAD) * VOCAB_PAD
    judged = unpadded or facts.runtime in ("vllm", "sglang", "")
    if size < 2 or padded % size == 0 or not judged:
        return
    how = "not padded" if unpadded else f"padded to {padded}"
    message = f"a vocabulary of {vocabulary} ({how}) does not divide by {size}"
    yield _indivisible(facts, size, padded, message, facts.model)


def _vision_heads(facts: Facts, size: int) -> Iterator[Problem]:
    """A vision tower is cut like the language part, unless every rank keeps a whole one."""
    model = facts.model
    heads = model.vision_heads if model else 0
    whole = "data" in facts.flag_values(VISION_FLAG)
    padded = heads == INTERN_VIT and not () < facts.version < INTERN_VIT_PADDED
    early = facts.runtime == "sglang" and heads == INTERN_VIT and () < facts.version <= SGLANG_VIT_CUT
    judged = early or (facts.runtime == "vllm" and not whole and not padded)
    if model is None or not judged or size <= 1 or not heads or heads % size == 0:
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
        source=join_sources(
            model.source,
            SGLANG_VIT_CUT.source if early else INTERN_VIT_PADDED.source if heads == INTERN_VIT else LAW,
        ),
        as_of=model.as_of,
    )
