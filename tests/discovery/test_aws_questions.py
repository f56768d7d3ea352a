"""What each question to AWS makes of its answer. Accounts, ids and prices are synthetic."""

import json
from datetime import UTC, datetime, timedelta

import boto3
import pytest
from moto import mock_aws
from tests.discovery.conftest import MASKED, NOW, Refusal

from gpuyard.discovery.asking import Trouble
from gpuyard.discovery.aws.list_prices import ask_list_prices
from gpuyard.discovery.aws.manager import ManagerOffError, ask_history, ask_supportability
from gpuyard.discovery.aws.quotas import Bucket, ask_quotas, bucket_of, code_for
from gpuyard.discovery.aws.region import AwsRegion
from gpuyard.discovery.aws.reserved import ask_capacity_blocks, ask_reservations
from gpuyard.discovery.aws.spot import ask_placement_scores, ask_spot_prices


def region(double, name="us-east-1", machines=("p5.48xlarge",)):
    return AwsRegion(double.clients(), name, MASKED, machines)


@pytest.fixture
def moto_region(monkeypatch):
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.setenv(name, "synthetic")
    with mock_aws():
        yield lambda name, machines: AwsRegion(boto3.client, name, MASKED, machines)


def test_recorded_offerings_are_by_zone_id(moto_region):
    """moto 5.2.5 carries EC2's own offerings of p5.48xlarge; zone ids do not depend on the account."""
    place = moto_region("us-east-1", ("p5.48xlarge", "no-such.type"))
    found = list(place.ask_offerings())
    assert {item.machine_type for item in found} == {"p5.48xlarge"}
    assert {item.zone for item in found} <= {zone.zone for zone in place.ask_zones()}
    assert all(item.zone.startswith("use1-az") for item in found)


def test_recorded_machine_types_have_their_real_shape(moto_region):
    (shape,) = moto_region("us-east-1", ("p5.48xlarge", "no-such.type")).ask_machine_types()
    assert (shape.vcpus, shape.gpus, shape.gpu_memory_mib, shape.efa_interfaces) == (192, 8, 81920, 32)
    assert shape.gpu == "NVIDIA H100"
    assert "capacity-block" in shape.purchases


def quote(zone, usd, days_ago):
    return {
        "InstanceType": "p5.48xlarge",
        "AvailabilityZone": zone,
        "SpotPrice": usd,
        "Timestamp": datetime.now(UTC) - timedelta(days=days_ago),
    }


def test_spot_prices_are_weighted_by_how_long_they_held(aws):
    quotes = [quote("us-east-1b", "20", 20), quote("us-east-1b", "30", 3), quote("us-east-1b", "25", 1)]
    double = aws(DescribeSpotPriceHistory={"SpotPriceHistory": quotes})
    (price,) = ask_spot_prices(region(double), 10)
    assert price.zone == "use1-az2"
    assert (price.usd, price.usd_p10, price.usd_p50, price.usd_p90) == (25, 20, 20, 30)
    assert price.changes == 2
    ((_, asked),) = double.called("DescribeSpotPriceHistory")
    assert asked["ProductDescriptions"] == ["Linux/UNIX"]


def test_scores_of_regions_and_zones_are_asked_for_the_whole_mix_ten_places_at_a_time(aws):
    def scores(_, asked):
        found = [
            {"Region": region, "Score": 7}
            | ({"AvailabilityZoneId": f"{region}-1"} if asked["SingleAvailabilityZone"] else {})
            for region in asked["RegionNames"]
        ]
        return {"SpotPlacementScores": found}

    machines = ("p5en.48xlarge", "p5.48xlarge", "p5e.48xlarge")
    double = aws(GetSpotPlacementScores=scores)
    zones = {"us-east-1": 5, "us-east-2": 3, "us-west-2": 4, "eu-west-2": 12}
    found = list(ask_placement_scores(double.clients()("ec2", "us-east-1"), machines, zones, 8))
    asked = [
        (tuple(one["RegionNames"]), one["SingleAvailabilityZone"])
        for _, one in double.called("GetSpotPlacementScores")
    ]
    assert asked == [
        (tuple(zones), False),
        (("us-east-1", "us-east-2"), True),
        (("us-west-2",), True),
        (("eu-west-2",), True),
    ]
    assert {score.zone for score in found if score.region == "us-west-2"} == {"", "us-west-2-1"}
    assert {(score.machine_types, score.instances) for score in found} == {(tuple(sorted(machines)), 8)}


def offer(offering_id, hours, fee="9999.50"):
    return {
        "CapacityBlockOfferingId": offering_id,
        "InstanceType": "p5.48xlarge",
        "AvailabilityZone": "us-east-1a",
        "InstanceCount": 2,
        "StartDate": NOW,
        "EndDate": NOW + timedelta(hours=hours),
        "CapacityBlockDurationHours": hours,
        "UpfrontFee": fee,
        "CurrencyCode": "USD",
        "Tenancy": "default",
    }


def test_every_block_length_is_searched_and_a_rejected_one_does_not_stop_the_others(aws):
    def offers(_, asked):
        hours = asked["CapacityDurationHours"]
        if hours == 25:
            return Refusal("InvalidParameterValue", "Invalid duration 25")
        return {"CapacityBlockOfferings": [offer(f"cb-{hours}", hours)]}

    double = aws(DescribeCapacityBlockOfferings=offers)
    first, trouble, last = ask_capacity_blocks(region(double), "p5.48xlarge", 2, (24, 25, 336), 30)
    assert (first.offering_id, first.zone, first.upfront, first.hours) == ("cb-24", "use1-az1", 9999.5, 24)
    assert last.ends_at == "2026-12-10T12:00:00Z"
    assert isinstance(trouble, Trouble)


def test_blocks_are_not_searched_for_types_that_are_not_sold_in_blocks(aws):
    double = aws(DescribeInstanceTypes={"InstanceTypes": []})
    assert list(ask_capacity_blocks(region(double), "g6.xlarge", 1, (24,), 30)) == []
    assert double.called("DescribeCapacityBlockOfferings") == []


def held(number, **fields):
    return {
        "CapacityReservationId": f"cr-{number}",
        "OwnerId": "123456789012",
        "InstanceType": "p5.48xlarge",
        "AvailabilityZoneId": "use1-az1",
        "TotalInstanceCount": 4,
        "AvailableInstanceCount": 1,
        "State": "active",
        "InstanceMatchCriteria": "open",
        **fields,
    }


def test_reservations_and_blocks_that_are_held(aws):
    listed = [
        held(1, Tags=[{"Key": "Name", "Value": "llm"}], StartDate=NOW),
        held(2, ReservationType="capacity-block", CapacityBlockId="cb-1", State="scheduled", EndDate=NOW),
        held(3, OwnerId="210987654321", InstanceMatchCriteria="targeted"),
        held(4, State="expired"),
    ]
    blocks = [
        {"CapacityBlockId": "cb-1", "State": "scheduled", "UltraserverType": "u-p6e-gb200x72"},
        {"CapacityBlockId": "cb-2", "State": "payment-pending", "AvailabilityZoneId": "use1-az2"},
        {"CapacityBlockId": "cb-3", "State": "expired"},
    ]
    double = aws(
        DescribeCapacityReservations={"CapacityReservations": listed},
        DescribeCapacityBlocks={"CapacityBlocks": blocks},
    )
    found = {item.id: item for item in ask_reservations(region(double))}
    assert sorted(found) == ["cb-2", "cr-1", "cr-2", "cr-3"]
    assert (found["cr-1"].name, found["cr-1"].available, found["cr-1"].is_targeted) == ("llm", 1, False)
    assert (found["cr-2"].form, found["cr-2"].mode) == ("capacity_block", "u-p6e-gb200x72")
    assert found["cr-2"].is_targeted
    assert found["cr-3"].is_shared
    assert not found["cr-1"].is_shared
    assert (found["cb-2"].total, found["cb-2"].state) == (None, "payment-pending")


def quota(code, name, value):
    return {"QuotaCode": code, "QuotaName": name, "Value": value, "Adjustable": True}


P_ON_DEMAND = quota("L-417A185B", "Running On-Demand P instances", 384.0)
P_SPOT = quota("L-7212CCBC", "All P4, P3 and P2 Spot Instance Requests", 96.0)
P6_SPOT = quota("L-SYNTHETIC", "All P6 Spot Instance Requests", 0.0)


def instance(machine_type, cores, **fields):
    return {"InstanceType": machine_type, "CpuOptions": {"CoreCount": cores, "ThreadsPerCore": 2}, **fields}


def test_quotas_come_with_use_and_open_requests(aws):
    def limits(_, asked):
        assert asked["ServiceCode"] == "ec2"
        return {"Quotas": [P_ON_DEMAND, P_SPOT, P6_SPOT, quota("L-0", "EC2-VPC Elastic IPs", 5.0)]}

    running = [
        instance("p5.48xlarge", 96),
        instance("p4d.24xlarge", 48, InstanceLifecycle="spot"),
        instance("p5.48xlarge", 96, InstanceLifecycle="capacity-block"),
        instance("t3.micro", 1),
    ]
    asked = [
        {"QuotaCode": "L-417A185B", "DesiredValue": 768.0, "Status": "DENIED", "Created": NOW},
        {"QuotaCode": "L-417A185B", "DesiredValue": 576.0, "Status": "CASE_OPENED", "Created": NOW},
    ]
    double = aws(
        ListServiceQuotas=limits,
        GetServiceQuota=lambda _, request: (
            {"Quota": quota(request["QuotaCode"], "Running On-Demand G and VT instances", 64.0)}
            if request["QuotaCode"] == "L-DB2E81BA"
            else Refusal("NoSuchResourceException")
        ),
        DescribeInstances={"Reservations": [{"Instances": running}]},
        DescribeCapacityReservations={"CapacityReservations": [held(1, AvailableInstanceCount=1)]},
        ListRequestedServiceQuotaChangeHistory={"RequestedQuotas": asked},
    )
    found = {item.code: item for item in ask_quotas(region(double))}
    p = found["L-417A185B"]
    assert (p.limit, p.used, p.pending, p.pending_state) == (384, 192 + 192, 576, "CASE_OPENED")
    assert (found["L-7212CCBC"].used, found["L-SYNTHETIC"].used, found["L-DB2E81BA"].limit) == (96, 0, 64)
    assert p.account == MASKED
    assert "L-0" not in found


def test_limits_stay_known_where_use_is_refused(aws):
    double = aws(
        ListServiceQuotas={"Quotas": [P_ON_DEMAND]}, DescribeInstances=Refusal("UnauthorizedOperation")
    )
    trouble, p = ask_quotas(region(double))
    assert isinstance(trouble, Trouble)
    assert (p.limit, p.used) == (384, None)
    assert "unknown" in p.note


@pytest.mark.parametrize(
    ("machine_type", "market", "code"),
    [
        ("p5.48xlarge", "on_demand", "L-417A185B"),
        ("p6-b200.48xlarge", "on_demand", "L-417A185B"),
        ("p6-b200.48xlarge", "spot", "L-SYNTHETIC"),
        ("p4d.24xlarge", "spot", "L-7212CCBC"),
        ("p5en.48xlarge", "spot", ""),
        ("gr6.4xlarge", "on_demand", "L-DB2E81BA"),
        ("vt1.3xlarge", "on_demand", "L-DB2E81BA"),
        ("t3.micro", "on_demand", "L-1216C47A"),
    ],
)
def test_a_machine_counts_against_the_bucket_that_names_its_family(machine_type, market, code):
    names = {
        "L-417A185B": "Running On-Demand P instances",
        "L-DB2E81BA": "Running On-Demand G and VT instances",
        "L-1216C47A": "Running On-Demand Standard (A, C, D, H, I, M, R, T, Z) instances",
        "L-7212CCBC": "All P4, P3 and P2 Spot Instance Requests",
        "L-SYNTHETIC": "All P6 Spot Instance Requests",
    }
    buckets = {code: bucket for code, name in names.items() if (bucket := bucket_of(name))}
    assert code_for(machine_type, market, buckets) == code


def test_a_bucket_is_read_from_the_name_of_its_quota():
    assert bucket_of("All P4, P3 and P2 Spot Instance Requests") == Bucket(
        market="spot", families=frozenset({"P4", "P3", "P2"})
    )
    assert bucket_of("Running Dedicated p5 Hosts") is None


def product(region_code, *prices):
    dimensions = {
        str(index): {"unit": "Hrs", "pricePerUnit": {"USD": usd}} for index, usd in enumerate(prices)
    }
    return json.dumps(
        {
            "product": {"attributes": {"regionCode": region_code}},
            "terms": {"OnDemand": {"term": {"priceDimensions": dimensions}}},
        }
    )


def test_list_prices_of_all_regions_come_from_one_question(aws):
    prices = [
        product("us-east-1", "55.04"),
        product("us-west-2", "55.04", "31.464"),
        product("eu-west-1", "60"),
    ]
    double = aws(GetProducts={"PriceList": prices})
    found = ask_list_prices(
        double.clients()("pricing", "us-east-1"), "p5.48xlarge", ("us-east-1", "us-west-2")
    )
    assert [(price.region, price.usd) for price in found] == [("us-east-1", 55.04)]
    assert len(double.called("GetProducts")) == 1


def test_supportability_is_asked_for_ten_zones_at_a_time(aws):
    def scores(_, asked):
        return {
            "CapacityManagerSupportabilityScores": [
                {"InstanceType": "p5.48xlarge", "AvailabilityZoneId": zone, "Score": "medium"}
                for zone in asked["CapacityAvailabilityZoneIds"]
            ]
        }

    double = aws(
        GetCapacityManagerAttributes={"CapacityManagerStatus": "enabled"},
        GetCapacityManagerSupportabilityScores=scores,
    )
    zones = {f"use1-az{number:02}": "us-east-1" for number in range(12)}
    ec2 = double.clients()("ec2", "us-east-1")
    found = list(ask_supportability(ec2, "us-east-1", ["p5.48xlarge"], zones, 2, "on_demand"))
    assert {item.zone for item in found} == set(zones)
    assert {(item.word, item.instances, item.purchase) for item in found} == {("medium", 2, "on_demand")}
    sizes = [
        len(asked["CapacityAvailabilityZoneIds"])
        for _, asked in double.called("GetCapacityManagerSupportabilityScores")
    ]
    assert sizes == [10, 2]


def test_history_turns_percentages_into_shares(aws):
    def metric(value):
        return {
            "Dimension": {
                "ResourceRegion": "us-east-1",
                "AvailabilityZoneId": "use1-az1",
                "InstanceType": "p5.48xlarge",
            },
            "Timestamp": NOW,
            "MetricValues": [{"Metric": "capacity-request-fulfillment-rate", "Value": value}],
        }

    double = aws(
        GetCapacityManagerAttributes={"CapacityManagerStatus": "enabled"},
        GetCapacityManagerMetricData={"MetricDataResults": [metric(100.0), metric(50.0)]},
    )
    ec2 = double.clients()("ec2", "us-east-1")
    (item,) = ask_history(ec2, "us-east-1", MASKED, ["p5.48xlarge"], ["us-east-1"])
    assert (item.measure, item.purchase, item.value) == ("fulfilment_rate", "on_demand", 0.75)


def test_capacity_manager_that_is_off_is_named(aws):
    ec2 = aws().clients()("ec2", "us-east-1")
    with pytest.raises(ManagerOffError, match="not switched on"):
        list(ask_history(ec2, "us-east-1", MASKED, ["p5.48xlarge"], ["us-east-1"]))
