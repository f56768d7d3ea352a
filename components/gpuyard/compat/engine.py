"""Engine against GPU: mode, dtype, quantization, attention."""

from collections.abc import Iterator, Mapping

from gpuyard.catalog.software import Version
from gpuyard.compat.facts import Facts
from gpuyard.compat.problem import Fix, Problem, set_field, set_gpu, set_release, with_env, without_flags
from gpuyard.compat.spelling import dotted
from gpuyard.errors import Severity

AMPERE: Version = (8, 0)
ADA: Version = (8, 9)
HOPPER: Version = (9, 0)
BLACKWELL: Version = (10, 0)

QUANT_MIN_SM: Mapping[str, Mapping[str, Version]] = {
    "vllm": {
        "awq": (7, 5), "awq_marlin": (7, 5), "gptq_marlin": (7, 5), "marlin": AMPERE,
        "gptq_marlin_24": AMPERE,
        "w4a16": AMPERE, "w8a16": AMPERE, "wna16": AMPERE, "fp8": AMPERE, "fbgemm_fp8": AMPERE,
        "modelopt": AMPERE,
        "mxfp4": AMPERE, "nvfp4": AMPERE, "modelopt_fp4": AMPERE, "fp4": AMPERE, "int8": (7, 5),
        "w8a8": (7, 5),
        "experts_int8": AMPERE, "bitsandbytes": (7, 0), "compressed-tensors": (7, 5), "torchao": (7, 5),
    },
    "sglang": {
        "awq": (7, 5), "awq_marlin": AMPERE, "gptq_marlin": AMPERE, "fp8": AMPERE, "w8a8_fp8": ADA,
        "mxfp4": AMPERE,
        "nvfp4": BLACKWELL, "modelopt_fp4": BLACKWELL, "fp4": BLACKWELL, "modelopt": ADA, "w8a8_int8": (7, 5),
    },
    "tensorrt-llm": {"fp8": ADA, "nvfp4": BLACKWELL, "fp4": BLACKWELL, "w4a8_awq": ADA,
        "mxfp4": HOPPER, "awq": AMPERE},
    "tgi": {"fp8": AMPERE, "awq": (7, 5), "marlin": AMPERE, "gptq": (7, 0), "exl2": AMPERE, "eetq": (7, 5)},
    "lmdeploy": {"awq": (7, 0), "fp8": ADA, "mxfp4": (7, 0)},
}  # fmt: skip
"""Oldest compute capability per engine and quantization; weight-only fall-backs (Marlin) count as support."""
FLOAT16_REFUSED = ("gemma-2", "gemma-3", "gemma2", "gemma3", "glm-4-", "plamo2")
"""Models that vLLM 0.9 and newer refuse in float16."""
SPARSE_ATTENTION = ("deepseek-v3.2", "deepseek-v4", "glm-5")
"""Models that need FlashMLA's sparse kernels: Hopper and data-centre Blackwell only."""
BACKEND_SM: Mapping[str, tuple[Version, Version]] = {
    "flash_attn": (AMPERE, (99, 0)),
    "flashinfer": ((7, 5), (99, 0)),
    "flashmla": (HOPPER, (10, 9)),
    "flash_attn_mla": (HOPPER, (9, 9)),
    "cutlass_mla": (BLACKWELL, (10, 9)),
    "flashinfer_mla": (BLACKWELL, (10, 9)),
    "fa3": (AMPERE, (9, 9)),
    "trtllm_mla": (BLACKWELL, (10, 9)),
    "trtllm_mha": (BLACKWELL, (10, 9)),
}
"""Compute capabilities from and to which an attention backend exists."""


def engine_problems(facts: Facts) -> Iterator[Problem]:
    """Every rule on the engine."""
    if facts.sm:
        yield from _mode(facts)
        yield from _dtype(facts)
        yield from _quantization(facts)
        yield from _attention(facts)


def _mode(facts: Facts) -> Iterator[Problem]:
    if facts.runtime != "vllm" or facts.sm >= AMPERE or facts.env.get("VLLM_USE_V1") != "1":
        return
    if facts.version and facts.version >= (0, 10, 0):
        return
    yield Problem(
        "ENGINE_MIN_SM",
        "env",
        f"the V1 engine of this release needs compute capability 8.0, {facts.who} has {dotted(facts.sm)}",
        (Fix("set VLLM_USE_V1=0", with_env(facts, "VLLM_USE_V1", "0")), set_gpu(facts, "l4")),
    )


def _dtype(facts: Facts) -> Iterator[Problem]:
    who = facts.who
    gpus = (
        set_gpu(facts, "a10g"),
        set_gpu(facts, "l4"),
        set_gpu(facts, "a100-80gb-sxm"),
        set_gpu(facts, "h100-sxm"),
    )
    engine = facts.runtime != "llama.cpp"
    old_auto = facts.dtype == "auto" and facts.runtime == "vllm" and () < facts.version < (0, 9, 0)
    model_is_bf16 = facts.model is not None and facts.model.dtype == "bfloat16" and not facts.quantization
    if facts.sm < AMPERE and engine and (facts.dtype == "bfloat16" or (old_auto and model_is_bf16)):
        yield Problem(
            "DTYPE_UNSUPPORTED",
            "dtype",
            f"bfloat16 needs compute capability 8.0, {who} has {dotted(facts.sm)}",
            (set_field("dtype", "float16", "use dtype float16 (half)"), *gpus),
        )
    refused = any(name in facts.model_name.lower() for name in FLOAT16_REFUSED)
    if refused and facts.runtime == "vllm" and facts.dtype == "float16" and facts.version >= (0, 9, 0):
        other = "bfloat16" if facts.sm >= AMPERE else "float32"
        yield Problem(
            "DTYPE_UNSUPPORTED",
            "dtype",
            f"{facts.model_name} is numerically unstable in float16, and vLLM refuses it",
            (set_field("dtype", other, f"use dtype {other}"), *gpus),
        )


def _quantization(facts: Facts) -> Iterator[Problem]:
    kind = facts.quantization
    table = QUANT_MIN_SM.get(facts.runtime) or (QUANT_MIN_SM["vllm"] if not facts.runtime else {})
    floor = table.get(kind, ())
    name = facts.model_name.lower()
    if kind == "compressed-tensors" and any(word in name for word in ("w4a16", "fp8", "nvfp4", "wna16")):
        floor = AMPERE
    if kind in ("gptq_marlin", "awq_marlin") and facts.runtime == "vllm" and () < facts.version < (0, 14, 0):
        floor = AMPERE
    if kind == "mxfp4" and "gptoss" in f"{facts.given.runtime_version} {facts.image}".lower():
        floor = HOPPER  # the first build for gpt-oss had Hopper and Blackwell kernels only
    if kind == "fp8" and facts.runtime == "sglang" and () < facts.version < (0, 4, 7):
        floor = ADA
    moe = facts.model is not None and facts.model.moe is not None
    if kind == "fp8" and facts.runtime == "vllm" and moe and () < facts.version < (0, 9, 0):
        floor = ADA
    fixes = (
        set_gpu(facts, "l4"),
        set_gpu(facts, "a100-80gb-sxm"),
        set_gpu(facts, "h100-sxm"),
        set_gpu(facts, "b200"),
    )
    if floor and facts.sm < floor:
        yield Problem(
            "QUANT_MIN_SM",
            "quantization" if facts.given.quantization else "model",
            f"{kind} needs compute capability {dotted(floor)}, {facts.who} has {dotted(facts.sm)}",
            fixes if floor < BLACKWELL else fixes[3:],
        )
    elif facts.runtime == "vllm" and kind in ("nvfp4", "modelopt_fp4") and facts.sm < BLACKWELL:
        yield Problem(
            "QUANT_MIN_SM", "quantization", f"{kind} runs weight-only below Blackwell", (), Severity.WARNING
        )
    cache = str(facts.given.kv_cache_dtype or "").lower()
    if cache in ("fp8", "fp8_e4m3") and facts.sm < ADA and facts.runtime in ("vllm", "sglang", ""):
        yield Problem(
            "QUANT_MIN_SM",
            "kv_cache_dtype",
            f"an FP8 (e4m3) cache needs compute capability 8.9, {facts.who} has {dotted(facts.sm)}",
            (
                set_field("kv_cache_dtype", "auto", "use kv_cache_dtype auto"),
                set_gpu(facts, "l4"),
                set_gpu(facts, "h100-sxm"),
            ),
        )


def _attention(facts: Facts) -> Iterator[Problem]:
    name = facts.model_name.lower()
    who = facts.who
    asked = facts.env.get("VLLM_ATTENTION_BACKEND", "")
    asked = asked or next(
        (value for flag, value in facts.flags if flag in ("--attention-backend", "-ab")), ""
    )
    backend = asked.lower().replace("_vllm_v1", "")
    span = BACKEND_SM.get(backend)
    if facts.env.get("VLLM_FLASH_ATTN_VERSION") == "3":
        span, backend = (HOPPER, (9, 9)), "FlashAttention 3"
    newer = (
        set_gpu(facts, "l4"),
        set_gpu(facts, "a100-80gb-sxm"),
        set_gpu(facts, "h100-sxm"),
        set_gpu(facts, "h200"),
    )
    if span and not span[0] <= facts.sm <= span[1]:
        drop = without_flags(
            facts, "VLLM_ATTENTION_BACKEND", "--attention-backend", "-ab", "VLLM_FLASH_ATTN_VERSION"
        )
        yield Problem(
            "ATTN_BACKEND_MISSING",
            "env",
            f"{backend} has no kernels for {facts.card}",
            (Fix("let the engine choose the attention backend", drop), *newer),
        )
    if any(word in name for word in SPARSE_ATTENTION) and (facts.sm < HOPPER or facts.sm[0] in (11, 12)):
        yield Problem(
            "ATTN_BACKEND_MISSING",
            "model",
            f"{facts.model_name} needs sparse FlashMLA, which exists for Hopper and data-centre "
            f"Blackwell; {who} has {dotted(facts.sm)}",
            (set_gpu(facts, "h200"), set_gpu(facts, "b200"), set_gpu(facts, "b300")),
        )
    soft_cap = "gemma-2" in name or "gemma2" in name
    if (
        soft_cap
        and facts.sm < AMPERE
        and facts.runtime in ("vllm", "tgi", "sglang", "")
        and backend != "flashinfer"
    ):
        yield Problem(
            "ATTN_BACKEND_MISSING",
            "model",
            "Gemma 2's soft cap needs FlashAttention (compute capability 8.0) or FlashInfer; "
            f"{who} has {dotted(facts.sm)}",
            newer,
        )
    tp = int(facts.given.tensor_parallel or 1)
    if facts.runtime == "tgi" and facts.sm < (7, 5) and tp > 1:
        yield Problem(
            "ATTN_BACKEND_MISSING",
            "tensor_parallel",
            f"TGI shards only with FlashAttention, which {who} does not have",
            newer,
        )
    sinks = (
        "gpt-oss" in name
        and facts.runtime == "vllm"
        and "gptoss" in f"{facts.given.runtime_version} {facts.image}".lower()
    )
    if sinks and AMPERE <= facts.sm < HOPPER:
        yield Problem(
            "ATTN_BACKEND_MISSING",
            "runtime_version",
            f"attention sinks of this build need FlashAttention 3 (Hopper); {who} has {dotted(facts.sm)}",
            (set_release(facts, "0.10.2"), *newer),
        )
