"""A report over everything that it can hold. Synthetic."""

import pytest

from gpuyard.costs.pricing import price_resources
from gpuyard.errors import Finding, Severity
from gpuyard.leadtime.estimate import estimate
from gpuyard.leadtime.path import ServingPath
from gpuyard.report.model import PoolRow, Report, RungRow, build_report
from gpuyard.resources import Resource

REGION = {"region": "us-east-1"}
SCALING = {"minSize": 1, "desiredSize": 2, "maxSize": 4}
GROUP = {**REGION, "instanceTypes": ["p5.48xlarge"], "capacityType": "SPOT", "scalingConfig": SCALING}
PROGRAM = [
    ("aws:eks/nodeGroup:NodeGroup", "chat-nodes", GROUP),
    ("aws:eks/cluster:Cluster", "cluster", {**REGION, "version": "1.35"}),
    ("aws:ec2/natGateway:NatGateway", "nat", REGION),
    ("gcp:container/cluster:Cluster", "zonal", {"location": "us-central1-a", "removeDefaultNodePool": True}),
    ("aws:foo/bar:Baz", "odd", {}),
    ("aws:iam/role:Role", "role", {}),
]


def make_report(**more) -> Report:
    resources = [
        Resource(urn=f"urn:pulumi:test::test::{kind}::{name}", type=kind, name=name, inputs=inputs)
        for kind, name, inputs in PROGRAM
    ]
    path = ServingPath(
        cloud="aws",
        platform="eks",
        region="us-east-1",
        machine_type="p5.48xlarge",
        purchase="spot",
        quota="All P5 Spot Instance Requests",
        image_bytes=12_000_000_000,
        weights_bytes=70_000_000_000,
        parameters=70e9,
        tensor_parallel=8,
    )
    finding = Finding(
        severity=Severity.WARNING,
        code="QUOTA_NOT_SEEN",
        path="endpoints[0]",
        message="nobody looked at the quota <b>|@team",
        fix="run `gpuyard lock --live`",
    )
    parts = {
        "stack": "prod",
        "title": "prod: 70B on H100",
        "costs": price_resources(resources),
        "findings": [finding],
        "pools": [
            PoolRow(
                name="chat",
                place="aws us-east-1",
                machine="p5.48xlarge (8 x h100-sxm)",
                purchase="spot",
                nodes="1 to 4",
                serves="chat: meta-llama/Llama-3.3-70B-Instruct on vllm",
            )
        ],
        "rungs": [
            RungRow(
                endpoint="chat",
                number=1,
                place="aws us-east-1",
                machine="p5.48xlarge",
                purchase="spot",
                price="$17.60/h",
                is_active=True,
            )
        ],
        "lead_times": {"chat": estimate(path)},
        "notes": ["Synthetic."],
    }
    return build_report(**{**parts, **more})


@pytest.fixture
def report() -> Report:
    return make_report()
