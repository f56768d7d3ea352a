"""The pages that document the JSON name every key that the JSON has."""

import json
from pathlib import Path

from tests.report.conftest import make_report

from gpuyard.costs.pricing import price_resources
from gpuyard.report import diff_csv
from gpuyard.report.diff import diff_sources
from gpuyard.report.json_form import render_json
from gpuyard.report.sources import Source

REFERENCE = Path(__file__).parents[2] / "docs" / "reference"


def keys(value):
    if isinstance(value, dict):
        for key, item in value.items():
            yield key
            yield from keys(item)
    elif isinstance(value, list):
        for item in value:
            yield from keys(item)


def undocumented(data, page, named_by_users):
    text = (REFERENCE / page).read_text()
    return sorted(key for key in set(keys(data)) - set(named_by_users) if key not in text)


def test_every_key_of_a_report_is_documented(report):
    data = json.loads(render_json(report))
    named = {*data["lead_time"], *data["tokens"], *data["cost"]["groups"], *data["cost"]["unknown_types"]}
    assert undocumented(data, "report-schema.md", named) == []


def test_every_key_of_a_diff_is_documented(report):
    other = make_report(costs=price_resources([]), findings=[], pools=[], rungs=[], lead_times={})
    found = diff_sources(
        Source(name="a", kind="report", report=report), Source(name="b", kind="report", report=other)
    )
    data = json.loads(json.dumps(found.as_dict()))
    named = {
        *data["time"],
        *data["money"]["groups"],
        *(j for t in data["time"].values() for j in t["journeys"]),
    }
    assert undocumented(data, "diff.md", named) == []
    assert [name for name in diff_csv.COLUMNS if name not in (REFERENCE / "diff.md").read_text()] == []
