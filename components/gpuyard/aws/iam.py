"""Roles that clusters need, and their policies as text."""

import json
from collections.abc import Mapping, Sequence

import pulumi
import pulumi_aws as aws

from gpuyard.kubernetes.naming import logical_name
from gpuyard.names import AWS_ROLE_NAME_LENGTH

_PARTITIONS = {"cn-": "aws-cn", "us-gov-": "aws-us-gov"}
"""China and GovCloud have names of their own in ARNs."""


def managed_policy(region: str, name: str) -> str:
    """The ARN of a policy that AWS keeps, e.g. ``AmazonEKSClusterPolicy``."""
    partition = next((word for start, word in _PARTITIONS.items() if region.startswith(start)), "aws")
    return f"arn:{partition}:iam::aws:policy/{name}"


def render_trust(service: str) -> str:
    """The trust policy of a role for ``service``; pod identity tags the sessions that it opens."""
    actions = ["sts:AssumeRole"] + (["sts:TagSession"] if service.startswith("pods.") else [])
    statement = {"Effect": "Allow", "Principal": {"Service": service}, "Action": actions}
    return json.dumps({"Version": "2012-10-17", "Statement": [statement]})


def make_role(
    name: str,
    service: str,
    policies: Sequence[str],
    *,
    region: str,
    tags: Mapping[str, str],
    opts: pulumi.ResourceOptions,
) -> tuple[aws.iam.Role, list[pulumi.Resource]]:
    """The role of ``service`` and its attachments, which whoever uses the role must wait for."""
    role = aws.iam.Role(
        logical_name(name, AWS_ROLE_NAME_LENGTH),
        assume_role_policy=render_trust(service),
        tags=dict(tags),
        opts=opts,
    )
    attachments: list[pulumi.Resource] = [
        aws.iam.RolePolicyAttachment(
            f"{name}-{policy.rsplit('/', 1)[-1]}",
            role=role.name,
            policy_arn=managed_policy(region, policy),
            opts=opts,
        )
        for policy in policies
    ]
    return role, attachments
