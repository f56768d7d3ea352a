"""What a change does to money, by resource and reason. The parts add up to the change of the totals."""

from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from enum import StrEnum
from typing import Any

from gpuyard.costs.cost_report import CostReport
from gpuyard.costs.line_item import GPU_NODES, LineItem, Loads, Unpriced
from gpuyard.report.words import rate

_ZERO = Decimal(0)


@dataclass(frozen=True, slots=True, kw_only=True)
class Amounts:
    """Money apart as the report keeps it apart: USD per month at three loads, USD once, credits per month."""

    idle: Decimal = _ZERO
    expected: Decimal = _ZERO
    peak: Decimal = _ZERO
    one_time: Decimal = _ZERO
    credits: Decimal = _ZERO

    def __add__(self, other: "Amounts") -> "Amounts":
        return Amounts(**{name: getattr(self, name) + getattr(other, name) for name in AMOUNTS})

    def __sub__(self, other: "Amounts") -> "Amounts":
        return Amounts(**{name: getattr(self, name) - getattr(other, name) for name in AMOUNTS})

    def __bool__(self) -> bool:
        return any(getattr(self, name) for name in AMOUNTS)

    def as_dict(self) -> dict[str, float]:
        """JSON-ready."""
        return {name: float(getattr(self, name)) for name in AMOUNTS}


AMOUNTS = ("idle", "expected", "peak", "one_time", "credits")


class Reason(StrEnum):
    """Why an amount changed."""

    ADDED = "added"
    REMOVED = "removed"
    REPLACED = "replaced"
    """Another machine, disk or plan is billed in its place."""
    REGION = "region changed"
    PRICE = "price changed"
    QUANTITY = "quantity changed"
    DECLARED = "use declared"
    UNDECLARED = "use no longer declared"
    KNOWN = "price now known"
    UNKNOWN = "price no longer known"


@dataclass(frozen=True, slots=True, kw_only=True)
class Effect:
    """One reason within one resource."""

    reason: Reason
    component: str
    before: str
    """What it was, in words; empty when there was nothing."""
    after: str
    delta: Amounts

    def as_dict(self) -> dict[str, Any]:
        """JSON-ready."""
        return {
            "reason": str(self.reason),
            "component": self.component,
            "before": self.before,
            "after": self.after,
            "delta": self.delta.as_dict(),
        }


@dataclass(frozen=True, slots=True, kw_only=True)
class Change:
    """One resource whose cost changed."""

    resource: str
    urn: str
    """Of the head where it is there, else of the base."""
    type: str
    kind: str
    """``added``, ``removed``, ``changed``, or ``replaced`` by one of another name."""
    is_gpu_pool: bool
    effects: tuple[Effect, ...]

    @property
    def delta(self) -> Amounts:
        """The sum of its effects."""
        return _sum(effect.delta for effect in self.effects)

    def as_dict(self) -> dict[str, Any]:
        """JSON-ready."""
        return {
            "resource": self.resource,
            "urn": self.urn,
            "type": self.type,
            "kind": self.kind,
            "is_gpu_pool": self.is_gpu_pool,
            "delta": self.delta.as_dict(),
            "effects": [effect.as_dict() for effect in self.effects],
        }


def total_amounts(costs: CostReport) -> Amounts:
    """The totals of a report."""
    monthly = costs.monthly
    return Amounts(
        idle=monthly.idle,
        expected=monthly.expected,
        peak=monthly.peak,
        one_time=costs.one_time,
        credits=costs.credits,
    )


def amounts_of(item: LineItem) -> Amounts:
    """What one charge adds to the totals; nothing where its amount is not declared."""
    cost = item.effective
    if cost is None:
        return Amounts()
    if item.category == "Credit":
        return Amounts(
            credits=cost.expected, one_time=cost.expected if item.frequency == "One-Time" else _ZERO
        )
    if item.frequency == "One-Time":
        return Amounts(one_time=cost.expected)
    return Amounts(idle=cost.idle, expected=cost.expected, peak=cost.peak)


def diff_costs(base: CostReport, head: CostReport) -> tuple[Change, ...]:
    """Resources whose cost changed: GPU pools first, then by how much the expected month changes."""
    before, after = _by_resource(base), _by_resource(head)
    changes = []
    for old, new in _pairs(before, after):
        found = _effects(before.get(old, []), after.get(new, []))
        effects = tuple(sorted(found, key=_weight))
        if effects:
            changes.append(_change(before.get(old, []), after.get(new, []), effects))
    changes.sort(key=lambda change: (not change.is_gpu_pool, -abs(change.delta.expected), change.urn))
    return tuple(changes)


def _weight(effect: Effect) -> tuple[Any, ...]:
    delta = effect.delta
    return -abs(delta.expected), -abs(delta.peak), effect.component, effect.reason


Part = LineItem | Unpriced


def resource_key(urn: str) -> str:
    """A URN without stack and project, and without the stack in front of its name: so stacks compare."""
    head, colons, rest = urn.partition("::")
    if not colons or not head.startswith("urn:pulumi:"):
        return urn
    kinds, _, name = rest.partition("::")[2].rpartition("::")
    return f"{kinds}::{name.removeprefix(head.removeprefix('urn:pulumi:') + '-')}"


def pair_keys(
    before: Mapping[str, tuple[str, str]], after: Mapping[str, tuple[str, str]]
) -> Iterator[tuple[str, str]]:
    """Keys of both sides that are one resource; ``""`` where there is none.

    Equal keys first; then, of what is left, the only one of its type and name on either side: it moved to
    another parent. Values are type and name.
    """
    left = {key: value for key, value in before.items() if key not in after}
    right = {key: value for key, value in after.items() if key not in before}
    moved = {}
    counts = Counter(left.values()), Counter(right.values())
    by_name = {value: key for key, value in right.items()}
    for key, value in left.items():
        if counts[0][value] == counts[1][value] == 1:
            moved[key] = by_name[value]
    for key in before:
        yield key, key if key in after else moved.get(key, "")
    taken = set(moved.values())
    for key in right:
        if key not in taken:
            yield "", key


def _by_resource(costs: CostReport) -> dict[str, list[Part]]:
    """Charges and unknowns by resource; full URNs where short ones are not unique."""
    urns = defaultdict(set)
    parts: list[Part] = [*costs.items, *costs.unknown]
    for part in parts:
        urns[resource_key(part.urn)].add(part.urn)
    found: dict[str, list[Part]] = defaultdict(list)
    for part in parts:
        key = resource_key(part.urn)
        found[key if len(urns[key]) == 1 else part.urn].append(part)
    return dict(found)


def _pairs(before: Mapping[str, list[Part]], after: Mapping[str, list[Part]]) -> Iterator[tuple[str, str]]:
    """Resources of both sides; a GPU pool that went and the one that came are one that moved."""
    named = [
        {key: (parts[0].type, parts[0].resource) for key, parts in side.items()} for side in (before, after)
    ]
    pairs = list(pair_keys(named[0], named[1]))
    gone = [old for old, new in pairs if not new and _has_gpus(before[old])]
    come = [new for old, new in pairs if not old and _has_gpus(after[new])]
    if len(gone) == len(come) == 1:
        pairs = [pair for pair in pairs if pair not in ((gone[0], ""), ("", come[0]))]
        pairs.append((gone[0], come[0]))
    yield from pairs


def _has_gpus(parts: Sequence[Part]) -> bool:
    return any(isinstance(part, LineItem) and part.group == GPU_NODES for part in parts)


def _change(before: Sequence[Part], after: Sequence[Part], effects: tuple[Effect, ...]) -> Change:
    shown = (after or before)[0]
    moved = before and after and resource_key(before[0].urn) != resource_key(after[0].urn)
    return Change(
        resource=shown.resource,
        urn=shown.urn,
        type=shown.type,
        kind="added" if not before else "removed" if not after else "replaced" if moved else "changed",
        is_gpu_pool=_has_gpus([*before, *after]),
        effects=effects,
    )


def _effects(before: Sequence[Part], after: Sequence[Part]) -> Iterator[Effect]:
    for old, new in _pair_parts(before, after):
        yield from _effect(old, new)


def _pair_parts(before: Sequence[Part], after: Sequence[Part]) -> Iterator[tuple[Part | None, Part | None]]:
    """The same parts of one resource on both sides: by name, then the only one left of its group and unit."""
    same = Counter(map(_billed, before)) & Counter(map(_billed, after))
    left, right = _without(before, same), _without(after, same)
    for key in (_exactly, _named, _billed_as):
        counted = Counter(map(key, left)), Counter(map(key, right))
        others = {key(part): part for part in right if counted[1][key(part)] == 1}
        for part in list(left):
            if counted[0][key(part)] == 1 and key(part) in others:
                other = others[key(part)]
                left.remove(part)
                right.remove(other)
                yield part, other
    yield from ((part, None) for part in left)
    yield from ((None, part) for part in right)


def _without(parts: Sequence[Part], same: Counter[Any]) -> list[Part]:
    """What is left of the parts when those that both sides have are taken out."""
    taken = Counter(same)
    left = []
    for part in parts:
        key = _billed(part)
        taken[key] -= 1
        if taken[key] < 0:
            left.append(part)
    return left


def _billed(part: Part) -> tuple[Any, ...]:
    """Everything that is money about a part."""
    if isinstance(part, Unpriced):
        return part.component, part.reason
    return (*_exactly(part), part.quantity, part.unit_price, part.group, part.category, part.frequency)


def _exactly(part: Part) -> tuple[Any, ...]:
    return part.component, getattr(part, "unit", ""), part.region, isinstance(part, LineItem)


def _named(part: Part) -> tuple[Any, ...]:
    return (part.component,)


def _billed_as(part: Part) -> tuple[Any, ...]:
    if isinstance(part, Unpriced):
        return "unknown", part.component
    return part.group, part.unit, part.category, part.frequency


def _effect(old: Part | None, new: Part | None) -> Iterator[Effect]:
    """Why and by how much one part changed; nothing when it did not."""
    shown = new or old
    assert shown is not None  # noqa: S101 (pairs have a side)
    total = _amounts(new) - _amounts(old)
    reason = _reason(old, new)
    if reason is None:
        if isinstance(old, LineItem) and isinstance(new, LineItem):
            yield from _price_and_quantity(old, new)
        return
    if (old is None or new is None) and isinstance(shown, Unpriced):
        reason = Reason.ADDED if old is None else Reason.REMOVED
    yield Effect(reason=reason, component=shown.component, before=_words(old), after=_words(new), delta=total)


def _reason(old: Part | None, new: Part | None) -> Reason | None:
    if old is None:
        return Reason.ADDED
    if new is None:
        return Reason.REMOVED
    if isinstance(old, Unpriced) or isinstance(new, Unpriced):
        if isinstance(old, LineItem):
            return Reason.UNKNOWN
        return Reason.KNOWN if isinstance(new, LineItem) else None
    if old.component != new.component or _billed_as(old) != _billed_as(new):
        return Reason.REPLACED
    if old.region != new.region:
        return Reason.REGION
    if (old.quantity is None) != (new.quantity is None):
        return Reason.DECLARED if old.quantity is None else Reason.UNDECLARED
    return None


def _price_and_quantity(old: LineItem, new: LineItem) -> Iterator[Effect]:
    """The two reasons apart, each at the middle of the other: so they add up, and a way back undoes them."""
    if old.unit_price != new.unit_price:
        yield Effect(
            reason=Reason.PRICE,
            component=new.component,
            before=_price(old),
            after=_price(new),
            delta=_as_amounts(new, _middle(old.quantity, new.quantity), new.unit_price - old.unit_price),
        )
    if old.quantity != new.quantity and old.quantity is not None and new.quantity is not None:
        yield Effect(
            reason=Reason.QUANTITY,
            component=new.component,
            before=_quantity(old),
            after=_quantity(new),
            delta=_as_amounts(new, new.quantity + old.quantity * -1, (old.unit_price + new.unit_price) / 2),
        )


def _middle(one: Loads | None, other: Loads | None) -> Loads | None:
    return None if one is None or other is None else (one + other) * Decimal("0.5")


def _as_amounts(like: LineItem, quantity: Loads | None, price: Decimal) -> Amounts:
    """Money of a difference, kept apart as that of the item itself."""
    if quantity is None:
        return Amounts()
    cost = quantity * price
    if like.category == "Credit":
        once = cost.expected if like.frequency == "One-Time" else _ZERO
        return Amounts(credits=cost.expected, one_time=once)
    if like.frequency == "One-Time":
        return Amounts(one_time=cost.expected)
    return Amounts(idle=cost.idle, expected=cost.expected, peak=cost.peak)


def _amounts(part: Part | None) -> Amounts:
    return amounts_of(part) if isinstance(part, LineItem) else Amounts()


def _words(part: Part | None) -> str:
    if part is None:
        return ""
    if isinstance(part, Unpriced):
        return f"unknown: {part.reason}"
    place = f", {part.region}" if part.region else ""
    return f"{part.component}{place}: {_quantity(part)} at {_price(part)}"


def _price(item: LineItem) -> str:
    return rate(item)


def _quantity(item: LineItem) -> str:
    """At the three loads where they differ: ``100 / 100 / 200 GB-months``."""
    if item.quantity is None:
        return f"{item.unit} by use"
    loads = (item.quantity.idle, item.quantity.expected, item.quantity.peak)
    amounts = [f"{round(amount, 3).normalize():,f}" for amount in loads]
    plural = "s" if item.unit.endswith(("hour", "month")) else ""
    return f"{amounts[1] if len(set(loads)) == 1 else ' / '.join(amounts)} {item.unit}{plural}"


def _sum(amounts: Iterable[Amounts]) -> Amounts:
    total = Amounts()
    for found in amounts:
        total = total + found
    return total
