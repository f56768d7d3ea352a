"""One rung as the loop sees it: where, what, how bought, from which quota, at what price."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from gpuyard.catalog.hardware import find_machine_type
from gpuyard.catalog.names import UnknownName
from gpuyard.catalog.quotas import quotas_of
from gpuyard.planning.lock import Lock, LockedRung

_PREEMPTIBLE = ("spot", "flex_start", "queued")
"""Ways of buying that draw on spot quota (flex-start and queued at Google)."""
_PURCHASED = ("capacity_block", "calendar", "future_reservation")
"""Ways of buying that are paid for whether used or not, and are never undone."""


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

    @property
    def place(self) -> str:
        """Name of the cluster that holds it: cloud and region."""
        return f"{self.cloud} {self.region}"

    @property
    def is_purchase(self) -> bool:
        """Whether taking it buys something that cannot be given back."""
        return self.purchase in _PURCHASED and not self.reservation

    @property
    def is_preemptible(self) -> bool:
        """Whether it draws on spot quota."""
        return self.purchase in _PREEMPTIBLE

    def describe(self) -> str:
        """In words: ``2 x p5.48xlarge on_demand in aws us-east-1 (use1-az4)``."""
        zones = f" ({', '.join(self.zones)})" if 0 < len(self.zones) < 3 else ""
        return f"{self.nodes} x {self.machine_type} {self.purchase} in {self.place}{zones}"


def candidates_of(lock: Lock) -> Mapping[str, tuple[Candidate, ...]]:
    """The rungs of every endpoint, in the lock's order."""
    return {
        name: tuple(make_candidate(name, index, rung) for index, rung in enumerate(endpoint.rungs))
        for name, endpoint in lock.endpoints.items()
    }


def make_candidate(endpoint: str, index: int, rung: LockedRung) -> Candidate:
    """The candidate of a locked rung; keys that this lock version lacks count as absent."""
    rate = rung.rate.usd
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
        reservation=_text(rung, "reservation"),
        offering=_text(rung, "offering"),
        usd_upfront=getattr(rung, "usd_upfront", None),
    )


def bucket_of(cloud: str, machine_type: str, purchase: str) -> str:
    """The quota bucket that ``purchase`` of ``machine_type`` draws on; per family where no code is known.

    Google's bucket of a GPU is counted apart for preemptible use, and per GPU where one quota id covers
    several families.
    """
    try:
        machine = find_machine_type(machine_type)
    except UnknownName:
        return f"{machine_type}/{purchase}"
    is_preemptible = purchase in _PREEMPTIBLE
    codes = [quota.code for quota in quotas_of(machine, is_spot=is_preemptible)]
    own = [code for code in codes if code != "GPUS_ALL_REGIONS"]
    if not own:
        return f"{machine.family}/{'spot' if is_preemptible else 'on_demand'}"
    if cloud == "aws":
        return own[0]
    return f"{own[0].split(' / ')[0]}/{machine.gpu}" + ("/preemptible" if is_preemptible else "")


def _text(rung: Any, key: str) -> str:
    return str(getattr(rung, key, "") or "")
