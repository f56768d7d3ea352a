"""Whether weights fit the GPUs: refused only beyond the formulae's own error. `cache` judges the rest."""

import re
from collections.abc import Iterator, Mapping

from gpuyard.catalog.gguf import gguf_types
from gpuyard.catalog.quantizations import CONTAINERS, EXPERTS_ONLY, QUANTIZED, SCHEMES
from gpuyard.compat.cache import cache_problems, no_room
from gpuyard.compat.checkpoint import what_is_left
from gpuyard.compat.draft_model import draft_weight_bytes
from gpuyard.compat.facts import Facts
from gpuyard.compat.layers_on_gpu import layers_on_gpu_problems
from gpuyard.compat.longest import longest_problems
from gpuyard.compat.memory_fixes import weight_fixes
from gpuyard.compat.on_load import on_load_problems
from gpuyard.compat.problem import Problem
from gpuyard.compat.request_table import request_table_problems
from gpuyard.compat.sizes import size_date, size_source
from gpuyard.compat.split import may_share_attention, read_split
from gpuyard.compat.tiled_images import tiled_image_problems
from gpuyard.errors import Severity
from gpuyard.planning.parallel import Split
from gpuyard.planning.weights import keeps_attention, weight_bytes_per_gpu
from gpuyard.units import MIB, format_bytes

LEAST_SHARE = 0.9
"""Of a GPU, what an engine is not refused for, whatever share is stated."""
SIZED_SCHEMES = QUANTIZED.keys() - CONTAINERS
"""Schemes whose name says how much a weight takes."""
UNVERIFIED_TOLERANCE = 0.7
"""Share of the weights of an unverified model that are sure."""
WEIGHT_TOLERANCE = 0.97
"""Parameter counts of the catalog are within 3 % of the published ones."""
MIXED_TOLERANCE = 0.92
"""The same where checkpoints of one scheme differ."""
MIXED = EXPERTS_ONLY | CONTAINERS
"""Schemes whose checkpoints differ in what they leave in 16 or 8 bit."""
WHOLE = 0.97
"""Share of a GPU that weights can take at all: the driver and CUDA keep the rest."""
OF_FREE = ("tensorrt-llm", "lmdeploy")
"""Engines whose share is of what weights leave, not of the GPU."""
OWN_SHARES: Mapping[str, float] = dict.fromkeys(("tgi", *OF_FREE), 0.95)
"""The same as `LEAST_SHARE` for engines that take more by themselves."""
_OFFLOAD = ("--cpu-offload-gb", "--kv-offloading-size", "--offload", "--cpu-offload")
_WITH_HOST = ("llama.cpp", "ollama", "ktransformers", "koboldcpp", "docker-model-runner")
"""Engines that keep what does not fit in the host's memory."""
_WITH_HOST_NAMED = re.compile(
    r"lm[ -]?studio|llamafile|gpt4all|kt-kernel|local-?ai\b|fastllm|llama-(?:server|swap)|ramalama|"
    r"powerinfer|flexgen"
)
_PACKED = ("gptq", "gptq_marlin", "auto-round", "wna16")
"""Schemes that are usually of four bits and may be of eight."""
_EIGHT_BITS = re.compile(r"(?i)(?<![a-z])(?:gptq[-_.]?(?:int|w)?8(?:bits?)?|int8|8bits?|w8a16)(?![a-z0-9])")
"""What names of their checkpoints say then."""
_OLLAMA_NAME = re.compile(r"[\w.-]+:(\d+x)?\d+(\.\d+)?b\b")
"""Names of Ollama's library: ``deepseek-r1:32b``."""
_SIZES = re.compile(r"(?<![a-z0-9.])(?:(\d+)x)?(\d+(?:\.\d+)?)b(?![a-z])")
_UNSAID = (
    (re.compile(r"(?:^|-)ul2$"), 19.5e9),
    (re.compile(r"^(?:flan-)?m?t5(?:-v1_1)?-xxl$|^mt0-xxl"), 11e9),
    (re.compile(r"^(?:flan-)?t5(?:-v1_1)?-xl$"), 2.8e9),
    (re.compile(r"^bloomz?(?:-mt)?$"), 176e9),
)
"""Models whose names state no size, and parameters by their model cards (general knowledge)."""
_MIXTRAL = {"2x7": 12.9e9, "4x7": 24.2e9, "8x7": 46.7e9, "8x22": 141e9}


def memory_problems(facts: Facts) -> Iterator[Problem]:
    """Weights, then the cache. Nothing where the GPUs or the model are unknown."""
    yield from longest_problems(facts)
    yield from layers_on_gpu_problems(facts)
    if (
        _uses_host(facts)
        or not facts.memory_mib
        or any(flag in _OFFLOAD or flag.startswith("--kt-") for flag, _ in facts.flags)
    ):
        return
    yield from request_table_problems(facts)
    split = read_split(facts)
    if split is None:
        return
    per_gpu = _weights(facts, split)
    if not per_gpu:
        return
    draft = draft_weight_bytes(facts, split)
    per_gpu += draft
    total = facts.memory_mib * MIB
    least = OWN_SHARES.get(facts.runtime, LEAST_SHARE)
    share = max(facts.given.gpu_memory_utilization or 0, least)
    tight = per_gpu <= total * WHOLE
    mixed = facts.quantization in MIXED and not (facts.model and keeps_attention(facts.model))
    sure = per_gpu * (MIXED_TOLERANCE if mixed else WEIGHT_TOLERANCE)
    # what a name says of its size is rounder than the catalog
    if sure > total * share or (facts.model is not None and sure > total * WHOLE):
        unsaid = _count_unsaid(facts) or may_share_attention(facts)
        unverified = facts.model is not None and not facts.model.verified
        unverified = unverified and per_gpu * UNVERIFIED_TOLERANCE <= total * WHOLE
        yield Problem(
            "MEMORY_WEIGHTS",
            "model",
            f"weights take {format_bytes(per_gpu)} per GPU ({split.gpus} of them"
            + (f", {format_bytes(draft)} of it the draft's" if draft else "")
            + "), one has "
            f"{format_bytes(total)}" + (f", {share:.0%} of it for the engine" if tight else ""),
            weight_fixes(facts),
            Severity.WARNING if unverified or unsaid else Severity.ERROR,
            source=size_source(facts),
            as_of=size_date(facts),
        )
        if tight and not unverified and not unsaid and facts.runtime not in OF_FREE:
            yield no_room(facts, per_gpu, total * share)
        return
    if not _count_unsaid(facts) and not may_share_attention(facts):
        yield from on_load_problems(facts, split)
    yield from tiled_image_problems(facts, split, per_gpu, facts.given.gpu_memory_utilization or share)
    yield from cache_problems(
        facts, split, per_gpu, sure if mixed else per_gpu, count_unsaid=_count_unsaid(facts)
    )


def _uses_host(facts: Facts) -> bool:
    """Whether the engine is one of those; of GGUF files, any that is not known."""
    if facts.runtime:
        return facts.runtime in _WITH_HOST
    of_files = facts.quantization in gguf_types() or "gguf" in facts.quantization
    of_files = of_files or (not facts.names_engine and _OLLAMA_NAME.match(facts.model_name) is not None)
    return of_files or bool(_WITH_HOST_NAMED.search(facts.runtime_text))


def _count_unsaid(facts: Facts) -> bool:
    """Whether there may be more GPUs than the one that is named; slices do not add up."""
    return not facts.given.tensor_parallel and not facts.count and not facts.mig


def _weights(facts: Facts, split: Split) -> float:
    """Bytes of the weights on one GPU; 0: cannot be told."""
    quantization = _bytes_name(facts.quantization) or ("float32" if facts.dtype == "float32" else "")
    if facts.quantization in _PACKED and _EIGHT_BITS.search(facts.model_name):
        quantization = "int8"
    if facts.model is not None:
        # what the checkpoint is anyway may mix schemes, and a container of schemes names none
        own = facts.model.quantization
        if own in gguf_types():
            return weight_bytes_per_gpu(facts.model, split)
        if {"gguf", "exl2"} & {quantization, own}:  # files of several types, from two bits on
            return 0
        asked = "" if quantization == own or (own and facts.quantization in CONTAINERS) else quantization
        return weight_bytes_per_gpu(facts.model, split, asked or None)
    count = named_parameters(facts.model_name.lower())
    if "gguf" in quantization or quantization == "exl2":
        return 0
    return count * SCHEMES[quantization or "bfloat16"].linear / split.gpus


def _bytes_name(quantization: str) -> str:
    """The name that sizes are listed under; an unknown scheme counts as four bits and so refuses little."""
    if not quantization or quantization in SIZED_SCHEMES or quantization in gguf_types():
        return quantization
    for word in ("nvfp4", "mxfp4", "fp4", "awq", "gptq", "gguf", "exl", "w4a", "fp8", "int8", "w8a8"):
        if word in quantization:
            return {"fp4": "nvfp4", "exl": "exl2", "w4a": "int4"}.get(word, word)
    return "int4"


def named_parameters(name: str) -> float:
    """Parameters that a model's name states, or that it is known for; 0: none."""
    short = name.rpartition("/")[2]
    found = _SIZES.findall(what_is_left(short))
    if not found:
        return next((count for words, count in _UNSAID if words.search(short)), 0)
    times, size = found[0]
    if times:
        return _MIXTRAL.get(f"{times}x{size}", 0)
    return float(size) * 1e9
