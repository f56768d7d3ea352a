"""What to change so that a model fits: the candidates, smallest first."""

from collections.abc import Iterator, Mapping
from typing import Any

from gpuyard.catalog.hardware import Gpu
from gpuyard.catalog.models import ModelShape
from gpuyard.catalog.quantizations import HALF, SCHEMES
from gpuyard.planning.fitted import Fit
from gpuyard.planning.obstacle import UNSTAGED
from gpuyard.planning.quantization import scheme_of
from gpuyard.planning.wanted import Wanted
from gpuyard.records import record

CONTEXTS = (131072, 65536, 32768, 16384, 8192, 4096, 2048, 1024)
NODES = (2, 3, 4, 6, 8)


@record
class Change:
    """One thing to ask differently."""

    words: str
    wanted: Mapping[str, Any]
    """What to ask `fit_model` for instead."""


def changes(
    model: ModelShape, gpu: Gpu, fitted: Fit, wanted: Wanted, sizes: tuple[int, ...]
) -> Iterator[Change]:
    """Changes worth trying, in order: half of what is asked, GPUs, precision, the rest, nodes."""
    if wanted.context_tokens and model.context and wanted.context_tokens > model.context:
        yield Change(words=f"a context of {model.context}", wanted={"context_tokens": model.context})
    half = fitted.concurrency // 2
    if fitted.max_concurrency >= max(half, 1):
        yield _fewer(fitted.max_concurrency)
    if not wanted.kv_cache_dtype and gpu.native_fp8:
        yield Change(words="an fp8 KV cache", wanted={"kv_cache_dtype": "fp8"})
    yield from _shorter(fitted, fitted.context_tokens // 2)
    for size in sizes:
        if size > wanted.gpus:
            yield Change(words=f"{size} GPUs", wanted={"gpus": size})
    yield from _smaller_weights(model, wanted)
    if 0 < fitted.max_concurrency < max(half, 1):
        yield _fewer(fitted.max_concurrency)
    yield from _shorter(fitted, 1)
    for nodes in NODES:
        if nodes > wanted.nodes and wanted.runtime not in UNSTAGED:
            yield Change(
                words=f"{nodes} nodes of {sizes[-1]} GPUs", wanted={"gpus": sizes[-1], "nodes": nodes}
            )


def _fewer(concurrency: int) -> Change:
    return Change(words=f"{concurrency} sequences at once", wanted={"concurrency": concurrency})


def _shorter(fitted: Fit, least: int) -> Iterator[Change]:
    for length in CONTEXTS:
        if least <= length < fitted.context_tokens:
            yield Change(words=f"a context of {length:,} tokens", wanted={"context_tokens": length})


def _smaller_weights(model: ModelShape, wanted: Wanted) -> Iterator[Change]:
    now = scheme_of(model, wanted.quantization)
    for name, words in (("fp8", "fp8 weights"), ("awq", "a 4-bit (AWQ or GPTQ) checkpoint")):
        if SCHEMES[name].linear < min(now.linear, now.experts) - 0.1 and now.linear >= HALF - (name == "awq"):
            yield Change(words=words, wanted={"quantization": name})
