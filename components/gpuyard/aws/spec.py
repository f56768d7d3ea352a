"""Specs of the AWS components: complete, frozen, free of Pulumi."""

from collections.abc import Mapping
from enum import StrEnum
from ipaddress import IPv4Network
from typing import Annotated

from pydantic import Field, field_validator, model_validator

from gpuyard.aws.subnets import ZONES_MAX
from gpuyard.catalog.hardware import MachineType, find_machine_type
from gpuyard.catalog.names import UnknownName
from gpuyard.parsing import Spec

ZoneId = Annotated[str, Field(pattern=r"^[a-z]{3,4}\d-az\d$")]
"""A zone id such as ``use1-az1``: the same zone in every account."""


class NetworkSpec(Spec):
    """A VPC with public and private subnets."""

    region: str
    zone_ids: tuple[ZoneId, ...] = Field(min_length=2, max_length=ZONES_MAX)
    vpc_cidr: str = "10.0.0.0/16"
    nat: str = Field(default="single", pattern=r"^(single|per_zone)$")
    tags: Mapping[str, str] = Field(default_factory=dict)

    @field_validator("vpc_cidr")
    @classmethod
    def _is_cidr(cls, value: str) -> str:
        network = IPv4Network(value)  # its ValueError says what is wrong
        if not 16 <= network.prefixlen <= 24:
            raise ValueError(f"{value} is not between /16 and /24, which is what a VPC of clusters takes")
        return value


class EksClusterSpec(NetworkSpec):
    """An EKS cluster in its own network."""

    kubernetes_version: str = Field(default="1.35", pattern=r"^1\.\d{2}$")
    system_instance_type: str = "m7i.large"
    system_nodes: int = Field(default=2, ge=1, le=20)
    public_access_cidrs: tuple[str, ...] = ()
    protect: bool = False


class EksPurchase(StrEnum):
    """How an EKS pool is bought."""

    ON_DEMAND = "on_demand"
    SPOT = "spot"
    RESERVATION = "reservation"
    CAPACITY_BLOCK = "capacity_block"


class EksPoolSpec(Spec):
    """A managed node group of GPU machines."""

    machine_type: str
    accelerator: str = ""
    purchase: EksPurchase = EksPurchase.ON_DEMAND
    nodes_min: int = Field(default=0, ge=0)
    nodes_max: int = Field(ge=1, le=450)
    nodes_desired: int | None = Field(default=None, ge=0)
    reservation_id: str = Field(default="", pattern=r"^(cr-[0-9a-f]{8,17})?$")
    placement_group: str = ""
    efa: bool = False
    disk_gib: int = Field(default=200, ge=50, le=16_384)
    disk_throughput: int = Field(default=500, ge=125, le=1000)
    """MB/s of the root disk; image unpacking and weight loading wait for it."""
    labels: Mapping[str, str] = Field(default_factory=dict)
    bottlerocket: bool = False

    @field_validator("machine_type")
    @classmethod
    def _known(cls, value: str) -> str:
        try:
            machine = find_machine_type(value)
        except UnknownName as error:
            raise ValueError(str(error)) from None
        if machine.cloud != "aws":
            raise ValueError(f"{machine.id} is a machine type of {machine.cloud}, not of AWS")
        return machine.id

    @model_validator(mode="after")
    def _agree(self) -> "EksPoolSpec":
        problems = []
        bound = self.purchase in (EksPurchase.RESERVATION, EksPurchase.CAPACITY_BLOCK)
        if bound and not self.reservation_id:
            problems.append(f"{self.purchase} needs `reservation_id`")
        if self.reservation_id and not bound:
            problems.append("`reservation_id` is used by purchase reservation or capacity_block only")
        if self.nodes_max < self.nodes_min:
            problems.append(f"nodes_max {self.nodes_max} is below nodes_min {self.nodes_min}")
        if self.nodes_desired is not None and not self.nodes_min <= self.nodes_desired <= self.nodes_max:
            problems.append(
                f"nodes_desired {self.nodes_desired} is outside {self.nodes_min} to {self.nodes_max}"
            )
        if self.efa and not self.machine.efa_interfaces:
            problems.append(f"{self.machine_type} has no EFA interface")
        if problems:
            raise ValueError("; ".join(problems))
        return self

    @property
    def machine(self) -> MachineType:
        """The machine type's facts."""
        return find_machine_type(self.machine_type)

    @property
    def desired(self) -> int:
        """Nodes at creation: what is asked, else the minimum."""
        return self.nodes_min if self.nodes_desired is None else self.nodes_desired
