"""What `gpuyard up` says before and after: the price, the outcome."""

from collections.abc import Mapping

from gpuyard.failover.candidate import Candidate
from gpuyard.failover.runner import RunResult
from gpuyard.report.model import Report
from gpuyard.units import format_seconds, format_usd


def describe_price(
    ladders: Mapping[str, tuple[Candidate, ...]], active: Mapping[str, int], report: Report | None
) -> str:
    """What is about to be spent: the machines of the rungs in use, of any other rung, and the whole stack."""
    lines = []
    for name, index in active.items():
        ladder = ladders[name]
        others = [item.usd_per_hour for item in ladder if item.usd_per_hour is not None]
        unknown = sum(item.usd_per_hour is None for item in ladder)
        line = f"{name}: {ladder[index].describe()}, machines {_per_hour(ladder[index].usd_per_hour)}"
        if len(ladder) > 1 and others:
            low, high = format_usd(min(others)), format_usd(max(others))
            line += f"; its {len(ladder)} rungs cost {low} to {high} an hour"
        if unknown:
            line += f", {unknown} of them at an unknown price"
        lines.append(line)
    if report is not None:
        month = report.costs.monthly
        once = f", and {format_usd(float(report.costs.one_time))} once" if report.costs.one_time else ""
        unknown = (
            f"; {len(report.costs.unknown)} resources have no known price" if report.costs.unknown else ""
        )
        lines.append(
            f"the whole stack as the lock has it: {format_usd(float(month.idle))} a month idle, "
            f"{format_usd(float(month.expected))} expected, {format_usd(float(month.peak))} at peak"
            f"{once}{unknown}"
        )
    return "\n         ".join(["this will cost money:", *lines])


def describe_result(result: RunResult) -> str:
    """How a run ended, for the end of its output."""
    tries = f"{len(result.tried)} {'try' if len(result.tried) == 1 else 'tries'}"
    head = f"{result.outcome} after {tries} in {format_seconds(result.seconds)}"
    if result.placed:
        head += ": " + "; ".join(f"{name} on {place}" for name, place in result.placed.items())
    return head if str(result.outcome) == "serving" else f"{head}\n{result.because}"


def _per_hour(usd: float | None) -> str:
    return "at an unknown price" if usd is None else f"{format_usd(usd)} an hour"
