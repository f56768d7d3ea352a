"""Live look-ups against local stubs that answer as the clouds do. Prices are synthetic."""

import json
import time
from datetime import UTC, datetime
from urllib.parse import parse_qs, urlparse

import boto3
import pytest
from botocore.stub import ANY, Stubber
from google.auth.credentials import AnonymousCredentials
from google.cloud import compute_v1 as compute
from tests.discovery.google import PROJECT, Refused, disabled
from tests.discovery.google import google as double

from gpuyard.discovery.gcp.client import GcpClients
from gpuyard.discovery.prices import COMPUTE_SKUS, DiscoveryError, ask_aws, ask_gcp, google_get

TODAY = "2026-11-24"


def client(service, region):
    return boto3.client(service, region, aws_access_key_id="synthetic", aws_secret_access_key="synthetic")


def product(*prices):
    dimensions = {
        str(index): {"unit": "Hrs", "pricePerUnit": {"USD": usd}} for index, usd in enumerate(prices)
    }
    return json.dumps({"terms": {"OnDemand": {"term": {"priceDimensions": dimensions}}}})


@pytest.fixture
def aws():
    """Stubbed EC2 and Price List; `put` sets what they answer."""
    stubs = {}

    def put(price_lists, offerings, quotes):
        ec2, pricing = client("ec2", "us-east-1"), client("pricing", "us-east-1")
        stubs["ec2"], stubs["pricing"] = Stubber(ec2), Stubber(pricing)
        zones = [
            {"ZoneName": f"us-east-1{letter}", "ZoneId": f"use1-az{index}"}
            for index, letter in enumerate("abc", 1)
        ]
        stubs["ec2"].add_response("describe_availability_zones", {"AvailabilityZones": zones})
        stubs["ec2"].add_response(
            "describe_spot_price_history",
            {"SpotPriceHistory": quotes},
            {"InstanceTypes": ["p5.48xlarge"], "ProductDescriptions": ["Linux/UNIX"], "StartTime": ANY},
        )
        stubs["ec2"].add_response(
            "describe_instance_type_offerings",
            {
                "InstanceTypeOfferings": [
                    {"InstanceType": "p5.48xlarge", "Location": zone} for zone in offerings
                ]
            },
            {
                "LocationType": "availability-zone-id",
                "Filters": [{"Name": "instance-type", "Values": ["p5.48xlarge"]}],
            },
        )
        for price_list in price_lists:
            stubs["pricing"].add_response(
                "get_products", {"PriceList": price_list}, {"ServiceCode": "AmazonEC2", "Filters": ANY}
            )
        for stub in stubs.values():
            stub.activate()
        return lambda service, _: {"ec2": ec2, "pricing": pricing}[service]

    return put


def quote(zone, usd, hour):
    return {
        "InstanceType": "p5.48xlarge",
        "AvailabilityZone": zone,
        "SpotPrice": usd,
        "Timestamp": datetime(2026, 11, 24, hour, tzinfo=UTC),
    }


def test_aws_zones_get_the_list_price_and_their_latest_spot_price(aws):
    connect = aws(
        [[product("55.04")], [product("55.04")]],
        ["use1-az2", "use1-az1"],
        [quote("us-east-1a", "17.1", 9), quote("us-east-1a", "18.2", 11), quote("us-east-1c", "16.0", 9)],
    )
    offers = ask_aws(["p5.48xlarge"], ["us-east-1"], TODAY, connect)
    assert [(offer.zone, offer.on_demand, offer.spot) for offer in offers] == [
        ("use1-az1", 55.04, 18.2),
        ("use1-az2", 55.04, None),
    ]
    assert {(offer.source, offer.as_of) for offer in offers} == {("AWS Price List and EC2", TODAY)}


@pytest.mark.parametrize("answer", [[], [product("0.0000000000")], [product("55.04", "31.464")]])
def test_a_missing_or_ambiguous_list_price_is_unknown(aws, answer):
    connect = aws([answer], ["use1-az1"], [])
    (offer,) = ask_aws(["p5.48xlarge"], ["us-east-1"], TODAY, connect)
    assert offer.on_demand is None


def test_an_aws_refusal_is_one_clear_error():
    ec2 = client("ec2", "us-east-1")
    stub = Stubber(ec2)
    stub.add_client_error("describe_availability_zones", "UnauthorizedOperation", "You are not authorized")
    stub.activate()
    with pytest.raises(DiscoveryError, match="not authorized") as error:
        ask_aws(["p5.48xlarge"], ["us-east-1"], TODAY, lambda *_: ec2)
    assert error.value.exit_code == 3


def sku(description, usd, region="us-central1"):
    units, nanos = int(usd), round((usd - int(usd)) * 1e9)
    rates = [{"unitPrice": {"currencyCode": "USD", "units": str(units), "nanos": nanos}}]
    return {
        "description": description,
        "serviceRegions": [region],
        "pricingInfo": [{"pricingExpression": {"tieredRates": rates}}],
    }


G2 = [
    sku("G2 Instance Core running in Americas", 0.024988),
    sku("G2 Instance Ram running in Americas", 0.002927),
    sku("Nvidia L4 GPU running in Americas", 0.56004),
    sku("Spot Preemptible G2 Instance Core running in Americas", 0.0142),
    sku("Spot Preemptible G2 Instance Ram running in Americas", 0.0016),
    sku("Nvidia L4 GPU attached to Spot Preemptible VMs running in Americas", 0.32),
    sku("Commitment v1: Nvidia L4 GPU running in Americas for 1 Year", 0.35),
    sku("G2 Instance Core running in Belgium", 0.0275, "europe-west1"),
]


def google(skus):
    """Answers of Cloud Billing in two pages, and of Compute Engine."""

    def get(url, query):
        if url == COMPUTE_SKUS:
            half = len(skus) // 2
            second = "pageToken" in query
            return {"skus": skus[half:]} if second else {"skus": skus[:half], "nextPageToken": "more"}
        assert urlparse(url).path.endswith("/projects/synthetic/aggregated/machineTypes")
        assert "g2-standard-8" in query["filter"] or "a4-highgpu-8g" in query["filter"], parse_qs(url)
        found = {"machineTypes": [{"name": "x"}]}
        return {"items": {"zones/us-central1-b": found, "zones/us-central1-a": found, "zones/us-east1-b": {}}}

    return get


def test_a_google_machine_is_summed_from_its_skus():
    offers = ask_gcp(["g2-standard-8"], ["us-central1"], "synthetic", TODAY, google(G2))
    assert [offer.zone for offer in offers] == ["us-central1-a", "us-central1-b"]
    assert offers[0].on_demand == pytest.approx(0.853608)
    assert offers[0].spot == pytest.approx(8 * 0.0142 + 32 * 0.0016 + 0.32)


def test_a_missing_or_doubled_sku_makes_the_price_unknown_not_smaller():
    without_gpu = [entry for entry in G2 if entry["description"] != "Nvidia L4 GPU running in Americas"]
    doubled = [*G2, sku("Nvidia L4 GPU running in Iowa", 0.28)]
    for skus in (without_gpu, doubled):
        (first, _) = ask_gcp(["g2-standard-8"], ["us-central1"], "synthetic", TODAY, google(skus))
        assert first.on_demand is None


def test_families_with_ambiguous_skus_get_zones_without_prices():
    offers = ask_gcp(["a4-highgpu-8g"], ["us-central1"], "synthetic", TODAY, google(G2))
    assert [(offer.zone, offer.on_demand, offer.spot) for offer in offers] == [
        ("us-central1-a", None, None),
        ("us-central1-b", None, None),
    ]


def _offered():
    scoped = compute.MachineTypesScopedList(machine_types=[compute.MachineType(name="g2-standard-8")])
    return compute.MachineTypeAggregatedList(items={"zones/us-central1-b": scoped})


def test_google_is_asked_over_http_page_by_page():
    def listed(_region, query, _body):
        second = "pageToken" in query
        return {"skus": G2[5:]} if second else {"skus": G2[:5], "nextPageToken": "more"}

    with double(services__skus__list=listed, machineTypes__aggregatedList=_offered()) as cloud:
        get = google_get(cloud.clients())
        (offer,) = ask_gcp(["g2-standard-8"], ["us-central1"], PROJECT, TODAY, get)
    assert offer.zone == "us-central1-b"
    assert offer.on_demand == pytest.approx(0.853608)


@pytest.mark.parametrize(
    ("answer", "told"),
    [
        (disabled("cloudbilling"), "`gcloud services enable cloudbilling.googleapis.com"),
        (Refused(403, "Permission 'x.y' denied", "forbidden"), "grant a role with"),
        (
            Refused(401, "Request had invalid credentials", "authError"),
            "gcloud auth application-default login",
        ),
        (Refused(500, "Internal error", "backendError"), "HTTP 500: Internal error"),
    ],
    ids=["disabled", "denied", "expired", "broken"],
)
def test_a_google_refusal_is_one_error_with_a_way_out(answer, told):
    with double(services__skus__list=answer) as cloud, pytest.raises(DiscoveryError) as error:
        ask_gcp(["g2-standard-8"], ["us-central1"], PROJECT, TODAY, google_get(cloud.clients(seconds=1)))
    assert told in str(error.value)
    assert "\n  fix: " in str(error.value)
    assert error.value.exit_code == 3


def test_a_google_that_cannot_be_reached_says_what_to_check():
    hosts = {"cloudbilling": "http://127.0.0.1:9"}
    clients = GcpClients(AnonymousCredentials(), PROJECT, time.monotonic() + 1, hosts=hosts)
    with pytest.raises(DiscoveryError, match="check the network, proxy and DNS"):
        ask_gcp(["g2-standard-8"], ["us-central1"], PROJECT, TODAY, google_get(clients))


def test_what_is_no_answer_of_google_is_told_as_such():
    def page(url, query):
        return (
            {"skus": [{"login": "here"}]} if url == COMPUTE_SKUS else {"items": {"zones/us-central1-a": None}}
        )

    with pytest.raises(DiscoveryError, match="no answer of Google Cloud") as error:
        ask_gcp(["g2-standard-8"], ["us-central1"], PROJECT, TODAY, page)
    assert "proxy" in str(error.value)


def test_what_is_no_answer_of_aws_is_told_as_such():
    class Portal:
        """A login page in place of EC2."""

        @staticmethod
        def describe_availability_zones():
            return {}

    with pytest.raises(DiscoveryError, match="no answer of AWS") as error:
        ask_aws(["p5.48xlarge"], ["us-east-1"], TODAY, lambda *_: Portal())
    assert error.value.exit_code == 3
