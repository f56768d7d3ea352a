"""Lists of architectures, however a build is told them, and torch's wheels under applications."""

from typing import Any

import pytest

from gpuyard.compat.architectures import read_lists
from gpuyard.compat.check import check
from gpuyard.compat.combination import parse_combination

CODE = "SM_NOT_IN_BINARY"


def _found(**data: Any) -> list[str]:
    return [str(item.severity) for item in check(parse_combination(data)) if item.code == CODE]


@pytest.mark.parametrize(
    ("env", "names"),
    [
        ("CMAKE_CUDA_ARCHITECTURES=750,800,1200 (as shipped)", "7.5 8.0+ 12.0"),
        ("CMAKE_ARGS=-DCMAKE_CUDA_ARCHITECTURES=86-real;90a-real", "8.6 9.0"),
        ("TORCH_CUDA_ARCH_LIST='7.5 8.0' PORT=8000", "7.5 8.0"),
        ("TORCH_CUDA_ARCH_LIST=8.0, PORT=8000", "8.0"),
        ({"CMAKE_CUDA_ARCHITECTURES": 86}, "8.6"),
        ([{"name": "CUDA_DOCKER_ARCH", "value": "sm_86"}], "8.6"),
        ("CMAKE_CUDA_ARCHITECTURES=native", None),
        ("CMAKE_CUDA_ARCHITECTURES=75;native", None),
        ("TORCH_CUDA_ARCH_LIST=Ampere;Hopper", None),
        ("CUDA_ARCHITECTURES=${ARCHS}", None),
        ("CUDA_VISIBLE_DEVICES=0 --max-model-len 8000", None),
    ],
)
def test_lists_are_read_in_every_spelling(env: Any, names: str | None) -> None:
    expected = [] if names is None else [[tuple(map(int, n.strip("+").split("."))) for n in names.split()]]
    assert [[item.sm for item in listed] for _, listed in read_lists(env)] == expected


@pytest.mark.parametrize(
    ("gpu", "env", "fails"),
    [
        ("gtx-1080-ti", "CMAKE_CUDA_ARCHITECTURES=75;80", True),
        ("rtx-3090", "CMAKE_CUDA_ARCHITECTURES=80-real", False),
        ("rtx-5090", "CMAKE_CUDA_ARCHITECTURES=86;89", False),
        ("rtx-5090", "CMAKE_CUDA_ARCHITECTURES=86-real;89-real", True),
        ("rtx-5090", "CMAKE_CUDA_ARCHITECTURES=86-real;89-virtual", False),
        ("rtx-5090", "TORCH_CUDA_ARCH_LIST=8.6;9.0", True),
        ("rtx-5090", "TORCH_CUDA_ARCH_LIST=8.6;9.0+PTX", False),
        ("h200", "TORCH_CUDA_ARCH_LIST=9.0a", False),
        ("b200", "CMAKE_CUDA_ARCHITECTURES=90a", True),
        ("gb10", "CMAKE_CUDA_ARCHITECTURES=120f", False),
        ("gb10", "CMAKE_CUDA_ARCHITECTURES=120a-real", True),
    ],
)
def test_a_build_runs_on_what_it_has_code_or_older_ptx_for(gpu: str, env: str, *, fails: bool) -> None:
    assert _found(gpu=gpu, runtime="my engine", install="source", env=env) == ["error"] * fails


@pytest.mark.parametrize(("install", "severity"), [("pip", "warning"), ("source", "error")])
def test_finished_builds_read_the_list_of_torch_for_what_they_compile_later(
    install: str, severity: str
) -> None:
    asked = {"gpu": "h100", "runtime": "vllm", "runtime_version": "0.20.0", "install": install}
    assert _found(**asked, env="TORCH_CUDA_ARCH_LIST=8.0;8.6") == [severity]


def test_the_fix_stands_where_the_list_stood() -> None:
    asked = {"gpu": "p100", "runtime": "llama-cpp-python", "install": "source"}
    (finding,) = check(parse_combination({**asked, "env": "CMAKE_ARGS=-DCMAKE_CUDA_ARCHITECTURES=75;80"}))
    assert finding.fix is not None
    assert "CMAKE_CUDA_ARCHITECTURES=60;75;80" in finding.fix


@pytest.mark.parametrize(
    ("gpu", "data", "severity"),
    [
        ("gtx-1080-ti", {"install": "pip", "cuda": "12.8"}, "error"),
        ("gtx-1080-ti", {"install": "pip", "env": "torch 2.8.0+cu128", "os": "windows10"}, "error"),
        ("gtx-1080-ti", {"install": "pip", "env": "torch==2.8.0"}, ""),
        ("gtx-1080-ti", {"install": "pip", "env": "torch 2.8.0.dev20250601+cu128"}, "error"),
        ("rtx-5090", {"install": "pip", "env": "torch>=2.4"}, "warning"),
        ("rtx-5090", {"install": "pip", "env": "torch==2.7.0"}, "warning"),
        ("gtx-1080-ti", {"install": "pip", "env": "torch 2.8.0+cu126"}, ""),
        ("gtx-1080-ti", {"install": "conda", "cuda": "12.9"}, ""),
        ("gtx-1080-ti", {"install": "docker", "cuda": "12.8"}, "error"),
        ("gtx-1080-ti", {"image": "pytorch/pytorch:2.7.1-cuda12.8-cudnn9-runtime"}, "error"),
        ("v100", {"install": "pip", "cuda": "12.8"}, ""),
        ("v100", {"install": "pip", "env": "torch==2.7.1+cu128"}, "error"),
        ("v100", {"install": "pip", "env": "torch==2.10.0+cu128"}, ""),
        ("v100", {"install": "pip", "env": "torch==2.11.0+cu128"}, "error"),
        ("rtx-5080", {"install": "pip", "env": "torch 2.7.1+cu126"}, "error"),
    ],
)
def test_applications_of_torch_have_the_machine_code_of_its_wheel(
    gpu: str, data: dict[str, Any], severity: str
) -> None:
    assert _found(gpu=gpu, runtime="comfyui", **data) == [severity][: bool(severity)]
