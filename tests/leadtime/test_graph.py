"""The arithmetic of phases: laws, and one graph by hand."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gpuyard.leadtime.graph import make_journey
from gpuyard.leadtime.lead_time import Phase


def phase(name, *needs, p50=10.0, p90=None):
    return Phase(
        name=name, depends_on=needs, p50_s=p50, p90_s=p90, basis="measured", source="test", as_of="2026"
    )


@st.composite
def _graphs(draw):
    phases = []
    for number in range(draw(st.integers(1, 6))):
        earlier = [found.name for found in phases]
        needs = draw(st.lists(st.sampled_from(earlier), unique=True)) if earlier else []
        p50 = draw(st.none() | st.floats(1, 5000))
        p90 = (
            None
            if p50 is None
            else draw(st.none() | st.floats(1, 4).map(lambda factor, p50=p50: p50 * factor))
        )
        phases.append(phase(str(number), *needs, p50=p50, p90=p90))
    return phases


@given(_graphs())
def test_p90_is_never_below_p50(phases):
    journey = make_journey("zero_to_one", phases)
    assert journey.p90_s >= journey.p50_s


@given(_graphs())
def test_the_critical_path_is_as_long_as_the_journey(phases):
    journey = make_journey("zero_to_one", phases)
    lengths = {found.name: found.p50_s or 0 for found in phases}
    assert sum(lengths[name] for name in journey.critical_path) == pytest.approx(journey.p50_s)


@given(_graphs())
def test_equal_input_gives_equal_numbers(phases):
    assert make_journey("zero_to_one", phases) == make_journey("zero_to_one", phases)


def test_branches_run_beside_each_other_and_the_longer_one_counts():
    phases = [phase("a", p50=5), phase("b", "a", p50=20), phase("c", "a", p50=7), phase("d", "b", "c", p50=1)]
    journey = make_journey("zero_to_one", phases)
    assert journey.p50_s == 26
    assert journey.critical_path == ("a", "b", "d")
    assert dict(journey.starts) == {"a": 0, "b": 5, "c": 5, "d": 25}


def test_the_p90_of_a_chain_is_below_the_sum_of_its_p90s():
    journey = make_journey(
        "zero_to_one", [phase("a", p90=20), phase("b", "a", p90=20), phase("c", "b", p90=20)]
    )
    assert 30 < journey.p90_s < 60


def test_the_p90_of_one_phase_is_the_published_one():
    assert make_journey("zero_to_one", [phase("a", p50=100, p90=200)]).p90_s == pytest.approx(200, rel=0.05)


def test_what_tokens_do_not_wait_for_is_in_no_total():
    journey = make_journey("zero_to_one", [phase("a"), phase("beside", "a", p50=None), phase("serve", "a")])
    assert journey.unknown == ()
    assert journey.p50_s == 20


def test_an_unknown_duration_on_the_way_is_named():
    journey = make_journey("zero_to_one", [phase("a"), phase("b", "a", p50=None), phase("c", "b")])
    assert journey.unknown == ("b",)


def test_a_spread_that_is_a_guess_is_named():
    journey = make_journey("zero_to_one", [phase("a", p90=12), phase("b", "a")])
    assert journey.assumed_spread == ("b",)
