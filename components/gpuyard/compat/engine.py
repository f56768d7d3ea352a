"""Engine against GPU: dtype, quantization, attention, and the flags of its release."""

from collections.abc import Iterator, Mapping

from gpuyard.catalog.software import Version
from gpuyard.compat.facts import Facts, dotted
from gpuyard.compat.problem import Fix, Problem, set_field, set_gpu, set_release, with_env, without_flags
from gpuyard.errors import Severity, did_you_mean

AMPERE: Version = (8, 0)
ADA: Version = (8, 9)
HOPPER: Version = (9, 0)
BLACKWELL: Version = (10, 0)

QUANT_MIN_SM: Mapping[str, Mapping[str, Version]] = {
    "vllm": {
        "awq": (7, 5), "awq_marlin": (7, 5), "gptq_marlin": (7, 5), "marlin": AMPERE, "gptq_marlin_24": AMPERE,
        "w4a16": AMPERE, "w8a16": AMPERE, "wna16": AMPERE, "fp8": AMPERE, "fbgemm_fp8": AMPERE, "modelopt": AMPERE,
        "mxfp4": AMPERE, "nvfp4": AMPERE, "modelopt_fp4": AMPERE, "fp4": AMPERE, "int8": (7, 5), "w8a8": (7, 5),
        "experts_int8": AMPERE, "bitsandbytes": (7, 0), "compressed-tensors": (7, 5), "torchao": (7, 5),
    },
    "sglang": {
        "awq": (7, 5), "awq_marlin": AMPERE, "gptq_marlin": AMPERE, "fp8": AMPERE, "w8a8_fp8": ADA, "mxfp4": AMPERE,
        "nvfp4": BLACKWELL, "modelopt_fp4": BLACKWELL, "fp4": BLACKWELL, "modelopt": ADA, "w8a8_int8": (7, 5),
    },
    "tensorrt-llm": {"fp8": ADA, "nvfp4": BLACKWELL, "fp4": BLACKWELL, "w4a8_awq": ADA, "mxfp4": HOPPER, "awq": AMPERE},
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

REMOVED_FLAGS: Mapping[str, Mapping[str, tuple[Version, str]]] = {
    "vllm": {
        "--enable-reasoning": ((0, 10, 0), "drop it; --reasoning-parser is enough"),
        "--swap-space": ((0, 18, 0), "drop it"),
        "--task": ((0, 13, 0), "use --runner and --convert"),
        "--num-scheduler-steps": ((0, 11, 0), "drop it"),
        "--multi-step-stream-outputs": ((0, 11, 0), "drop it"),
        "--scheduler-delay-factor": ((0, 11, 0), "drop it"),
        "--preemption-mode": ((0, 11, 0), "drop it"),
        "--num-lookahead-slots": ((0, 11, 0), "drop it"),
        "--enable-prompt-adapter": ((0, 11, 0), "use LoRA"),
        "--use-v2-block-manager": ((0, 12, 0), "drop it"),
        "--worker-use-ray": ((0, 10, 0), "use --distributed-executor-backend ray"),
        "--speculative-model": ((0, 10, 0), "use --speculative-config"),
        "--num-speculative-tokens": ((0, 10, 0), "use --speculative-config"),
        "--guided-decoding-backend": ((0, 12, 0), "use --structured-outputs-config.backend"),
        "--device": ((0, 11, 0), "drop it"),
        "--disable-log-requests": ((0, 15, 0), "drop it; requests are not logged by default"),
        "--rope-scaling": ((0, 15, 0), "use --hf-overrides"),
    },
    "sglang": {
        "--enable-ep-moe": ((0, 5, 3), "use --ep-size"),
        "--enable-deepep-moe": ((0, 5, 3), "use --moe-a2a-backend deepep"),
    },
}
"""Flags by the first release without them, with the successor. Sources: vllm-project/vllm#18538 and PR#36216,
gpustack/gpustack#3991, unslothai/unsloth-zoo#1210, vLLM 0.11 removal of the V0 engine."""
UNSURE_REMOVALS = frozenset(
    {"--disable-log-requests", "--rope-scaling", "--enable-ep-moe", "--enable-deepep-moe"}
)
"""Removed or deprecated; which, is not verified: a warning."""
ADDED_FLAGS: Mapping[str, Mapping[str, Version]] = {
    "vllm": {
        "--shutdown-timeout": (0, 18, 0),
        "--disable-access-log-for-endpoints": (0, 16, 0),
        "--kv-cache-memory-bytes": (0, 11, 0),
        "--structured-outputs-config": (0, 11, 0),
        "--async-scheduling": (0, 10, 0),
        "--enable-log-requests": (0, 10, 0),
        "--decode-context-parallel-size": (0, 10, 2),
        "--enable-expert-parallel": (0, 7, 3),
        "--reasoning-parser": (0, 7, 0),
        "--enable-sleep-mode": (0, 7, 0),
        "--all2all-backend": (0, 11, 1),
        "--runner": (0, 10, 0),
        "--convert": (0, 10, 0),
    },
}
FOREIGN_FLAGS: Mapping[str, Mapping[str, str]] = {
    "vllm": {
        "--tp-size": "--tensor-parallel-size",
        "--mem-fraction-static": "--gpu-memory-utilization",
        "--context-length": "--max-model-len",
        "--model-path": "--model",
        "--max-running-requests": "--max-num-seqs",
        "--max-total-tokens": "--max-model-len",
        "--max-input-length": "--max-model-len",
        "--num-shard": "--tensor-parallel-size",
        "--model-id": "--model",
        "--temperature": "",
        "--omni": "",
        "--n-gpu-layers": "",
    },
    "sglang": {
        "--max-model-len": "--context-length",
        "--gpu-memory-utilization": "--mem-fraction-static",
        "--max-num-seqs": "--max-running-requests",
        "--max-num-batched-tokens": "--chunked-prefill-size",
        "--model-id": "--model-path",
        "--enforce-eager": "--disable-cuda-graph",
    },
    "tgi": {
        "--max-model-len": "--max-total-tokens",
        "--gpu-memory-utilization": "--cuda-memory-fraction",
        "--tensor-parallel-size": "--num-shard",
        "--served-model-name": "",
        "--enforce-eager": "",
    },
}
"""Flags of another engine, with this engine's name for them."""


def engine_problems(facts: Facts) -> Iterator[Problem]:
    """Every rule on the engine."""
    yield from _flags(facts)
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
        f"the V1 engine of this release needs compute capability 8.0, {facts.gpu_name or 'this GPU'} has {dotted(facts.sm)}",
        (Fix("set VLLM_USE_V1=0", with_env(facts, "VLLM_USE_V1", "0")), set_gpu(facts, "l4")),
    )


def _dtype(facts: Facts) -> Iterator[Problem]:
    who = facts.gpu_name or "this GPU"
    gpus = (
        set_gpu(facts, "a10g"),
        set_gpu(facts, "l4"),
        set_gpu(facts, "a100-80gb-sxm"),
        set_gpu(facts, "h100-sxm"),
    )
    engine = facts.runtime not in ("llama.cpp",)
    old_auto = facts.dtype == "auto" and facts.runtime == "vllm" and () < facts.version < (0, 9, 0)
    model_is_bf16 = facts.model is not None and facts.model.dtype == "bfloat16" and not facts.quantization
    if facts.sm < AMPERE and engine and (facts.dtype == "bfloat16" or (old_auto and model_is_bf16)):
        yield Problem(
            "DTYPE_UNSUPPORTED",
            "dtype",
            f"bfloat16 needs compute capability 8.0, {who} has {dotted(facts.sm)}",
            (set_field("dtype", "float16", "use dtype float16 (half)"), *gpus),
        )
    if facts.runtime == "vllm" and facts.dtype == "float16" and facts.version >= (0, 9, 0):
        if any(name in facts.model_name.lower() for name in FLOAT16_REFUSED):
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
    if kind in ("mxfp4",) and "gptoss" in f"{facts.given.runtime_version} {facts.image}".lower():
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
            f"{kind} needs compute capability {dotted(floor)}, {facts.gpu_name or 'this GPU'} has {dotted(facts.sm)}",
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
            f"an FP8 (e4m3) cache needs compute capability 8.9, {facts.gpu_name or 'this GPU'} has {dotted(facts.sm)}",
            (
                set_field("kv_cache_dtype", "auto", "use kv_cache_dtype auto"),
                set_gpu(facts, "l4"),
                set_gpu(facts, "h100-sxm"),
            ),
        )


def _attention(facts: Facts) -> Iterator[Problem]:
    name = facts.model_name.lower()
    who = facts.gpu_name or "this GPU"
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
            f"{backend} has no kernels for {who} (compute capability {dotted(facts.sm)})",
            (Fix("let the engine choose the attention backend", drop), *newer),
        )
    if any(word in name for word in SPARSE_ATTENTION) and (facts.sm < HOPPER or facts.sm[0] in (11, 12)):
        yield Problem(
            "ATTN_BACKEND_MISSING",
            "model",
            f"{facts.model_name} needs sparse FlashMLA, which exists for Hopper and data-centre Blackwell; {who} has {dotted(facts.sm)}",
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
            f"Gemma 2's soft cap needs FlashAttention (compute capability 8.0) or FlashInfer; {who} has {dotted(facts.sm)}",
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


def _flags(facts: Facts) -> Iterator[Problem]:
    names = [flag for flag, _ in facts.flags]
    for name in dict.fromkeys(names):
        yield from _flag(facts, name)
    if facts.runtime == "vllm" and facts.env.get("VLLM_USE_V1") == "0" and facts.version >= (0, 11, 0):
        yield Problem(
            "FLAG_REMOVED",
            "env",
            f"vLLM {dotted(facts.version[:3])} has no V0 engine; VLLM_USE_V1=0 asks for it",
            (Fix("drop VLLM_USE_V1", without_flags(facts, "VLLM_USE_V1")),),
        )


def _flag(facts: Facts, name: str) -> Iterator[Problem]:
    who = f"{facts.runtime} {dotted(facts.version[:3])}".strip()
    drop = Fix(f"drop {name}", without_flags(facts, name))
    removed = REMOVED_FLAGS.get(facts.runtime, {}).get(name.replace("_", "-"))
    if removed is not None and facts.version[:3] >= removed[0]:
        yield Problem(
            "FLAG_REMOVED",
            "env",
            f"{who} has no {name} (gone since {dotted(removed[0])}): {removed[1]}",
            (drop,),
            Severity.WARNING if name in UNSURE_REMOVALS else Severity.ERROR,
        )
        return
    added = ADDED_FLAGS.get(facts.runtime, {}).get(name)
    if added is not None and () < facts.version[:3] < added:
        yield Problem(
            "FLAG_UNKNOWN",
            "env",
            f"{who} does not know {name}; {dotted(added)} was the first",
            (drop, set_release(facts, dotted(added))),
        )
        return
    foreign = FOREIGN_FLAGS.get(facts.runtime, {})
    if name in foreign:
        fix = Fix(f"use {foreign[name]}", without_flags(facts, name)) if foreign[name] else drop
        yield Problem(
            "FLAG_UNKNOWN",
            "env",
            f"{facts.runtime} has no {name}" + (f"; it calls it {foreign[name]}" if foreign[name] else ""),
            (fix,),
        )
        return
    if (
        facts.runtime == "vllm"
        and len(name) > 4
        and name.startswith("-")
        and not name.startswith("--")
        and name[2:3] not in ".0123456789"
    ):
        hint = did_you_mean("-" + name, [*_VLLM_FLAGS])
        if hint:
            yield Problem(
                "FLAG_UNKNOWN",
                "env",
                f"vllm has no {name}: long flags begin with two hyphens",
                (Fix(f"write -{name}", without_flags(facts, name)),),
            )
    elif facts.runtime == "vllm" and name.startswith("--"):
        known = name.replace("_", "-")
        hint = (
            did_you_mean(known, _VLLM_FLAGS, limit=1) if known not in _VLLM_FLAGS and "." not in known else ""
        )
        if hint and _is_typo(known):
            yield Problem("FLAG_UNKNOWN", "env", f"vllm has no {name}; {hint}", (drop,))


_VLLM_FLAGS = frozenset({
    "--model", "--host", "--port", "--api-key", "--tensor-parallel-size", "--pipeline-parallel-size", "--max-model-len",
    "--max-num-seqs", "--max-num-batched-tokens", "--gpu-memory-utilization", "--dtype", "--quantization",
    "--kv-cache-dtype", "--enforce-eager", "--trust-remote-code", "--served-model-name", "--enable-prefix-caching",
    "--enable-chunked-prefill", "--language-model-only", "--tool-call-parser", "--enable-auto-tool-choice",
    "--reasoning-parser", "--shutdown-timeout", "--load-format", "--download-dir", "--tokenizer", "--seed",
    "--data-parallel-size", "--enable-expert-parallel", "--distributed-executor-backend", "--limit-mm-per-prompt",
})  # fmt: skip
"""Flags that people misspell, for the did-you-mean; not the whole list of any release."""


def _is_typo(name: str) -> bool:
    """Whether a flag is one or two letters away from a known one: other names may be flags that are not listed."""
    return any(
        len(name) in range(len(flag) - 1, len(flag) + 2)
        and sum(a != b for a, b in zip(sorted(name), sorted(flag), strict=False)) <= 1
        for flag in _VLLM_FLAGS
        if flag[:4] == name[:4] and flag != name
    )
