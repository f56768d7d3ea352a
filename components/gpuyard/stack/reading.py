"""A deployment and its lock, read once: the plan with everything that can be said against it."""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path
from typing import Any

from gpuyard.capacity.lock_file import parse_lock
from gpuyard.errors import Finding
from gpuyard.stack.findings import check_stack
from gpuyard.stack.plan import StackPlan, plan_stack
from gpuyard.stack.spec import parse_deployment

PlanWithFindings = tuple[StackPlan, tuple[Finding, ...]]


def read_stack(
    stack: str, deployment: Any, lock: Mapping[str, Any] | None, directory: Path, *, name: str = ""
) -> PlanWithFindings:
    """The plan of ``stack`` and its findings. Equal arguments are read once per process.

    ``directory`` is where relative paths of the deployment start.

    Raises:
        SpecError: the deployment or its lock cannot become a plan.
    """
    try:
        asked = _Asked.of([deployment, lock or None])
    except (TypeError, ValueError):  # not plain data: the parser says what is wrong with it
        return _read(stack, deployment, lock, directory, name)
    return _read_once(stack, asked, directory, name)


@dataclass(frozen=True, slots=True)
class _Asked:
    """Plain data, the same if it is so on Pulumi's wire, where 1.0 is 1."""

    key: str
    text: str = field(compare=False)

    @classmethod
    def of(cls, data: Any) -> "_Asked":
        text = json.dumps(data, sort_keys=True)
        return cls(json.dumps(_whole(data), sort_keys=True), text)


@lru_cache(maxsize=8)
def _read_once(stack: str, asked: _Asked, directory: Path, name: str) -> PlanWithFindings:
    deployment, lock = json.loads(asked.text)
    return _read(stack, deployment, lock, directory, name)


def _read(
    stack: str, deployment: Any, lock: Mapping[str, Any] | None, directory: Path, name: str
) -> PlanWithFindings:
    spec = parse_deployment(deployment)
    plan = plan_stack(stack, spec, parse_lock(lock) if lock else None, directory, name=name)
    return plan, tuple(check_stack(plan))


def _whole(data: Any) -> Any:
    if isinstance(data, Mapping):
        return {key: _whole(value) for key, value in data.items()}
    if isinstance(data, list | tuple):
        return [_whole(value) for value in data]
    return int(data) if isinstance(data, float) and data.is_integer() else data
