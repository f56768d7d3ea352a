"""Flags that make a runtime do what was planned, and what flags cannot say."""

import json
from collections.abc import Iterable, Mapping
from functools import cache

from gpuyard.catalog.engine_flags import flags_of
from gpuyard.catalog.gguf import GGUF, USUAL, is_gguf
from gpuyard.catalog.hardware import Gpu
from gpuyard.catalog.models import ModelShape
from gpuyard.catalog.quantizations import SCHEMES, normal_name
from gpuyard.catalog.software_runtimes import release_key, release_text, runtime_releases
from gpuyard.catalog.software_support import WHOLE_PARSERS, runtime_flags
from gpuyard.planning.budget import Budget
from gpuyard.planning.embedding import EMBEDS, embeds, is_encoder
from gpuyard.planning.engine import find_engine, runner_of
from gpuyard.planning.extras import Extras
from gpuyard.planning.memory import has_large_graphs
from gpuyard.planning.parallel import Split, spans_nodes
from gpuyard.planning.quantization import KV_BYTES, quantization_of
from gpuyard.planning.wanted import Wanted

KV_FP8: Mapping[str, str] = {
    "vllm": "fp8",
    "sglang": "fp8_e4m3",
    "tgi": "fp8_e4m3fn",
    "tensorrt-llm": "fp8",
    "lmdeploy": "8",
}
"""Each planned runtime's word for an 8-bit cache."""
HALVES: Mapping[str, str] = {"vllm": "half", "sglang": "half", "tgi": "float16", "lmdeploy": "float16"}
"""Each runtime's word for float16 weights."""
LEFT_ALONE: Mapping[str, frozenset[str]] = {
    "sglang": frozenset({"max_num_seqs"}),
    "tgi": frozenset({"gpu_memory_utilization"}),
}
"""What a plan leaves to the runtime, which finds it by itself."""
_CHUNKED_BY_DEFAULT = (0, 8)
"""vLLM from here prefills in chunks without being told to."""
_FILES_BY_PLUGIN = (0, 24)
"""vLLM from here leaves GGUF to a plugin (vllm-project/vllm#39612)."""
_NAMES_DRAFTS = (0, 11, 1)
"""vLLM before it tells the kind of draft by the model, and has no common name for it."""
_EXPERTS: Mapping[str, str] = {"sglang": "--ep-size", "tensorrt-llm": "--ep_size"}
"""How many GPUs share whole experts, in engines that count copies of attention into tensor parallel."""
TEXT_ONLY = "--language-model-only"
"""Leaves vision encoders out, in vLLM and SGLang."""


def render_flags(
    model: ModelShape,
    gpu: Gpu,
    split: Split,
    budget: Budget,
    wanted: Wanted,
    *,
    context_tokens: int,
    concurrency: int,
    text_only: bool,
) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Flags and notes; none for a runtime of one's own. ``text_only``: what sees is to serve text alone.

    ``context_tokens`` and ``concurrency`` are those that were planned for, the latter of one copy.
    """
    runtime, version = wanted.runtime, wanted.runtime_version
    names = _names(runtime)
    if not names:
        return (), ()
    flags = [f"{names['max_model_len']}={context_tokens}"]
    if "gpu_memory_utilization" in names:
        flags.append(f"{names['gpu_memory_utilization']}={_floor(budget.share)}")
    flags += _split_flags(names, runtime, split, wanted.nodes)
    flags += _step_flags(names, runtime, version, budget, concurrency)
    flags += _dtype_flags(names, runtime, model, gpu, wanted.quantization, wanted.kv_cache_dtype)
    flags += [TEXT_ONLY] * text_only + _extra_flags(runtime, version, wanted.extras)
    flags += [EMBEDS] * (runtime == "sglang" and embeds(model) and not is_encoder(model))
    notes = _notes(model, runtime, version, wanted.nodes, split, wanted.quantization)
    notes += _file_lines(split, budget, wanted, context_tokens) if runtime == "tensorrt-llm" else ()
    return tuple(flags), (*notes, *_ways(model, runtime, version, wanted.extras))


def lacking(runtime: str, version: str | None, flags: Iterable[str]) -> str:
    """The first of ``flags`` that the release is sure not to know, and those that do; empty: none."""
    known, key, releases = runtime_flags(runtime), release_key(version or ""), runtime_releases(runtime)
    for name in (flag.partition("=")[0] for flag in flags):
        span = known.get(name)
        if span is None and runtime in WHOLE_PARSERS:
            return f"{runtime} has no {name}"
        if span and span.is_missing(key):
            later = (release.version for release in releases if release.key >= span.first_seen)
            fix = f"use {next(later, release_text(span.first_seen))} or newer"
            return f"{runtime} {version} has no {name}: {fix}"
        if span and span.is_gone(key):
            earlier = [release.version for release in releases if release.key < span.gone_in]
            fix = f"use {earlier[-1]} or older" if earlier else "leave it out"
            return f"{runtime} {version} has no {name} any more: {fix}"
    return ""


@cache
def _names(runtime: str) -> Mapping[str, str]:
    """The flags that a plan sets; none for a runtime that is not planned."""
    if runtime not in KV_FP8:
        return {}
    left = LEFT_ALONE.get(runtime, frozenset())
    return {name: flag for name, flag in flags_of(runtime).items() if name not in left}


def _split_flags(names: Mapping[str, str], runtime: str, split: Split, nodes: int) -> list[str]:
    flags = []
    # the size that shares experts, where copies of attention are counted into it
    tensor = split.ranks if runtime in _EXPERTS else split.tensor
    if tensor > 1:
        flags.append(f"{names['tensor_parallel']}={tensor}")
    if split.pipeline > 1 and "pipeline_parallel" in names:
        flags.append(f"{names['pipeline_parallel']}={split.pipeline}")
    if runtime in _EXPERTS:
        if split.data > 1 and runtime == "sglang":
            flags += [f"--dp-size={split.data}", "--enable-dp-attention"]
        return [*flags, f"{_EXPERTS[runtime]}={split.ranks}"] if split.experts else flags
    if split.data > 1:
        flags.append(f"--data-parallel-size={split.data}")
    if spans_nodes(split.gpus // nodes, nodes, split.data):
        flags.append(f"--data-parallel-size-local={split.data // nodes}")
    return [*flags, "--enable-expert-parallel"] if split.experts else flags


def _step_flags(
    names: Mapping[str, str], runtime: str, version: str | None, budget: Budget, concurrency: int
) -> list[str]:
    flags = []
    if "max_num_seqs" in names and budget.step.sequences != budget.default_step.sequences:
        flags.append(f"{names['max_num_seqs']}={max(budget.step.sequences, concurrency)}")
    if runtime == "vllm" and () < release_key(version or "") < _CHUNKED_BY_DEFAULT:
        chunked = "--enable-chunked-prefill"
        if lacking(runtime, version, [chunked]):
            return flags
        return [*flags, chunked, f"{names['max_num_batched_tokens']}={budget.step.tokens}"]
    if "max_num_batched_tokens" in names and budget.step.tokens != budget.default_step.tokens:
        flags.append(f"{names['max_num_batched_tokens']}={budget.step.tokens}")
    return flags


def _dtype_flags(
    names: Mapping[str, str],
    runtime: str,
    model: ModelShape,
    gpu: Gpu,
    quantization: str | None,
    kv_dtype: str | None,
) -> list[str]:
    flags = []
    if "dtype" in names and not gpu.native_bf16 and quantization_of(model, quantization) != "float32":
        flags.append(f"{names['dtype']}={HALVES[runtime]}")
    kind = normal_name(quantization) if quantization else ""
    word = SCHEMES[kind].on_load.get(runtime) if kind in SCHEMES else None
    if word and kind != normal_name(model.quantization):
        flags.append(f"{names['quantization']}={word}")
    if kv_dtype and _is_small(kv_dtype):
        plain = kv_dtype.lower() in ("fp8", "fp8_e4m3")
        if "kv_cache_dtype" in names:
            flags.append(f"{names['kv_cache_dtype']}={KV_FP8[runtime] if plain else kv_dtype.lower()}")
    elif kv_dtype and kv_dtype.lower() != "auto" and runtime == "vllm":
        flags.append(f"{names['kv_cache_dtype']}={kv_dtype.lower()}")
    return flags


def _is_small(kv_dtype: str | None) -> bool:
    """Whether the cache is stored in less than 16 bit."""
    return KV_BYTES.get((kv_dtype or "auto").lower(), 2.0) < KV_BYTES["auto"]


def _file_lines(split: Split, budget: Budget, wanted: Wanted, context_tokens: int) -> tuple[str, ...]:
    """What TensorRT-LLM is told in a file, since not every release from 1.0 on has flags for it."""
    share, dtype = _floor(budget.share), KV_FP8[wanted.runtime]
    lines = (
        ("enable_attention_dp: true", split.data > 1),
        # a longer prompt is refused otherwise
        ("enable_chunked_prefill: true", context_tokens > budget.step.tokens),
        (
            f"kv_cache_config: {{dtype: {dtype}, free_gpu_memory_fraction: {share}}}",
            _is_small(wanted.kv_cache_dtype),
        ),
    )
    told = [line for line, is_asked in lines if is_asked]
    return (f"lines of the YAML file that --extra_llm_api_options names: {'; '.join(told)}",) if told else ()


def _extra_flags(runtime: str, version: str | None, extras: Extras) -> list[str]:
    flags = []
    if extras.draft_tokens and runtime == "vllm":
        old = () < release_key(version or "") < _NAMES_DRAFTS
        told = {} if old else {"method": "mtp"}
        told = {**told, "num_speculative_tokens": extras.draft_tokens}
        flags.append(f"--speculative-config={json.dumps(told, separators=(',', ':'))}")
    elif extras.draft_tokens:
        flags += [
            "--speculative-algorithm=EAGLE",
            f"--speculative-num-steps={extras.draft_tokens}",
            "--speculative-eagle-topk=1",
            f"--speculative-num-draft-tokens={extras.draft_tokens + 1}",
        ]
    if extras.adapters:
        batch = "--max-loras" if runtime == "vllm" else "--max-loras-per-batch"
        flags += ["--enable-lora", f"{batch}={extras.adapters}", f"--max-lora-rank={extras.adapter_rank}"]
        flags += ["--lora-target-modules=all"] * (runtime == "sglang")
    return flags


def _ways(model: ModelShape, runtime: str, version: str | None, extras: Extras) -> list[str]:
    """What may be asked as well, where the model and the release have it."""
    ways = []
    if runtime in ("tgi", "tensorrt-llm", "lmdeploy"):
        return ways
    if model.vision is not None and not lacking(runtime, version, [TEXT_ONLY]):
        ways.append("plans for images; --text-only leaves their encoder out")
    if model.draft_layers and not extras.draft_tokens:
        ways.append("has draft layers that guess tokens ahead, not loaded; --draft-tokens 1 plans them")
    return ways


def _notes(
    model: ModelShape, runtime: str, version: str | None, nodes: int, split: Split, quantization: str | None
) -> tuple[str, ...]:
    notes = []
    releases = runtime_releases(runtime)
    if releases and release_key(version or "") > release_key(releases[-1].version):
        notes.append(
            f"{runtime} {version} is newer than any that is known: planned as {releases[-1].version}"
        )
    notes += checkpoint_notes(model, runtime, version, quantization)
    if nodes > 1:
        notes.append(_join(runtime, version, nodes, split))
    notes += _expert_notes(model, runtime, version, split)
    if runtime == "vllm" and is_encoder(model):
        notes.append("vLLM keeps no cache of an encoder: it takes what --max-num-seqs and its steps allow")
    if not model.cache_verified:
        notes.append(f"some sizes of {model.id} are upper bounds or unconfirmed ({model.source})")
    return tuple(notes)


def checkpoint_notes(
    model: ModelShape, runtime: str, version: str | None, quantization: str | None
) -> list[str]:
    """What the weights must be, because no flag makes them so."""
    kind = quantization_of(model, quantization)
    if is_gguf(kind):
        return _file_notes(kind, runtime, version)
    if quantization and kind != normal_name(model.quantization) and kind in SCHEMES:
        scheme = SCHEMES[kind]
        if scheme.linear < SCHEMES["bfloat16"].linear and runtime not in scheme.on_load:
            return [f"serve a checkpoint of {model.id} that is published in {kind}"]
    return []


def _expert_notes(model: ModelShape, runtime: str, version: str | None, split: Split) -> list[str]:
    """What copies of attention would hold, and what whole experts may take."""
    notes = []
    if model.mla and split.tensor > 1 and split.data == 1 and model.moe:
        notes.append(
            "every tensor-parallel rank holds the whole latent cache: data parallel attention holds "
            f"up to {split.tensor} times as many tokens (--data-parallel {split.tensor})"
        )
    if runtime == "vllm" and split.experts and runner_of(find_engine(runtime, version), model).graphs_inside:
        known = has_large_graphs(model, split)
        size = "5 GiB per GPU" if known else "5 GiB per GPU and more, which is not counted here"
        notes.append(
            f"vLLM sets apart what it estimates for CUDA graphs, with whole experts {size}: "
            "VLLM_MEMORY_PROFILER_ESTIMATE_CUDAGRAPHS=0 leaves it to the cache"
        )
    return notes


def _file_notes(kind: str, runtime: str, version: str | None) -> list[str]:
    """What files of llama.cpp want of a runtime that is another."""
    notes = [f"counted as {USUAL.upper()}; ask for another type with --quantization q8_0"] * (kind == GGUF)
    key = release_key(version or "")
    if runtime == "vllm" and (not key or key >= _FILES_BY_PLUGIN):
        notes.append("vLLM reads GGUF files by a plugin since 0.24: pip install vllm-gguf-plugin")
    return [
        *notes,
        "serve one GGUF file, with the tokenizer of the model that it was made from (--tokenizer)",
    ]


def _join(runtime: str, version: str | None, nodes: int, split: Split) -> str:
    key = release_key(version or "")
    if runtime == "vllm" and spans_nodes(split.gpus // nodes, nodes, split.data):
        where = "--data-parallel-address, --data-parallel-rpc-port and --data-parallel-start-rank"
        return f"start it on each of the {nodes} nodes with {where}, --headless on all but one"
    if runtime == "vllm" and key and lacking(runtime, version, ["--nnodes"]):
        return f"join the {nodes} nodes to one Ray cluster, then start vLLM on the first"
    if runtime == "tensorrt-llm":
        return f"start trtllm-llmapi-launch trtllm-serve by MPI or Slurm, a task per GPU of the {nodes} nodes"
    if runtime == "sglang":
        return f"start it on each node with --nnodes={nodes}, --node-rank and --dist-init-addr"
    where = "--node-rank and --master-addr, --headless on all but one"
    return f"start it on each node with --nnodes={nodes}, {where}"


def _floor(share: float) -> str:
    """Two or three decimals, never more than was planned."""
    thousandths = int(share * 1000 + 1e-6)
    return f"{thousandths / 1000:.2f}" if thousandths % 10 == 0 else f"{thousandths / 1000:.3f}"
