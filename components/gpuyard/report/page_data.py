"""The numbers behind the page's charts and its explorer, as JSON that sits in the page."""

from collections.abc import Mapping
from typing import Any

from gpuyard.economics.token_economics import TokenEconomics
from gpuyard.leadtime.lead_time import Journey
from gpuyard.report.model import Report
from gpuyard.report.words import JOURNEYS, duration, journey_line, usd


def page_data(report: Report) -> dict[str, Any]:
    """Groups, journeys and tokens; the same values as in the report's own JSON."""
    return {
        "groups": [
            {
                "name": name,
                "expected": float(loads.expected),
                "peak": float(loads.peak),
                "label": usd(loads.expected)
                if loads.peak <= loads.expected
                else f"{usd(loads.expected)}, peak {usd(loads.peak)}",
            }
            for name, loads in report.costs.by_group.items()
        ],
        "journeys": {
            endpoint: [_journey(journey) for journey in lead_time.journeys if journey.phases]
            for endpoint, lead_time in report.lead_times.items()
        },
        "tokens": {endpoint: _tokens(found) for endpoint, found in report.tokens.items()},
    }


def describe_groups(report: Report) -> str:
    """The chart of groups in words, for those who cannot see it."""
    parts = [
        f"{name} {usd(loads.expected)} expected, {usd(loads.peak)} at peak"
        for name, loads in report.costs.by_group.items()
    ]
    return "Cost per month by group: " + ("; ".join(parts) or "nothing") + "."


def describe_journey(journey: Journey) -> str:
    """The chart of phases in words, for those who cannot see it."""
    phases = "; ".join(f"{phase.name} {duration(phase.p50_s)}" for phase in journey.phases)
    name, p50, p90 = journey_line(journey)
    path = ", ".join(journey.critical_path) or "unknown"
    return f"Phases {name}: {phases}. Critical path: {path}. Together P50 {p50}, P90 {p90}."


def _journey(journey: Journey) -> dict[str, Any]:
    starts = dict(journey.starts)
    return {
        "name": journey.name,
        "title": JOURNEYS[journey.name],
        "description": describe_journey(journey),
        "p50_s": journey.p50_s,
        "p90_s": journey.p90_s,
        "phases": [
            {
                "name": phase.name,
                "start_s": starts.get(phase.name, 0.0),
                "p50_s": phase.p50_s,
                "p90_s": phase.p90_s,
                "is_critical": phase.name in journey.critical_path,
                "label": duration(phase.p50_s),
            }
            for phase in journey.phases
        ],
    }


def _tokens(found: TokenEconomics) -> Mapping[str, Any]:
    """What the explorer starts from; None where nothing is known and a person has to say."""
    hour = found.gpu_hour
    return {
        "input_tokens": found.workload.input_tokens,
        "output_tokens": found.workload.output_tokens,
        "tokens_per_s_per_gpu": found.capability.tokens_per_s_per_gpu if found.capability else None,
        "usd_per_gpu_hour": hour.usd if hour else None,
        "usd_low": hour.usd_low if hour else None,
        "usd_high": hour.usd_high if hour else None,
        "utilisation": found.utilisation,
        "requests_per_month": found.requests_per_month,
        "hosted": [
            {"provider": row.provider, "input_usd": row.input_usd, "output_usd": row.output_usd}
            for row in found.hosted
        ],
    }
