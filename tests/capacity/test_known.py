"""Evidence in the ladder: it replaces prices and odds, adds places, and takes away what is not there."""

from datetime import date

import pytest

from gpuyard.capacity.demand import Purchase
from gpuyard.capacity.known import Known
from gpuyard.capacity.ladder import rank_offerings
from gpuyard.capacity.quota import Verdict
from gpuyard.catalog.evidence import Answer, Evidence
from gpuyard.catalog.evidence_items import (
    Advice,
    History,
    ListPrice,
    Offering,
    PlacementScore,
    Question,
    Quota,
    Region,
    SpotPrice,
)

from .conftest import AS_OF, known_from, make_demand, places

PLACE = {"cloud": "aws", "region": "us-east-1", "as_of": AS_OF}
P5 = {**PLACE, "machine_type": "p5.48xlarge"}
EAST = places("aws us-east-1")


def rungs(known: Known, purchase: Purchase = Purchase.SPOT):
    return rank_offerings(make_demand(purchases=(purchase,), regions=EAST), known).rungs


def in_zone(found, zone: str):
    return next(rung for rung in found if rung.zones == (zone,))


def test_a_live_spot_price_replaces_the_quote_with_its_spread():
    live = SpotPrice(
        **P5,
        zone="use1-az6",
        usd=9.0,
        usd_p10=8.0,
        usd_p50=9.0,
        usd_p90=20.0,
        window_days=14,
        changes=12,
        changed_at=AS_OF,
    )
    rung = in_zone(rungs(known_from(live)), "use1-az6")
    assert rung.rate.expected_usd == pytest.approx(0.3 * 8 + 0.4 * 9 + 0.3 * 20)
    assert (rung.rate.source, rung.rate.as_of) == ("live spot price history", "2026-11-26")


def test_a_live_list_price_replaces_the_table():
    live = ListPrice(**P5, purchase="on_demand", usd=60.0, source="AWS price list")
    found = rungs(known_from(live), Purchase.ON_DEMAND)
    assert {rung.rate.usd for rung in found} == {60.0}


@pytest.mark.parametrize(("score", "odds"), [(9, 0.81), (1, 0.09)])
def test_a_placement_score_replaces_the_guess(score, odds):
    live = PlacementScore(**PLACE, zone="use1-az4", machine_types=("p5.48xlarge",), instances=1, score=score)
    found = rungs(known_from(live))
    assert in_zone(found, "use1-az4").offering.odds.probability == pytest.approx(odds)
    assert f"score {score} of 10 (2026-11-26)" in in_zone(found, "use1-az4").offering.odds.probability_basis
    assert in_zone(found, "use1-az6").offering.odds.probability_basis == "guess"


def test_likely_places_come_before_unlikely_ones_of_the_same_price():
    live = [
        PlacementScore(**PLACE, zone=zone, machine_types=("p5.48xlarge",), instances=1, score=score)
        for zone, score in (("use1-az1", 1), ("use1-az4", 9))
    ]
    quotes = [
        SpotPrice(**P5, zone=zone, usd=15.0, window_days=14, changes=0, changed_at=AS_OF)
        for zone in ("use1-az1", "use1-az4")
    ]
    found = [rung.zones for rung in rungs(known_from(*live, *quotes))]
    assert found.index(("use1-az4",)) < found.index(("use1-az1",))


def test_unsupported_is_left_out_with_its_source():
    live = Advice(
        **P5, zone="use1-az1", purchase="on_demand", instances=1, measure="supportability", word="unsupported"
    )
    ladder = rank_offerings(make_demand(purchases=(Purchase.ON_DEMAND,), regions=EAST), known_from(live))
    assert ("use1-az1",) not in {rung.zones for rung in ladder.rungs}
    (reason,) = [
        item.reason
        for item in ladder.excluded
        if item.zones == ("use1-az1",) and item.rules == ("not_sold",) and item.purchase == "on_demand"
    ]
    assert "supportability unsupported" in reason


def test_the_accounts_own_history_wins_over_forecasts():
    forecast = Advice(**P5, zone="use1-az4", purchase="spot", instances=1, measure="obtainability", value=0.9)
    own = History(
        **P5, zone="use1-az4", purchase="spot", measure="fulfilment_rate", value=0.1, window_days=30
    )
    rung = in_zone(rungs(known_from(forecast, own)), "use1-az4")
    assert rung.offering.odds.probability == 0.1
    assert "own requests met in 30 days" in rung.offering.odds.probability_basis


def test_reclaims_that_were_seen_replace_the_band():
    own = History(
        **P5, zone="use1-az4", purchase="spot", measure="interruption_rate", value=0.72, window_days=30
    )
    rung = in_zone(rungs(known_from(own)), "use1-az4")
    assert rung.offering.odds.reclaims_per_hour == pytest.approx(0.001)


def test_a_zone_that_the_cloud_does_not_list_is_left_out_once_it_was_asked():
    listed = Offering(**P5, zone="use1-az4")
    ladder = rank_offerings(make_demand(purchases=(Purchase.ON_DEMAND,), regions=EAST), known_from(listed))
    assert {rung.zones for rung in ladder.rungs} == {("use1-az4",)}
    assert any("does not list it there (2026-11-26)" in item.reason for item in ladder.excluded)


def test_an_incomplete_answer_proves_no_absence():
    listed = Offering(**P5, zone="use1-az4")
    answer = Answer(
        question=Question.OFFERINGS,
        cloud="aws",
        region="us-east-1",
        as_of=AS_OF,
        items=(listed,),
        is_complete=False,
    )
    assert len(rungs(Known(evidence=Evidence((answer,))), Purchase.ON_DEMAND)) == 6


def test_a_zone_that_the_catalog_lacks_is_added():
    listed = Offering(**{**P5, "region": "eu-west-1"}, zone="euw1-az1")
    demand = make_demand(purchases=(Purchase.ON_DEMAND,), regions=places("aws eu-west-1"))
    assert rank_offerings(demand).rungs == ()
    assert [rung.zones for rung in rank_offerings(demand, known_from(listed)).rungs] == [("euw1-az1",)]


FINLAND = {"cloud": "gcp", "region": "europe-north1", "machine_type": "a3-highgpu-8g", "as_of": AS_OF}


def test_a_price_and_a_listing_of_a_region_alone_make_no_rung():
    """Google lists and prices a3-highgpu-8g in europe-north1; its page of GPU zones has none there."""
    demand = make_demand(purchases=(Purchase.SPOT,), regions=places("gcp europe-north1"))
    ladder = rank_offerings(demand)
    assert ladder.rungs == ()
    assert any("no zone there is known to sell it" in item.reason for item in ladder.excluded)


@pytest.mark.parametrize("one_zone", [True, False])
def test_a_zone_that_the_cloud_lists_brings_the_region_back(one_zone):
    listed = Offering(**FINLAND, zone="europe-north1-b")
    demand = make_demand(purchases=(Purchase.SPOT,), regions=places("gcp europe-north1"), one_zone=one_zone)
    (rung,) = rank_offerings(demand, known_from(listed)).rungs
    assert (rung.machine_type, rung.zones) == ("a3-highgpu-8g", ("europe-north1-b",))
    assert rung.offering.odds.probability_basis == "guess"


def test_a_region_whose_zones_all_denied_it_says_that_the_cloud_was_asked():
    answer = Answer(question=Question.OFFERINGS, cloud="gcp", region="europe-north1", as_of=AS_OF, items=())
    demand = make_demand(purchases=(Purchase.SPOT,), regions=places("gcp europe-north1"))
    reasons = {item.reason for item in rank_offerings(demand, Known(evidence=Evidence((answer,)))).excluded}
    assert "the cloud does not list it there (2026-11-26)" in reasons


def test_a_region_that_is_not_enabled_is_left_out():
    off = Region(**PLACE, account="…0000", enabled=False)
    ladder = rank_offerings(make_demand(regions=EAST), known_from(off))
    assert not ladder.rungs
    assert any("not enabled in the account" in item.reason for item in ladder.excluded)


def test_limits_of_the_evidence_count_and_stated_ones_win():
    live = Quota(
        **PLACE,
        account="…0000",
        code="L-417A185B",
        name="Running On-Demand P instances",
        unit="vCPU",
        limit=96,
        used=0,
    )
    assert rungs(known_from(live), Purchase.ON_DEMAND) == ()
    more = Quota(
        **{**PLACE, "account": "…0000", "code": "L-417A185B", "name": "", "unit": "vCPU", "limit": 192},
        used=0,
    )
    assert {rung.quota_verdict for rung in rungs(known_from(more), Purchase.ON_DEMAND)} == {Verdict.ENOUGH}


def test_unknown_use_of_a_limit_is_unknown_and_not_zero():
    live = Quota(**PLACE, account="…0000", code="L-417A185B", name="", unit="vCPU", limit=960)
    assert {rung.quota_verdict for rung in rungs(known_from(live), Purchase.ON_DEMAND)} == {Verdict.UNKNOWN}


def test_waits_count_from_the_newest_evidence():
    later = Region(**{**PLACE, "as_of": "2027-03-01T00:00:00Z"}, account="…0000", enabled=True)
    assert known_from(later).today == date(2027, 3, 1)
    assert Known().today < date(2027, 3, 1)


CALENDAR = {
    "cloud": "gcp",
    "region": "us-central1",
    "zone": "us-central1-a",
    "machine_type": "a3-highgpu-8g",
    "purchase": "calendar",
    "instances": 1,
    "measure": "calendar",
    "as_of": AS_OF,
}


def calendar_ladder(*items):
    demand = make_demand(
        purchases=(Purchase.CALENDAR,), regions=places("gcp us-central1"), end=date(2026, 12, 20)
    )
    return rank_offerings(demand, known_from(*items))


def test_a_free_calendar_window_gives_the_rung_its_dates():
    window = Advice(**CALENDAR, starts_at="2026-12-01T00:00:00Z", ends_at="2026-12-21T00:00:00Z")
    rung = in_zone(calendar_ladder(window).rungs, "us-central1-a")
    assert (rung.offering.starts, rung.offering.ends) == ("2026-12-01T00:00:00Z", "2026-12-21T00:00:00Z")
    assert "calendar window free" in rung.offering.odds.probability_basis
    assert rung.is_commitment


def test_a_full_calendar_says_why():
    ladder = calendar_ladder(Advice(**CALENDAR, word="NO_CAPACITY"))
    rungs = {(rung.zones, rung.machine_type) for rung in ladder.rungs}
    assert (("us-central1-a",), "a3-highgpu-8g") not in rungs
    assert (("us-central1-b",), "a3-highgpu-8g") in rungs
    assert any("NO_CAPACITY (2026-11-26)" in item.reason for item in ladder.excluded)
