"""What a change does to capacity: pools and rungs, and what is destroyed and made anew."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from gpuyard.costs.line_item import GPU_NODES
from gpuyard.report.model import PoolRow, Report, RungRow
from gpuyard.report.money_diff import pair_keys, resource_key
from gpuyard.report.replacing import GPU_POOL_TYPES, find_forcing
from gpuyard.report.sources import Source
from gpuyard.resources import Resource


@dataclass(frozen=True, slots=True, kw_only=True)
class Replacement:
    """A resource, or an endpoint's pool, that is destroyed and made anew."""

    name: str
    type: str
    """Pulumi type token; ``pool`` for a pool that moves to another place, machine or purchase kind."""
    urn: str
    is_gpu_pool: bool
    why: tuple[str, ...]
    """Inputs that force it, or what moves where."""
    basis: str
    """``preview``: Pulumi says so; ``inferred``: from inputs, by `replacing.REPLACED_BY`."""

    def as_dict(self) -> dict[str, Any]:
        """JSON-ready."""
        return {**asdict(self), "why": list(self.why)}


@dataclass(frozen=True, slots=True, kw_only=True)
class PoolChange:
    """One pool before and after; None: it is not there."""

    serves: str
    before: PoolRow | None
    after: PoolRow | None

    @property
    def change(self) -> str:
        """``new``, ``gone``, ``moved`` (place, machine or purchase kind) or ``resized``."""
        if self.before is None or self.after is None:
            return "new" if self.before is None else "gone"
        return "resized" if _where(self.before) == _where(self.after) else "moved"

    def as_dict(self) -> dict[str, Any]:
        """JSON-ready."""
        return {
            "change": self.change,
            "serves": self.serves,
            "base": asdict(self.before) if self.before else None,
            "head": asdict(self.after) if self.after else None,
        }


@dataclass(frozen=True, slots=True, kw_only=True)
class RungChange:
    """One rung that came, went, has another price, or is the active one now."""

    change: str
    """``now active``, ``no longer active``, ``repriced``, ``new`` or ``gone``; what is active comes first."""
    rung: RungRow
    """After the change; before it, for those that are gone."""
    before: str = ""
    """The price it had, for those with another."""

    def as_dict(self) -> dict[str, Any]:
        """JSON-ready."""
        return {"change": self.change, **asdict(self.rung), "price_before": self.before or None}


@dataclass(frozen=True, slots=True, kw_only=True)
class CapacityDiff:
    """Pools and rungs that changed; falsy when none did."""

    pools: tuple[PoolChange, ...] = ()
    rungs: tuple[RungChange, ...] = ()

    def __bool__(self) -> bool:
        return bool(self.pools or self.rungs)

    def as_dict(self) -> dict[str, Any]:
        """JSON-ready."""
        return {
            "pools": [pool.as_dict() for pool in self.pools],
            "rungs": [rung.as_dict() for rung in self.rungs],
        }


def diff_capacity(base: Report, head: Report) -> CapacityDiff:
    """Pools and rungs of ``head`` against those of ``base``."""
    return CapacityDiff(
        pools=tuple(_pools(base.pools, head.pools)), rungs=tuple(_rungs(base.rungs, head.rungs))
    )


def find_replacements(base: Source, head: Source) -> tuple[Replacement, ...]:
    """What the change destroys and makes anew: what the head's preview says, else what inputs imply."""
    found = list(_said(base, head)) if head.kind == "preview" else list(_inferred(base, head))
    found += _moved(base.report.pools, head.report.pools)
    return tuple(sorted(found, key=lambda item: (not item.is_gpu_pool, item.name, item.urn)))


def _said(base: Source, head: Source) -> Iterator[Replacement]:
    """What the head's preview replaces and the base's, where it is one, does not."""
    resources = {item.urn: item for item in head.resources}
    with_gpus = _with_gpus(head.report) | _with_gpus(base.report)
    for urn, why in head.replaced.items():
        if base.replaced.get(urn) == why:
            continue
        item = resources.get(urn)
        kind = item.type if item else urn.split("::")[-2].rpartition("$")[2] if "::" in urn else ""
        yield Replacement(
            name=urn.rpartition("::")[2],
            type=kind,
            urn=urn,
            is_gpu_pool=kind in GPU_POOL_TYPES and urn in with_gpus,
            why=why,
            basis="preview",
        )


def _inferred(base: Source, head: Source) -> Iterator[Replacement]:
    before, after = _by_key(base.resources), _by_key(head.resources)
    with_gpus = _with_gpus(head.report) | _with_gpus(base.report)
    kinds = [{key: (item.type, item.name) for key, item in side.items()} for side in (before, after)]
    for old, new in pair_keys(kinds[0], kinds[1]):
        if not old or not new:
            continue
        why = find_forcing(before[old], after[new])
        if why:
            item = after[new]
            gpus = item.urn in with_gpus or before[old].urn in with_gpus
            yield Replacement(
                name=item.name,
                type=item.type,
                urn=item.urn,
                is_gpu_pool=item.type in GPU_POOL_TYPES and gpus,
                why=why,
                basis="inferred",
            )


def _moved(base: Sequence[PoolRow], head: Sequence[PoolRow]) -> Iterator[Replacement]:
    """Pools that serve the same from elsewhere: the new one is made, the old one removed."""
    for change in _pools(base, head):
        if (
            change.change == "moved"
            and change.before
            and change.after
            and change.before.name != change.after.name
        ):
            yield Replacement(
                name=change.after.name,
                type="pool",
                urn="",
                is_gpu_pool=True,
                why=(f"{describe_pool(change.before)} → {describe_pool(change.after)}",),
                basis="inferred",
            )


def describe_pool(pool: PoolRow) -> str:
    """Machine, purchase kind, nodes and place of a pool, in words."""
    bought = f" {pool.purchase.replace('_', ' ')}" if pool.purchase else ""
    nodes = f", {pool.nodes} node{'s' * (pool.nodes != '1')}" if pool.nodes else ""
    return f"{pool.machine}{bought} in {pool.place}{nodes}"


def _with_gpus(report: Report) -> frozenset[str]:
    return frozenset(item.urn for item in report.costs.items if item.group == GPU_NODES)


def _by_key(resources: Sequence[Resource]) -> dict[str, Resource]:
    return {resource_key(item.urn): item for item in resources if item.custom}


def _pools(base: Sequence[PoolRow], head: Sequence[PoolRow]) -> Iterator[PoolChange]:
    """By name, then by what they serve."""
    before, after = _named(base), _named(head)
    for key, new in after.items():
        old = before.pop(key, None)
        if old is None:
            other = next(
                (name for name, row in before.items() if name not in after and _serves(row) == _serves(new)),
                None,
            )
            old = before.pop(other) if other is not None else None
        if old is None or _where(old) != _where(new) or old.nodes != new.nodes:
            yield PoolChange(serves=new.serves, before=old, after=new)
    for old in before.values():
        yield PoolChange(serves=old.serves, before=old, after=None)


def _named(pools: Sequence[PoolRow]) -> dict[str, PoolRow]:
    return {pool.name: pool for pool in pools}


def _serves(pool: PoolRow) -> str:
    """The endpoint: what stands before the colon."""
    return pool.serves.partition(":")[0]


def _where(pool: PoolRow) -> tuple[str, str, str]:
    return pool.place, pool.machine, pool.purchase


def _rungs(base: Sequence[RungRow], head: Sequence[RungRow]) -> list[RungChange]:
    before, after = _by_place(base), _by_place(head)
    found = []
    for key, rung in after.items():
        old = before.get(key)
        if rung.is_active and (old is None or not old.is_active):
            found.append(RungChange(change="now active", rung=rung))
        elif old is None:
            found.append(RungChange(change="new", rung=rung))
        elif old.is_active and not rung.is_active:
            found.append(RungChange(change="no longer active", rung=rung))
        if old is not None and old.price != rung.price:
            found.append(RungChange(change="repriced", rung=rung, before=old.price))
    for key, rung in before.items():
        if key not in after:
            found.append(RungChange(change="no longer active" if rung.is_active else "gone", rung=rung))
    return sorted(found, key=lambda item: _ORDER.index(item.change))


_ORDER = ("now active", "no longer active", "repriced", "new", "gone")


def _by_place(rungs: Sequence[RungRow]) -> Mapping[tuple[str, ...], RungRow]:
    return {(rung.endpoint, rung.place, rung.machine, rung.purchase): rung for rung in rungs}
