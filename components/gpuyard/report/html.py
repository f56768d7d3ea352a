"""The report as one self-contained page: no network, light and dark, printable, usable without a mouse."""

import json
import re
from collections import defaultdict
from functools import cache
from importlib.resources import files
from typing import Any

from gpuyard.report import token_words, words
from gpuyard.report.model import Report
from gpuyard.report.page_data import describe_groups, describe_journey, page_data

MOST_ROWS = 500
"""Rows of a table, so that the page stays below a megabyte; the rest is counted."""
_RESOURCES = files("gpuyard.report")


def render_html(report: Report) -> str:
    """The page; equal reports give equal bytes."""
    costs = report.costs
    items = sorted(
        costs.items,
        key=lambda item: (-(item.effective.expected if item.effective else -1), item.urn, item.component),
    )
    return _template().render(
        report=report,
        costs=costs,
        items=items,
        sources=_sources(report),
        total=costs.monthly,
        spread=costs.spread,
        journeys={
            endpoint: [journey for journey in time.journeys if journey.phases]
            for endpoint, time in report.lead_times.items()
        },
        most=MOST_ROWS,
        data=_embed(page_data(report)),
        groups_described=describe_groups(report),
        describe_journey=describe_journey,
        words=words,
        token_words=token_words,
    )


def _sources(report: Report) -> list[tuple[str, int, str, str]]:
    """Where prices come from: source, how many, oldest and newest date; the most used first."""
    dates: dict[str, list[str]] = defaultdict(list)
    for item in report.costs.items:
        dates[item.source].append(item.as_of)
    rows = [(source, len(found), min(found), max(found)) for source, found in dates.items()]
    return sorted(rows, key=lambda row: (-row[1], row[0]))


def _embed(data: dict[str, Any]) -> str:
    """JSON that cannot end the script element that holds it."""
    text = json.dumps(data, ensure_ascii=False, allow_nan=False, separators=(",", ":"))
    return re.sub("[<>&\u2028\u2029]", lambda sign: f"\\u{ord(sign[0]):04x}", text)


@cache
def _template() -> Any:
    from jinja2 import Environment, StrictUndefined  # noqa: PLC0415 (text and JSON need none of it)

    environment = Environment(
        autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True
    )
    environment.filters["usd"] = words.usd
    environment.filters["small_usd"] = token_words.small_usd
    environment.filters["prose"] = _prose
    environment.filters["brief"] = _brief
    environment.globals["style"] = _read("page.css")
    environment.globals["script"] = _read("page.js")
    environment.globals["chart_library"] = _without_map(_read("vendor/chart.umd.min.js"))
    return environment.from_string(_read("page.html.j2"))


def _brief(text: str) -> str:
    """A duration for a headline: a sign for "at least", no seconds beside ten minutes or more."""
    return re.sub(r"(\d{2,} min) \d+ s", r"\1", text.replace("at least ", "≥ "))


def _prose(text: str) -> Any:
    """What stands between two backticks as code; everything else escaped."""
    from markupsafe import Markup, escape  # noqa: PLC0415 (comes with jinja2)

    pieces = re.split(r"`([^`]+)`", text)
    parts = [
        Markup("<code>{}</code>").format(piece) if index % 2 else escape(piece)
        for index, piece in enumerate(pieces)
    ]
    return Markup("").join(parts)


def _read(name: str) -> str:
    return _RESOURCES.joinpath(name).read_text(encoding="utf-8")


def _without_map(script: str) -> str:
    """Without the comment by which browsers look for a source map: the page asks the network nothing."""
    return re.sub(r"\n?//# sourceMappingURL=.*", "", script)
