"""Releases whose attention leaves out older GPUs: for some models, for shards, or for all."""

from collections.abc import Iterator, Mapping
from typing import Any

from gpuyard.catalog.software import Version
from gpuyard.catalog.software_runtimes import is_recent, release_text, runtime_releases
from gpuyard.compat.facts import Facts
from gpuyard.compat.generations import AMPERE, TURING, VOLTA
from gpuyard.compat.problem import Problem, set_gpus, set_release
from gpuyard.compat.spelling import dotted
from gpuyard.errors import Severity
from gpuyard.records import record

EVERY = ((), (1000,))
"""All releases, an unknown one too."""
NEWER = ("l4", "l40s", "a100-80gb-sxm", "h100-sxm", "h200")
"""GPUs to move to."""
_TOWERS = ("qwen3-vl", "qwen2.5-vl")


@record
class Gap:
    """What an engine lacks on older GPUs."""

    runtimes: tuple[str, ...]
    releases: tuple[Version, Version] = EVERY
    """From the first on, before the second."""
    models: tuple[str, ...] = ("",)
    """Words of the models' names."""
    below: Version = AMPERE
    """Compute capability from which on it works."""
    above: Version = ()
    """Compute capability that still works, as older ones do; empty: none."""
    shards: int = 1
    """Tensor-parallel size from which on it is lacking."""
    quantized: bool = False
    """Whether it is lacking for weights in fewer bits alone."""
    spared_by: str = ""
    """Backend or flag with which it works."""
    path: str
    text: str
    release: str = ""
    """A way out that keeps the GPU."""
    gpu_first: bool = False
    """Whether another GPU is nearer than that release."""
    source: str


_WINDOWED = ("mistral-7b-v0.1", "mistral-7b-instruct-v0.1", "zephyr-7b", "mistral-7b-openorca")
"""Fine-tunes of Mistral 7B v0.1, the only one with a sliding window."""
_TGI_WINDOWED: Mapping[str, Any] = {
    "runtimes": ("tgi",),
    "releases": ((1, 4, 0, 0), (2, 1, 0, 0)),
    "models": _WINDOWED,
    "path": "model",
    "text": "this TGI runs {model} sharded or quantised with FlashAttention 2 only, which {card} lacks",
    "release": "2.3.0",
    "source": "huggingface/text-generation-inference#1573 (2024-02-19); get_model of its tags 1.4.0 to 2.0.4",
}
GAPS = (
    Gap(**_TGI_WINDOWED, shards=2),
    Gap(**_TGI_WINDOWED, quantized=True),
    Gap(
        runtimes=("vllm", "tgi", "sglang", ""),
        models=("gemma-2-", "gemma2"),
        spared_by="flashinfer",
        path="model",
        text="Gemma 2's soft cap needs FlashAttention (compute capability 8.0) or FlashInfer; {who} has {sm}",
        source="FlashAttention's README (general knowledge, unverified)",
    ),
    Gap(
        runtimes=("vllm",),
        releases=((0, 5, 1, 0), (0, 5, 5, 0)),
        models=("gemma-2-", "gemma2"),
        below=(99,),
        above=TURING,
        spared_by="flashinfer",
        path="runtime_version",
        text="vLLM {release} runs {model} with FlashInfer only, which VLLM_ATTENTION_BACKEND has to name",
        release="0.5.5",
        source="vllm-project/vllm PR#6051 (2024-07); attention builders of 0.5.1 to 0.5.4",
    ),
    Gap(
        runtimes=("tgi",),
        below=TURING,
        shards=2,
        path="tensor_parallel",
        text="TGI shards only with FlashAttention, which {who} does not have",
        source="huggingface/text-generation-inference, models/__init__.py (general knowledge, unverified)",
    ),
    Gap(
        runtimes=("tgi",),
        releases=((2, 1, 0, 0), (2, 3, 0, 0)),
        path="runtime_version",
        text="TGI {release} has FlashAttention 2 only, which {card} lacks",
        release="2.3.0",
        source="huggingface/text-generation-inference#2335: it does not fall back to FlashAttention 1",
    ),
    Gap(
        runtimes=("tgi",),
        releases=((1, 1, 0, 0), (1, 4, 0, 0)),
        models=("mistral-7b", "mixtral", "zephyr-7b"),
        path="model",
        text="this TGI runs {model} with FlashAttention 2 only, which {card} lacks",
        release="2.3.0",
        source="huggingface/text-generation-inference#1208 and #1253",
    ),
    Gap(
        runtimes=("vllm",),
        releases=((0, 11, 1, 0), (0, 13, 0, 0)),
        models=_TOWERS,
        path="runtime_version",
        text="vLLM {release} has no attention for vision towers on {card}",
        release="0.11.0",
        source="vllm-project/vllm#29743",
    ),
    Gap(
        runtimes=("vllm",),
        releases=((0, 17, 0, 0), (0, 20, 0, 0)),
        models=_TOWERS,
        below=TURING,
        spared_by="--mm-encoder-attn-backend",
        path="runtime_version",
        text="vLLM {release} runs vision towers with Triton, which hangs on {card}",
        release="0.11.0",
        source="vllm-project/vllm#36357",
    ),
    Gap(
        runtimes=("lmdeploy",),
        releases=((0,), (0, 12, 2, 0)),
        models=("qwen3.5", "qwen3.6"),
        path="runtime_version",
        text="TurboMind {release} has no kernels for heads of 256 on {card}",
        release="0.12.2",
        gpu_first=True,
        source="InternLM/lmdeploy#4408, PR#4405 and PR#4420; 0.12.2 runs on V100 (#4426)",
    ),
    Gap(
        runtimes=("lmdeploy",),
        releases=((0, 12, 2, 0), (0, 17, 0, 0)),
        models=("qwen3.5", "qwen3.6"),
        above=VOLTA,
        spared_by="--quant-policy",
        path="runtime_version",
        text="TurboMind {release} decodes heads of 256 with more shared memory than {card} has",
        source="InternLM/lmdeploy PR#4871 (2026-08-20), decoding_sm75_256.cu of 0.12.2 to 0.16.0",
    ),
    Gap(
        runtimes=("vllm",),
        releases=((0, 10, 0, 0), (0, 10, 2, 0)),
        models=("gpt-oss", "gptoss"),
        path="runtime_version",
        text="vLLM {release} runs {card} with its older engine, which has no attention sinks",
        release="0.11.0",
        gpu_first=True,
        source="vllm-project/vllm#24062; arg_utils.py of 0.10.0 to 0.10.2",
    ),
    Gap(
        runtimes=("tei",),
        models=("mistral", "sfr-embedding-2", "linq-embed"),
        path="model",
        text="text-embeddings-inference runs {model} with FlashAttention 2 only, which {card} lacks",
        source="huggingface/text-embeddings-inference, backends/candle/src/lib.rs of 1.9.3",
    ),
)


def gap_problems(facts: Facts, name: str, backend: str) -> Iterator[Problem]:
    """Every gap that the combination falls into; ``name`` is the model's in lower case."""
    for gap in GAPS:
        within = gap.above < facts.sm < gap.below
        if facts.runtime in gap.runtimes and within and _applies(gap, facts, name, backend):
            release = (set_release(facts, gap.release),) if gap.release else ()
            newer = set_gpus(facts, *NEWER)
            yield Problem(
                "ATTN_BACKEND_MISSING",
                gap.path,
                gap.text.format(
                    who=facts.who,
                    card=facts.card,
                    sm=dotted(facts.sm),
                    model=facts.model_name,
                    release=release_text(facts.version) or _span(gap),
                ),
                (*newer, *release) if gap.gpu_first else (*release, *newer),
                Severity.ERROR if facts.version or gap.releases == EVERY else Severity.WARNING,
                source=gap.source,
            )


def _span(gap: Gap) -> str:
    return " to before ".join(map(release_text, gap.releases))


def _is_recent(gap: Gap, runtime: str) -> bool:
    """Whether the last release of the gap is at most a year older than the newest one."""
    before = [row for row in runtime_releases(runtime) if row.key < gap.releases[1]]
    return bool(before) and is_recent(before[-1])


def _applies(gap: Gap, facts: Facts, name: str, backend: str) -> bool:
    since, before = gap.releases
    within = since <= facts.version < before
    if not facts.version and gap.releases != EVERY:
        within = facts.is_undated and _is_recent(gap, facts.runtime)
    spared = facts.has_older_code or (facts.is_without_flash and gap.shards == 1)
    spared = spared or "pytorch" in facts.flag_values("--backend")  # LMDeploy without TurboMind
    return (
        not spared
        and within
        and any(word in name.replace(" ", "-") for word in gap.models)
        and facts.tensor >= gap.shards
        and (bool(facts.quantization) or not gap.quantized)
        and gap.spared_by not in (backend or None, *(flag for flag, _ in facts.flags))
    )
