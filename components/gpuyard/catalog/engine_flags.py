"""What each engine calls the same thing on its command line.

Sources: the engines' parsers, as `catalog/data/runtime_flags.csv` lists them by release. For TensorRT-LLM the
names that it had in 1.0 (command lines of NVIDIA/TensorRT-LLM#5872 and #5950, 2025-07) and has kept
(`tensorrt_llm/commands/serve.py` of 2025-10 and 2026-01, `trtllm_serve_cli.yaml` of 2026; read 2026-11-27).
Since 2026 the share is called `--free_gpu_memory_fraction` as well, and `--tp_size` `--tensor_parallel_size`.
For LMDeploy those that `lmdeploy/cli/utils.py` has from 0.6.2 to 0.18.0.
"""

from collections.abc import Mapping
from functools import cache

from gpuyard.records import record


@record
class Option:
    """One thing that engines can be told."""

    flags: Mapping[str, str]
    """By engine; an engine that is not here has no such flag."""
    short: tuple[str, ...] = ()
    """What vLLM and SGLang take for it as well."""


OPTIONS: Mapping[str, Option] = {
    "model": Option(
        flags={
            "vllm": "--model",
            "sglang": "--model-path",
            "tgi": "--model-id",
            "tei": "--model-id",
            "llama.cpp": "--model",
        }
    ),
    "served_name": Option(
        flags={
            "vllm": "--served-model-name",
            "sglang": "--served-model-name",
            "tei": "--served-model-name",
            "lmdeploy": "--model-name",
            "llama.cpp": "--alias",
        }
    ),
    "tensor_parallel": Option(
        flags={
            "vllm": "--tensor-parallel-size",
            "sglang": "--tp-size",
            "tgi": "--num-shard",
            "llama.cpp": "--tensor-split",
            "tensorrt-llm": "--tp_size",
            "lmdeploy": "--tp",
        },
        short=("-tp", "--tp"),
    ),
    "pipeline_parallel": Option(
        flags={
            "vllm": "--pipeline-parallel-size",
            "sglang": "--pp-size",
            "tensorrt-llm": "--pp_size",
        },
        short=("-pp", "--pp"),
    ),
    "max_model_len": Option(
        flags={
            "vllm": "--max-model-len",
            "sglang": "--context-length",
            "tgi": "--max-total-tokens",
            "llama.cpp": "--ctx-size",
            "tensorrt-llm": "--max_seq_len",
            "lmdeploy": "--session-len",
        }
    ),
    "max_num_seqs": Option(
        flags={
            "vllm": "--max-num-seqs",
            "sglang": "--max-running-requests",
            "tgi": "--max-concurrent-requests",
            "tensorrt-llm": "--max_batch_size",
            "lmdeploy": "--max-batch-size",
        }
    ),
    "max_num_batched_tokens": Option(
        flags={
            "vllm": "--max-num-batched-tokens",
            "sglang": "--chunked-prefill-size",
            "tei": "--max-batch-tokens",
            "tensorrt-llm": "--max_num_tokens",
            "lmdeploy": "--max-prefill-token-num",
        }
    ),
    "gpu_memory_utilization": Option(
        flags={
            "vllm": "--gpu-memory-utilization",
            "sglang": "--mem-fraction-static",
            "tgi": "--cuda-memory-fraction",
            "tensorrt-llm": "--kv_cache_free_gpu_memory_fraction",
            "lmdeploy": "--cache-max-entry-count",
        }
    ),
    "dtype": Option(flags=dict.fromkeys(("vllm", "sglang", "tgi", "tei", "lmdeploy"), "--dtype")),
    "quantization": Option(
        flags={"vllm": "--quantization", "sglang": "--quantization", "tgi": "--quantize"}, short=("-q",)
    ),
    "kv_cache_dtype": Option(
        flags={**dict.fromkeys(("vllm", "sglang", "tgi"), "--kv-cache-dtype"), "lmdeploy": "--quant-policy"}
    ),
    "eager": Option(
        flags={"vllm": "--enforce-eager", "sglang": "--disable-cuda-graph", "lmdeploy": "--eager-mode"}
    ),
}
"""By the field of a combination (`gpuyard compat`), where it has one."""


@cache
def flags_of(engine: str) -> Mapping[str, str]:
    """The flags of an engine by what they say."""
    return {name: option.flags[engine] for name, option in OPTIONS.items() if engine in option.flags}


def spellings(name: str, *engines: str) -> tuple[str, ...]:
    """Every flag that says ``name`` to one of those engines."""
    option = OPTIONS[name]
    found = [option.flags[engine] for engine in engines if engine in option.flags]
    return tuple(dict.fromkeys((*found, *option.short)))


def own_flag(engine: str, foreign: str) -> str:
    """What an engine calls what ``foreign`` says to another one; empty: it has no such flag."""
    for name, option in OPTIONS.items():
        if foreign in option.flags.values():
            return flags_of(engine).get(name, "")
    return ""
