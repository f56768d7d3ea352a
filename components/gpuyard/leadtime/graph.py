"""The arithmetic of a graph of phases: P50 and P90 by stratified, seeded sampling; the path at the medians.

Each phase is lognormal through its P50 and P90. Every phase takes each of `SAMPLES` equal slices of its
distribution once, in an order of its own that follows from the seed and its name (Latin hypercube): a journey
of one phase has exactly that phase's percentiles, and a further phase changes no draw of the others. Draws of
different phases are independent, so what makes a bad day for all of them (a region in trouble) is not here.
"""

import random
from collections.abc import Mapping, Sequence
from functools import lru_cache
from graphlib import TopologicalSorter
from math import ceil, exp, log
from operator import add
from statistics import NormalDist

from gpuyard.leadtime.lead_time import Journey, Phase

SAMPLES = 1000
"""Draws per journey: its P90 then moves by one or two per cent with the seed."""
SEED = 20261123
ASSUMED_SPREAD = 1.5
"""P90 over P50 of a phase that somebody timed once: a guess, and every report that uses it says so."""
_Z90 = NormalDist().inv_cdf(0.9)
"""Where a lognormal has its P90."""


def make_journey(
    name: str,
    phases: Sequence[Phase],
    seed: int = SEED,
    *,
    goals: Sequence[str] = (),
    note: str = "",
) -> Journey:
    """The journey of ``phases``, which ends when every phase of ``goals`` has (default: the last one).

    Dependencies on phases that are not there count as met; the order of ``phases`` changes no number. A phase
    without a P90 gets `ASSUMED_SPREAD`, and is named for it. Phases without a P50 take no time in the totals
    and are named too.
    """
    return _journey(name, tuple(phases), seed, tuple(goals), note)


@lru_cache(maxsize=512)
def _journey(name: str, phases: tuple[Phase, ...], seed: int, goals: tuple[str, ...], note: str) -> Journey:
    by_name = {phase.name: phase for phase in phases}
    graph = {
        phase.name: tuple(sorted(need for need in phase.depends_on if need in by_name)) for phase in phases
    }
    order = tuple(TopologicalSorter(graph).static_order())
    ends_at = tuple(sorted(goal for goal in goals if goal in by_name)) or (
        (phases[-1].name,) if phases else ()
    )
    on_the_way = _needed(graph, ends_at)
    medians = {phase.name: phase.p50_s or 0.0 for phase in phases}
    ends = _finish(graph, order, medians)
    p50, p90 = _percentiles(by_name, graph, [step for step in order if step in on_the_way], ends_at, seed)
    return Journey(
        name=name,
        phases=phases,
        p50_s=p50,
        p90_s=p90,
        path_s=max((ends[goal] for goal in ends_at), default=0.0),
        critical_path=_critical_path(graph, ends, medians, ends_at),
        starts=tuple((phase.name, ends[phase.name] - medians[phase.name]) for phase in phases),
        unknown=tuple(phase.name for phase in phases if phase.p50_s is None and phase.name in on_the_way),
        assumed_spread=tuple(
            phase.name for phase in phases if phase.p50_s and phase.p90_s is None and phase.name in on_the_way
        ),
        note=note,
    )


def _finish(
    graph: Mapping[str, tuple[str, ...]], order: Sequence[str], durations: Mapping[str, float]
) -> dict[str, float]:
    ends: dict[str, float] = {}
    for name in order:
        ends[name] = durations[name] + max((ends[need] for need in graph[name]), default=0.0)
    return ends


def _needed(graph: Mapping[str, tuple[str, ...]], goals: Sequence[str]) -> frozenset[str]:
    """The phases that ``goals`` wait for, themselves among them."""
    found, todo = set[str](), list(goals)
    while todo:
        name = todo.pop()
        if name not in found:
            found.add(name)
            todo += graph[name]
    return frozenset(found)


def _critical_path(
    graph: Mapping[str, tuple[str, ...]],
    ends: Mapping[str, float],
    durations: Mapping[str, float],
    goals: Sequence[str],
) -> tuple[str, ...]:
    if not goals:
        return ()
    path = [max(goals, key=lambda name: ends[name])]
    while graph[path[-1]]:
        path.append(max(graph[path[-1]], key=lambda name: ends[name]))
    return tuple(name for name in reversed(path) if durations[name] > 0)


def _percentiles(
    phases: Mapping[str, Phase],
    graph: Mapping[str, tuple[str, ...]],
    order: Sequence[str],
    goals: Sequence[str],
    seed: int,
) -> tuple[float, float]:
    """P50 and P90 of the moment at which every goal is reached."""
    if not goals:
        return 0.0, 0.0
    ends: dict[str, Sequence[float]] = {}
    for name in order:
        before = _latest([ends[need] for need in graph[name]])
        drawn = _drawn(phases[name], seed)
        ends[name] = drawn if before is None else list(map(add, before, drawn))
    totals = sorted(_latest([ends[goal] for goal in goals]) or ())
    return totals[ceil(0.5 * SAMPLES) - 1], totals[ceil(0.9 * SAMPLES) - 1]


def _latest(columns: Sequence[Sequence[float]]) -> Sequence[float] | None:
    if len(columns) < 2:
        return columns[0] if columns else None
    return list(map(max, *columns))


def _drawn(phase: Phase, seed: int) -> Sequence[float]:
    if not phase.p50_s:
        return _constant(0.0)
    spread = ASSUMED_SPREAD if phase.p90_s is None else max(1.0, phase.p90_s / phase.p50_s)
    return _constant(phase.p50_s) if spread == 1.0 else _draws(seed, phase.name, phase.p50_s, spread)


@lru_cache(maxsize=64)
def _constant(seconds: float) -> tuple[float, ...]:
    return (seconds,) * SAMPLES


@lru_cache(maxsize=256)
def _draws(seed: int, name: str, median: float, spread: float) -> tuple[float, ...]:
    factors = _factors(spread)
    return tuple([median * factors[slice_] for slice_ in _order(seed, name)])


@lru_cache(maxsize=256)
def _factors(spread: float) -> tuple[float, ...]:
    """What the median is multiplied by in each slice; the slice that holds the P90 has exactly the spread."""
    sigma = log(spread) / _Z90
    normal = NormalDist()
    factors = [exp(sigma * normal.inv_cdf((n + 0.5) / SAMPLES)) for n in range(SAMPLES)]
    factors[ceil(0.5 * SAMPLES) - 1], factors[ceil(0.9 * SAMPLES) - 1] = 1.0, spread
    return tuple(factors)


@lru_cache(maxsize=256)
def _order(seed: int, name: str) -> tuple[int, ...]:
    """The order in which a phase takes its slices."""
    slices = list(range(SAMPLES))
    random.Random(f"{seed}/{name}").shuffle(slices)  # noqa: S311 (sampling, not secrets)
    return tuple(slices)
