"""A finding cites the row or the rule that spoke, not whatever its code is described by."""

from pathlib import Path
from typing import Any

import pytest
import yaml

from gpuyard.catalog.hardware import gpus
from gpuyard.catalog.models import find_model
from gpuyard.catalog.software import compat_rule, driver_branches, image_gates
from gpuyard.catalog.software_gke import gke_gpus
from gpuyard.catalog.software_images import amd64_images
from gpuyard.catalog.software_nodes import (
    driver_exclusions,
    image_defects,
    kubernetes_versions,
    operator_systems,
)
from gpuyard.catalog.software_runtimes import runtime_releases, wheel_glibc
from gpuyard.catalog.software_support import find_retired, quantization_support, runtime_variables
from gpuyard.compat.attention_gaps import GAPS
from gpuyard.compat.check import check
from gpuyard.compat.codes import CODES
from gpuyard.compat.combination import parse_combination
from gpuyard.compat.quantization import FP8_EXPERTS
from gpuyard.compat.sizes import BY_NAME
from gpuyard.compat.sourced import Sourced, join_sources

INCIDENTS = [
    item["combination"]
    for file in sorted((Path(__file__).parent / "incidents").glob("*.yaml"))
    for item in yaml.safe_load(file.read_text(encoding="utf-8"))
]


def _cited(code: str, **fields: Any) -> tuple[str, str]:
    found = next(item for item in check(parse_combination(fields)) if item.code == code)
    return found.source, found.as_of


def test_every_finding_of_every_incident_has_a_source_and_a_date():
    findings = [item for data in INCIDENTS for item in check(parse_combination(data))]
    assert [item for item in findings if not (item.source and item.as_of)] == []


def test_a_kubernetes_version_cites_its_own_window():
    row = kubernetes_versions()["gke", "1.31"]
    assert _cited("K8S_VERSION", platform="gke", kubernetes="1.31") == (row.source, row.as_of)
    assert _cited("K8S_VERSION", platform="gke", kubernetes="1.29") == (row.source, row.as_of)


def test_a_node_image_that_fails_cites_who_reported_it():
    row = next(row for row in image_defects() if row.family == "p5en")
    image = {"platform": "eks", "ami": "AL2023_x86_64_NVIDIA v20251108", "instance": "p5en.48xlarge"}
    assert _cited("FABRIC_MANAGER", **image) == (row.source, row.as_of)
    message = next(item.message for item in check(parse_combination(image)))
    assert row.source not in message


def test_an_image_for_amd64_alone_cites_its_row():
    row = next(row for row in amd64_images() if "llama" in row.pattern.pattern)
    image = "ghcr.io/ggml-org/llama.cpp:server-cuda-b6341"
    assert _cited("CPU_ARCH", gpu="gh200", image=image) == (row.source, row.as_of)


def test_a_driver_that_a_machine_type_excludes_cites_its_row():
    row = driver_exclusions()["g6f"][0]
    assert _cited("AMI_DRIVER_MIN", instance="g6f.xlarge", driver="595.71.05") == (row.source, row.as_of)


def test_a_system_without_driver_container_cites_its_row():
    row = operator_systems()["Bottlerocket"]
    system = {"os": "Bottlerocket", "gpu_operator": "v25.3.0", "driver_managed_by": "operator"}
    assert _cited("OS_NO_DRIVER_CONTAINER", **system) == (row.source, row.as_of)


def test_a_gpu_on_gke_cites_its_row():
    row = gke_gpus()["b200"]
    pool = {"platform": "gke", "gpu": "b200", "kubernetes": "1.30.1"}
    assert _cited("K8S_VERSION", **pool) == (row.source, row.as_of)


def test_a_driver_branch_that_dropped_a_gpu_cites_its_row():
    row = driver_branches()[470]
    assert _cited("DRIVER_DROPPED_GPU", gpu="k80", driver="535.183.06") == (row.source, row.as_of)


def test_the_first_driver_of_a_gpu_cites_the_gpu():
    assert _cited("DRIVER_TOO_OLD_FOR_GPU", gpu="b200", driver="565.57.01")[0] == gpus()["b200"].source


def test_the_gate_of_an_image_cites_the_list_of_its_cuda():
    gate = next(row for row in image_gates() if row.since == (12, 0))
    image = {"driver": "530.41.03", "image": "nvidia/cuda:12.4.1-base-ubuntu22.04"}
    assert _cited("IMAGE_REQUIRE_GATE", **image)[0] == gate.source


def test_a_cuda_before_11_cites_its_own_driver():
    modern = _cited("DRIVER_TOO_OLD_FOR_CUDA_MAJOR", cuda="12.8", driver="470.256.02")[0]
    early = _cited("DRIVER_TOO_OLD_FOR_CUDA_MAJOR", cuda="10.1", driver="384.183")[0]
    assert modern == compat_rule("R-MVC")["source"]
    assert "nvidia-docker#536" in early


def test_a_retired_engine_cites_who_retired_it():
    row = find_retired("autoawq")
    assert row is not None
    assert _cited("RUNTIME_UNMAINTAINED", runtime="AutoAWQ")[0] == row.source


def test_machine_code_cites_the_release():
    row = next(row for row in runtime_releases("vllm") if row.version == "0.8.5")
    assert _cited("SM_NOT_IN_BINARY", gpu="b200", runtime="vllm", runtime_version="0.8.5")[0] == row.source


def test_the_oldest_gpu_of_an_engine_cites_the_release():
    row = next(row for row in runtime_releases("sglang") if row.version == "0.5.11")
    assert _cited("SM_BELOW_MIN", gpu="t4", runtime="sglang", runtime_version="0.5.11")[0] == row.source


def test_a_flag_cites_the_parsers_that_were_read():
    gone = {"runtime": "vllm", "runtime_version": "0.10.0", "env": "--enable-reasoning"}
    missing = {"runtime": "vllm", "runtime_version": "0.17.1", "env": "--shutdown-timeout 60"}
    misspelt = {"runtime": "sglang", "env": "--tp-sise 2"}
    assert _cited("FLAG_REMOVED", **gone)[0] == "argument parser of vllm 0.10.0"
    assert _cited("FLAG_UNKNOWN", **missing)[0] == "argument parsers of vllm 0.17.0 and 0.18.0"
    assert _cited("FLAG_UNKNOWN", **misspelt)[0] == "argument parsers of sglang"


def test_a_variable_cites_its_row():
    row = runtime_variables("vllm")["VLLM_ALL2ALL_BACKEND"]
    fields = {"runtime": "vllm", "runtime_version": "0.30.0", "env": "VLLM_ALL2ALL_BACKEND=pplx"}
    assert _cited("FLAG_REMOVED", **fields)[0] == row.source


def test_a_quantization_cites_its_row():
    row = quantization_support("vllm", "mxfp4", ())
    assert _cited("QUANT_MIN_SM", gpu="t4", runtime="vllm", quantization="mxfp4")[0] == row.source
    fp8 = quantization_support("vllm", "fp8", (0, 4, 2, 0))
    asked = {"gpu": "a100", "runtime": "vllm", "runtime_version": "0.4.2", "quantization": "fp8"}
    assert _cited("QUANT_MIN_SM", **asked)[0] == _cited("DTYPE_UNSUPPORTED", **asked)[0] == fp8.source


def test_experts_in_fp8_cite_what_is_said_of_experts():
    row = next(row for row in FP8_EXPERTS if row[0] == "sglang")
    model = {"model": "Qwen/Qwen3-30B-A3B", "quantization": "fp8", "gpu": "a100"}
    assert _cited("QUANT_MIN_SM", runtime="sglang", runtime_version="0.5.8", **model)[0] == row[3]


def test_a_gap_of_attention_cites_its_row():
    gap = next(gap for gap in GAPS if "Gemma 2" in gap.text)
    found = _cited("ATTN_BACKEND_MISSING", gpu="t4", runtime="vllm", model="google/gemma-2-9b-it")
    assert found[0] == gap.source


def test_weights_cite_the_model_and_the_gpu():
    model, gpu = find_model("Qwen/Qwen3-32B"), gpus()["l4"]
    found = _cited("MEMORY_WEIGHTS", gpu="l4", gpu_count=1, model="Qwen/Qwen3-32B")
    assert found == (f"{model.source}; {gpu.source}", min(model.as_of, gpu.as_of))
    stated = _cited("MEMORY_WEIGHTS", gpu="l4", gpu_count=1, gpu_mem_mib=23034, model="Qwen/Qwen3-32B")
    assert stated[0] == model.source
    named = _cited("MEMORY_WEIGHTS", gpu="l4", gpu_count=1, model="org/unknown-70b")
    assert named[0] == f"{BY_NAME}; {gpu.source}"


def test_a_split_cites_the_model_and_who_says_that_it_must_divide():
    model, law = find_model("Qwen/Qwen2.5-7B-Instruct"), CODES["TP_DIVISIBILITY"].source
    by_model = {"model": "Qwen/Qwen2.5-7B-Instruct", "tensor_parallel": 8}
    assert _cited("TP_DIVISIBILITY", **by_model)[0] == f"{model.source}; {law}"
    assert _cited("TP_DIVISIBILITY", attention_heads=28, tensor_parallel=8)[0] == law


def test_glibc_cites_the_wheel_or_what_it_carries():
    tag = next(row for row in runtime_releases("vllm") if row.version == "0.20.1")
    inside = next(row for row in wheel_glibc() if row.runtime == "vllm" and row.glibc == (2, 29))
    pip = {"runtime": "vllm", "install": "pip", "glibc": "2.28"}
    assert _cited("HOST_GLIBC", runtime_version="0.20.1", **pip)[0] == tag.source
    assert _cited("HOST_GLIBC", runtime_version="0.10.2", **pip)[0] == inside.source


@pytest.mark.parametrize(
    ("code", "fields", "source"),
    [
        (
            "DRIVER_TOO_OLD_FOR_CUDA_MAJOR",
            {"runtime": "ollama", "runtime_version": "0.30.0", "gpu": "t4", "driver": "535.183.06"},
            "ollama/ollama#16449",
        ),
        ("COMPAT_LIB_MISMATCH", {"driver": "580.95.05", "image": "vllm/vllm-openai:v0.16.0"}, "#33116"),
        (
            "ENGINE_MIN_SM",
            {"gpu": "t4", "runtime": "trtllm", "runtime_version": "0.9.0"},
            "NVIDIA/TensorRT-LLM#278",
        ),
        (
            "ATTN_BACKEND_MISSING",
            {
                "gpu": "rtx-5090",
                "runtime": "vllm",
                "runtime_version": "0.27.0",
                "model": "openai/gpt-oss-20b",
                "env": "--attention-backend FLASHINFER",
            },
            "FlashInfer's backend",
        ),
        (
            "ATTN_BACKEND_MISSING",
            {
                "gpu": "a100",
                "runtime": "vllm",
                "runtime_version": "0.20.0",
                "env": "--attention-backend FLASHMLA",
            },
            "deepseek-ai/FlashMLA#83",
        ),
        ("MIG_DRIVER_BUG", {"gpu": "gh200", "mig": "1g.12gb", "driver": "580.95.05"}, "release notes"),
        ("DRA_DRIVER_MIN", {"dra_driver": "25.12.0", "driver": "570.211.01"}, "nvidia-gpu#1014"),
        ("K8S_VERSION", {"dra_driver": "25.8.0", "kubernetes": "1.34.1"}, "kubernetes/kubernetes#133920"),
        ("TOOLKIT_CONTAINERD", {"platform": "k0s", "toolkit": "1.17.2"}, "#803"),
        ("AMI_NO_DRIVER", {"platform": "aks", "os": "Flatcar", "gpu": "t4"}, "use-nvidia-gpu.md"),
    ],
)
def test_a_threshold_brings_its_source(code: str, fields: dict[str, Any], source: str) -> None:
    assert source in _cited(code, **fields)[0]


def test_a_sourced_version_is_the_version():
    version = Sourced((1, 33), "a page")
    assert version == (1, 33)
    assert (1, 32) < version <= (1, 33, 1)
    assert {version: ""} == {(1, 33): ""}
    assert version.source == "a page"


def test_sources_are_joined_once_each():
    assert join_sources("a", "", "b", "a") == "a; b"
