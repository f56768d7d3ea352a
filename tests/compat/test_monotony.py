"""Unknown is not wrong: what runs goes on running when less of it is said."""

import importlib.util
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from gpuyard.compat.check import check
from gpuyard.compat.combination import parse_combination
from gpuyard.errors import Severity

MEANING_NOTHING = (
    *("sm", "datacenter_gpu", "instance", "platform", "ami", "driver_branch", "kernel_module", "containerd"),
    *("dra_driver", "glibc", "cpu_arch", "host_toolkit", "attention_heads", "max_num_batched_tokens"),
)
"""Fields that have no value of their own where they are left out. Others do: an engine that is told no length
takes the model's, one without flags its defaults, a release that is not stated is the newest."""


def _known_good() -> Iterator[dict[str, Any]]:
    spec = importlib.util.spec_from_file_location("cases", Path(__file__).parent / "known_good.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    yield from (data for _, data in module.published())


def _errors(data: dict[str, Any]) -> list[str]:
    findings = check(parse_combination(data))
    return [f"{item.code}: {item.message}" for item in findings if item.severity is Severity.ERROR]


def test_what_runs_goes_on_running_without_a_field_that_is_left_out() -> None:
    refused = [
        (field, told, data)
        for data in _known_good()
        for field in MEANING_NOTHING
        if data.get(field) is not None
        for told in (_errors({key: value for key, value in data.items() if key != field}),)
        if told
    ]
    assert refused == []


@pytest.mark.parametrize(
    "data",
    [
        {"instance": "p5.48xlarge"},
        {"instance": "p4d.24xlarge", "driver": "535.54.03"},
        {"instance": "p5.48xlarge", "max_num_seqs": 64},
        {"gpu": "h200", "gpu_count": 8, "platform": "bare", "runtime_version": "0.24.0"},
        {"gpu": "l4", "platform": "gke", "install": "docker"},
        {"sm": "8.6", "datacenter_gpu": True, "platform": "bare", "fabric_manager": "not running"},
        {"platform": "aks", "gpu": "h100-sxm", "driver_managed_by": "operator (pool with --gpu-driver none)"},
    ],
)
def test_a_node_is_not_refused_for_what_nobody_said(data: dict[str, Any]) -> None:
    assert _errors(data) == []


@pytest.mark.parametrize(
    "data",
    [
        {"gpu": "v100", "quantization": "awq", "model": "Qwen/Qwen2.5-14B-Instruct-AWQ"},
        {"gpu": "gb300", "gpu_count": 32, "tensor_parallel": 32, "model": "deepseek-ai/DeepSeek-R1"},
        {"gpu": "a100-80gb", "kv_cache_dtype": "fp8", "model": "Qwen/Qwen3-8B"},
        {"gpu": "rtx-4090", "model": "deepseek-ai/DeepSeek-R1", "quantization": "Q4_K_M", "gpu_count": 4},
        {"gpu": "a10", "gpu_count": 1, "model": "deepseek-r1:32b"},
        {"gpu": "rtx-4090", "host_toolkit": "11.5", "install": "pip"},
        {
            "gpu": "gb300",
            "gpu_count": 24,
            "tensor_parallel": 24,
            "model": "deepseek-ai/DeepSeek-R1",
            "env": "--tp-size 24 --dp-size 24 --enable-dp-attention",
        },
    ],
)
def test_what_only_some_engines_refuse_is_no_error_where_none_is_named(data: dict[str, Any]) -> None:
    assert _errors(data) == []


@pytest.mark.parametrize(
    "data",
    [
        {"gpu": "rtx-3090", "runtime": "vllm", "kv_cache_dtype": "fp8", "model": "Qwen/Qwen3-8B"},
        {"gpu": "b200", "runtime": "lmdeploy", "install": "pip"},
        {
            "gpu": "rtx-3090",
            "runtime": "vllm",
            "env": "CUDA_VISIBLE_DEVICES=GPU-7f57f032-34ab-a064-c37c-7a4f",
        },
    ],
)
def test_a_release_that_is_not_stated_is_the_newest(data: dict[str, Any]) -> None:
    assert _errors(data) == []
