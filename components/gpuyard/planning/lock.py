"""The lock: the ladder and its active rungs in one reviewed file, `capacity.<stack>.lock.yaml`.

`gpuyard lock` writes it; plan, preview and up read it and never look anywhere else. It carries the hash
of each demand that it answers, so that a lock made for other needs is noticed, and the newest date of
its evidence, which is the reference date of every check: the same lock gives the same plan on any day.
"""

from collections.abc import Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

import yaml
from pydantic import Field

from gpuyard.errors import Finding, Severity, SpecError
from gpuyard.parsing import Spec, parse_spec
from gpuyard.planning.ladder import Ladder

LOCK_VERSION = 1
_LOADER = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
"""libyaml where it is built in: ten times faster."""


class LockedRate(Spec):
    """What one machine costs per hour; absent numbers are unknown."""

    usd: float | None = None
    usd_low: float | None = None
    usd_high: float | None = None
    source: str = ""
    as_of: str = ""
    note: str = ""


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

    @property
    def key(self) -> tuple[object, ...]:
        """What makes it the same rung in another lock: the place and the purchase, not price or count."""
        return (
            self.cloud,
            self.region,
            self.zones,
            self.machine_type,
            self.purchase,
            self.accelerator,
            self.gpus_per_replica,
        )

    @property
    def label(self) -> str:
        """The rung in a few words."""
        kind = self.purchase.replace("_", "-")
        return f"{self.machine_type} {kind} in {self.cloud} {self.region}"


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
    endpoints: Mapping[str, LockedEndpoint]


def lock_file_name(stack: str) -> str:
    """Name of the stack's lock file, which lies beside `Pulumi.<stack>.yaml`."""
    return f"capacity.{stack}.lock.yaml"


def make_lock(stack: str, ladders: Sequence[Ladder], as_of: str, previous: Lock | None = None) -> Lock:
    """A lock with, per endpoint, the rung that ``previous`` had active, else the best one.

    A second region costs a second control plane, NAT and system nodes, so an endpoint without an active
    rung takes its best one in a region that an earlier endpoint made active, where there is one.

    Raises:
        SpecError: a demand that no offering meets, with what was left out and why.
    """
    problems, endpoints = [], {}
    regions_in_use: set[tuple[str, str]] = set()
    for ladder in ladders:
        if not ladder.rungs:
            problems.append(_unmet(ladder))
            continue
        rungs = [LockedRung.model_validate(asdict(rung)) for rung in ladder.rungs]
        active = _kept(rungs, previous, ladder.demand.endpoint)
        if active is None:
            active = next(
                (i for i, rung in enumerate(rungs) if (rung.cloud, rung.region) in regions_in_use), 0
            )
        regions_in_use.add((ladder.rungs[active].cloud, ladder.rungs[active].region))
        endpoints[ladder.demand.endpoint] = {
            "demand": ladder.demand.digest(),
            "active": active,
            "rungs": rungs,
        }
    if problems:
        raise SpecError(problems)
    return parse_spec(Lock, {"version": LOCK_VERSION, "stack": stack, "as_of": as_of, "endpoints": endpoints})


def _kept(rungs: Sequence[LockedRung], previous: Lock | None, endpoint: str) -> int | None:
    """Where the rung that was in use stands now; None: there was none, or the ladder has it no more."""
    locked = previous.endpoints.get(endpoint) if previous else None
    if locked is None:
        return None
    key = locked.rungs[locked.active].key
    return next((index for index, rung in enumerate(rungs) if rung.key == key), None)


def render_lock(lock: Lock) -> str:
    """The file's text: a diff of one line per changed value."""
    head = (
        f"# Where {lock.stack} runs, and where next. Written by `gpuyard lock -s {lock.stack}`; "
        "review its diff like code.\n"
        "# `active` is the rung in use. Prices are USD per machine-hour, with their source and date.\n"
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

    def represent_mapping(self, tag: str, mapping: Any, flow_style: bool | None = None) -> yaml.MappingNode:
        flat = "usd" in mapping or "note" in mapping
        return super().represent_mapping(tag, mapping, flow_style or flat)


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
        data = yaml.load(text, Loader=_LOADER)  # noqa: S506 (a safe loader)
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


def _unmet(ladder: Ladder) -> Finding:
    reasons = "; ".join(f"{item.what}: {item.reason}" for item in ladder.excluded[:6])
    more = f"; and {len(ladder.excluded) - 6} more" if len(ladder.excluded) > 6 else ""
    return Finding(
        severity=Severity.ERROR,
        code="DEMAND_UNMET",
        path=f"endpoints.{ladder.demand.endpoint}",
        message=f"no allowed offering meets the demand ({reasons or 'none of the accelerators fits'}{more})",
        fix="allow more regions or accelerators, raise usd_per_gpu_hour_max, or lower context or concurrency",
    )


def _broken(
    path: str,
    message: str,
    fix: str = "run `gpuyard lock` again and review the diff",
    code: str = "LOCK_INVALID",
) -> Finding:
    return Finding(severity=Severity.ERROR, code=code, path=path, message=message, fix=fix)
