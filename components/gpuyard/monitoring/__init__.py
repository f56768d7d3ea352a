"""Prometheus, DCGM, recording rules that survive renames, alerts, dashboards."""
