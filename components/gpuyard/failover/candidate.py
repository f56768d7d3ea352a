"""One rung as the loop sees it: where, what, how bought, from which quota, at what price."""

from collections.abc import Mapping
from dataclasses import dataclass

from gpuyard.capacity.demand import PURCHASES_COMMITTED
from gpuyard.capacity.lock import Lock, LockedRung
from gpuyard.catalog.hardware import find_machine_type
from gpuyard.catalog.names import UnknownName
from gpuyard.catalog.quotas import buckets
from gpuyard.units import moment


@dataclass(frozen=True, slots=True, kw_only=True)
class Candidate:
    """One rung of one endpoint's ladder."""

    endpoint: str
    rung: int
    """Index in the lock."""
    cloud: str
    region: str
    zones: tuple[str, ...]
    machine_type: str
    purchase: str
    nodes: int
    usd_per_hour: float | None
    """Of the nodes that are always on; None: unknown."""
    bucket: str
    """The quota bucket with what it counts apart, e.g. ``L-417A185B`` or ``NVIDIA_L4_GPUS/preemptible``."""
    reservation: str = ""
    """Id of a reservation or block that it uses."""
    offering: str = ""
    """Id of what would have to be bought first; empty: nothing."""
    usd_upfront: float | None = None
    """What buying it commits to."""
    starts: float = 0.0
    """Epoch seconds from which it can be had; 0: now."""
    obstacle: str = ""
    """Why it cannot be tried at all, as the lock knows; empty: nothing."""

    @property
    def place(self) -> str:
        """Name of the cluster that holds it: cloud and region."""
        return f"{self.cloud} {self.region}"

    @property
    def is_purchase(self) -> bool:
        """Whether taking it buys something that cannot be given back."""
        return self.purchase in PURCHASES_COMMITTED and not self.reservation

    def describe(self) -> str:
        """In words: ``2 x p5.48xlarge on_demand in aws us-east-1 (use1-az4)``."""
        zones = f" ({', '.join(self.zones)})" if 0 < len(self.zones) < 3 else ""
        return f"{self.nodes} x {self.machine_type} {self.purchase} in {self.place}{zones}"


def candidates_of(lock: Lock, now: float) -> Mapping[str, tuple[Candidate, ...]]:
    """The rungs of every endpoint, in the lock's order, as they stand at ``now`` (epoch seconds)."""
    return {
        name: tuple(make_candidate(name, index, rung, now) for index, rung in enumerate(endpoint.rungs))
        for name, endpoint in lock.endpoints.items()
    }


def make_candidate(endpoint: str, index: int, rung: LockedRung, now: float = 0.0) -> Candidate:
    """The candidate of a locked rung; one whose quota is known to be short, or that has ended, is out."""
    rate = 0.0 if rung.reservation else rung.rate.usd
    return Candidate(
        endpoint=endpoint,
        rung=index,
        cloud=rung.cloud,
        region=rung.region,
        zones=rung.zones,
        machine_type=rung.machine_type,
        purchase=rung.purchase,
        nodes=rung.nodes_min,
        usd_per_hour=None if rate is None else rate * rung.nodes_min,
        bucket=bucket_of(rung.cloud, rung.machine_type, rung.purchase),
        reservation=rung.reservation,
        offering=rung.offering,
        usd_upfront=rung.usd_committed,
        starts=epoch_seconds(rung.starts) or 0.0,
        obstacle=_obstacle(rung, now),
    )


def bucket_of(cloud: str, machine_type: str, purchase: str) -> str:
    """The quota bucket that ``purchase`` of ``machine_type`` draws on; per family where no code is known."""
    try:
        machine = find_machine_type(machine_type)
    except UnknownName:
        return f"{machine_type}/{purchase}"
    own = next((item for item in buckets(machine, purchase) or () if not item.is_global), None)
    if own is None:
        return f"{machine.family}/{purchase}"
    return own.code if cloud == "aws" else "/".join(filter(None, (own.code, own.gpu_family)))


def _obstacle(rung: LockedRung, now: float) -> str:
    ends = epoch_seconds(rung.ends)
    if ends is not None and ends <= now:
        return f"it ended on {rung.ends}"
    short = next((item for item in rung.quotas if item.verdict == "short"), None)
    if short is None:
        return ""
    limit = "unknown" if short.limit is None else f"{short.limit:g}"
    seen = f", as of {short.as_of}" if short.as_of else ""
    return f"quota {short.code} is short: needs {short.needed:g} {short.unit}, limit {limit}{seen}"


def epoch_seconds(text: str) -> float | None:
    """Epoch seconds of a day or time in ISO form, UTC unless it says otherwise; None: there is none."""
    found = moment(text)
    return found.timestamp() if found else None
