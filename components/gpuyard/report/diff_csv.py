"""A diff's money as CSV: one row per resource, part and reason."""

from gpuyard.report.csv_form import write_csv
from gpuyard.report.diff import Diff
from gpuyard.report.money_diff import AMOUNTS

COLUMNS = (
    "change",
    "resource",
    "type",
    "is_gpu_pool",
    "component",
    "reason",
    "before",
    "after",
    *(f"usd_{name}" for name in AMOUNTS),
    "urn",
)


def render_diff_csv(diff: Diff) -> str:
    """Differences, after minus before; they add up to those of the totals."""
    rows = []
    for change in diff.changes:
        for effect in change.effects:
            row = {
                "change": change.kind,
                "resource": change.resource,
                "type": change.type,
                "is_gpu_pool": "true" if change.is_gpu_pool else "false",
                "component": effect.component,
                "reason": str(effect.reason),
                "before": effect.before,
                "after": effect.after,
                "urn": change.urn,
            }
            rows.append(row | {f"usd_{name}": getattr(effect.delta, name) for name in AMOUNTS})
    return write_csv(COLUMNS, rows)
