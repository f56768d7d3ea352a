"""Which machines run in a booking of calendar mode that the program makes: their hours are paid for there."""

from collections.abc import Iterable
from typing import Any

from gpuyard.costs.scene import Scene, mapping
from gpuyard.resources import Resource

FUTURE = "gcp:compute/futureReservation:FutureReservation"


def is_calendar(resource: Resource) -> bool:
    """Whether a future reservation is a booking in calendar mode."""
    return resource.inputs.get("reservationMode") == "CALENDAR"


def is_booked(scene: Scene, region: str, machine_type: str) -> bool:
    """Whether the program books machines of that type in calendar mode in the region."""
    return any(
        is_calendar(found) and scene.region(found) == region and _machine_type(found) == machine_type
        for found in scene.by_type.get(FUTURE, ())
    )


def names_booking(scene: Scene, values: Iterable[Any]) -> bool:
    """Whether reservation names, short or as links, are those of a booking of the program."""
    wanted = {value.rsplit("/", 1)[-1] for value in values if isinstance(value, str)}
    return any(
        is_calendar(found) and wanted & {found.name, *(found.inputs.get(key) for key in _NAMES)}
        for found in (scene.by_type.get(FUTURE, ()) if wanted else ())
    )


_NAMES = ("name", "reservationName")


def _machine_type(resource: Resource) -> Any:
    skus = mapping(resource.inputs.get("specificSkuProperties"))
    return mapping(skus.get("instanceProperties")).get("machineType")
