"""Prices: published values, what is derived says so, what is doubtful is None."""

import pytest

from gpuyard.catalog import prices
from gpuyard.catalog.component_prices import egress_tiers, zone_traffic
from gpuyard.catalog.hardware import machine_types
from gpuyard.catalog.places import regions, regions_selling, zones_selling
from gpuyard.catalog.prices import (
    component,
    interruption_band,
    on_demand,
    rejected_rows,
    rejections,
    reserved,
    spot,
)


@pytest.mark.parametrize(
    ("cloud", "machine", "region", "usd"),
    [
        ("aws", "p5.48xlarge", "us-east-1", 55.04),
        ("aws", "p5en.48xlarge", "us-east-1", 63.296),
        ("aws", "g6.xlarge", "us-east-1", 0.8048),
        ("aws", "g6e.xlarge", "us-east-1", 1.861),
        ("aws", "p5.48xlarge", "ap-northeast-1", 68.80),
        ("aws", "m7i.large", "us-east-1", 0.1008),
        ("gcp", "g2-standard-4", "us-central1", 0.7068),
        ("gcp", "a3-highgpu-8g", "us-central1", 88.49),
        ("gcp", "a2-highgpu-1g", "us-central1", 3.673),
        ("gcp", "e2-standard-4", "us-central1", 0.1340),
    ],
)
def test_list_prices_are_the_published_ones(cloud, machine, region, usd):
    price = on_demand(cloud, machine, region)
    assert price is not None
    assert price.usd == pytest.approx(usd, rel=1e-3)
    assert price.source
    assert price.as_of


@pytest.mark.parametrize(
    ("cloud", "machine", "region"),
    [
        ("gcp", "a4-highgpu-8g", "us-central1"),
        ("gcp", "a3-ultragpu-8g", "europe-west4"),
        ("aws", "p5e.48xlarge", "us-east-2"),
        ("aws", "p4d.24xlarge", "eu-west-1"),
        ("aws", "p5.48xlarge", "nowhere-1"),
        ("gcp", "no-such-type", "us-central1"),
    ],
)
def test_an_unknown_price_is_none_and_never_zero(cloud, machine, region):
    assert on_demand(cloud, machine, region) is None


def test_a_derived_price_says_from_what():
    price = on_demand("aws", "g7e.2xlarge", "eu-central-1")
    assert price is not None
    assert price.usd == pytest.approx(3.36312 * 1.2505, rel=1e-3)
    assert "derived: us-east-1 price x 1.2505" in price.note
    assert "derived" in (on_demand("aws", "g7e.2xlarge", "us-west-2") or price).note


def test_no_spot_price_is_above_its_on_demand_price():
    for machine in machine_types().values():
        for region in regions_selling(machine.cloud, machine.id):
            listed, quoted = (
                on_demand(machine.cloud, machine.id, region),
                spot(machine.cloud, machine.id, region),
            )
            if listed and quoted:
                assert quoted.p50 < listed.usd, (machine.id, region)
            if quoted:
                assert 0 < quoted.p10 <= quoted.p50 <= quoted.p90


def test_a_zone_has_its_own_spot_price():
    whole = spot("aws", "p5.48xlarge", "us-east-2")
    zone = spot("aws", "p5.48xlarge", "us-east-2", "use2-az1")
    assert whole is not None
    assert zone is not None
    assert zone.samples == 1
    assert whole.p10 <= zone.p50 <= whole.p90
    assert spot("aws", "p5.48xlarge", "us-east-2", "use2-az9") is None


def test_google_spot_has_the_spread_of_its_history():
    price = spot("gcp", "a3-highgpu-8g", "us-central1")
    assert price is not None
    assert price.samples == 27
    assert price.p10 < price.p50


def test_every_accelerator_row_without_a_host_is_rejected_and_reported():
    alone = [row for row, _ in rejected_rows() if "GPU-ONLY" in row["machine_type"]]
    assert len(alone) == 6
    assert all(reason for _, reason in rejected_rows())
    equal = [rejection for rejection in rejections() if rejection.rule == "SPOT_EQUALS_ON_DEMAND"]
    assert len(equal) == 17


def test_a_rejected_price_is_not_used():
    assert spot("aws", "p5en.48xlarge", "eu-south-2", "eus2-az2") is None
    assert spot("aws", "g6e.2xlarge", "eu-central-1", "euc1-az1") is None


@pytest.mark.parametrize(
    ("cloud", "name", "region", "sku", "usd"),
    [
        ("aws", "eks_control_plane", "eu-west-3", "standard support", 0.10),
        ("aws", "nat_gateway", "us-east-1", "hour", 0.045),
        ("gcp", "disk", "europe-west4", "pd-balanced", 0.11),
        ("gcp", "disk", "asia-east1", "pd-balanced", 0.10),
    ],
)
def test_components_have_prices_by_region(cloud, name, region, sku, usd):
    price = component(cloud, name, region, sku)
    assert price is not None
    assert price.usd == pytest.approx(usd, rel=0.2)


def test_an_unknown_component_is_none():
    assert component("aws", "no_such_thing", "us-east-1") is None


@pytest.mark.parametrize("place", [("gcp", "asia-northeast1"), ("gcp", "us-central1"), ("aws", "us-east-1")])
def test_egress_gets_cheaper_with_the_amount(place):
    tiers = egress_tiers(*place)
    assert tiers[0].from_gb == 0
    assert [tier.price.usd for tier in tiers] == sorted((tier.price.usd for tier in tiers), reverse=True)


def test_traffic_between_aws_zones_counts_both_directions():
    price = zone_traffic("aws", "us-east-1")
    assert price is not None
    assert price.usd == pytest.approx(0.02)
    assert zone_traffic("aws", "nowhere-1") is None


def test_commitments_are_cheaper_than_on_demand():
    listed = on_demand("aws", "g5.xlarge", "us-east-1")
    assert listed is not None
    terms = reserved("aws", "g5.xlarge", "us-east-1")
    assert terms["3y_all_upfront"].usd < terms["1y_no_upfront"].usd < listed.usd
    google = reserved("gcp", "g2-standard-4", "us-central1")
    on_google = on_demand("gcp", "g2-standard-4", "us-central1")
    assert on_google is not None
    assert google["3y"].usd < google["1y"].usd < on_google.usd


def test_interruption_bands_are_words():
    assert interruption_band("g4dn.12xlarge", "ap-east-1") == ">20%"
    assert interruption_band("g4dn.12xlarge", "nowhere-1") is None


def test_aws_zones_are_ids_in_their_region():
    assert zones_selling("aws", "p5.48xlarge", "ap-northeast-1") == ("apne1-az1", "apne1-az4")
    assert zones_selling("gcp", "a3-ultragpu-8g", "us-central1") == ("us-central1-b",)
    for machine in machine_types("aws").values():
        for region in regions_selling("aws", machine.id):
            assert region in regions("aws")
            assert all(zone.count("-") == 1 for zone in zones_selling("aws", machine.id, region))


def test_a_look_up_does_not_read_the_tables_again(monkeypatch):
    on_demand("aws", "p5.48xlarge", "us-east-1")
    on_demand("gcp", "e2-standard-4", "us-central1")

    def refuse(name):
        raise AssertionError(f"{name} was read again")

    monkeypatch.setattr(prices, "read_csv", refuse)
    assert on_demand("aws", "p5.48xlarge", "eu-north-1")
    assert on_demand("gcp", "e2-standard-8", "europe-west4")
    assert spot("aws", "p5.48xlarge", "us-west-2")
