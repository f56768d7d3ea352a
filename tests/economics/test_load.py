"""Loads over the day, replicas that follow, and their laws."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gpuyard.economics.load import Load, Workload, spread_over_day
from gpuyard.economics.replicas import plan_day

WORK = Workload(input_tokens=1000, output_tokens=300)


def load(**spread):
    days = spread.pop("days_per_week", 7)
    return Load(workload=WORK, hourly=spread_over_day(**spread), days_per_week=days)


@pytest.mark.parametrize(
    ("spread", "per_day"),
    [
        ({"per_second": 2.0}, 172_800),
        ({"per_second": 2.0, "active_hours": 8}, 57_600),
        ({"per_day": 1000}, 1000),
        ({"per_day": 1000, "active_hours": 9.5}, 1000),
        ({"per_second": 1.0, "profile": tuple([0.0] * 12 + [1.0] * 12)}, 43_200),
    ],
)
def test_a_day_has_the_requests_that_were_declared(spread, per_day):
    assert load(**spread).requests_per_day == pytest.approx(per_day)


def test_a_month_has_730_hours_and_only_busy_days_count():
    assert load(per_day=1000).requests_per_month(730) == pytest.approx(1000 * 730 / 24)
    assert load(per_day=1000, days_per_week=3.5).requests_per_month(730) == pytest.approx(500 * 730 / 24)


def test_half_an_active_hour_carries_half_its_load():
    hours = spread_over_day(per_second=2.0, active_hours=1.5)
    assert hours[:3] == pytest.approx((2.0, 1.0, 0.0))


_HOURLY = st.lists(st.floats(0, 50), min_size=24, max_size=24).filter(lambda hours: sum(hours) > 0)


@given(_HOURLY, st.floats(0.1, 10), st.floats(0.1, 1), st.integers(1, 5), st.integers(0, 20))
def test_replicas_stay_within_their_limits_and_in_order(hourly, rate, target, lowest, more):
    day = plan_day(
        Load(workload=WORK, hourly=tuple(hourly)),
        rate,
        target_utilisation=target,
        lowest=lowest,
        highest=lowest + more,
    )
    assert all(lowest <= count <= lowest + more for count in day.by_hour)
    assert day.idle <= day.mean <= day.peak + 1e-9
    assert 0 <= day.utilisation <= 1 + 1e-9
    assert 0 <= day.lost_share <= 1
    if day.needed <= lowest + more:
        assert day.utilisation <= target + 1e-9 or day.mean == pytest.approx(lowest)
        assert day.lost_share == pytest.approx(0)


@given(_HOURLY, st.floats(1, 3))
def test_a_larger_load_never_takes_fewer_replicas(hourly, factor):
    small, large = (
        plan_day(
            Load(workload=WORK, hourly=tuple(hour * each for hour in hourly)),
            1.5,
            target_utilisation=0.7,
            lowest=1,
            highest=1000,
        )
        for each in (1, factor)
    )
    assert large.mean >= small.mean
    assert large.needed >= small.needed


def test_what_fills_replicas_exactly_takes_no_further_one():
    day = plan_day(load(per_second=2.8), 2.0, target_utilisation=0.7, lowest=1, highest=9)
    assert (day.needed, day.peak) == (2, 2)


def test_requests_beyond_the_maximum_are_counted_as_lost():
    day = plan_day(load(per_second=10.0), 2.0, target_utilisation=0.7, lowest=1, highest=2)
    assert day.needed == 8
    assert day.lost_share == pytest.approx(0.6)
    assert day.utilisation == pytest.approx(1.0)


def test_idle_days_stay_at_the_minimum():
    day = plan_day(load(per_second=10.0, days_per_week=3.5), 2.0, target_utilisation=1, lowest=1, highest=9)
    assert day.mean == pytest.approx((5 + 1) / 2)
