"""Engine against GPU: modes that are asked for."""

from collections.abc import Iterator, Mapping

from gpuyard.catalog.software import Version
from gpuyard.compat.facts import Facts
from gpuyard.compat.generations import AMPERE, BLACKWELL, CONSUMER_BLACKWELL, HOPPER, TURING
from gpuyard.compat.problem import Fix, Problem, set_gpu, set_gpus, with_env, without_flags
from gpuyard.compat.sourced import Sourced
from gpuyard.compat.spelling import dotted, plain
from gpuyard.errors import Severity

_READ = "vLLM's wheels, 0.17.1 to 0.33.0 (_supports_current_device)"
_DATA_CENTRE: Sourced[Version] = Sourced((BLACKWELL, (10, 9)), f"{_READ}; vllm-project/vllm#41477")
_CONSUMER: Sourced[Version] = Sourced((CONSUMER_BLACKWELL, (12, 9)), _READ)
_FROM_HOPPER: Sourced[Version] = Sourced((HOPPER, (12, 9)), _READ)
EXPERTS_BY: Mapping[str, Sourced[Version]] = {
    "flashinfer_trtllm": _DATA_CENTRE,
    "flashinfer_cutedsl": _DATA_CENTRE,
    "flashinfer_cutlass": _FROM_HOPPER,
    "deep_gemm": _FROM_HOPPER,
    "flashinfer_b12x": _CONSUMER,
    "b12x": _CONSUMER,
    "hpc": Sourced((HOPPER, (9, 9)), _READ),
    "marlin": Sourced((TURING, (99, 0)), _READ),
    "humming": Sourced((TURING, (99, 0)), _READ),
}
"""Compute capabilities from and to which vLLM takes a backend for experts, whatever their quantization."""
EXPERTS_FLAGS = ("--moe-backend", "--moe_backend", "--kernel-config.moe_backend")
MXFP4_ASKS_SINCE: Version = (0, 20, 0, 0)
"""First vLLM that was read to heed the flag for MXFP4."""
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
        yield from _experts(facts)
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


def _experts(facts: Facts) -> Iterator[Problem]:
    """A backend for experts that vLLM refuses on the GPU when it loads the first layer of them."""
    asked = next(iter(facts.flag_values(*EXPERTS_FLAGS)), "").lower()
    span = EXPERTS_BY.get(asked.replace("-", "_")) if facts.runtime == "vllm" else None
    is_dense = facts.model is not None and facts.model.moe is None
    if span is None or is_dense or span[0] <= facts.sm <= span[1]:
        return
    unread = facts.quantization == "mxfp4" and () < facts.version < MXFP4_ASKS_SINCE
    yield Problem(
        "ENGINE_MIN_SM",
        "env",
        f"vLLM's {asked} for experts does not take {facts.card}",
        (
            Fix("let the engine choose the backend", without_flags(facts, *EXPERTS_FLAGS)),
            *set_gpus(facts, "b200", "h100-sxm"),
        ),
        Severity.ERROR if facts.is_mixture and not unread else Severity.WARNING,
        source=span.source,
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
