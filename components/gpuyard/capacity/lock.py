"""The lock: the ladder and its active rungs in one reviewed file, `capacity.<stack>.lock.yaml`.

`gpuyard lock` writes it; plan, preview and up read it and never look anywhere else. It carries the hash
of each demand that it answers, so that a lock made for other needs is noticed, and the newest date of
its evidence, which is the reference date of every check: the same lock gives the same plan on any day.
Version 2 added odds, quota arithmetic, held and bought capacity; files of version 1 are read as before.
`docs/reference/lock.md` has every key.
"""

from collections.abc import Mapping

from pydantic import Field

from gpuyard.parsing import Spec

LOCK_VERSION = 2


class LockedRate(Spec):
    """What one machine costs per hour; absent numbers are unknown."""

    usd: float | None = None
    usd_low: float | None = None
    usd_high: float | None = None
    source: str = ""
    as_of: str = ""
    note: str = ""


class LockedOdds(Spec):
    """How likely the capacity is to come, and how long that takes."""

    probability: float = Field(ge=0, le=1)
    basis: str
    """``guess``, or the evidence with its date."""
    wait_hours: float = Field(ge=0)


class LockedQuota(Spec):
    """One limit of the account against what the rung needs of it; absent numbers have not been read."""

    code: str
    region: str
    """``global`` where it holds for all regions together."""
    quota_id: str = ""
    """Id to ask for more under, where it is not the code."""
    gpu_family: str = ""
    unit: str
    needed: float
    needed_peak: float
    limit: float | None = None
    """-1: no limit."""
    used: float | None = None
    pending: float | None = None
    """The limit that an open request asks for."""
    verdict: str
    """``enough``, ``short`` or ``unknown``."""
    as_of: str = ""


class LockedRung(Spec):
    """A rung of the ladder as the file keeps it."""

    cloud: str
    region: str
    zones: tuple[str, ...] = ()
    machine_type: str
    accelerator: str
    gpus_per_node: int = Field(ge=1)
    gpus_per_replica: int = Field(ge=1)
    purchase: str
    nodes_min: int = Field(ge=0)
    nodes_max: int = Field(ge=1)
    rate: LockedRate = LockedRate()
    quota: str = ""
    reason: str = ""
    offering: str = ""
    """Id of the offering. Empty in files of version 1."""
    nodes_per_replica: int = Field(default=1, ge=1)
    reservation: str = ""
    """Reservation or block that the account holds, and that the nodes come out of."""
    placement_group: str = ""
    """The reservation's own."""
    compact: bool = False
    """Google: place the nodes close together."""
    starts: str = ""
    ends: str = ""
    usd_committed: float | None = None
    """What buying it commits to, at most; absent: nothing, or unknown."""
    is_commitment: bool = False
    """Buying it needs an acknowledgement."""
    odds: LockedOdds | None = None
    quotas: tuple[LockedQuota, ...] = ()

    @property
    def key(self) -> tuple[object, ...]:
        """What makes it the same rung in another lock: the place and the purchase, not price or count."""
        return (
            self.cloud,
            self.region,
            self._zone,
            self.machine_type,
            self.purchase,
            self.accelerator,
            self.gpus_per_replica,
            self.reservation,
        )

    @property
    def _zone(self) -> str:
        """The zone that the rung is bound to; empty: it spans what zones the catalog knows of its region."""
        parts = self.offering.split("/")
        return parts[2] if len(parts) == 5 and parts[2] != "*" else ""

    @property
    def label(self) -> str:
        """The rung in a few words."""
        kind = self.purchase.replace("_", "-")
        place = self.zones[0] if len(self.zones) == 1 else self.region
        held = f" ({self.reservation})" if self.reservation else ""
        return f"{self.machine_type} {kind} in {self.cloud} {place}{held}"


class LockedEndpoint(Spec):
    """The ladder of one endpoint, best rung first."""

    demand: str
    active: int = Field(ge=0)
    """Index of the rung in use."""
    rungs: tuple[LockedRung, ...] = Field(min_length=1)


class Lock(Spec):
    """The whole file."""

    version: int
    stack: str
    as_of: str = Field(pattern=r"^\d{4}-\d{2}-\d{2}$")
    """The newest date of the evidence: the reference date of every check."""
    live: str = ""
    """When the clouds were last asked. Empty: never, all is from the catalog."""
    endpoints: Mapping[str, LockedEndpoint]


def lock_file_name(stack: str) -> str:
    """Name of the stack's lock file, which lies beside `Pulumi.<stack>.yaml`."""
    return f"capacity.{stack}.lock.yaml"
