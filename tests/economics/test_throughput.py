"""Which fact counts: the same model, GPU, runtime and precision within the target, or none."""

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gpuyard.catalog.models import find_model
from gpuyard.catalog.throughput import throughputs
from gpuyard.economics.load import Target, Workload
from gpuyard.economics.throughput import (
    Capability,
    NoFact,
    Setting,
    Timing,
    find_capability,
    find_ceiling,
    normal_precision,
    published_workloads,
)

LLAMA = find_model("meta-llama/Llama-3.3-70B-Instruct")
SETTING = Setting(
    model="meta-llama/Llama-3.3-70B-Instruct",
    shape=LLAMA,
    gpu="h100-sxm",
    runtime="vllm",
    precision="fp8",
    gpus_per_replica=2,
)
EQUAL = Workload(input_tokens=1024, output_tokens=1024)


def found(setting=SETTING, workload=EQUAL, target=None, own=()) -> Capability:
    result = find_capability(setting, workload, target or Target(), own)
    assert isinstance(result, Capability)
    return result


def missing(setting=SETTING, workload=EQUAL, target=None) -> NoFact:
    result = find_capability(setting, workload, target or Target())
    assert isinstance(result, NoFact)
    return result


def test_every_latency_bound_row_is_what_a_closed_loop_gives():
    """concurrency x output / (TTFT + TPOT x (output - 1)) / GPUs, as the head of the table says."""
    rows = [row for row in throughputs() if row.latency_bound]
    assert len(rows) == 88
    for row in rows:
        assert None not in (row.concurrency, row.output_tokens, row.ttft_ms, row.tpot_ms)
        seconds = (row.ttft_ms + row.tpot_ms * (row.output_tokens - 1)) / 1000
        rate = row.concurrency * row.output_tokens / seconds / row.gpus_per_replica
        assert row.tokens_per_s_per_gpu == pytest.approx(rate, rel=0.02)


def test_a_model_of_the_same_shape_counts_and_is_named():
    able = found()
    assert able.tokens_per_s_per_gpu == 1098
    assert able.basis == "published"
    assert "timed with Llama-3.1-70B, a model of the same shape" in able.differs


def test_two_workloads_tell_input_from_output():
    """1024/1024 at 1,098 and 8192/1024 at 236 output tokens/s: 7,168 more input tokens take 3.406 s."""
    able = found()
    assert able.seconds_per_input_token == pytest.approx((1024 / 236 - 1024 / 1098) / 7168)
    total = 1024 * (able.seconds_per_input_token or 0) + 1024 * (able.seconds_per_output_token or 0)
    assert total == pytest.approx(1024 / 1098)


def test_a_workload_between_two_timed_ones_is_derived_and_lies_between():
    able = found(workload=Workload(input_tokens=4096, output_tokens=1024))
    assert able.basis == "derived"
    assert 236 < able.tokens_per_s_per_gpu < 1098


def test_another_number_of_gpus_per_replica_is_named():
    assert any(
        "2 GPUs per replica, not 8" in text for text in found(replace(SETTING, gpus_per_replica=8)).differs
    )


@pytest.mark.parametrize(
    ("change", "why"),
    [
        ({"runtime": "sglang"}, "another runtime"),
        ({"precision": "bf16"}, "another precision"),
        ({"gpu": "l4"}, "another GPU"),
    ],
)
def test_anything_else_is_unknown_with_the_nearest_facts(change, why):
    nothing = missing(replace(SETTING, **change))
    assert "nobody has published" in nothing.reason
    assert nothing.nearest
    assert all(why in text for text in nothing.nearest)


def test_a_model_that_nobody_timed_is_unknown():
    nothing = missing(replace(SETTING, model="acme/own-12b", shape=None))
    assert nothing.nearest == ()


def test_a_stricter_target_takes_slower_facts_away():
    h200 = replace(SETTING, gpu="h200", gpus_per_replica=1)
    loose, strict = found(h200), found(h200, target=Target(tpot_ms=30))
    assert (loose.tokens_per_s_per_gpu, strict.tokens_per_s_per_gpu) == (1679, 1386)
    assert isinstance(find_capability(h200, EQUAL, Target(tpot_ms=5)), NoFact)
    assert isinstance(find_capability(h200, EQUAL, Target(ttft_ms=100)), NoFact)


@pytest.mark.parametrize("work", [(10, 5000), (100_000, 100_000), (200, 1000)])
def test_a_workload_far_from_every_timed_one_is_unknown(work):
    assert (
        "no timed workload is near"
        in missing(workload=Workload(input_tokens=work[0], output_tokens=work[1])).reason
    )


def own(rate, into, out):
    return Timing(
        model=SETTING.model,
        gpu="h100-sxm",
        engine="vllm",
        precision="fp8",
        workload=Workload(input_tokens=into, output_tokens=out),
        tokens_per_s_per_gpu=rate,
        gpus_per_replica=2,
        concurrency=None,
        ttft_ms=None,
        tpot_ms=None,
        basis="measured by you",
        source="a benchmark",
        as_of="2026-11-20",
    )


def test_your_own_measurement_goes_before_every_published_one():
    able = found(own=[own(2000, 1000, 1000)])
    assert (able.tokens_per_s_per_gpu, able.basis) == (2000, "measured by you")
    assert able.seconds_per_input_token is None
    assert "cannot be told apart" in able.rule


def test_two_measurements_of_your_own_tell_input_from_output():
    able = found(
        own=[own(2000, 1000, 1000), own(500, 8000, 1000)],
        workload=Workload(input_tokens=4000, output_tokens=1000),
    )
    assert able.basis == "derived"
    assert able.tokens_per_s_per_gpu == pytest.approx(1000 / (1000 / 2000 + 3000 * (2 - 0.5) / 7000))


def test_measurements_that_contradict_each_other_are_not_split():
    """More input at the same speed would make input free: no positive pair gives both."""
    able = found(own=[own(2000, 1000, 1000), own(2100, 8000, 1000)])
    assert able.seconds_per_input_token is None


@given(st.floats(500, 16000), st.floats(200, 4000))
def test_the_order_of_facts_changes_nothing(into, out):
    facts = [own(2000, 1000, 1000), own(500, 8000, 1000), own(900, 4000, 1000)]
    work = Workload(input_tokens=into, output_tokens=out)
    one, other = (find_capability(SETTING, work, Target(), each) for each in (facts, facts[::-1]))
    assert one == other or isinstance(one, NoFact)


@given(st.floats(1024, 8000), st.floats(1024, 8000))
def test_more_input_never_raises_the_output_rate(one, other):
    short, long = sorted((one, other))
    rates = [found(workload=Workload(input_tokens=each, output_tokens=1024)) for each in (short, long)]
    derived = [able.tokens_per_s_per_gpu for able in rates if able.basis == "derived"]
    assert derived == sorted(derived, reverse=True)


def test_an_upper_bound_is_at_least_what_holds_a_latency():
    bound = find_ceiling(SETTING, EQUAL)
    assert bound is not None
    assert bound.tokens_per_s_per_gpu == 2209
    assert bound.tokens_per_s_per_gpu > found().tokens_per_s_per_gpu
    assert find_ceiling(replace(SETTING, gpu="l4"), EQUAL) is None


def test_published_workloads_are_those_that_hold_the_target():
    assert [str(work) for work in published_workloads(SETTING, Target())] == [
        "1,024 in / 1,024 out",
        "8,192 in / 1,024 out",
    ]


@pytest.mark.parametrize(
    ("name", "plain"),
    [("mxfp4", "fp4"), ("FP8", "fp8"), ("bfloat16", "bf16"), ("awq", "awq"), ("", ""), ("none", "")],
)
def test_precisions_have_one_name(name, plain):
    assert normal_precision(name) == plain
