"""Specs of the AWS components: complete, frozen, free of Pulumi."""

import re
from collections.abc import Mapping
from enum import StrEnum
from ipaddress import IPv4Network
from typing import Annotated

from pydantic import AfterValidator, Field, field_validator, model_validator

from gpuyard.aws.subnets import PREFIX_MAX, PREFIX_MIN, ZONES_MAX
from gpuyard.catalog.hardware import MachineType, find_machine_type, machine_types
from gpuyard.catalog.places import regions, zones_selling
from gpuyard.errors import did_you_mean
from gpuyard.kubernetes.node_disk import SYSTEM_GIB, disk_for, node_data_gib
from gpuyard.kubernetes.spec import Cidr
from gpuyard.names import EC2_RESERVATION_ID
from gpuyard.parsing import Spec
from gpuyard.units import GB, GIB

ZoneId = Annotated[str, Field(pattern=r"^[a-z]{3,4}\d-az\d$")]
"""A zone id such as ``use1-az1``: the same zone in every account."""

CONSTRAINED_ZONES = frozenset({"use1-az3", "usw1-az2", "cac1-az3"})
"""Zones that take GPU nodes, but no control plane of EKS (its network requirements, read 2026-11) and no
NAT gateway."""

_REGION = re.compile(r"^[a-z]{2}(-[a-z]+){1,2}-\d$")
_COMMON_TYPE = "m7i.large"
"""Sold in about every zone: its offerings list a region's zone ids."""


def _region(value: str) -> str:
    if not _REGION.match(value):
        hint = did_you_mean(value, regions("aws"))
        raise ValueError(f'"{value}" is not the name of an AWS region\n{hint or "it looks like us-east-1"}')
    return value


def _tags(value: Mapping[str, str]) -> Mapping[str, str]:
    reserved = sorted(key for key in value if key.lower().startswith("aws:"))
    long = sorted(key for key, text in value.items() if not 1 <= len(key) <= 128 or len(text) > 256)
    problems = [f"{', '.join(reserved)}: the prefix aws: is reserved"] if reserved else []
    problems += [f"{', '.join(long)}: a key takes 1 to 128 characters, a value 256"] if long else []
    if problems:
        raise ValueError("; ".join(problems))
    return value


Region = Annotated[str, AfterValidator(_region)]
Tags = Annotated[Mapping[str, str], AfterValidator(_tags)]


class NetworkSpec(Spec):
    """A VPC with public and private subnets."""

    region: Region
    zone_ids: tuple[ZoneId, ...] = Field(min_length=2, max_length=ZONES_MAX)
    vpc_cidr: str = "10.0.0.0/16"
    nat: str = Field(default="single", pattern=r"^(single|per_zone)$")
    tags: Tags = Field(default_factory=dict)

    @field_validator("vpc_cidr")
    @classmethod
    def _is_cidr(cls, value: str) -> str:
        network = IPv4Network(value)  # its ValueError says what is wrong
        if not PREFIX_MIN <= network.prefixlen <= PREFIX_MAX:
            raise ValueError(
                f"{value} is not between /{PREFIX_MIN} and /{PREFIX_MAX}, what a VPC of clusters takes"
            )
        return value

    @model_validator(mode="after")
    def _zones(self) -> "NetworkSpec":
        problems = []
        twice = sorted({zone for zone in self.zone_ids if self.zone_ids.count(zone) > 1})
        if twice:
            problems.append(f"zone_ids names {', '.join(twice)} twice")
        known = zones_selling("aws", _COMMON_TYPE, self.region)
        prefixes = {zone.partition("-")[0] for zone in known}
        elsewhere = [zone for zone in self.zone_ids if known and zone.partition("-")[0] not in prefixes]
        if elsewhere:
            problems.append(
                f"{', '.join(elsewhere)}: not in {self.region}, whose zones are {', '.join(known)}"
            )
        if problems:
            raise ValueError("; ".join(problems))
        return self

    @property
    def core_zone_ids(self) -> tuple[str, ...]:
        """The zones that can hold control plane, system nodes and NAT gateways."""
        return tuple(zone for zone in self.zone_ids if zone not in CONSTRAINED_ZONES)


class EksClusterSpec(NetworkSpec):
    """An EKS cluster in its own network."""

    kubernetes_version: str = Field(default="1.35", pattern=r"^1\.\d{2}$")
    system_instance_type: str = Field(default="m7i.large", pattern=r"^[a-z][a-z0-9-]*\.[a-z0-9-]+$")
    system_nodes: int = Field(default=2, ge=1, le=20)
    public_access_cidrs: tuple[Cidr, ...] = ()
    protect: bool = False

    @model_validator(mode="after")
    def _spread(self) -> "EksClusterSpec":
        if len(self.core_zone_ids) < 2:
            refused = ", ".join(sorted(CONSTRAINED_ZONES & set(self.zone_ids)))
            raise ValueError(
                f"EKS puts no control plane into {refused}, and needs two other zones\n"
                "append a zone of the region to zone_ids"
            )
        return self


class EksPurchase(StrEnum):
    """How an EKS pool is bought."""

    ON_DEMAND = "on_demand"
    SPOT = "spot"
    RESERVATION = "reservation"
    CAPACITY_BLOCK = "capacity_block"


class EksPoolSpec(Spec):
    """A managed node group of GPU machines."""

    machine_type: str
    purchase: EksPurchase = EksPurchase.ON_DEMAND
    nodes_min: int = Field(default=0, ge=0)
    nodes_max: int = Field(ge=1, le=450)
    nodes_desired: int | None = Field(default=None, ge=0)
    reservation_id: str = Field(default="", pattern=rf"^({EC2_RESERVATION_ID.pattern})?$")
    placement_group: str = ""
    efa: bool = False
    disk_gib: int | None = Field(default=None, ge=50, le=16_384)
    disk_throughput: int = Field(default=500, ge=125, le=1000)
    """MB/s of the root disk; image unpacking and weight loading wait for it."""
    image_gib: float = Field(default=30, gt=0)
    weights_gib: float = Field(default=0, ge=0)
    local_nvme: bool = True
    kubernetes_version: str = Field(default="", pattern=r"^(1\.\d{2})?$")
    image_release: str = ""
    labels: Mapping[str, str] = Field(default_factory=dict)
    tags: Tags = Field(default_factory=dict)
    bottlerocket: bool = False

    @field_validator("machine_type")
    @classmethod
    def _known(cls, value: str) -> str:
        machine = find_machine_type(value)
        if machine.cloud != "aws":
            raise ValueError(f"{machine.id} is a machine type of {machine.cloud}, not of AWS")
        if machine.gpu_count < 1:
            raise ValueError(
                f"{machine.id} has a slice of a GPU, which Kubernetes sees as none\n"
                "use a type with a whole GPU of the same kind"
            )
        return machine.id

    @model_validator(mode="after")
    def _agree(self) -> "EksPoolSpec":
        problems = []
        if self.is_bound and not self.reservation_id:
            problems.append(f"{self.purchase} needs `reservation_id`")
        if self.reservation_id and not self.is_bound:
            problems.append("`reservation_id` is used by purchase reservation or capacity_block only")
        if self.nodes_max < self.nodes_min:
            problems.append(f"nodes_max {self.nodes_max} is below nodes_min {self.nodes_min}")
        elif self.nodes_desired is not None and not self.nodes_min <= self.nodes_desired <= self.nodes_max:
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
        return machine_types("aws")[self.machine_type]

    @property
    def desired(self) -> int:
        """Nodes at creation: what is asked, else the minimum."""
        return self.nodes_min if self.nodes_desired is None else self.nodes_desired

    @property
    def is_bound(self) -> bool:
        """Whether the nodes come out of capacity that lies in one zone and was bought before."""
        return self.purchase in (EksPurchase.RESERVATION, EksPurchase.CAPACITY_BLOCK)

    @property
    def node_data_gib(self) -> float:
        """What images and weights take on a node."""
        return node_data_gib(self.image_gib, self.weights_gib)

    @property
    def uses_local_nvme(self) -> bool:
        """Whether images and weights go to the machine's own NVMe disks: it has enough, and Amazon Linux."""
        room = (self.machine.local_nvme_gb or 0) * GB / GIB
        return self.local_nvme and not self.bottlerocket and room >= self.node_data_gib

    @property
    def root_disk_gib(self) -> int:
        """Root disk: what is asked, else room for what lies on it; 100 beside local NVMe."""
        return self.disk_gib or (100 if self.uses_local_nvme else disk_for(SYSTEM_GIB + self.node_data_gib))
