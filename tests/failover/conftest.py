"""A few candidates of two clouds, and messages that put parts of the world out."""

import pytest

from gpuyard.failover.candidate import Candidate, bucket_of

NOW = 1_795_000_000.0


def make(
    cloud="aws",
    region="us-east-1",
    zones=("use1-az4",),
    machine_type="p5.48xlarge",
    purchase="on_demand",
    **more,
):
    return Candidate(
        **{
            "endpoint": "chat",
            "rung": 0,
            "cloud": cloud,
            "region": region,
            "zones": tuple(zones),
            "machine_type": machine_type,
            "purchase": purchase,
            "nodes": 1,
            "usd_per_hour": 10.0,
            "bucket": bucket_of(cloud, machine_type, purchase),
        }
        | more
    )


@pytest.fixture
def candidate():
    return make()


@pytest.fixture
def now():
    return NOW
