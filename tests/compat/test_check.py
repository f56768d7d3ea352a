"""What `check` answers: examples, incidents, known-good combinations, fixes, codes and their page."""

import subprocess
import sys
from datetime import date
from pathlib import Path
from typing import Any

import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

import gpuyard.compat
from gpuyard.catalog.hardware import gpus
from gpuyard.catalog.software import parse_version
from gpuyard.catalog.tables import read_csv
from gpuyard.compat.check import check, propose, verdict_of
from gpuyard.compat.codes import CODES, render_reference
from gpuyard.compat.combination import FIELDS, Combination, changed, parse_combination
from gpuyard.compat.generations import VOLTA, last_branch
from gpuyard.compat.reading import read_facts
from gpuyard.compat.spelling import read_manager
from gpuyard.errors import Severity, SpecError

from .conftest import forgotten

HERE = Path(__file__).parent
_CUDA_13 = "nvidia/cuda:13.0.1-base-ubuntu24.04"
_PLUGIN_OFF = "gke-no-default-nvidia-gpu-device-plugin"
ROOT = HERE.parents[1]


INCIDENTS = [
    (item["code"], item["source"], item["combination"])
    for file in sorted((HERE / "incidents").glob("*.yaml"))
    for item in yaml.safe_load(file.read_text(encoding="utf-8"))
]


def _errors(combination: Combination) -> list[str]:
    return [item.code for item in check(combination) if item.severity is Severity.ERROR]


@pytest.mark.parametrize(("code", "source", "data"), INCIDENTS, ids=lambda value: str(value)[:50])
def test_an_incident_fails_with_its_code(code: str, source: str, data: dict[str, Any]) -> None:
    assert code in _errors(parse_combination(data)), source


@pytest.mark.parametrize(("code", "source", "data"), INCIDENTS, ids=lambda value: str(value)[:50])
def test_the_proposed_fix_passes_itself(code: str, source: str, data: dict[str, Any]) -> None:
    combination = parse_combination(data)
    proposal = propose(combination)
    assert proposal is not None, (code, source)
    assert proposal.changes
    assert _errors(changed(combination, proposal.changes)) == []
    assert forgotten(combination, proposal.changes) == []
    assert all(item.fix == proposal.text for item in check(combination) if item.severity is Severity.ERROR)


def test_no_combination_that_is_known_to_run_fails(known_good: Any) -> None:
    failing = [(source, data, _errors(parse_combination(data))) for source, data in known_good.all_cases()]
    assert len(failing) > 2000
    assert [item for item in failing if item[2]] == []


@pytest.mark.parametrize(
    ("data", "verdict"),
    [
        ({}, "pass"),
        ({"gpu": "h100"}, "pass"),
        ({"gpu": "something-new", "runtime": "my-engine", "driver": "999.1"}, "pass"),
        ({"runtime": "vllm", "runtime_version": "nightly", "image": "vllm/vllm-openai:nightly"}, "pass"),
        (
            {
                "gpu": "rtx-pro-6000",
                "runtime": "vllm",
                "model": "openai/gpt-oss-20b",
                "env": "--attention-backend FLASHINFER",
            },
            "warn",
        ),
        (
            {
                "instance": "Standard_NC80adis_H100_v5",
                "runtime": "kaito+vllm",
                "tensor_parallel": 2,
                "model": "mistralai/Mistral-Small-4-119B-2603",
                "max_model_len": 1048576,
            },
            "warn",
        ),
        (
            {
                "gpu": "b200",
                "runtime": "sglang",
                "model": "google/gemma-4-31B-it",
                "max_model_len": 8192,
                "env": "--attention-backend flashinfer",
            },
            "warn",
        ),
        (
            {
                "gpu": "rtx-pro-6000",
                "driver": "580.173.02",
                "runtime": "vllm",
                "runtime_version": "0.29.0",
                "install": "pip",
                "cuda": "13.2",
                "host_toolkit": "12.9",
            },
            "warn",
        ),
        ({"gpu": "l4", "driver": "570.211.01", "image": "vllm/vllm-openai:latest"}, "warn"),
        ({"gpu": "l4", "driver": "580.126.20", "image": "vllm/vllm-openai:latest"}, "pass"),
        ({"gpu": "l4", "driver": "570.211.01", "image": "somebody/vllm:latest", "runtime": "vllm"}, "pass"),
        ({"gpu": "h100", "driver": "570.172.08", "image": "vllm/vllm-openai:v0.11.0"}, "pass"),
        ({"gpu": "h100", "driver": "550.163.01", "image": "vllm/vllm-openai:v0.11.0"}, "warn"),
        ({"gpu": "l4", "driver": "535.309.01", "image": "vllm/vllm-openai:v0.20.0-cu129"}, "warn"),
        ({"gpu": "l4", "driver": "535.309.01", "image": "vllm/vllm-openai:v0.20.0"}, "fail"),
        ({"gpu": "a100-80gb", "quantization": "fp8", "runtime": "vllm", "runtime_version": "0.11.0"}, "pass"),
    ],
)
def test_what_is_unknown_is_not_wrong(data: dict[str, Any], verdict: str) -> None:
    assert verdict_of(check(parse_combination(data))) == verdict


def test_kernels_that_came_within_a_year_are_a_warning_where_no_release_is_stated() -> None:
    def found(**more: Any) -> list[tuple[str, str]]:
        data = {"gpu": "t4", "quantization": "fp8", "runtime": "vllm", **more}
        return [(str(item.severity), item.code) for item in check(parse_combination(data))]

    assert found() == [("warning", "QUANT_MIN_SM")]
    assert found(runtime_version="0.20.0") == []
    assert found(gpu="a100-80gb-sxm") == []  # since 0.5.1
    assert ("error", "QUANT_MIN_SM") in found(runtime_version="0.8.4")


def test_an_old_glibc_without_a_release_is_a_warning_that_names_the_last_release_that_runs() -> None:
    host = {"os": "centos7.9", "runtime": "vllm", "install": "pip"}
    (finding,) = check(parse_combination(host))
    assert (finding.severity, finding.code) == (Severity.WARNING, "HOST_GLIBC")
    assert "0.8.5.post1" in finding.fix
    assert check(parse_combination({**host, "runtime_version": "0.8.5.post1"})) == []
    assert check(parse_combination({**host, "os": "ubuntu22.04"})) == []


def test_a_release_newer_than_the_catalog_gets_exactly_one_warning() -> None:
    findings = check(Combination(gpu="h100", runtime="vllm", runtime_version="0.99.0", driver="580.126.20"))
    assert [item.code for item in findings] == ["RUNTIME_NEWER_THAN_CATALOG"]
    assert "0.33.0" in findings[0].message


def test_a_patch_of_a_known_release_is_not_newer_than_the_catalog() -> None:
    assert check(Combination(gpu="h100", runtime="vllm", runtime_version="0.22.9", driver="580.126.20")) == []


def test_the_last_branch_of_a_generation_is_that_of_its_cards_and_of_the_branches() -> None:
    stated = {gpu.sm: gpu.last_driver_branch for gpu in gpus().values() if gpu.last_driver_branch}
    assert stated
    assert {sm: str(last_branch(parse_version(sm))) for sm in stated} == stated
    rows = read_csv("driver_branches")
    legacy = [int(row["branch"]) for row in rows if row["supports_maxwell_pascal_volta"] == "yes"]
    assert last_branch(VOLTA) == max(legacy)


@pytest.mark.parametrize(
    ("operator", "toolkit", "severity"),
    [
        ("24.6.2", None, "warning"),
        ("24.6.2", "v1.16.2-ubuntu20.04", "error"),
        ("23.6.1", "v1.13.4-ubi8", "error"),
        ("24.6.2", "v1.16.2-ubi8", ""),
        ("23.6.1", "v1.13.4-centos7", ""),
        ("24.6.2", "disabled", ""),
        ("25.10.1", None, ""),
    ],
)
def test_the_toolkit_for_an_old_host_is_told_by_its_image(
    operator: str, toolkit: str | None, severity: str
) -> None:
    found = {
        system: [
            str(item.severity)
            for item in check(
                Combination(os=system, gpu_operator=operator, toolkit=toolkit, driver_managed_by="image")
            )
            if item.code == "HOST_GLIBC"
        ]
        for system in ("CentOS 7.9", "Amazon Linux 2", "Ubuntu 18.04", "Rocky Linux 8")
    }
    assert found["CentOS 7.9"] == found["Amazon Linux 2"] == ([severity] if severity else [])
    assert found["Ubuntu 18.04"] == found["Rocky Linux 8"] == []


@pytest.mark.parametrize(
    ("release", "driver", "severity"),
    [
        ("0.15.0", "580.126.20", "error"),
        ("0.15.1", "580.126.20", "warning"),
        ("0.16.0", "580.126.20", "warning"),
        ("0.17.0", "580.126.20", ""),
        ("0.15.1", "570.211.01", ""),
    ],
)
def test_images_with_an_older_libcuda_in_the_path_are_told(release: str, driver: str, severity: str) -> None:
    found = check(Combination(gpu="h100", driver=driver, image=f"vllm/vllm-openai:v{release}"))
    assert [str(item.severity) for item in found if item.code == "COMPAT_LIB_MISMATCH"] == [severity][
        : bool(severity)
    ]


@pytest.mark.parametrize(
    ("data", "code", "severity"),
    [
        ({"runtime_version": "0.13.0", "cuda": "13.0"}, "RUNTIME_LIB_MISSING", "warning"),
        ({"runtime_version": "0.16.0", "cuda": 13}, "RUNTIME_LIB_MISSING", "warning"),
        ({"runtime_version": "0.21.0", "cuda": "12.9"}, "RUNTIME_LIB_MISSING", "warning"),
        ({"runtime_version": "0.21.0", "cuda": 12}, "RUNTIME_LIB_MISSING", "warning"),
        ({"runtime_version": "0.21.0+cu129", "cuda": "12.9"}, "RUNTIME_LIB_MISSING", ""),
        ({"runtime_version": "0.21.0", "env": "--torch-backend=cu130"}, "RUNTIME_LIB_MISSING", ""),
        ({"runtime_version": "0.21.0", "env": "--torch-backend=cu129"}, "RUNTIME_LIB_MISSING", "error"),
        (
            {"runtime_version": "0.21.0", "image": "nvidia/cuda:12.4.1-devel-ubuntu22.04", "install": "pip"},
            "RUNTIME_LIB_MISSING",
            "warning",
        ),
        (
            {
                "gpu": "h100-sxm",
                "runtime_version": "0.18.0",
                "driver": "570.133.20",
                "model": "Qwen/Qwen2.5-7B-Instruct-GPTQ-Int4",
            },
            "PTX_JIT_DRIVER_TOO_OLD",
            "warning",
        ),
        (
            {"runtime_version": "0.21.0", "image": _CUDA_13, "install": "pip"},
            "RUNTIME_LIB_MISSING",
            "warning",
        ),
        (
            {
                "gpu": "l4",
                "runtime_version": "0.22.0",
                "host_toolkit": "none",
                "env": "VLLM_USE_FLASHINFER_SAMPLER=0",
            },
            "RUNTIME_LIB_MISSING",
            "",
        ),
        (
            {
                "gpu": "b200",
                "runtime_version": "0.22.0",
                "host_toolkit": "none",
                "env": "VLLM_USE_FLASHINFER_SAMPLER=0",
            },
            "RUNTIME_LIB_MISSING",
            "error",
        ),
        *[
            (
                {"gpu": gpu, "runtime_version": release, "host_toolkit": "none", **by},
                "RUNTIME_LIB_MISSING",
                told,
            )
            for gpu, release, by, told in (
                ("l4", "0.20.0", {}, ""),  # samples with FlashInfer only when told to
                ("l4", "0.21.0", {}, "error"),
                ("t4", "0.23.0", {}, "error"),
                ("t4", "0.24.0", {}, ""),  # samples without it
                ("l4", "0.12.0", {"env": {"flashinfer-python": "0.5.3"}}, ""),
                ("l4", "0.10.2", {"env": {"flashinfer-python": "0.3.0"}}, "error"),
                ("l4", "0.10.2", {}, ""),
                ("l4", "0.25.0", {"env": {"flashinfer-jit-cache": "0.6.13"}}, ""),
                ("l4", "0.25.0", {"env": {"flashinfer-jit-cache": "none"}}, "error"),
                ("l4", "0.25.0", {"image": _CUDA_13, "env": "flashinfer-jit-cache==0.6.13"}, ""),
                ("l4", "0.25.0", {"image": _CUDA_13}, "error"),
                ("b200", "0.11.0", {}, ""),
            )
        ],
        *[
            (
                {"gpu": gpu, "runtime_version": release, "env": "--moe-backend flashinfer_trtllm", **by},
                "ENGINE_MIN_SM",
                told,
            )
            for gpu, release, by, told in (
                ("b200", "0.24.0", {"model": "openai/gpt-oss-120b"}, ""),
                ("gb10", "0.24.0", {"model": "Qwen/Qwen3-8B"}, ""),  # no experts
                ("gb10", "0.24.0", {}, "warning"),
                ("gb10", "0.18.0", {"model": "openai/gpt-oss-20b", "quantization": "mxfp4"}, "warning"),
            )
        ],
        *[
            (
                {
                    "gpu": "a100-80gb-sxm",
                    "runtime_version": release,
                    "dtype": "bfloat16",
                    "env": f"-q {asked}",
                },
                "DTYPE_UNSUPPORTED",
                told,
            )
            for release, asked, told in (
                ("0.11.0", "awq", "error"),
                ("0.11.0", "awq_marlin", ""),
                ("0.24.0", "awq", ""),
                ("0.21.0", "gptq", "error"),
                ("0.22.0", "gptq", ""),
            )
        ],
        *[
            ({"gpu": "rtx-5090", **by}, "SM_NOT_IN_BINARY", told)
            for by, told in (
                ({}, "warning"),  # any release
                ({"cuda": "12.8"}, ""),
                ({"runtime_version": "0.11.0"}, ""),
                ({"image": "vllm/vllm-openai:latest"}, "warning"),
                ({"image": "somebody/vllm-for-blackwell"}, ""),
                ({"runtime": "sglang"}, "warning"),
                ({"runtime": "tabbyapi"}, "warning"),
                ({"runtime": "ollama"}, ""),
                (
                    {"runtime": "tei", "image": "ghcr.io/huggingface/text-embeddings-inference:cuda-latest"},
                    "warning",
                ),
                ({"runtime": "tei", "image": "ghcr.io/huggingface/text-embeddings-inference:cuda-1.9"}, ""),
                ({"runtime": "tei", "image": "ghcr.io/huggingface/text-embeddings-inference:120-1.9"}, ""),
                (
                    {"runtime": "tei", "image": "ghcr.io/huggingface/text-embeddings-inference:cuda-1.8"},
                    "error",
                ),
            )
        ],
        *[
            ({"gpu": gpu, "runtime": "nim", "image": f"nvcr.io/nim/{image}:latest"}, "CPU_ARCH", told)
            for gpu, image, told in (
                ("gb10", "meta/llama-3.1-8b-instruct", "warning"),
                ("gb10", "meta/llama-3.1-8b-instruct-dgx-spark", ""),
                ("h100-sxm", "meta/llama-3.1-8b-instruct", ""),
            )
        ],
        ({"gpu": "gb10"}, "TOOLCHAIN_TOO_OLD_FOR_SM", "warning"),
        *[
            ({"kv_cache_dtype": "fp8_e5m2", **by}, "RUNTIME_LIB_MISSING", told)
            for by, told in (
                ({"image": "vllm/vllm-openai:v0.3.2"}, "error"),
                ({"image": "vllm/vllm-openai:v0.3.3"}, ""),
                ({"runtime_version": "0.3.1", "host_toolkit": "none"}, "error"),
                ({"runtime_version": "0.3.1", "host_toolkit": "12.1"}, ""),
            )
        ],
        ({"gpu": "gb10", "env": "TRITON_PTXAS_PATH=/usr/bin/ptxas"}, "TOOLCHAIN_TOO_OLD_FOR_SM", ""),
        *[
            ({"gpu": gpu, "runtime_version": release, "host_toolkit": host}, "TOOLCHAIN_TOO_OLD_FOR_SM", told)
            for gpu, release, host, told in (
                ("rtx-5090", "0.18.0", "12.8", ""),  # FlashInfer 0.6.6
                ("rtx-5090", "0.21.0", "12.8", "error"),
                ("rtx-5090", "0.33.0", "12.8", ""),  # 0.7 takes it again
                ("rtx-a6000", "0.28.0", "12.4", ""),
                ("rtx-a6000", "0.29.0", "12.8", ""),
            )
        ],
        *[
            (
                {
                    "gpu": "rtx-5090",
                    "model": "NVFP4/Qwen3-30B-A3B-Instruct-2507-FP4",
                    "quantization": "modelopt_fp4",
                    "runtime_version": "0.10.0",
                    **by,
                },
                "QUANT_MIN_SM",
                severity,
            )
            for by, severity in (({"image": "vllm/vllm-openai:v0.10.0"}, "warning"), ({}, "error"))
        ],
        ({"gpu": "t4", "model": "Qwen/Qwen3-VL-4B-Instruct"}, "ATTN_BACKEND_MISSING", "warning"),
        ({"gpu": "rtx-5090", "kv_cache_dtype": "nvfp4"}, "ATTN_BACKEND_MISSING", "warning"),
        ({"gpu": "t4", "kv_cache_dtype": "nvfp4"}, "ATTN_BACKEND_MISSING", "error"),
        *[
            (
                {"gpu": "h200", "model": "MiniMaxAI/MiniMax-M2.5", "tensor_parallel": 8, **by},
                "TP_QUANT_BLOCK",
                found,
            )
            for by, found in (
                ({}, "warning"),
                ({"runtime_version": "0.28.0"}, "error"),
                ({"runtime_version": "0.29.0"}, ""),
                ({"runtime_version": "0.29.0", "gpu": "a100-80gb"}, "error"),
            )
        ],
        (
            {"gpu": "t4", "model": "Qwen/Qwen3-VL-4B-Instruct", "runtime_version": "0.13.0"},
            "ATTN_BACKEND_MISSING",
            "",
        ),
        (
            {"gpu": "a10", "model": "openai/gpt-oss-20b", "image": "vllm/vllm-openai:gptoss"},
            "ATTN_BACKEND_MISSING",
            "error",
        ),
        (
            {
                "gpu": "a10",
                "model": "openai/gpt-oss-20b",
                "image": "vllm/vllm-openai:gptoss",
                "runtime_version": "0.10.1",
            },
            "ATTN_BACKEND_MISSING",
            "warning",
        ),
    ],
)
def test_what_the_fields_leave_open_is_a_warning(data: dict[str, Any], code: str, severity: str) -> None:
    install = "docker" if "image" in data else "pip"
    found = check(parse_combination({"runtime": "vllm", "install": install, **data}))
    assert [str(item.severity) for item in found if item.code == code] == [severity][: bool(severity)]


@pytest.mark.parametrize(
    ("platform", "operator", "env", "warned"),
    [
        ("kubernetes", "v25.3.4", "helm install nvdp/nvidia-device-plugin", True),
        ("kubernetes", None, "helm install nvdp/nvidia-device-plugin", False),
        ("kubernetes", "v25.3.4", "no nvdp chart: the operator's nvidia-device-plugin alone", False),
        ("kubernetes", "v25.3.4", "devicePlugin.enabled=false nvdp/nvidia-device-plugin", False),
        ("gke", None, "kubectl apply -f k8s-device-plugin.yml", True),
        ("gke", None, f"{_PLUGIN_OFF}=true k8s-device-plugin.yml", False),
    ],
)
def test_a_device_plugin_by_hand_beside_another_is_warned_of(
    platform: str, operator: str | None, env: str, *, warned: bool
) -> None:
    found = check(parse_combination({"platform": platform, "gpu_operator": operator, "env": env}))
    severities = [item.severity for item in found if item.code == "OPERATOR_DUPLICATE_STACK"]
    assert severities == [Severity.WARNING] * warned


@pytest.mark.parametrize(
    ("runtime", "install", "gpu", "since"),
    [
        ("vllm", "pip", "rtx-5090", "0.10.2"),  # before, torch on the default index ends at Hopper
        ("vllm", "docker", "b200", "0.9.0"),
        ("sglang", "pip", "rtx-5090", "0.5.2"),  # its kernel package
        ("lmdeploy", "pip", "rtx-5090", "0.13.0"),
    ],
)
def test_an_engine_without_a_release_is_told_since_when_it_drives_the_gpu(
    runtime: str, install: str, gpu: str, since: str
) -> None:
    found = check(Combination(gpu=gpu, runtime=runtime, install=install))
    assert any(item.code == "SM_NOT_IN_BINARY" and f"since {since}" in item.message for item in found)


@pytest.mark.parametrize(
    ("tag", "release", "cuda"),
    [
        ("nightly-dev-cu13-20260528-0abe6a85", "0.5.13", (13, 0)),
        ("nightly-dev-20251215-4449c170", "0.5.7", ()),
        ("dev", "", ()),
    ],
)
def test_a_build_of_a_day_is_read_as_the_release_after_it(
    tag: str, release: str, cuda: tuple[int, ...]
) -> None:
    facts = read_facts(Combination(image=f"lmsysorg/sglang:{tag}"))
    assert (facts.release.version if facts.release else "", facts.cuda) == (release, cuda)


def test_tgi_is_unmaintained_as_a_warning() -> None:
    findings = check(Combination(runtime="tgi", runtime_version="3.3.7", gpu="l4"))
    assert [(item.code, item.severity) for item in findings] == [("RUNTIME_UNMAINTAINED", Severity.WARNING)]


def test_the_end_of_kubernetes_support_depends_on_the_day() -> None:
    combination = Combination(platform="eks", kubernetes="1.31")
    assert check(combination) == []
    assert [item.code for item in check(combination, date(2026, 12, 1))] == ["K8S_VERSION"]


@pytest.mark.parametrize(
    "spelling",
    ["570.124.06", 570.124, "570", 570, "570.x", "R570", "nvidia-driver-570-server", "<580", "older than 580",
     "CUDA 12.8"],
)  # fmt: skip
def test_drivers_are_read_in_any_spelling(spelling: object) -> None:
    data = {
        "driver": spelling,
        "runtime": "vllm",
        "runtime_version": "vLLM v0.20.0",
        "gpu": "NVIDIA H100 80GB HBM3",
    }
    assert _errors(parse_combination(data)) == ["DRIVER_TOO_OLD_FOR_CUDA_MAJOR"]


@pytest.mark.parametrize(
    ("engine", "cuda"),
    [
        ({"runtime": "vllm", "runtime_version": "v0.20.0-cu129"}, 12),
        ({"runtime": "vllm", "runtime_version": "0.19.1+cu130", "install": "pip"}, 13),
        ({"runtime": "vllm", "runtime_version": "latest (2026-03)"}, 12),
        ({"runtime": "vllm", "runtime_version": "latest (2026-05)"}, 13),
        ({"runtime": "sglang", "runtime_version": "main, 2026-06"}, 13),
        ({"image": "lmsysorg/sglang:nightly-dev-cu13-20260608-303757cc"}, 13),
        ({"image": "nvidia/cuda:13.0.1-runtime-ubuntu22.04"}, 13),
        ({"runtime": "vllm (torch 2.10)"}, 12),
        ({"runtime": "pytorch", "runtime_version": "2.10.0"}, 12),
        ({"runtime": "pytorch", "runtime_version": "2.11.0"}, 13),
    ],
)
def test_the_cuda_of_a_build_is_read_from_whatever_names_it(engine: dict[str, Any], cuda: int) -> None:
    data = {"gpu": "h100-sxm", "driver": "570.124.06", **engine}
    assert ("DRIVER_TOO_OLD_FOR_CUDA_MAJOR" in _errors(parse_combination(data))) is (cuda == 13)


@pytest.mark.parametrize(
    ("name", "generation"),
    [
        ("NVIDIA GeForce GTX 970", "legacy"), ("Tesla V100-SXM2-16GB", "legacy"),
        ("V100-PCIE-32GB", "legacy"), ("Quadro P5000", "legacy"), ("MX150", "legacy"),
        ("Quadro RTX 8000", "turing"), ("RTX A2000", "ampere"),
        ("RTX 5000 Ada Generation", "ada"), ("RTX 4090 24GB", "ada"), ("4x RTX 3090", "ampere"),
        ("RTX PRO 6000 Blackwell Max-Q", "blackwell"), ("RTX PRO 4000 Blackwell", "blackwell"),
        ("RTX 5070 Ti", "blackwell"),
    ],
)  # fmt: skip
def test_cards_are_read_by_the_parts_of_their_name(name: str, generation: str) -> None:
    closed = _errors(Combination(gpu=name, driver="595.71.05", kernel_module="proprietary"))
    expected = {"legacy": ["DRIVER_DROPPED_GPU"], "blackwell": ["OPEN_MODULE_UNSUPPORTED"]}
    assert closed == expected.get(generation, [])


@pytest.mark.parametrize(
    "env",
    [
        {"LD_LIBRARY_PATH": "/usr/local/nvidia/lib64"},
        ["LD_LIBRARY_PATH=/usr/local/nvidia/lib64"],
        [{"name": "LD_LIBRARY_PATH", "value": "/usr/local/nvidia/lib64"}],
        "LD_LIBRARY_PATH=/usr/local/nvidia/lib64 HF_HOME=/cache",
    ],
)
def test_the_environment_is_read_in_any_form(env: Any) -> None:
    data = {"platform": "gke", "gpu": "l4", "image": "vllm/vllm-openai:v0.10.0", "driver_managed_by": "cloud"}
    assert _errors(parse_combination(data)) == ["DRIVER_LIB_PATH"]
    assert _errors(parse_combination({**data, "env": env})) == []


def test_gke_library_path_is_only_likely_while_neither_image_nor_environment_is_stated() -> None:
    unsaid = {"platform": "gke", "gpu": "l4", "runtime": "vllm", "runtime_version": "0.10.0"}
    assert verdict_of(check(parse_combination(unsaid))) == "warn"
    assert _errors(parse_combination({**unsaid, "env": {}})) == ["DRIVER_LIB_PATH"]


@pytest.mark.parametrize(
    ("model", "gpu", "count"),
    [
        ("deepseek-ai/DeepSeek-R1", "h100-sxm", 8),  # 671 GB of FP8 on 640 GB
        ("meta-llama/Llama-3.1-8B-Instruct", "t4", 1),  # 16 GB of bfloat16 on 16 GB
        ("mistralai/Mixtral-8x7B-Instruct-v0.1", "a100-80gb-sxm", 1),
        ("Qwen/Qwen2.5-72B-Instruct", "h100-sxm", 1),
    ],
)
def test_weights_that_leave_nothing_do_not_fit(model: str, gpu: str, count: int) -> None:
    combination = Combination(model=model, gpu=gpu, gpu_count=count, tensor_parallel=count, runtime="vllm")
    assert "MEMORY_WEIGHTS" in _errors(combination)


def test_a_driver_that_yaml_took_for_a_number_counts_as_its_branch() -> None:
    data = {"gpu": "l4", "driver": 550.12, "runtime": "vllm", "runtime_version": "0.8.5"}
    assert check(parse_combination(data)) == []


def test_dynamo_versions_are_not_read_as_versions_of_its_engine() -> None:
    data = {"gpu": "h100", "runtime": "dynamo+vllm", "runtime_version": "1.6.0", "driver": "580.95.05"}
    assert check(parse_combination(data)) == []


@pytest.mark.parametrize(
    ("data", "codes"),
    [
        # GeForce: the container does not start, so nobody gets to the call that finds the driver too old
        (
            {"gpu": "rtx-4090", "driver_branch": 570, "image": "vllm/vllm-openai:v0.20.2"},
            ["IMAGE_REQUIRE_GATE", "FWD_COMPAT_UNSUPPORTED_HW", "DRIVER_TOO_OLD_FOR_CUDA_MAJOR"],
        ),
        # an operator outside of its Kubernetes range may run; a driver image that does not exist never does
        (
            {
                "os": "Talos v1.6.1",
                "gpu_operator": "23.9.1",
                "kubernetes": "1.29",
                "driver_managed_by": "operator",
            },
            ["OS_NO_DRIVER_CONTAINER", "K8S_VERSION"],
        ),
        (
            {"gpu": "gb10", "runtime": "vllm", "cuda": "12.8"},
            ["TOOLCHAIN_TOO_OLD_FOR_SM", "SM_NOT_IN_BINARY"],
        ),
    ],
)
def test_the_nearest_cause_comes_first(data: dict[str, Any], codes: list[str]) -> None:
    assert _errors(parse_combination(data)) == codes


def test_a_fix_keeps_the_gpu_and_changes_the_image_tag() -> None:
    proposal = propose(Combination(gpu="a100-80gb", driver="550.163.01", image="vllm/vllm-openai:v0.20.0"))
    assert proposal is not None
    assert proposal.changes["image"] == "vllm/vllm-openai:v0.20.0-cu129"
    assert "gpu" not in proposal.changes


def test_values_of_the_environment_are_never_shown() -> None:
    secret = "not-a-real-token"
    env = {"HF_TOKEN": secret, "VLLM_USE_V1": "1"}
    findings = check(Combination(gpu="t4", runtime="vllm", runtime_version="0.8.0", env=env))
    assert [item.code for item in findings] == ["ENGINE_MIN_SM"]
    assert all(secret not in str(item) for item in findings)


def test_every_field_problem_is_reported_at_once_with_a_hint() -> None:
    with pytest.raises(SpecError) as caught:
        parse_combination({"gpuu": "l4", "gpu_count": -1, "max_model_len": "many", "env": 3}, "[3]")
    assert [item.path for item in caught.value.findings] == [
        "[3].gpuu", "[3].gpu_count", "[3].max_model_len", "[3].env",
    ]  # fmt: skip
    assert 'did you mean "gpu"' in caught.value.findings[0].fix


def test_the_package_offers_check_as_a_function() -> None:
    assert gpuyard.compat.check is check


def test_every_code_has_an_incident_or_a_test() -> None:
    tested = {code for code, _, _ in INCIDENTS} | {
        "RUNTIME_NEWER_THAN_CATALOG",
        "RUNTIME_UNMAINTAINED",
        "DRIVER_TOO_OLD_FOR_GPU",
        "MIG_UNSUPPORTED",
        "CONTEXT_ABOVE_MODEL",
    }
    assert tested == set(CODES)


def test_a_gpu_without_mig_and_one_that_the_driver_does_not_know() -> None:
    assert _errors(Combination(gpu="l4", mig="1g.6gb")) == ["MIG_UNSUPPORTED"]
    assert _errors(Combination(gpu="b200", driver="565.57.01")) == ["DRIVER_TOO_OLD_FOR_GPU"]


def test_the_reference_page_is_the_table_of_codes() -> None:
    assert (ROOT / "docs/reference/findings.md").read_text(encoding="utf-8") == render_reference()


_VALUES = st.one_of(
    st.none(), st.booleans(), st.integers(-5, 700), st.floats(-1, 700), st.text(max_size=12), st.just("vllm"),
    st.just("12.8"), st.just("b200"), st.just("570.124.06"), st.just({"A": "--b"}),
    st.just(["--swap-space 4"]),
)  # fmt: skip


@settings(max_examples=300, deadline=None)
@given(st.dictionaries(st.sampled_from(FIELDS), _VALUES, max_size=10))
def test_any_values_give_findings_or_a_spec_error_and_never_a_crash(data: dict[str, Any]) -> None:
    try:
        combination = parse_combination(data)
    except SpecError as error:
        combination = Combination()
        data = {"problems": error.findings}
    findings = check(combination)
    assert data.get("problems", True)
    assert findings == check(combination)
    assert all(item.code in CODES and item.message for item in findings)


def _run(tmp_path: Path, text: str, *options: str) -> subprocess.CompletedProcess[str]:
    path = tmp_path / "combinations.yaml"
    path.write_text(text, encoding="utf-8")
    command = [
        sys.executable,
        "-c",
        "from gpuyard.cli.main import main; main()",
        "compat",
        str(path),
        *options,
    ]
    return subprocess.run(command, capture_output=True, text=True, check=False)


def test_the_verb_prints_verdicts_in_order_and_exits_1_on_a_failure(tmp_path: Path) -> None:
    result = _run(tmp_path, "- {gpu: l4}\n- {gpu: t4, dtype: bf16}\n", "--format", "json")
    assert result.returncode == 1, result.stderr
    answers = yaml.safe_load(result.stdout)
    assert [item["verdict"] for item in answers] == ["pass", "fail"]
    assert answers[1]["findings"][0]["code"] == "DTYPE_UNSUPPORTED"


@pytest.mark.parametrize(
    ("text", "place"),
    [
        ("- {gpu: l4}\n- {gpuu: l4, mig: [1]}\n", "[1].gpuu"),
        ("gpu: l4\n", "list"),
        ("- {gpu: l4\n", "not YAML"),
        ("- l4\n", "[0]"),
    ],
)
def test_bad_files_exit_2_and_say_where(tmp_path: Path, text: str, place: str) -> None:
    result = _run(tmp_path, text)
    assert result.returncode == 2
    assert place in result.stderr
    assert "Traceback" not in result.stderr


@pytest.mark.parametrize(
    ("text", "manager"),
    [
        ("operator", "operator"),
        ("gpu-operator (driver container)", "operator"),
        ("cloud (gke-gpu-driver-version: latest)", "cloud"),
        ("INSTALLATION_DISABLED", "none"),
        ("node image, driver.enabled=false", "image"),
        ("preinstalled on the host", "image"),
        (None, ""),
    ],
)
def test_who_installs_the_driver_is_read_in_any_words(text: str | None, manager: str) -> None:
    assert read_manager(text) == manager


@pytest.mark.parametrize(
    ("data", "platform", "kubernetes"),
    [
        ({"platform": "openshift", "kubernetes": "4.18"}, "openshift", (1, 31)),
        ({"os": "RHCOS", "kubernetes": "4.18.21"}, "", (1, 31)),
        ({"kubernetes": "EKS 1.33"}, "eks", (1, 33)),
        ({"platform": "kubernetes", "os": "EKS 1.33"}, "eks", (1, 33)),
        ({"ami": "amazon-eks-node-al2023-x86_64-nvidia-1.35-v20260714"}, "eks", (1, 35)),
        ({"platform": "Amazon EKS", "kubernetes": "v1.29.1-eks-508b6b3"}, "eks", (1, 29, 1)),
    ],
)
def test_platform_and_kubernetes_are_read_wherever_they_stand(
    data: dict[str, Any], platform: str, kubernetes: tuple[int, ...]
) -> None:
    facts = read_facts(parse_combination(data))
    assert (facts.platform, facts.kubernetes) == (platform, kubernetes)


@pytest.mark.parametrize(
    ("data", "size"),
    [
        ({"model": "Meta-Llama-3.3-70B-Instruct-Q8_0.gguf"}, "69.8 GiB"),
        ({"model": "Meta-Llama-3.3-70B-Instruct", "quantization": "q8_0"}, "69.8 GiB"),
        ({"model": "Meta-Llama-3.3-70B-Instruct-GGUF"}, ""),
    ],
)
def test_weights_of_a_gguf_file_are_sized_by_its_type(data: dict[str, Any], size: str) -> None:
    told_of = {"gpu": "l40s", "runtime": "vllm", "runtime_version": "0.11.0", "tensor_parallel": 1, **data}
    told = [
        finding.message for finding in check(parse_combination(told_of)) if "weights take" in finding.message
    ]
    assert told if size else not told
    assert all(size in message for message in told)


@pytest.mark.parametrize(
    ("owner", "severity"),
    [("apt", "warning"), ("manual (runfile)", "warning"), ("image", ""), ("operator", "")],
)
def test_a_driver_by_hand_leaves_fabric_manager_open(owner: str, severity: str) -> None:
    found = check(Combination(gpu="h100-sxm", gpu_count=8, platform="bare", driver_managed_by=owner))
    assert [str(item.severity) for item in found if item.code == "FABRIC_MANAGER"] == [severity][
        : bool(severity)
    ]


@pytest.mark.parametrize(
    ("owner", "env", "code", "severity"),
    [
        (None, {_PLUGIN_OFF: True, "gpu-driver-version": "default"}, "DRIVER_INSTALL_DISABLED", "error"),
        ("cloud", {_PLUGIN_OFF: True}, "DRIVER_INSTALL_DISABLED", "warning"),
        ("cloud", {_PLUGIN_OFF: True, "gpu-driver-version": "default"}, "DRIVER_INSTALL_DISABLED", "warning"),
        ("daemonset", {_PLUGIN_OFF: True}, "DRIVER_INSTALL_DISABLED", ""),
        ("cloud", {"devicePlugin.enabled": True}, "OPERATOR_DUPLICATE_STACK", "warning"),
        ("cloud", {"devicePlugin.enabled": False}, "OPERATOR_DUPLICATE_STACK", ""),
    ],
)
def test_gke_has_one_device_plugin_and_it_finishes_the_driver(
    owner: str | None, env: dict[str, Any], code: str, severity: str
) -> None:
    data = {"platform": "gke", "os": "cos", "gpu": "l4", "driver_managed_by": owner, "env": env}
    found = check(parse_combination(data))
    assert [str(item.severity) for item in found if item.code == code] == [severity][: bool(severity)]


@pytest.mark.parametrize(
    ("env", "expected"),
    [
        ("LD_LIBRARY_PATH=/usr/local/nvidia/lib64:/usr/local/nvidia/lib", []),
        ("LD_LIBRARY_PATH=/usr/lib/x86_64-linux-gnu:/usr/local/cuda/compat", []),
        ("LD_LIBRARY_PATH=/usr/local/cuda/compat:/usr/local/nvidia/lib64", ["COMPAT_LIB_MISMATCH"]),
        (
            "VLLM_ENABLE_CUDA_COMPATIBILITY=1 LD_LIBRARY_PATH=/usr/local/nvidia/lib64",
            ["COMPAT_LIB_MISMATCH"],
        ),
        (None, ["COMPAT_LIB_MISMATCH"]),
    ],
)
@pytest.mark.parametrize("runtime", ["gpustack+vllm", "vllm", "comfyui"])
def test_the_drivers_folders_in_front_of_the_path_mend_an_older_libcuda(
    env: str | None, expected: list[str], runtime: str
) -> None:
    asked = Combination(
        driver="580.126.20",
        runtime=runtime,
        runtime_version="0.15.0" if "vllm" in runtime else None,
        install="docker",
        cuda="12.9",
        image_has_compat_libs=True,
        env=env,
    )
    assert _errors(asked) == expected


@pytest.mark.parametrize(
    ("model", "release", "size", "fits"),
    [
        ("Qwen/Qwen1.5-14B-Chat-GPTQ-Int4", None, 8, True),
        ("Qwen/Qwen1.5-14B-Chat-GPTQ-Int4", "0.3.3", 2, False),
        ("Qwen1.5-14B-Chat-GPTQ-Int4", "0.4.2", 2, True),
        ("finetuned/Qwen1.5-14B-Chat-GPTQ-Int4", "0.4.2", 2, False),
        ("Qwen/Qwen1.5-14B-Chat-AWQ", "0.4.2", 2, False),
    ],
)
def test_a_checkpoint_that_its_publisher_padded_splits(
    model: str, release: str | None, size: int, *, fits: bool
) -> None:
    asked = Combination(
        runtime="vllm", runtime_version=release, model=model, quantization=None, tensor_parallel=size
    )
    assert ("TP_QUANT_BLOCK" not in _errors(asked)) is fits


@pytest.mark.parametrize(
    ("told", "driver", "fails"),
    [
        ("535.183.01 (does not match driver)", None, True),
        ("535.183.01, not running", "535.183.01", True),
        ("535.183.01 running, no errors", "535.183.01", False),
        ("535.183.01, was missing before", "535.183.01", False),
    ],
)
def test_words_beside_a_version_tell_how_fabric_manager_does(
    told: str, driver: str | None, *, fails: bool
) -> None:
    asked = Combination(gpu="h100-sxm", gpu_count=8, platform="aws", fabric_manager=told, driver=driver)
    assert ("FABRIC_MANAGER" in _errors(asked)) is fails


@pytest.mark.parametrize(
    ("dra_driver", "env", "severity"),
    [
        (None, "featureGates.IMEXDaemonsWithDNSNames=true", "error"),
        (None, {"featureGates": {"IMEXDaemonsWithDNSNames": True}}, "error"),
        (None, "--feature-gates=IMEXDaemonsWithDNSNames=false", ""),
        ("25.8.0", None, "error"),
        ("0.4.1", None, "error"),
        ("25.8.0", {"resources": {"computeDomains": {"enabled": False}}}, ""),
        ("25.3.0", None, ""),
    ],
)
def test_compute_domains_ask_for_a_newer_driver_than_dra(
    dra_driver: str | None, env: Any, severity: str
) -> None:
    asked = Combination(platform="aks", driver="570.124.06", dra_driver=dra_driver, env=env)
    found = [str(item.severity) for item in check(asked) if item.code == "DRA_DRIVER_MIN"]
    assert found == [severity][: bool(severity)]


@pytest.mark.parametrize(
    ("gpu", "release", "fails"),
    [
        ("l40s", "0.11.0", True),
        ("l40s", "0.12.0.dev2024070200", True),
        ("l40s", "0.12.0", False),
        ("h100-sxm", "0.10.0", False),
        ("a100-80gb", None, True),
        ("rtx-5090", "0.17.0", True),
        ("rtx-5090", "0.20.0", False),
    ],
)
def test_fp8_attention_over_the_prompt_came_to_each_gpu_in_its_release(
    gpu: str, release: str | None, *, fails: bool
) -> None:
    for told, asked in (("enable", True), ("disable", False)):
        given = Combination(
            gpu=gpu,
            runtime="tensorrt-llm",
            runtime_version=release,
            env=f"--use_fp8_context_fmha {told}",
        )
        assert ("ATTN_BACKEND_MISSING" in _errors(given)) is (fails and asked)


@pytest.mark.parametrize(("runtime", "fails"), [("vllm", True), ("tensorrt-llm", False)])
def test_tensorrt_llms_share_is_of_what_weights_leave(runtime: str, *, fails: bool) -> None:
    """74.6 GiB of weights on an H100, which sees 78.9."""
    given = Combination(gpu="h100-sxm", gpu_count=1, runtime=runtime, model="OpenGVLab/InternVL2-40B")
    assert bool({"MEMORY_WEIGHTS", "MEMORY_KV"} & set(_errors(given))) is fails


@pytest.mark.parametrize("cuda", ["570.x", "1.", 0, -3, 1e9])
def test_a_cuda_that_is_none_beside_the_wheel_of_vllm_is_no_crash(cuda: str | float) -> None:
    asked = Combination(runtime="vllm", runtime_version="0.20.0", install="pip", cuda=cuda)
    assert "RUNTIME_LIB_MISSING" not in _errors(asked)


@pytest.mark.parametrize(
    "env",
    [
        {"driver": {"enabled": False}, "toolkit": {"version": "v1.17.8"}, "HF_HOME": "/models"},
        "gpu-operator installed HF_HOME=/models",
    ],
)
@pytest.mark.parametrize("operator", [None, "25.3.0"])
def test_the_way_out_of_an_operator_on_autopilot_takes_its_values_along(
    env: Any, operator: str | None
) -> None:
    asked = Combination(platform="gke autopilot", gpu="l4", gpu_operator=operator, env=env)
    assert {"OPERATOR_DUPLICATE_STACK", "OS_NO_DRIVER_CONTAINER"} <= set(_errors(asked))
    proposal = propose(asked)
    assert proposal is not None
    assert _errors(changed(asked, proposal.changes)) == []
    assert proposal.changes["env"] == {"HF_HOME": "/models"}


@pytest.mark.parametrize(
    "stated",
    [
        {"runtime": "bitsandbytes", "runtime_version": "0.45.0", "cuda": "12.8"},
        {"runtime": "ctranslate2", "runtime_version": "4.6.0", "host_toolkit": "13.0"},
    ],
)
def test_what_wheels_lack_is_not_said_of_conda(stated: dict[str, Any]) -> None:
    assert verdict_of(check(parse_combination({**stated, "install": "pip"}))) == "fail"
    assert verdict_of(check(parse_combination({**stated, "install": "conda"}))) != "fail"
