"""Rules of Google's bill that look at more than one resource, or at what a program leaves open."""

from dataclasses import replace

import pytest

from gpuyard.costs.pricing import price_resources
from gpuyard.costs.usage_file import parse_usage

CLUSTER = "gcp:container/cluster:Cluster"
POOL = "gcp:container/nodePool:NodePool"
RULE = "gcp:compute/forwardingRule:ForwardingRule"
GLOBAL_RULE = "gcp:compute/globalForwardingRule:GlobalForwardingRule"
VM = "gcp:compute/instance:Instance"
MONTH = 730


def test_the_credit_is_one_per_billing_account_and_what_one_cluster_leaves_the_next_takes(make):
    zonal = [make(CLUSTER, f"c{n}", location="us-central1-a", removeDefaultNodePool=True) for n in range(3)]
    regional = make(CLUSTER, "r", location="us-central1", removeDefaultNodePool=True)
    hours = {f"c{n}": {"monthly_hours": 500} for n in range(3)} | {"r": {"monthly_hours": 500}}
    clusters = [*zonal, regional]
    report = price_resources(clusters, usage=parse_usage({"resource_usage": hours}, clusters))
    assert float(report.monthly.expected) == pytest.approx(200)
    assert float(report.credits) == pytest.approx(-74.40)
    used = {"resource_usage": {"c0": {"free_tier_credit_used": True}}}
    one = price_resources(zonal[:1], usage=parse_usage(used, zonal[:1]))
    assert one.credits == 0
    # Google's example: 1000 hours of regional and 500 of zonal clusters come to 100 dollars
    two = [zonal[0], regional, make(CLUSTER, "s", location="us-east1", removeDefaultNodePool=True)]
    hours = {found.name: {"monthly_hours": 500} for found in two}
    report = price_resources(two, usage=parse_usage({"resource_usage": hours}, two))
    assert float(report.monthly.expected + report.credits) == pytest.approx(100)


@pytest.mark.parametrize(
    ("rules", "usd_per_hour"), [(1, 0.01), (2, 0.02), (3, 0.025), (5, 0.025), (10, 0.075)]
)
def test_five_forwarding_rules_of_a_place_cost_at_most_what_google_asks_for_them(make, rules, usd_per_hour):
    found = [make(RULE, f"f{n}", region="us-central1") for n in range(rules)]
    report = price_resources([*found, make(RULE, "elsewhere", region="europe-west4")])
    assert float(report.monthly.expected) == pytest.approx((usd_per_hour + 0.01) * MONTH)


def test_global_rules_count_apart_and_a_lone_rule_says_what_google_bills_at_least(make):
    rules = [make(RULE, "a", region="us-central1"), make(GLOBAL_RULE, "b"), make(GLOBAL_RULE, "c")]
    report = price_resources(rules, default_regions={"gcp": "us-central1"})
    assert float(report.monthly.expected) == pytest.approx(0.03 * MONTH)
    (line,) = [item for item in report.items if item.resource == "a" and item.unit == "hour"]
    assert "at least 0.025" in line.note


def test_a_state_knows_the_disk_that_the_program_leaves_to_google(make):
    pool = make(POOL, location="us-central1-a", nodeCount=1, nodeConfig={"machineType": "e2-standard-2"})
    made = {"nodeConfig": {"machineType": "e2-standard-2", "diskType": "pd-standard", "diskSizeGb": 50}}
    planned, running = (price_resources([found]) for found in (pool, replace(pool, outputs=made)))
    assert float(planned.monthly.expected - running.monthly.expected) == pytest.approx(100 * 0.10 - 50 * 0.04)


@pytest.mark.parametrize(
    ("image", "usd_per_hour"),
    [
        ("windows-cloud/windows-2022", 8 * 0.046),
        ("projects/suse-cloud/global/images/family/sles-15", 0.11),
        ("debian-cloud/debian-12", 0),
        ("my-project/my-windows-tools", 0),
    ],
)
def test_a_licensed_image_costs_its_licence(make, image, usd_per_hour):
    def vm(image):
        boot = {"initializeParams": {"image": image}}
        return make(VM, zone="us-central1-a", machineType="n2-standard-8", bootDisk=boot)

    licensed, free = (price_resources([vm(found)]) for found in (image, "own"))
    assert not licensed.unknown
    gap = float(licensed.monthly.expected - free.monthly.expected)
    assert gap == pytest.approx(usd_per_hour * MONTH)


def test_a_licence_without_a_price_is_unknown_never_free(make):
    boot = {"initializeParams": {"image": "rhel-cloud/rhel-9"}}
    vm = make(VM, zone="us-central1-a", machineType="n2-standard-8", bootDisk=boot)
    assert [found.component for found in price_resources([vm]).unknown] == ["RHEL licence"]
    config = {"machineType": "n2-standard-8", "imageType": "WINDOWS_LTSC_CONTAINERD"}
    pool = make(POOL, location="us-central1-a", nodeCount=1, nodeConfig=config)
    assert "Windows Server licence" in {item.component for item in price_resources([pool]).items}


def test_autopilot_pods_cost_by_class_and_region(make):
    cluster = make(CLUSTER, location="europe-west3", enableAutopilot=True)
    keys = {
        "autopilot_vcpu": 4,
        "autopilot_memory_gb": 16,
        "autopilot_scale_out_vcpu": 2,
        "autopilot_spot_vcpu": 25,
        "autopilot_spot_memory_gb": 100,
    }
    usage = parse_usage({"resource_usage": {"it": keys}}, [cluster])
    report = price_resources([cluster], usage=usage)
    assert not report.unknown
    # prices of one region that GoogleCloudPlatform/autopilot-cost-calculator tests with
    pods = 4 * 0.0573 + 16 * 0.0063421 + 2 * 0.0722 + 25 * 0.0172 + 100 * 0.0019026
    assert float(report.monthly.expected) == pytest.approx((0.10 + pods) * MONTH, rel=0.005)


def test_prices_that_carry_over_from_another_region_say_so(make):
    disk = make(
        "gcp:compute/disk:Disk",
        zone="europe-west4-a",
        type="hyperdisk-balanced",
        size=100,
        provisionedIops=4000,
    )
    report = price_resources([disk])
    assert not report.unknown
    assert all("derived: the us-central1 price x 1.1" in item.note for item in report.items)
