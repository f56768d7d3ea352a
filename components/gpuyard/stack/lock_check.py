"""Whether a lock answers what the deployment asks now."""

from collections.abc import Sequence
from math import ceil

from gpuyard.capacity.demand import Demand, Purchase
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
            Finding.error(
                "LOCK_FOREIGN", f"{name}.stack", f'was made for stack "{lock.stack}"', again, value=lock.stack
            )
        )
    for demand in demands:
        locked = lock.endpoints.get(demand.endpoint)
        path = f"{name}.endpoints.{demand.endpoint}"
        if locked is None:
            problems.append(Finding.error("LOCK_STALE", path, "is missing: the endpoint is new", again))
        elif locked.demand != demand.digest():
            message = "answers another demand: endpoint, places or capacity changed since"
            problems.append(
                Finding.error("LOCK_STALE", f"{path}.demand", message, again, value=locked.demand)
            )
        else:
            for index, rung in enumerate(locked.rungs):
                problems += _rung_problems(f"{path}.rungs[{index}]", demand, rung, again)
    asked = {demand.endpoint for demand in demands}
    problems += [
        Finding(
            severity=Severity.WARNING,
            code="LOCK_STALE",
            path=f"{name}.endpoints.{endpoint}",
            message="is left over: the stack has no such endpoint any more",
            fix=again,
        )
        for endpoint in lock.endpoints
        if endpoint not in asked
    ]
    return problems


def _rung_problems(path: str, demand: Demand, rung: LockedRung, again: str) -> list[Finding]:
    """What somebody broke by hand in a rung."""
    try:
        machine = find_machine_type(rung.machine_type)
    except UnknownName as error:
        return [
            Finding.error("LOCK_INVALID", f"{path}.machine_type", str(error), again, value=rung.machine_type)
        ]
    problems = []

    def wrong(key: str, message: str) -> None:
        problems.append(
            Finding.error("LOCK_INVALID", f"{path}.{key}", message, again, value=getattr(rung, key))
        )

    need = next((need for need in demand.needs if need.accelerator == rung.accelerator), None)
    if need is None:
        wrong("accelerator", f"{rung.accelerator} is not among the accelerators of the demand")
    elif rung.gpus_per_replica != need.gpus_per_replica:
        wrong("gpus_per_replica", f"one replica takes {need.gpus_per_replica}")
    if (machine.cloud, machine.gpu) != (rung.cloud, rung.accelerator):
        has = f"{machine.id} is {machine.cloud} with {machine.gpu}"
        wrong("machine_type", f"{has}, not {rung.cloud} with {rung.accelerator}")
    elif rung.gpus_per_node != int(machine.gpu_count):
        wrong("gpus_per_node", f"{machine.id} has {machine.gpu_count:g}")
    if not _holds(rung, demand):
        wrong("nodes_min", f"{rung.nodes_min} nodes do not hold {demand.replicas_min} replicas")
    if rung.nodes_max < rung.nodes_min:
        wrong("nodes_max", f"{rung.nodes_max} is below nodes_min {rung.nodes_min}")
    if (rung.cloud, rung.region) not in {(place.cloud, place.region) for place in demand.regions}:
        wrong("region", f"{rung.cloud} {rung.region} is not among the allowed places")
    if rung.purchase not in (*demand.purchases, *((Purchase.CAPACITY_BLOCK,) if rung.reservation else ())):
        wrong("purchase", f"{rung.purchase} is not among the allowed purchases")
    elsewhere = [zone for zone in rung.zones if not _lies_in(zone, rung)]
    if elsewhere:
        wrong("zones", f"{', '.join(elsewhere)} is no zone of {rung.region}")
    return problems


def _holds(rung: LockedRung, demand: Demand) -> bool:
    if rung.nodes_per_replica > 1:
        return rung.nodes_min >= rung.nodes_per_replica * demand.replicas_min
    replicas_per_node = rung.gpus_per_node // rung.gpus_per_replica
    return replicas_per_node > 0 and rung.nodes_min >= ceil(demand.replicas_min / replicas_per_node)


def _lies_in(zone: str, rung: LockedRung) -> bool:
    """Google's zones start with their region; AWS zone ids with letters of their own."""
    return zone.startswith(f"{rung.region}-") if rung.cloud == "gcp" else "-az" in zone


def _missing(stack: str) -> Finding:
    return Finding.error(
        "LOCK_MISSING",
        lock_file_name(stack),
        "there is no capacity lock, so it is not settled where this stack runs",
        f"run `gpuyard lock -s {stack}`, review the file, commit it",
    )
