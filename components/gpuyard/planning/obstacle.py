"""Why what is asked cannot be, however much memory there is."""

from gpuyard.catalog.gguf import is_gguf
from gpuyard.catalog.hardware import Gpu
from gpuyard.catalog.models import ModelShape
from gpuyard.catalog.quantizations import NAMED, SCHEMES
from gpuyard.catalog.software_runtimes import release_key
from gpuyard.catalog.software_support import quantization_support
from gpuyard.planning.embedding import embeds
from gpuyard.planning.parallel import Split
from gpuyard.planning.quantization import KV_BYTES, KV_FP8_SM_MIN, quantization_of, scheme_of
from gpuyard.planning.wanted import Wanted

_DRAFTS_STAGED = (0, 27)
"""vLLM: MTP across stages failed to start in 0.26 (vllm-project/vllm#52069), mended in #46994.

SGLang refuses it unless an experimental variable is set (sgl-project/sglang#30775, 2026-07-10).
"""

_SERVES_CHECKPOINTS = (1, 0)
"""First TensorRT-LLM whose `trtllm-serve` runs the PyTorch backend by default (general knowledge; so does its
`commands/serve.py` of 2025-10)."""
_SM_MIN = {"tensorrt-llm": (8, 0)}
"""Ampere (its support matrix, general knowledge); its server has no flag for float16 on older ones."""
_NAMES = {"tgi": "TGI", "tensorrt-llm": "TensorRT-LLM", "lmdeploy": "LMDeploy"}
"""Runtimes that are planned for writing text alone, without drafts and adapters."""
UNSTAGED = ("tgi", "lmdeploy")
"""Runtimes without pipeline parallel."""
_TURBOMIND_SINCE = (0, 14)
"""LMDeploy whose list of architectures was read."""
_TURBOMIND = frozenset(
    {
        *("LlamaForCausalLM", "InternLM2ForCausalLM", "InternLM3ForCausalLM", "Qwen2ForCausalLM"),
        *("Qwen2MoeForCausalLM", "Qwen3ForCausalLM", "Qwen3MoeForCausalLM", "Glm4MoeLiteForCausalLM"),
        *("GptOssForCausalLM", "MixtralForCausalLM"),
    }
)
"""What its TurboMind engine runs without images and states (`lmdeploy/turbomind/supported_models.py` of 0.14
to 0.16); its PyTorch engine sets memory apart otherwise."""
_TURBOMIND_FORMATS = frozenset(
    {"bfloat16", "float16", "float32", "awq", "gptq", "w4a16", "int4", "compressed-tensors", "fp8", "mxfp4"}
)
"""`--model-format`, with what the names of checkpoints call them."""


def find_obstacle(model: ModelShape, gpu: Gpu, wanted: Wanted) -> str:
    """What no other number of GPUs, tokens or sequences would mend; empty: nothing."""
    return _hardware(model, gpu, wanted) or _engine(model, wanted)


def too_long(model: ModelShape, wanted: Wanted) -> str:
    """Why the context is too long for the model; empty: it is not."""
    asked = wanted.context_tokens
    if asked and model.context and asked > model.context:
        return f"{asked:,} tokens of context are more than the model's {model.context:,}"
    return ""


def not_staged(wanted: Wanted, split: Split) -> str:
    """Why the runtime cannot cut what is asked into pipeline stages; empty: it can, or need not."""
    if split.pipeline == 1:
        return ""
    if wanted.runtime in UNSTAGED:
        return f"{_NAMES[wanted.runtime]} has no pipeline parallel"
    old = wanted.runtime == "vllm" and () < release_key(wanted.runtime_version or "") < _DRAFTS_STAGED
    if wanted.extras.draft_tokens and (old or wanted.runtime == "sglang"):
        which = "vLLM before 0.27" if old else "SGLang"
        return f"{which} drafts no tokens across pipeline stages: use GPUs that hold it without, or no drafts"
    return ""


def not_copied(wanted: Wanted, split: Split) -> str:
    """Why it cannot copy attention, or keep experts whole, as is asked; empty: it can, or need not."""
    if wanted.runtime == "lmdeploy" and (split.data > 1 or split.experts):
        return "copies of attention and whole experts of LMDeploy are not planned: use vllm or sglang"
    if wanted.runtime != "tensorrt-llm" or split.data == 1 or split.tensor == 1:
        return ""
    return (
        f"TensorRT-LLM copies attention onto every GPU that shares experts, or onto none: "
        f"ask for --data-parallel {split.ranks}"
    )


def _hardware(model: ModelShape, gpu: Gpu, wanted: Wanted) -> str:
    """What is not known of the GPU or of the formats, and formats that the GPU does not read."""
    kind, sm = quantization_of(model, wanted.quantization), _capability(gpu)
    cache = (wanted.kv_cache_dtype or "auto").lower()
    if gpu.memory_mib is None:
        return f"the memory of {gpu.id} is not known"
    if kind not in SCHEMES:
        return f'quantization "{kind}" is not known; known: ' + ", ".join(sorted(NAMED))
    if cache not in KV_BYTES:
        return f'KV cache dtype "{wanted.kv_cache_dtype}" is not known; known: ' + ", ".join(sorted(KV_BYTES))
    least = _oldest(model, kind, wanted)
    if sm and sm < least:
        wants = f"{kind} wants compute capability {least[0]}.{least[1]}, {gpu.id} has {gpu.sm}"
        return f"{wants}: use a newer GPU, or weights that it reads"
    engine = wanted.runtime
    if sm and sm < _SM_MIN.get(engine, ()):
        return f"{engine} wants compute capability 8.0, {gpu.id} has {gpu.sm}: use a newer GPU, or vllm"
    floats = wanted.runtime != "lmdeploy"  # its 8-bit cache is of integers
    if floats and sm and sm < KV_FP8_SM_MIN and KV_BYTES[cache] < KV_BYTES["auto"]:
        return f"an fp8 cache wants compute capability 8.0, {gpu.id} has {gpu.sm}: leave it in 16 bit"
    return ""


def _oldest(model: ModelShape, kind: str, wanted: Wanted) -> tuple[int, ...]:
    """The compute capability that the format wants, or that the release has kernels for where it is older."""
    least = scheme_of(model, wanted.quantization).sm_min
    known = quantization_support(wanted.runtime, kind, release_key(wanted.runtime_version or "")).sm_min
    return min(least, known) if known else least


def _engine(model: ModelShape, wanted: Wanted) -> str:
    """What is asked that this model or runtime does not have."""
    extras = wanted.extras
    if wanted.runtime in _NAMES and embeds(model):
        return f"{_NAMES[wanted.runtime]} writes text alone: use vllm, sglang or text-embeddings-inference"
    if wanted.runtime == "tgi" and is_gguf(quantization_of(model, wanted.quantization)):
        return "TGI reads GGUF files in its llama.cpp image alone: use vllm or sglang"
    if wanted.runtime in _NAMES and (extras.draft_tokens or extras.adapters):
        return f"drafts and adapters of {_NAMES[wanted.runtime]} are not planned: use vllm or sglang"
    if wanted.runtime == "tensorrt-llm":
        return _tensorrt_llm(model, wanted)
    if wanted.runtime == "lmdeploy":
        return _lmdeploy(model, wanted)
    if extras.draft_tokens and not model.draft_layers:
        return f"{model.id} has no draft layers of its own"
    return ""


def _tensorrt_llm(model: ModelShape, wanted: Wanted) -> str:
    kind, version = quantization_of(model, wanted.quantization), wanted.runtime_version or ""
    if () < release_key(version) < _SERVES_CHECKPOINTS:
        return (
            f"TensorRT-LLM {version} serves engines that were built before, which are not planned: "
            "use 1.0.0 or newer, or vllm"
        )
    if is_gguf(kind) or kind == "bitsandbytes":
        return f"TensorRT-LLM reads no {'GGUF files' if is_gguf(kind) else f'{kind} weights'}: use vllm"
    if model.linear_layers or model.compressed:
        what = "states of linear attention" if model.linear_layers else "compressed attention"
        return f"{what} of {model.id} in TensorRT-LLM are not planned: use vllm or sglang"
    if wanted.text_only:
        return "TensorRT-LLM has no flag that leaves an encoder out: plan it with images, or use vllm"
    return ""


def _lmdeploy(model: ModelShape, wanted: Wanted) -> str:
    kind, version = quantization_of(model, wanted.quantization), wanted.runtime_version or ""
    if () < release_key(version) < _TURBOMIND_SINCE:
        return f"LMDeploy {version} runs other models than are planned: use 0.14.0 or newer, or vllm"
    if model.architecture not in _TURBOMIND:
        return (
            f"of LMDeploy its TurboMind engine is planned, which does not run {model.id}: use vllm or sglang"
        )
    if kind not in _TURBOMIND_FORMATS:
        return f"LMDeploy's TurboMind engine reads no {kind}: use another checkpoint, or vllm"
    if (wanted.kv_cache_dtype or "").lower() == "fp8_e5m2":
        return "8-bit caches of LMDeploy's TurboMind engine hold integers: ask for fp8, which is as large"
    return ""


def _capability(gpu: Gpu) -> tuple[int, ...]:
    """Numbers of the compute capability; empty where the vendor counts otherwise."""
    parts = gpu.sm.split(".")
    return tuple(int(part) for part in parts) if all(part.isdigit() for part in parts) else ()
