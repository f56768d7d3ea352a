"""The draft model that a command line names beside the model: its weights lie on the same GPUs."""

import re

from gpuyard.compat.checkpoint import read_model
from gpuyard.compat.facts import Facts
from gpuyard.planning.parallel import Split
from gpuyard.planning.weights import weight_bytes_per_gpu

FLAGS = (
    "--speculative-model",
    "--speculative-draft-model-path",
    "--speculative-draft-model",
    "--model-draft",
)
LARGEST_SHARE = 0.5
"""Of the model's parameters: what is named with more is the model once again, for its own draft layers."""
_IN_CONFIG = re.compile(r"speculative[_-]config\W.*?[\"']?\bmodel[\"']?\s*[:=]\s*[\"']?([\w.-]+/[\w.-]+)")
"""The model inside vLLM's ``--speculative-config``, whose JSON may be spread over several words."""
_WORDS = re.compile(r"[a-z]+\d*")
_HEADS = ("eagle", "medusa", "mtp", "nextn", "draft", "speculator", "dflash", "dspark", "mlp", "assistant")
"""Words of heads that are named after the model which they are made for, not by their own size."""


def named_draft(facts: Facts) -> str:
    """The draft's id; empty: none, or a head without weights of its own that the catalog knows."""
    told = next((value for value in facts.flag_values(*FLAGS) if "/" in value), "")
    if not told and "speculative" in str(facts.given.env or ""):
        found = _IN_CONFIG.search(str(facts.given.env))
        told = found[1] if found else ""
    words = set(_WORDS.findall(told.lower()))
    return "" if any(word.startswith(_HEADS) for word in words) else told


def draft_weight_bytes(facts: Facts, split: Split) -> float:
    """Bytes of its weights on one GPU, cut as the model is; 0: none, or its shape is not known."""
    name = named_draft(facts)
    shape = read_model(name) if name else None
    if shape is None or (facts.model is not None and shape.params > LARGEST_SHARE * facts.model.params):
        return 0
    return weight_bytes_per_gpu(shape, Split(split.tensor, 1))
