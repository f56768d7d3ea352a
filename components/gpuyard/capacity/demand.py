"""What an endpoint needs of a place, before any place is chosen."""

import hashlib
import json
from dataclasses import MISSING, asdict, field, fields
from datetime import date
from enum import StrEnum
from typing import Any

from gpuyard.records import record

HOURS_PER_MONTH = 730


class Purchase(StrEnum):
    """How capacity is bought."""

    ON_DEMAND = "on_demand"
    """Runs until stopped, at list price."""
    SPOT = "spot"
    """Cheaper, and taken back at two minutes' (AWS) or 30 seconds' (GCP) notice."""
    FLEX_START = "flex_start"
    """GCP only: waits in a queue, runs at most seven days, draws on preemptible quota."""
    QUEUED = "queued"
    """GCP only: the same queue for whole jobs (queued provisioning); needs Kueue or ProvisioningRequests."""
    RESERVATION = "reservation"
    """Capacity that the account holds already. Only reservations that the config or evidence names."""
    CAPACITY_BLOCK = "capacity_block"
    """AWS only: bought up front for some days, from an offer found live. Not refundable."""
    CALENDAR = "calendar"
    """GCP only: a future reservation of 1 to 90 days with fixed dates. Billed whether used or not."""
    FUTURE_RESERVATION = "future_reservation"
    """Capacity from a later day on, once the cloud has approved it. Billed whether used or not."""


PURCHASES_COMMITTED = frozenset({Purchase.CAPACITY_BLOCK, Purchase.CALENDAR, Purchase.FUTURE_RESERVATION})
"""Kinds that cost money whether used or not and cannot be given back: they need an acknowledgement."""


class Interconnect(StrEnum):
    """Networks between machines that bypass the host's processor."""

    EFA = "efa"
    GPUDIRECT_TCPX = "gpudirect_tcpx"
    GPUDIRECT_TCPXO = "gpudirect_tcpxo"
    GPUDIRECT_RDMA = "gpudirect_rdma"


class OrderKey(StrEnum):
    """What the ladder is sorted by; the first difference decides."""

    ACCELERATOR = "accelerator"
    """The order of `needs`."""
    PURCHASE = "purchase"
    """The order of `purchases`."""
    COST = "cost"
    """Expected cost per served hour."""


@record
class AllowedRegion:
    """One region that the demand may be met in."""

    cloud: str
    region: str
    zones: tuple[str, ...] = ()
    """AWS zone ids or GCP zone names. Empty: every zone that sells the machine type."""


@record
class GpuNeed:
    """One accelerator that would do, with the GPUs that one replica then takes."""

    accelerator: str
    gpus_per_replica: int
    """Over all nodes of the replica."""
    nodes_per_replica: int = 1
    """More than one: a gang, whose nodes stand or fall together."""
    reason: str
    """Why so many, e.g. ``weights 35.6 GiB and KV 10 GiB per GPU``."""

    @property
    def gpus_per_node(self) -> int:
        """GPUs that a replica takes on each of its nodes."""
        return -(-self.gpus_per_replica // self.nodes_per_replica)


@record
class Weights:
    """What time and moves are worth, to rank offerings by (`docs/explanation/ladder.md`)."""

    usd_per_hour_unserved: float | None = None
    """An hour without the service. None: as much as an hour of the cheapest on-demand machines that would
    serve the demand, so that waiting a day for half the price pays after two."""
    hours: float = HOURS_PER_MONTH
    """Over how many hours of service waits and moves are spread, where the demand has no end. A month."""
    recovery_hours: float = 0.5
    """From a machine that is taken back to serving again, once another one is there: boot, image, weights."""
    usd_per_hour_extra_region: float = 0.35
    """A second region: control plane 0.10, NAT gateway 0.045, two system nodes 0.20 an hour (us-east-1)."""
    switch_hours: float = 1
    """Hours for which old and new machines both run when a service moves to another region."""


@record
class Demand:
    """GPUs for one endpoint: alternatives in order of preference, replicas, places, limits.

    Equal demands have equal hashes; a lock carries the hash of the demand that it answers.
    """

    endpoint: str
    needs: tuple[GpuNeed, ...]
    replicas_min: int
    replicas_max: int
    purchases: tuple[Purchase, ...]
    regions: tuple[AllowedRegion, ...]
    usd_per_gpu_hour_max: float | None = None
    one_zone: bool = False
    """All nodes in one zone. Gangs are always together."""
    interconnects: tuple[Interconnect, ...] = ()
    """Machines must have one of these. Gangs without a list need any of them."""
    residency: tuple[str, ...] = ()
    """Countries (``DE``), areas (``europe``) or ``eu``, one of which the region must lie in."""
    start_by: date | None = None
    """Offerings that are expected later are left out."""
    end: date | None = None
    """The service is needed until then. None: without end."""
    usd_budget: float | None = None
    """Most that machines may cost until `end`; per month of 730 hours where there is no end."""
    order: tuple[OrderKey, ...] = (OrderKey.ACCELERATOR, OrderKey.COST)
    weights: Weights = field(default_factory=Weights)

    @property
    def is_gang(self) -> bool:
        """Whether some replica spans nodes."""
        return any(need.nodes_per_replica > 1 for need in self.needs)

    def hours_from(self, day: date) -> float | None:
        """Hours of service from ``day`` on; None: without end."""
        return None if self.end is None else max(0.0, (self.end - day).days * 24.0)

    def digest(self) -> str:
        """``sha256:`` and 16 hexadecimal digits of the demand; reasons and defaults do not count."""
        content: dict[str, Any] = asdict(self)
        for name in _defaults(Demand):
            if getattr(self, name) == _defaults(Demand)[name]:
                del content[name]
        content.setdefault("usd_per_gpu_hour_max", None)
        for need in content["needs"]:
            del need["reason"]
            if need["nodes_per_replica"] == 1:
                del need["nodes_per_replica"]
        for place in content["regions"]:
            if not place["zones"]:
                del place["zones"]
        text = json.dumps(content, sort_keys=True, default=str)
        return "sha256:" + hashlib.sha256(text.encode()).hexdigest()[:16]


def _defaults(kind: type[Any]) -> dict[str, Any]:
    """Fields with a default, by name: absent from the hash while they have it, so that old hashes hold."""
    return {
        item.name: item.default if item.default is not MISSING else item.default_factory()  # pyright: ignore[reportCallIssue]
        for item in fields(kind)
        if item.default is not MISSING or item.default_factory is not MISSING
    }
