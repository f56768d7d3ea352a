"""Whether a lock answers what the deployment asks now."""

from collections.abc import Sequence
from math import ceil
from typing import Any

from gpuyard.capacity.demand import AllowedRegion, Demand
from gpuyard.capacity.lock import Lock, LockedRung, lock_file_name
from gpuyard.catalog.hardware import find_machine_type
from gpuyard.catalog.names import UnknownName
from gpuyard.errors import Finding, Severity


def check_lock(stack: str, demands: Sequence[Demand], lock: Lock | None) -> list[Finding]:
    """Errors of a lock that is missing, answers other demands, or was broken by hand."""
    if lock is None:
        return [_missing(stack)]
    name, again = lock_file_name(stack), f"run `gpuyard lock -s {stack}` and review the diff"
    problems = []
    if lock.stack != stack:
        problems.append(
            _problem("LOCK_FOREIGN", f"{name}.stack", lock.stack, f'was made for stack "{lock.stack}"', again)
        )
    for demand in demands:
        locked = lock.endpoints.get(demand.endpoint)
        path = f"{name}.endpoints.{demand.endpoint}"
        if locked is None:
            problems.append(_problem("LOCK_STALE", path, None, "is missing: the endpoint is new", again))
        elif locked.demand != demand.digest():
            message = "answers another demand: endpoint, places or capacity changed since"
            problems.append(_problem("LOCK_STALE", f"{path}.demand", locked.demand, message, again))
        else:
            problems += _rung_problems(path, demand, locked.rungs[locked.active], locked.active, again)
    return problems


def _rung_problems(path: str, demand: Demand, rung: LockedRung, index: int, again: str) -> list[Finding]:
    """What somebody broke by hand in the active rung."""
    path = f"{path}.rungs[{index}]"
    try:
        machine = find_machine_type(rung.machine_type)
    except UnknownName as error:
        return [_problem("LOCK_INVALID", f"{path}.machine_type", rung.machine_type, str(error), again)]
    replicas_per_node = rung.gpus_per_node // rung.gpus_per_replica
    problems = []
    if (machine.cloud, machine.gpu) != (rung.cloud, rung.accelerator):
        message = (
            f"{machine.id} is {machine.cloud} with {machine.gpu}, not {rung.cloud} with {rung.accelerator}"
        )
        problems.append(_problem("LOCK_INVALID", f"{path}.machine_type", rung.machine_type, message, again))
    if not replicas_per_node or rung.nodes_min < ceil(demand.replicas_min / replicas_per_node):
        message = f"{rung.nodes_min} nodes do not hold {demand.replicas_min} replicas"
        problems.append(_problem("LOCK_INVALID", f"{path}.nodes_min", rung.nodes_min, message, again))
    if AllowedRegion(cloud=rung.cloud, region=rung.region) not in demand.regions:
        message = f"{rung.cloud} {rung.region} is not among the allowed places"
        problems.append(_problem("LOCK_INVALID", f"{path}.region", rung.region, message, again))
    return problems


def _problem(code: str, path: str, value: Any, message: str, fix: str) -> Finding:
    return Finding(severity=Severity.ERROR, code=code, path=path, value=value, message=message, fix=fix)


def _missing(stack: str) -> Finding:
    return Finding(
        severity=Severity.ERROR,
        code="LOCK_MISSING",
        path=lock_file_name(stack),
        message="there is no capacity lock, so it is not settled where this stack runs",
        fix=f"run `gpuyard lock -s {stack}`, review the file, commit it",
    )
