"""Laws of the ladder, over random demands, limits and weights."""

from dataclasses import replace
from datetime import date

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from gpuyard.capacity.constraints import Rule, make_scope
from gpuyard.capacity.demand import AllowedRegion, Demand, GpuNeed, OrderKey, Purchase, Weights
from gpuyard.capacity.known import Known
from gpuyard.capacity.ladder import judge, rank_offerings
from gpuyard.capacity.quota import GLOBAL, NO_LIMIT, Limit, Limits, Verdict
from gpuyard.capacity.rung import Ladder, Rung

from .conftest import EVERYWHERE, make_demand

GPUS = ("l4", "l40s", "a100-80gb-sxm", "h100-sxm", "h200")
CODES = (("aws", "L-417A185B"), ("aws", "L-C4BD4855"), ("aws", "L-DB2E81BA"), ("aws", "L-3819A6DF"))

regions_some = st.lists(st.sampled_from(EVERYWHERE), min_size=1, max_size=12, unique=True).map(tuple)
limits_some = st.dictionaries(
    st.tuples(st.sampled_from(CODES), st.sampled_from(["us-east-1", "us-west-2", "eu-west-1"])),
    st.builds(
        Limit,
        limit=st.sampled_from([NO_LIMIT, 0, 8, 96, 192, 1000]),
        used=st.none() | st.sampled_from([0, 4, 96]),
        source=st.just("test"),
        as_of=st.just("2026-11-26"),
    ),
    max_size=6,
).map(
    lambda found: Limits(
        {(cloud, region, code, ""): limit for ((cloud, code), region), limit in found.items()}
    )
)


@st.composite
def demands(draw: st.DrawFn) -> Demand:
    gpus = draw(st.lists(st.sampled_from(GPUS), min_size=1, max_size=3, unique=True))
    count = draw(st.sampled_from([1, 2, 4, 8]))
    low = draw(st.integers(0, 6))
    return make_demand(
        needs=tuple(GpuNeed(accelerator=gpu, gpus_per_replica=count, reason="") for gpu in gpus),
        replicas_min=low,
        replicas_max=low + draw(st.integers(1, 4)),
        purchases=tuple(draw(st.lists(st.sampled_from(list(Purchase)), min_size=1, unique=True))),
        regions=draw(regions_some),
        one_zone=draw(st.booleans()),
        usd_per_gpu_hour_max=draw(st.none() | st.floats(0.1, 20)),
        usd_budget=draw(st.none() | st.floats(10, 1e5)),
        end=draw(st.none() | st.dates(date(2026, 11, 28), date(2027, 6, 1))),
        residency=draw(st.sampled_from([(), ("eu",), ("US", "asia")])),
        weights=Weights(usd_per_hour_unserved=draw(st.none() | st.floats(0, 1000))),
    )


law = settings(max_examples=15, deadline=None, suppress_health_check=[HealthCheck.too_slow])


def totals(ladder: Ladder) -> list[float | None]:
    return [rung.cost.total for rung in ladder.rungs]


def dominates(one: Rung, other: Rung) -> bool:
    """Cheaper or equal in money, wait, odds and reclaims, and better in one of them."""
    a, b = one.offering.odds, other.offering.odds
    if one.cost.machines is None or other.cost.machines is None or one.choice != other.choice:
        return False
    pairs = (
        (one.cost.machines, other.cost.machines),
        (a.wait_hours, b.wait_hours),
        (-a.probability, -b.probability),
        (a.learn_hours, b.learn_hours),
        (a.reclaims_per_hour, b.reclaims_per_hour),
        (one.cost.moving, other.cost.moving),
    )
    return all(x <= y + 1e-9 for x, y in pairs) and any(x < y - 1e-6 for x, y in pairs)


@law
@given(demands(), limits_some)
def test_the_first_rung_is_never_dominated(demand, limits):
    rungs = rank_offerings(demand, Known(limits=limits)).rungs
    assert not any(dominates(rung, rungs[0]) for rung in rungs[1:])


@law
@given(demands(), st.lists(st.sampled_from(EVERYWHERE), min_size=1, max_size=5))
def test_more_places_never_lose_the_best_rung(demand, more):
    before = rank_offerings(demand)
    wider = replace(demand, regions=tuple(dict.fromkeys((*demand.regions, *more))))
    after = rank_offerings(wider)
    assert {rung.offering.id for rung in before.rungs} <= {rung.offering.id for rung in after.rungs}
    if before.rungs:
        old, new = before.rungs[0], after.rungs[0]
        assert (new.choice, new.cost.rank) <= (old.choice, old.cost.rank)


@law
@given(demands(), st.randoms(use_true_random=False))
def test_the_order_of_regions_decides_ties_only(demand, random):
    shuffled = list(demand.regions)
    random.shuffle(shuffled)
    one, other = rank_offerings(demand), rank_offerings(replace(demand, regions=tuple(shuffled)))
    assert {rung.offering.id for rung in one.rungs} == {rung.offering.id for rung in other.rungs}
    assert {item.what for item in one.excluded} == {item.what for item in other.excluded}
    first = [(rung.choice, rung.cost.machines) for rung in (*one.rungs[:1], *other.rungs[:1])]
    assert len(set(first)) <= 1


@law
@given(demands())
def test_the_order_of_purchases_changes_nothing_unless_it_is_asked_for(demand):
    turned = replace(demand, purchases=tuple(reversed(demand.purchases)))
    assert totals(rank_offerings(demand)) == totals(rank_offerings(turned))


@law
@given(demands(), limits_some)
def test_no_rung_needs_more_than_a_known_limit_leaves(demand, limits):
    for rung in rank_offerings(demand, Known(limits=limits)).rungs:
        for check in rung.quota_checks or ():
            assert check.verdict is not Verdict.SHORT
            limit = limits.find(check.bucket, "" if check.region == GLOBAL else check.region)
            if limit is not None and limit.limit != NO_LIMIT:
                assert check.needed <= limit.limit - (limit.used or 0)


@law
@given(demands(), limits_some)
def test_no_rung_is_above_price_or_budget(demand, limits):
    for rung in rank_offerings(demand, Known(limits=limits)).rungs:
        usd = rung.rate.expected_usd
        if usd is None:
            assert demand.usd_per_gpu_hour_max is None
            assert demand.usd_budget is None
            continue
        if demand.usd_per_gpu_hour_max is not None:
            assert usd / rung.gpus_per_node <= demand.usd_per_gpu_hour_max
        if demand.usd_budget is not None and not rung.is_commitment:
            hours = (demand.end - date(2026, 11, 26)).days * 24 if demand.end else 730
            assert usd * rung.nodes_min * hours <= demand.usd_budget * 1.001 + 24 * usd * rung.nodes_min


@law
@given(demands(), limits_some)
def test_every_offering_of_the_allowed_regions_is_a_rung_or_left_out_with_a_reason(demand, limits):
    known = Known(limits=limits)
    ladder = rank_offerings(demand, known)
    rungs = {(rung.offering.id, rung.choice) for rung in ladder.rungs}
    excluded = {item.offering for item in ladder.excluded}
    too_small = {
        (item.cloud, item.machine_type) for item in ladder.excluded if Rule.GPUS_PER_NODE in item.rules
    }
    scope = make_scope(demand, limits, known.today)
    for choice, need in enumerate(demand.needs, start=1):
        for offering, _ in judge(scope, need, known):
            if (offering.cloud, offering.region) in scope.regions:
                is_rung = (offering.id, choice) in rungs
                is_out = offering.id in excluded or (offering.cloud, offering.machine.id) in too_small
                assert is_rung != is_out, offering.id
    assert all(item.reason and item.rules for item in ladder.excluded)


@law
@given(demands())
def test_rungs_hold_the_replicas(demand):
    for rung in rank_offerings(demand).rungs:
        per_node = rung.gpus_per_node // rung.need.gpus_per_replica
        assert rung.nodes_min * per_node >= demand.replicas_min
        assert rung.nodes_max * per_node >= demand.replicas_max
        assert (rung.nodes_min - 1) * per_node < max(demand.replicas_min, 1)


@law
@given(demands(), st.floats(0, 500), st.floats(0, 500))
def test_a_dearer_unserved_hour_never_makes_a_rung_cheaper(demand, one, other):
    low, high = sorted((one, other))
    cheap = rank_offerings(replace(demand, weights=Weights(usd_per_hour_unserved=low)))
    dear = rank_offerings(replace(demand, weights=Weights(usd_per_hour_unserved=high)))
    before = {rung.offering.id: rung.cost for rung in cheap.rungs}
    for rung in dear.rungs:
        fixed = rung.cost.friction - rung.cost.moving
        assert fixed >= before[rung.offering.id].friction - before[rung.offering.id].moving - 1e-9


@law
@given(demands())
def test_equal_input_gives_equal_ladders_and_hashes(demand):
    again = replace(demand, needs=tuple(replace(need, reason="other words") for need in demand.needs))
    assert demand.digest() == again.digest()
    assert totals(rank_offerings(demand)) == totals(rank_offerings(again))


@pytest.mark.parametrize("order", [(OrderKey.COST,), (OrderKey.PURCHASE, OrderKey.COST), tuple(OrderKey)])
def test_within_equal_keys_rungs_are_sorted_by_cost(order):
    demand = make_demand(order=order)
    groups: dict[object, list[float]] = {}
    for rung in rank_offerings(demand).rungs:
        key = (rung.choice, rung.purchase) if OrderKey.PURCHASE in order else None
        groups.setdefault(key, []).append(rung.cost.rank[0])
    assert all(values == sorted(values) for values in groups.values())


def test_a_hash_of_a_plain_demand_is_the_one_that_version_1_locks_carry():
    """Fields that version 1 did not know are hashed only where they differ from their defaults."""
    demand = Demand(
        endpoint="chat",
        needs=(GpuNeed(accelerator="l4", gpus_per_replica=1, reason="fits"),),
        replicas_min=1,
        replicas_max=1,
        purchases=(Purchase.SPOT,),
        regions=(AllowedRegion(cloud="gcp", region="us-central1"),),
    )
    assert demand.digest() == V1_DIGEST
    assert replace(demand, one_zone=True).digest() != V1_DIGEST


V1_DIGEST = "sha256:b8f60de9c4fd73db"
