"""Engine against GPU: mode, dtype, quantization, attention."""

from collections.abc import Iterator, Mapping

from gpuyard.catalog.software import Version
from gpuyard.catalog.software_support import quantization_sm_min
from gpuyard.compat.facts import Facts
from gpuyard.compat.problem import Fix, Problem, set_field, set_gpu, set_release, with_env, without_flags
from gpuyard.compat.spelling import dotted
from gpuyard.errors import Severity

AMPERE: Version = (8, 0)
ADA: Version = (8, 9)
HOPPER: Version = (9, 0)
BLACKWELL: Version = (10, 0)

FLOAT16_REFUSED = ("gemma-2", "gemma-3", "gemma2", "gemma3", "glm-4-", "plamo2")
"""Models that vLLM 0.9 and newer refuse in float16."""
SPARSE_ATTENTION = ("deepseek-v3.2", "deepseek-v4", "glm-5")
"""Models that need sparse latent attention, which FlashMLA has for Hopper and data-centre Blackwell."""
SPARSE_ON_SM12 = ((0, 24, 0, 0), "deepseek-v4")
"""First vLLM with such kernels for SM 12.x, and the model that they were made for; others differ by shape."""
SPARSE_SGLANG_READ = (0, 5, 13, 0)
"""SGLang up to here refuses them on SM 12.x with every backend (sgl-project/sglang#26087, 0.5.12)."""
SINKS = ("gpt-oss", "gptoss")
"""Models with attention sinks."""
SINKS_ON: tuple[tuple[Version, tuple[int, ...]], ...] = (
    ((0, 30, 0, 0), (9, 10, 12)),
    ((0, 28, 0, 0), (10, 12)),
    ((), (10,)),
)
"""Major compute capabilities that FlashInfer serves sinks on, newest vLLM first (0.14 to 0.33 read)."""
TRT_SINKS_SINCE = (1, 1, 0, 0)
"""TensorRT-LLM before has attention sinks for Hopper and data-centre Blackwell (NVIDIA/TensorRT-LLM#6892)."""
WIDE_HEADS = ("gemma-4",)
"""Models with heads of 512."""
WIDE_HEADS_SINCE = (0, 22, 0, 0)
"""First vLLM whose FlashInfer backend takes them (0.17 to 0.33 read)."""
GATED_DELTA = ("qwen3.5", "qwen3.6", "qwen3.8", "qwen3-next", "qwen3-coder-next")
"""Hybrids of gated delta nets and attention, which SGLang runs with few backends on B200 and B300."""
GATED_DELTA_BACKENDS = frozenset({"trtllm_mha", "triton", "fa4"})
BACKEND_SM: Mapping[str, tuple[Version, Version]] = {
    "flash_attn": (AMPERE, (99, 0)),
    "flashinfer": ((7, 5), (99, 0)),
    "flashmla": (HOPPER, (10, 9)),
    "flash_attn_mla": (HOPPER, (9, 9)),
    "cutlass_mla": (BLACKWELL, (10, 9)),
    "flashinfer_mla": (BLACKWELL, (10, 9)),
    "fa3": (AMPERE, (9, 9)),
    "fa4": (HOPPER, (10, 9)),
    "trtllm_mla": (BLACKWELL, (10, 9)),
    "trtllm_mha": (BLACKWELL, (10, 9)),
}
"""Compute capabilities from and to which an attention backend exists."""
COMPRESSED = (
    ("w4a16", "w4a16"),
    ("w8a16", "w8a16"),
    ("nvfp4", "nvfp4"),
    ("fp8", "fp8"),
    ("wna16", "wna16"),
    ("awq", "w4a16"),
    ("gptq", "w4a16"),
    ("int4", "w4a16"),
)
"""Schemes of compressed-tensors checkpoints by what their names carry."""
PER_TENSOR = ("neuralmagic", "redhatai", "nvidia/", "nm-testing")
"""Publishers of FP8 checkpoints with one scale per tensor or channel."""
FP4 = ("nvfp4", "modelopt_fp4")
CONSUMER_BLACKWELL: Version = (12, 0)
FP4_SM120: Version = (0, 10, 1, 0)
FP4_MOE_SM120: Version = (0, 12, 0, 0)
FP4_MOE_REGRESSION: Version = (0, 15, 0, 0)
"""vLLM 0.10.0 builds FP4 for 10.0 only, 0.10.2 for 12.0 too; the grouped kernel of experts came in 0.12.0,
and 0.15.0 did not choose it (vllm-project/vllm#33417)."""


def has_fp8_blocks(name: str) -> bool:
    """Whether a checkpoint of that name has scales per block: those that their authors published in FP8."""
    if "dynamic" in name or any(who in name for who in PER_TENSOR):
        return False
    native = any(word in name for word in ("deepseek-v3", "deepseek-r1", "deepseek-v4"))
    return (native and "distill" not in name) or ("qwen" in name and "fp8" in name)


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
    name = facts.model_name.lower()
    if kind == "compressed-tensors":
        kind = next((scheme for word, scheme in COMPRESSED if word in name), kind)
    floor = quantization_sm_min(facts.runtime or "vllm", kind, facts.version)
    if kind == "mxfp4" and "gptoss" in f"{facts.given.runtime_version} {facts.image}".lower():
        floor = HOPPER  # the first build for gpt-oss had Hopper and Blackwell kernels only
    blocks = has_fp8_blocks(name)
    if (
        kind == "fp8"
        and facts.runtime == "sglang"
        and () < facts.version < ((0, 5, 10) if blocks else (0, 4, 7))
    ):
        floor = ADA  # no weight-only path for block scales on Ampere (sgl-project/sglang#7715)
    moe = facts.model is not None and facts.model.moe is not None
    if kind == "fp8" and facts.runtime == "vllm" and moe and () < facts.version < (0, 9, 0):
        floor = ADA if facts.version >= (0, 6, 0) else HOPPER  # vllm-project/vllm#6875
    if kind == "fp8" and facts.runtime == "sglang" and moe and () < facts.version < (0, 5, 10):
        floor = (
            ADA  # its experts have no Marlin path (sgl-project/sglang#12887; its cookbook has A100 at 0.5.10)
        )
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
    elif facts.runtime == "vllm" and kind in FP4 and facts.sm >= CONSUMER_BLACKWELL:
        yield from _fp4_on_consumer_cards(facts, moe=moe)
    elif facts.runtime == "vllm" and kind in FP4 and facts.sm < BLACKWELL:
        yield Problem(
            "QUANT_MIN_SM", "quantization", f"{kind} runs weight-only below Blackwell", (), Severity.WARNING
        )
    cache = str(facts.given.kv_cache_dtype or "").lower()
    # from 0.12 on vLLM falls to FlashInfer, which converts in software (vllm-project/vllm#26431)
    converts = facts.runtime == "vllm" and facts.version >= (0, 12, 0) and facts.sm >= AMPERE
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
            Severity.WARNING if converts else Severity.ERROR,
        )


def _fp4_on_consumer_cards(facts: Facts, *, moe: bool) -> Iterator[Problem]:
    """Which releases have FP4 kernels for compute capability 12 (``FP4_ARCHS`` in their CMakeLists)."""
    since, what = (FP4_MOE_SM120, "experts") if moe else (FP4_SM120, "layers")
    if not facts.version or (facts.version >= since and not (moe and facts.version == FP4_MOE_REGRESSION)):
        return
    yield Problem(
        "QUANT_MIN_SM",
        "quantization" if facts.given.quantization else "model",
        f"vLLM {dotted(facts.version[:3])} has no NVFP4 kernels for {what} on {facts.who}; "
        f"{dotted(since[:3])} does",
        (set_release(facts, dotted(since[:3])), set_release(facts, "0.20.0"), set_gpu(facts, "b200")),
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
    yield from _sparse(facts, name)
    yield from _features(facts, name, backend)
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


def _sparse(facts: Facts, name: str) -> Iterator[Problem]:
    """Sparse latent attention; on SM 12.x, other engines, other images and newer releases have kernels."""
    if not any(word in name for word in SPARSE_ATTENTION):
        return
    is_small_blackwell = facts.sm[0] in (11, 12)
    if facts.sm >= HOPPER and not is_small_blackwell:
        return
    since, model = SPARSE_ON_SM12
    unsure = is_small_blackwell and (
        facts.runtime not in ("vllm", "sglang", "")
        or model in name
        or facts.is_newer
        or facts.version >= (since if facts.runtime != "sglang" else SPARSE_SGLANG_READ)
    )
    yield Problem(
        "ATTN_BACKEND_MISSING",
        "model",
        f"{facts.model_name} needs kernels for sparse latent attention, which exist for Hopper and "
        f"data-centre Blackwell; {facts.who} has {dotted(facts.sm)}",
        (set_gpu(facts, "h200"), set_gpu(facts, "b200"), set_gpu(facts, "b300")),
        Severity.WARNING if unsure else Severity.ERROR,
    )


def _features(facts: Facts, name: str, backend: str) -> Iterator[Problem]:
    """Backends that were asked for and lack what the model's attention needs."""
    why = ""
    if facts.runtime == "vllm" and backend == "flashinfer":
        served = next(majors for since, majors in SINKS_ON if facts.version >= since or not facts.version)
        if any(word in name for word in SINKS) and facts.sm[0] not in served:
            why = f"FlashInfer has no attention sinks on {facts.card}"
        elif any(word in name for word in WIDE_HEADS) and () < facts.version < WIDE_HEADS_SINCE:
            why = "FlashInfer takes no heads of 512 in this release"
    elif (
        facts.runtime == "sglang"
        and any(word in name for word in GATED_DELTA)
        and facts.sm[0] == BLACKWELL[0]
        and backend not in {"", *GATED_DELTA_BACKENDS}
    ):
        why = f"on {facts.card} this hybrid runs with {', '.join(sorted(GATED_DELTA_BACKENDS))} only"
    elif (
        facts.runtime == "tensorrt-llm" and any(word in name for word in SINKS) and facts.sm[0] not in (9, 10)
    ):
        early = "gpt-oss" in facts.image or () < facts.version < TRT_SINKS_SINCE
        why = f"this TensorRT-LLM has no attention sinks on {facts.card}" if early else ""
    if why:
        drop = without_flags(facts, "VLLM_ATTENTION_BACKEND", "--attention-backend", "-ab")
        others = (set_gpu(facts, "h100-sxm"), set_gpu(facts, "b200"))
        own = (Fix("let the engine choose the attention backend", drop),)
        fixes = others if facts.runtime == "tensorrt-llm" else own
        yield Problem("ATTN_BACKEND_MISSING", "env" if fixes is own else "model", why, fixes)
