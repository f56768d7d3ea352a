"""Ec2CapacityReservation: machines of one zone, held and paid until released."""

from typing import NotRequired, TypedDict

import pulumi
import pulumi_aws as aws

from gpuyard.aws.capacity_spec import CapacityReservationSpec, render_reservation
from gpuyard.inputs import parse_inputs


class Ec2CapacityReservationArgs(TypedDict):
    """Which machines to hold, where and until when."""

    zone: str
    """The account's name of the zone, e.g. ``us-east-1a``."""
    machine_type: str
    """EC2 instance type with GPUs."""
    machines: int
    """How many."""
    is_open: NotRequired[bool]
    """Any matching machine of the account uses it. Default off: only pools that name it do."""
    ends: NotRequired[str]
    """When it is released, e.g. ``2026-12-24T12:00:00Z``. Default when it is deleted."""
    placement_group_arn: NotRequired[str]
    """Cluster placement group to hold the machines in. Default none; pools must then use none."""
    tags: NotRequired[dict[str, str]]
    """On the reservation."""


@pulumi.type_token("gpuyard:index:Ec2CapacityReservation")
class Ec2CapacityReservation(pulumi.ComponentResource):
    """An on-demand capacity reservation: billed at the on-demand price from now on, used or not.

    Creating it fails where the zone has no such machines left. Deleting it ends the charge.
    """

    reservation_id: pulumi.Output[str]
    """Id for the ``reservation_id`` of a pool."""

    def __init__(
        self, name: str, args: Ec2CapacityReservationArgs, opts: pulumi.ResourceOptions | None = None
    ) -> None:
        spec = parse_inputs("Ec2CapacityReservation", CapacityReservationSpec, dict(args))
        super().__init__("gpuyard:index:Ec2CapacityReservation", name, {}, opts)
        reservation = aws.ec2.CapacityReservation(
            f"{name}-reservation",
            **render_reservation(spec, name),
            opts=pulumi.ResourceOptions(parent=self),
        )
        self.reservation_id = reservation.id
        self.register_outputs({"reservationId": self.reservation_id})
