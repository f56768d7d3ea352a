"""Quota arithmetic: what machines need of each limit, what is left of it, the request for the rest.

Limits come from the config or from evidence. A limit that nobody has read is unknown, never assumed: what
new accounts start with is said beside it.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from enum import StrEnum

from gpuyard.catalog import evidence_items as found
from gpuyard.catalog.evidence import Evidence
from gpuyard.catalog.hardware import MachineType
from gpuyard.catalog.quotas import Bucket, quota_use
from gpuyard.records import record

GLOBAL = "global"
NO_LIMIT = -1


class Verdict(StrEnum):
    """Whether a limit allows what is needed."""

    ENOUGH = "enough"
    SHORT = "short"
    UNKNOWN = "unknown"
    """The limit, or what is used of it, has not been read."""


@record
class Limit:
    """One limit of the account as it was read or stated."""

    limit: float
    """`NO_LIMIT`: none."""
    used: float | None = None
    pending: float | None = None
    """The limit that an open request asks for."""
    pending_state: str = ""
    source: str
    as_of: str


@dataclass(frozen=True)
class Limits:
    """What is known of an account's limits, by cloud, region, code and GPU family."""

    by_bucket: Mapping[tuple[str, str, str, str], Limit] = field(default_factory=dict)

    def find(self, bucket: Bucket, region: str) -> Limit | None:
        """The limit of a bucket in a region; None: not known."""
        place = GLOBAL if bucket.is_global else region
        for code in (bucket.code, bucket.quota_id):
            limit = self.by_bucket.get((bucket.cloud, place, code, bucket.gpu_family))
            if limit is not None:
                return limit
        return None


NO_LIMITS = Limits()


@record
class QuotaCheck:
    """One limit against one need."""

    bucket: Bucket
    region: str
    """``global`` where it holds for all regions together."""
    needed: float
    """For the machines that always run."""
    needed_peak: float
    known: Limit | None
    verdict: Verdict

    @property
    def asked_for(self) -> float:
        """The limit that holds the peak beside what is used already; unknown use counts as none."""
        return self.needed_peak + ((self.known.used or 0) if self.known else 0)

    def describe(self) -> str:
        """The arithmetic in one line."""
        peak = f", {self.needed_peak:g} at peak" if self.needed_peak > self.needed else ""
        text = f"{self.bucket.code} in {self.region} needs {self.needed:g} {self.bucket.unit}{peak}"
        if self.known is None:
            first = self.bucket.new_account
            at_first = "" if first is None else f"; new accounts have {first:g}"
            return f"{text}; the limit has not been read{at_first}"
        if self.known.limit == NO_LIMIT:
            return f"{text}; no limit ({self.known.source}, {self.known.as_of})"
        used = "an unknown part" if self.known.used is None else f"{self.known.used:g}"
        text += f"; {used} of {self.known.limit:g} used ({self.known.source}, {self.known.as_of})"
        if self.known.pending is not None:
            text += f"; {self.known.pending:g} asked for, {self.known.pending_state or 'pending'}"
        return text


@record
class QuotaAsk:
    """The request that raises one limit, ready to be filed."""

    cloud: str
    region: str
    quota_id: str
    gpu_family: str
    value: float
    reason: str
    pending: str = ""
    """The open request for the same limit; empty: none is known."""

    def command(self, project: str = "") -> str:
        """The command line that files it."""
        if self.cloud == "aws":
            return (
                "aws service-quotas request-service-quota-increase --service-code ec2"
                f" --quota-code {self.quota_id} --desired-value {self.value:g} --region {self.region}"
            )
        dimensions = ",".join(f"{key}={value}" for key, value in self.dimensions.items())
        return (
            f"gcloud beta quotas preferences create --service=compute.googleapis.com"
            f" --project={project or 'PROJECT'} --quota-id={self.quota_id} --preferred-value={self.value:g}"
            + (f" --dimensions={dimensions}" if dimensions else "")
            + " --email=ADDRESS --justification='GPU inference'"
        )

    def body(self, project: str = "") -> dict[str, object]:
        """The request of the API: service, method or path, and its parameters."""
        if self.cloud == "aws":
            return {
                "api": "service-quotas RequestServiceQuotaIncrease",
                "region": self.region,
                "parameters": {
                    "ServiceCode": "ec2",
                    "QuotaCode": self.quota_id,
                    "DesiredValue": self.value,
                },
            }
        parent = f"projects/{project or 'PROJECT'}/locations/global"
        return {
            "api": f"POST https://cloudquotas.googleapis.com/v1/{parent}/quotaPreferences",
            "region": self.region,
            "parameters": {
                "service": "compute.googleapis.com",
                "quotaId": self.quota_id,
                "dimensions": self.dimensions,
                "quotaConfig": {"preferredValue": f"{self.value:g}"},
                "contactEmail": "ADDRESS",
            },
        }

    @property
    def dimensions(self) -> dict[str, str]:
        """Google's dimensions of the limit."""
        found_in = {} if self.region == GLOBAL else {"region": self.region}
        return found_in | ({"gpu_family": self.gpu_family} if self.gpu_family else {})


def check_quota(
    buckets: Iterable[Bucket], machine: MachineType, region: str, nodes: int, peak: int, limits: Limits
) -> tuple[QuotaCheck, ...]:
    """Each limit that ``nodes`` machines, ``peak`` at most, count against."""
    use = quota_use(machine)
    checks = []
    for bucket in buckets:
        known = limits.find(bucket, region)
        checks.append(
            QuotaCheck(
                bucket=bucket,
                region=GLOBAL if bucket.is_global else region,
                needed=use * nodes,
                needed_peak=use * peak,
                known=known,
                verdict=_verdict(use * nodes, known),
            )
        )
    return tuple(checks)


def overall(checks: tuple[QuotaCheck, ...] | None) -> Verdict:
    """The verdict over every limit; unknown where the limits themselves are unknown."""
    if checks is None:
        return Verdict.UNKNOWN
    verdicts = {check.verdict for check in checks}
    for verdict in (Verdict.SHORT, Verdict.UNKNOWN):
        if verdict in verdicts:
            return verdict
    return Verdict.ENOUGH


def quota_asks(checks: Iterable[QuotaCheck]) -> tuple[QuotaAsk, ...]:
    """A request for every limit that is short of its peak, or that nobody has read; the largest of each."""
    asks: dict[tuple[str, str, str, str], QuotaAsk] = {}
    for check in checks:
        known = check.known
        if known is not None and (known.limit == NO_LIMIT or known.limit >= check.asked_for):
            continue
        bucket = check.bucket
        key = (bucket.cloud, check.region, bucket.quota_id, bucket.gpu_family)
        if key in asks and asks[key].value >= check.asked_for:
            continue
        is_pending = known is not None and known.pending is not None
        asks[key] = QuotaAsk(
            cloud=bucket.cloud,
            region=check.region,
            quota_id=bucket.quota_id,
            gpu_family=bucket.gpu_family,
            value=check.asked_for,
            reason=check.describe(),
            pending=f"{known.pending:g} asked for, {known.pending_state or 'pending'}"
            if known and is_pending
            else "",
        )
    return tuple(asks[key] for key in sorted(asks))


def limits_from(evidence: Evidence, stated: Limits = NO_LIMITS) -> Limits:
    """Limits as the clouds reported them; ``stated`` ones of the config win."""
    read = {
        (item.cloud, item.region, item.code, item.gpu_family): Limit(
            limit=item.limit,
            used=item.used,
            pending=item.pending,
            pending_state=item.pending_state,
            source=f"account {item.account}" if item.account else "live",
            as_of=item.as_of[:10],
        )
        for item in evidence.find(found.Quota)
    }
    return Limits({**read, **stated.by_bucket})


def _verdict(needed: float, known: Limit | None) -> Verdict:
    if known is None:
        return Verdict.UNKNOWN
    if known.limit == NO_LIMIT:
        return Verdict.ENOUGH
    if needed > known.limit - (known.used or 0):
        return Verdict.SHORT
    return Verdict.UNKNOWN if known.used is None else Verdict.ENOUGH
