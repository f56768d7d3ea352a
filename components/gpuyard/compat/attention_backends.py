"""Attention backends: which one was asked for, and the GPUs that it has kernels for in a release."""

from collections.abc import Mapping
from functools import cache

from gpuyard.catalog.software import Version
from gpuyard.compat.facts import Facts
from gpuyard.compat.generations import AMPERE, BLACKWELL, CONSUMER_BLACKWELL, HOPPER
from gpuyard.compat.problem import BACKEND_FLAGS, Fix, without_flags
from gpuyard.compat.sourced import Sourced

Span = Sourced[Version]
"""The oldest and the newest compute capability, and what was read of it."""
_VLLM = "vLLM's wheels, 0.11.2 to 0.33.0 (supports_compute_capability)"
SGLANG_READ = "SGLang's wheels, 0.5.1 to 0.5.23 (checks of its server arguments)"
_DATA_CENTRE: Span = Sourced((BLACKWELL, (10, 9)), _VLLM)
_HOPPER: Span = Sourced((HOPPER, (9, 9)), _VLLM)
LIBRARIES: tuple[tuple[str, tuple[str, ...]], ...] = (
    ("fa3", ("flash-attn-3", "flash_attn_3", "flash-attention-3", "flash attention 3", "flashattention-3")),
    ("flashmla", ("flashmla", "flash-mla", "flash_mla")),
    ("flash_attn", ("flash-attn", "flash_attn", "flash-attention", "flash attention", "flashattention")),
)
"""Attention libraries used on their own, by what the runtime is called."""
HF_ATTENTION = ("attn_implementation", "--attn_implementation", "--attn-implementation")
HF_BACKENDS: Mapping[str, str] = {"flash_attention_2": "flash_attn", "flash_attention_3": "fa3"}
"""How a model of transformers is told its attention, and what its words for it are here."""
BACKEND_SM: Mapping[str, Span] = {
    "flash_attn": Sourced((AMPERE, (99, 0)), _VLLM),
    "flashinfer": Sourced(((7, 5), (99, 0)), _VLLM),
    "flashmla": Sourced((HOPPER, (10, 9)), _VLLM),
    "flashmla_sparse": Sourced((HOPPER, (10, 9)), _VLLM),
    "flash_attn_mla": _HOPPER,
    "flash_attn_mla_sparse": _HOPPER,
    "cutlass_mla": _DATA_CENTRE,
    "flashinfer_mla": _DATA_CENTRE,
    "flashinfer_mla_sparse": _DATA_CENTRE,
    "flashinfer_mla_sparse_sm90": _HOPPER,
    "flashinfer_mla_sparse_sm120": Sourced((CONSUMER_BLACKWELL, (12, 9)), _VLLM),
    "tokenspeed_mla": _DATA_CENTRE,
    "b12x": Sourced((CONSUMER_BLACKWELL, (12, 9)), _VLLM),
    "hpc_attn": _HOPPER,
    "fa3": Sourced((AMPERE, (9, 9)), SGLANG_READ),
    "fa4": Sourced((HOPPER, (10, 9)), SGLANG_READ),
    "trtllm_mla": Sourced((BLACKWELL, (10, 9)), SGLANG_READ),
    "trtllm_mha": Sourced((BLACKWELL, (10, 9)), SGLANG_READ),
}
"""Compute capabilities from and to which an attention backend exists."""
BACKEND_BEFORE: tuple[tuple[str, str, Version, Span], ...] = (
    ("flash_attn", "", (2, 7, 4), Sourced((AMPERE, (9, 9)), "Dao-AILab/flash-attention#1464")),
    ("flashmla", "vllm", (1000,), Sourced((HOPPER, (9, 9)), f"deepseek-ai/FlashMLA#83; {_VLLM}")),
    ("flashinfer", "vllm", (0, 10, 2, 0), Sourced((AMPERE, (99, 0)), "vllm-project/vllm#8189, #8091")),
)
"""Backend, engine (empty: the library itself), release before which, and the GPUs until then (vLLM's dense
FlashMLA asks for Hopper up to 0.33; its older engine measured FlashInfer's memory with FlashAttention)."""
BACKEND_SINCE: tuple[tuple[str, str, Version, Span], ...] = (
    (
        "flashinfer",
        "vllm",
        (0, 24, 0, 0),
        Sourced((AMPERE, (99, 0)), "vllm-project/vllm PR#45375; vLLM's wheels, 0.22.0 and 0.24.0"),
    ),
)
"""The same from a release on."""
MHA_PREFILL_SINCE: Version = (0, 5, 19, 0)
MHA_DECODE_SINCE: Version = (0, 5, 10, 0)
"""First SGLang that takes trtllm_mha off data-centre Blackwell: on Hopper and SM 12.x, and in 0.5.10 to
0.5.18 for decoding only; GB10 fails."""
_MHA_READ = f"{SGLANG_READ}; Blackwellboy/model-serving-minefield#110"
_MHA: Span = Sourced((HOPPER, (12, 0)), _MHA_READ)
_MHA_DECODES: Span = Sourced((HOPPER, (12, 9)), _MHA_READ)
_LATENT_FA3: Span = Sourced((HOPPER, (9, 9)), SGLANG_READ)
_FLASH3: Span = Sourced((HOPPER, (10, 9)), _VLLM)
VARIABLES_UNTIL: Version = (0, 15, 0, 0)
"""First vLLM that reads neither ``VLLM_ATTENTION_BACKEND`` nor ``VLLM_FLASH_ATTN_VERSION``."""
FLASH3_ON_A100_UNTIL: Version = (0, 12, 0, 0)
FLASH3_ON_A100: tuple[Version, ...] = ((8, 0), (8, 7))
"""First vLLM whose FlashAttention 3 is for Hopper only, and what it took before (as its wheels check)."""


def asked_backend(facts: Facts) -> str:
    """The attention backend that variables, flags or the runtime's own name ask for."""
    reads = facts.runtime != "vllm" or not facts.version or facts.version < VARIABLES_UNTIL
    asked = facts.env.get("VLLM_ATTENTION_BACKEND", "") if reads else ""
    asked = asked or next(iter(facts.flag_values(*BACKEND_FLAGS)), "")
    backend = asked.lower().replace("_vllm_v1", "")
    if reads and facts.env.get("VLLM_FLASH_ATTN_VERSION") == "3":
        return "FlashAttention 3"
    return backend or _of_transformers(facts) or _library(facts.runtime_text)


def _of_transformers(facts: Facts) -> str:
    """The attention that a model of transformers is loaded with (Dao-AILab/flash-attention#762)."""
    if facts.runtime not in ("", "torch", "transformers"):
        return ""  # an engine that brings its own
    asked = dict(facts.flags) | dict(facts.env)
    word = next((asked[name] for name in HF_ATTENTION if name in asked), "")
    return HF_BACKENDS.get(word.strip("\"'").lower(), "")


@cache
def _library(runtime_text: str) -> str:
    """The attention library that a runtime is; empty: none."""
    return next((name for name, words in LIBRARIES if any(word in runtime_text for word in words)), "")


def drop_backend(facts: Facts) -> Fix:
    """Without anything that asks for an attention backend."""
    asks = ("VLLM_ATTENTION_BACKEND", "VLLM_FLASH_ATTN_VERSION", *BACKEND_FLAGS, *HF_ATTENTION)
    return Fix("let the engine choose the attention backend", without_flags(facts, *asks))


def backend_span(facts: Facts, backend: str) -> Span | None:
    """Compute capabilities from and to which the backend has kernels in this release."""
    if backend == "FlashAttention 3":
        early = () < facts.version < FLASH3_ON_A100_UNTIL and facts.sm in FLASH3_ON_A100
        return None if early else _FLASH3  # vLLM takes FlashAttention 2 on 10.x by itself
    if backend == "trtllm_mha" and facts.runtime == "sglang" and facts.version:
        decodes = {flag for flag, _ in facts.flags if flag in BACKEND_FLAGS} == {"--decode-attention-backend"}
        if facts.version >= (MHA_DECODE_SINCE if decodes else MHA_PREFILL_SINCE):
            return _MHA_DECODES if decodes else _MHA
    if backend == "fa3" and facts.runtime == "sglang" and facts.model and facts.model.mla is not None:
        return _LATENT_FA3  # on 8.x for other attention only
    for name, runtime, before, span in BACKEND_BEFORE:
        if name == backend and runtime == facts.runtime and () < facts.version < before:
            return span
    for name, runtime, since, span in BACKEND_SINCE:
        if name == backend and runtime == facts.runtime and facts.version >= since:
            return span
    return BACKEND_SM.get(backend)
