"""Flags count as the fields that they set, and explicit fields win."""

from typing import Any

import pytest

from gpuyard.compat.check import check
from gpuyard.compat.combination import Combination
from gpuyard.compat.reading import read_facts
from gpuyard.errors import Severity


def _errors(**fields: Any) -> list[str]:
    return [item.code for item in check(Combination(**fields)) if item.severity is Severity.ERROR]


@pytest.mark.parametrize(
    ("text", "field", "value"),
    [
        ("--tensor-parallel-size 8", "tensor_parallel", 8),
        ("-tp 4", "tensor_parallel", 4),
        ("--tp-size=2", "tensor_parallel", 2),
        ("--pipeline_parallel_size 2", "pipeline_parallel", 2),
        ("--max-model-len 32k", "max_model_len", 32_000),
        ("--max-model-len 1.5M", "max_model_len", 1_572_864),
        ("--context-length 8192", "max_model_len", 8192),
        ("--gpu-memory-utilization .85", "gpu_memory_utilization", 0.85),
        ("--dtype half", "dtype", "half"),
        ("--kv-cache-dtype fp8_e5m2", "kv_cache_dtype", "fp8_e5m2"),
        ("--model Qwen/Qwen3-8B", "model", "Qwen/Qwen3-8B"),
        ("vllm serve Qwen/Qwen3-8B --port 80", "model", "Qwen/Qwen3-8B"),
        ("lmdeploy serve api_server Qwen/Qwen3-8B --tp 2", "model", "Qwen/Qwen3-8B"),
        ("tensor_parallel_size=8", "tensor_parallel", 8),
        ("--mem-fraction-static 0.7", "gpu_memory_utilization", 0.7),
    ],
)
def test_a_flag_says_what_its_field_says(text: str, field: str, value: object) -> None:
    assert getattr(read_facts(Combination(env=text)).given, field) == value


@pytest.mark.parametrize(
    "text", ["--max-model-len $LENGTH", "--model=$(MODEL)", "--tensor-parallel-size auto"]
)
def test_a_variable_says_nothing(text: str) -> None:
    given = read_facts(Combination(env=text)).given
    assert (given.max_model_len, given.model, given.tensor_parallel) == (None, None, None)


def test_a_field_wins_over_its_flag() -> None:
    assert _errors(gpu="t4", runtime="vllm", env="--dtype bfloat16") == ["DTYPE_UNSUPPORTED"]
    assert _errors(gpu="t4", runtime="vllm", env="--dtype bfloat16", dtype="half") == []


def test_a_description_counts_heads() -> None:
    model = "an in-house model with 28 attention heads"
    assert _errors(runtime="vllm", model=model, tensor_parallel=8) == ["TP_DIVISIBILITY"]
    assert _errors(runtime="vllm", model=model, tensor_parallel=4) == []


def test_pipeline_stages_of_the_command_line_share_the_weights() -> None:
    two_nodes = {"gpu": "h100-sxm", "model": "deepseek-ai/DeepSeek-R1", "runtime": "vllm"}
    assert _errors(**two_nodes, env="--tensor-parallel-size 8") == ["MEMORY_WEIGHTS"]
    assert _errors(**two_nodes, env="--tensor-parallel-size 8 --pipeline-parallel-size 2") == []
