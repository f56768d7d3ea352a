"""The arithmetic of phases: laws, and one graph by hand."""

from dataclasses import replace

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
    assert sum(lengths[name] for name in journey.critical_path) == pytest.approx(journey.path_s)


@given(_graphs())
def test_equal_input_gives_equal_numbers(phases):
    assert make_journey("zero_to_one", phases) == make_journey("zero_to_one", phases)


def test_branches_run_beside_each_other_and_the_longer_one_counts():
    phases = [phase("a", p50=5), phase("b", "a", p50=20), phase("c", "a", p50=7), phase("d", "b", "c", p50=1)]
    journey = make_journey("zero_to_one", phases)
    assert journey.path_s == 26
    assert journey.critical_path == ("a", "b", "d")
    assert dict(journey.starts) == {"a": 0, "b": 5, "c": 5, "d": 25}


def test_the_p90_of_a_chain_is_below_the_sum_of_its_p90s():
    journey = make_journey(
        "zero_to_one", [phase("a", p90=20), phase("b", "a", p90=20), phase("c", "b", p90=20)]
    )
    assert 30 < journey.p90_s < 60


def test_one_phase_has_the_published_percentiles():
    journey = make_journey("zero_to_one", [phase("a", p50=100, p90=200)])
    assert (journey.p50_s, journey.p90_s) == (100, 200)


@given(_graphs(), st.randoms(use_true_random=False))
def test_the_order_of_phases_changes_nothing(phases, order):
    shuffled = list(phases)
    order.shuffle(shuffled)
    goal = [phases[-1].name]
    one, other = (make_journey("zero_to_one", found, goals=goal) for found in (phases, shuffled))
    assert (one.p50_s, one.p90_s, one.path_s) == (other.p50_s, other.p90_s, other.path_s)
    assert dict(one.starts) == dict(other.starts)


@given(_graphs(), st.floats(0, 5000), st.floats(1, 4))
def test_a_further_phase_at_the_end_never_shortens(phases, p50, spread):
    further = phase("further", phases[-1].name, p50=p50, p90=p50 * spread)
    before, after = make_journey("zero_to_one", phases), make_journey("zero_to_one", [*phases, further])
    assert after.p50_s >= before.p50_s
    assert after.p90_s >= before.p90_s
    assert after.path_s >= before.path_s


@given(_graphs(), st.floats(1, 3))
def test_a_slower_phase_never_shortens(phases, factor):
    slower = [
        replace(p, p50_s=p.p50_s * factor, p90_s=None if p.p90_s is None else p.p90_s * factor)
        if p.p50_s
        else p
        for p in phases
    ]
    before, after = make_journey("zero_to_one", phases), make_journey("zero_to_one", slower)
    assert after.p50_s >= before.p50_s * (1 - 1e-9)
    assert after.p90_s >= before.p90_s * (1 - 1e-9)


@given(_graphs())
def test_a_fixed_p90_adds_no_spread(phases):
    fixed = [replace(p, p90_s=p.p50_s) for p in phases]
    journey = make_journey("zero_to_one", fixed)
    assert journey.p50_s == journey.p90_s == pytest.approx(journey.path_s)


def test_the_seed_moves_the_p90_by_little():
    chain = [phase("a", p50=100, p90=200), phase("b", "a", p50=60, p90=150), phase("c", "b", p50=30)]
    found = [make_journey("zero_to_one", chain, seed).p90_s for seed in range(20)]
    assert max(found) - min(found) < 0.06 * min(found)


def test_a_journey_ends_when_all_its_goals_are_reached():
    phases = [phase("a", p50=5), phase("serve", "a", p50=5), phase("certificate", "a", p50=50)]
    assert make_journey("x", phases, goals=["serve"]).path_s == 10
    assert make_journey("x", phases, goals=["serve", "certificate"]).path_s == 55


def test_nothing_to_do_takes_no_time():
    assert make_journey("x", []).p90_s == 0


def test_what_tokens_do_not_wait_for_is_in_no_total():
    journey = make_journey("zero_to_one", [phase("a"), phase("beside", "a", p50=None), phase("serve", "a")])
    assert journey.unknown == ()
    assert journey.path_s == 20


def test_an_unknown_duration_on_the_way_is_named():
    journey = make_journey("zero_to_one", [phase("a"), phase("b", "a", p50=None), phase("c", "b")])
    assert journey.unknown == ("b",)


def test_a_spread_that_is_a_guess_is_named():
    journey = make_journey("zero_to_one", [phase("a", p90=12), phase("b", "a")])
    assert journey.assumed_spread == ("b",)
