"""Quantization on load: the whole model lies on the GPU in 16 bit until its first or last layer is done."""

import re
from collections.abc import Iterator, Mapping

from gpuyard.catalog.engine_flags import spellings
from gpuyard.catalog.quantizations import HALF
from gpuyard.catalog.software import Version
from gpuyard.compat.facts import Facts
from gpuyard.compat.memory_fixes import weight_fixes
from gpuyard.compat.problem import Problem, set_release
from gpuyard.compat.sizes import size_date, size_source
from gpuyard.compat.sourced import Sourced, join_sources
from gpuyard.errors import Severity
from gpuyard.planning.parallel import Split
from gpuyard.planning.weights import weight_bytes_per_gpu
from gpuyard.units import MIB, format_bytes

WHOLE_UNTIL: Mapping[str, Version] = {"vllm": (0, 13, 0, 0), "sglang": (0, 5, 0, 0)}
"""Releases from which it is not known to be so."""
ON_LOAD = "sgl-project/sglang#2895 (2025-01-15); fp8.py of vLLM 0.11.1 and 0.12.0"
BOTH: Mapping[str, Sourced[Version]] = {
    "vllm": Sourced(((0, 13, 0, 0), (0, 15, 0, 0)), "vllm-project/vllm#31273, PR#32773, PR#31914 (2026-01)")
}
"""Releases that keep both: a layer is quantised as soon as it is there, and what it was is let go after the
last one (fp8.py of vLLM 0.13.0 to 0.14.1; 0.16.0 makes room for one layer at a time)."""
OTHERWISE = "0.16.0"
_TWIN = re.compile(r"llama-3\.1-405b|qwen3|glm-[45]|nemotron|hunyuan|ernie-4|magistral|devstral")
"""Families whose publisher has an FP8 checkpoint beside the 16-bit one: FP8 beside the name may mean that."""


def on_load_problems(facts: Facts, split: Split) -> Iterator[Problem]:
    """Weights in 16 bit against the GPU, where the command line asks for 8 bit of a 16-bit checkpoint."""
    model = facts.model
    if model is None or not model.verified or facts.quantization != "fp8":
        return
    asked = _is_asked(facts)
    if not asked and not _names_half(facts):
        return
    both = BOTH.get(facts.runtime)
    keeps_both = both is not None and both[0] <= facts.version < both[1]
    if not keeps_both and not () < facts.version < WHOLE_UNTIL.get(facts.runtime, ()):
        return
    weights = weight_bytes_per_gpu(model, split, "bfloat16")
    how = f"weights are quantised after they were loaded: {format_bytes(weights)} per GPU in 16 bit"
    if keeps_both:
        embeddings = model.vocab * model.hidden * HALF * (1 if model.tied else 2)
        weights += weight_bytes_per_gpu(model, split, "fp8") - embeddings / split.ranks
        how = f"weights in 16 bit stay beside what is made of them: {format_bytes(weights)} per GPU"
    total = (facts.memory_mib or 0) * MIB
    if weights > total:
        yield Problem(
            "MEMORY_WEIGHTS",
            "quantization",
            f"{how}, one has {format_bytes(total)}",
            (*((set_release(facts, OTHERWISE),) if keeps_both else ()), *weight_fixes(facts)),
            Severity.WARNING if not asked and _TWIN.search(facts.model_name.lower()) else Severity.ERROR,
            source=join_sources(both.source if both and keeps_both else ON_LOAD, size_source(facts)),
            as_of=size_date(facts),
        )


def _names_half(facts: Facts) -> bool:
    """Whether the checkpoint is by its name in 16 bit, so that whoever states FP8 has it made of that."""
    native = bool(facts.model and facts.model.quantization)
    stated = facts.given.quantization is not None
    return stated and "/" in facts.model_name and not native and "fp8" not in facts.model_name.lower()


def _is_asked(facts: Facts) -> bool:
    """Whether FP8 is what the engine makes, not what the checkpoint is."""
    name = facts.model_name.lower()
    halves = any(word in name for word in ("bf16", "bfloat16", "fp16"))
    asked = "fp8" in facts.flag_values(*spellings("quantization", "vllm"))
    native = bool(facts.model and facts.model.quantization)
    return halves or (asked and not native and "fp8" not in name and "quantized" not in name)
