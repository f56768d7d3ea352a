"""Sequences that are longer than the model was made for."""

from typing import Any

import pytest

from gpuyard.compat.check import check
from gpuyard.compat.combination import parse_combination

QWEN = {"model": "Qwen/Qwen3-8B", "runtime": "vllm"}


def _found(data: dict[str, Any]) -> list[tuple[str, str]]:
    findings = check(parse_combination(data))
    return [(item.severity.value, item.fix) for item in findings if item.code == "CONTEXT_ABOVE_MODEL"]


def test_the_model_s_own_length_is_the_way_out():
    assert _found({**QWEN, "max_model_len": 65536}) == [("warning", "set --max-model-len 40960")]
    asked = {"model": "Qwen/Qwen3-8B", "runtime": "sglang", "env": "--context-length 65536"}
    assert _found(asked) == [("warning", "set --context-length 40960")]


@pytest.mark.parametrize(
    "changes",
    [
        {"max_model_len": 40960},
        {"max_model_len": 65536, "runtime": "tgi"},
        {"max_model_len": 65536, "model": "org/unknown-8b"},
        {"max_model_len": 65536, "env": "VLLM_ALLOW_LONG_MAX_MODEL_LEN=1"},
        {"max_model_len": 65536, "env": '--hf-overrides \'{"rope_parameters": {"factor": 2.0}}\''},
    ],
)
def test_nothing_is_said_where_it_may_be_so(changes: dict[str, Any]):
    assert _found({**QWEN, **changes}) == []


def test_the_variable_that_is_off_allows_nothing():
    assert _found({**QWEN, "max_model_len": 65536, "env": "VLLM_ALLOW_LONG_MAX_MODEL_LEN=0"})
