"""Reservations and future reservations of a Google project, with their use."""

from collections.abc import Iterator, Sequence
from typing import Any

from gpuyard.catalog.evidence_items import Reservation
from gpuyard.discovery.asking import Trouble
from gpuyard.discovery.gcp.client import GcpClients
from gpuyard.discovery.gcp.places import NOW, entries, last_part, region_of

ENDED = frozenset({"CANCELLED", "DECLINED", "FAILED", "DELETING"})


def ask_reservations(clients: GcpClients, wanted: Sequence[str]) -> Iterator[Reservation | Trouble]:
    """Reservations that exist, and future ones that may still be delivered."""
    pages = clients.compute("reservations.aggregatedList")
    for zone, found in entries(pages, "reservations", wanted):
        yield found if isinstance(found, Trouble) else _reservation(clients.project, zone, found)
    pages = clients.compute("futureReservations.aggregatedList")
    for zone, found in entries(pages, "future_reservations", wanted):
        if isinstance(found, Trouble):
            yield found
        elif found.status.procurement_status not in ENDED:
            yield _future(clients.project, zone, found)


def _reservation(project: str, zone: str, reservation: Any) -> Reservation:
    specific = reservation.specific_reservation
    machine_type = specific.instance_properties.machine_type
    total = specific.count if machine_type else None
    return Reservation(
        cloud="gcp",
        account=project,
        region=region_of(zone),
        zone=zone,
        machine_type=machine_type,
        id=f"{zone}/{reservation.name}",
        name=reservation.name,
        form="reservation",
        state=reservation.status.lower(),
        total=total,
        available=None if total is None else max(total - specific.in_use_count, 0),
        is_targeted=reservation.specific_reservation_required,
        ends_at=utc(reservation.delete_at_time),
        is_shared=f"/projects/{project}/" not in f"{reservation.self_link}/"
        if reservation.self_link
        else False,
        mode=reservation.deployment_type.lower(),
        as_of=NOW,
    )


def _future(project: str, zone: str, future: Any) -> Reservation:
    wanted = future.specific_sku_properties
    machine_type = last_part(wanted.instance_properties.machine_type)
    state = future.status.procurement_status or future.planning_status
    return Reservation(
        cloud="gcp",
        account=project,
        region=region_of(zone),
        zone=zone,
        machine_type=machine_type,
        id=f"{zone}/{future.name}",
        name=future.name,
        form="future_reservation",
        state=state.lower(),
        total=wanted.total_count if machine_type else None,
        available=None,
        is_targeted=future.specific_reservation_required,
        starts_at=utc(future.time_window.start_time),
        ends_at=utc(future.time_window.end_time),
        mode=future.reservation_mode.lower(),
        as_of=NOW,
    )


def utc(text: str) -> str:
    """An RFC 3339 time in UTC, to the second; empty stays empty."""
    from datetime import UTC, datetime  # noqa: PLC0415

    if not text:
        return ""
    return datetime.fromisoformat(text).astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
