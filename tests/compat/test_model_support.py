"""Models that a release does not know yet, or gave up."""

import pytest

from gpuyard.catalog.freshness import table_date
from gpuyard.catalog.software_runtimes import release_key, release_text
from gpuyard.compat.check import check
from gpuyard.compat.combination import parse_combination


def _severity(**fields: str) -> str:
    found = [
        item.severity.value for item in check(parse_combination(fields)) if item.code == "MODEL_UNSUPPORTED"
    ]
    return found[0] if found else ""


@pytest.mark.parametrize(
    ("release", "severity"),
    [("0.9.2", "error"), ("0.10.0", "warning"), ("0.10.1", ""), ("0.33.0", ""), ("", "")],
)
def test_a_release_just_before_may_be_a_build_of_the_branch(release: str, severity: str):
    assert _severity(model="openai/gpt-oss-20b", runtime="vllm", runtime_version=release) == severity


@pytest.mark.parametrize(("release", "severity"), [("0.6.3", "error"), ("0.8.1", "warning"), ("0.8.4", "")])
def test_dense_text_may_run_by_the_code_of_transformers(release: str, severity: str):
    assert _severity(model="Qwen/Qwen3-8B", runtime="vllm", runtime_version=release) == severity


@pytest.mark.parametrize(
    ("release", "severity"),
    [("0.5.5", "error"), ("0.6.1", "warning"), ("0.6.2", ""), ("0.10.2", ""), ("0.11.0", "error")],
)
def test_what_a_release_gave_up_ends_there(release: str, severity: str):
    assert (
        _severity(model="meta-llama/Llama-3.2-11B-Vision", runtime="vllm", runtime_version=release)
        == severity
    )


def test_a_model_that_shares_the_shape_of_another_keeps_its_own_architecture():
    assert _severity(model="Qwen/Qwen2-VL-7B-Instruct", runtime="vllm", runtime_version="0.6.3") == ""
    assert _severity(model="Qwen/Qwen2.5-VL-7B-Instruct", runtime="vllm", runtime_version="0.6.3") == "error"


@pytest.mark.parametrize("image", ["vllm/vllm-openai:gptoss", "vllm/vllm-openai:nightly"])
def test_an_image_of_a_branch_is_not_judged(image: str):
    assert _severity(model="openai/gpt-oss-20b", image=image, runtime_version="0.9.0") == ""


def test_the_finding_cites_the_registry_and_its_day():
    found = check(
        parse_combination({"model": "openai/gpt-oss-20b", "runtime": "vllm", "runtime_version": "0.9.2"})
    )
    cited = next(item for item in found if item.code == "MODEL_UNSUPPORTED")
    assert (cited.source, cited.as_of) == (
        "registry of models of vllm 0.10.1",
        table_date("model_architectures.csv"),
    )


def test_releases_that_differ_by_their_last_number_are_told_apart():
    fields = {"model": "google/gemma-3-27b-it", "runtime": "sglang", "runtime_version": "0.4.4.post1"}
    messages = [item.message for item in check(parse_combination(fields)) if item.code == "MODEL_UNSUPPORTED"]
    assert messages == [
        "sglang 0.4.4.post1 does not know Gemma3ForConditionalGeneration yet; 0.4.4.post2 does"
    ]
    assert release_text(release_key("0.10.1.1")) == "0.10.1.1"
    assert release_text(release_key("0.8.5.post1")) == "0.8.5.post1"
