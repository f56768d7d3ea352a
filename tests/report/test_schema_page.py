"""The page that documents the JSON names every key that the JSON has."""

import json
from pathlib import Path

from gpuyard.report.json_form import render_json

PAGE = Path(__file__).parents[2] / "docs" / "reference" / "report-schema.md"


def keys(value):
    if isinstance(value, dict):
        for key, item in value.items():
            yield key
            yield from keys(item)
    elif isinstance(value, list):
        for item in value:
            yield from keys(item)


def test_every_key_is_documented(report):
    data = json.loads(render_json(report))
    named_by_users = {*data["lead_time"], *data["cost"]["groups"], *data["cost"]["unknown_types"]}
    text = PAGE.read_text()
    assert sorted(key for key in set(keys(data)) - named_by_users if key not in text) == []
