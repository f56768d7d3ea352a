"""The account that nodes run as, with the least that a node needs."""

import pulumi
import pulumi_gcp as gcp

from gpuyard.names import fit

_NODE_ROLES = (
    "roles/logging.logWriter",
    "roles/monitoring.metricWriter",
    "roles/monitoring.viewer",
    "roles/stackdriver.resourceMetadata.writer",
    "roles/artifactregistry.reader",
)
"""What a node needs, and nothing else."""
SERVICE_ACCOUNT_LENGTH = 28
"""An account id takes 6 to 30 characters."""


def make_node_account(
    name: str, project: str, opts: pulumi.ResourceOptions
) -> tuple[gcp.serviceaccount.Account, list[pulumi.Resource]]:
    """The account and its grants, which whoever uses the account must wait for."""
    account = gcp.serviceaccount.Account(
        f"{name}-nodes",
        account_id=fit(f"{name}-nodes", SERVICE_ACCOUNT_LENGTH),
        display_name=f"Nodes of {name}",
        opts=opts,
    )
    grants: list[pulumi.Resource] = [
        gcp.projects.IAMMember(
            f"{name}-{role.rpartition('/')[2]}",
            project=project,
            role=role,
            member=pulumi.Output.concat("serviceAccount:", account.email),
            opts=opts,
        )
        for role in _NODE_ROLES
    ]
    return account, grants
