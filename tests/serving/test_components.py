"""Components that need a cluster and nothing else, each used alone and recorded as a first preview."""

from typing import Any

import pulumi
import pulumi_kubernetes as kubernetes
import pytest

from gpuyard.autoscaling.keda import Keda
from gpuyard.gpu_operator.operator import GpuOperator
from gpuyard.inputs import ArgsError
from gpuyard.monitoring.monitoring import Monitoring
from gpuyard.serving.endpoint import ModelEndpoint

COMPONENTS = {
    "ModelEndpoint": (ModelEndpoint, {"name": "chat", "model": "org/model"}),
    "GpuOperator": (GpuOperator, {"platform": "eks", "node_image": "al2023_nvidia"}),
    "Monitoring": (Monitoring, {}),
    "Keda": (Keda, {}),
}


def on_cluster(**options):
    provider = kubernetes.Provider("cluster", kubeconfig="{}")
    return pulumi.ResourceOptions(provider=provider, **options)


def endpoint(**more):
    args: Any = {"name": "chat", "model": "org/model", **more}
    return ModelEndpoint("it", args, on_cluster())


@pytest.mark.parametrize("name", COMPONENTS)
def test_type_tokens_are_public_and_stable(name):
    assert getattr(COMPONENTS[name][0], "pulumi_type", None) == f"gpuyard:index:{name}"


@pytest.mark.parametrize("name", COMPONENTS)
def test_each_is_used_alone_with_its_defaults_and_stays_with_the_given_provider(name, preview):
    component, args = COMPONENTS[name]
    plan = preview(lambda: component("it", args, on_cluster()))
    provider = plan.named("cluster").urn
    made = [item for item in plan.recording.resources if item.type.startswith("kubernetes:")]
    assert made
    assert all(provider in (item.provider or "") for item in made)
    assert all(item.name.startswith("it-") and item.parent == plan.named("it").urn for item in made)


def test_a_plain_endpoint_has_exactly_these_children(preview):
    plan = preview(endpoint)
    assert plan.children("it") == {
        "it-account": "ServiceAccount",
        "it-budget": "PodDisruptionBudget",
        "it-deployment": "Deployment",
        "it-network": "NetworkPolicy",
        "it-service": "Service",
    }


def test_an_endpoint_with_everything_has_a_claim_a_monitor_and_a_scaler(preview):
    more = {"pod_monitor": True, "prometheus_address": "http://p:9090"}
    plan = preview(lambda: endpoint(replicas_max=3, cache_persistent=True, **more))
    children = plan.children("it")
    assert children["it-cache"] == "PersistentVolumeClaim"
    assert (children["it-monitor"], children["it-scaler"]) == ("PodMonitor", "ScaledObject")
    assert list(plan.named("it-deployment").options["ignoreChanges"]) == ["spec.replicas"]


def test_no_scaler_without_a_range_of_replicas(preview):
    plan = preview(lambda: endpoint(prometheus_address="http://p:9090"))
    assert "it-scaler" not in plan.children("it")


def test_the_engine_waits_as_long_as_the_start_up_budget_says(preview):
    plan = preview(lambda: endpoint(startup_budget_seconds=3000))
    deployment = plan.named("it-deployment")
    wait = deployment.inputs["spec"]["progressDeadlineSeconds"]
    assert wait > 3000
    assert f"{wait:g}s" in str(deployment.options["customTimeouts"])


def test_risks_are_logged_as_warnings(preview):
    plan = preview(lambda: endpoint(runtime="tgi"))
    assert any("RUNTIME_UNMAINTAINED" in text for _, text in plan.recording.messages)


def test_wrong_arguments_are_shown_before_the_first_resource(preview):
    with pytest.raises(ArgsError, match="did you mean"):
        preview(lambda: endpoint(modle="x"))


@pytest.mark.parametrize(("platform", "image"), [("gke", "cos"), ("eks", "bottlerocket_nvidia")])
def test_only_gke_gets_a_quota_for_critical_pods(preview, platform, image):
    plan = preview(lambda: GpuOperator("it", {"platform": platform, "node_image": image}, on_cluster()))
    assert ("it-critical-pods" in plan.children("it")) is (platform == "gke")


def test_the_exporters_fields_are_there_before_the_chart(preview):
    plan = preview(lambda: GpuOperator("it", {"platform": "gke", "node_image": "cos"}, on_cluster()))
    release = plan.named("it-release")
    assert plan.named("it-metrics").urn in release.dependencies
    assert "DCGM_EXP_XID_ERRORS_COUNT" in plan.named("it-metrics").inputs["data"]["dcgm-metrics.csv"]


def test_rules_and_dashboard_come_after_the_chart_that_brings_their_crds(preview):
    plan = preview(lambda: Monitoring("it", {}, on_cluster()))
    release = plan.named("it-release").urn
    assert release in plan.named("it-rules").dependencies
    assert release in plan.named("it-dashboard").dependencies


def test_without_grafana_there_is_no_dashboard(preview):
    plan = preview(lambda: Monitoring("it", {"grafana": False}, on_cluster()))
    assert "it-dashboard" not in plan.children("it")
