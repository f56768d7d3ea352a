"""Simulated clouds for rehearsals: stock, quotas, faults and prices along a simulated clock.

Nothing here sleeps or connects. A try is answered with the words a cloud would use, and the loop reads
them as it reads real ones.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cache
from math import inf
from pathlib import Path

import yaml

from gpuyard.catalog.component_prices import component
from gpuyard.catalog.prices import on_demand
from gpuyard.failover.candidate import Candidate
from gpuyard.failover.scenario import Durations, Fault, Scenario, ScenarioFault, Where
from gpuyard.stack.plan import SYSTEM_MACHINE

_LEARN_MINUTES = {
    Fault.STOCKOUT: {"aws": 2.0, "gcp": 35.0},
    Fault.RESERVATION_TAKEN: {"aws": 2.0, "gcp": 0.5},
    Fault.NOT_SOLD: {"aws": 2.0, "gcp": 0.5},
    Fault.ADDRESS_SPACE: {"aws": 2.0, "gcp": 2.0},
    Fault.REGION_DOWN: {"aws": 1.0, "gcp": 1.0},
    Fault.RECLAIM: {"aws": 2.0, "gcp": 2.0},
    Fault.BLOCK_END: {"aws": 2.0, "gcp": 0.5},
    Fault.UNKNOWN: {"aws": 2.0, "gcp": 2.0},
    Fault.SILENT: {"aws": inf, "gcp": inf},
}
"""From asking for machines to the refusal. 35: GoogleCloudPlatform/cluster-toolkit#6278. The rest is
refused at once."""
_WORDS = Path(__file__).parent / "refusals.yaml"


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """How one rung's try went."""

    at: float
    """Seconds from the start when it was known."""
    message: str = ""
    """The refusal; empty: it serves from `at` on."""
    node_at: float = inf
    """When its machines were there and began to cost."""


@dataclass(slots=True)
class Bill:
    """What stands, since when, at what price."""

    running: dict[str, tuple[float, float]] = field(default_factory=dict)
    """Start in seconds and USD per hour, by name."""
    usd: float = 0.0
    has_unknown: bool = False

    def start(self, name: str, at: float, usd_per_hour: float | None) -> None:
        """Begin to bill ``name`` at ``at``, unless it is billed already."""
        self.has_unknown = self.has_unknown or usd_per_hour is None
        self.running.setdefault(name, (at, usd_per_hour or 0.0))

    def stop(self, name: str, at: float) -> None:
        """Bill ``name`` up to ``at``."""
        started, rate = self.running.pop(name, (at, 0.0))
        self.usd += rate * max(0.0, at - started) / 3600

    def total(self, at: float) -> float:
        """USD up to ``at``, what still runs included."""
        return self.usd + sum(rate * max(0.0, at - start) / 3600 for start, rate in self.running.values())

    def rate(self) -> float:
        """USD per hour of what runs."""
        return sum(rate for _, rate in self.running.values())


_CONTROL_PLANE = {
    "aws": ("eks_control_plane", "standard support"),
    "gcp": ("gke_management", "zonal/regional/Autopilot"),
}
_ANY_REGION = {"aws": "us-east-1", "gcp": "us-central1"}
"""Where the fee is listed; it is the same in every commercial region."""


def cluster_usd_per_hour(cloud: str, region: str) -> float | None:
    """A control plane and two system nodes at list price, traffic and disks left out; None: not known."""
    name, sku = _CONTROL_PLANE[cloud]
    plane = component(cloud, name, region, sku) or component(cloud, name, _ANY_REGION[cloud], sku)
    node = on_demand(cloud, SYSTEM_MACHINE[cloud], region)
    return None if plane is None or plane.usd is None or node is None else plane.usd + 2 * node.usd


class World:
    """The clouds of one rehearsal."""

    def __init__(self, scenario: Scenario, ladders: Mapping[str, tuple[Candidate, ...]]) -> None:
        self._faults = scenario.faults
        self._durations: Durations = scenario.durations
        self._ladders = ladders
        self.clusters: set[str] = set()
        self.bill = Bill()

    def answer(self, candidate: Candidate, at: float, limit_s: float) -> Answer:
        """How a try of ``candidate`` that begins at ``at`` goes, within ``limit_s``."""
        cluster = candidate.place in self.clusters
        early = self._fault(
            candidate, at, (Fault.PERMISSION, Fault.CONFIGURATION, Fault.THROTTLE, Fault.REGION_DOWN)
        )
        if early is not None:
            known = at + self._learn_s(early, candidate)
            return Answer(at=known, message=self.message(early, candidate))
        asked = at if cluster else at + 60 * self._durations.cluster
        fault = self._fault(candidate, asked, _OF_MACHINES)
        boot = 60 * (self._durations.node + self._durations.serving)
        slow = self._fault(candidate, asked, (Fault.SLOW_BOOT,))
        boot *= slow.factor if slow else 1
        if candidate.purchase in ("flex_start", "queued") and fault is None:
            asked += 60 * self._durations.queue
        if fault is None:
            return Answer(at=asked + boot, node_at=asked)
        over = inf if fault.until_minutes is None else 60 * fault.until_minutes
        known = asked + self._learn_s(fault, candidate)
        if over < min(known, at + limit_s) and fault.what in _PERSISTENT:
            return Answer(at=over + boot, node_at=over)
        return Answer(at=known, message=self.message(fault, candidate))

    def look_up(self, candidate: Candidate, at: float) -> str:
        """What a look-up that creates nothing tells of ``candidate``: a refusal, or nothing."""
        fault = self._fault(candidate, at, (Fault.QUOTA, Fault.RESERVATION_TAKEN))
        return self.message(fault, candidate) if fault else ""

    def message(self, fault: ScenarioFault, candidate: Candidate) -> str:
        """What the cloud says of ``fault``."""
        text = fault.says or _refusals().get(str(fault.what), {}).get(candidate.cloud, "")
        values = {
            "machine_type": candidate.machine_type,
            "zone": candidate.zones[0] if candidate.zones else candidate.region,
            "nodes": str(candidate.nodes),
            "reservation": candidate.reservation or "r",
        }
        for key, value in values.items():
            text = text.replace("{" + key + "}", value)
        return text

    def losses(self, candidate: Candidate, after: float) -> list[tuple[float, ScenarioFault]]:
        """When machines of ``candidate`` are taken back after ``after``, in order."""
        found = [
            (60 * fault.from_minutes, fault)
            for fault in self._faults
            if fault.what in (Fault.RECLAIM, Fault.BLOCK_END)
            and 60 * fault.from_minutes > after
            and self._hits(fault.where, candidate)
        ]
        return sorted(found, key=lambda item: item[0])

    def _fault(self, candidate: Candidate, at: float, kinds: tuple[Fault, ...]) -> ScenarioFault | None:
        for fault in self._faults:
            begins, ends = 60 * fault.from_minutes, 60 * (fault.until_minutes or inf)
            if fault.what in kinds and begins <= at < ends and self._hits(fault.where, candidate):
                return fault
        return None

    def _hits(self, where: Where, candidate: Candidate) -> bool:
        asked = {
            "cloud": where.cloud,
            "region": where.region,
            "machine_type": where.machine_type,
            "purchase": where.purchase,
        }
        if any(value and value != getattr(candidate, key) for key, value in asked.items()):
            return False
        if where.zone and candidate.zones and where.zone not in candidate.zones:
            return False
        if where.rung is None:
            return True
        ladder = self._ladders[candidate.endpoint]
        return where.rung < len(ladder) and _reaches(where.scope, ladder[where.rung], candidate)

    def _learn_s(self, fault: ScenarioFault, candidate: Candidate) -> float:
        usual = _LEARN_MINUTES.get(fault.what, {}).get(candidate.cloud, 0.2)
        return 60 * (usual if fault.learn_minutes is None else fault.learn_minutes)


@cache
def _refusals() -> Mapping[str, Mapping[str, str]]:
    """What a cloud says, by fault and cloud."""
    return yaml.safe_load(_WORDS.read_text(encoding="utf-8"))


_OF_MACHINES = (
    Fault.STOCKOUT,
    Fault.QUOTA,
    Fault.NOT_SOLD,
    Fault.RESERVATION_TAKEN,
    Fault.ADDRESS_SPACE,
    Fault.SILENT,
    Fault.UNKNOWN,
    Fault.RECLAIM,
    Fault.BLOCK_END,
)
"""Faults that show when machines are asked for. What was taken back is out of stock afterwards."""
_PERSISTENT = (Fault.STOCKOUT, Fault.SILENT, Fault.RESERVATION_TAKEN, Fault.RECLAIM)
"""Faults through which a node group keeps asking, and gets machines when they end in time."""


def _reaches(scope: str, center: Candidate, other: Candidate) -> bool:
    same_zone = not center.zones or not other.zones or bool(set(center.zones) & set(other.zones))
    same_cloud = center.cloud == other.cloud
    same_region = same_cloud and center.region == other.region
    match scope:
        case "cloud":
            return same_cloud
        case "region":
            return same_region
        case "bucket":
            return same_region and center.bucket == other.bucket
        case "purchase":
            return same_cloud and center.purchase == other.purchase
        case "reservation":
            return same_cloud and center.reservation == other.reservation
        case "place":
            return same_region and same_zone and center.machine_type == other.machine_type
        case _:
            return (
                same_region
                and same_zone
                and center.machine_type == other.machine_type
                and center.purchase == other.purchase
                and center.reservation == other.reservation
            )
