"""ClusterAutoscaler: adds and removes nodes of an EKS cluster's node groups as pods ask for them."""

import json
from collections.abc import Mapping
from typing import Any, NotRequired, TypedDict

import pulumi
import pulumi_aws as aws
import pulumi_kubernetes as kubernetes
from pydantic import Field

from gpuyard.aws.iam import render_trust
from gpuyard.inputs import parse_inputs, split_wiring
from gpuyard.kubernetes.naming import logical_name
from gpuyard.kubernetes.wiring import passed_dependencies, require_wiring
from gpuyard.names import AWS_ROLE_NAME_LENGTH
from gpuyard.parsing import Spec

CHART_REPOSITORY = "https://kubernetes.github.io/autoscaler"
CHART = "cluster-autoscaler"
CHART_VERSION = "9.59.0"
CHART_KUBERNETES = "1.35"
"""The minor version that the chart's image is made for (kubernetes/autoscaler, 2026-08)."""
NAMESPACE, ACCOUNT = "kube-system", "cluster-autoscaler"

_READ = (
    "autoscaling:DescribeAutoScalingGroups",
    "autoscaling:DescribeAutoScalingInstances",
    "autoscaling:DescribeLaunchConfigurations",
    "autoscaling:DescribeScalingActivities",
    "autoscaling:DescribeTags",
    "ec2:DescribeImages",
    "ec2:DescribeInstanceTypes",
    "ec2:DescribeLaunchTemplateVersions",
    "ec2:GetInstanceTypesFromInstanceRequirements",
    "eks:DescribeNodegroup",
)
_CHANGE = ("autoscaling:SetDesiredCapacity", "autoscaling:TerminateInstanceInAutoScalingGroup")


class ClusterAutoscalerSpec(Spec):
    """The parsed arguments."""

    region: str
    kubernetes_version: str = Field(default=CHART_KUBERNETES, pattern=r"^1\.\d{2}$")
    chart_version: str = CHART_VERSION
    service_monitor: bool = False
    tags: Mapping[str, str] = Field(default_factory=dict)


class ClusterAutoscalerArgs(TypedDict):
    """The cluster, and how it is watched."""

    cluster_name: pulumi.Input[str]
    """Name of the EKS cluster."""
    region: str
    """AWS region of the cluster."""
    kubernetes_version: NotRequired[str]
    """Version of the cluster, which picks the image. Default 1.35."""
    chart_version: NotRequired[str]
    """Default 9.59.0."""
    service_monitor: NotRequired[bool]
    """Scrape it; needs the Prometheus operator's CRDs first. Default off."""
    tags: NotRequired[dict[str, str]]
    """On the role."""


@pulumi.type_token("gpuyard:index:ClusterAutoscaler")
class ClusterAutoscaler(pulumi.ComponentResource):
    """The Kubernetes cluster autoscaler, which finds the groups by the tags that EKS puts on them.

    May change groups of this cluster only. Give the cluster's AWS and Kubernetes providers through
    ``opts.providers``.
    """

    role_arn: pulumi.Output[str]
    """Role of the autoscaler."""

    def __init__(
        self, name: str, args: ClusterAutoscalerArgs, opts: pulumi.ResourceOptions | None = None
    ) -> None:
        plain, wiring = split_wiring(args, frozenset({"cluster_name"}))
        spec = parse_inputs("ClusterAutoscaler", ClusterAutoscalerSpec, plain)
        require_wiring("ClusterAutoscaler", wiring, ["cluster_name"])
        super().__init__("gpuyard:index:ClusterAutoscaler", name, {}, opts)
        waits = passed_dependencies(opts)
        child = pulumi.ResourceOptions(parent=self, depends_on=waits)
        cluster = pulumi.Output.from_input(wiring["cluster_name"])
        role = aws.iam.Role(
            logical_name(name, AWS_ROLE_NAME_LENGTH),
            assume_role_policy=render_trust("pods.eks.amazonaws.com"),
            tags=dict(spec.tags),
            opts=child,
        )
        policy = aws.iam.RolePolicy(
            f"{name}-policy", role=role.name, policy=cluster.apply(render_policy), opts=child
        )
        identity = aws.eks.PodIdentityAssociation(
            f"{name}-identity",
            cluster_name=cluster,
            namespace=NAMESPACE,
            service_account=ACCOUNT,
            role_arn=role.arn,
            opts=child,
        )
        kubernetes.helm.v3.Release(
            f"{name}-release",
            name=CHART,
            chart=CHART,
            version=spec.chart_version,
            namespace=NAMESPACE,
            repository_opts={"repo": CHART_REPOSITORY},
            values=render_values(spec, cluster),
            timeout=600,
            opts=pulumi.ResourceOptions(
                parent=self,
                # pods get the identity that exists when they start
                depends_on=[*waits, policy, identity],
                custom_timeouts=pulumi.CustomTimeouts(create="15m", update="15m"),
            ),
        )
        self.role_arn = role.arn
        self.register_outputs({"roleArn": self.role_arn})


def render_policy(cluster: str) -> str:
    """Look at every group, change those that EKS tagged as the cluster's own.

    Source: kubernetes/autoscaler, cluster-autoscaler/cloudprovider/aws/README.md, read 2026-08.
    """
    owned = {"StringEquals": {f"aws:ResourceTag/k8s.io/cluster-autoscaler/{cluster}": "owned"}}
    statements = [
        {"Effect": "Allow", "Action": list(_READ), "Resource": "*"},
        {"Effect": "Allow", "Action": list(_CHANGE), "Resource": "*", "Condition": owned},
    ]
    return json.dumps({"Version": "2012-10-17", "Statement": statements})


def render_values(spec: ClusterAutoscalerSpec, cluster: Any) -> dict[str, Any]:
    """The chart's values; ``cluster`` is the cluster's name, known or not."""
    values: dict[str, Any] = {
        "fullnameOverride": CHART,
        "cloudProvider": "aws",
        "awsRegion": spec.region,
        "autoDiscovery": {"clusterName": cluster},
        "rbac": {"serviceAccount": {"name": ACCOUNT}},
        "extraArgs": {
            "balance-similar-node-groups": True,
            "expander": "least-waste",
            # engines keep weights in an emptyDir: by default no such node would ever be removed
            "skip-nodes-with-local-storage": False,
            # a large GPU machine that is not there by then will not come: other groups get their turn
            "max-node-provision-time": "20m",
        },
        "serviceMonitor": {"enabled": spec.service_monitor, "namespace": NAMESPACE, "selector": {}},
    }
    if spec.kubernetes_version < CHART_KUBERNETES:  # it simulates the scheduler of its own version
        values["image"] = {"tag": f"v{spec.kubernetes_version}.0"}
    return values
