"""What a cloud says of machines that are being made: node group issues, scaling activities, group errors.

Read-only, as everything here. A cloud that cannot be asked is told once; nothing follows from silence.
"""

import time
from collections.abc import Callable, Iterator, Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

from gpuyard.catalog.evidence_items import Question
from gpuyard.discovery.failure import KnownError
from gpuyard.discovery.request import SurveyRequest

_FOREVER_S = 7 * 24 * 3600.0
_BEGUN_AGAIN = ("Successful", "InProgress", "PreInService", "WaitingForInstanceWarmup")
"""States of a scaling activity by which machines may still come."""
_ACTIVITIES = 10
_RECENT = timedelta(minutes=10)


class CloudWatch:
    """Asks about one group of machines at a time, with the credentials of the environment."""

    def __init__(self, report: Callable[[str], None], openers: Mapping[str, Callable[..., Any]]) -> None:
        """``openers`` log in to a cloud, as those of a survey do; ``report`` is told what cannot be asked."""
        self._report, self._openers = report, openers
        self._accounts: dict[str, Any] = {}
        self._silent: set[str] = set()

    def node_group(self, region: str, cluster: str, name: str) -> list[str]:
        """What EKS and EC2 Auto Scaling say against a node group."""
        return self._ask("aws", "", lambda aws: list(_node_group(aws.clients, region, cluster, name)))

    def node_pool(self, project: str, location: str, cluster: str, name: str) -> list[str]:
        """What GKE and its instance groups say against a node pool."""
        return self._ask("gcp", project, lambda gcp: list(_node_pool(gcp, location, cluster, name)))

    def _ask(self, cloud: str, project: str, ask: Callable[[Any], list[str]]) -> list[str]:
        if cloud in self._silent:
            return []
        try:
            if cloud not in self._accounts:
                self._accounts[cloud] = self._openers[cloud](_request(cloud, project), _deadline())
            return ask(self._accounts[cloud])
        except KnownError as error:
            return self._give_up(cloud, error.failure.message)
        except Exception as error:  # noqa: BLE001 (a question that fails must not end what it watches)
            return [] if _is_not_there(error) else self._give_up(cloud, _words(error))

    def _give_up(self, cloud: str, why: str) -> list[str]:
        self._silent.add(cloud)
        self._report(f"{cloud} is not watched during tries, only the time limits hold: {why}")
        return []


def _request(cloud: str, project: str) -> SurveyRequest:
    questions = frozenset({Question.REGIONS})
    return SurveyRequest(machine_types={cloud: ()}, regions={cloud: ()}, project=project, questions=questions)


def _deadline() -> float:
    return time.monotonic() + _FOREVER_S


def _node_group(clients: Any, region: str, cluster: str, name: str) -> Iterator[str]:
    found = clients("eks", region).describe_nodegroup(clusterName=cluster, nodegroupName=name)["nodegroup"]
    for group in found.get("resources", {}).get("autoScalingGroups", ()):
        answer = clients("autoscaling", region).describe_scaling_activities(
            AutoScalingGroupName=group["name"], MaxRecords=_ACTIVITIES
        )
        for activity in answer["Activities"]:  # newest first
            if activity["StatusCode"] in _BEGUN_AGAIN:
                return
            if activity["StatusCode"] in ("Failed", "Cancelled") and activity.get("StatusMessage"):
                yield activity["StatusMessage"]
    for issue in found.get("health", {}).get("issues", ()):
        yield f"{issue.get('code', '')}: {issue.get('message', '')}"


def _node_pool(gcp: Any, location: str, cluster: str, name: str) -> Iterator[str]:
    path = f"/v1/projects/{gcp.project}/locations/{location}/clusters/{cluster}/nodePools/{name}"
    pool = gcp.get("container", "nodePools.get", path)
    for condition in pool.get("conditions", ()):
        yield f"{condition.get('code', '')}: {condition.get('message', '')}"
    for url in pool.get("instanceGroupUrls", ()):
        parts = url.split("/")
        errors = gcp.compute(
            "instanceGroupManagers.listErrors",
            zone=parts[parts.index("zones") + 1],
            instance_group_manager=parts[-1],
        )
        for item in errors:
            if _is_recent(item.timestamp):
                yield f"{item.error.code}: {item.error.message}"


def _is_recent(stamp: str) -> bool:
    """Whether an error is of the attempts of now; one without a readable time counts."""
    try:
        age = datetime.now(UTC) - datetime.fromisoformat(stamp)
    except (TypeError, ValueError):
        return True
    return age <= _RECENT


def _is_not_there(error: Exception) -> bool:
    """Not made yet, or gone again."""
    response = getattr(error, "response", None)
    if isinstance(response, Mapping):
        return response.get("Error", {}).get("Code") in ("ResourceNotFoundException", "ValidationError")
    return getattr(error, "code", None) == 404


def _words(error: Exception) -> str:
    return " ".join(str(error).split())[:200] or type(error).__name__
