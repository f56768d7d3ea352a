"""The example stacks as plans."""

from functools import cache
from pathlib import Path

import pytest
import yaml

from gpuyard.stack.files import load_lock_data
from gpuyard.stack.plan import StackPlan
from gpuyard.stack.reading import read_stack

STACKS = Path(__file__).parents[2] / "stacks"


@cache
def _plan(stack: str) -> StackPlan:
    config = yaml.safe_load((STACKS / f"Pulumi.{stack}.yaml").read_text())["config"]
    plan, _ = read_stack(stack, config["gpuyard:deployment"], load_lock_data(STACKS, stack), STACKS)
    return plan


@pytest.fixture
def plan_of():
    """The plan of an example stack, by name."""
    return _plan
