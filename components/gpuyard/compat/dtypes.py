"""Dtypes against GPU, model, kernels and engine."""

import re
from collections.abc import Iterator, Mapping
from dataclasses import replace

from gpuyard.catalog.engine_flags import spellings
from gpuyard.catalog.software import Version
from gpuyard.compat.engine import CARDS
from gpuyard.compat.facts import Facts
from gpuyard.compat.generations import ADA, AMPERE
from gpuyard.compat.problem import Fix, Problem, set_field, set_gpus, with_env
from gpuyard.compat.sourced import Sourced, join_sources
from gpuyard.compat.spelling import dotted, plain
from gpuyard.errors import Severity

_QUANTIZATION = spellings("quantization", "vllm")
OTHERS_IN_HALF = ("sglang", "lmdeploy")
"""Engines that nobody was seen to run them with in float16; what overflows is the model's own."""
REFUSES_HALF: Version = (0, 9, 0)
FLOAT16_REFUSED = re.compile(
    r"gemma-?2(?:[-:]\d+b|$)|gemma-?3(?!n)|(?:med|translate|function|embedding|data)gemma|shieldgemma-\d+b|"
    r"glm-(?:4|z1)-(?:.*0414|rumination)|plamo-?2"
)
"""Models that vLLM 0.9 and newer refuse in float16, in words of their names: model types gemma2, gemma3,
gemma3_text, glm4 and plamo2."""
FLOAT16_SOURCE = "zai-org/GLM-4#510; _FLOAT16_NOT_SUPPORTED_MODELS in vLLM's configuration"
OVERFLOWS = re.compile(r"gemma-?3(?!n)-?(?:4|12|27)b|glm-(?:4|z1)-(?:rumination-)?32b")
"""Of them, those that answered nothing but padding or exclamation marks in releases that let them run."""
OVERFLOWS_SAYS = "vllm-project/vllm#18733, #14817, #17154 (2025-03 to 2025-05); zai-org/GLM-4#755"
HALF_ONLY: Mapping[str, Sourced[int]] = {
    "awq": Sourced((0, 5, 3), "vllm-project/vllm#1823, #13462, PR#6612"),
    "gptq": Sourced((0, 4, 3), "vllm-project/vllm#1941, PR#4788"),
}
"""vLLM from which 4-bit weights may run in bfloat16 by Marlin kernels; the schemes' own kernels know float16
only, and still run where the scheme is forced."""
FORCED_UNTIL: Mapping[str, Sourced[int]] = {
    "awq": Sourced(
        (0, 24, 0, 0), "awq.py and auto_awq.py of vLLM's wheels, 0.9.2 to 0.33.0; vllm-project/vllm#28857"
    ),
    "gptq": Sourced((0, 22, 0, 0), "gptq.py and auto_gptq.py of vLLM's wheels, 0.10.2 to 0.33.0"),
}
"""First vLLM that takes Marlin's kernels, and bfloat16, where the command line names the scheme itself."""
HALF_KERNELS: tuple[tuple[str, str, Version, Version, str], ...] = (
    ("vllm", "marlin", (0, 3, 4, 0), (0, 9, 0, 0), "vLLM 0.4.1 marlin.py"),
    ("vllm", "gptq_marlin_24", (0, 4, 2, 0), (0, 9, 0, 0), "vLLM 0.4.2 gptq_marlin_24.py"),
    ("vllm", "squeezellm", (), (0, 6, 4, 0), "vLLM 0.4.0 squeezellm.py"),
    ("vllm", "aqlm", (0, 4, 0, 0), (0, 9, 0, 0), "vLLM 0.4.1 aqlm.py"),
    ("vllm", "qqq", (0, 5, 5, 0), (0, 9, 0, 0), "vLLM 0.6.1 qqq.py"),
    ("vllm", "gguf", (0, 5, 5, 0), (0, 7, 0, 0), "vLLM 0.6.3 gguf.py"),
    ("sglang", "awq", (0, 2, 0, 0), (0, 4, 6, 0), "vLLM 0.6.3 awq.py, which it takes"),
    ("sglang", "gptq", (0, 2, 0, 0), (0, 4, 6, 0), "vLLM 0.6.3 gptq.py, which it takes"),
)
"""Engine, quantization as asked for, releases from and before which its kernels are known to take float16
only, and the file that says so (get_supported_act_dtypes; general knowledge)."""
V1_HALVES: Sourced[Version] = Sourced(
    ((0, 8, 0, 0), (0, 9, 0, 0)), "vllm/engine/arg_utils.py of 0.8.5 (general knowledge)"
)
"""vLLM whose V1 engine, where it is asked for, takes float16 and bfloat16 only."""
E5M2_REFUSED: Sourced[Version] = Sourced(
    ((0, 5, 0, 0), (0, 17, 0, 0)), "vllm/attention/layer.py of 0.5.0 to 0.16.0 (read 2026-11-27)"
)
"""vLLM that was read to refuse it, and the first that was not read."""
TEI_FLOAT32 = ("embeddinggemma", "gemma-3", "gemma3", "pplx-embed")
TEI_FLOAT16 = ("mistral", "sfr-embedding-2", "linq-embed", "gte-qwen", "stella_en_1.5b", "qwen2", "qwen1.5")
"""Models that text-embeddings-inference computes in one dtype only, in words of their names; those of the
second kind with FlashAttention."""
TEI_SAYS = (
    "huggingface/text-embeddings-inference#748; backends/candle/src/lib.rs, backends/src/dtype.rs of 1.9.3"
)
TRT_W4A8_IN_HALF = Sourced((0, 12, 0, 0), "NVIDIA/TensorRT-LLM#1843 (0.11.0.dev2024061800 on Ada)")
"""First TensorRT-LLM after one that had W4A8 in float16 only on Ada; of it nothing is known."""
W4A8 = frozenset({"w4a8_awq", "w4a8", "w4a8_gptq"})
WITHOUT_BF16_CHECK = ("llama.cpp", "ollama", "koboldcpp", "docker-model-runner", "torch", "transformers")
"""Engines that compute otherwise or let torch emulate it."""
TAKES_HALF: Mapping[str, Version] = {"sglang": (0, 3, 0), "lmdeploy": (0, 5, 0)}
"""Engine, and release from which it takes float16 where the GPU has no bfloat16 (SGLang: model_runner.py)."""


def dtype_problems(facts: Facts) -> Iterator[Problem]:
    """Every rule on dtypes."""
    if facts.sm:
        yield from _dtype(facts)
    yield from _refused_half(facts)
    yield from _half_only(facts)
    yield from _half_kernels(facts)
    yield from _v1_in_full(facts)
    yield from _cache_beside_fp8(facts)
    yield from _w4a8_in_half(facts)
    yield from _embeddings(facts)


def _dtype(facts: Facts) -> Iterator[Problem]:
    who = facts.who
    engine = facts.runtime not in WITHOUT_BF16_CHECK
    by_itself = facts.version >= TAKES_HALF.get(facts.runtime, (1000,))
    old_auto = facts.dtype in ("auto", "") and facts.runtime == "vllm" and () < facts.version < (0, 9, 0)
    model_is_bf16 = facts.model is not None and facts.model.dtype == "bfloat16" and not facts.quantization
    if facts.sm < AMPERE and engine and (facts.dtype == "bfloat16" or (old_auto and model_is_bf16)):
        yield Problem(
            "DTYPE_UNSUPPORTED",
            "dtype",
            f"bfloat16 needs compute capability 8.0, {who} has {dotted(facts.sm)}",
            (set_field("dtype", "float16", "use dtype float16 (half)"), *set_gpus(facts, *CARDS)),
            Severity.WARNING if by_itself else Severity.ERROR,
        )


def _refused_half(facts: Facts) -> Iterator[Problem]:
    """Models that vLLM refuses in float16 when it reads its configuration, whatever the GPU."""
    name = facts.model_name.lower()
    if facts.runtime in OTHERS_IN_HALF and facts.dtype == "float16" and OVERFLOWS.search(name):
        other = _overflows(facts, name, "bfloat16")
        yield replace(other, severity=Severity.WARNING)
    if facts.runtime != "vllm" or not facts.version or not FLOAT16_REFUSED.search(name):
        return
    older = () < facts.sm < AMPERE
    if facts.version < REFUSES_HALF:
        if facts.dtype == "float16":
            yield _overflows(facts, name, "float32" if older else "bfloat16")
        return
    if facts.dtype == "float16":
        other = "float32" if older else "bfloat16"
        yield Problem(
            "DTYPE_UNSUPPORTED",
            "dtype",
            f"{facts.model_name} is numerically unstable in float16, and vLLM refuses it",
            (set_field("dtype", other, f"use dtype {other}"), *set_gpus(facts, *CARDS)),
            source=FLOAT16_SOURCE,
        )
    elif older and facts.quantization in HALF_ONLY:
        yield Problem(
            "DTYPE_UNSUPPORTED",
            "quantization",
            f"the {facts.quantization} kernels of vLLM compute in float16 only on {facts.card}, in which it "
            f"refuses {facts.model_name}",
            set_gpus(facts, *CARDS),
            source=join_sources(HALF_ONLY[facts.quantization].source, FLOAT16_SOURCE),
        )


def _overflows(facts: Facts, name: str, other: str) -> Problem:
    """The same before vLLM refused it: it answers, with rubbish."""
    reported = OVERFLOWS.search(name) is not None and not facts.quantization
    return Problem(
        "DTYPE_UNSUPPORTED",
        "dtype",
        f"{facts.model_name} overflows in float16"
        + (": it answers padding or exclamation marks" if reported else ", and newer vLLM refuses it"),
        (set_field("dtype", other, f"use dtype {other}"), *set_gpus(facts, *CARDS)),
        Severity.ERROR if reported else Severity.WARNING,
        source=join_sources(OVERFLOWS_SAYS if reported else "", FLOAT16_SOURCE),
    )


def _cache_beside_fp8(facts: Facts) -> Iterator[Problem]:
    """A cache in the other FP8, without scales, beside FP8 weights."""
    since, before = E5M2_REFUSED
    asked = plain(facts.given.kv_cache_dtype) == "fp8_e5m2" and facts.quantization == "fp8"
    if facts.runtime != "vllm" or not asked or () < facts.version < since:
        return
    yield Problem(
        "DTYPE_UNSUPPORTED",
        "kv_cache_dtype",
        "vLLM takes no fp8_e5m2 cache beside FP8 weights",
        (
            set_field("kv_cache_dtype", "fp8_e4m3", "use kv_cache_dtype fp8_e4m3"),
            set_field("kv_cache_dtype", "auto", "use kv_cache_dtype auto"),
        ),
        Severity.ERROR if since <= facts.version < before else Severity.WARNING,
        source=E5M2_REFUSED.source,
    )


def _embeddings(facts: Facts) -> Iterator[Problem]:
    """text-embeddings-inference, whose images for NVIDIA know no bfloat16."""
    if facts.runtime != "tei" or facts.dtype in ("", "auto"):
        return
    name = facts.model_name.lower()
    single = "float32" if any(word in name for word in TEI_FLOAT32) else ""
    single = single or ("float16" if any(word in name for word in TEI_FLOAT16) else "")
    other = single or "float16"
    if facts.dtype != (single or facts.dtype) or facts.dtype == "bfloat16":
        yield Problem(
            "DTYPE_UNSUPPORTED",
            "dtype",
            f"text-embeddings-inference computes {facts.model_name or 'models'} "
            + (f"in {single} only" if single else "in float16 or float32, not in bfloat16"),
            (set_field("dtype", other, f"use dtype {other}"),),
            source=TEI_SAYS,
        )


def _half_only(facts: Facts) -> Iterator[Problem]:
    since = HALF_ONLY.get(facts.quantization)
    if facts.runtime != "vllm" or since is None:
        return
    own = facts.dtype in ("", "auto") and facts.model is not None and facts.model.dtype == "bfloat16"
    if facts.dtype != "bfloat16" and not own:
        return
    before = bool(facts.version) and facts.version < since
    asked = not own and plain(facts.given.quantization) == facts.quantization
    until = FORCED_UNTIL[facts.quantization]
    forced = asked and (facts.version or since) < until
    by_flag = forced and bool(facts.version) and facts.quantization in facts.flag_values(*_QUANTIZATION)
    if before or by_flag or (forced and facts.quantization == "awq"):
        yield Problem(
            "DTYPE_UNSUPPORTED",
            "dtype",
            f"the {facts.quantization} kernels of vLLM compute in float16 only"
            + ("" if before else "; with quantization left out it takes Marlin's, which know bfloat16"),
            (
                set_field("dtype", "float16", "use dtype float16 (half)"),
                set_field("quantization", f"{facts.quantization}_marlin", "use Marlin's kernels"),
            ),
            # a checkpoint's own dtype may be another than its model's, and its scheme is stated unasked
            Severity.ERROR if (before and not own) or by_flag else Severity.WARNING,
            source=join_sources(since.source, until.source if by_flag else ""),
        )


def _half_kernels(facts: Facts) -> Iterator[Problem]:
    """Kernels that know no other dtype, which engines look at before they load."""
    asked = plain(facts.given.quantization)
    kind = "gguf" if asked.startswith("gguf") else asked
    if facts.dtype != "bfloat16" or (kind == "marlin" and "marlin" not in facts.model_name.lower()):
        return  # a GPTQ checkpoint that is asked to run so takes kernels which know bfloat16
    for runtime, name, since, before, source in HALF_KERNELS:
        if (runtime, name) == (facts.runtime, kind) and facts.version and since <= facts.version < before:
            yield Problem(
                "DTYPE_UNSUPPORTED",
                "dtype",
                f"the {kind} kernels of {facts.engine} compute in float16 only",
                (set_field("dtype", "float16", "use dtype float16 (half)"),),
                source=f"{source} (get_supported_act_dtypes; general knowledge)",
            )


def _v1_in_full(facts: Facts) -> Iterator[Problem]:
    """float32 asked of vLLM's newer engine."""
    since, before = V1_HALVES
    asked = facts.runtime == "vllm" and facts.env.get("VLLM_USE_V1") == "1"
    if asked and facts.dtype == "float32" and since <= facts.version < before:
        yield Problem(
            "DTYPE_UNSUPPORTED",
            "dtype",
            f"the V1 engine of {facts.engine} computes in float16 and bfloat16 only",
            (
                Fix("set VLLM_USE_V1=0", with_env(facts, "VLLM_USE_V1", "0")),
                set_field("dtype", "bfloat16", "use dtype bfloat16"),
            ),
            source=V1_HALVES.source,
        )


def _w4a8_in_half(facts: Facts) -> Iterator[Problem]:
    """TensorRT-LLM's 4-bit weights with FP8 activations on Ada."""
    early = facts.runtime == "tensorrt-llm" and () < facts.version < TRT_W4A8_IN_HALF
    if early and facts.quantization in W4A8 and facts.dtype == "bfloat16" and facts.sm == ADA:
        yield Problem(
            "DTYPE_UNSUPPORTED",
            "dtype",
            f"{facts.quantization} of this TensorRT-LLM computes in float16 only on {facts.card}",
            (set_field("dtype", "float16", "use dtype float16"),),
            source=TRT_W4A8_IN_HALF.source,
        )


def no_fp8(facts: Facts, path: str, fixes: tuple[Fix, ...], source: str) -> Problem:
    """A GPU without the numbers that weights or a cache are in, which Triton calls fp8e4nv."""
    return Problem(
        "DTYPE_UNSUPPORTED",
        path,
        f"FP8 (e4m3) starts with compute capability 8.9, {facts.who} has {dotted(facts.sm)}",
        fixes,
        source=source,
    )
