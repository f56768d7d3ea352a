"""A report over everything that it can hold. Synthetic."""

from dataclasses import replace

import pytest

from gpuyard.catalog.models import find_model
from gpuyard.costs.pricing import price_resources
from gpuyard.economics.load import Load, Target, Workload, spread_over_day
from gpuyard.economics.people import People, own
from gpuyard.economics.replicas import plan_day
from gpuyard.economics.throughput import Setting
from gpuyard.economics.token_economics import Candidate, GpuHour, weigh_tokens
from gpuyard.economics.traffic import Assumption
from gpuyard.errors import Finding, Severity
from gpuyard.leadtime.estimate import estimate
from gpuyard.leadtime.path import ServingPath
from gpuyard.leadtime.shortcuts import Bill, find_shortcuts
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


SETTING = Setting(
    model="meta-llama/Llama-3.3-70B-Instruct",
    shape=find_model("meta-llama/Llama-3.3-70B-Instruct"),
    gpu="h100-sxm",
    runtime="vllm",
    precision="fp8",
    gpus_per_replica=8,
)
HOUR = GpuHour(usd=2.37, purchase="spot", source="a table", as_of="2026-07-20", usd_low=1.5, usd_high=6.2)


def make_tokens(**more):
    """Money per token of a 70B on H100 under a declared load; hosted prices are the catalog's."""
    load = Load(
        workload=Workload(input_tokens=1000, output_tokens=300), hourly=spread_over_day(per_second=5.0)
    )
    candidate = Candidate(
        place="aws us-east-2",
        machine="p5.48xlarge",
        purchase="spot",
        setting=SETTING,
        gpu_hour=replace(HOUR, usd=1.5),
        not_chosen="the region <b>|@team is not allowed",
    )
    parts = {
        "load": load,
        "gpu_hour": HOUR,
        "day": plan_day(load, 12.0, target_utilisation=0.7, lowest=1, highest=4),
        "utilisation": 0.4,
        "usd_per_month": 27_896.0,
        "candidates": [candidate],
    }
    return weigh_tokens(SETTING, Target(), **{**parts, **more})


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
    tokens = make_tokens()
    unknown = weigh_tokens(replace(SETTING, runtime="tgi"), Target(), gpu_hour=HOUR)
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
        "lead_times": {"chat": replace(estimate(path), shortcuts=find_shortcuts(path, Bill()))},
        "tokens": {"chat": tokens, "odd": unknown},
        "ownership": own(
            People(setup_hours=80, monthly_hours=20, usd_per_hour=100, source="time sheets <b>|@team"),
            27_896.0,
            0.0,
            tokens.hosted[0].usd_per_month,
            "chat: deepinfra-turbo",
        ),
        "assumptions": [Assumption(name="rollouts", value=2, unit="per month", why="guess <b>|@team")],
        "notes": ["Synthetic."],
    }
    return build_report(**{**parts, **more})


@pytest.fixture
def report() -> Report:
    return make_report()
