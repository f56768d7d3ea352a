"""The report as one self-contained page: no network, light and dark, printable."""

from functools import cache
from importlib.resources import files
from typing import Any

from gpuyard.report import charts, words
from gpuyard.report.model import Report


def render_html(report: Report) -> str:
    """The page; equal reports give equal bytes."""
    journeys = {
        endpoint: [journey for journey in time.journeys if journey.phases]
        for endpoint, time in report.lead_times.items()
    }
    items = sorted(
        report.costs.items,
        key=lambda item: (-(item.effective.expected if item.effective else 0), item.urn, item.component),
    )
    return _template().render(
        report=report,
        costs=report.costs,
        items=items,
        total=report.costs.monthly,
        spread=report.costs.spread,
        journeys=journeys,
        gantts={name: charts.draw_gantt(found[0]) for name, found in journeys.items() if found},
        groups=charts.draw_groups(report.costs),
        words=words,
    )


@cache
def _template() -> Any:
    from jinja2 import Environment, StrictUndefined  # noqa: PLC0415 (text and JSON need none of it)

    environment = Environment(
        autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True
    )
    environment.filters["usd"] = words.usd
    source = files("gpuyard.report").joinpath("page.html.j2").read_text(encoding="utf-8")
    return environment.from_string(source)
