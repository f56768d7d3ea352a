"""A stack is read once, however its numbers are spelt."""

import json

import yaml

from gpuyard.stack.files import load_lock_data
from gpuyard.stack.reading import read_stack

from .conftest import STACKS


def inputs():
    config = yaml.safe_load((STACKS / "Pulumi.prod.yaml").read_text())["config"]
    return config["gpuyard:deployment"], load_lock_data(STACKS, "prod")


def test_what_comes_back_from_the_wire_is_not_read_again():
    deployment, lock = inputs()
    as_sent, lock_as_sent = json.loads(json.dumps([deployment, lock]), parse_int=float)
    assert read_stack("prod", as_sent, lock_as_sent, STACKS) is read_stack("prod", deployment, lock, STACKS)


def test_another_number_is_another_plan():
    deployment, lock = inputs()
    changed = deployment | {"gates": {"monthly_usd_max": 1.5}}
    first, other = (read_stack("prod", each, lock, STACKS)[0] for each in (deployment, changed))
    assert other.deployment.gates.monthly_usd_max == 1.5
    assert first.deployment.gates.monthly_usd_max != 1.5
