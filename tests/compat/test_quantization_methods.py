"""What `--quantization` takes by release."""

import pytest

from gpuyard.compat.check import check, propose
from gpuyard.compat.combination import changed, parse_combination


def _found(release: str, method: str, **more: str) -> list[tuple[str, str]]:
    fields = {"runtime": "vllm", "runtime_version": release, "env": f"--quantization {method}", **more}
    findings = check(parse_combination(fields))
    return [(item.code, item.severity.value) for item in findings if item.code.startswith("FLAG_")]


@pytest.mark.parametrize(
    ("release", "method", "expected"),
    [
        ("0.5.2", "awq_marlin", [("FLAG_UNKNOWN", "error")]),
        ("0.5.3", "awq_marlin", []),
        ("0.15.1", "bitblas", []),
        ("0.16.0", "bitblas", [("FLAG_REMOVED", "error")]),
        ("0.6.0", "squeezellm", []),
        ("0.6.1", "squeezellm", [("FLAG_REMOVED", "error")]),
        ("0.24.0", "gguf", [("FLAG_REMOVED", "warning")]),
        ("0.24.0", "of_a_plugin", []),
        ("", "bitblas", []),
    ],
)
def test_a_method_is_known_from_one_release_to_another(
    release: str, method: str, expected: list[tuple[str, str]]
):
    assert _found(release, method) == expected


def test_an_image_of_a_branch_is_not_judged():
    assert _found("0.9.0", "mxfp4", image="vllm/vllm-openai:gptoss") == []


def test_the_way_out_keeps_the_method_where_another_release_has_it():
    given = parse_combination(
        {"runtime": "vllm", "runtime_version": "0.16.0", "env": "--quantization bitblas", "model": "org/m-7b"}
    )
    proposal = propose(given)
    assert proposal is not None
    assert proposal.changes["runtime_version"] == "0.15.1"
    assert "bitblas" in str(changed(given, proposal.changes).env)
