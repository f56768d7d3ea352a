"""The published JSON Schemas are those of the code, and what is written keeps to them."""

import json
from pathlib import Path

import pytest

from gpuyard.costs.pricing import price_resources
from gpuyard.report.json_form import render_json
from gpuyard.report.json_schema import cost_schema, report_schema
from gpuyard.report.model import build_report

REFERENCE = Path(__file__).parents[2] / "docs" / "reference"
PUBLISHED = {"report.schema.json": report_schema, "cost.schema.json": cost_schema}
TYPES = {
    "object": dict,
    "array": list,
    "string": str,
    "number": (int, float),
    "integer": int,
    "boolean": bool,
    "null": type(None),
}


@pytest.mark.parametrize("name", PUBLISHED)
def test_the_published_schema_is_that_of_the_code(request, name):
    text = json.dumps(PUBLISHED[name](), indent=1) + "\n"
    if request.config.getoption("update_snapshots"):
        (REFERENCE / name).write_text(text, encoding="utf-8")
    assert (REFERENCE / name).read_text(encoding="utf-8") == text, "run `make golden` and read the difference"


def test_reports_keep_to_it(report):
    for each in (report, build_report(stack="bare", costs=price_resources([]))):
        assert list(problems(json.loads(render_json(each)), report_schema())) == []


def test_costs_keep_to_it(report):
    data = {"schema": "gpuyard.cost/v1", **report.costs.as_dict()}
    assert list(problems(data, cost_schema())) == []


def test_what_does_not_keep_to_it_is_seen(report):
    data = json.loads(render_json(report))
    data["cost"]["line_items"][0]["unit_price"] = "free"
    data["cost"]["totals"]["credits"] = 1
    del data["lead_time"]["chat"]["gates"]
    data["findings"][0]["severity"] = "panic"
    places = {place for place, _ in problems(data, report_schema())}
    assert places == {
        "$.cost.line_items[0].unit_price",
        "$.cost.totals.credits",
        "$.lead_time.chat",
        "$.findings[0].severity",
    }


def problems(data, schema, place="$"):
    """Places that break the schema: the part of JSON Schema that the published ones use."""
    assert set(schema) <= {
        "$schema", "title", "type", "properties", "required", "additionalProperties", "items", "anyOf",
        "const", "enum", "minimum", "maximum", "minItems", "maxItems",
    }  # fmt: skip
    kind = schema.get("type")
    if kind and not (isinstance(data, TYPES[kind]) and (kind == "boolean" or not isinstance(data, bool))):
        yield place, f"is no {kind}"
        return
    if "anyOf" in schema and not any(not list(problems(data, one, place)) for one in schema["anyOf"]):
        yield place, "fits no way"
    if data != schema.get("const", data) or data not in schema.get("enum", [data]):
        yield place, "is another value"
    if isinstance(data, int | float) and not schema.get("minimum", data) <= data <= schema.get(
        "maximum", data
    ):
        yield place, "is out of bounds"
    if isinstance(data, list):
        if not schema.get("minItems", 0) <= len(data) <= schema.get("maxItems", len(data)):
            yield place, "has another length"
        for index, item in enumerate(data):
            yield from problems(item, schema.get("items", {}), f"{place}[{index}]")
    if isinstance(data, dict):
        known, others = schema.get("properties", {}), schema.get("additionalProperties", {})
        if set(schema.get("required", ())) - set(data) or (others is False and set(data) - set(known)):
            yield place, "has other keys"
        for key, item in data.items():
            yield from problems(item, known.get(key, others or {}), f"{place}.{key}")
