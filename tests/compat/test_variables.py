"""Environment variables that a release of vLLM does not read."""

import pytest

from gpuyard.catalog.software_support import runtime_variables
from gpuyard.compat.check import check
from gpuyard.compat.combination import parse_combination


def _found(env: str, release: str = "", **more: str) -> list[tuple[str, str]]:
    fields = {"runtime": "vllm", "env": env, **({"runtime_version": release} if release else {}), **more}
    findings = check(parse_combination(fields))
    return [(item.code, item.severity.value) for item in findings if item.code.startswith("FLAG_")]


@pytest.mark.parametrize(
    ("release", "expected"),
    [
        ("0.8.5", [("FLAG_UNKNOWN", "warning")]),
        ("0.9.0", []),
        ("0.15.1", []),
        ("0.16.0", [("FLAG_REMOVED", "warning")]),
        ("", [("FLAG_REMOVED", "warning")]),
    ],
)
def test_a_variable_is_read_from_one_release_to_another(release: str, expected: list[tuple[str, str]]):
    assert _found("VLLM_ALL2ALL_BACKEND=pplx", release) == expected


def test_an_image_of_a_branch_may_read_what_comes_later():
    image = "vllm/vllm-openai:nightly"
    assert _found("VLLM_ALL2ALL_BACKEND=pplx", "0.8.5", image=image) == []


def test_a_misspelt_one_is_warned_of_with_the_one_that_was_meant():
    env = {"VLLM_ATENTION_BACKEND": "FLASHINFER"}
    found = check(parse_combination({"runtime": "vllm", "runtime_version": "0.11.0", "env": env}))
    assert [item.message for item in found] == [
        "no release of vllm reads VLLM_ATENTION_BACKEND; did you mean VLLM_ATTENTION_BACKEND?"
    ]


@pytest.mark.parametrize("name", ["VLLM_SERVICE_HOST", "VLLM_MY_TEAM", "OTHER_VLLM_USE_V1"])
def test_variables_of_one_s_own_are_let_through(name: str):
    assert _found(f"{name}=1", "0.30.0") == []


def test_every_variable_that_is_gone_was_there_before():
    spans = [variable.span for variable in runtime_variables("vllm").values()]
    assert len(spans) > 400
    assert all(not span.gone_in or span.first_seen < span.gone_in for span in spans)
