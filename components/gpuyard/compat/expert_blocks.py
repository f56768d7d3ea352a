"""Experts in FP8 blocks whose shards are no whole blocks: which releases take them, and on what GPU."""

from collections.abc import Mapping
from math import gcd

from gpuyard.catalog.models import ModelShape
from gpuyard.catalog.software import Version
from gpuyard.compat.facts import Facts
from gpuyard.compat.generations import ADA
from gpuyard.compat.problem import Fix, Problem, set_gpus, with_env
from gpuyard.compat.sourced import Sourced, join_sources
from gpuyard.compat.spelling import dotted

REFINED: Mapping[str, Sourced[int]] = {
    "vllm": Sourced((0, 29, 0, 0), "fp8.py and oracle/fp8.py of vLLM 0.28.0 to 0.33.0")
}
"""First release that makes the scales of experts as fine as shards need them; Triton's kernels alone take
those, in FP8 and so from Ada on."""
LEAST_REFINED = 32
PADDED: Version = (0, 31, 0, 0)
"""First vLLM that pads the shards instead where a backend is asked for that wants whole blocks."""
SHARED_WHOLE = "flash-next"
"""Checkpoints whose shared experts are not in blocks: vllm-project/recipes PR#848 cuts 640 over four."""
_BACKEND, _MARLIN = "--moe-backend", "marlin"


def refined_since(facts: Facts, model: ModelShape, width: int, ranks: int, block: int) -> Version:
    """First release of the engine that takes such a shard; empty: none is known."""
    fine = width % ranks == 0 and gcd(block, width // ranks, model.hidden) >= LEAST_REFINED
    return REFINED.get(facts.runtime, ()) if fine else ()


def is_padded(facts: Facts) -> bool:
    """Whether shards are padded, as Marlin's kernels need them below Ada."""
    asked = _MARLIN in facts.flag_values(_BACKEND)
    return facts.runtime == "vllm" and asked and not () < facts.version < PADDED


def for_triton_alone(facts: Facts, width: int, ranks: int) -> Problem:
    """The same shard on a GPU that Triton has no FP8 for."""
    return Problem(
        "QUANT_MIN_SM",
        "model",
        f"experts of {width}/{ranks} are no whole FP8 blocks: Triton's kernels alone take them, from compute "
        f"capability {dotted(ADA)} on; {facts.who} has {dotted(facts.sm)}",
        (
            Fix(f"add {_BACKEND} {_MARLIN}", with_env(facts, _BACKEND, _MARLIN)),
            *set_gpus(facts, "l40s", "h100-sxm"),
        ),
        source=join_sources("vllm-project/vllm#54318 (2026-08-29)", REFINED["vllm"].source),
    )
