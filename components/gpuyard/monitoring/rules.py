"""Recording rules that survive renames: own names over whatever engine or exporter version runs.

Engines and exporters rename their metrics; alerts, scalers and dashboards of gpuyard read the names of
`endpoint_rules` and `GPU_SIGNALS` only. Renames: vLLM 0.12 and 0.15, dcgm-exporter 4.9.0 (read 2026-11).
"""

from collections.abc import Mapping
from typing import Any

from gpuyard.monitoring.alerts import render_alerts
from gpuyard.runtimes.metrics import SERIES

_GAUGES = {"requests_running": "sum", "requests_waiting": "sum", "kv_cache_used_ratio": "max"}
"""Signals of a pod, and how its engines come together: two half-full caches are not a full one."""
_RATES = {
    "preemptions": "preemptions:rate5m",
    "tokens_generated": "tokens_generated:rate5m",
    "tokens_prompt": "tokens_prompt:rate5m",
    "requests_finished": "requests_finished:rate5m",
    "requests_failed": "requests_failed:rate5m",
}
_HISTOGRAMS = ("time_to_first_token_seconds", "inter_token_latency_seconds", "queue_seconds")
_QUANTILES = {"p50": 0.5, "p95": 0.95, "p99": 0.99}
_RANKS = "tp_rank, pp_rank, moe_ep_rank"
"""Labels of SGLang's workers, which report the same request each."""


def render_groups() -> list[dict[str, Any]]:
    """The groups of a PrometheusRule, as promtool takes them."""
    return [
        {"name": "gpuyard.endpoints", "interval": "15s", "rules": _recording(endpoint_rules())},
        {"name": "gpuyard.gpus", "interval": "15s", "rules": _recording(GPU_SIGNALS)},
        {"name": "gpuyard.alerts", "rules": render_alerts()},
    ]


def endpoint_rules() -> dict[str, str]:
    """Own name to expression for endpoints; labels ``namespace, endpoint``, and ``pod`` but for quantiles."""
    rules = {}
    for signal, combine in _GAUGES.items():
        rules[f"gpuyard:{signal}"] = f"{combine} by (namespace, pod, endpoint) ({_either(signal)})"
    for signal, name in _RATES.items():
        rules[f"gpuyard:{name}"] = f"sum by (namespace, pod, endpoint) ({_either(signal, '5m')})"
    finished, failed = "gpuyard:requests_finished:rate5m", "gpuyard:requests_failed:rate5m"
    total = f"(sum by (namespace, endpoint) ({finished}) > 0)"
    # a counter of failures is born with the first of them: until then the ratio is 0
    rules["gpuyard:requests_failed:ratio5m"] = (
        f"sum by (namespace, endpoint) ({failed}) / {total} or {total} * 0"
    )
    for signal in _HISTOGRAMS:
        buckets = f"sum by (namespace, endpoint, le) ({_either(signal, '5m')})"
        for suffix, quantile in _QUANTILES.items():
            rules[f"gpuyard:{signal}:{suffix}"] = f"histogram_quantile({quantile}, {buckets})"
    return rules


def _gpu(*families: str) -> str:
    """Any family, old names first, with one spelling of the host's label (renamed in 4.8.3)."""
    return f'label_replace({" or ".join(families)}, "hostname", "$1", "Hostname", "(.+)")'


GPU_SIGNALS: Mapping[str, str] = {
    "gpuyard:gpu_utilisation_ratio": _gpu("DCGM_FI_DEV_GPU_UTIL / 100", "DCGM_FI_DEV_GPU_UTIL_RATIO"),
    "gpuyard:gpu_engine_active_ratio": _gpu(
        "DCGM_FI_PROF_GR_ENGINE_ACTIVE", "DCGM_FI_PROF_GR_ENGINE_UTIL_RATIO"
    ),
    "gpuyard:gpu_tensor_active_ratio": _gpu(
        "DCGM_FI_PROF_PIPE_TENSOR_ACTIVE", "DCGM_FI_PROF_TENSOR_UTIL_RATIO"
    ),
    "gpuyard:gpu_memory_active_ratio": _gpu("DCGM_FI_PROF_DRAM_ACTIVE", "DCGM_FI_PROF_DRAM_UTIL_RATIO"),
    "gpuyard:gpu_memory_used_bytes": _gpu("DCGM_FI_DEV_FB_USED * 1048576", "DCGM_FI_DEV_FB_USED_BYTES"),
    "gpuyard:gpu_memory_free_bytes": _gpu("DCGM_FI_DEV_FB_FREE * 1048576", "DCGM_FI_DEV_FB_FREE_BYTES"),
    "gpuyard:gpu_temperature_celsius": _gpu("DCGM_FI_DEV_GPU_TEMP", "DCGM_FI_DEV_GPU_TEMP_CELSIUS"),
    "gpuyard:gpu_memory_temperature_celsius": _gpu(
        "DCGM_FI_DEV_MEMORY_TEMP", "DCGM_FI_DEV_MEMORY_TEMP_CELSIUS"
    ),
    "gpuyard:gpu_power_watts": _gpu("DCGM_FI_DEV_POWER_USAGE", "DCGM_FI_DEV_BOARD_POWER_WATTS"),
    "gpuyard:gpu_energy_joules": _gpu(
        "DCGM_FI_DEV_TOTAL_ENERGY_CONSUMPTION / 1000", "DCGM_FI_DEV_GPU_ENERGY_JOULES_TOTAL"
    ),
    "gpuyard:gpu_sm_clock_hertz": _gpu("DCGM_FI_DEV_SM_CLOCK * 1e6", "DCGM_FI_DEV_SM_CLOCK_HERTZ"),
    # the last code never resets, so faults are counted by code: in a window, or from a true counter
    "gpuyard:gpu_xid_errors:count5m": _gpu(
        'DCGM_EXP_XID_ERRORS_COUNT{xid!="",xid!="0"}', "increase(DCGM_EXP_XID_ERRORS_TOTAL[5m])"
    ),
    "gpuyard:gpu_rows_remapped_uncorrectable": _gpu(
        "DCGM_FI_DEV_UNCORRECTABLE_REMAPPED_ROWS", "DCGM_FI_DEV_ROW_REMAP_UNCORRECTABLE_TOTAL"
    ),
    "gpuyard:gpu_row_remap_failed": _gpu("DCGM_FI_DEV_ROW_REMAP_FAILURE", "DCGM_FI_DEV_ROW_REMAP_FAILED"),
    "gpuyard:gpu_ecc_double_bit:increase1h": _gpu("increase(DCGM_FI_DEV_ECC_DBE_VOL_TOTAL[1h])"),
    "gpuyard:gpu_thermal_throttle_ratio:rate5m": _gpu(
        "rate(DCGM_FI_DEV_THERMAL_VIOLATION[5m]) / 1e9",
        "rate(DCGM_FI_DEV_GPU_THERMAL_THROTTLE_SECONDS_TOTAL[5m])",
    ),
    "gpuyard:gpu_power_throttle_ratio:rate5m": _gpu(
        "rate(DCGM_FI_DEV_POWER_VIOLATION[5m]) / 1e9",
        "rate(DCGM_FI_DEV_GPU_POWER_THROTTLE_SECONDS_TOTAL[5m])",
    ),
    "gpuyard:gpu_nvlink_replays:increase15m": _gpu(
        "increase(DCGM_FI_DEV_NVLINK_REPLAY_ERROR_COUNT_TOTAL[15m])",
        "increase(DCGM_FI_DEV_NVLINK_REPLAY_TOTAL[15m])",
    ),
    "gpuyard:gpu_nvlink_recoveries:increase15m": _gpu(
        "increase(DCGM_FI_DEV_NVLINK_RECOVERY_ERROR_COUNT_TOTAL[15m])",
        "increase(DCGM_FI_DEV_NVLINK_RECOVERY_TOTAL[15m])",
    ),
}
"""Own name to the expression that accepts dcgm-exporter up to 4.8 and from 4.9, in SI units.

The 4.9 names come from go-dcgm's aliases and a field reference of 2026-09-19 and were not seen live.
"""


def _either(signal: str, window: str = "") -> str:
    """One expression for all runtimes: of a pod's families the first that is there counts."""
    items = [_selector(runtime, item, window) for runtime, named in SERIES[signal].items() for item in named]
    return " or on (namespace, pod) ".join(items)


def _selector(runtime: str, series: str, window: str) -> str:
    if runtime == "sglang":
        series += '{priority=""}'  # with priorities each request counts once there, and once by priority
    text = f"rate({series}[{window}])" if window else series
    return f"max without ({_RANKS}) ({text})" if runtime == "sglang" else text


def _recording(rules: Mapping[str, str]) -> list[dict[str, str]]:
    return [{"record": name, "expr": text} for name, text in rules.items()]
