"""Files of combinations: odd YAML, odd numbers, and all problems at once."""

from pathlib import Path

import pytest

from gpuyard.cli.compat_file import read_combinations
from gpuyard.compat.combination import parse_combination
from gpuyard.errors import SpecError

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


def test_aliases_and_merged_keys_of_usual_size_are_read(tmp_path: Path) -> None:
    path = tmp_path / "f.yaml"
    path.write_text("- &a {gpu: t4}\n- *a\n- <<: *a\n  driver: 550.54.14\n", encoding="utf-8")
    assert [item.gpu for item in read_combinations(path)] == ["t4"] * 3


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
