"""Money per token: published examples, and laws."""

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from gpuyard.economics.load import Workload
from gpuyard.economics.throughput import Capability
from gpuyard.economics.tokens import break_even, hosted_request, price_tokens


def capability(rate, into=1024.0, out=1024.0, split=None):
    return Capability(
        workload=Workload(input_tokens=into, output_tokens=out),
        tokens_per_s_per_gpu=rate,
        seconds_per_input_token=split[0] if split else None,
        seconds_per_output_token=split[1] if split else None,
        basis="published",
        rule="",
        differs=(),
        timings=(),
    )


@pytest.mark.parametrize(
    ("usd", "rate", "utilisation", "per_1m", "source"),
    [
        (2.00, 2000, 1.0, 0.28, "tools.gera.services/inference-endpoint-cost-calculator"),
        (2.00, 2000, 0.2, 1.39, "the same; it prints 1.40, five times the rounded 0.28"),
        (10.0, 3400, 1.0, 0.82, "kshirol-dev.github.io/learnAI, 4 H100 on demand"),
        (6.40, 3400, 1.0, 0.52, "the same, reserved"),
        (2.00, 85, 1.0, 6.54, "gmicloud.ai/en/blog/llm-inference-cost-per-million-tokens, example A"),
        (2.60, 140, 1.0, 5.16, "the same, example B"),
        (2.00, 120, 1.0, 4.63, "the same, example C"),
        (2.00, 400, 1.0, 1.39, "the same, example D"),
        (3.00, 5000, 1.0, 0.17, "mohithg.com/writing/gpu-economics.html"),
        (3.00, 5000, 0.3, 0.56, "the same at 30 %; it prints 0.57"),
    ],
)
def test_published_examples_come_out_as_published(usd, rate, utilisation, per_1m, source):
    """Pages of 2026, read 2026-11; each prices output tokens alone."""
    price = price_tokens(capability(rate), usd, utilisation)
    assert price.output_only == pytest.approx(per_1m, abs=0.006), source


@pytest.mark.parametrize(
    ("usd", "rate", "full", "share"),
    [
        (6.88, 1098, 1.74, None),
        (7.912, 1386, 1.59, None),
        (5.20, 1386, 1.04, 0.72),
        (14.2416, 3544, 1.12, 0.775),
    ],
)
def test_break_even_of_a_70b_against_bedrock(usd, rate, full, share):
    """1M in and 1M out of Llama 3.3 70B cost 0.72 + 0.72 USD on Amazon Bedrock (list, 2026-11)."""
    price = price_tokens(capability(rate), usd, 1.0)
    assert price.output_only == pytest.approx(full, abs=0.005)
    hosted = hosted_request(Workload(input_tokens=1024, output_tokens=1024), 0.72, 0.72)
    found = break_even(price.per_request, hosted)
    assert found is None if share is None else found == pytest.approx(share, abs=0.006)


_RATES = st.floats(1, 1e5)
_USD = st.floats(0.01, 1000)
_SHARES = st.floats(0.001, 1)
_TOKENS = st.floats(1, 1e5)


@given(_RATES, _USD, _SHARES, _SHARES)
def test_a_token_costs_less_the_busier_the_gpu(rate, usd, one, other):
    low, high = sorted((one, other))
    cheap, dear = (price_tokens(capability(rate), usd, each) for each in (high, low))
    assert cheap.blended <= dear.blended
    assert cheap.per_request <= dear.per_request


@given(_RATES, _USD, _TOKENS, _TOKENS, _SHARES)
def test_input_and_output_together_are_the_request(rate, usd, into, out, utilisation):
    price = price_tokens(capability(rate, into, out, split=(0.0004, 0.0005)), usd, utilisation)
    assert price.input is not None
    assert price.output is not None
    assert (into * price.input + out * price.output) / 1e6 == pytest.approx(price.per_request)
    assert price.blended * (into + out) / 1e6 == pytest.approx(price.per_request)


@given(_RATES, _USD, _TOKENS, _TOKENS, st.floats(0.01, 100), st.floats(0.01, 100))
def test_break_even_is_where_both_cost_the_same(rate, usd, into, out, input_usd, output_usd):
    work = Workload(input_tokens=into, output_tokens=out)
    full = price_tokens(capability(rate, into, out), usd, 1.0)
    hosted = hosted_request(work, input_usd, output_usd)
    share = break_even(full.per_request, hosted)
    if share is None:
        assert full.per_request > hosted
    else:
        assume(share > 1e-9)
        again = price_tokens(capability(rate, into, out), usd, share)
        assert again.per_request == pytest.approx(hosted)


@given(_RATES, _USD, st.floats(1, 10))
def test_a_dearer_hour_makes_dearer_tokens_in_proportion(rate, usd, factor):
    one, other = (price_tokens(capability(rate), usd * each, 0.5) for each in (1, factor))
    assert other.blended == pytest.approx(one.blended * factor)


def test_a_free_api_is_never_beaten():
    assert break_even(1.0, 0.0) is None
