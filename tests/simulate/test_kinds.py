"""Every type with rules of its own gives what the provider SDKs promise, in the type that they promise."""

import inspect
import sys
from collections.abc import Mapping, Sequence
from typing import Any

import pytest

from gpuyard.engine.sdk import resource_class, wire_names
from gpuyard.simulate.aws_ec2 import offering_id
from gpuyard.simulate.aws_kinds import AWS_KINDS
from gpuyard.simulate.clouds import Clouds
from gpuyard.simulate.gcp_kinds import GCP_KINDS
from gpuyard.simulate.generic import promised_outputs
from gpuyard.simulate.gke import GKE_KINDS
from gpuyard.simulate.place import make_place

pytestmark = pytest.mark.filterwarnings("ignore::DeprecationWarning")
"""The SDKs warn of their own classes when a module is first touched."""

PLACES = {
    "aws": make_place("aws", {"region": "us-east-1"}),
    "gcp": make_place("gcp", {"project": "example", "region": "us-central1"}),
}
NEEDED: Mapping[str, dict[str, Any]] = {
    "aws:ec2/capacityBlockReservation:CapacityBlockReservation": {
        "capacityBlockOfferingId": offering_id("us-east-1a", "p5.48xlarge", 2, 24)
    },
    "gcp:serviceaccount/account:Account": {"accountId": "nodes"},
}


def required_inputs(type_: str) -> set[str]:
    """Inputs without which the SDK makes no such resource: what they become is the caller's."""
    found = resource_class(type_)
    assert found is not None
    arguments = getattr(sys.modules[found.__module__], f"{found.__name__}Args")
    names = wire_names(arguments)
    parameters = inspect.signature(arguments.__init__).parameters.items()
    return {names[key] for key, item in parameters if item.default is item.empty and key in names}


def is_of(value: Any, kind: type) -> bool:
    if kind in (str, bool):
        return isinstance(value, kind)
    if kind in (int, float):
        return isinstance(value, int | float) and not isinstance(value, bool)
    return isinstance(value, Sequence if issubclass(kind, Sequence) else Mapping)


@pytest.mark.parametrize("type_", sorted({**AWS_KINDS, **GCP_KINDS, **GKE_KINDS}))
def test_a_new_resource_has_every_promised_output(type_):
    clouds, place = Clouds(), PLACES[type_.partition(":")[0]]
    inputs = clouds.check(type_, "x", NEEDED.get(type_, {}), place).inputs
    made = clouds.create(type_, "x", inputs, place, at=0.0)
    promised = promised_outputs(type_)
    assert made.id
    assert set(promised) - set(made.outputs) <= required_inputs(type_)
    given = {key: made.outputs[key] for key in promised if key in made.outputs}
    assert {key: value for key, value in given.items() if not is_of(value, promised[key])} == {}


def test_a_capacity_block_is_what_was_offered():
    type_ = "aws:ec2/capacityBlockReservation:CapacityBlockReservation"
    outputs = Clouds().create(type_, "block", NEEDED[type_], PLACES["aws"], at=0.0).outputs
    assert (outputs["instanceType"], outputs["instanceCount"]) == ("p5.48xlarge", 2)
    assert (outputs["startDate"], outputs["endDate"]) == ("2026-01-01T00:00:00Z", "2026-01-02T00:00:00Z")
