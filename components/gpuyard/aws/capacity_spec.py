"""Specs of reserved EC2 capacity, and its resources as plain data."""

from typing import Any

from pydantic import Field, field_validator

from gpuyard.aws.spec import Tags
from gpuyard.capacity.purchase import Agreed, Purchase
from gpuyard.catalog.hardware import find_machine_type
from gpuyard.parsing import Spec

PLATFORM = "Linux/UNIX"
"""The platform of EKS nodes, Amazon Linux and Bottlerocket alike."""


def machine_type_of(value: str, cloud: str) -> str:
    """The machine type of that name.

    Raises:
        ValueError: the catalog lacks it, or another cloud sells it.
    """
    machine = find_machine_type(value)
    if machine.cloud != cloud:
        raise ValueError(f"{machine.id} is a machine type of {machine.cloud}, not of {cloud}")
    return machine.id


class CapacityReservationSpec(Spec):
    """An on-demand capacity reservation of EC2."""

    zone: str = Field(min_length=1)
    machine_type: str
    machines: int = Field(ge=1, le=1000)
    is_open: bool = False
    ends: str = Field(default="", pattern=r"^(\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}Z)?$")
    placement_group_arn: str = Field(default="", pattern=r"^(arn:aws[a-z-]*:ec2:.+:placement-group/.+)?$")
    tags: Tags = Field(default_factory=dict)

    @field_validator("machine_type")
    @classmethod
    def _known(cls, value: str) -> str:
        return machine_type_of(value, "aws")

    @field_validator("zone")
    @classmethod
    def _name(cls, value: str) -> str:
        if "-az" in value:
            raise ValueError(
                f"{value} is a zone id; a reservation takes the account's name of the zone\n"
                "look it up with aws.get_availability_zones, or `aws ec2 describe-availability-zones`"
            )
        return value


class CapacityBlockSpec(Spec):
    """A capacity block, bought by the id of its offer."""

    offering_id: str = Field(pattern=r"^cb[o-]?[0-9a-z-]+$")
    amount_usd: float = Field(gt=0)
    acknowledge_purchase: Agreed | None = None
    tags: Tags = Field(default_factory=dict)

    @property
    def purchase(self) -> Purchase:
        """What it buys."""
        return Purchase(
            offering=self.offering_id, what=f"capacity block {self.offering_id}", usd=self.amount_usd
        )


def render_reservation(spec: CapacityReservationSpec, name: str) -> dict[str, Any]:
    """Arguments of `aws.ec2.CapacityReservation`."""
    arguments: dict[str, Any] = {
        "availability_zone": spec.zone,
        "instance_type": spec.machine_type,
        "instance_count": spec.machines,
        "instance_platform": PLATFORM,
        "instance_match_criteria": "open" if spec.is_open else "targeted",
        "end_date_type": "limited" if spec.ends else "unlimited",
        "tags": {**spec.tags, "Name": name},
    }
    if spec.ends:
        arguments["end_date"] = spec.ends
    if spec.placement_group_arn:
        arguments["placement_group_arn"] = spec.placement_group_arn
    return arguments


def render_block(spec: CapacityBlockSpec, name: str) -> dict[str, Any]:
    """Arguments of `aws.ec2.CapacityBlockReservation`."""
    return {
        "capacity_block_offering_id": spec.offering_id,
        "instance_platform": PLATFORM,
        "tags": {**spec.tags, "Name": name},
    }
