"""The report as JSON: `gpuyard.report/v1`, documented in ``docs/reference/report-schema.md``."""

import json

from gpuyard.report.model import Report
from gpuyard.resources import to_json


def render_json(report: Report) -> str:
    """Indented, keys in documented order, a newline at the end; equal reports give equal bytes."""
    return json.dumps(to_json(report.as_dict()), indent=2, ensure_ascii=False, allow_nan=False) + "\n"
