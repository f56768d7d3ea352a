"""GcpReservation: machines of one zone, held and paid until released."""

from typing import NotRequired, TypedDict

import pulumi
import pulumi_gcp as gcp

from gpuyard.gcp.capacity_spec import GcpReservationSpec, render_gcp_reservation
from gpuyard.inputs import parse_inputs
from gpuyard.names import fit

NAME_LENGTH = 63


class GcpReservationArgs(TypedDict):
    """Which machines to hold, where and until when."""

    zone: str
    """Zone, e.g. ``us-central1-a``."""
    machine_type: str
    """Machine type with GPUs."""
    machines: int
    """How many."""
    name: NotRequired[str]
    """Name of the reservation, for the ``reservation`` of a pool. Default the component's name."""
    delete_at: NotRequired[str]
    """When it is released, e.g. ``2026-12-24T12:00:00Z``. Default when it is deleted."""
    project: NotRequired[str]
    """Default the provider's."""


@pulumi.type_token("gpuyard:index:GcpReservation")
class GcpReservation(pulumi.ComponentResource):
    """A specific reservation: billed from now on, used or not; only pools that name it use it.

    Creating it fails where the zone has no such machines left. Deleting it ends the charge.
    """

    reservation: pulumi.Output[str]
    """Name for the ``reservation`` of a pool."""

    def __init__(
        self, name: str, args: GcpReservationArgs, opts: pulumi.ResourceOptions | None = None
    ) -> None:
        spec = parse_inputs("GcpReservation", GcpReservationSpec, {"name": fit(name, NAME_LENGTH), **args})
        super().__init__("gpuyard:index:GcpReservation", name, {}, opts)
        reservation = gcp.compute.Reservation(
            f"{name}-reservation",
            **render_gcp_reservation(spec),
            opts=pulumi.ResourceOptions(parent=self, delete_before_replace=True),
        )
        self.reservation = reservation.name
        self.register_outputs({"reservation": self.reservation})
