"""What a deployment may buy, and where: places, limits, and capacity that is held already."""

import re
from collections.abc import Mapping
from datetime import date
from enum import StrEnum
from typing import Any

from pydantic import Field, field_validator, model_validator

from gpuyard.capacity.demand import Interconnect, OrderKey, Purchase
from gpuyard.capacity.purchase import Agreed
from gpuyard.catalog.geography import known_places
from gpuyard.catalog.hardware import find_gpu, find_machine_type
from gpuyard.catalog.places import regions
from gpuyard.errors import did_you_mean
from gpuyard.names import EC2_RESERVATION_ID, GCP_PROJECT
from gpuyard.parsing import Spec

CPU = "cpu"
"""The accelerator of an endpoint that needs none."""
_DAY = r"^(\d{4}-\d{2}-\d{2}(T\d{2}:\d{2}(:\d{2})?Z?)?)?$"


class Cloud(StrEnum):
    """Where a place lies."""

    AWS = "aws"
    GCP = "gcp"
    KUBERNETES = "kubernetes"


class Place(Spec):
    """Somewhere the deployment may run: regions of one cloud account, or one existing cluster."""

    cloud: Cloud
    regions: tuple[str, ...] = ()
    """Allowed regions, in order of preference where prices tie. Required for aws and gcp."""
    zones: tuple[str, ...] = ()
    """Allowed zones (AWS zone ids, Google zone names). Default every zone of the regions."""
    project: str = ""
    """Google Cloud project id. Required for gcp."""
    context: str = ""
    """kubeconfig context of the existing cluster. Required for kubernetes."""
    kubeconfig: str = ""
    """Path of the kubeconfig file. Empty: ``$KUBECONFIG``, else ``~/.kube/config``."""
    accelerator: str = CPU
    """What the nodes of the existing cluster have: a GPU id, or ``cpu``."""
    gpus_per_node: int = Field(default=0, ge=0)

    @model_validator(mode="after")
    def _complete(self) -> "Place":
        problems = []
        if self.cloud is Cloud.KUBERNETES:
            if not self.context:
                problems.append("an existing cluster needs `context`, the name of a kubeconfig context")
            if self.regions:
                problems.append("an existing cluster has no `regions`; remove them")
            if self.accelerator != CPU and not self.gpus_per_node:
                problems.append("say how many GPUs a node has: `gpus_per_node`")
        else:
            if not self.regions:
                problems.append(f"{self.cloud} needs `regions`, at least one")
            if self.cloud is Cloud.GCP and not self.project:
                problems.append("gcp needs `project`, the project id")
            elif self.cloud is Cloud.GCP and not re.fullmatch(GCP_PROJECT, self.project):
                problems.append(
                    f'"{self.project}" is no project id: those have 6 to 30 lower-case letters, digits and '
                    "hyphens, a letter first and no hyphen last"
                )
            problems += [
                _unknown_region(self.cloud, region)
                for region in self.regions
                if region not in regions(self.cloud)
            ]
        if problems:
            raise ValueError("; ".join(problems))
        return self

    @field_validator("accelerator")
    @classmethod
    def _known(cls, value: str) -> str:
        return _accelerator(value)


class Reservation(Spec):
    """Capacity that the account holds and pays already: a reservation, or a block that was bought."""

    cloud: Cloud
    region: str
    zone: str = Field(min_length=1)
    """AWS zone id (``use1-az4``) or Google zone name."""
    machine_type: str
    id: str = Field(min_length=1)
    """AWS: ``cr-…``. Google: name of the reservation, or ``projects/P/reservations/NAME``."""
    machines: int = Field(ge=1)
    """Machines of it that this stack may use."""
    is_block: bool = False
    """AWS: a capacity block, which ends by itself."""
    starts: str = Field(default="", pattern=_DAY)
    ends: str = Field(default="", pattern=_DAY)
    """Days (YYYY-MM-DD) or times (…T11:30:00Z). Empty: now, and until it is deleted."""
    placement_group: str = ""
    """AWS: the group that it was made in; nodes then start in that group."""

    @field_validator("machine_type")
    @classmethod
    def _known(cls, value: str) -> str:
        return find_machine_type(value).id

    @model_validator(mode="after")
    def _identity(self) -> "Reservation":
        if self.cloud is Cloud.AWS and not EC2_RESERVATION_ID.fullmatch(self.id):
            raise ValueError(
                f'"{self.id}" is no id of a capacity reservation\n'
                "write it as AWS does: cr- and 8 to 17 digits or letters from a to f"
            )
        return self


class StatedQuota(Spec):
    """One limit of the account, for quota arithmetic without live look-ups."""

    cloud: Cloud
    region: str
    """``global`` for limits over all regions."""
    code: str = Field(min_length=1)
    """AWS quota code, Compute Engine metric, or id of the Cloud Quotas API."""
    gpu_family: str = ""
    """Google, for GPUS-PER-GPU-FAMILY limits: e.g. ``NVIDIA_H100``."""
    limit: float = Field(ge=-1)
    """vCPUs at AWS, GPUs at Google. -1: no limit."""
    used: float | None = Field(default=None, ge=0)
    """Default: unknown."""
    as_of: date
    """The day it was read."""


class RankWeights(Spec):
    """What time and moves are worth to the ranking; `docs/explanation/ladder.md` says why these defaults."""

    usd_per_hour_unserved: float | None = Field(default=None, ge=0)
    """An hour without the service. Default: that of on-demand machines at their cheapest."""
    hours: float = Field(default=730, gt=0)
    """Hours of service over which waits and moves are spread, without `end`. Default a month."""
    recovery_hours: float = Field(default=0.5, ge=0)
    """From a machine that is taken back to serving again, once another one is there. Default 0.5."""
    usd_per_hour_extra_region: float = Field(default=0.35, ge=0)
    """Fixed cost of a second region. Default 0.35."""
    switch_hours: float = Field(default=1, ge=0)
    """Hours for which old and new machines both run when the service moves. Default 1."""


class Capacity(Spec):
    """What may be bought, where and until when."""

    accelerators: tuple[str, ...] = Field(min_length=1)
    """GPU ids or aliases, best first; ``cpu`` alone for endpoints without a GPU."""
    purchases: tuple[Purchase, ...] = Field(default=(Purchase.ON_DEMAND,), min_length=1)
    """Allowed purchase kinds; their order counts where `order` names ``purchase``. Default on-demand only."""
    order: tuple[OrderKey, ...] = (OrderKey.ACCELERATOR, OrderKey.COST)
    """What the ladder is sorted by. Default the order of `accelerators`, then expected cost."""
    usd_per_gpu_hour_max: float | None = Field(default=None, gt=0)
    """Offerings above this, or of unknown price, are left out, with that reason. Default no limit."""
    usd_budget: float | None = Field(default=None, gt=0)
    """Most that machines may cost until `end`, or per month without one. Default no limit."""
    one_zone: bool = False
    """Keep all nodes of an endpoint in one zone; each zone is then a rung of its own. Default off: a rung
    spans the region's zones."""
    interconnects: tuple[Interconnect, ...] = ()
    """Networks between machines, one of which they must have. Default none."""
    residency: tuple[str, ...] = ()
    """Countries (``DE``), areas (``europe``) or ``eu`` that data may lie in. Default anywhere."""
    start_by: date | None = None
    """Offerings that are expected later are left out. Default no limit."""
    end: date | None = None
    """Until when the service is needed. Default without end."""
    weights: RankWeights = RankWeights()
    reservations: tuple[Reservation, ...] = ()
    """Capacity that the account holds: it comes first, at no price."""
    quotas: tuple[StatedQuota, ...] = ()
    """Limits of the account; they win over what live look-ups found."""
    acknowledge_purchase: tuple[Agreed, ...] = ()
    """Purchases that are not refundable and may be made. One mapping, or a list. Default none."""

    @field_validator("acknowledge_purchase", mode="before")
    @classmethod
    def _one_or_many(cls, value: Any) -> Any:
        return (dict(value),) if isinstance(value, Mapping) else value

    @field_validator("residency")
    @classmethod
    def _somewhere(cls, value: tuple[str, ...]) -> tuple[str, ...]:
        unknown = [place for place in value if place.lower() not in known_places()]
        if unknown:
            hint = did_you_mean(unknown[0], known_places())
            raise ValueError(
                f'"{unknown[0]}" is no place that the catalog knows\n'
                + (hint or "use eu, an area such as europe, or a country code such as DE")
            )
        return value

    @field_validator("accelerators")
    @classmethod
    def _known(cls, value: tuple[str, ...]) -> tuple[str, ...]:
        return tuple(dict.fromkeys(_accelerator(item) for item in value))

    @model_validator(mode="after")
    def _either(self) -> "Capacity":
        if CPU in self.accelerators and len(self.accelerators) > 1:
            raise ValueError("`cpu` stands alone in `accelerators`\nremove it, or the GPUs beside it")
        if self.end and self.start_by and self.end <= self.start_by:
            raise ValueError(f"`end` {self.end} is not after `start_by` {self.start_by}\nmove one of them")
        if len(set(self.order)) != len(self.order) or not self.order:
            raise ValueError("`order` names each of accelerator, purchase and cost at most once")
        ids = [item.id for item in self.reservations]
        twice = sorted({name for name in ids if ids.count(name) > 1})
        if twice:
            raise ValueError(f"two reservations have the id {', '.join(twice)}\nremove one")
        return self


def _unknown_region(cloud: str, region: str) -> str:
    hint = did_you_mean(region, regions(cloud))
    return f'"{region}" is not a region of {cloud} in the catalog' + (f"; {hint}" if hint else "")


def _accelerator(value: str) -> str:
    return CPU if value.strip().lower() == CPU else find_gpu(value).id
