"""llama.cpp with every layer on the GPU, and what keeps a part with the host."""

from typing import Any

import pytest

from gpuyard.compat.check import check
from gpuyard.compat.combination import parse_combination

LARGE = {
    "gpu": "rtx-4090",
    "gpu_count": 1,
    "runtime": "llama.cpp",
    "model": "bartowski/Meta-Llama-3-70B-Instruct-GGUF:Q4_K_M",
    "env": "-ngl 99 -c 4096",
}


def _said(**more: Any) -> list[tuple[str, str]]:
    found = check(parse_combination({**LARGE, **more}))
    return [(item.severity.value, item.code) for item in found if item.code.startswith("MEMORY")]


@pytest.mark.parametrize(
    ("more", "said"),
    [
        ({}, [("error", "MEMORY_WEIGHTS")]),
        ({"env": "-ngl all"}, [("error", "MEMORY_WEIGHTS")]),
        ({"gpu_count": None}, [("warning", "MEMORY_WEIGHTS")]),
        ({"gpu_count": 2}, []),
        ({"env": "-ngl 40 -c 4096"}, []),
        ({"env": "-ngl 99 --cpu-moe"}, []),
        ({"env": "GGML_CUDA_ENABLE_UNIFIED_MEMORY=1 -ngl 99"}, []),
        ({"os": "Windows 11"}, []),
        ({"gpu_count": 2, "env": "-ngl 99 -c 131072"}, [("error", "MEMORY_KV")]),
        ({"gpu_count": 2, "env": "-ngl 99 -c 131072 -ctk q4_0 -ctv q4_0"}, []),
    ],
)
def test_the_file_and_the_cache_must_fit(more: dict[str, Any], said: list[tuple[str, str]]) -> None:
    assert _said(**more) == said


def test_the_way_out_puts_fewer_layers_there() -> None:
    first = check(parse_combination(LARGE))[0]
    assert first.fix.startswith("put 44 layers on the GPU (-ngl 44)")
