"""Flex-start, calendar mode and commitments: each priced once, from dated figures, else unknown by name."""

import pytest

from gpuyard.costs.line_item import Loads
from gpuyard.costs.pricing import price_resources
from gpuyard.costs.usage_file import parse_usage


def _known(loads: Loads | None) -> Loads:
    assert loads is not None
    return loads


MONTH = 730
POOL = "gcp:container/nodePool:NodePool"
VM = "gcp:compute/instance:Instance"
FUTURE = "gcp:compute/futureReservation:FutureReservation"
COMMITMENT = "gcp:compute/regionCommitment:RegionCommitment"
BOOT = {"source": "a-disk"}


def _flex(make, machine_type, **inputs):
    scheduling = {"provisioningModel": "FLEX_START"}
    zone = "us-central1-b"
    return make(VM, zone=zone, machineType=machine_type, bootDisk=BOOT, scheduling=scheduling, **inputs)


@pytest.mark.parametrize(
    ("machine_type", "usd_per_hour"),
    [
        ("a3-highgpu-8g", 38.32),  # 4.79 per GPU-hour with local SSD
        ("a3-highgpu-1g", 4.79),
        ("a2-highgpu-1g", 2.02038),
        ("a4-highgpu-8g", 64.44),
        ("g2-standard-8", 0.853624),  # no discount: the on-demand price
        ("n1-standard-4", 0.189999),
    ],
)
def test_a_flex_start_machine_costs_what_google_bills(make, machine_type, usd_per_hour):
    report = price_resources([_flex(make, machine_type)])
    assert not report.unknown
    assert float(report.monthly.expected) == pytest.approx(usd_per_hour * MONTH, rel=0.001)


def test_a_flex_start_price_that_nobody_publishes_stays_unknown(make):
    (line,) = price_resources([_flex(make, "g4-standard-48")]).unknown
    assert (line.component, _known(line.quantity).expected) == ("g4-standard-48 flex_start", MONTH)


def test_queued_provisioning_costs_as_flex_start(make):
    config = {"machineType": "a3-highgpu-8g", "diskSizeGb": 100, "diskType": "pd-balanced"}
    queued = make(
        POOL, location="us-central1-a", nodeCount=1, nodeConfig=config, queuedProvisioning={"enabled": True}
    )
    flex = make(POOL, location="us-central1-a", nodeCount=1, nodeConfig={**config, "flexStart": True})
    assert price_resources([queued]).monthly == price_resources([flex]).monthly


def _booking(make, days=14, count=2, **inputs):
    shape = {"machineType": "a4-highgpu-8g"}
    skus = {"totalCount": str(count), "instanceProperties": shape}
    window = {"startTime": "2026-12-01T00:00:00Z", "duration": {"seconds": str(days * 86_400)}}
    return make(
        FUTURE,
        "booked",
        zone="us-central1-b",
        reservationMode="CALENDAR",
        timeWindow=inputs.pop("timeWindow", window),
        specificSkuProperties=skus,
        **inputs,
    )


def test_a_calendar_booking_is_paid_once_for_its_period(make):
    report = price_resources([_booking(make)])
    assert float(report.one_time) == pytest.approx(2 * 14 * 24 * 90.216)
    assert report.monthly.expected == 0
    until = {"startTime": "2026-12-01T00:00:00Z", "endTime": "2026-12-15T00:00:00Z"}
    assert price_resources([_booking(make, timeWindow=until)]).one_time == report.one_time


def test_machines_in_a_booking_are_not_paid_again(make):
    vm = make(
        VM,
        zone="us-central1-b",
        machineType="a4-highgpu-8g",
        bootDisk=BOOT,
        scheduling={"provisioningModel": "RESERVATION_BOUND"},
    )
    config = {
        "machineType": "a4-highgpu-8g",
        "diskType": "hyperdisk-balanced",
        "reservationAffinity": {"values": ["projects/p/reservations/booked"]},
    }
    pool = make(POOL, location="us-central1-b", nodeCount=2, nodeConfig=config)
    report = price_resources([_booking(make), vm, pool])
    assert not report.unknown
    assert {item.component for item in report.items if item.frequency != "One-Time"} == {
        "hyperdisk-balanced disk"
    }
    assert price_resources([vm]).monthly.expected > 65_000  # by the hour where the booking lies elsewhere


def test_a_future_reservation_by_the_month_costs_its_machines(make):
    future = _booking(make, count=1)
    monthly = make(FUTURE, zone="us-central1-b", specificSkuProperties=future.inputs["specificSkuProperties"])
    assert float(price_resources([monthly]).monthly.expected) == pytest.approx(128.88 * MONTH)
    half = parse_usage({"resource_usage": {"it": {"used_share": 1}}}, [monthly])
    assert price_resources([monthly], usage=half).monthly.expected == 0


def _commitment(make, kind, plan, **amounts):
    resources = [
        {"type": key, "amount": str(value)}
        if not isinstance(value, tuple)
        else {"type": key, "acceleratorType": value[0], "amount": str(value[1])}
        for key, value in amounts.items()
    ]
    return make(COMMITMENT, "deal", region="europe-west4", type=kind, plan=plan, resources=resources)


N2 = {"VCPU": 8, "MEMORY": 32 * 1024}
A3 = {"VCPU": 208, "MEMORY": 1872 * 1024, "ACCELERATOR": ("nvidia-h100-80gb", 8)}
EXAMPLES = [  # Cyclenerd t/test.sh: whole dollars of a month of the machine under a commitment
    ("n1-standard-8", "GENERAL_PURPOSE", "TWELVE_MONTH", {"VCPU": 8, "MEMORY": 30 * 1024}, 192),
    ("n2-standard-8", "GENERAL_PURPOSE_N2", "TWELVE_MONTH", N2, 196),
    ("n2-standard-8", "GENERAL_PURPOSE_N2", "THIRTY_SIX_MONTH", N2, 140),
    ("c2-standard-8", "COMPUTE_OPTIMIZED", "THIRTY_SIX_MONTH", N2, 134),
    ("c3d-standard-8", "COMPUTE_OPTIMIZED_C3D", "TWELVE_MONTH", N2, 175),
    (
        "g2-standard-8",
        "GRAPHICS_OPTIMIZED",
        "TWELVE_MONTH",
        {**N2, "ACCELERATOR": ("nvidia-l4", 1)},
        412,
    ),
    ("a3-highgpu-8g", "ACCELERATOR_OPTIMIZED_A3", "TWELVE_MONTH", A3, 56991),
    ("a3-highgpu-8g", "ACCELERATOR_OPTIMIZED_A3", "THIRTY_SIX_MONTH", A3, 36078),
]


@pytest.mark.parametrize(("machine_type", "kind", "plan", "amounts", "dollars"), EXAMPLES)
def test_a_commitment_and_the_machine_that_it_covers_cost_the_committed_price(
    make, machine_type, kind, plan, amounts, dollars
):
    deal = _commitment(make, kind, plan, **amounts)
    vm = make(VM, zone="europe-west4-a", machineType=machine_type, bootDisk=BOOT)
    alone, both = price_resources([deal]), price_resources([deal, vm])
    assert not both.unknown
    assert dollars * 0.995 <= float(both.monthly.expected) <= dollars * 1.005 + 1
    # the fee is due whether anything uses it or not, and what is covered costs nothing more
    assert float(alone.monthly.expected) == pytest.approx(float(both.monthly.expected), rel=0.002)


def test_what_a_commitment_does_not_cover_keeps_its_price(make):
    deal = _commitment(make, "GENERAL_PURPOSE_N2", "TWELVE_MONTH", **N2)
    vms = [
        make(VM, name, zone=zone, machineType=machine_type, bootDisk=BOOT, scheduling=scheduling)
        for name, zone, machine_type, scheduling in (
            ("elsewhere", "us-central1-a", "n2-standard-8", {}),
            ("other", "europe-west4-a", "n2d-standard-8", {}),
            ("spot", "europe-west4-a", "n2-standard-8", {"preemptible": True}),
        )
    ]
    apart = sum(price_resources([found]).monthly.expected for found in (deal, *vms))
    assert price_resources([deal, *vms]).monthly.expected == apart
    large = make(VM, "large", zone="europe-west4-a", machineType="n2-standard-16", bootDisk=BOOT)
    half = float(price_resources([large]).monthly.expected) / 2
    fee = float(price_resources([deal]).monthly.expected)
    assert float(price_resources([deal, large]).monthly.expected) == pytest.approx(fee + half, rel=0.001)


def test_gpus_attached_to_n1_machines_are_committed_apart(make):
    amounts = {"VCPU": 4, "MEMORY": 15 * 1024, "ACCELERATOR": ("nvidia-tesla-t4", 1)}
    deal = _commitment(make, "GENERAL_PURPOSE", "TWELVE_MONTH", **amounts)
    gpus = [{"type": "nvidia-tesla-t4", "count": 1}]
    vm = make(VM, zone="europe-west4-a", machineType="n1-standard-4", bootDisk=BOOT, guestAccelerators=gpus)
    report = price_resources([deal, vm])
    assert not report.unknown
    assert {item.pricing_category for item in report.items} == {"Committed"}
    assert float(report.monthly.expected) == pytest.approx(0.22 * MONTH + 96.3, rel=0.005)


def test_a_commitment_without_a_price_is_unknown_and_covers_nothing(make):
    deal = _commitment(make, "ACCELERATOR_OPTIMIZED_A3", "TWELVE_MONTH", ACCELERATOR=("nvidia-h100-80gb", 8))
    vm = make(VM, zone="europe-west4-a", machineType="a3-highgpu-8g", bootDisk=BOOT)
    report = price_resources([deal, vm])
    assert [found.type for found in report.unknown] == [COMMITMENT]
    assert report.monthly == price_resources([vm]).monthly


def test_local_ssds_that_a_machine_brings_are_in_its_price(make):
    drives = [{"interface": "NVME"}] * 16
    for machine_type in ("a3-highgpu-8g", "a2-ultragpu-1g", "c3-standard-8-lssd"):
        plain = make(VM, zone="us-central1-a", machineType=machine_type, bootDisk=BOOT)
        listed = make(VM, zone="us-central1-a", machineType=machine_type, bootDisk=BOOT, scratchDisks=drives)
        assert price_resources([listed]).monthly == price_resources([plain]).monthly


def test_a_resize_request_costs_its_machines_for_as_long_as_it_asks(make):
    disks = [{"boot": True, "diskType": "pd-balanced", "diskSizeGb": 100}]
    template = make(
        "gcp:compute/instanceTemplate:InstanceTemplate", "t", machineType="a3-highgpu-8g", disks=disks
    )
    group = make(
        "gcp:compute/instanceGroupManager:InstanceGroupManager",
        "g",
        zone="us-central1-a",
        targetSize=0,
        versions=[{"instanceTemplate": "t"}],
    )
    request = make(
        "gcp:compute/resizeRequest:ResizeRequest",
        zone="us-central1-a",
        instanceGroupManager="g",
        resizeBy=4,
        requestedRunDuration={"seconds": "86400"},
    )
    report = price_resources([template, group, request])
    assert not report.unknown
    assert float(report.monthly.expected) == pytest.approx(4 * 24 * 38.32 + 4 * 10 * 24 / 730, rel=0.001)
    assert report.monthly.idle == 0
