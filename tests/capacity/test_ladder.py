"""The ladder: what is a rung, in which order, and what is left out with which reason."""

from dataclasses import replace
from datetime import date

import pytest

from gpuyard.capacity.demand import AllowedRegion, GpuNeed, Interconnect, OrderKey, Purchase, Weights
from gpuyard.capacity.known import Known
from gpuyard.capacity.ladder import rank_offerings
from gpuyard.capacity.quota import Limit, Limits, Verdict
from gpuyard.capacity.relaxation import explain_nothing
from gpuyard.catalog.evidence_items import CapacityBlock, Reservation

from .conftest import AS_OF, known_from, make_demand, places


def reservation(**changes) -> Reservation:
    base = Reservation(
        cloud="aws",
        account="…0000",
        region="us-east-2",
        zone="use2-az1",
        machine_type="p5.48xlarge",
        id="cr-0123456789abcdef0",
        form="reservation",
        state="active",
        total=4,
        available=2,
        as_of=AS_OF,
    )
    return replace(base, **changes)


def block(**changes) -> CapacityBlock:
    base = CapacityBlock(
        cloud="aws",
        region="us-east-1",
        zone="use1-az6",
        machine_type="p5.48xlarge",
        offering_id="cbo-0123456789abcdef0",
        instances=1,
        hours=168,
        starts_at="2026-11-28T11:30:00Z",
        ends_at="2026-12-05T11:30:00Z",
        upfront=5290.0,
        currency="USD",
        as_of=AS_OF,
    )
    return replace(base, **changes)


def reasons(ladder, **wanted) -> list[str]:
    return [
        item.reason
        for item in ladder.excluded
        if all(getattr(item, key) == value for key, value in wanted.items())
    ]


def test_more_candidates_than_skypilot_considers(h100_everywhere):
    """SkyPilot 0.14.1 considers 36: 13 AWS regions and 23 GCP zones, one type per cloud."""
    ladder = rank_offerings(h100_everywhere)
    places_tried = {(rung.cloud, rung.region, rung.zones) for rung in ladder.rungs}
    assert len(ladder.rungs) > 36
    assert len(places_tried) > 36
    assert {rung.machine_type for rung in ladder.rungs} >= {"p5.48xlarge", "a3-highgpu-8g", "a3-megagpu-8g"}
    assert {rung.purchase for rung in ladder.rungs} >= {
        "on_demand",
        "spot",
        "flex_start",
        "queued",
        "future_reservation",
    }


def test_every_zone_that_sells_it_is_a_rung_when_one_zone_is_asked():
    ladder = rank_offerings(make_demand(purchases=(Purchase.ON_DEMAND,), regions=places("aws us-east-1")))
    assert {rung.zones for rung in ladder.rungs} == {(f"use1-az{n}",) for n in (1, 2, 3, 4, 5, 6)}


def test_without_one_zone_a_rung_spans_the_region():
    demand = make_demand(purchases=(Purchase.ON_DEMAND,), regions=places("aws us-east-1"), one_zone=False)
    (rung,) = rank_offerings(demand).rungs
    assert len(rung.zones) == 6


def test_allowed_zones_filter():
    regions = (AllowedRegion(cloud="aws", region="us-east-1", zones=("use1-az6",)),)
    for one_zone in (True, False):
        ladder = rank_offerings(
            make_demand(purchases=(Purchase.ON_DEMAND,), regions=regions, one_zone=one_zone)
        )
        assert [rung.zones for rung in ladder.rungs] == [("use1-az6",)]


def test_idle_reservations_come_first_at_no_price():
    ladder = rank_offerings(make_demand(), known_from(reservation()))
    first = ladder.rungs[0]
    assert (first.offering.reservation, first.purchase) == ("cr-0123456789abcdef0", "reservation")
    assert first.cost.machines == 0
    assert "held and idle" in first.reason
    assert first.quota_verdict is Verdict.ENOUGH
    assert "2 of 4 machines free" in first.offering.odds.probability_basis


def test_a_reservation_of_a_later_choice_still_comes_first():
    needs = tuple(GpuNeed(accelerator=gpu, gpus_per_replica=8, reason="") for gpu in ("h200", "h100-sxm"))
    ladder = rank_offerings(make_demand(needs=needs), known_from(reservation()))
    assert ladder.rungs[0].is_held
    assert ladder.rungs[1].accelerator == "h200"


@pytest.mark.parametrize(
    ("changes", "says"),
    [
        ({"available": 0}, "has no free machine of 4"),
        ({"state": "payment-failed"}, "is payment-failed"),
        ({"total": 1, "available": 1}, "holds 1 machines, 2 are needed together"),
    ],
)
def test_a_reservation_that_does_not_help_says_why(changes, says):
    demand = make_demand(replicas_min=2, replicas_max=2)
    ladder = rank_offerings(demand, known_from(reservation(**changes)))
    assert not any(rung.is_held for rung in ladder.rungs)
    (reason,) = reasons(ladder, offering="cr-0123456789abcdef0")
    assert says in reason


def test_a_reservation_keeps_its_placement_group_and_its_zone():
    ladder = rank_offerings(make_demand(), known_from(reservation(placement_group="pg-one")))
    assert ladder.rungs[0].offering.placement_group == "pg-one"
    assert ladder.rungs[0].zones == ("use2-az1",)


def test_blocks_are_rungs_only_where_an_offer_was_found():
    demand = make_demand(end=date(2026, 12, 4))
    without = rank_offerings(demand)
    assert not any(rung.purchase == "capacity_block" for rung in without.rungs)
    assert any("--live" in reason for reason in reasons(without, purchase="capacity_block"))
    found = rank_offerings(demand, known_from(block()))
    (rung,) = [rung for rung in found.rungs if rung.purchase == "capacity_block"]
    assert rung.is_commitment
    assert rung.usd_committed == 5290
    assert rung.rate.usd == pytest.approx(5290 / 168)
    assert rung.quota_checks == ()


def test_a_block_that_ends_too_early_is_left_out():
    demand = make_demand(end=date(2026, 12, 24))
    (reason,) = reasons(rank_offerings(demand, known_from(block())), offering="cbo-0123456789abcdef0")
    assert "ends on 2026-12-05, the service is needed until 2026-12-24" in reason


def test_a_block_that_starts_too_late_is_left_out():
    demand = make_demand(end=date(2026, 12, 4), start_by=date(2026, 11, 27))
    (reason,) = reasons(rank_offerings(demand, known_from(block())), offering="cbo-0123456789abcdef0")
    assert "is expected 2026-11-28, after 2026-11-27" in reason


def test_start_by_leaves_out_what_needs_days():
    ladder = rank_offerings(make_demand(start_by=date(2026, 11, 27)))
    assert {rung.purchase for rung in ladder.rungs} == {"on_demand", "spot", "flex_start", "queued"}
    assert all("after 2026-11-27" in text for text in reasons(ladder, purchase="future_reservation"))


def test_accelerators_come_in_their_order_by_default():
    needs = tuple(GpuNeed(accelerator=gpu, gpus_per_replica=8, reason="") for gpu in ("b200", "h100-sxm"))
    choices = [rung.choice for rung in rank_offerings(make_demand(needs=needs)).rungs]
    assert choices == sorted(choices)
    assert set(choices) == {1, 2}


def test_order_by_cost_alone_mixes_accelerators():
    needs = tuple(GpuNeed(accelerator=gpu, gpus_per_replica=8, reason="") for gpu in ("b200", "h100-sxm"))
    ladder = rank_offerings(make_demand(needs=needs, order=(OrderKey.COST,)))
    choices = [rung.choice for rung in ladder.rungs]
    assert choices != sorted(choices)
    totals = [rung.cost.total for rung in ladder.rungs if rung.cost.total is not None]
    assert totals == sorted(totals)


def test_purchase_order_counts_where_it_is_asked_for():
    order = (OrderKey.ACCELERATOR, OrderKey.PURCHASE, OrderKey.COST)
    demand = make_demand(purchases=(Purchase.ON_DEMAND, Purchase.SPOT), order=order)
    kinds = [rung.purchase for rung in rank_offerings(demand).rungs]
    assert kinds == sorted(kinds)
    assert set(kinds) == {"on_demand", "spot"}


def test_time_matters_when_an_unserved_hour_is_dear():
    """A block in two days for half the price loses to on-demand now, once an hour costs enough."""
    demand = make_demand(
        purchases=(Purchase.ON_DEMAND, Purchase.CAPACITY_BLOCK),
        regions=places("aws us-east-1"),
        end=date(2026, 12, 3),
    )
    cheap_time = replace(demand, weights=Weights(usd_per_hour_unserved=0))
    dear_time = replace(demand, weights=Weights(usd_per_hour_unserved=2000))
    assert rank_offerings(cheap_time, known_from(block())).rungs[0].purchase == "capacity_block"
    assert rank_offerings(dear_time, known_from(block())).rungs[0].purchase == "on_demand"


def test_where_time_costs_nothing_sooner_still_comes_first_at_the_same_price():
    demand = make_demand(
        purchases=(Purchase.FUTURE_RESERVATION, Purchase.ON_DEMAND),
        regions=places("aws us-east-1"),
        weights=Weights(usd_per_hour_unserved=0),
    )
    assert rank_offerings(demand).rungs[0].purchase == "on_demand"


def test_unknown_prices_come_after_known_ones():
    known = [rung.cost.total is None for rung in rank_offerings(make_demand()).rungs]
    assert known == sorted(known)


def test_price_limit_names_price_and_limit():
    ladder = rank_offerings(make_demand(regions=places("aws us-east-1"), usd_per_gpu_hour_max=3))
    assert {rung.purchase for rung in ladder.rungs} == {"spot"}
    assert "$6.88 per GPU-hour is above the limit of $3" in reasons(ladder, purchase="on_demand")[0]


def test_budget_counts_the_whole_stay():
    demand = make_demand(purchases=(Purchase.ON_DEMAND,), regions=places("aws us-east-1"), usd_budget=10_000)
    assert rank_offerings(replace(demand, end=date(2026, 11, 28))).rungs
    (reason, *_) = reasons(rank_offerings(demand), purchase="on_demand")
    assert "$40,179 for 730 h is above the budget of $10,000" in reason


@pytest.mark.parametrize(
    ("places_allowed", "countries"),
    [(("eu",), {"europe-west4", "eu-north-1"}), (("DE",), set()), (("JP", "kr"), {"ap-northeast-1"})],
)
def test_residency_keeps_data_where_it_may_lie(places_allowed, countries):
    ladder = rank_offerings(make_demand(residency=places_allowed))
    regions = {rung.region for rung in ladder.rungs}
    assert countries <= regions
    assert "us-east-1" not in regions
    assert "eu-west-2" not in regions  # London left with the United Kingdom


@pytest.mark.parametrize(
    ("wanted", "machines"),
    [
        (Interconnect.EFA, {"p5.48xlarge"}),
        (Interconnect.GPUDIRECT_TCPX, {"a3-highgpu-8g"}),
        (Interconnect.GPUDIRECT_TCPXO, {"a3-megagpu-8g"}),
    ],
)
def test_interconnects_filter_machine_types(wanted, machines):
    ladder = rank_offerings(make_demand(interconnects=(wanted,)))
    assert {rung.machine_type for rung in ladder.rungs} == machines


def test_gangs_stay_in_one_zone_on_machines_with_a_fabric():
    demand = make_demand(gpus=16, nodes_per_replica=2, one_zone=False)
    ladder = rank_offerings(demand)
    assert ladder.rungs
    assert all(len(rung.zones) <= 1 for rung in ladder.rungs)
    assert all(rung.nodes_min == 2 for rung in ladder.rungs)
    assert "a3-edgegpu-8g" not in {rung.machine_type for rung in ladder.rungs}


def test_gangs_are_compact_only_where_google_allows_it():
    rungs = rank_offerings(make_demand(gpus=16, nodes_per_replica=2)).rungs
    compact = {rung.purchase for rung in rungs if rung.is_compact}
    assert compact == {"on_demand", "spot", "future_reservation"}
    assert all(rung.cloud == "gcp" for rung in rungs if rung.is_compact)
    h200 = rank_offerings(make_demand("h200", 16, nodes_per_replica=2)).rungs
    assert any(rung.is_compact and rung.purchase == "flex_start" for rung in h200)


def test_a_gang_that_the_reservation_cannot_hold_whole_does_not_use_it():
    demand = make_demand(gpus=24, nodes_per_replica=3)
    ladder = rank_offerings(demand, known_from(reservation()))
    assert not any(rung.is_held for rung in ladder.rungs)


def test_replicas_share_nodes_but_gangs_do_not():
    demand = make_demand(gpus=2, replicas_min=5, replicas_max=9, regions=places("aws us-east-1"))
    on_demand = [rung for rung in rank_offerings(demand).rungs if rung.machine_type == "p5.48xlarge"]
    assert {(rung.nodes_min, rung.nodes_max) for rung in on_demand} == {(2, 3)}


def test_a_short_quota_leaves_the_offering_out_and_says_by_how_much():
    limits = Limits(
        {
            ("aws", "us-east-1", "L-417A185B", ""): Limit(
                limit=200,
                used=96,
                pending=384,
                pending_state="CASE_OPENED",
                source="test",
                as_of="2026-11-26",
            )
        }
    )
    demand = make_demand(purchases=(Purchase.ON_DEMAND,), regions=places("aws us-east-1"))
    ladder = rank_offerings(demand, Known(limits=limits))
    assert not ladder.rungs
    assert "needs 192 vCPU; 96 of 200 used" in reasons(ladder, purchase="on_demand")[0]
    (ask,) = ladder.quota_asks()
    assert (ask.quota_id, ask.value, ask.region) == ("L-417A185B", 288, "us-east-1")
    assert ask.pending == "384 asked for, CASE_OPENED"


def test_enough_quota_is_said_to_be_enough():
    limits = Limits(
        {("aws", "us-east-1", "L-417A185B", ""): Limit(limit=768, used=0, source="test", as_of="2026-11-26")}
    )
    demand = make_demand(purchases=(Purchase.ON_DEMAND,), regions=places("aws us-east-1"))
    assert {rung.quota_verdict for rung in rank_offerings(demand, Known(limits=limits)).rungs} == {
        Verdict.ENOUGH
    }


def test_a_second_endpoint_prefers_the_region_that_is_in_use():
    demand = make_demand(
        purchases=(Purchase.ON_DEMAND,), regions=places("aws us-east-1", "aws us-east-2"), one_zone=False
    )
    assert rank_offerings(demand).rungs[0].region == "us-east-1"
    assert rank_offerings(demand, in_use=[("aws", "us-east-2")]).rungs[0].region == "us-east-2"


def test_slices_of_a_gpu_are_no_rungs():
    demand = make_demand("l4", 1)
    assert not any("g6f" in rung.machine_type for rung in rank_offerings(demand).rungs)


@pytest.mark.parametrize(
    ("region", "purchase", "parts", "total"),
    [
        ("us-east-2", "spot", (11.56, 0.00, 0.01, 0.11), 11.69),
        ("us-east-1", "on_demand", (55.04, 0, 0.01, 0.15), 55.20),
        ("us-east-1", "future_reservation", (55.04, 0, 9.04, 2.71), 66.79),
    ],
)
def test_the_example_of_the_explanation(region, purchase, parts, total):
    """docs/explanation/ladder.md; prices are those of the catalog, so both move together."""
    ladder = rank_offerings(make_demand(purchases=(Purchase(purchase),), regions=places(f"aws {region}")))
    cost = ladder.rungs[0].cost
    assert cost.moving == 0
    found = (cost.machines, cost.interruptions, cost.waiting, cost.refusals)
    assert found == pytest.approx(parts, abs=0.005)
    assert cost.total == pytest.approx(total, abs=0.005)


def test_dropping_the_interconnect_is_no_way_out_for_a_gang_on_machines_without_one():
    demand = make_demand(
        nodes_per_replica=2, interconnects=(Interconnect.EFA,), regions=places("gcp europe-west9")
    )
    for change in explain_nothing(demand, limit=20).relaxations:
        assert "a3-highgpu-4g" not in change.offering
        assert "gVNIC" not in change.change


def test_a_place_that_sells_none_of_it_is_what_kills_the_demand():
    verdict = explain_nothing(make_demand("l4", regions=places("gcp europe-north1")))
    assert [rule for rule, _ in verdict.killers] == ["region"]
    assert "allow " in verdict.relaxations[0].change
