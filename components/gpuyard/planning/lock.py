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


def make_lock(stack: str, ladders: Sequence[Ladder], as_of: str) -> Lock:
    """A lock with, per endpoint, the best rung active; later endpoints join regions already in use.

    A second region costs a second control plane, NAT and system nodes, so an endpoint takes its best
    rung in a region that an earlier endpoint made active, where there is one.

    Raises:
        SpecError: a demand that no offering meets, with what was left out and why.
    """
    problems, endpoints = [], {}
    regions_in_use: set[tuple[str, str]] = set()
    for ladder in ladders:
        if not ladder.rungs:
            problems.append(_unmet(ladder))
            continue
        active = next(
            (i for i, rung in enumerate(ladder.rungs) if (rung.cloud, rung.region) in regions_in_use), 0
        )
        regions_in_use.add((ladder.rungs[active].cloud, ladder.rungs[active].region))
        endpoints[ladder.demand.endpoint] = {
            "demand": ladder.demand.digest(),
            "active": active,
            "rungs": [asdict(rung) for rung in ladder.rungs],
        }
    if problems:
        raise SpecError(problems)
    return parse_spec(Lock, {"version": LOCK_VERSION, "stack": stack, "as_of": as_of, "endpoints": endpoints})


def render_lock(lock: Lock) -> str:
    """The file's text: a diff of one line per changed value."""
    head = (
        f"# Where {lock.stack} runs, and where next. Written by `gpuyard lock -s {lock.stack}`; "
        "review its diff like code.\n"
        "# `active` is the rung in use. Prices are USD per machine-hour, with their source and date.\n"
    )
    data = lock.model_dump(mode="json", exclude_defaults=True)
    return head + yaml.safe_dump(data, sort_keys=False, width=110, allow_unicode=True)


def read_lock(path: Path) -> Lock:
    """The lock at ``path``.

    Raises:
        SpecError: unreadable, malformed, hand-broken, or made by a newer gpuyard.
    """
    try:
        data = yaml.safe_load(path.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError) as error:
        raise SpecError([_broken(path.name, f"cannot be read: {error.__class__.__name__}")]) from None
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        place = f"{path.name}:{mark.line + 1}:{mark.column + 1}" if mark else path.name
        reason = getattr(error, "problem", None) or "cannot be parsed"
        raise SpecError([_broken(place, f"is not YAML: {reason}")]) from None
    return parse_lock(data, path.name)


def parse_lock(data: Any, place: str = "capacity lock") -> Lock:
    """The lock from its data (as the file holds it).

    Raises:
        SpecError: as `read_lock`.
    """
    version = data.get("version") if isinstance(data, Mapping) else None
    if isinstance(version, int) and version > LOCK_VERSION:
        message = f"was written by a newer gpuyard (lock version {version}, this one reads {LOCK_VERSION})"
        raise SpecError([_broken(place, message, "upgrade gpuyard; the file was left as it is")])
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


def _broken(path: str, message: str, fix: str = "run `gpuyard lock` again and review the diff") -> Finding:
    return Finding(severity=Severity.ERROR, code="LOCK_INVALID", path=path, message=message, fix=fix)
