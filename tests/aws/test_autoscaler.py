"""ClusterAutoscaler alone: who may change what, and how it is told of the cluster."""

import json

import pulumi
import pulumi_aws as aws
import pulumi_kubernetes as kubernetes
import pytest

from gpuyard.aws.autoscaler import ClusterAutoscaler, ClusterAutoscalerSpec, render_policy, render_values
from gpuyard.inputs import ArgsError


def test_it_may_change_the_groups_of_its_own_cluster_only():
    read, change = json.loads(render_policy("serve"))["Statement"]
    assert change["Condition"] == {
        "StringEquals": {"aws:ResourceTag/k8s.io/cluster-autoscaler/serve": "owned"}
    }
    assert all(action.split(":")[1].startswith(("Describe", "Get")) for action in read["Action"])


def test_nodes_with_caches_are_removed_too():
    values = render_values(ClusterAutoscalerSpec(region="us-east-1"), "serve")
    assert values["extraArgs"]["skip-nodes-with-local-storage"] is False
    assert "image" not in values


def test_an_older_cluster_gets_the_autoscaler_of_its_version():
    values = render_values(ClusterAutoscalerSpec(region="us-east-1", kubernetes_version="1.33"), "serve")
    assert values["image"] == {"tag": "v1.33.0"}


def test_the_pods_wait_for_their_identity(preview):
    def program():
        east = aws.Provider("east", region="us-east-1")
        cluster = kubernetes.Provider("cluster", kubeconfig="{}")
        ClusterAutoscaler(
            "scaler",
            {"cluster_name": "serve", "region": "us-east-1"},
            pulumi.ResourceOptions(providers=[east, cluster]),
        )

    by_name = {item.name: item for item in preview(program).recording.resources}
    release = by_name["scaler-release"]
    assert by_name["scaler-identity"].urn in release.dependencies
    assert release.inputs["values"]["autoDiscovery"] == {"clusterName": "serve"}
    assert by_name["scaler-identity"].inputs["serviceAccount"] == "cluster-autoscaler"


def test_without_a_cluster_it_is_refused(preview):
    with pytest.raises(ArgsError, match="cluster_name"):
        preview(lambda: ClusterAutoscaler("scaler", {"region": "us-east-1"}))
