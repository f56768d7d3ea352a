"""The series that rules, scalers and readers ask for, against what a running server served."""

import re
from pathlib import Path

import pytest

from gpuyard.runtimes.metrics import SERIES, series_of

SERVED = (Path(__file__).parent / "vllm_0_26_0.prom").read_text(encoding="utf-8").splitlines()[1:]


def selected(selector):
    """Lines that a selector of one name and equal labels picks."""
    name, _, labels = selector.partition("{")
    pairs = re.findall(r'\w+="[^"]*"', labels)
    return [line for line in SERVED if line.startswith(name + "{") and all(pair in line for pair in pairs)]


@pytest.mark.parametrize("signal", sorted(series_of("vllm")))
def test_a_signal_is_on_the_page_of_a_vllm_server_under_its_newest_name(signal):
    assert selected(SERIES[signal]["vllm"][0])


@pytest.mark.parametrize("old", ["vllm:gpu_cache_usage_perc", "vllm:time_per_output_token_seconds_bucket"])
def test_names_that_were_replaced_are_not(old):
    assert any(old in named["vllm"][1:] for named in SERIES.values() if "vllm" in named)
    assert not selected(old)
