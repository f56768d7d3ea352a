"""Files of combinations: odd YAML, odd numbers, and all problems at once."""

import json
from io import BytesIO, TextIOWrapper
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gpuyard.cli.compat_file import read_combinations
from gpuyard.compat.check import check, propose
from gpuyard.compat.combination import FIELDS, parse_combination, read_combination
from gpuyard.compat.reading import read_facts
from gpuyard.errors import Severity, SpecError

REAL: tuple[dict[str, Any], ...] = (
    {},
    {"gpu": "h100-sxm", "gpu_count": 8, "runtime": "vllm", "model": "deepseek-ai/DeepSeek-V3"},
    {"instance": "g5.xlarge", "platform": "eks", "runtime": "sglang", "model": "Qwen/Qwen3-14B-AWQ"},
    {"gpu": "rtx-5090", "os": "Ubuntu 22.04", "driver": "570.86.10", "image": "vllm/vllm-openai:v0.8.5"},
    {"gpu": "a100", "mig": "1g.10gb", "gpu_operator": "25.3.0", "kubernetes": "1.33", "runtime": "tgi"},
)
BOMB = "".join(
    f"- env: &{name} [{', '.join([f'*{below}' if below else 'x'] * 9)}]\n"
    for below, name in zip(["", *"abcdefg"], "abcdefgh", strict=False)
)


def _problems(path: Path, text: str) -> str:
    path.write_text(text, encoding="utf-8")
    with pytest.raises(SpecError) as caught:
        read_combinations(path)
    return str(caught.value)


@pytest.mark.parametrize("text", [BOMB, "- &a\n  env: *a\n"], ids=["aliases", "itself"])
def test_a_file_that_grows_without_bound_is_refused_before_it_is_read(tmp_path: Path, text: str) -> None:
    assert "expands to more than 1,000,000 values" in _problems(tmp_path / "f.yaml", text)


def test_a_key_that_stands_twice_is_told_beside_every_other_problem(tmp_path: Path) -> None:
    told = _problems(tmp_path / "f.yaml", "- gpu: t4\n  gpu: l4\n- gpuu: l4\n")
    assert 'line 2: "gpu" stands in line 1 already' in told
    assert "[1].gpuu" in told


def test_unknown_fields_of_many_entries_are_told_once_each_with_every_place(tmp_path: Path) -> None:
    told = _problems(tmp_path / "f.yaml", "- {gpuu: l4, vllm_version: 0.11, model: m}\n" * 24)
    assert told.count("there is no field") == 2
    assert told.count("known fields: gpu,") == 1
    assert told.count("did you mean") == 2
    assert all(f"[{index}].{name}" in told for index in range(24) for name in ("gpuu", "vllm_version"))


def test_records_around_combinations_are_told_with_what_to_pass(tmp_path: Path) -> None:
    told = _problems(
        tmp_path / "f.yaml", "- {id: a, combination: {gpu: l4}, outcome: {verdict: pass}}\n" * 24
    )
    assert told.count("error:") == 1
    assert "24 of 24 entries" in told
    assert "yq '[.[].combination]'" in told


@pytest.mark.parametrize(
    ("text", "fix"),
    [
        ("combinations: [{gpu: l4}]\n", 'pass the list under "combinations" alone'),
        ("gpu: l4\nenv: [A=1]\n", "write a list, of one entry as well"),
        ("", "write a list of combinations"),
    ],
)
def test_what_is_no_list_is_told_how_to_become_one(tmp_path: Path, text: str, fix: str) -> None:
    assert fix in _problems(tmp_path / "f.yaml", text)


def test_a_byte_order_mark_is_read_over_and_other_encodings_are_named(tmp_path: Path) -> None:
    path = tmp_path / "f.yaml"
    path.write_bytes(b"\xef\xbb\xbf- gpu: l4\r\n")
    assert [item.gpu for item in read_combinations(path)] == ["l4"]
    path.write_bytes("- gpu: l4\n".encode("utf-16"))
    with pytest.raises(SpecError, match="is not text in UTF-8"):
        read_combinations(path)


def test_combinations_are_read_from_standard_input(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sys.stdin", TextIOWrapper(BytesIO(b"- gpu: l4\n")))
    assert [item.gpu for item in read_combinations(Path("-"))] == ["l4"]


ODD = st.sampled_from(
    [
        *("v", "any", "N/A", "latest", "-1", "1e9", "12.", "0x10", ">=1.2", "<535", "535.x"),
        *("sm_90a", "cu130", "9.0a", "1g.10gb", "0g.0gb", "MIG-", "²", "１２", "日本語", "%s"),
        *("--", "=", ":", "@", ":latest", "8xH100", "docker.io/vllm/vllm-openai", "sha256:ab"),
        *("CUDA_VISIBLE_DEVICES=", "--tp=²", "1.2.3.4.5.6", "Q4_K_M"),
    ]
)
"""What people and scripts leave in fields."""
ANYTHING = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.dates() | st.text(max_size=9) | ODD,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=4,
)


@settings(max_examples=400, deadline=None)
@given(st.dictionaries(st.sampled_from(FIELDS), ANYTHING, max_size=8), st.sampled_from(REAL))
def test_whatever_fields_hold_the_answer_is_findings(odd: dict[str, Any], real: dict[str, Any]) -> None:
    combination, problems = read_combination({**real, **odd})
    found = problems if combination is None else check(combination)
    for item in found:
        assert item.code
        assert item.message
        assert item.fix or item.severity is not Severity.ERROR
        assert item.source or combination is None
        json.dumps(item.as_dict(), default=str)
    if combination is not None and any(item.severity is Severity.ERROR for item in found):
        propose(combination)


def test_a_version_that_ends_in_zero_keeps_it(tmp_path: Path) -> None:
    text = "- {kubernetes: 1.30, runtime_version: 0.10, glibc: 2.30, gpu_operator: 25.10, sm: 10.0}"
    path = tmp_path / "f.yaml"
    path.write_text(text, encoding="utf-8")
    (found,) = read_combinations(path)
    assert (found.kubernetes, found.runtime_version, found.glibc) == ("1.30", "0.10", "2.30")
    assert (found.gpu_operator, found.sm) == ("25.10", "10.0")


@pytest.mark.parametrize(
    ("field", "number", "version"),
    [
        ("kubernetes", 1.3, "1.30"),
        ("kubernetes", 1.35, "1.35"),
        ("kubernetes", 1.9, "1.9"),
        ("glibc", 2.3, "2.30"),
        ("gpu_operator", 25.1, "25.10"),
        ("gpu_operator", 25.3, "25.3"),
        ("driver", 550.12, "550"),
    ],
)
def test_a_zero_that_a_program_dropped_is_put_back(field: str, number: float, version: str) -> None:
    assert getattr(parse_combination({field: number}), field) == version


@pytest.mark.parametrize("value", ["1" * 5000, "2026-02-30"])
def test_numbers_and_dates_that_cannot_be_are_told(tmp_path: Path, value: str) -> None:
    assert "is not YAML" in _problems(tmp_path / "f.yaml", f"- gpu_count: {value}\n")


def test_aliases_and_merged_keys_of_usual_size_are_read(tmp_path: Path) -> None:
    path = tmp_path / "f.yaml"
    path.write_text("- &a {gpu: t4}\n- *a\n- <<: *a\n  driver: 550.54.14\n", encoding="utf-8")
    assert [item.gpu for item in read_combinations(path)] == ["t4"] * 3


@pytest.mark.parametrize(
    "value",
    [float("inf"), float("-inf"), 1e300, 10**30, -(10**5000), "1" * 5000, "é" * 2001],
    ids=["infinite", "minus infinite", "1e300", "31 digits", "minus 5,000 digits", "5,000 digits", "text"],
)
def test_absurd_values_are_refused_with_their_place(value: object) -> None:
    for field in FIELDS:
        if field == "env" and isinstance(value, str):
            continue
        with pytest.raises(SpecError) as caught:
            parse_combination({field: value})
        assert [item.path for item in caught.value.findings] == [field]
        assert len(str(caught.value)) < 7000


@pytest.mark.parametrize("number", ["1" * 5000, "٣", "²", "-1", "1e9", "99999999999", "nan", "$TP"])
def test_numbers_of_a_command_line_that_are_none_are_unknown(number: str) -> None:
    flags = ("--tensor-parallel-size", "--dp-size", "--max-model-len", "--max-running-requests")
    env = " ".join(f"{flag} {number}" for flag in flags) + " --enable-dp-attention"
    for runtime in ("vllm", "sglang", None):
        facts = {"gpu": "h100-sxm", "model": "deepseek-ai/DeepSeek-V2-Chat", "runtime": runtime, "env": env}
        combination = parse_combination(facts)
        assert read_facts(combination).given.tensor_parallel is None
        check(combination)


@pytest.mark.parametrize(
    ("field", "text", "number"),
    [
        ("gpu_count", "8x", 8),
        ("gpu_count", "4 GPUs", 4),
        ("gpu_memory_utilization", "90%", 0.9),
        ("max_model_len", "32k", 32768),
        ("max_model_len", "131,072", 131072),
        ("gpu_mem_mib", "80 GiB", 81920),
    ],
)
def test_numbers_are_read_with_the_units_that_people_write(field: str, text: str, number: float) -> None:
    assert getattr(parse_combination({field: text}), field) == pytest.approx(number)


@pytest.mark.parametrize(
    ("key", "field"),
    [("tp", "tensor_parallel"), ("context-length", "max_model_len"), ("--mem-fraction-static", "gpu_memory")],
)
def test_what_engines_call_a_field_is_suggested(tmp_path, key, field):
    assert f'did you mean "{field}' in _problems(tmp_path / "it.yaml", f"- {{gpu: l4, {key}: 2}}\n")
