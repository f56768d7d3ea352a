"""Worked examples of public test suites and pages, each with its source, within 0.5 %."""

from pathlib import Path
from typing import Any

import pytest
import yaml

from gpuyard.costs.pricing import price_resources
from gpuyard.costs.usage import Usage
from gpuyard.costs.usage_file import parse_usage
from gpuyard.resources import Resource

PREFIX = "urn:pulumi:test::test::"
FILES = sorted(Path(__file__).with_name("worked_examples").glob("*.yaml"))
GROUPS = [group for file in FILES for group in yaml.safe_load(file.read_text(encoding="utf-8"))]
CASES = [
    pytest.param(group["type"], case, id=f"{group['source'].split(' (')[0]} {number}")
    for group in GROUPS
    for number, case in enumerate(group["cases"])
]


def _resource(kind: str, name: str, inputs: dict[str, Any]) -> Resource:
    return Resource(urn=f"{PREFIX}{kind}::{name}", type=kind, name=name, inputs=inputs)


@pytest.mark.parametrize(("kind", "case"), CASES)
def test_a_worked_example_costs_what_its_source_says(kind, case):
    first = _resource(kind, "it", case["inputs"])
    others = [_resource(also["type"], also["name"], also["inputs"]) for also in case.get("also", ())]
    resources = [first, *others]
    usage = Usage()
    if case.get("usage"):
        usage = parse_usage({"resource_usage": {"it": case["usage"]}}, resources)
    report = price_resources(resources, usage=usage, hours_per_month=case.get("hours", 730))
    allowed = max(case["monthly"] * 0.005, 0.005 * case.get("cents", 1) + 1e-9)
    assert float(report.monthly.expected) == pytest.approx(case["monthly"], abs=allowed)
    assert float(report.one_time) == pytest.approx(case.get("one_time", 0), rel=0.005)
    assert len(report.unknown) == case.get("unknown", 0), report.unknown


AWS_REGIONS = [  # infracost aws data_transfer_test: 1000 GB between zones, 750 to other regions, 157,000 out
    ("af-south-1", 20 + 1576.96 + 6021.12 + 12902.40 + 380.80 + 110.25),
    ("sa-east-1", 20 + 1536 + 5652.48 + 12902.40 + 387.60 + 103.50),
    ("ap-northeast-1", 20 + 1167.36 + 3645.44 + 8806.40 + 285.60 + 67.50),
    ("ap-northeast-2", 20 + 1290.24 + 4997.12 + 11980.80 + 367.20 + 60),
    ("ap-south-1", 20 + 1119.23 + 3481.60 + 8396.80 + 272 + 64.50),
    ("ap-southeast-2", 20 + 1167.36 + 4014.08 + 9625.60 + 312.80 + 73.50),
    ("us-gov-west-1", 20 + 1587.20 + 4710.40 + 9216 + 221 + 22.50),
    ("me-south-1", 20 + 1198.08 + 4526.08 + 9318.40 + 221 + 82.88),
    ("il-central-1", 20 + 1126.40 + 3481.60 + 7884.80 + 187 + 60),
    ("eu-west-1", 20 + 921.60 + 3481.60 + 7168 + 170 + 15),
    ("us-west-2", 20 + 921.60 + 3481.60 + 7168 + 170 + 15),
]


@pytest.mark.parametrize(("region", "monthly"), AWS_REGIONS)
def test_traffic_that_belongs_to_no_resource_costs_by_region_and_direction(region, monthly):
    entry = {
        "kind": "aws:data_transfer",
        "region": region,
        "monthly_intra_region_gb": 1000,
        "monthly_outbound_other_regions_gb": 750,
        "monthly_outbound_internet_gb": 157000,
    }
    report = price_resources([], usage=parse_usage({"free_usage": [entry]}, []))
    assert not report.unknown
    assert float(report.monthly.expected) == pytest.approx(monthly, rel=0.001)
    assert report.monthly.idle == 0


def test_traffic_of_us_east_1_and_of_google():
    aws = {
        "kind": "aws:data_transfer",
        "region": "us-east-1",
        "monthly_intra_region_gb": 1000,
        "monthly_outbound_us_east_to_us_east_gb": 500,
        "monthly_outbound_other_regions_gb": 750,
        "monthly_outbound_internet_gb": 57000,
    }
    google = {"kind": "gcp:data_transfer", "region": "europe-west4", "monthly_outbound_internet_gb": 1025}
    report = price_resources([], usage=parse_usage({"free_usage": [aws, google]}, []))
    sums = {
        kind: float(
            sum(item.effective.expected for item in report.items if item.type == kind and item.effective)
        )
        for kind in ("aws:data_transfer", "gcp:data_transfer")
    }
    assert sums["aws:data_transfer"] == pytest.approx(4849.20, rel=0.001)  # infracost aws data_transfer_test
    assert sums["gcp:data_transfer"] == pytest.approx(
        122.99, rel=0.005
    )  # Cyclenerd t/test.sh: 122 whole dollars


CYCLENERD = [  # t/test.sh: whole dollars of a whole month in europe-west4, sustained use included
    ("a2-highgpu-1g", 2736),
    ("a2-highgpu-8g", 21888),
    ("a2-megagpu-16g", 41337),
    ("a3-highgpu-1g", 10269),
    ("a3-highgpu-8g", 82154),
    ("a3-megagpu-8g", 86312),
    ("c2-standard-8", 268),
    ("c2-standard-60", 2014),
    ("c2d-standard-8", 291),
    ("c3-standard-88", 3399),
    ("c3d-standard-60", 2087),
    ("c4-standard-48", 1818),
    ("e2-standard-8", 215),
    ("e2-medium", 26.9),
    ("g2-standard-8", 654),
    ("g2-standard-48", 3070),
    ("g4-standard-48", 3613),
    ("g4-standard-384", 28907),
]


@pytest.mark.parametrize(("machine_type", "dollars"), CYCLENERD)
def test_a_google_machine_costs_what_another_calculator_says(machine_type, dollars):
    boot = {"bootDisk": {"source": "a-disk"}, "zone": "europe-west4-a", "machineType": machine_type}
    report = price_resources([_resource("gcp:compute/instance:Instance", "it", boot)])
    assert not report.unknown
    # whole dollars, cut off
    assert dollars * 0.995 <= float(report.monthly.expected) <= dollars * 1.005 + 1


def test_examples_come_from_many_places():
    assert len(CASES) + len(AWS_REGIONS) + len(CYCLENERD) >= 150
