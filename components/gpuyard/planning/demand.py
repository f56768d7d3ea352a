"""What an endpoint needs of a place, before any place is chosen."""

import hashlib
import json
from dataclasses import asdict, dataclass
from enum import StrEnum


class Purchase(StrEnum):
    """How the ladder may buy capacity.

    Reservations and capacity blocks need an id that only their owner knows: `EksGpuPool` and
    `GkeGpuPool` take them, a ladder cannot invent them.
    """

    ON_DEMAND = "on_demand"
    """Runs until stopped, at list price."""
    SPOT = "spot"
    """Cheaper, and taken back at two minutes' (AWS) or 30 seconds' (GCP) notice."""
    FLEX_START = "flex_start"
    """GCP only: waits in a queue, runs at most seven days, draws on preemptible quota."""


@dataclass(frozen=True, slots=True, kw_only=True)
class AllowedRegion:
    """One region that the demand may be met in."""

    cloud: str
    region: str


@dataclass(frozen=True, slots=True, kw_only=True)
class GpuNeed:
    """One accelerator that would do, with the GPUs that one replica then takes."""

    accelerator: str
    gpus_per_replica: int
    reason: str
    """Why so many, e.g. ``weights 35.6 GiB and KV 10 GiB per GPU``."""


@dataclass(frozen=True, slots=True, kw_only=True)
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

    def digest(self) -> str:
        """``sha256:`` and 16 hexadecimal digits of the demand; reasons do not count."""
        content = asdict(self)
        for need in content["needs"]:
            del need["reason"]
        text = json.dumps(content, sort_keys=True, default=str)
        return "sha256:" + hashlib.sha256(text.encode()).hexdigest()[:16]
