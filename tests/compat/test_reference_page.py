"""`docs/reference/compat.md` names every field, and the examples of `docs/reference/findings.md` are true."""

from pathlib import Path
from typing import Any

import pytest

from gpuyard.compat.check import check
from gpuyard.compat.codes import CODES
from gpuyard.compat.combination import FIELDS, parse_combination

PAGE = Path(__file__).parents[2] / "docs" / "reference" / "compat.md"
EXAMPLES: dict[str, dict[str, Any]] = {
    "DRIVER_TOO_OLD_FOR_CUDA_MAJOR": {"driver": "535.183.06", "runtime": "vllm", "runtime_version": "0.20.0"},
    "PTX_JIT_DRIVER_TOO_OLD": {"driver": "550.163.01", "runtime": "vllm", "runtime_version": "0.11.2"},
    "FWD_COMPAT_UNSUPPORTED_HW": {
        "gpu": "rtx-3090",
        "driver": "580.95.05",
        "base_image_cuda": "13.2",
        "image_has_compat_libs": True,
    },
    "COMPAT_LIB_MISMATCH": {"gpu": "h100", "driver": "580.95.05", "image": "vllm/vllm-openai:v0.15.0"},
    "IMAGE_REQUIRE_GATE": {"driver": "530.41.03", "image": "nvidia/cuda:12.4.1-base-ubuntu22.04"},
    "SM_BELOW_MIN": {"gpu": "t4", "runtime": "sglang", "runtime_version": "0.5.11"},
    "SM_NOT_IN_BINARY": {"gpu": "b200", "runtime": "vllm", "runtime_version": "0.8.5"},
    "TOOLCHAIN_TOO_OLD_FOR_SM": {"gpu": "rtx-5090", "runtime": "flashinfer", "cuda": "12.8"},
    "DRIVER_DROPPED_GPU": {"gpu": "GTX 1050", "driver": "595.71.05"},
    "DRIVER_TOO_OLD_FOR_GPU": {"gpu": "b200", "driver": "565.57.01"},
    "OPEN_MODULE_UNSUPPORTED": {"gpu": "v100", "kernel_module": "open"},
    "FABRIC_MANAGER": {
        "gpu": "h100-sxm",
        "gpu_count": 8,
        "driver": "570.133.20",
        "fabric_manager": "570.124.06",
    },
    "AMI_DRIVER_MIN": {"platform": "eks", "instance": "p3.2xlarge", "driver": "595.71.05"},
    "AMI_NO_DRIVER": {"platform": "eks", "ami": "AL2023_x86_64_STANDARD"},
    "DRIVER_INSTALL_DISABLED": {"platform": "gke", "gpu": "l4"},
    "DRIVER_LIB_PATH": {"platform": "gke", "image": "vllm/vllm-openai:v0.11.0"},
    "GKE_COS_INSTALL_DIR": {"platform": "gke", "os": "COS", "gpu_operator": "v25.3.0"},
    "OS_NO_DRIVER_CONTAINER": {
        "os": "Bottlerocket",
        "gpu_operator": "v25.3.0",
        "driver_managed_by": "operator",
    },
    "OPERATOR_DUPLICATE_STACK": {
        "platform": "eks",
        "ami": "AL2023_x86_64_NVIDIA",
        "gpu_operator": "v25.3.0",
        "driver_managed_by": "operator",
    },
    "TOOLKIT_CONTAINERD": {"toolkit": "1.14.6", "containerd": "2.1"},
    "DRA_DRIVER_MIN": {"dra_driver": "25.8.0", "driver": "550.163.01"},
    "K8S_VERSION": {"dra_driver": "25.3.0", "kubernetes": "1.34"},
    "HOST_GLIBC": {"runtime": "vllm", "runtime_version": "0.20.1", "install": "pip", "os": "AlmaLinux 9"},
    "CPU_ARCH": {"gpu": "gh200", "runtime": "vllm", "runtime_version": "0.9.0", "install": "pip"},
    "ENGINE_MIN_SM": {"gpu": "t4", "runtime": "vllm", "runtime_version": "0.8.0", "env": "VLLM_USE_V1=1"},
    "MODEL_UNSUPPORTED": {"runtime": "vllm", "runtime_version": "0.9.0", "model": "openai/gpt-oss-20b"},
    "ATTN_BACKEND_MISSING": {"gpu": "t4", "runtime": "vllm", "model": "google/gemma-2-9b-it"},
    "QUANT_MIN_SM": {"gpu": "t4", "runtime": "vllm", "quantization": "mxfp4"},
    "DTYPE_UNSUPPORTED": {"gpu": "t4", "runtime": "vllm", "dtype": "bfloat16"},
    "TP_DIVISIBILITY": {"attention_heads": 28, "tensor_parallel": 8},
    "TP_QUANT_BLOCK": {
        "model": "Qwen/Qwen3-235B-A22B-FP8",
        "tensor_parallel": 8,
        "runtime": "vllm",
        "runtime_version": "0.20.0",
    },
    "MIG_TP": {"gpu": "a100-80gb-sxm", "mig": "1g.10gb", "tensor_parallel": 2},
    "MIG_UUID": {"runtime": "vllm", "runtime_version": "0.20.0", "env": "CUDA_VISIBLE_DEVICES=MIG-1"},
    "MIG_DRIVER_BUG": {"mig": "1g.10gb", "driver": "570.148.08"},
    "MIG_UNSUPPORTED": {"gpu": "l4", "mig": "1g.6gb"},
    "MEMORY_WEIGHTS": {"gpu": "a100-80gb-sxm", "gpu_count": 1, "model": "Llama-3-70B", "dtype": "bfloat16"},
    "CONTEXT_ABOVE_MODEL": {"runtime": "vllm", "model": "Qwen/Qwen3-8B", "env": "--max-model-len 65536"},
    "MEMORY_KV": {
        "gpu": "h100-sxm",
        "gpu_count": 2,
        "model": "Llama-3.3-70B-Instruct",
        "tensor_parallel": 2,
        "max_model_len": 131072,
        "runtime": "vllm",
    },
    "RUNTIME_LIB_MISSING": {"runtime": "vllm", "runtime_version": "0.20.0", "install": "pip", "cuda": "12.4"},
    "FLAG_UNKNOWN": {"runtime": "vllm", "runtime_version": "0.17.1", "env": "--shutdown-timeout 60"},
    "FLAG_REMOVED": {"runtime": "vllm", "runtime_version": "0.10.0", "env": "--enable-reasoning"},
    "RUNTIME_UNMAINTAINED": {"runtime": "tgi", "runtime_version": "3.3.7"},
    "RUNTIME_NEWER_THAN_CATALOG": {"runtime": "vllm", "runtime_version": "0.40.0"},
}
"""What the example of each code says, as fields."""


def test_every_field_is_explained():
    page = PAGE.read_text(encoding="utf-8")
    assert [field for field in FIELDS if f"`{field}`" not in page] == []


def test_every_code_has_an_example():
    assert set(EXAMPLES) == set(CODES)


@pytest.mark.parametrize("code", sorted(EXAMPLES))
def test_the_example_of_a_code_is_true(code: str):
    found = [(item.code, item.severity) for item in check(parse_combination(EXAMPLES[code]))]
    assert (code, CODES[code].severity) in found
