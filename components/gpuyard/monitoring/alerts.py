"""Alerts on normalised names: endpoints, GPUs, capacity, and the monitoring itself."""

from typing import Any

from gpuyard.records import record


@record
class Alert:
    """One alert; ``runbook`` says what to look at and what to do, in that order."""

    name: str
    expr: str
    hold: str
    """How long it must be true."""
    severity: str
    """``critical``: somebody gets up; ``warning``: this working day; ``info``: for the record."""
    summary: str
    runbook: str


_WHERE = "{{ $labels.endpoint }} in {{ $labels.namespace }}"
_GPU = "GPU {{ $labels.gpu }} of {{ $labels.hostname }}"

_ENDPOINTS = (
    Alert(
        name="EndpointQueueing",
        expr="gpuyard:queue_seconds:p95 > 5",
        hold="5m",
        severity="warning",
        summary=f"Requests of {_WHERE} wait {{{{ $value | humanizeDuration }}}} before they start (P95)",
        runbook="Look at KV cache and running requests. Full cache: shorten contexts or add memory. Else add "
        "replicas; at the most replicas, raise replicas_max or shed load at the gateway.",
    ),
    Alert(
        name="EndpointKvCacheFull",
        expr="max by (namespace, endpoint) (gpuyard:kv_cache_used_ratio) > 0.9",
        hold="10m",
        severity="warning",
        summary=f"The KV cache of {_WHERE} is {{{{ $value | humanizePercentage }}}} full",
        runbook="Preemptions follow. Lower the context limit, add replicas, quantize the cache, or take GPUs "
        "with more memory.",
    ),
    Alert(
        name="EndpointPreempting",
        expr="sum by (namespace, endpoint) (gpuyard:preemptions:rate5m) > 0.1",
        hold="10m",
        severity="warning",
        summary=f"{_WHERE} throws running requests out of the cache, {{{{ $value | humanize }}}} a second",
        runbook="Preempted requests start over. Lower the sequences at once, or give the cache more memory.",
    ),
    Alert(
        name="EndpointFirstTokenSlow",
        expr="gpuyard:time_to_first_token_seconds:p95 > 5",
        hold="10m",
        severity="warning",
        summary=f"The first token of {_WHERE} takes {{{{ $value | humanizeDuration }}}} (P95)",
        runbook="Look at queueing first, then at prompt lengths and prefix-cache hits.",
    ),
    Alert(
        name="EndpointTokensSlow",
        expr="gpuyard:inter_token_latency_seconds:p95 > 0.2",
        hold="10m",
        severity="warning",
        summary=f"Tokens of {_WHERE} come {{{{ $value | humanizeDuration }}}} apart (P95)",
        runbook="Slower than people read. Look for throttled GPUs, then for too many sequences at once.",
    ),
    Alert(
        name="EndpointFailing",
        expr="gpuyard:requests_failed:ratio5m > 0.05",
        hold="10m",
        severity="warning",
        summary=f"{{{{ $value | humanizePercentage }}}} of the requests of {_WHERE} fail",
        runbook="Read the engine's log. SGLang counts requests that callers cancelled among these.",
    ),
    Alert(
        name="EndpointFailingBadly",
        expr="gpuyard:requests_failed:ratio5m > 0.2",
        hold="5m",
        severity="critical",
        summary=f"{{{{ $value | humanizePercentage }}}} of the requests of {_WHERE} fail",
        runbook="Read the engine's log and the XID alerts; roll back the last change.",
    ),
    Alert(
        name="EndpointOverStartupBudget",
        expr=(
            'kube_deployment_status_condition{condition="Progressing",status="false"} == 1 '
            'and on (namespace, deployment) kube_deployment_labels{label_gpuyard_dev_endpoint!=""}'
        ),
        hold="1m",
        severity="critical",
        summary="{{ $labels.deployment }} in {{ $labels.namespace }} did not start within its budget",
        runbook="Pods pending: see GpuPodsPending. Pulling: the image or the registry is slow. Running: "
        "read the engine's log; raise startup_budget_seconds when weights load but slowly.",
    ),
    Alert(
        name="EndpointMetricsAbsent",
        expr=(
            "(kube_deployment_status_replicas_ready > 0) * on (namespace, deployment) group_left (endpoint) "
            'label_replace(kube_deployment_labels{label_gpuyard_dev_endpoint!="",'
            'label_gpuyard_dev_runtime!="custom"}, "endpoint", "$1", "label_gpuyard_dev_endpoint", "(.+)") '
            "unless on (namespace, endpoint) gpuyard:requests_running"
        ),
        hold="10m",
        severity="warning",
        summary=f"{_WHERE} runs but reports no load",
        runbook="Autoscaling and alerts are blind. Is there a PodMonitor? Else a new engine version renamed "
        "its metrics: compare its /metrics with the rule gpuyard:requests_running.",
    ),
)

_XID_FATAL = "48|62|64|74|79|92|95|119|120|140"
_XID_CONTAINED = "63|94"
_XID_APPLICATION = "13|31|43|45"
"""Classes after NVIDIA's XID catalogue (driver 580): reset or replace; contained, reset soon; the program."""

_GPUS = (
    Alert(
        name="GpuXidFatal",
        expr=f'gpuyard:gpu_xid_errors:count5m{{xid=~"{_XID_FATAL}"}} > 0',
        hold="0m",
        severity="critical",
        summary=f"{_GPU} reported XID {{{{ $labels.xid }}}}: it needs a reset or a replacement",
        runbook="Cordon the node, drain it and replace it. A cloud machine that comes back with the same XID "
        "goes back to the provider.",
    ),
    Alert(
        name="GpuXidContained",
        expr=f'gpuyard:gpu_xid_errors:count5m{{xid=~"{_XID_CONTAINED}"}} > 0',
        hold="0m",
        severity="warning",
        summary=f"{_GPU} reported XID {{{{ $labels.xid }}}}: a memory error that was contained",
        runbook="The program that used the memory is gone, the others run on. Reset the GPU when it is idle.",
    ),
    Alert(
        name="GpuXidApplication",
        expr=f'gpuyard:gpu_xid_errors:count5m{{xid=~"{_XID_APPLICATION}"}} > 0',
        hold="0m",
        severity="info",
        summary=f"{_GPU} reported XID {{{{ $labels.xid }}}}: most likely the program's own fault",
        runbook="Read the engine's log. On several nodes: the image. Always on one GPU: that GPU.",
    ),
    Alert(
        name="GpuXidOther",
        expr=(
            f'gpuyard:gpu_xid_errors:count5m{{xid!~"{_XID_FATAL}|{_XID_CONTAINED}|{_XID_APPLICATION}"}} > 0'
        ),
        hold="0m",
        severity="warning",
        summary=f"{_GPU} reported XID {{{{ $labels.xid }}}}",
        runbook="Look the code up in NVIDIA's XID catalogue.",
    ),
    Alert(
        name="GpuRowRemapFailed",
        expr="gpuyard:gpu_row_remap_failed > 0",
        hold="1m",
        severity="critical",
        summary=f"{_GPU} cannot remap a broken memory row",
        runbook="The GPU has no spare rows: cordon the node, drain it and replace it.",
    ),
    Alert(
        name="GpuMemoryErrors",
        expr="gpuyard:gpu_ecc_double_bit:increase1h > 0",
        hold="0m",
        severity="critical",
        summary=f"{_GPU} had uncorrectable memory errors within the hour",
        runbook="Results of that time are in doubt. Drain the node, reset the GPU; next time replace it.",
    ),
    Alert(
        name="GpuThrottledByHeat",
        expr="gpuyard:gpu_thermal_throttle_ratio:rate5m > 0.05",
        hold="10m",
        severity="warning",
        summary=f"{_GPU} spends {{{{ $value | humanizePercentage }}}} of its time slowed by heat",
        runbook="A cooling fault, or a neighbour's: move the load and replace the node.",
    ),
    Alert(
        name="GpuHot",
        expr="gpuyard:gpu_temperature_celsius > 87",
        hold="10m",
        severity="warning",
        summary=f"{_GPU} is at {{{{ $value }}}} °C",
        runbook="Throttling begins about here: look for a cooling fault, move the load.",
    ),
    Alert(
        name="GpuNvlinkErrors",
        expr="gpuyard:gpu_nvlink_recoveries:increase15m > 0 or gpuyard:gpu_nvlink_replays:increase15m > 100",
        hold="0m",
        severity="warning",
        summary=f"NVLink of {_GPU} recovers from errors",
        runbook="Tensor parallelism slows down, then fails with XID 74. Replace the node in a quiet hour.",
    ),
)

_CLUSTER = (
    Alert(
        name="GpuPodsPending",
        expr=(
            'sum by (namespace) (kube_pod_status_phase{phase="Pending"} * on (namespace, pod) group_left () '
            "(max by (namespace, pod) "
            '(kube_pod_container_resource_requests{resource="nvidia_com_gpu"}) > bool 0)) > 0'
        ),
        hold="15m",
        severity="warning",
        summary="{{ $value }} GPU pods of {{ $labels.namespace }} have waited 15 minutes for a node",
        runbook="A stockout, a quota, or a taint: read the events of pod and pool, then take the next rung.",
    ),
    Alert(
        name="GpuMetricsAbsent",
        expr=(
            'sum(kube_node_status_allocatable{resource="nvidia_com_gpu"}) > 0 '
            "unless on () count(gpuyard:gpu_temperature_celsius)"
        ),
        hold="15m",
        severity="warning",
        summary="{{ $value }} GPUs are in the cluster and none is measured",
        runbook="Is dcgm-exporter up, and its ServiceMonitor there? The GPU Operator skips it when the "
        "Prometheus CRDs came later. From 4.9 the exporter renames its fields.",
    ),
    Alert(
        name="ScalerBlind",
        expr=(
            "sum by (exported_namespace, scaledResource) "
            "(increase(keda_scaler_empty_upstream_responses_total[10m])) > 0"
        ),
        hold="10m",
        severity="critical",
        summary="KEDA gets empty answers for {{ $labels.scaledResource }}",
        runbook="Replicas stay as they are. Is Prometheus up, and EndpointMetricsAbsent quiet?",
    ),
)

ALERTS = (*_ENDPOINTS, *_GPUS, *_CLUSTER)


def render_alerts() -> list[dict[str, Any]]:
    """The alerts as rules of a PrometheusRule."""
    return [
        {
            "alert": alert.name,
            "expr": alert.expr,
            "for": alert.hold,
            "labels": {"severity": alert.severity},
            "annotations": {"summary": alert.summary, "runbook": alert.runbook},
        }
        for alert in ALERTS
    ]
