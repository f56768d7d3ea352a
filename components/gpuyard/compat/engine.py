"""Engine against GPU: modes that are asked for."""

from collections.abc import Iterator

from gpuyard.catalog.software import Version
from gpuyard.compat.facts import Facts
from gpuyard.compat.generations import AMPERE, TURING
from gpuyard.compat.problem import Fix, Problem, set_gpu, set_gpus, with_env, without_flags
from gpuyard.compat.sourced import Sourced
from gpuyard.compat.spelling import dotted, plain

CARDS = ("a10g", "l4", "a100-80gb-sxm", "h100-sxm")
"""GPUs to move to."""
V1_TAKES_TURING: Version = (0, 10, 2, 0)
"""First vLLM that does not refuse its V1 engine below compute capability 8.0 (arg_utils.py of 0.8.5 to
0.10.2)."""
FUSED_CONTEXT = ("--enable_context_fmha", "--enable-context-fmha", "--context_fmha", "--context-fmha")
FUSED_WITH_VOLTA = Sourced((0, 8, 0, 0), "NVIDIA/TensorRT-LLM#320, #348, #436 (2023-11)")
"""TensorRT-LLM from which nothing is known of it; before, fused attention over the prompt stops on Volta."""


def engine_problems(facts: Facts) -> Iterator[Problem]:
    """Every rule on how the engine is asked to run."""
    if facts.sm:
        yield from _mode(facts)
        yield from _fused_context(facts)


def _mode(facts: Facts) -> Iterator[Problem]:
    asked = facts.env.get("VLLM_USE_V1") == "1" or "v1" in facts.runtime_text.replace("(", " ").split()
    if facts.runtime != "vllm" or facts.sm >= AMPERE or not asked:
        return
    if facts.version and facts.version >= V1_TAKES_TURING:
        return
    yield Problem(
        "ENGINE_MIN_SM",
        "env",
        f"the V1 engine of this release needs compute capability 8.0, {facts.who} has {dotted(facts.sm)}",
        (Fix("set VLLM_USE_V1=0", with_env(facts, "VLLM_USE_V1", "0")), set_gpu(facts, "l4")),
        source="vllm-project/vllm#15853, #12568",
    )


def _fused_context(facts: Facts) -> Iterator[Problem]:
    """TensorRT-LLM's fused attention over the prompt."""
    asked = any(plain(value) in ("", "enable", "true", "1") for value in facts.flag_values(*FUSED_CONTEXT))
    early = () < facts.version < FUSED_WITH_VOLTA
    if facts.runtime == "tensorrt-llm" and asked and early and facts.sm < TURING:
        yield Problem(
            "ENGINE_MIN_SM",
            "env",
            f"fused attention of this TensorRT-LLM stops with an unsupported architecture on {facts.card}",
            (Fix("build without it", without_flags(facts, *FUSED_CONTEXT)), *set_gpus(facts, *CARDS)),
            source=FUSED_WITH_VOLTA.source,
        )
