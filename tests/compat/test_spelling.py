"""Names and tags in the words of people, clouds and drivers: what is read of them."""

from pathlib import Path
from typing import Any

import pytest
import yaml

from gpuyard.compat.check import check
from gpuyard.compat.combination import Combination, parse_combination
from gpuyard.compat.reading import read_facts
from gpuyard.errors import Severity


@pytest.mark.parametrize(
    ("name", "sm", "memory_gib"),
    [
        ("rtx_pro_6000_8x", (12, 0), 96),
        ("RTX 6000 Pro", (12, 0), 96),
        ("RTX 6000 Ada", (8, 9), 48),
        ("RTX PRO 5000 72GB", (12, 0), 72),
        ("Quadro RTX 6000", (7, 5), 24),
        ("A100 40G", (8, 0), 40),
        ("A100 SXM", (8, 0), 80),
        ("gpu_1x_a100", (8, 0), 80),
        ("A100-80GB:8", (8, 0), 80),
        ("GRID A100-40C", (8, 0), 40),
        ("NVIDIA A10-24Q", (8, 6), 22.5),
        ("NVIDIA A100-SXM4-40GB MIG 1g.5gb", (8, 0), 40),
        ("8*H100", (9, 0), 80),
        ("H100x8", (9, 0), 80),
        ("H20-3e", (9, 0), 140),
        ("NVIDIA GH200 144G HBM3e", (9, 0), 144),
        ("RTX 4070 Ti SUPER", (8, 9), 16),
        ("A6000", (8, 6), 48),
        ("3090", (8, 6), 24),
        ("dgx_station_gb300", (10, 3), 278),
    ],
)
def test_a_card_is_known_by_any_of_its_names(name: str, sm: tuple[int, int], memory_gib: float) -> None:
    facts = read_facts(Combination(gpu=name))
    assert facts.sm == sm
    assert facts.memory_mib == pytest.approx(memory_gib * 1024, rel=0.05)


@pytest.mark.parametrize(
    ("image", "version"),
    [
        ("vllm/vllm-openai:v0.8.5.post1", (0, 8, 5, 1)),
        ("registry.example.com:5000/mirror/vllm/vllm-openai:v0.20.0@sha256:46da022c", (0, 20, 0, 0)),
        ("public.ecr.aws/deep-learning-containers/vllm:0.11.2-gpu-py312-cu129-ubuntu22.04", (0, 11, 2, 0)),
        ("gpustack/runner:cuda12.8-vllm0.13.0", (0, 13, 0, 0)),
        ("huggingface-pytorch-tgi-inference:2.4.0-tgi2.3.1-gpu-py311-cu124", (2, 3, 1, 0)),
        ("lmsysorg/sglang:v0.4.6.post5-cu124", (0, 4, 6, 5)),
        ("lmcache/vllm-openai:v0.3.1", ()),
        ("kserve/huggingfaceserver:v0.15.2-gpu", ()),
        ("registry.redhat.io/rhaiis/vllm-cuda-rhel9:3.2.0", ()),
        ("deepjavalibrary/djl-serving:0.33.0-lmi15.0.0-cu128", ()),
        ("ghcr.io/llm-d/llm-d-cuda:v0.3.1", ()),
        ("vllm/vllm-openai:minimax-m3-0618-x86_64-cu130", ()),
    ],
)
def test_a_tag_is_a_release_only_where_it_counts_the_engines(image: str, version: tuple[int, ...]) -> None:
    engine = next((name for name in ("tgi", "sglang") if name in image), "vllm")
    assert read_facts(Combination(runtime=engine, image=image)).version == version


def test_what_runs_goes_on_running_however_it_is_written(known_good: Any) -> None:
    refused = [
        (source, respelled)
        for source, data in known_good.published()
        for respelled in (_respelled(data),)
        if any(item.severity is Severity.ERROR for item in check(parse_combination(respelled)))
    ]
    assert refused == []


def test_what_fails_goes_on_failing_however_it_is_written() -> None:
    passed = [
        (row["code"], respelled)
        for file in sorted((Path(__file__).parent / "incidents").glob("*.yaml"))
        for row in yaml.safe_load(file.read_text(encoding="utf-8"))
        for respelled in (_respelled(row["combination"]),)
        if all(item.severity is not Severity.ERROR for item in check(parse_combination(respelled)))
    ]
    assert passed == []


@pytest.mark.parametrize(
    ("field", "text", "plain"),
    [
        ("model", "https://huggingface.co/Qwen/Qwen3-8B", "Qwen/Qwen3-8B"),
        ("model", "hf://Qwen/Qwen3-8B", "Qwen/Qwen3-8B"),
        ("image", '"vllm/vllm-openai:v0.20.0"', "vllm/vllm-openai:v0.20.0"),
        ("gpu_count", "x8", 8),
        ("driver", "nan", None),
        ("max_model_len", float("nan"), None),
        ("gpu", "not specified", None),
    ],
)
def test_quotes_addresses_and_gaps_are_read_over(field: str, text: object, plain: object) -> None:
    assert getattr(parse_combination({field: text}), field) == plain


@pytest.mark.parametrize(
    "name", ["amazon-linux-2023", "Amazon_Linux_2023", "AMAZON LINUX 2023", "AmazonLinux2023", "amzn-2023"]
)
def test_words_of_a_systems_name_may_be_joined(name: str) -> None:
    assert read_facts(Combination(os=name)).os == "Amazon Linux 2023"


def test_a_name_of_amds_is_no_compute_capability() -> None:
    assert read_facts(Combination(sm="gfx942")).sm == ()


def _respelled(data: dict[str, Any]) -> dict[str, Any]:
    """The same combination in capitals, with prefixes, digests and units."""
    ways = {
        "runtime": str.upper,
        "runtime_version": lambda text: f"v{text}" if text[0].isdigit() else text,
        "quantization": str.upper,
        "platform": str.upper,
        "dtype": lambda text: f"torch.{text}",
        "image": lambda text: f"mirror.example.com:5000/{text}" + ("" if "@" in text else "@sha256:0123abcd"),
        "driver": lambda text: f"NVIDIA {text}",
        "cuda": lambda text: f"CUDA {text}",
        "kv_cache_dtype": str.upper,
        "os": lambda text: text.replace(" ", "_"),
        "model": lambda text: f" {text}\n",
    }
    return {
        key: ways[key](value) if key in ways and isinstance(value, str) else value
        for key, value in data.items()
    }


@pytest.mark.parametrize(
    "env",
    [
        {"driver.enabled": False, "toolkit.enabled": "false"},
        {"driver": {"enabled": False}, "toolkit": {"enabled": False}},
        {"gpu-operator": {"driver": {"enabled": False}, "toolkit": {"enabled": False}}},
        "--set driver.enabled=false,toolkit.enabled=false",
        "--set gpu-operator.driver.enabled=false --set-string=toolkit.enabled=false",
        ["driver.enabled=false", "toolkit.enabled=false"],
    ],
)
def test_values_of_a_chart_are_read_in_any_form(env: Any) -> None:
    values = read_facts(Combination(env=env)).env
    assert {name: text.lower() for name, text in values.items()} == {
        "driver.enabled": "false",
        "toolkit.enabled": "false",
    }
