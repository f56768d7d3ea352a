"""Recording rules and alerts, run by promtool on the series that each runtime and exporter version gives."""

import json
import re
import shutil
import subprocess

import pytest
import yaml

from gpuyard.gpu_operator.exporter import METRICS
from gpuyard.monitoring.alerts import ALERTS
from gpuyard.monitoring.dashboard import render_dashboard
from gpuyard.monitoring.rules import GPU_SIGNALS, endpoint_rules, render_groups
from gpuyard.runtimes.metrics import SERIES

PROMTOOL = shutil.which("promtool")
needs_promtool = pytest.mark.skipif(
    PROMTOOL is None, reason="promtool is not on PATH; Debian's package `prometheus` has it"
)
POD = 'namespace="inference",pod="chat-1",endpoint="chat"'
GPU = 'gpu="0",UUID="GPU-0",namespace="gpu-operator"'
FAULT = 'gpu="0",hostname="node-1"'


def run(*arguments):
    return subprocess.run([PROMTOOL, *arguments], capture_output=True, text=True, check=False)


@pytest.fixture(scope="module")
def rules(tmp_path_factory):
    path = tmp_path_factory.mktemp("rules") / "rules.yaml"
    path.write_text(yaml.safe_dump({"groups": render_groups()}, sort_keys=False))
    return path


@pytest.fixture
def prove(rules, tmp_path):
    """Feeds series for 30 minutes; checks values of expressions and which alerts fire."""

    def check(series, *, values=(), alerts=()):
        test = {
            "interval": "1m",
            "input_series": [{"series": name, "values": text} for name, text in series.items()],
            "promql_expr_test": [
                {"expr": expr, "eval_time": "25m", "exp_samples": _samples(expected)}
                for expr, expected in values
            ],
            "alert_rule_test": [
                {
                    "eval_time": "25m",
                    "alertname": name,
                    "exp_alerts": [{"exp_labels": labels, "exp_annotations": _annotations(name, text)}]
                    if labels is not None
                    else [],
                }
                for name, labels, text in alerts
            ],
        }
        path = tmp_path / "test.yaml"
        path.write_text(
            yaml.safe_dump({"rule_files": [str(rules)], "evaluation_interval": "1m", "tests": [test]})
        )
        done = run("test", "rules", str(path))
        assert done.returncode == 0, done.stdout + done.stderr

    return check


def _samples(expected):
    return [{"labels": "{}", "value": expected}] if expected is not None else []


def _annotations(name, summary):
    alert = next(alert for alert in ALERTS if alert.name == name)
    return {"summary": summary, "runbook": alert.runbook}


@needs_promtool
def test_promtool_accepts_every_rule(rules):
    done = run("check", "rules", str(rules))
    assert done.returncode == 0, done.stdout + done.stderr


ENGINES = {
    "vllm since 0.15": {
        f"vllm:num_requests_running{{{POD},engine='0'}}": "3x30",
        f"vllm:num_requests_waiting{{{POD},engine='0'}}": "2x30",
        f"vllm:kv_cache_usage_perc{{{POD},engine='0'}}": "0.5x30",
        f"vllm:generation_tokens_total{{{POD},engine='0'}}": "0+600x30",
        f"vllm:inter_token_latency_seconds_bucket{{{POD},engine='0',le='0.1'}}": "0+60x30",
        f"vllm:inter_token_latency_seconds_bucket{{{POD},engine='0',le='+Inf'}}": "0+60x30",
        f"vllm:request_queue_time_seconds_bucket{{{POD},engine='0',le='0.1'}}": "0+60x30",
        f"vllm:request_queue_time_seconds_bucket{{{POD},engine='0',le='+Inf'}}": "0+60x30",
    },
    "vllm 0.9.2 to 0.11, both names": {
        f"vllm:num_requests_running{{{POD}}}": "3x30",
        f"vllm:num_requests_waiting{{{POD}}}": "2x30",
        f"vllm:kv_cache_usage_perc{{{POD}}}": "0.5x30",
        f"vllm:gpu_cache_usage_perc{{{POD},more='1'}}": "0.9x30",
        f"vllm:generation_tokens_total{{{POD}}}": "0+600x30",
        f"vllm:inter_token_latency_seconds_bucket{{{POD},le='0.1'}}": "0+60x30",
        f"vllm:inter_token_latency_seconds_bucket{{{POD},le='+Inf'}}": "0+60x30",
        f"vllm:time_per_output_token_seconds_bucket{{{POD},le='9'}}": "0+60x30",
        f"vllm:time_per_output_token_seconds_bucket{{{POD},le='+Inf',more='1'}}": "0+60x30",
        f"vllm:request_queue_time_seconds_bucket{{{POD},le='0.1'}}": "0+60x30",
        f"vllm:request_queue_time_seconds_bucket{{{POD},le='+Inf'}}": "0+60x30",
    },
    "vllm before 0.9.2": {
        f"vllm:num_requests_running{{{POD}}}": "3x30",
        f"vllm:num_requests_waiting{{{POD}}}": "2x30",
        f"vllm:gpu_cache_usage_perc{{{POD}}}": "0.5x30",
        f"vllm:generation_tokens_total{{{POD}}}": "0+600x30",
        f"vllm:time_per_output_token_seconds_bucket{{{POD},le='0.1'}}": "0+60x30",
        f"vllm:time_per_output_token_seconds_bucket{{{POD},le='+Inf'}}": "0+60x30",
        f"vllm:request_queue_time_seconds_bucket{{{POD},le='0.1'}}": "0+60x30",
        f"vllm:request_queue_time_seconds_bucket{{{POD},le='+Inf'}}": "0+60x30",
    },
    "sglang, two ranks and priorities": {
        f"sglang:num_running_reqs{{{POD},tp_rank='0',priority=''}}": "3x30",
        f"sglang:num_running_reqs{{{POD},tp_rank='1',priority=''}}": "3x30",
        f"sglang:num_running_reqs{{{POD},tp_rank='0',priority='1'}}": "3x30",
        f"sglang:num_queue_reqs{{{POD},tp_rank='0'}}": "2x30",
        f"sglang:token_usage{{{POD},tp_rank='0'}}": "0.5x30",
        f"sglang:generation_tokens_total{{{POD},tp_rank='0'}}": "0+600x30",
        f"sglang:inter_token_latency_seconds_bucket{{{POD},tp_rank='0',le='0.1'}}": "0+60x30",
        f"sglang:inter_token_latency_seconds_bucket{{{POD},tp_rank='0',le='+Inf'}}": "0+60x30",
        f"sglang:queue_time_seconds_bucket{{{POD},tp_rank='0',le='0.1'}}": "0+60x30",
        f"sglang:queue_time_seconds_bucket{{{POD},tp_rank='0',le='+Inf'}}": "0+60x30",
    },
    "sglang before the rename": {
        f"sglang:num_running_reqs{{{POD}}}": "3x30",
        f"sglang:num_queue_reqs{{{POD}}}": "2x30",
        f"sglang:token_usage{{{POD}}}": "0.5x30",
        f"sglang:generation_tokens_total{{{POD}}}": "0+600x30",
        f"sglang:time_per_output_token_seconds_bucket{{{POD},le='0.1'}}": "0+60x30",
        f"sglang:time_per_output_token_seconds_bucket{{{POD},le='+Inf'}}": "0+60x30",
        f"sglang:queue_time_seconds_bucket{{{POD},le='0.1'}}": "0+60x30",
        f"sglang:queue_time_seconds_bucket{{{POD},le='+Inf'}}": "0+60x30",
    },
    "tgi": {
        f"tgi_batch_current_size{{{POD}}}": "3x30",
        f"tgi_queue_size{{{POD}}}": "2x30",
        f"tgi_request_generated_tokens_sum{{{POD}}}": "0+600x30",
        f"tgi_request_mean_time_per_token_duration_bucket{{{POD},le='0.1'}}": "0+60x30",
        f"tgi_request_mean_time_per_token_duration_bucket{{{POD},le='+Inf'}}": "0+60x30",
        f"tgi_request_queue_duration_bucket{{{POD},le='0.1'}}": "0+60x30",
        f"tgi_request_queue_duration_bucket{{{POD},le='+Inf'}}": "0+60x30",
    },
}
ENGINES = {
    name: {key.replace("'", '"'): text for key, text in item.items()} for name, item in ENGINES.items()
}


@needs_promtool
@pytest.mark.parametrize("engine", ENGINES)
def test_every_engine_version_gives_the_same_signals(engine, prove):
    kv = None if engine == "tgi" else 0.5
    prove(
        ENGINES[engine],
        values=[
            ('sum(gpuyard:requests_running{namespace="inference",endpoint="chat"})', 3),
            ('sum(gpuyard:requests_waiting{namespace="inference",endpoint="chat"})', 2),
            ("sum(gpuyard:kv_cache_used_ratio)", kv),
            ("sum(gpuyard:tokens_generated:rate5m)", 10),
            ("sum(gpuyard:inter_token_latency_seconds:p50)", 0.05),
            ("sum(gpuyard:queue_seconds:p50)", 0.05),
        ],
    )


EXPORTERS = {
    "up to 4.8.2": {
        "DCGM_FI_DEV_GPU_UTIL{Hostname='node-1'": "50x30",
        "DCGM_FI_DEV_FB_USED{Hostname='node-1'": "1024x30",
        "DCGM_FI_DEV_GPU_TEMP{Hostname='node-1'": "60x30",
        "DCGM_FI_DEV_POWER_USAGE{Hostname='node-1'": "300x30",
        "DCGM_FI_DEV_TOTAL_ENERGY_CONSUMPTION{Hostname='node-1'": "5000x30",
        "DCGM_FI_DEV_SM_CLOCK{Hostname='node-1'": "1500x30",
        "DCGM_FI_DEV_ROW_REMAP_FAILURE{Hostname='node-1'": "0x30",
        "DCGM_FI_DEV_THERMAL_VIOLATION{Hostname='node-1'": "0+6000000000x30",
    },
    "4.8.3, label renamed": {
        "DCGM_FI_DEV_GPU_UTIL{hostname='node-1'": "50x30",
        "DCGM_FI_DEV_FB_USED{hostname='node-1'": "1024x30",
        "DCGM_FI_DEV_GPU_TEMP{hostname='node-1'": "60x30",
        "DCGM_FI_DEV_POWER_USAGE{hostname='node-1'": "300x30",
        "DCGM_FI_DEV_TOTAL_ENERGY_CONSUMPTION{hostname='node-1'": "5000x30",
        "DCGM_FI_DEV_SM_CLOCK{hostname='node-1'": "1500x30",
        "DCGM_FI_DEV_ROW_REMAP_FAILURE{hostname='node-1'": "0x30",
        "DCGM_FI_DEV_THERMAL_VIOLATION{hostname='node-1'": "0+6000000000x30",
    },
    "4.9.0": {
        "DCGM_FI_DEV_GPU_UTIL_RATIO{hostname='node-1'": "0.5x30",
        "DCGM_FI_DEV_FB_USED_BYTES{hostname='node-1'": "1073741824x30",
        "DCGM_FI_DEV_GPU_TEMP_CELSIUS{hostname='node-1'": "60x30",
        "DCGM_FI_DEV_BOARD_POWER_WATTS{hostname='node-1'": "300x30",
        "DCGM_FI_DEV_GPU_ENERGY_JOULES_TOTAL{hostname='node-1'": "5x30",
        "DCGM_FI_DEV_SM_CLOCK_HERTZ{hostname='node-1'": "1500000000x30",
        "DCGM_FI_DEV_ROW_REMAP_FAILED{hostname='node-1'": "0x30",
        "DCGM_FI_DEV_GPU_THERMAL_THROTTLE_SECONDS_TOTAL{hostname='node-1'": "0+6x30",
    },
}


@needs_promtool
@pytest.mark.parametrize("exporter", EXPORTERS)
def test_every_exporter_version_gives_the_same_signals_in_the_same_units(exporter, prove):
    host = 'hostname="node-1"'
    prove(
        {f"{key},{GPU}}}".replace("'", '"'): text for key, text in EXPORTERS[exporter].items()},
        values=[
            (f"sum(gpuyard:gpu_utilisation_ratio{{{host}}})", 0.5),
            (f"sum(gpuyard:gpu_memory_used_bytes{{{host}}})", 1073741824),
            (f"sum(gpuyard:gpu_temperature_celsius{{{host}}})", 60),
            (f"sum(gpuyard:gpu_power_watts{{{host}}})", 300),
            (f"sum(gpuyard:gpu_energy_joules{{{host}}})", 5),
            (f"sum(gpuyard:gpu_sm_clock_hertz{{{host}}})", 1.5e9),
            (f"sum(gpuyard:gpu_row_remap_failed{{{host}}})", 0),
            (f"sum(gpuyard:gpu_thermal_throttle_ratio:rate5m{{{host}}})", 0.1),
        ],
    )


CHAT = {"namespace": "inference", "endpoint": "chat"}
BAD = {"gpu": "0", "hostname": "node-1"}
XID = 'DCGM_EXP_XID_ERRORS_COUNT{xid="%s",' + FAULT + "}"
DEPLOYED = 'namespace="inference",deployment="chat",endpoint="http"'
FIRING = {
    "EndpointQueueing": (
        {
            f'vllm:request_queue_time_seconds_bucket{{{POD},le="10"}}': "0+60x30",
            f'vllm:request_queue_time_seconds_bucket{{{POD},le="+Inf"}}': "0+60x30",
        },
        {**CHAT, "severity": "warning"},
        "Requests of chat in inference wait 9.5s before they start (P95)",
    ),
    "EndpointKvCacheFull": (
        {f"vllm:kv_cache_usage_perc{{{POD}}}": "0.95x30"},
        {**CHAT, "severity": "warning"},
        "The KV cache of chat in inference is 95% full",
    ),
    "EndpointPreempting": (
        {f"sglang:num_retracted_requests_total{{{POD}}}": "0+30x30"},
        {**CHAT, "severity": "warning"},
        "chat in inference throws running requests out of the cache, 500m a second",
    ),
    "EndpointFirstTokenSlow": (
        {
            f'sglang:time_to_first_token_seconds_bucket{{{POD},le="10"}}': "0+60x30",
            f'sglang:time_to_first_token_seconds_bucket{{{POD},le="+Inf"}}': "0+60x30",
        },
        {**CHAT, "severity": "warning"},
        "The first token of chat in inference takes 9.5s (P95)",
    ),
    "EndpointTokensSlow": (
        {
            f'tgi_request_mean_time_per_token_duration_bucket{{{POD},le="1"}}': "0+60x30",
            f'tgi_request_mean_time_per_token_duration_bucket{{{POD},le="+Inf"}}': "0+60x30",
        },
        {**CHAT, "severity": "warning"},
        "Tokens of chat in inference come 950ms apart (P95)",
    ),
    "EndpointFailing": (
        {
            f'vllm:request_success_total{{{POD},finished_reason="stop"}}': "0+90x30",
            f'vllm:request_success_total{{{POD},finished_reason="error"}}': "0+10x30",
        },
        {**CHAT, "severity": "warning"},
        "10% of the requests of chat in inference fail",
    ),
    "EndpointFailingBadly": (
        {f"tgi_request_count{{{POD}}}": "0+100x30", f'tgi_request_failure{{{POD},err="x"}}': "0+50x30"},
        {**CHAT, "severity": "critical"},
        "50% of the requests of chat in inference fail",
    ),
    "EndpointOverStartupBudget": (
        {
            f'kube_deployment_status_condition{{{DEPLOYED},condition="Progressing",status="false"}}': "1x30",
            f'kube_deployment_labels{{{DEPLOYED},label_gpuyard_dev_endpoint="chat"}}': "1x30",
        },
        {
            "namespace": "inference",
            "deployment": "chat",
            "endpoint": "http",
            "condition": "Progressing",
            "status": "false",
            "severity": "critical",
        },
        "chat in inference did not start within its budget",
    ),
    "EndpointMetricsAbsent": (
        {
            f"kube_deployment_status_replicas_ready{{{DEPLOYED}}}": "1x30",
            f'kube_deployment_labels{{{DEPLOYED},label_gpuyard_dev_endpoint="chat",'
            'label_gpuyard_dev_runtime="vllm"}': "1x30",
        },
        {**CHAT, "deployment": "chat", "severity": "warning"},
        "chat in inference runs but reports no load",
    ),
    "GpuXidFatal": (
        {XID % 79: "1x30"},
        {**BAD, "xid": "79", "severity": "critical"},
        "GPU 0 of node-1 reported XID 79: it needs a reset or a replacement",
    ),
    "GpuXidContained": (
        {XID % 94: "1x30"},
        {**BAD, "xid": "94", "severity": "warning"},
        "GPU 0 of node-1 reported XID 94: a memory error that was contained",
    ),
    "GpuXidApplication": (
        {XID % 31: "1x30"},
        {**BAD, "xid": "31", "severity": "info"},
        "GPU 0 of node-1 reported XID 31: most likely the program's own fault",
    ),
    "GpuXidOther": (
        {XID % 7: "1x30"},
        {**BAD, "xid": "7", "severity": "warning"},
        "GPU 0 of node-1 reported XID 7",
    ),
    "GpuRowRemapFailed": (
        {f"DCGM_FI_DEV_ROW_REMAP_FAILURE{{{FAULT}}}": "1x30"},
        {**BAD, "severity": "critical"},
        "GPU 0 of node-1 cannot remap a broken memory row",
    ),
    "GpuMemoryErrors": (
        {f"DCGM_FI_DEV_ECC_DBE_VOL_TOTAL{{{FAULT}}}": "0x10 1x20"},
        {**BAD, "severity": "critical"},
        "GPU 0 of node-1 had uncorrectable memory errors within the hour",
    ),
    "GpuThrottledByHeat": (
        {f"DCGM_FI_DEV_THERMAL_VIOLATION{{{FAULT}}}": "0+6000000000x30"},
        {**BAD, "severity": "warning"},
        "GPU 0 of node-1 spends 10% of its time slowed by heat",
    ),
    "GpuHot": (
        {f"DCGM_FI_DEV_GPU_TEMP_CELSIUS{{{FAULT}}}": "90x30"},
        {**BAD, "severity": "warning"},
        "GPU 0 of node-1 is at 90 °C",
    ),
    "GpuNvlinkErrors": (
        {f"DCGM_FI_DEV_NVLINK_RECOVERY_ERROR_COUNT_TOTAL{{{FAULT}}}": "0+1x30"},
        {**BAD, "severity": "warning"},
        "NVLink of GPU 0 of node-1 recovers from errors",
    ),
    "GpuPodsPending": (
        {
            'kube_pod_status_phase{namespace="inference",pod="chat-1",phase="Pending"}': "1x30",
            'kube_pod_container_resource_requests{namespace="inference",pod="chat-1",container="engine",'
            'resource="nvidia_com_gpu"}': "8x30",
            'kube_pod_status_phase{namespace="inference",pod="web-1",phase="Pending"}': "1x30",
        },
        {"namespace": "inference", "severity": "warning"},
        "1 GPU pods of inference have waited 15 minutes for a node",
    ),
    "GpuMetricsAbsent": (
        {'kube_node_status_allocatable{node="node-1",resource="nvidia_com_gpu"}': "8x30"},
        {"severity": "warning"},
        "8 GPUs are in the cluster and none is measured",
    ),
    "ScalerBlind": (
        {
            "keda_scaler_empty_upstream_responses_total"
            '{exported_namespace="inference",scaledResource="chat"}': "0+1x30"
        },
        {"exported_namespace": "inference", "scaledResource": "chat", "severity": "critical"},
        "KEDA gets empty answers for chat",
    ),
}


@needs_promtool
@pytest.mark.parametrize("name", FIRING)
def test_each_alert_fires_on_its_cause(name, prove):
    series, labels, summary = FIRING[name]
    prove(series, alerts=[(name, labels, summary)])


def test_every_alert_has_a_cause_that_fires_it():
    assert set(FIRING) == {alert.name for alert in ALERTS}


@needs_promtool
def test_a_healthy_cluster_is_quiet(prove):
    series = {
        **ENGINES["vllm since 0.15"],
        f'vllm:request_success_total{{{POD},finished_reason="stop"}}': "0+90x30",
        f"kube_deployment_status_replicas_ready{{{DEPLOYED}}}": "1x30",
        f'kube_deployment_labels{{{DEPLOYED},label_gpuyard_dev_endpoint="chat",'
        'label_gpuyard_dev_runtime="vllm"}': "1x30",
        f"DCGM_FI_DEV_GPU_TEMP{{{FAULT}}}": "60x30",
        f"DCGM_EXP_XID_ERRORS_COUNT{{{FAULT}}}": "0x30",
        f"DCGM_FI_DEV_ROW_REMAP_FAILURE{{{FAULT}}}": "0x30",
        f"DCGM_FI_DEV_THERMAL_VIOLATION{{{FAULT}}}": "0x30",
        f"DCGM_FI_DEV_ECC_DBE_VOL_TOTAL{{{FAULT}}}": "0x30",
        'kube_node_status_allocatable{node="node-1",resource="nvidia_com_gpu"}': "8x30",
        'kube_pod_status_phase{namespace="inference",pod="chat-1",phase="Pending"}': "0x30",
        'kube_pod_container_resource_requests{namespace="inference",pod="chat-1",container="engine",'
        'resource="nvidia_com_gpu"}': "8x30",
    }
    prove(series, alerts=[(alert.name, None, "") for alert in ALERTS])


@needs_promtool
def test_a_custom_image_without_known_metrics_does_not_alarm(prove):
    series = {
        f"kube_deployment_status_replicas_ready{{{DEPLOYED}}}": "1x30",
        f'kube_deployment_labels{{{DEPLOYED},label_gpuyard_dev_endpoint="chat",'
        'label_gpuyard_dev_runtime="custom"}': "1x30",
    }
    prove(series, alerts=[("EndpointMetricsAbsent", None, "")])


@needs_promtool
def test_the_failure_ratio_is_0_while_nothing_has_failed(prove):
    prove(
        {f'vllm:request_success_total{{{POD},finished_reason="stop"}}': "0+90x30"},
        values=[("sum(gpuyard:requests_failed:ratio5m)", 0)],
    )


RECORDED = {*endpoint_rules(), *GPU_SIGNALS}


def test_alerts_and_dashboard_use_recorded_names_only():
    texts = [alert.expr for alert in ALERTS]
    dashboard = json.loads(render_dashboard())
    texts += [target["expr"] for panel in dashboard["panels"] for target in panel.get("targets", [])]
    texts += [item["query"]["query"] for item in dashboard["templating"]["list"]]
    for text in texts:
        assert set(re.findall(r"gpuyard:[a-z0-9_:]+", text)) <= RECORDED, text
        assert not re.search(r"\b(vllm:|sglang:|tgi_|trtllm_|DCGM_)", text), text


def test_every_signal_of_the_runtimes_is_recorded():
    text = " ".join(endpoint_rules().values())
    for named in SERIES.values():
        for series in (item for items in named.values() for item in items):
            assert series.split("{")[0] in text


def test_every_old_exporter_field_of_a_rule_is_one_that_the_csv_asks_for():
    for text in GPU_SIGNALS.values():
        old = re.findall(r"DCGM_[A-Z_]+", text)[0]
        assert old in METRICS


def test_every_alert_says_what_to_do():
    for alert in ALERTS:
        assert alert.severity in ("critical", "warning", "info")
        assert len(alert.runbook) > 30, alert.name
        assert re.fullmatch(r"\d+m", alert.hold)


def test_panels_do_not_overlap_and_have_titles_of_their_own():
    dashboard = json.loads(render_dashboard())
    taken = set()
    for panel in dashboard["panels"]:
        place = panel["gridPos"]
        cells = {
            (x, y)
            for x in range(place["x"], place["x"] + place["w"])
            for y in range(place["y"], place["y"] + place["h"])
        }
        assert not cells & taken, panel["title"]
        assert max(x for x, _ in cells) < 24
        taken |= cells
    titles = [panel["title"] for panel in dashboard["panels"]]
    assert len(titles) == len(set(titles))
    ids = [panel["id"] for panel in dashboard["panels"]]
    assert len(ids) == len(set(ids))
