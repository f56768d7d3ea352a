"""Specs of the Google Cloud components: complete, frozen, free of Pulumi."""

from collections.abc import Mapping
from enum import StrEnum

from pydantic import Field, field_validator, model_validator

from gpuyard.catalog.hardware import MachineType, find_machine_type
from gpuyard.catalog.names import UnknownName
from gpuyard.parsing import Spec

FLEX_START_SECONDS = 604_800
"""Flex-start nodes live at most seven days."""


class GkeClusterSpec(Spec):
    """A regional GKE cluster in its own network."""

    project: str = Field(min_length=1)
    region: str
    kubernetes_version: str = Field(default="1.35", pattern=r"^1\.\d{2}$")
    system_machine_type: str = "e2-standard-4"
    system_nodes: int = Field(default=2, ge=1, le=20)
    nodes_cidr: str = "10.0.0.0/20"
    pods_cidr: str = "10.4.0.0/14"
    services_cidr: str = "10.8.0.0/20"
    public_access_cidrs: tuple[str, ...] = ()
    tags: Mapping[str, str] = Field(default_factory=dict)
    protect: bool = False


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
    zones: tuple[str, ...] = ()
    reservation: str = ""
    compact: bool = False
    best_effort_min: int | None = Field(default=None, ge=1)
    driver: GpuDriver = GpuDriver.DEFAULT
    disk_gib: int = Field(default=200, ge=50, le=65_536)
    labels: Mapping[str, str] = Field(default_factory=dict)

    @field_validator("machine_type")
    @classmethod
    def _known(cls, value: str) -> str:
        try:
            machine = find_machine_type(value)
        except UnknownName as error:
            raise ValueError(str(error)) from None
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
        if self.nodes_max < self.nodes_min:
            problems.append(f"nodes_max {self.nodes_max} is below nodes_min {self.nodes_min}")
        if self.compact and len(self.zones) != 1:
            problems.append("compact placement needs exactly one zone")
        if self.purchase is GkePurchase.QUEUED and self.compact:
            problems.append("queued pools cannot be compact")
        if self.purchase in (GkePurchase.QUEUED, GkePurchase.FLEX_START) and self.nodes_min:
            problems.append(f"{self.purchase} pools start from nodes_min 0")
        if self.best_effort_min and self.best_effort_min > self.nodes_min:
            problems.append("best_effort_min cannot be above nodes_min")
        if problems:
            raise ValueError("; ".join(problems))
        return self

    @property
    def machine(self) -> MachineType:
        """The machine type's facts."""
        return find_machine_type(self.machine_type)
