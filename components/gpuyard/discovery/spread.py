"""The spread of a price that changed in steps, each step weighted by how long it held."""

from collections.abc import Sequence
from datetime import datetime, timedelta


def spread(
    changes: Sequence[tuple[datetime, float]], end: datetime, window: timedelta
) -> tuple[float, float, float]:
    """P10, P50 and P90 over the ``window`` before ``end``, of prices given with when each began.

    A price from before the window counts from the window's start. The quantile is the lowest price at or
    below which the price stood for that share of the time that is covered.

    Raises:
        ValueError: there is no price at all.
    """
    start = end - window
    steps = sorted(changes)
    held: list[tuple[float, float]] = []
    for index, (began, price) in enumerate(steps):
        until = steps[index + 1][0] if index + 1 < len(steps) else end
        seconds = (min(until, end) - max(began, start)).total_seconds()
        if seconds > 0:
            held.append((price, seconds))
    if not held:
        held = [(steps[-1][1], 1.0)] if steps else []
    if not held:
        raise ValueError("no price at all")
    return _quantile(held, 0.1), _quantile(held, 0.5), _quantile(held, 0.9)


def _quantile(held: Sequence[tuple[float, float]], share: float) -> float:
    goal = share * sum(seconds for _, seconds in held)
    passed = 0.0
    for price, seconds in sorted(held):
        passed += seconds
        if passed >= goal:
            return price
    return max(price for price, _ in held)
