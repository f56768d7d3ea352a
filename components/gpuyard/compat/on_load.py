"""Quantization on load: the whole model lies on the GPU in 16 bit before the first layer is quantised."""

from collections.abc import Iterator, Mapping

from gpuyard.catalog.engine_flags import spellings
from gpuyard.catalog.software import Version
from gpuyard.compat.facts import Facts
from gpuyard.compat.memory_fixes import weight_fixes
from gpuyard.compat.problem import Problem
from gpuyard.compat.sizes import size_date, size_source
from gpuyard.compat.sourced import join_sources
from gpuyard.planning.parallel import Split
from gpuyard.planning.weights import weight_bytes_per_gpu
from gpuyard.units import MIB, format_bytes

WHOLE_UNTIL: Mapping[str, Version] = {"vllm": (0, 12, 0, 0), "sglang": (0, 5, 0, 0)}
"""Releases from which it is not known to be so."""
ON_LOAD = "sgl-project/sglang#2895 (2025-01-15)"


def on_load_problems(facts: Facts, split: Split) -> Iterator[Problem]:
    """Weights in 16 bit against the GPU, where the command line asks for 8 bit of a 16-bit checkpoint."""
    model = facts.model
    early = () < facts.version < WHOLE_UNTIL.get(facts.runtime, ())
    if (
        model is None
        or not model.verified
        or facts.quantization != "fp8"
        or not early
        or not _is_asked(facts)
    ):
        return
    weights = weight_bytes_per_gpu(model, split, "bfloat16")
    total = (facts.memory_mib or 0) * MIB
    if weights > total:
        yield Problem(
            "MEMORY_WEIGHTS",
            "quantization",
            f"weights are quantised after they were loaded: {format_bytes(weights)} per GPU in 16 bit, "
            f"one has {format_bytes(total)}",
            weight_fixes(facts),
            source=join_sources(ON_LOAD, size_source(facts)),
            as_of=size_date(facts),
        )


def _is_asked(facts: Facts) -> bool:
    """Whether FP8 is what the engine makes, not what the checkpoint is."""
    name = facts.model_name.lower()
    halves = any(word in name for word in ("bf16", "bfloat16", "fp16"))
    asked = "fp8" in facts.flag_values(*spellings("quantization", "vllm"))
    native = bool(facts.model and facts.model.quantization)
    return halves or (asked and not native and "fp8" not in name and "quantized" not in name)
