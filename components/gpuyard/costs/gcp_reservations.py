"""Capacity that is held at Google: reservations, future reservations, calendar mode, resize requests.

A reservation costs as its machines do, used or not; machines that use one of the program are charged once.
A booking in calendar mode is one purchase for its whole period and never paid again by the machines in it.
"""

from collections.abc import Iterator
from dataclasses import replace
from decimal import Decimal
from typing import Any

from gpuyard.costs.gcp_bookings import is_calendar
from gpuyard.costs.gcp_machines import GceMachine, attached_gpus, charge_gce, from_template, short
from gpuyard.costs.gcp_nodes import GROUPS, INSTANCE, NODE_POOL, group_template, pool_nodes
from gpuyard.costs.line_item import NOTHING, Charge, Loads, always, unpriced, when_used
from gpuyard.costs.machine import charge_dws
from gpuyard.costs.scene import Scene, amount, count, listed, mapping, text
from gpuyard.resources import Resource
from gpuyard.units import moment

_LONGEST_FLEX_HOURS = Decimal(168)
"""Flex-start machines are deleted after seven days at the latest."""


def price_reservation(resource: Resource, scene: Scene) -> Iterator[Charge]:
    """A reservation costs as its machines do, used or not; those that use it are charged elsewhere."""
    specific = mapping(resource.inputs.get("specificReservation"))
    yield from _held(
        resource, scene, mapping(specific.get("instanceProperties")), count(specific.get("count"))
    )


def price_future_reservation(resource: Resource, scene: Scene) -> Iterator[Charge]:
    """Calendar mode: one purchase for the booked hours. Other future reservations cost by the month."""
    skus = mapping(resource.inputs.get("specificSkuProperties"))
    shape, number = mapping(skus.get("instanceProperties")), count(skus.get("totalCount"))
    if not is_calendar(resource):
        yield from _held(resource, scene, shape, number)
        return
    region, machine_type = scene.region(resource), short(shape.get("machineType"))
    hours = _booked_hours(mapping(resource.inputs.get("timeWindow")))
    if not machine_type or number is None or hours is None:
        reason = "its machine type, number or period is not known"
        yield unpriced(resource, "calendar-mode reservation", reason, region)
        return
    quantity = always(number * hours)
    yield charge_dws(
        resource,
        machine_type,
        region,
        quantity,
        "calendar",
        None,
        category="Purchase",
        frequency="One-Time",
    )


def _booked_hours(window: dict[str, Any]) -> Decimal | None:
    seconds = amount(mapping(window.get("duration")).get("seconds"))
    if seconds is not None:
        return seconds / 3600
    start, end = (moment(window.get(key)) for key in ("startTime", "endTime"))
    if start is None or end is None or end <= start:
        return None
    return Decimal((end - start).total_seconds()) / 3600


def price_resize_request(resource: Resource, scene: Scene) -> Iterator[Charge]:
    """The machines that a flex-start request asks for, for as long as it asks for them."""
    number, wanted = count(resource.inputs.get("resizeBy")), resource.inputs.get("instanceGroupManager")
    group = next(
        (
            found
            for kind in GROUPS
            if (found := scene.linked(resource, kind, "instanceGroupManager", value=wanted))
        ),
        None,
    )
    template = None if group is None else group_template(group, scene)
    if number is None or template is None:
        reason = "its number of machines or their template is not part of this program"
        yield unpriced(resource, "flex-start machines", reason, scene.region(resource))
        return
    seconds = amount(mapping(resource.inputs.get("requestedRunDuration")).get("seconds"))
    longest = _LONGEST_FLEX_HOURS if seconds is None else seconds / 3600
    hours = min(longest, scene.hours_of(resource))
    machine = replace(from_template(template.inputs), purchase="flex_start")
    nodes = when_used(number * hours / scene.hours_of(resource)) if hours else NOTHING
    yield from charge_gce(resource, scene, machine, nodes)


def _held(resource: Resource, scene: Scene, shape: dict[str, Any], number: int | None) -> Iterator[Charge]:
    """``number`` machines of a shape at list price, less those that use them."""
    machine_type = short(shape.get("machineType"))
    if not machine_type or number is None:
        yield unpriced(resource, "reservation", "its type or count is not known", scene.region(resource))
        return
    share = scene.usage.amount(resource, "used_share")
    used = _reserved_use(resource, scene, machine_type) if share is None else always(number * share)
    unused = (always(number) + used * -1).between(Decimal(0))
    gpus = [mapping(block) for block in listed(shape.get("guestAccelerators"))]
    renamed = [{"type": gpu.get("acceleratorType"), "count": gpu.get("acceleratorCount")} for gpu in gpus]
    machine = GceMachine(
        machine_type=machine_type,
        gpus=attached_gpus(machine_type, {"guestAccelerators": renamed}),
        local_ssds=len(listed(shape.get("localSsds"))),
    )
    for found in charge_gce(resource, scene, machine, unused):
        yield replace(found, component=f"{found.component}, reserved and not used")


def _reserved_use(resource: Resource, scene: Scene, machine_type: str) -> Loads:
    """Machines of the program that name the reservation in their affinity."""
    names = {resource.name, text(resource.inputs.get("name"), resource.name)}
    used = NOTHING
    for user in scene.by_type.get(INSTANCE, ()):
        wanted = mapping(mapping(user.inputs.get("reservationAffinity")).get("specificReservation"))
        named = {text(value) for value in listed(wanted.get("values"))}
        if user.inputs.get("machineType") == machine_type and names & named:
            used = used + always(1)
    for pool in scene.by_type.get(NODE_POOL, ()):
        config = mapping(pool.inputs.get("nodeConfig"))
        values = listed(mapping(config.get("reservationAffinity")).get("values"))
        named = {short(value) for value in values}
        if config.get("machineType") == machine_type and names & named:
            used = used + pool_nodes(pool, scene)
    return used
