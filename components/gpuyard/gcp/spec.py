"""Specs of the Google Cloud components: complete, frozen, free of Pulumi."""

import re
from collections.abc import Mapping
from enum import StrEnum
from ipaddress import IPv4Network
from itertools import combinations
from typing import Annotated

from pydantic import AfterValidator, Field, field_validator, model_validator

from gpuyard.catalog.hardware import MachineType, find_machine_type, machine_types
from gpuyard.catalog.places import regions
from gpuyard.errors import did_you_mean
from gpuyard.gcp.labels import to_labels
from gpuyard.kubernetes.node_disk import SYSTEM_GIB, disk_for, node_data_gib
from gpuyard.kubernetes.spec import Cidr
from gpuyard.names import GCP_PROJECT
from gpuyard.parsing import Spec

FLEX_START_SECONDS = 604_800
"""Flex-start nodes live at most seven days."""
COMPACT_FLEX_FAMILIES = ("a3-ultragpu", "a4-highgpu")
"""Flex-start nodes that can be placed close together (cluster-toolkit 1.95.0, 2026-06)."""

_REGION = re.compile(r"^[a-z]+-[a-z]+\d+$")


def _region(value: str) -> str:
    if not _REGION.match(value):
        hint = did_you_mean(value, regions("gcp"))
        raise ValueError(f'"{value}" is not the name of a Google Cloud region\n{hint or "like us-central1"}')
    return value


def _range(value: str) -> str:
    try:
        network = IPv4Network(value)
    except ValueError as error:
        raise ValueError(f"{error}\nit looks like 10.0.0.0/20") from None
    if not 9 <= network.prefixlen <= 29:
        raise ValueError(f"{value} is not between /9 and /29, which is what a subnetwork takes")
    return value


def _tags(value: Mapping[str, str]) -> Mapping[str, str]:
    to_labels(value)
    return value


Region = Annotated[str, AfterValidator(_region)]
Range = Annotated[str, AfterValidator(_range)]
Tags = Annotated[Mapping[str, str], AfterValidator(_tags)]


class GcpNetworkSpec(Spec):
    """A network with one subnetwork."""

    project: str = Field(pattern=f"^{GCP_PROJECT}$")
    region: Region
    nodes_cidr: Range = "10.0.0.0/20"
    pods_cidr: Range = "10.4.0.0/14"
    services_cidr: Range = "10.8.0.0/20"

    @model_validator(mode="after")
    def _apart(self) -> "GcpNetworkSpec":
        ranges = {
            key: IPv4Network(getattr(self, key)) for key in ("nodes_cidr", "pods_cidr", "services_cidr")
        }
        problems = [
            f"{one} {ranges[one]} overlaps {other} {ranges[other]}"
            for one, other in combinations(ranges, 2)
            if ranges[one].overlaps(ranges[other])
        ]
        if problems:
            raise ValueError("; ".join(problems))
        return self


class GkeClusterSpec(GcpNetworkSpec):
    """A regional GKE cluster in its own network."""

    kubernetes_version: str = Field(default="1.35", pattern=r"^1\.\d{2}$")
    zones: tuple[str, ...] = ()
    system_machine_type: str = Field(default="e2-standard-4", pattern=r"^[a-z][a-z0-9]*-[a-z0-9-]+$")
    system_nodes: int = Field(default=2, ge=1, le=20)
    public_access_cidrs: tuple[Cidr, ...] = ()
    tags: Tags = Field(default_factory=dict)
    protect: bool = False

    @model_validator(mode="after")
    def _in_region(self) -> "GkeClusterSpec":
        elsewhere = [zone for zone in self.zones if not re.match(rf"^{self.region}-[a-z]$", zone)]
        if elsewhere:
            raise ValueError(f"{', '.join(elsewhere)}: not a zone of {self.region}, such as {self.region}-a")
        return self


class GkePurchase(StrEnum):
    """How a GKE pool is bought."""

    ON_DEMAND = "on_demand"
    SPOT = "spot"
    RESERVATION = "reservation"
    FLEX_START = "flex_start"
    QUEUED = "queued"


class GpuDriver(StrEnum):
    """Who installs the GPU driver, and which."""

    DEFAULT = "DEFAULT"
    LATEST = "LATEST"
    INSTALLATION_DISABLED = "INSTALLATION_DISABLED"


class GkePoolSpec(Spec):
    """A node pool of GPU machines; cross-field rules are those that GKE enforces at creation."""

    machine_type: str
    purchase: GkePurchase = GkePurchase.ON_DEMAND
    nodes_min: int = Field(default=0, ge=0)
    nodes_max: int = Field(ge=1, le=1000)
    zones: tuple[Annotated[str, Field(pattern=r"^[a-z]+-[a-z]+\d+-[a-z]$")], ...] = ()
    reservation: str = Field(
        default="",
        pattern=r"^((projects/[a-z0-9.:-]+/reservations/)?[a-z]([a-z0-9-]*[a-z0-9])?(/reservationBlocks/[a-z0-9-]+)?)?$",
    )
    compact: bool = False
    best_effort_min: int | None = Field(default=None, ge=1)
    driver: GpuDriver = GpuDriver.DEFAULT
    disk_gib: int | None = Field(default=None, ge=50, le=65_536)
    image_gib: float = Field(default=30, gt=0)
    weights_gib: float = Field(default=0, ge=0)
    labels: Mapping[str, str] = Field(default_factory=dict)
    tags: Tags = Field(default_factory=dict)

    @field_validator("machine_type")
    @classmethod
    def _known(cls, value: str) -> str:
        machine = find_machine_type(value)
        if machine.cloud != "gcp":
            raise ValueError(f"{machine.id} is a machine type of {machine.cloud}, not of Google Cloud")
        if machine.gpu_count < 1 or "*" in machine.id:
            raise ValueError(f"{machine.id} has no whole GPU that GKE can attach to a pool here")
        return machine.id

    @model_validator(mode="after")
    def _agree(self) -> "GkePoolSpec":
        problems = []
        bound = self.purchase is GkePurchase.RESERVATION
        if bound != bool(self.reservation):
            problems.append("purchase reservation and `reservation` need each other")
        if bound and not self.zones:
            problems.append("a reservation lies in one zone: name it in `zones`")
        if self.nodes_max < self.nodes_min:
            problems.append(f"nodes_max {self.nodes_max} is below nodes_min {self.nodes_min}")
        if len(set(self.zones)) != len(self.zones):
            problems.append("`zones` names a zone twice")
        if self.waits_in_queue and self.nodes_min:
            problems.append(f"{self.purchase} pools start from nodes_min 0")
        if self.best_effort_min and self.best_effort_min > self.nodes_min:
            problems.append("best_effort_min cannot be above nodes_min")
        problems += self._placement_problems()
        if problems:
            raise ValueError("; ".join(problems))
        return self

    def _placement_problems(self) -> list[str]:
        if not self.compact:
            return []
        problems = []
        if len(self.zones) != 1:
            problems.append("compact placement needs exactly one zone")
        if self.purchase is GkePurchase.QUEUED:
            problems.append("queued pools cannot be compact")
        if self.purchase is GkePurchase.FLEX_START and self.machine.family not in COMPACT_FLEX_FAMILIES:
            problems.append(
                f"flex_start pools can be compact with {' and '.join(COMPACT_FLEX_FAMILIES)} only"
            )
        return problems

    @property
    def machine(self) -> MachineType:
        """The machine type's facts."""
        return machine_types("gcp")[self.machine_type]

    @property
    def waits_in_queue(self) -> bool:
        """Whether nodes come when Google has them: such pools start empty and are not repaired."""
        return self.purchase in (GkePurchase.QUEUED, GkePurchase.FLEX_START)

    @property
    def boot_disk_gib(self) -> int:
        """Boot disk: what is asked, else room for the system, images and weights."""
        return self.disk_gib or disk_for(node_data_gib(self.image_gib, self.weights_gib, SYSTEM_GIB))
