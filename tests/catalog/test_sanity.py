"""Sanity rules: a wrong price is turned down with its reason, a right one passes. Rows are synthetic."""

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gpuyard.catalog.offers import Offer
from gpuyard.catalog.prices import list_price
from gpuyard.catalog.sanity import accept, judge


def offer(**fields):
    plain = {
        "cloud": "aws",
        "machine_type": "g6.xlarge",
        "region": "us-east-1",
        "source": "test",
        "as_of": "2026-11-01",
    }
    return Offer(**{**plain, **fields})


def verdicts(*offers, known=None):
    return [(rejection.price, rejection.rule) for rejection in judge(offers, known)]


def test_a_plain_row_passes():
    assert verdicts(offer(on_demand=0.8, spot=0.3), known=list_price) == []


@pytest.mark.parametrize(
    ("fields", "expected"),
    [
        (
            {"on_demand": 0.8, "spot": 0.9},
            [("on_demand", "SPOT_ABOVE_ON_DEMAND"), ("spot", "SPOT_ABOVE_ON_DEMAND")],
        ),
        ({"on_demand": 0.8, "spot": 0.8}, [("spot", "SPOT_EQUALS_ON_DEMAND")]),
        ({"on_demand": 10.18405, "spot": 10.1841}, [("spot", "SPOT_EQUALS_ON_DEMAND")]),
        ({"on_demand": 68.35968, "spot": 6.836}, [("spot", "SPOT_PLACEHOLDER")]),
        ({"on_demand": 700.0}, [("on_demand", "SENTINEL")]),
        ({"spot": 0.00001}, [("spot", "SENTINEL")]),
        ({"on_demand": 0.0}, [("on_demand", "SENTINEL")]),
        ({"on_demand": -1.0}, [("on_demand", "SENTINEL")]),
        ({"on_demand": 3.8e8}, [("on_demand", "SENTINEL")]),
        ({"on_demand": float("nan")}, [("on_demand", "SENTINEL")]),
        ({"on_demand": 0.8, "spot": 0.3, "zone": "use1-atl2-az1"}, [("spot", "LOCAL_ZONE")]),
        ({"on_demand": 0.8, "flag": "SUSPECT: looks odd"}, [("on_demand", "SUSPECT")]),
    ],
)
def test_a_row_that_contradicts_itself_is_turned_down(fields, expected):
    assert verdicts(offer(**fields)) == expected


@pytest.mark.parametrize(
    ("machine", "usd", "rule"),
    [
        ("g2-standard-4", 0.706832 + 0.5604, "GPU_TWICE"),
        ("g2-standard-4", 0.5604, "GPU_ONLY"),
        ("a3-highgpu-8g", 8 * 9.79655, "GPU_ONLY"),
        ("a3-highgpu-8g", 88.49 * 0.5, "OTHER_PRICE_KIND"),
        ("a3-highgpu-8g", 88.49 * 0.7, "OTHER_PRICE_KIND"),
        ("a3-highgpu-8g", 88.49 * 1.2, "OTHER_PRICE_KIND"),
        ("a3-highgpu-8g", 88.49 * 3, "OFF_LIST"),
    ],
)
def test_a_google_price_that_is_another_sku_is_noticed_against_the_list_price(machine, usd, rule):
    row = offer(cloud="gcp", machine_type=machine, region="us-central1", on_demand=usd)
    assert verdicts(row, known=list_price) == [("on_demand", rule)]


def test_b200_rows_at_half_and_seventy_percent_are_other_ways_of_buying():
    rows = [
        offer(cloud="gcp", machine_type="a4-highgpu-8g", region=region, on_demand=usd)
        for region, usd in (("us-central1", 90.216), ("us-east4", 64.44), ("us-west3", 64.44))
    ]
    assert verdicts(*rows) == [("on_demand", "OTHER_PRICE_KIND")] * 3


def test_the_same_ratio_between_continents_is_a_difference_of_regions():
    rows = [
        offer(cloud="gcp", machine_type="a2-highgpu-1g", region=region, on_demand=usd)
        for region, usd in (("me-west1", 4.04072), ("europe-west10", 5.65701))
    ]
    assert verdicts(*rows) == []


def h200(region, usd):
    return offer(cloud="gcp", machine_type="a3-ultragpu-8g", region=region, on_demand=usd)


def test_one_price_around_the_world_is_turned_down_where_siblings_vary():
    regions = ("us-south1", "europe-west4", "asia-south1")
    flat = [h200(region, 36.60258) for region in regions]
    varying = [
        offer(cloud="gcp", machine_type="g2-standard-4", region=region, on_demand=usd)
        for region, usd in zip(regions, (0.70, 0.78, 0.85), strict=True)
    ]
    assert verdicts(*flat, *varying) == [("on_demand", "REGION_CONSTANT")] * 3
    assert verdicts(*flat) == [], "alone, nothing shows that regions differ"
    assert verdicts(*(h200(region, 36.6) for region in ("us-south1", "us-east1", "us-west1")), *varying) == []


prices = st.floats(min_value=0.01, max_value=90, allow_nan=False)


@given(listed=prices, quoted=prices)
def test_what_is_accepted_is_never_a_spot_price_above_on_demand(listed, quoted):
    (found,) = accept([offer(on_demand=listed, spot=quoted)])
    if found.on_demand is not None and found.spot is not None:
        assert found.spot < found.on_demand


@given(listed=prices, quoted=prices)
def test_accepting_twice_changes_nothing_more(listed, quoted):
    once = accept([offer(on_demand=listed, spot=quoted)])
    assert accept(once) == once


def test_accept_blanks_only_the_price_that_was_turned_down():
    row = offer(on_demand=0.8, spot=0.8)
    assert accept([row]) == (replace(row, spot=None),)
