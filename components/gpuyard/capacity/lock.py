"""The lock: the ladder and its active rungs in one reviewed file, `capacity.<stack>.lock.yaml`.

`gpuyard lock` writes it; plan, preview and up read it and never look anywhere else. It carries the hash
of each demand that it answers, so that a lock made for other needs is noticed, and the newest date of
its evidence, which is the reference date of every check: the same lock gives the same plan on any day.
Version 2 added odds, quota arithmetic, held and bought capacity; files of version 1 are read as before.
`docs/reference/lock.md` has every key.
"""

from collections.abc import Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

import yaml
from pydantic import Field

from gpuyard.capacity.known import Known
from gpuyard.capacity.ladder import NOTHING, Ladder
from gpuyard.capacity.quota import QuotaCheck
from gpuyard.capacity.relaxation import explain_nothing
from gpuyard.capacity.rung import Rung
from gpuyard.errors import Finding, SpecError
from gpuyard.parsing import Spec, parse_spec

LOCK_VERSION = 2


_Fast: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
"""libyaml where it is built in: ten times faster."""


class _Loader(_Fast):
    """PyYAML's, but a key that is there twice is an error."""

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Any, Any]:
        """The mapping; its keys are told apart."""
        mapping = super().construct_mapping(node, deep)
        if len(mapping) < len(node.value):
            seen = set()
            for key, _ in node.value:
                if key.value in seen:
                    text = f'the key "{key.value}" is there twice'
                    raise yaml.constructor.ConstructorError(None, None, text, key.start_mark)
                seen.add(key.value)
        return mapping


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


def make_lock(
    stack: str,
    ladders: Sequence[Ladder],
    as_of: str,
    previous: Lock | None = None,
    *,
    live: str = "",
    known: Known = NOTHING,
) -> Lock:
    """A lock with, per endpoint, the rung that ``previous`` had active, else the best one.

    Raises:
        SpecError: a demand that no offering meets, with what rules it out and the smallest change that helps.
    """
    problems, endpoints = [], {}
    for ladder in ladders:
        if not ladder.rungs:
            problems.append(_unmet(ladder, known))
            continue
        rungs = [lock_rung(rung) for rung in ladder.rungs]
        active = active_rung(ladder, previous)
        endpoints[ladder.demand.endpoint] = {
            "demand": ladder.demand.digest(),
            "active": active,
            "rungs": rungs,
        }
    if problems:
        raise SpecError(problems)
    content = {"version": LOCK_VERSION, "stack": stack, "as_of": as_of, "live": live, "endpoints": endpoints}
    return parse_spec(Lock, content)


def active_rung(ladder: Ladder, previous: Lock | None = None) -> int:
    """Where the rung that ``previous`` had active stands now; where it is gone, the best one.

    The best one that buys nothing: a purchase is never made active by itself.
    """
    best = next((index for index, rung in enumerate(ladder.rungs) if not rung.is_commitment), 0)
    locked = previous.endpoints.get(ladder.demand.endpoint) if previous else None
    if locked is None:
        return best
    key = locked.rungs[locked.active].key
    return next((index for index, rung in enumerate(ladder.rungs) if lock_rung(rung).key == key), best)


def lock_rung(rung: Rung) -> LockedRung:
    """The rung as the file keeps it."""
    offering = rung.offering
    return LockedRung(
        cloud=rung.cloud,
        region=rung.region,
        zones=rung.zones,
        machine_type=rung.machine_type,
        accelerator=rung.accelerator,
        gpus_per_node=rung.gpus_per_node,
        gpus_per_replica=rung.need.gpus_per_replica,
        purchase=rung.purchase,
        nodes_min=rung.nodes_min,
        nodes_max=rung.nodes_max,
        rate=LockedRate.model_validate(asdict(rung.rate)),
        quota=rung.quota,
        reason=rung.reason,
        offering=offering.id,
        nodes_per_replica=rung.need.nodes_per_replica,
        reservation=offering.reservation,
        placement_group=offering.placement_group,
        compact=rung.is_compact,
        starts=offering.starts,
        ends=offering.ends,
        usd_committed=rung.usd_committed,
        is_commitment=rung.is_commitment,
        odds=LockedOdds(
            probability=offering.odds.probability,
            basis=offering.odds.probability_basis,
            wait_hours=offering.odds.wait_hours,
        ),
        quotas=tuple(_locked_quota(check) for check in rung.quota_checks or ()),
    )


def _locked_quota(check: QuotaCheck) -> LockedQuota:
    bucket, known = check.bucket, check.known
    return LockedQuota(
        code=bucket.code,
        region=check.region,
        quota_id="" if bucket.quota_id == bucket.code else bucket.quota_id,
        gpu_family=bucket.gpu_family,
        unit=bucket.unit,
        needed=check.needed,
        needed_peak=check.needed_peak,
        limit=known.limit if known else None,
        used=known.used if known else None,
        pending=known.pending if known else None,
        verdict=str(check.verdict),
        as_of=known.as_of if known else "",
    )


def render_lock(lock: Lock) -> str:
    """The file's text: a diff of one line per changed value."""
    head = (
        f"# Where {lock.stack} runs, and where next. Written by `gpuyard lock -s {lock.stack}`; "
        "review its diff like code.\n"
        "# `active` is the rung in use, counted from 0. Prices are USD per machine-hour, dated.\n"
    )
    data = lock.model_dump(mode="json", exclude_defaults=True)
    return head + yaml.dump(data, Dumper=_Dumper, sort_keys=False, width=10_000, allow_unicode=True)


class _Dumper(yaml.SafeDumper):
    """Lists of words and flat mappings on one line each, so that a rung is a few lines."""

    def represent_sequence(
        self, tag: str, sequence: Any, flow_style: bool | None = None
    ) -> yaml.SequenceNode:
        flat = not any(isinstance(item, list | dict) for item in sequence)
        return super().represent_sequence(tag, sequence, flow_style or flat)

    def represent_float(self, data: float) -> yaml.ScalarNode:
        """192 instead of 192.0; reading makes it a float again."""
        whole = data.is_integer() and abs(data) < 1e15
        return self.represent_int(int(data)) if whole else super().represent_float(data)

    def represent_mapping(self, tag: str, mapping: Any, flow_style: bool | None = None) -> yaml.MappingNode:
        flat = (
            not any(isinstance(value, list | dict) for value in mapping.values()) and "cloud" not in mapping
        )
        return super().represent_mapping(tag, mapping, flow_style or flat)


_Dumper.add_representer(float, _Dumper.represent_float)


def read_lock(path: Path) -> Lock:
    """The lock at ``path``.

    Raises:
        SpecError: unreadable, malformed, hand-broken, or made by a newer gpuyard.
    """
    try:
        text = path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise SpecError([_broken(path.name, f"cannot be read: {error.__class__.__name__}")]) from None
    return parse_lock_text(text, path.name)


def parse_lock_text(text: str, name: str) -> Lock:
    """The lock from the text of the file ``name``.

    Raises:
        SpecError: as `read_lock`.
    """
    try:
        data = yaml.load(text, Loader=_Loader)  # noqa: S506 (a safe loader)
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        place = f"{name}:{mark.line + 1}:{mark.column + 1}" if mark else name
        reason = getattr(error, "problem", None) or "cannot be parsed"
        raise SpecError([_broken(place, f"is not YAML: {reason}")]) from None
    return parse_lock(data, name)


def parse_lock(data: Any, place: str = "capacity lock") -> Lock:
    """The lock from its data (as the file holds it).

    Raises:
        SpecError: as `read_lock`.
    """
    version = data.get("version") if isinstance(data, Mapping) else None
    if isinstance(version, int) and version > LOCK_VERSION:
        message = f"was written by a newer gpuyard (lock version {version}, this one reads {LOCK_VERSION})"
        fix = "upgrade gpuyard; the file was left as it is"
        raise SpecError([_broken(place, message, fix, code="LOCK_NEWER")])
    lock = parse_spec(Lock, data, place)
    problems = [
        _broken(
            f"{place}.endpoints.{name}.active",
            f"there is no rung {endpoint.active}; the ladder has {len(endpoint.rungs)}",
            f"use 0 to {len(endpoint.rungs) - 1}",
        )
        for name, endpoint in lock.endpoints.items()
        if endpoint.active >= len(endpoint.rungs)
    ]
    if problems:
        raise SpecError(problems)
    return lock


def _unmet(ladder: Ladder, known: Known) -> Finding:
    verdict = explain_nothing(ladder.demand, known)
    killers = ", ".join(f"{rule} rules out {count} offerings" for rule, count in verdict.killers[:4])
    nowhere = all("not_sold" in item.rules for item in ladder.excluded)
    why = killers if killers and not nowhere else _not_sold(ladder)
    changes = [f"{item.change} (opens {item.offering})" for item in verdict.relaxations[:3]]
    return Finding.error(
        "DEMAND_UNMET",
        f"endpoints.{ladder.demand.endpoint}",
        f"no allowed offering meets the demand: {why}",
        "; or ".join(changes) or "allow another accelerator: no change of these limits helps",
    )


def _not_sold(ladder: Ladder) -> str:
    gpus = " or ".join(need.accelerator for need in ladder.demand.needs)
    regions = ", ".join(f"{place.cloud} {place.region}" for place in ladder.demand.regions)
    return f"machines with {gpus} are not sold in {regions}"


def _broken(
    path: str,
    message: str,
    fix: str = "run `gpuyard lock` again and review the diff",
    code: str = "LOCK_INVALID",
) -> Finding:
    return Finding.error(code, path, message, fix)
