"""How the GPUs of a replica share its model, by fields and flags.

Copies of attention (data parallel) keep what every token passes; a mixture's experts are spread over all of
them: vLLM flattens tensor and data parallel for its experts, with or without expert parallel
(docs.vllm.ai, Expert Parallel Deployment), SGLang does inside ``--tp`` with ``--enable-dp-attention``
(docs.sglang.io, server arguments; both read 2026-11-26).
"""

import re

from gpuyard.compat.facts import Facts
from gpuyard.planning.parallel import Split

EXPERT_PARALLEL = (
    *("--enable-expert-parallel", "-ep", "--ep-size", "--ep", "--expert-parallel-size"),
    *("--enable-ep-moe", "--enable-deepep-moe"),
)
"""The last two of SGLang up to 0.5.2, as many expert ranks as tensor ranks (its arguments of 0.4.6)."""
NODE = 8
"""GPUs that tensor parallel stays within, as a rule."""
OVER_NODES = ("dynamo", "llm-d", "llmd")
"""Products that run an engine over nodes, prefill and decode apart."""
RACKS = ("gb200", "gb300")
"""GPUs that NVLink joins beyond a node: SGLang served mixtures with sizes of 12 to 56 there
(SemiAnalysisAI/InferenceX, benchmarks/multi_node/srt-slurm-recipes, 2026-08-21)."""
_COPIES = ("--data-parallel-size", "-dp", "--dp-size", "--dp")
_SHARED_ATTENTION = "--enable-dp-attention"
_WHOLE_DENSE = "--moe-dense-tp-size"
_ALL_TO_ALL = ("--moe-a2a-backend", "--enable-deepep-moe")
"""With one of them, SGLang keeps experts whole, shared ones on every rank."""


def read_split(facts: Facts) -> Split | None:
    """The split of the whole model; None: not even the number of GPUs is known, or a number is a variable."""
    tensor = int(facts.given.tensor_parallel or 0)
    stages = int(facts.given.pipeline_parallel or 0)
    if facts.is_mixture:
        copies = _copies(facts, tensor, stages)
        if copies is None:
            return None
        if copies > 1:
            ranks = attention_ranks(facts)
            return Split(ranks, max(stages, 1), copies, experts=has_whole_experts(facts))
    if tensor > 1 and not stages and facts.count and facts.count % tensor == 0:
        stages = facts.count // tensor  # more GPUs than ranks: stages, which nobody said there are not
    stages = max(stages, 1)
    if tensor:
        return Split(tensor, stages)
    if facts.count:
        return Split(facts.count, stages)
    # engines take one GPU where nothing else is said; whoever reports may have left the number out
    return Split(1, stages) if facts.machine is None else None


def attention_ranks(facts: Facts) -> int:
    """GPUs that one copy of attention is cut over."""
    tensor = facts.tensor
    if not _shares_inside(facts):
        return tensor
    copies = _stated_copies(facts) or tensor  # as many as a variable says
    return tensor // copies if tensor % copies == 0 else tensor


def dense_ranks(facts: Facts) -> int:
    """GPUs that a layer is cut over which all tokens pass, beside attention."""
    whole = _shares_inside(facts) and "1" in facts.flag_values(_WHOLE_DENSE)
    return 1 if whole else facts.tensor


def shared_ranks(facts: Facts) -> int:
    """GPUs that a shared expert is cut over."""
    return 1 if _sends_tokens(facts) else facts.tensor


def has_whole_experts(facts: Facts) -> bool:
    """Whether experts stay whole, so that only their number is divided; so it is with all-to-all as well."""
    return any(value != "1" for value in facts.flag_values(*EXPERT_PARALLEL)) or _sends_tokens(facts)


def _sends_tokens(facts: Facts) -> bool:
    """Whether SGLang sends tokens to the experts, which it then keeps whole."""
    return facts.runtime == "sglang" and any(value != "none" for value in facts.flag_values(*_ALL_TO_ALL))


def may_share_attention(facts: Facts) -> bool:
    """Whether copies of attention are likelier than what is said of a mixture, and no flags are told.

    In a rack, sizes that no number of heads divides by are those of copies. What serves on many nodes states
    the size of one copy, with as many of them as it likes.
    """
    if not facts.is_mixture or facts.given.env is not None:
        return False
    wide = facts.tensor > NODE
    in_rack = facts.gpu is not None and facts.gpu.id in RACKS
    return (wide and in_rack and facts.runtime == "sglang") or any(
        name in facts.runtime_text for name in OVER_NODES
    )


def _copies(facts: Facts, tensor: int, stages: int) -> int | None:
    """Copies of attention that share the experts; None: as many as a variable says."""
    named = bool(facts.flag_values(*_COPIES))
    if _shares_inside(facts):
        return _stated_copies(facts) if named else 1
    if facts.runtime == "sglang":
        return 1
    if named:
        return _stated_copies(facts)
    ranks = tensor * max(stages, 1)
    if facts.count and (tensor == 1 or (tensor and stages)) and facts.count % ranks == 0:
        return facts.count // ranks  # nobody gives a replica GPUs for nothing
    return 1


def _stated_copies(facts: Facts) -> int | None:
    text = next(iter(facts.flag_values(*_COPIES)), "")
    return int(text) if re.fullmatch(r"[0-9]{1,6}", text) else None


def _shares_inside(facts: Facts) -> bool:
    """Whether copies of attention are counted inside the tensor-parallel size."""
    return facts.runtime in ("sglang", "") and bool(facts.flag_values(_SHARED_ATTENTION))
