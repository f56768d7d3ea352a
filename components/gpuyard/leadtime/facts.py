"""Published durations as phases: looked up by condition, scaled by bytes where the source gives a rate."""

from dataclasses import replace

from gpuyard.catalog.lead_times import LeadTimeFact, lead_times
from gpuyard.leadtime.lead_time import Phase
from gpuyard.units import GB


def find_fact(phase: str, condition: str) -> LeadTimeFact | None:
    """The fact of ``phase`` whose condition holds ``condition``; None: the table has it no more."""
    return next((fact for fact in lead_times() if fact.phase == phase and condition in fact.condition), None)


def published(name: str, phase: str, condition: str, *depends_on: str, note: str = "") -> Phase:
    """A phase exactly as a source has it; unknown where the table has no number."""
    fact = find_fact(phase, condition)
    if fact is None or fact.p50_s is None:
        return unknown(name, *depends_on, note=note)
    return Phase(
        name=name,
        depends_on=depends_on,
        p50_s=fact.p50_s,
        p90_s=fact.p90_s,
        basis=fact.basis,
        source=fact.source,
        as_of=fact.as_of,
        note="; ".join(filter(None, (fact.condition, note))),
    )


def scaled(
    name: str, phase: str, condition: str, *depends_on: str, size: float, measured_gb: float, note: str = ""
) -> Phase:
    """A phase whose time goes with bytes: the source's time for ``measured_gb``, times ours over theirs."""
    found = published(name, phase, condition, *depends_on)
    if found.p50_s is None:
        return replace(found, note=note)
    factor = size / (measured_gb * GB)
    measured = f"{found.p50_s:g} s for {measured_gb:g} GB ({found.note}), by size"
    return replace(
        found,
        p50_s=found.p50_s * factor,
        p90_s=None if found.p90_s is None else found.p90_s * factor,
        basis="derived",
        note="; ".join(filter(None, (measured, note))),
    )


def unknown(name: str, *depends_on: str, note: str = "") -> Phase:
    """A phase that nobody has published a number for."""
    return Phase(
        name=name,
        depends_on=depends_on,
        p50_s=None,
        p90_s=None,
        basis="unknown",
        source="",
        as_of="",
        note=note,
    )
