"""Whatever fails is given a way out that passes: over random combinations, not only over known incidents."""

from typing import Any

import pytest
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st

from gpuyard.compat.check import check, propose
from gpuyard.compat.combination import changed, parse_combination
from gpuyard.errors import Severity

from .conftest import forgotten, lacks_gpus

POOLS: dict[str, list[Any]] = {
    "gpu": ["t4", "v100", "k80", "p40", "a10g", "l4", "l40s", "a100", "h100", "h200", "gh200", "b200", "b300",
            "gb200", "rtx-3090", "rtx-5090", "rtx-pro-6000", "gb10"],
    "gpu_count": [1, 2, 3, 4, 8, 16],
    "platform": ["eks", "gke", "aks", "kubernetes", "bare", "aws"],
    "os": ["AL2023", "Bottlerocket", "Ubuntu 22.04", "Ubuntu 20.04", "Debian 12", "COS", "RHEL 8", "Talos"],
    "ami": ["AL2023_x86_64_NVIDIA v20250807", "AL2023_x86_64_STANDARD", "AL2_x86_64", "AL2023_ARM_64_NVIDIA"],
    "kubernetes": ["1.27", "1.31", "1.33", "1.34", "1.36"],
    "driver": ["470.256.02", "525.147.05", "535.183.06", "545.23.08", "550.144.03", "560.35.03", "570.124.06",
               "570.148.08", "575.57.08", "580.95.05", "595.71.05"],
    "driver_managed_by": ["image", "operator", "cloud"],
    "kernel_module": ["open", "proprietary"],
    "fabric_manager": ["none", "570.124.06", "running"],
    "gpu_operator": ["v23.9.1", "v24.9.0", "v25.3.0", "v25.10.0", "v26.7.0"],
    "toolkit": ["1.14.6", "1.17.0", "1.18.0", "1.19.0"],
    "dra_driver": ["25.3.0", "25.8.0"],
    "mig": ["1g.10gb", "mixed", "MIG-00000000-0000-0000-0000-000000000000"],
    "glibc": ["2.17", "2.31", "2.34"],
    "cpu_arch": ["arm64", "amd64"],
    "runtime": ["vllm", "sglang", "tgi", "tensorrt-llm", "lmdeploy"],
    "runtime_version": ["0.4.2", "0.6.3", "0.8.5", "0.9.2", "0.11.0", "0.15.0", "0.20.0", "0.33.0", "3.3.7"],
    "install": ["docker", "pip"],
    "image": ["vllm/vllm-openai:v0.8.5", "vllm/vllm-openai:v0.15.0", "vllm/vllm-openai:v0.20.0",
              "lmsysorg/sglang:v0.5.12", "lmsysorg/sglang:v0.5.8-cu130-amd64"],
    "cuda": ["11.8", "12.1", "12.4", "12.8", "12.9", "13.0"],
    "base_image_cuda": ["12.4", "12.8", "13.0"],
    "host_toolkit": ["none", "12.1", "12.8"],
    "image_has_compat_libs": [True, False],
    "env": ["--swap-space 4", "--attention-backend FLASHINFER", "VLLM_USE_V1=1", "--max-modellen 4",
            "--tensor-parallel-size 4 --max-model-len 65536", "CUDA_VISIBLE_DEVICES=MIG-1"],
    "model": ["meta-llama/Llama-3.1-8B-Instruct", "meta-llama/Llama-3.3-70B-Instruct",
              "deepseek-ai/DeepSeek-R1",
              "deepseek-ai/DeepSeek-V3.2", "Qwen/Qwen2.5-7B-Instruct", "Qwen/Qwen3-235B-A22B-FP8",
              "openai/gpt-oss-120b", "google/gemma-2-9b-it", "Qwen/Qwen2.5-VL-72B-Instruct-AWQ",
              "tiiuae/falcon-7b", "org/unknown-13b"],
    "dtype": ["bfloat16", "half", "float32"],
    "quantization": ["fp8", "awq", "nvfp4", "mxfp4", "w4a16"],
    "kv_cache_dtype": ["auto", "fp8"],
    "tensor_parallel": [1, 2, 3, 4, 8, 16],
    "pipeline_parallel": [1, 2],
    "max_model_len": [8192, 131072, 10_000_000],
    "gpu_memory_utilization": [0.3, 0.9],
}  # fmt: skip
"""Values as people have them, many of them at odds with each other."""


@st.composite
def combinations(draw: st.DrawFn) -> dict[str, Any]:
    """Up to ten fields."""
    names = draw(st.lists(st.sampled_from(sorted(POOLS)), min_size=5, max_size=10, unique=True))
    return {name: draw(st.sampled_from(POOLS[name])) for name in names}


@settings(max_examples=300, deadline=None, suppress_health_check=[HealthCheck.filter_too_much])
@given(combinations())
def test_a_failing_combination_has_a_fix_and_the_fix_passes(data: dict[str, Any]) -> None:
    combination = parse_combination(data)
    errors = [item for item in check(combination) if item.severity is Severity.ERROR]
    assume(errors)
    proposal = propose(combination)
    assert proposal is not None
    assert all(item.fix == proposal.text for item in errors)
    mended = changed(combination, proposal.changes)
    assert [item for item in check(mended) if item.severity is Severity.ERROR] == []
    assert forgotten(combination, proposal.changes) == []
    assert lacks_gpus(mended) <= lacks_gpus(combination)


@pytest.mark.parametrize(
    ("data", "words"),
    [
        ({"gpu": "rtx-5090", "runtime": "vllm", "runtime_version": "0.8.4", "install": "pip"}, "vllm 0.10.2"),
        ({"gpu": "b200", "image": "ghcr.io/huggingface/text-generation-inference:3.3.0"}, "vLLM 0.20.0"),
        ({"gpu": "v100", "runtime": "tensorrt-llm", "runtime_version": "1.0.0"}, "tensorrt-llm 0.14.0"),
        ({"gpu": "v100", "runtime": "vllm", "runtime_version": "0.6.3", "quantization": "awq"}, "l40s"),
        ({"platform": "eks", "instance": "g7.2xlarge", "ami": "AL2023_x86_64_NVIDIA v20260714"}, "v20260917"),
        ({"gpu": "v100", "driver": "595.71.05", "driver_managed_by": "operator"}, "driver.version=580"),
        ({"model": "Qwen/Qwen2-VL-2B-Instruct", "tensor_parallel": 8}, "tensor_parallel 4"),
        ({"kubernetes": "1.31", "gpu_operator": "26.7.0"}, "v25.10.1"),
        (
            {"gpu": "b200", "gpu_count": 8, "driver_branch": 570, "fabric_manager": "none"},
            "fabricmanager 570.",
        ),
        ({"instance": "g4dn.xlarge", "model": "google/gemma-2-9b-it", "runtime": "vllm"}, "g6.xlarge (l4)"),
        ({"instance": "p2.xlarge", "platform": "eks", "ami": "AL2023_x86_64_NVIDIA"}, "use g4dn.xlarge (t4)"),
        (
            {"gpu": "gtx-1070", "driver": "590.48.01", "kernel_module": "open"},
            "use driver 580.178.04; and use the proprietary kernel module",
        ),
        (
            {"gpu": "l4", "model": "meta-llama/Llama-3.1-8B-Instruct", "runtime": "vllm",
             "runtime_version": "0.5.3", "max_model_len": 131072},
            "use max_model_len 16384",
        ),
        (
            {"gpu": "t4", "gpu_count": 1, "runtime": "vllm", "runtime_version": "0.10.1",
             "model": "Qwen/Qwen2.5-7B-Instruct", "env": "VLLM_ATTENTION_BACKEND=FLASH_ATTN"},
            "let the engine choose the attention backend; and use 2 GPUs with tensor_parallel 2",
        ),
        (
            {"gpu": "gb10", "cpu_arch": "arm64", "image": "localai/localai:v3.0.0-aio-gpu-nvidia-cuda-12"},
            "use or build an image for arm64",
        ),
        (
            {"gpu": "h200", "gpu_count": 8, "tensor_parallel": 8, "model": "deepseek-ai/DeepSeek-V3-bf16",
             "env": "--quantization fp8", "runtime": "sglang", "runtime_version": "0.4.1"},
            "use twice the nodes: pipeline_parallel 2  (pipeline_parallel: 2, gpu_count: 16)",
        ),
        (
            {"instance": "g5.xlarge", "model": "Qwen/Qwen3-32B", "runtime": "vllm"},
            "use g5.12xlarge (4 a10g) with tensor_parallel 4  (instance: g5.12xlarge, tensor_parallel: 4)",
        ),
        (
            {"instance": "g5.12xlarge", "tensor_parallel": 1, "model": "Qwen/Qwen3-32B", "runtime": "vllm"},
            "use tensor_parallel 4  (tensor_parallel: 4)",
        ),
        (
            {"gpu": "h100", "gpu_count": 8, "tensor_parallel": 1, "model": "meta-llama/Llama-3.1-70B"},
            "use tensor_parallel 2  (tensor_parallel: 2, pipeline_parallel: 1)",
        ),
        (
            {"gpu": "rtx-3090", "gpu_count": 1, "model": "Qwen/Qwen2.5-7B-Instruct", "runtime": "vllm",
             "runtime_version": "0.8.5", "max_model_len": 8192, "gpu_memory_utilization": 0.3},
            "use gpu_memory_utilization 0.9  (gpu_memory_utilization: 0.9)",
        ),
        (
            {"runtime": "vllm", "env": "--model-id mistralai/Mistral-7B-v0.1 --num-shard 3"},
            "use --tensor-parallel-size instead of --num-shard; and use tensor_parallel 2",
        ),
        (
            {"runtime": "vllm", "runtime_version": "0.20.0", "env": "--cuda-graph-sizes 8 --task embed"},
            "--cudagraph-capture-sizes instead of --cuda-graph-sizes; and use --runner and --convert instead",
        ),
        (
            {"runtime": "vllm", "runtime_version": "0.20.0", "env": {"cuda_graph_sizes": 8}},
            "use --cudagraph-capture-sizes instead of cuda_graph_sizes",
        ),
    ],
)  # fmt: skip
def test_the_fix_is_near_and_fits_the_place(data: dict[str, Any], words: str) -> None:
    proposal = propose(parse_combination(data))
    assert proposal is not None
    assert words in proposal.text


@pytest.mark.parametrize(
    ("more", "fix"),
    [
        ({}, "use max_num_seqs 4  (max_num_seqs: 4)"),
        ({"max_num_seqs": 16}, "use max_num_seqs 4  (max_num_seqs: 4)"),
        ({"gpu": "l4", "gpu_count": 4, "tensor_parallel": 4}, "use max_num_seqs 16  (max_num_seqs: 16)"),
        (
            {"gpu": "a10g"},
            "use 2 GPUs with tensor_parallel 2; and use max_num_seqs 16",
        ),
    ],
)
def test_images_of_fewer_sequences_are_proposed_where_they_fit(more: dict[str, Any], fix: str) -> None:
    data = {
        "gpu": "rtx-4090",
        "runtime": "vllm",
        "runtime_version": "0.8.5",
        "install": "pip",
        "model": "meta-llama/Llama-3.2-11B-Vision-Instruct",
        **more,
    }
    proposal = propose(parse_combination(data))
    assert proposal is not None
    assert proposal.text.startswith(fix)


def test_a_command_line_of_another_engine_has_one_way_out() -> None:
    env = (
        "--tp-size 8 --dp-size 8 --enable-dp-attention --context-length 65536 --mem-fraction-static 0.8 "
        "--max-running-requests 64 --chunked-prefill-size 8192 --page-size 64 --disable-radix-cache "
        "--speculative-algorithm EAGLE --speculative-num-steps 3 --speculative-eagle-topk 1 --enable-metrics"
    )
    combination = parse_combination(
        {"gpu": "h100-sxm", "runtime": "vllm", "runtime_version": "0.20.0", "env": env}
    )
    proposal = propose(combination)
    assert proposal is not None
    assert "--mem-fraction-static" in proposal.text
    assert "--enable-metrics" in proposal.text
    mended = changed(combination, proposal.changes)
    assert [item for item in check(mended) if item.severity is Severity.ERROR] == []


@pytest.mark.parametrize(
    "data",
    [
        {"gpu": "l40s", "model": "Qwen/Qwen3-8B", "runtime": "vllm", "max_num_batched_tokens": 50_000_000},
        {"gpu": "l40s", "model": "Qwen/Qwen3-8B", "runtime": "vllm", "max_num_seqs": 900_000},
        {
            "platform": "eks",
            "instance": "p5.48xlarge",
            "ami": "bottlerocket-aws-k8s-1.29-nvidia-x86_64-v1.17.0",
        },
        {"gpu": "gb200", "image": "vllm/vllm-openai:nightly-dev-x86_64-cu13.0.1-426e59f"},
    ],
)
def test_what_was_asked_beyond_measure_has_a_way_back(data: dict[str, Any]) -> None:
    combination = parse_combination(data)
    assert any(item.severity is Severity.ERROR for item in check(combination))
    proposal = propose(combination)
    assert proposal is not None
    assert not any(item.severity is Severity.ERROR for item in check(changed(combination, proposal.changes)))


def test_a_step_that_a_later_one_undoes_is_not_told() -> None:
    proposal = propose(parse_combination({"kubernetes": "1.25", "gpu_operator": "1.11.1"}))
    assert proposal is not None
    assert "; and " not in proposal.text


def test_a_flag_of_another_name_keeps_its_value() -> None:
    combination = parse_combination(
        {"runtime": "vllm", "env": "--num-shard 2 --port 8000 --model-id org/name-7b"}
    )
    proposal = propose(combination)
    assert proposal is not None
    assert proposal.changes["env"] == {
        "--tensor-parallel-size": "2",
        "--port": "8000",
        "--model": "org/name-7b",
    }


@pytest.mark.parametrize(
    ("data", "fix"),
    [
        ({"platform": "gke", "kubernetes": "1.32"}, "move to Kubernetes 1.36, supported until 2027-08-09"),
        ({"runtime": "tgi", "runtime_version": "3.3.7"}, "use vLLM or SGLang"),
        (
            {"runtime": "vllm", "runtime_version": "0.20.0", "env": "VLLM_ATTENTION_BACKEND=FLASHINFER"},
            "use --attention-backend instead of VLLM_ATTENTION_BACKEND",
        ),
    ],
)
def test_a_warning_says_what_to_do(data: dict[str, Any], fix: str) -> None:
    assert fix in [item.fix for item in check(parse_combination(data))]
