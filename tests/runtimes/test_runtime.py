"""Images, versions and flags of runtimes."""

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gpuyard.catalog.tables import read_csv
from gpuyard.runtimes.runtime import (
    RUNTIMES,
    default_image,
    drains,
    find_runtime,
    merge_flags,
    newest_version,
    version_key,
)


@pytest.mark.parametrize(
    ("runtime", "version", "cuda", "image"),
    [
        ("vllm", "0.33.0", "", "vllm/vllm-openai:v0.33.0"),
        ("vllm", "v0.33.0", "", "vllm/vllm-openai:v0.33.0"),
        ("vllm", "0.20.0", "12", "vllm/vllm-openai:v0.20.0-cu129"),
        ("vllm", "0.20.0", "13", "vllm/vllm-openai:v0.20.0"),
        ("vllm", "0.19.1", "12", "vllm/vllm-openai:v0.19.1"),
        ("vllm", "0.19.1", "13", "vllm/vllm-openai:v0.19.1-cu130"),
        ("vllm", "0.8.5.post1", "", "vllm/vllm-openai:v0.8.5.post1"),
        ("sglang", "0.4.6", "", "lmsysorg/sglang:v0.4.6-cu124"),
        ("sglang", "0.5.23", "", "lmsysorg/sglang:v0.5.23"),
        ("sglang", "0.5.19", "12", "lmsysorg/sglang:v0.5.19-cu129"),
        ("sglang", "0.5.10", "13", "lmsysorg/sglang:v0.5.10-cu130"),
        ("tgi", "3.3.7", "12", "ghcr.io/huggingface/text-generation-inference:3.3.7"),
        ("custom", "1", "", ""),
    ],
)
def test_the_cuda_suffix_turns_where_the_default_build_moved_to_cuda_13(runtime, version, cuda, image):
    assert default_image(find_runtime(runtime), version, cpu=False, cuda=cuda) == image


@pytest.mark.parametrize(
    ("runtime", "version", "image"),
    [
        ("vllm", "0.33.0", "vllm/vllm-openai-cpu:v0.33.0"),
        ("vllm", "0.18.0", "public.ecr.aws/q9t5s3a7/vllm-cpu-release-repo:v0.18.0"),
        ("tgi", "3.3.7", "ghcr.io/huggingface/text-generation-inference:3.3.7-intel-cpu"),
        ("sglang", "0.5.20", ""),
    ],
)
def test_nodes_without_gpus_get_a_cpu_image_or_none(runtime, version, image):
    assert default_image(find_runtime(runtime), version, cpu=True) == image


@pytest.mark.parametrize(
    ("version", "drained"),
    [
        ("0.17.1", False),
        ("0.18", True),
        ("0.18.0", True),
        ("0.33.0", True),
        ("9.9.9", True),
        ("nightly", True),
    ],
)
def test_vllm_drains_from_0_18_and_anything_unknown_counts_as_newest(version, drained):
    assert drains(find_runtime("vllm"), version) is drained


def test_the_newest_versions_are_those_of_the_catalog():
    assert version_key(newest_version("vllm")) >= (0, 33, 0)
    assert version_key(newest_version("sglang")) >= (0, 5, 23)
    assert newest_version("tgi") == "3.3.7"
    assert newest_version("custom") == ""


@pytest.mark.parametrize(
    ("computed", "given_flags", "merged"),
    [
        (("--a=1", "--b"), (), ("--a=1", "--b")),
        (("--a=1", "--b"), ("--a=2",), ("--b", "--a=2")),
        (("--max-model-len=1",), ("--max_model_len", "2"), ("--max_model_len", "2")),
        (("--tensor-parallel-size=2",), ("-tp", "4"), ("-tp", "4")),
        (("--tp-size=2",), ("--tp=4",), ("--tp=4",)),
        (("--quantization=fp8",), ("-q", "awq"), ("-q", "awq")),
        (("model", "--a=1"), ("--c 3",), ("model", "--a=1", "--c 3")),
        (("--a=1", "--a=2"), (), ("--a=2",)),
    ],
)
def test_a_given_flag_replaces_the_computed_one_in_every_spelling(computed, given_flags, merged):
    assert merge_flags(computed, given_flags) == merged


_FLAGS = st.lists(st.sampled_from(["--a=1", "--a=2", "--b", "--c=x", "--long-name=3", "--long_name=4"]))


@given(_FLAGS, _FLAGS)
def test_every_given_flag_stays_and_no_computed_name_appears_twice(computed, given_flags):
    merged = merge_flags(tuple(computed), tuple(given_flags))
    assert merged[len(merged) - len(given_flags) :] == tuple(given_flags)
    kept = [flag.split("=")[0].replace("_", "-") for flag in merged[: len(merged) - len(given_flags)]]
    assert len(kept) == len(set(kept))
    assert not {flag.split("=")[0].replace("_", "-") for flag in given_flags} & set(kept)


@pytest.mark.parametrize("name", ["vllm", "sglang"])
def test_every_release_of_the_catalog_has_one_whole_image_name(name):
    for row in read_csv(f"{name}_releases"):
        image = default_image(find_runtime(name), row["version"], cpu=False)
        assert re.fullmatch(rf"[a-z]+/[a-z-]+:v{re.escape(row['version'])}(-cu\d+)?", image), image


def test_an_unknown_runtime_is_refused_with_a_hint():
    with pytest.raises(ValueError, match='did you mean "vllm"'):
        find_runtime("vlm")


@pytest.mark.parametrize("name", [name for name in RUNTIMES if name != "custom"])
def test_no_runtime_listens_on_a_privileged_port(name):
    assert RUNTIMES[name].port > 1024
