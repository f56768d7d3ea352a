"""Policies of the roles that clusters need, as text."""

import json

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
