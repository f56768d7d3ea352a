"""What is heard of machines that are being made. Names and ids are synthetic, shapes the SDKs' own."""

from datetime import UTC, datetime, timedelta
from types import SimpleNamespace

import pytest
from google.cloud import compute_v1 as compute
from tests.discovery.conftest import NOW, Refusal
from tests.discovery.google import PROJECT, Refused, google

from gpuyard.catalog.evidence_items import Reason
from gpuyard.discovery.failure import Failure, KnownError
from gpuyard.discovery.watch import CloudWatch

STOCKOUT = (
    "Could not launch On-Demand Instances. InsufficientInstanceCapacity - We currently do not have "
    "sufficient p5.48xlarge capacity in the Availability Zone you requested (us-east-1a). "
    "Launching EC2 instance failed."
)
GROUP = {
    "nodegroup": {
        "health": {"issues": [{"code": "AsgInstanceLaunchFailures", "message": STOCKOUT}]},
        "resources": {"autoScalingGroups": [{"name": "eks-chat-1"}]},
    }
}


def activity(state, message="", number=0):
    return {
        "ActivityId": str(number),
        "AutoScalingGroupName": "eks-chat-1",
        "Cause": "synthetic",
        "StartTime": NOW,
        "StatusCode": state,
        "StatusMessage": message,
    }


def watch(account, said=None):
    return CloudWatch(
        (said if said is not None else []).append, dict.fromkeys(("aws", "gcp"), lambda *_: account)
    )


def hear(aws, *activities, **answers):
    double = aws(
        **{
            "DescribeNodegroup": GROUP,
            "DescribeScalingActivities": {"Activities": list(activities)},
            **answers,
        }
    )
    said = []
    told = watch(SimpleNamespace(clients=double.clients()), said).node_group("us-east-1", "prod", "chat")
    return told, said, double


def test_failed_scaling_activities_are_heard_before_the_issues_of_the_group(aws):
    told, said, double = hear(aws, activity("Failed", STOCKOUT), activity("Failed", "older"))
    assert told == [STOCKOUT, "older", f"AsgInstanceLaunchFailures: {STOCKOUT}"]
    assert said == []
    assert double.called("DescribeNodegroup") == [
        ("us-east-1", {"clusterName": "prod", "nodegroupName": "chat"})
    ]


@pytest.mark.parametrize("state", ["Successful", "InProgress", "PreInService"])
def test_an_attempt_that_may_work_or_did_silences_what_failed_before(aws, state):
    told, _, _ = hear(aws, activity(state), activity("Failed", STOCKOUT))
    assert told == []


def test_a_group_that_is_not_there_yet_says_nothing(aws):
    told, said, _ = hear(aws, DescribeNodegroup=Refusal("ResourceNotFoundException", "No node group found"))
    assert (told, said) == ([], [])


def test_a_lacking_permission_is_told_once_and_nothing_is_asked_again(aws):
    double = aws(
        DescribeNodegroup=Refusal("AccessDeniedException", "not authorized to: eks:DescribeNodegroup")
    )
    said = []
    clouds = watch(SimpleNamespace(clients=double.clients()), said)
    for _ in range(3):
        assert clouds.node_group("us-east-1", "prod", "chat") == []
    (line,) = said
    assert line.startswith("aws is not watched during tries")
    assert "eks:DescribeNodegroup" in line
    assert len(double.called("DescribeNodegroup")) == 1


def test_without_credentials_it_is_told_once():
    said = []

    def shut(*_):
        raise KnownError(Failure(reason=Reason.CREDENTIALS, message="no AWS credentials", fix="log in"))

    clouds = CloudWatch(said.append, {"aws": shut})
    assert [clouds.node_group("us-east-1", "prod", "chat") for _ in range(2)] == [[], []]
    assert said == ["aws is not watched during tries, only the time limits hold: no AWS credentials"]


def problem(code, message, age=timedelta(0)):
    return compute.InstanceManagedByIgmError(
        error=compute.InstanceManagedByIgmErrorManagedInstanceError(code=code, message=message),
        timestamp=(datetime.now(UTC) - age).isoformat(),
    )


POOL = {
    "name": "chat",
    "status": "PROVISIONING",
    "instanceGroupUrls": [
        f"https://www.googleapis.com/compute/v1/projects/{PROJECT}/zones/us-central1-a/instanceGroupManagers/g-1"
    ],
}


def test_errors_of_the_instance_group_are_heard_and_old_ones_are_not():
    errors = compute.InstanceGroupManagersListErrorsResponse(
        items=[
            problem("ZONE_RESOURCE_POOL_EXHAUSTED", "The zone does not have enough resources available"),
            problem("QUOTA_EXCEEDED", "yesterday's", timedelta(days=1)),
        ]
    )
    with google(nodePools__get=POOL, instanceGroupManagers__listErrors=errors) as double:
        told = watch(double.clients()).node_pool(PROJECT, "us-central1", "prod", "chat")
    assert told == ["ZONE_RESOURCE_POOL_EXHAUSTED: The zone does not have enough resources available"]


def test_conditions_of_the_pool_are_heard():
    pool = {"conditions": [{"code": "GCE_STOCKOUT", "message": "no machines"}]}
    with google(nodePools__get=pool) as double:
        assert watch(double.clients()).node_pool(PROJECT, "us-central1", "prod", "chat") == [
            "GCE_STOCKOUT: no machines"
        ]


def test_a_pool_that_is_not_there_yet_says_nothing():
    said = []
    with google(nodePools__get=Refused(404, "Not found: node pool", "notFound")) as double:
        assert watch(double.clients(), said).node_pool(PROJECT, "us-central1", "prod", "chat") == []
    assert said == []
