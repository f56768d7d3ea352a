"""Every API action that discovery may call, with the permission that it takes. All of them only read.

The clients refuse any other action (`check_action`), so the table, the IAM policy and the role that are
generated from it cannot fall behind the code.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from gpuyard.catalog.evidence_items import Question

Q = Question


@dataclass(frozen=True, slots=True, kw_only=True)
class Action:
    """One call of one API."""

    cloud: str
    service: str
    """boto3's name, or the host of Google's API before ``.googleapis.com``."""
    operation: str
    """AWS operation, or Google method without the service: ``machineTypes.aggregatedList``."""
    permission: str
    """IAM action or Google permission; empty: none is needed."""
    questions: tuple[Question, ...]
    note: str = ""


def _aws(service: str, operation: str, *questions: Question, note: str = "") -> Action:
    prefix = service.replace("service-quotas", "servicequotas")
    return Action(
        cloud="aws",
        service=service,
        operation=operation,
        permission=f"{prefix}:{operation}",
        questions=questions,
        note=note,
    )


def _gcp(service: str, operation: str, permission: str, *questions: Question, note: str = "") -> Action:
    return Action(
        cloud="gcp",
        service=service,
        operation=operation,
        permission=permission,
        questions=questions,
        note=note,
    )


ACTIONS: tuple[Action, ...] = (
    _aws("sts", "GetCallerIdentity", Q.REGIONS, note="which account the answers are about"),
    _aws("ec2", "DescribeRegions", Q.REGIONS),
    _aws("ec2", "DescribeAvailabilityZones", Q.ZONES, Q.CAPACITY_BLOCKS, Q.SPOT_PRICES),
    _aws("ec2", "DescribeInstanceTypes", Q.MACHINE_TYPES, Q.CAPACITY_BLOCKS, Q.QUOTAS),
    _aws("ec2", "DescribeInstanceTypeOfferings", Q.OFFERINGS, note="by zone id"),
    _aws("ec2", "DescribeSpotPriceHistory", Q.SPOT_PRICES),
    _aws("ec2", "GetSpotPlacementScores", Q.PLACEMENT_SCORES),
    _aws("ec2", "DescribeCapacityBlockOfferings", Q.CAPACITY_BLOCKS, note="looks, never buys"),
    _aws("ec2", "DescribeCapacityReservations", Q.RESERVATIONS, Q.QUOTAS),
    _aws("ec2", "DescribeCapacityBlocks", Q.RESERVATIONS),
    _aws("ec2", "DescribeInstances", Q.QUOTAS, note="vCPUs in use"),
    _aws("ec2", "GetCapacityManagerAttributes", Q.ADVICE, Q.HISTORY),
    _aws("ec2", "GetCapacityManagerSupportabilityScores", Q.ADVICE, note="Unified Operations support plan"),
    _aws("ec2", "GetCapacityManagerMetricData", Q.HISTORY),
    _aws("service-quotas", "ListServiceQuotas", Q.QUOTAS),
    _aws("service-quotas", "GetServiceQuota", Q.QUOTAS, note="buckets that the list leaves out"),
    _aws("service-quotas", "ListRequestedServiceQuotaChangeHistory", Q.QUOTAS),
    _aws("pricing", "GetProducts", Q.LIST_PRICES),
    _gcp("compute", "regions.list", "compute.regions.list", Q.REGIONS, Q.QUOTAS),
    _gcp("compute", "zones.list", "compute.zones.list", Q.ZONES),
    _gcp("compute", "machineTypes.aggregatedList", "compute.machineTypes.list", Q.MACHINE_TYPES, Q.OFFERINGS),
    _gcp("compute", "acceleratorTypes.aggregatedList", "compute.acceleratorTypes.list", Q.OFFERINGS),
    _gcp("compute", "reservations.aggregatedList", "compute.reservations.list", Q.RESERVATIONS),
    _gcp("compute", "futureReservations.aggregatedList", "compute.futureReservations.list", Q.RESERVATIONS),
    _gcp("compute", "advice.calendarMode", "compute.advice.calendarMode", Q.ADVICE, note="POST, reads"),
    _gcp("compute", "advice.capacity", "compute.advice.capacity", Q.ADVICE, note="POST, reads; preview"),
    _gcp(
        "compute",
        "advice.capacityHistory",
        "compute.advice.capacityHistory",
        Q.HISTORY,
        Q.SPOT_PRICES,
        note="POST, reads; preview",
    ),
    _gcp("compute", "projects.get", "compute.projects.get", Q.QUOTAS, note="limits of all regions together"),
    _gcp("compute", "instances.aggregatedList", "compute.instances.list", Q.QUOTAS, note="GPUs in use"),
    _gcp("cloudquotas", "quotaInfos.list", "cloudquotas.quotas.get", Q.QUOTAS),
    _gcp("cloudquotas", "quotaPreferences.list", "cloudquotas.quotas.get", Q.QUOTAS, note="open requests"),
    _gcp("cloudbilling", "services.skus.list", "", Q.LIST_PRICES, note="needs the API, no permission"),
)

WATCHES: tuple[Action, ...] = (
    _aws("eks", "DescribeNodegroup", note="issues of a node group"),
    _aws("autoscaling", "DescribeScalingActivities", note="why it got no machine"),
    _gcp("container", "nodePools.get", "container.clusters.get", note="conditions of a node pool"),
    _gcp(
        "compute",
        "instanceGroupManagers.listErrors",
        "compute.instanceGroupManagers.get",
        note="why it got no machine",
    ),
)
"""What `gpuyard up` asks while it tries; no question of a survey needs them."""


class ForbiddenActionError(RuntimeError):
    """Discovery tried to call what is not in its table: a bug to report, and nothing was sent."""


def find_action(cloud: str, service: str, operation: str) -> Action:
    """The action of that name.

    Raises:
        ForbiddenActionError: it is not in the table.
    """
    action = _by_name().get((cloud, service, operation))
    if action is None:
        raise ForbiddenActionError(
            f"discovery may not call {service} {operation}; please report this as a bug"
        )
    return action


def actions_for(cloud: str, questions: frozenset[Question] | None = None) -> tuple[Action, ...]:
    """The cloud's actions that serve any of the questions; all without an argument."""
    return tuple(
        action
        for action in ACTIONS
        if action.cloud == cloud and (questions is None or questions.intersection(action.questions))
    )


def iam_policy() -> Mapping[str, Any]:
    """The least AWS policy that lets every question be asked."""
    return {
        "Version": "2012-10-17",
        "Statement": [
            {
                "Sid": "GpuyardDiscovery",
                "Effect": "Allow",
                "Action": sorted(action.permission for action in actions_for("aws")),
                "Resource": "*",
            }
        ],
    }


def gcp_permissions() -> tuple[str, ...]:
    """The permissions of a custom Google role that lets every question be asked."""
    return tuple(sorted({action.permission for action in actions_for("gcp") if action.permission}))


def _by_name() -> Mapping[tuple[str, str, str], Action]:
    return {(action.cloud, action.service, action.operation): action for action in (*ACTIONS, *WATCHES)}
