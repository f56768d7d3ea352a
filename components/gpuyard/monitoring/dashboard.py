"""The Grafana dashboard: endpoints, then GPUs, on normalised names only."""

import json
from typing import Any

_FILTER = '{namespace=~"$namespace",endpoint=~"$endpoint"}'

_ENDPOINTS = (
    ("Requests running", f"sum by (endpoint) (gpuyard:requests_running{_FILTER})", "short"),
    ("Requests waiting", f"sum by (endpoint) (gpuyard:requests_waiting{_FILTER})", "short"),
    ("Tokens generated per second", f"sum by (endpoint) (gpuyard:tokens_generated:rate5m{_FILTER})", "short"),
    (
        "KV cache used, fullest replica",
        f"max by (endpoint) (gpuyard:kv_cache_used_ratio{_FILTER})",
        "percentunit",
    ),
    ("Time to first token, P95", f"gpuyard:time_to_first_token_seconds:p95{_FILTER}", "s"),
    ("Between tokens, P95", f"gpuyard:inter_token_latency_seconds:p95{_FILTER}", "s"),
    ("Time in queue, P95", f"gpuyard:queue_seconds:p95{_FILTER}", "s"),
    ("Requests failed", f"gpuyard:requests_failed:ratio5m{_FILTER}", "percentunit"),
    ("Preemptions per second", f"sum by (endpoint) (gpuyard:preemptions:rate5m{_FILTER})", "short"),
    ("Replicas ready", 'kube_deployment_status_replicas_ready{deployment=~"$endpoint"}', "short"),
)
_GPUS = (
    ("GPU utilisation", "gpuyard:gpu_utilisation_ratio", "percentunit"),
    ("Tensor cores active", "gpuyard:gpu_tensor_active_ratio", "percentunit"),
    ("GPU memory used", "gpuyard:gpu_memory_used_bytes", "bytes"),
    ("GPU power", "gpuyard:gpu_power_watts", "watt"),
    ("GPU temperature", "gpuyard:gpu_temperature_celsius", "celsius"),
    ("Slowed by heat", "gpuyard:gpu_thermal_throttle_ratio:rate5m", "percentunit"),
    ("XID errors in 5 minutes", "gpuyard:gpu_xid_errors:count5m", "short"),
    ("Pods pending", 'sum by (namespace) (kube_pod_status_phase{phase="Pending"})', "short"),
)
"""Title, query, Grafana unit."""

WIDTH, HEIGHT = 12, 8
"""Two panels to a row of Grafana's 24 columns."""


def render_dashboard() -> str:
    """Dashboard JSON of Grafana's classic model, for its sidecar to load."""
    return json.dumps(
        {
            "title": "gpuyard: endpoints and GPUs",
            "uid": "gpuyard-endpoints",
            "schemaVersion": 39,
            "refresh": "30s",
            "time": {"from": "now-6h", "to": "now"},
            "tags": ["gpuyard"],
            "templating": {
                "list": [
                    _variable("namespace", "label_values(gpuyard:requests_running, namespace)"),
                    _variable(
                        "endpoint",
                        'label_values(gpuyard:requests_running{namespace=~"$namespace"}, endpoint)',
                    ),
                ]
            },
            "panels": _layout((("Endpoints", _ENDPOINTS), ("GPUs", _GPUS))),
        },
        indent=1,
    )


def _layout(rows: tuple[tuple[str, tuple[tuple[str, str, str], ...]], ...]) -> list[dict[str, Any]]:
    panels: list[dict[str, Any]] = []
    top = 0
    for title, items in rows:
        place = {"x": 0, "y": top, "w": 24, "h": 1}
        panels.append({"id": len(panels) + 1, "type": "row", "title": title, "gridPos": place, "panels": []})
        top += 1
        for index, item in enumerate(items):
            panels.append(_panel(len(panels) + 1, index % 2 * WIDTH, top + index // 2 * HEIGHT, *item))
        top += -(-len(items) // 2) * HEIGHT
    return panels


def _panel(number: int, x: int, y: int, title: str, query: str, unit: str) -> dict[str, Any]:
    return {
        "id": number,
        "type": "timeseries",
        "title": title,
        "gridPos": {"x": x, "y": y, "w": WIDTH, "h": HEIGHT},
        "datasource": {"type": "prometheus", "uid": "prometheus"},
        "fieldConfig": {"defaults": {"unit": unit, "min": 0}, "overrides": []},
        "options": {"legend": {"displayMode": "list", "placement": "bottom"}, "tooltip": {"mode": "multi"}},
        "targets": [{"refId": "A", "expr": query, "legendFormat": _LEGENDS.get(title, "{{endpoint}}")}],
    }


_LEGENDS = {
    **{title: "{{hostname}} GPU {{gpu}}" for title, _, _ in _GPUS},
    "Replicas ready": "{{deployment}}",
    "XID errors in 5 minutes": "{{hostname}} GPU {{gpu}} XID {{xid}}",
    "Pods pending": "{{namespace}}",
}


def _variable(name: str, query: str) -> dict[str, Any]:
    return {
        "name": name,
        "type": "query",
        "datasource": {"type": "prometheus", "uid": "prometheus"},
        "query": {"query": query, "refId": name},
        "includeAll": True,
        "multi": True,
        "allValue": ".*",
        "current": {"text": "All", "value": "$__all"},
        "refresh": 2,
        "sort": 1,
    }
