"""A diff in words and numbers, the same in every format."""

from decimal import Decimal

from gpuyard.report.capacity_diff import PoolChange, Replacement, RungChange, describe_pool
from gpuyard.report.diff import Diff
from gpuyard.report.money_diff import AMOUNTS, Amounts, Change, Effect
from gpuyard.report.time_diff import GateChange, JourneyChange
from gpuyard.report.token_diff import TokenChange, TokenState
from gpuyard.report.token_words import share as share_words
from gpuyard.report.token_words import small_usd
from gpuyard.report.words import JOURNEYS, count, duration, usd

LABELS = {
    "idle": "idle",
    "expected": "expected",
    "peak": "peak",
    "one_time": "one-time purchases",
    "credits": "credits",
}
NO_CHANGE = "No change in money, time, risk or capacity."
_CENT = Decimal("0.005")


def signed_usd(amount: Decimal | float) -> str:
    """A difference of money, the sign always in front: ``+$12.00``, ``-$3,400``; ``no change``."""
    if abs(Decimal(amount)) < _CENT:
        return "no change" if not amount else f"{'+' if amount > 0 else '-'}less than a cent"
    return ("+" if amount > 0 else "") + usd(amount)


def percent(before: Decimal, after: Decimal) -> str:
    """The difference as a share of what was, e.g. ``+3.4 %``; empty where nothing was, or nothing changed."""
    if not before or before == after:
        return ""
    share = (after - before) / abs(before) * 100
    return f"{share:+,.1f} %" if abs(share) < 1000 else f"{share:+,.0f} %"


def headline(diff: Diff) -> str:
    """The change of the expected month, and where it comes from."""
    before, after = diff.before.expected, diff.after.expected
    if before == after:
        text = f"No change of the expected month: {usd(after)}."
    else:
        share = percent(before, after)
        text = f"{signed_usd(after - before)} a month expected{f' ({share})' if share else ''}: "
        text += f"{usd(before)} → {usd(after)}."
    return text


def largest_cause(diff: Diff) -> tuple[Change, Effect] | None:
    """The one effect that moves the expected month most."""
    pairs = [(change, effect) for change in diff.changes for effect in change.effects]
    pair = max(pairs, key=lambda found: abs(found[1].delta.expected), default=None)
    return pair if pair and pair[1].delta.expected else None


def counts_line(diff: Diff) -> str:
    """What else changed, counted."""
    parts = [
        count(len(diff.replacements), "replacement") if diff.replacements else "",
        count(diff.risk.new_errors, "new error") if diff.risk.new_errors else "",
        count(len(diff.risk.new), "new finding") if diff.risk.new else "",
        count(len(diff.risk.gone), "finding") + " gone" if diff.risk.gone else "",
        count(len(diff.capacity.pools), "pool") + " changed" if diff.capacity.pools else "",
    ]
    return ", ".join(part for part in parts if part)


def money_rows(diff: Diff) -> list[tuple[str, str, str, str, str]]:
    """Name, before, after, change, share; one-time purchases and credits only where there are any."""
    rows = []
    for name in AMOUNTS:
        before, after = getattr(diff.before, name), getattr(diff.after, name)
        if name in ("one_time", "credits") and not before and not after:
            continue
        change = signed_usd(after - before)
        rows.append((LABELS[name], usd(before), usd(after), change, percent(before, after)))
    return rows


def group_rows(diff: Diff) -> list[tuple[str, str, str, str]]:
    """Expected month of the groups that changed."""
    return [
        (group, usd(old.expected), usd(new.expected), signed_usd(new.expected - old.expected))
        for group, (old, new) in diff.groups.items()
    ]


def token_words(change: TokenChange) -> str:
    """The price of a token before and after, e.g. ``chat: $1.84 → $1.20 per 1M tokens``."""
    sides = [_token_price(side) for side in (change.before, change.after)]
    text = f"{change.endpoint}: {sides[0]} → {sides[1]} per 1M tokens"
    if change.delta is not None and change.before and change.before.planned:
        text += f" ({change.delta / change.before.planned:+.1%})"
    return text


def _token_price(side: TokenState | None) -> str:
    if side is None:
        return "nothing"
    if side.planned is None:
        return "unknown"
    return f"{small_usd(side.planned)} at {share_words(side.utilisation)} utilisation"


def effect_words(effect: Effect) -> str:
    """Reason with before and after."""
    if effect.before and effect.after:
        return f"{effect.reason}: {effect.before} → {effect.after}"
    return f"{effect.reason}: {effect.before or effect.after}"


def delta_words(delta: Amounts) -> str:
    """The expected month; where that does not move, the load that does."""
    for name in ("expected", "peak", "idle", "one_time", "credits"):
        amount = getattr(delta, name)
        if amount:
            where = "" if name == "expected" else f" {'at ' if name == 'peak' else ''}{LABELS[name]}"
            return signed_usd(amount) + where
    return "no change"


def replacement_words(found: Replacement) -> str:
    """What is replaced and why."""
    what = "GPU pool" if found.is_gpu_pool else found.type
    why = ", ".join(found.why)
    if found.type == "pool":
        return f"GPU pool {found.name} moves: {why}"
    said = "Pulumi's preview says so" if found.basis == "preview" else "inferred from its inputs"
    return f"{what} {found.name} is replaced" + (f" because of {why}" if why else "") + f" ({said})"


def journey_words(change: JourneyChange) -> tuple[str, str, str, str]:
    """Name, before, after (P50 and P90), change of the P50."""
    name = JOURNEYS.get(change.name, change.name.replace("_", " "))
    return name, _times(change.before), _times(change.after), _longer(change.delta)


def gate_words(change: GateChange) -> str:
    """A gate and what became of it."""
    return f"gate {change.change}: {change.gate.name}: {change.gate.evidence}"


def pool_words(change: PoolChange) -> str:
    """A pool before and after."""
    sides = [describe_pool(pool) for pool in (change.before, change.after) if pool]
    return f"{change.serves}: {change.change}: " + " → ".join(sides)


def rung_words(change: RungChange) -> str:
    """A rung and what became of it."""
    rung = change.rung
    price = f"{change.before} → {rung.price}" if change.before else rung.price
    bought = rung.purchase.replace("_", " ")
    return f"{rung.endpoint}: {change.change}: {rung.machine} {bought} in {rung.place}, {price}"


def _times(times: tuple[float, float] | None) -> str:
    return "unknown" if times is None else f"{duration(times[0])} (P90 {duration(times[1])})"


def _longer(delta: tuple[float, float] | None) -> str:
    if delta is None:
        return "unknown"
    if not round(delta[0]):
        return f"P90 {_signed(delta[1])}" if round(delta[1]) else "no change"
    return _signed(delta[0])


def _signed(seconds: float) -> str:
    return ("+" if seconds > 0 else "-") + duration(abs(seconds))
