"""Durations that really were: a measured file, a state or an event log of the stack."""

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from gpuyard.errors import Finding, SpecError
from gpuyard.leadtime.measured import Measurement, read_measured
from gpuyard.leadtime.observed import Subject, measure_events, measure_state
from gpuyard.resources import Resource
from gpuyard.stack.demand_load import pool_urns
from gpuyard.stack.plan import StackPlan

_DEPLOYMENT = "kubernetes:apps/v1:Deployment"


def read_actual(path: Path, subjects: Mapping[str, Subject]) -> tuple[Measurement, ...]:
    """Durations in ``path``: ``gpuyard.measured/v1``, ``pulumi stack export``, or engine events line by line.

    Raises:
        SpecError: it is none of them, or holds no duration.
    """
    events = _events(path)
    if events is not None:
        return _some(measure_events(events, subjects), path)
    state = _state(path)
    if state is not None:
        return _some(measure_state(state, subjects), path)
    return read_measured(path)


def subjects_of(plan: StackPlan, resources: Sequence[Resource]) -> dict[str, Subject]:
    """What the node pools and Deployments of the stack's endpoints stand for, by logical name."""
    found, urns = {}, pool_urns(plan, resources)
    for placed in plan.endpoints:
        rung = plan.pool(placed.pool).rung if placed.pool else None
        subject = Subject(
            endpoint=placed.endpoint.name,
            machine_type=rung.machine_type if rung else "",
            region=rung.region if rung else "",
        )
        for resource in resources:
            is_pool = resource.urn == urns.get(placed.pool)
            served = resource.type == _DEPLOYMENT and resource.name.endswith(
                f"{placed.endpoint.name}-deployment"
            )
            if is_pool or served:
                found[resource.name] = subject
    return found


def _events(path: Path) -> list[dict[str, Any]] | None:
    """The events of a log with one JSON object a line; None: it is none."""
    try:
        lines = [line for line in path.read_text(encoding="utf-8").splitlines() if line.strip()]
        events = [json.loads(line) for line in lines]
    except (OSError, ValueError):
        return None
    are_events = events and all(isinstance(one, dict) and "timestamp" in one for one in events)
    return events if are_events else None


def _state(path: Path) -> dict[str, Any] | None:
    try:
        data = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return None
    return data if isinstance(data, dict) and isinstance(data.get("deployment"), dict) else None


def _some(found: tuple[Measurement, ...], path: Path) -> tuple[Measurement, ...]:
    if found:
        return found
    raise SpecError(
        [
            Finding.error(
                "MEASURED_NOTHING",
                str(path),
                "holds no duration of a phase: nothing that was created belongs to one",
                "give the log of an update that created the stack, or a file of gpuyard.measured/v1",
            )
        ]
    )
