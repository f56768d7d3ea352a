"""Charts as numbers: what the page's SVG draws, in units of its view box."""

from dataclasses import dataclass

from gpuyard.costs.cost_report import CostReport
from gpuyard.leadtime.lead_time import Journey
from gpuyard.report.words import duration, usd

WIDTH = 720.0
"""Width of every view box."""
_LABELS, _VALUES = 190.0, 110.0
_ROW, _BAR = 30.0, 16.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Bar:
    """One row of a chart."""

    label: str
    value: str
    y: float
    x: float
    width: float
    whisker: float = 0.0
    """End of the P90 whisker; 0: none."""
    is_marked: bool = False
    """On the critical path; unknown ones are hatched instead."""
    is_unknown: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Chart:
    """A horizontal bar chart with its own description for those who cannot see it."""

    title: str
    description: str
    bars: tuple[Bar, ...]
    height: float
    ticks: tuple[tuple[float, str], ...] = ()
    width: float = WIDTH
    bar_height: float = _BAR
    labels: float = _LABELS


def draw_groups(costs: CostReport) -> Chart:
    """Expected cost per month by group; the whisker ends at the peak."""
    groups = costs.by_group
    largest = max((float(loads.peak) for loads in groups.values()), default=0.0) or 1.0
    scale = (WIDTH - _LABELS - _VALUES) / largest
    bars = tuple(
        Bar(
            label=group,
            value=usd(loads.expected),
            y=_ROW * row,
            x=_LABELS,
            width=max(1.0, float(loads.expected) * scale),
            whisker=_LABELS + float(loads.peak) * scale if loads.peak > loads.expected else 0.0,
        )
        for row, (group, loads) in enumerate(groups.items())
    )
    described = "; ".join(f"{group} {usd(loads.expected)}" for group, loads in groups.items())
    return Chart(
        title="Expected cost per month by group",
        description=f"{described}. Whiskers end at the peak.",
        bars=bars,
        height=_ROW * len(bars) + 4,
    )


def draw_gantt(journey: Journey) -> Chart:
    """Phases over time at their medians; whiskers end at each phase's own P90."""
    starts = dict(journey.starts)
    ends = [starts[p.name] + max(p.p90_s or 0.0, p.p50_s or 0.0) for p in journey.phases]
    longest = max(ends, default=0.0) or 1.0
    scale = (WIDTH - _LABELS - _VALUES) / longest
    bars = []
    for row, phase in enumerate(journey.phases):
        x = _LABELS + starts[phase.name] * scale
        bars.append(
            Bar(
                label=phase.name,
                value=duration(phase.p50_s),
                y=_ROW * row,
                x=x,
                width=max(2.0, (phase.p50_s or 0.0) * scale) if phase.p50_s is not None else 40.0,
                whisker=x + phase.p90_s * scale if phase.p90_s is not None else 0.0,
                is_marked=phase.name in journey.critical_path,
                is_unknown=phase.p50_s is None,
            )
        )
    described = "; ".join(f"{p.name} {duration(p.p50_s)}" for p in journey.phases)
    return Chart(
        title="Phases until tokens flow",
        description=f"{described}. Critical path: {', '.join(journey.critical_path) or 'unknown'}.",
        bars=tuple(bars),
        height=_ROW * len(bars) + 26,
        ticks=_ticks(longest, scale),
    )


def _ticks(longest: float, scale: float) -> tuple[tuple[float, str], ...]:
    """Four to eight whole minutes, or seconds for short journeys."""
    steps = (10, 30, 60, 120, 300, 600, 900, 1800, 3600)
    step = next((step for step in steps if longest / step <= 7), 7200)
    count = int(longest // step)
    unit, size = ("min", 60) if step >= 60 else ("s", 1)
    return tuple((_LABELS + n * step * scale, f"{n * step // size} {unit}") for n in range(count + 1))
