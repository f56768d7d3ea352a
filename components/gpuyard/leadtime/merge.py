"""Your own clock before anybody else's: measured durations in place of published ones."""

from collections.abc import Sequence
from dataclasses import replace
from math import ceil

from gpuyard.leadtime.graph import ASSUMED_SPREAD
from gpuyard.leadtime.lead_time import MEASURED_BY_YOU, Gate, Phase
from gpuyard.leadtime.measured import Measurement
from gpuyard.leadtime.names import APPROVAL, CAPACITY, ENGINE_START, IMAGE_PULL, POD_START, QUOTA, WEIGHTS
from gpuyard.leadtime.names import RESERVATION_START as START
from gpuyard.units import format_seconds

P90_LINES_MIN = 10
"""Lines from which on the P90 of a sample is its own."""
_POD_PARTS = (IMAGE_PULL, WEIGHTS, ENGINE_START)
_KINDS = {QUOTA: "quota", APPROVAL: "approval", START: "reservation", CAPACITY: "capacity"}


def merge_phases(phases: Sequence[Phase], measured: Sequence[Measurement]) -> list[Phase]:
    """``phases`` with those replaced that were measured.

    A measured ``pod start`` stands for its three parts where none of them was measured by itself.
    """
    lines = {phase.name: [found for found in measured if found.phase == phase.name] for phase in phases}
    merged = [_merged(phase, lines[phase.name]) if lines[phase.name] else phase for phase in phases]
    whole = [found for found in measured if found.phase == POD_START]
    if whole and not any(found.phase in _POD_PARTS for found in measured):
        merged = _joined(merged, whole)
    return merged


def percentiles(seconds: Sequence[float]) -> tuple[float, float | None, str]:
    """P50 and P90 of a sample, and what to know about them.

    Ten lines or more have a P90 of their own (nearest rank). Fewer do not: their largest, where it is beyond
    the assumed spread, else none.
    """
    ordered = sorted(seconds)
    middle = len(ordered) // 2
    p50 = ordered[middle] if len(ordered) % 2 else (ordered[middle - 1] + ordered[middle]) / 2
    if len(ordered) >= P90_LINES_MIN:
        return p50, max(p50, ordered[ceil(0.9 * len(ordered)) - 1]), ""
    if ordered[-1] > ASSUMED_SPREAD * p50:
        return p50, ordered[-1], "P90 is the largest"
    return p50, None, ""


def _merged(phase: Phase, lines: Sequence[Measurement]) -> Phase:
    p50, p90, note = percentiles([found.seconds for found in lines])
    count = "1 run" if len(lines) == 1 else f"{len(lines)} runs"
    newest = max(lines, key=lambda found: (found.date, found.what))
    parts = [f"{count}, {newest.what}" if len(lines) == 1 else f"{count}, the newest: {newest.what}", note]
    return replace(
        phase,
        p50_s=p50,
        p90_s=p90,
        basis=MEASURED_BY_YOU,
        source="measured durations of this stack",
        as_of=newest.date.isoformat(),
        note="; ".join(part for part in parts if part),
    )


def _joined(phases: Sequence[Phase], whole: Sequence[Measurement]) -> list[Phase]:
    """One phase in place of the three parts, with the dependencies of the first."""
    parts = [phase for phase in phases if phase.name in _POD_PARTS]
    if len(parts) < len(_POD_PARTS):  # a warm node pulls nothing, so the sum says nothing about it
        return list(phases)
    first = parts[0]
    joined = _merged(replace(first, name=POD_START), whole)
    rest = [
        replace(
            phase,
            depends_on=tuple(dict.fromkeys(POD_START if n in _POD_PARTS else n for n in phase.depends_on)),
        )
        for phase in phases
        if phase.name not in _POD_PARTS
    ]
    place = min(index for index, phase in enumerate(phases) if phase.name in _POD_PARTS)
    return [*rest[:place], joined, *rest[place:]]


def merge_gates(gates: Sequence[Gate], measured: Sequence[Measurement]) -> tuple[Gate, ...]:
    """``gates`` with how long the same wait took you before: evidence, in no total."""
    merged = []
    for gate in gates:
        waits = [found for found in measured if _KINDS.get(found.phase) == gate.kind]
        if waits:
            newest = max(waits, key=lambda found: (found.date, found.what))
            seen = f"you waited {format_seconds(newest.seconds)} on {newest.date} ({newest.what})"
            if len(waits) > 1:
                longest = format_seconds(max(found.seconds for found in waits))
                seen += f"; {len(waits)} waits, the longest {longest}"
            gate = replace(gate, evidence=f"{gate.evidence}; {seen}")  # noqa: PLW2901
        merged.append(gate)
    return tuple(merged)
