"""Flags by release, as the releases' own parsers have them."""

import pytest

from gpuyard.catalog.software_support import quantization_support, runtime_flags
from gpuyard.compat.check import check
from gpuyard.compat.combination import Combination


def _codes(runtime: str, version: str | None, env: str, image: str | None = None) -> list[tuple[str, str]]:
    found = check(Combination(runtime=runtime, runtime_version=version, env=env, image=image))
    return [(item.code, str(item.severity)) for item in found]


@pytest.mark.parametrize(
    ("runtime", "version", "env", "answer"),
    [
        ("vllm", "0.17.1", "--swap-space 4", []),
        ("vllm", "0.18.0", "--swap-space 4", [("FLAG_REMOVED", "error")]),
        ("vllm", "0.12.0", "--task embed", []),
        ("vllm", "0.13.0", "--task embed", [("FLAG_REMOVED", "error")]),
        ("vllm", "0.17.1", "--shutdown-timeout 60", [("FLAG_UNKNOWN", "error")]),
        ("vllm", "0.18.1", "--shutdown-timeout 60", []),
        ("vllm", None, "--shutdown-timeout 60", []),
        ("vllm", "0.33.0", "--no-enable-prefix-caching", []),
        ("vllm", "0.33.0", "--compilation-config.level 3", []),
        ("vllm", "0.33.0", "--max-num-seq 8", []),  # parsers take unique beginnings
        ("vllm", "0.33.0", "--tensor_parallel_size 2", []),
        ("vllm", "0.33.0", "--max-modellen 4096", [("FLAG_UNKNOWN", "error")]),
        ("vllm", "0.33.0", "--some-plug-in-flag 1", [("FLAG_UNKNOWN", "error")]),
        ("vllm", None, "--some-plug-in-flag 1", [("FLAG_UNKNOWN", "warning")]),
        ("vllm", "0.8.5", "bash start.sh --ray_address a; vllm serve m", [("FLAG_UNKNOWN", "warning")]),
        ("sglang", "0.4.3", "--enable-reasoning", [("FLAG_UNKNOWN", "error")]),
        ("sglang", "0.4.4", "--enable_metrics", [("FLAG_UNKNOWN", "error")]),
        ("vllm", "0.15.0", "--omni", [("FLAG_UNKNOWN", "error")]),
        ("vllm-omni", "0.20.0", "--omni", [("FLAG_UNKNOWN", "warning")]),
        ("sglang", "0.3.0", "--model m", []),  # the only flag that began so
        ("sglang", "0.5.13", "--cuda-graph-max-bs 8 --stream-output", []),
        ("sglang", "0.5.19", "--cuda-graph-max-bs 8 --stream-output", [("FLAG_REMOVED", "warning")]),
        ("sglang", "0.5.19", "cuda_graph_max_bs=8", [("FLAG_REMOVED", "error")]),
        ("vllm", "0.11.0", "--disable-log-requests", [("FLAG_REMOVED", "warning")]),
        ("vllm", "0.11.0", "disable_log_requests=True", [("FLAG_REMOVED", "error")]),
        ("llama.cpp", "b9100", "--draft-max 16", [("FLAG_REMOVED", "error")]),
        ("llama.cpp", "b8929", "--draft-max 16", []),
        ("llama.cpp", "b10700", "--draft-model a.gguf", [("FLAG_UNKNOWN", "error")]),
        ("llama.cpp", "b3600", "-hf a/b -ngl 99 -fa", [("FLAG_UNKNOWN", "error")]),
        ("llama.cpp", "b11000", "-dio --model-draft a.gguf", [("FLAG_REMOVED", "error")]),
        ("llama.cpp", "b1500", "--memory-f32", [("FLAG_UNKNOWN", "warning")]),
        ("sglang", "0.5.20", "--cuda-graph-max-bs 8", [("FLAG_REMOVED", "error")]),
        ("sglang", "0.5.20", "--stream-output", [("FLAG_REMOVED", "error")]),
        ("sglang", "0.1.20", "--tp 2 --dp 1", []),
        ("vllm", "0.5.4", "--limit-mm-per-prompt image=4", [("FLAG_UNKNOWN", "error")]),
        ("vllm", "0.2.7", "--max-paddings 256 --enforce-eager", []),
        ("vllm", "0.4.2", "--max-paddings 256", [("FLAG_REMOVED", "error")]),
        ("sglang", "0.5.2", "--enable-ep-moe", []),
        ("sglang", "0.5.3", "--enable-ep-moe", [("FLAG_REMOVED", "error")]),  # it raises, wheel of 0.5.3
        ("sglang", "0.5.5", "--enable-ep-moe", [("FLAG_REMOVED", "error")]),
        ("sglang", "0.5.23", "--context-length 4096 --mem-fraction-static 0.8", []),
        ("sglang", "0.5.10", "--max-model-len 4096", [("FLAG_UNKNOWN", "error")]),
        ("tensorrt-llm", "0.11.0", "--multi_block_mode enable", []),
        ("tensorrt-llm", "0.12.0", "--multi_block_mode enable", [("FLAG_REMOVED", "error")]),
        ("tensorrt-llm", "1.2.0", "--some_flag 1 --tp_size 8", []),
        ("tensorrt-llm", "1.2.0", "trtllm-serve m --max-model-len 4096", [("FLAG_UNKNOWN", "error")]),
        ("tensorrt-llm", "1.2.0", "trtllm-build --model m", []),
        ("llama.cpp", "b10883", "--no-mmap", []),
        ("llama.cpp", "b10884", "--no-mmap", [("FLAG_REMOVED", "error")]),
        ("llama.cpp", None, "--no-mmap -fa", [("FLAG_REMOVED", "warning")]),
        ("llama.cpp", "b6303", "-fa --ctx-size 4096", []),
        ("llama.cpp", "b6341", "-fa --ctx-size 4096", [("FLAG_REMOVED", "error")]),
        ("llama.cpp", "b6341", "-fa on --ctx-size 4096", []),
        ("ik_llama.cpp", "b6341", "-fa --ctx-size 4096", []),
        ("vllm", "0.14.0", "VLLM_ATTENTION_BACKEND=FLASH_ATTN", []),
        ("vllm", "0.15.0", "VLLM_ATTENTION_BACKEND=FLASH_ATTN", [("FLAG_REMOVED", "warning")]),
        ("vllm", None, "VLLM_ATTENTION_BACKEND=FLASH_ATTN", [("FLAG_REMOVED", "warning")]),
        ("vllm", None, "--enable-reasoning", [("FLAG_REMOVED", "warning")]),
        ("vllm", "0.12.0", "VLLM_USE_V1=1", [("FLAG_REMOVED", "warning")]),
        ("vllm", "0.12.0", "VLLM_USE_V1=0", [("FLAG_REMOVED", "error")]),
        ("vllm", "0.3.3", "python -m vllm.entrypoints.api_server --api-key k", [("FLAG_UNKNOWN", "error")]),
        ("vllm", "0.3.3", "python -m vllm.entrypoints.openai.api_server --api-key k", []),
        ("dynamo+vllm", "0.19.0", "--disable-log-requests", [("FLAG_REMOVED", "error")]),
        ("dynamo+vllm", "0.9.1", "--disable-log-requests", []),
    ],
)  # fmt: skip
def test_a_flag_is_judged_by_the_release(
    runtime: str, version: str | None, env: str, answer: list[tuple[str, str]]
) -> None:
    assert _codes(runtime, version, env) == answer


def test_hundreds_of_flags_are_known_and_spans_are_in_order() -> None:
    for runtime, least in (("vllm", 400), ("sglang", 500)):
        spans = runtime_flags(runtime)
        assert len(spans) >= least
        for span in spans.values():
            known = [version for version in (span.unknown_to, span.first_seen, span.gone_in) if version]
            assert known == sorted(known), span


@pytest.mark.parametrize(
    ("quantization", "version", "sm"),
    [
        ("fp8", (0, 13, 0, 0), (8, 0)),
        ("fp8", (0, 14, 0, 0), (7, 5)),
        ("w4a16", (0, 11, 2, 0), (8, 0)),
        ("w4a16", (0, 12, 0, 0), (7, 5)),
        ("modelopt_fp4", (0, 8, 5, 0), (10, 0)),
        ("modelopt_fp4", (), (7, 5)),
        ("made-up", (), ()),
    ],
)
def test_the_oldest_gpu_of_a_quantization_changes_with_the_release(
    quantization: str, version: tuple[int, ...], sm: tuple[int, ...]
) -> None:
    assert quantization_support("vllm", quantization, version).sm_min == sm


@pytest.mark.parametrize("runtime", ["tgi", "torchserve", "AutoAWQ 0.2", "ray-llm", "torchchat"])
def test_an_engine_that_nobody_maintains_is_a_warning(runtime: str) -> None:
    assert ("RUNTIME_UNMAINTAINED", "warning") in _codes(runtime, None, "")
    assert ("RUNTIME_UNMAINTAINED", "warning") not in _codes("torch", None, "")
