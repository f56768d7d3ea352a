"""Specs of reserved Compute Engine capacity, and its resources as plain data."""

from enum import StrEnum
from typing import Any

from pydantic import Field, field_validator, model_validator

from gpuyard.capacity.purchase import Agreed, Purchase
from gpuyard.catalog.hardware import find_machine_type
from gpuyard.parsing import Spec

_TIME = r"^\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}(Z|[+-]\d{2}:\d{2})$"
_ZONE = r"^[a-z]+-[a-z]+\d+-[a-z]$"
_NAME = r"^[a-z]([-a-z0-9]{0,61}[a-z0-9])?$"


def _machine_type(value: str) -> str:
    machine = find_machine_type(value)
    if machine.cloud != "gcp":
        raise ValueError(f"{machine.id} is a machine type of {machine.cloud}, not of gcp")
    return machine.id


class GcpReservationSpec(Spec):
    """A specific reservation."""

    name: str = Field(pattern=_NAME)
    zone: str = Field(pattern=_ZONE)
    machine_type: str
    machines: int = Field(ge=1, le=1000)
    delete_at: str = Field(default="", pattern=rf"({_TIME})|^$")
    project: str = ""

    @field_validator("machine_type")
    @classmethod
    def _known(cls, value: str) -> str:
        return _machine_type(value)


class ReservationMode(StrEnum):
    """How a future reservation is arranged."""

    CALENDAR = "calendar"
    FUTURE_RESERVATION = "future_reservation"


class GcpFutureReservationSpec(Spec):
    """A future reservation: drafted, or submitted and thereby bought."""

    name: str = Field(pattern=_NAME)
    zone: str = Field(pattern=_ZONE)
    machine_type: str
    machines: int = Field(ge=1, le=1000)
    starts: str = Field(pattern=_TIME)
    ends: str = Field(pattern=_TIME)
    mode: ReservationMode = ReservationMode.FUTURE_RESERVATION
    submit: bool = False
    amount_usd: float | None = Field(default=None, gt=0)
    acknowledge_purchase: Agreed | None = None
    project: str = ""

    @field_validator("machine_type")
    @classmethod
    def _known(cls, value: str) -> str:
        return _machine_type(value)

    @model_validator(mode="after")
    def _window(self) -> "GcpFutureReservationSpec":
        if self.ends <= self.starts:
            raise ValueError(f"ends {self.ends} is not after starts {self.starts}")
        return self

    @property
    def purchase(self) -> Purchase:
        """What submitting it buys; the offering's id is the one that the ladder shows."""
        region = self.zone.rpartition("-")[0]
        offering = f"gcp/{region}/{self.zone}/{self.machine_type}/{self.mode}"
        what = f"{self.machines} x {self.machine_type} {self.mode.replace('_', '-')} in {self.zone}"
        return Purchase(offering=offering, what=what, usd=self.amount_usd)


def render_gcp_reservation(spec: GcpReservationSpec) -> dict[str, Any]:
    """Arguments of `gcp.compute.Reservation`. GPU and local SSD come with the machine type."""
    arguments: dict[str, Any] = {
        "name": spec.name,
        "zone": spec.zone,
        "specific_reservation": {
            "count": spec.machines,
            "instance_properties": {"machine_type": spec.machine_type},
        },
        "specific_reservation_required": True,
    }
    if spec.delete_at:
        arguments["delete_at_time"] = spec.delete_at
    return arguments | ({"project": spec.project} if spec.project else {})


def render_future_reservation(spec: GcpFutureReservationSpec) -> dict[str, Any]:
    """Arguments of `gcp.compute.FutureReservation`.

    The reservation that Google creates from it has the same name, so that pools can name it now.
    """
    arguments: dict[str, Any] = {
        "name": spec.name,
        "reservation_name": spec.name,
        "zone": spec.zone,
        "planning_status": "SUBMITTED" if spec.submit else "DRAFT",
        "specific_reservation_required": True,
        "specific_sku_properties": {
            "total_count": str(spec.machines),
            "instance_properties": {"machine_type": spec.machine_type},
        },
        "time_window": {"start_time": spec.starts, "end_time": spec.ends},
        "auto_delete_auto_created_reservations": True,
    }
    if spec.mode is ReservationMode.CALENDAR:
        arguments |= {"reservation_mode": "CALENDAR", "deployment_type": "DENSE"}
    return arguments | ({"project": spec.project} if spec.project else {})
