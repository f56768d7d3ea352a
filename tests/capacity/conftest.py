"""Demands and evidence that tests of this room share."""

from dataclasses import replace
from typing import Any

import pytest

from gpuyard.capacity.demand import AllowedRegion, Demand, GpuNeed, Purchase
from gpuyard.capacity.known import Known
from gpuyard.catalog.evidence import Answer, Evidence
from gpuyard.catalog.places import regions

EVERYWHERE = tuple(
    AllowedRegion(cloud=cloud, region=region) for cloud in ("aws", "gcp") for region in regions(cloud)
)
AS_OF = "2026-11-26T12:00:00Z"


def make_demand(gpu: str = "h100-sxm", gpus: int = 8, **changes: Any) -> Demand:
    """Eight H100 on one node, anywhere, bought in any way, unless told otherwise."""
    nodes = changes.pop("nodes_per_replica", 1)
    base = Demand(
        endpoint="chat",
        needs=(GpuNeed(accelerator=gpu, gpus_per_replica=gpus, nodes_per_replica=nodes, reason="test"),),
        replicas_min=1,
        replicas_max=1,
        purchases=tuple(Purchase),
        regions=EVERYWHERE,
        one_zone=True,
    )
    return replace(base, **changes)


def places(*names: str) -> tuple[AllowedRegion, ...]:
    """Allowed regions from ``aws us-east-1`` words."""
    return tuple(AllowedRegion(cloud=name.split()[0], region=name.split()[1]) for name in names)


def known_from(*items: Any, **known: Any) -> Known:
    """Evidence of these records, each answered in full for its place."""
    answers = tuple(
        Answer(question=item.kind, cloud=item.cloud, region=item.region, as_of=item.as_of, items=(item,))
        for item in items
    )
    return Known(evidence=Evidence(answers), **known)


@pytest.fixture(scope="session")
def h100_everywhere() -> Demand:
    return make_demand()
