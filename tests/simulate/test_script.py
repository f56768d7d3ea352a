"""What a scripted cloud says, read by the very classifier that the failover loop uses."""

from collections.abc import Mapping
from typing import Any

import pytest

from gpuyard.failover.classify import classify
from gpuyard.simulate.clouds import Clouds, Refusal
from gpuyard.simulate.place import make_place
from gpuyard.simulate.scenario import parse_scenario

EAST = make_place("aws", {"region": "us-east-1"})
IOWA = make_place("gcp", {"project": "example", "region": "us-central1"})
GROUP, POOL = "aws:eks/nodeGroup:NodeGroup", "gcp:container/nodePool:NodePool"
CLASSES: Mapping[str, str] = {
    "insufficient_capacity": "stockout",
    "quota_exceeded": "quota",
    "global_quota_exceeded": "quota",
    "reservation_empty": "reservation_empty",
    "not_sold": "not_sold",
    "no_addresses": "address_space",
    "permission_denied": "permission",
    "throttled": "throttle",
    "unavailable": "transient",
    "bad_configuration": "configuration",
}


def refusal(kind: str, cloud: str, **more: Any) -> Refusal:
    """What a pool of GPU machines is told."""
    clouds = Clouds(scenario=parse_scenario({"rules": [{"fail": kind, **more}]}))
    if cloud == "aws":
        type_, place = GROUP, EAST
        inputs = {
            "clusterName": "main",
            "instanceTypes": ["p5.48xlarge"],
            "scalingConfig": {"desiredSize": 2},
            "capacityType": "SPOT",
        }
    else:
        type_, place = POOL, IOWA
        config = {"machineType": "a3-highgpu-8g", "spot": True}
        inputs = {
            "cluster": "main",
            "location": "us-central1",
            "nodeLocations": ["us-central1-a"],
            "initialNodeCount": 2,
            "nodeConfig": config,
        }
    with pytest.raises(Refusal) as told:
        clouds.create(type_, "h100", clouds.check(type_, "h100", inputs, place).inputs, place, at=0.0)
    return told.value


@pytest.mark.parametrize("cloud", ["aws", "gcp"])
@pytest.mark.parametrize("kind", sorted(CLASSES))
def test_the_classifier_understands_what_the_simulated_cloud_says(kind, cloud):
    told = refusal(kind, cloud)
    assert told.kind == kind
    assert str(classify(str(told), cloud).kind) == CLASSES[kind], str(told)
    assert "{" not in str(told)


def test_a_stockout_names_type_and_market():
    text = str(refusal("insufficient_capacity", "aws"))
    assert "Could not launch Spot Instances" in text
    assert "sufficient p5.48xlarge capacity" in text


def test_quota_at_google_is_the_preemptible_one_for_spot():
    assert "Quota 'PREEMPTIBLE_NVIDIA_H100_GPUS'" in str(refusal("quota_exceeded", "gcp"))


def test_words_of_ones_own_are_used():
    assert str(refusal("throttled", "aws", message="not today")) == "not today"
