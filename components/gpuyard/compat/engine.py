"""Engine against GPU: mode and dtype."""

from collections.abc import Iterator, Mapping

from gpuyard.catalog.software import Version
from gpuyard.compat.facts import Facts
from gpuyard.compat.generations import AMPERE
from gpuyard.compat.problem import Fix, Problem, set_field, set_gpu, set_gpus, with_env
from gpuyard.compat.sourced import Sourced
from gpuyard.compat.spelling import dotted, plain
from gpuyard.errors import Severity

FLOAT16_REFUSED = ("gemma-2-", "gemma-3", "gemma2", "gemma3", "glm-4-", "plamo2")
"""Models that vLLM 0.9 and newer refuse in float16."""
FLOAT16_SOURCE = "zai-org/GLM-4#510; vllm/config of 0.9.0 (general knowledge, unverified)"
HALF_ONLY: Mapping[str, Sourced[int]] = {
    "awq": Sourced((0, 5, 3), "vllm-project/vllm#1823, #13462, PR#6612"),
    "gptq": Sourced((0, 4, 3), "vllm-project/vllm#1941, PR#4788"),
}
"""vLLM from which 4-bit weights may run in bfloat16 by Marlin kernels; the schemes' own kernels know float16
only, and still run where the scheme is forced."""
WITHOUT_BF16_CHECK = ("llama.cpp", "ollama", "koboldcpp", "docker-model-runner", "torch", "transformers")
"""Engines that compute otherwise or let torch emulate it."""
TAKES_HALF: Mapping[str, Version] = {"sglang": (0, 3, 0), "lmdeploy": (0, 5, 0)}
"""Engine, and release from which it takes float16 where the GPU has no bfloat16 (SGLang: model_runner.py)."""


def engine_problems(facts: Facts) -> Iterator[Problem]:
    """Every rule on the engine's own way of working."""
    if facts.sm:
        yield from _mode(facts)
        yield from _dtype(facts)
    yield from _half_only(facts)


def _mode(facts: Facts) -> Iterator[Problem]:
    asked = facts.env.get("VLLM_USE_V1") == "1" or "v1" in facts.runtime_text.replace("(", " ").split()
    if facts.runtime != "vllm" or facts.sm >= AMPERE or not asked:
        return
    if facts.version and facts.version >= (0, 10, 0):
        return
    yield Problem(
        "ENGINE_MIN_SM",
        "env",
        f"the V1 engine of this release needs compute capability 8.0, {facts.who} has {dotted(facts.sm)}",
        (Fix("set VLLM_USE_V1=0", with_env(facts, "VLLM_USE_V1", "0")), set_gpu(facts, "l4")),
        source="vllm-project/vllm#15853, #12568",
    )


def _dtype(facts: Facts) -> Iterator[Problem]:
    who = facts.who
    cards = ("a10g", "l4", "a100-80gb-sxm", "h100-sxm")
    engine = facts.runtime not in WITHOUT_BF16_CHECK
    by_itself = facts.version >= TAKES_HALF.get(facts.runtime, (1000,))
    old_auto = facts.dtype in ("auto", "") and facts.runtime == "vllm" and () < facts.version < (0, 9, 0)
    model_is_bf16 = facts.model is not None and facts.model.dtype == "bfloat16" and not facts.quantization
    if facts.sm < AMPERE and engine and (facts.dtype == "bfloat16" or (old_auto and model_is_bf16)):
        yield Problem(
            "DTYPE_UNSUPPORTED",
            "dtype",
            f"bfloat16 needs compute capability 8.0, {who} has {dotted(facts.sm)}",
            (set_field("dtype", "float16", "use dtype float16 (half)"), *set_gpus(facts, *cards)),
            Severity.WARNING if by_itself else Severity.ERROR,
        )
    strict = facts.runtime == "vllm" and facts.dtype == "float16" and facts.version >= (0, 9, 0)
    if strict and any(name in facts.model_name.lower() for name in FLOAT16_REFUSED):
        other = "bfloat16" if facts.sm >= AMPERE else "float32"
        yield Problem(
            "DTYPE_UNSUPPORTED",
            "dtype",
            f"{facts.model_name} is numerically unstable in float16, and vLLM refuses it",
            (set_field("dtype", other, f"use dtype {other}"), *set_gpus(facts, *cards)),
            source=FLOAT16_SOURCE,
        )


def _half_only(facts: Facts) -> Iterator[Problem]:
    since = HALF_ONLY.get(facts.quantization)
    if facts.runtime != "vllm" or facts.dtype != "bfloat16" or since is None:
        return
    before = bool(facts.version) and facts.version < since
    forced = plain(facts.given.quantization) == facts.quantization == "awq"
    if before or forced:
        yield Problem(
            "DTYPE_UNSUPPORTED",
            "dtype",
            f"the {facts.quantization} kernels of vLLM compute in float16 only"
            + ("" if before else "; with quantization left out it takes Marlin's, which know bfloat16"),
            (set_field("dtype", "float16", "use dtype float16 (half)"),),
            Severity.ERROR if before else Severity.WARNING,
            source=since.source,
        )
