"""A survey: every question of a request, to every cloud of it, as evidence."""

import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from gpuyard.catalog.evidence import Evidence
from gpuyard.catalog.evidence_items import Reason
from gpuyard.discovery.actions import actions_for
from gpuyard.discovery.asking import Asking, OnProgress
from gpuyard.discovery.aws import tasks as aws_tasks
from gpuyard.discovery.failure import Failure, KnownError, Scope
from gpuyard.discovery.gcp import tasks as gcp_tasks
from gpuyard.discovery.request import SurveyRequest


@dataclass(frozen=True, slots=True, kw_only=True)
class LockedOut:
    """A cloud that could not be asked at all."""

    cloud: str
    failure: Failure
    would_ask: tuple[str, ...]
    """The calls that the request needs, as ``ec2:DescribeRegions``."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Survey:
    """What a request brought."""

    evidence: Evidence
    """Answers and gaps of this survey alone; `gpuyard.catalog.evidence.merge` lays it over older ones."""
    locked_out: tuple[LockedOut, ...]
    was_interrupted: bool = False


def survey(
    request: SurveyRequest,
    on_progress: OnProgress = lambda _: None,
    *,
    open_aws: Callable[..., Any] = aws_tasks.open_account,
    open_gcp: Callable[..., Any] = gcp_tasks.open_project,
) -> Survey:
    """Ask the clouds. Nothing is bought or changed there; what fails is a gap, never an exception.

    Takes `request.timeout_seconds` at most. A keyboard interrupt ends it early with what is known by then.
    """
    deadline = time.monotonic() + request.timeout_seconds
    asking = Asking(deadline=deadline, concurrency=request.concurrency, on_progress=on_progress)
    openers = {"aws": open_aws, "gcp": open_gcp}
    opened = _open_all({cloud: openers[cloud] for cloud in request.clouds}, request, deadline)
    locked_out = [
        LockedOut(cloud=cloud, failure=account, would_ask=_would_ask(cloud, request))
        for cloud, account in opened.items()
        if isinstance(account, Failure)
    ]
    accounts = {cloud: account for cloud, account in opened.items() if not isinstance(account, Failure)}
    first, then, last = [], [], []
    if "aws" in accounts:
        first.append(aws_tasks.region_task(request, accounts["aws"]))
        then.append(lambda: aws_tasks.region_tasks(request, accounts["aws"], asking))
        last.append(lambda: aws_tasks.place_tasks(request, accounts["aws"], asking))
    if "gcp" in accounts:
        then.append(lambda: gcp_tasks.project_tasks(request, accounts["gcp"]))
    for stage in ([lambda: first], then, last):
        asking.run([task for tasks in stage for task in tasks()])
    return Survey(
        evidence=asking.evidence, locked_out=tuple(locked_out), was_interrupted=asking.was_interrupted
    )


def _open_all(
    openers: Mapping[str, Callable[..., Any]], request: SurveyRequest, deadline: float
) -> dict[str, Any]:
    """The account of each cloud, or the `Failure` that keeps it shut; logins that hang are left behind."""
    opened: dict[str, Any] = {
        cloud: Failure(
            reason=Reason.TIMEOUT,
            message="the login gave no answer before the time limit of the survey",
            fix="log in by hand first, or allow more time with --timeout",
            scope=Scope.CLOUD,
        )
        for cloud in openers
    }

    def open_(cloud: str, opener: Callable[..., Any]) -> None:
        try:
            opened[cloud] = opener(request, deadline)
        except KnownError as error:
            opened[cloud] = error.failure
        except Exception as bug:  # noqa: BLE001 (raised again where somebody sees it)
            opened[cloud] = bug

    threads = [threading.Thread(target=open_, args=item, daemon=True) for item in openers.items()]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(max(deadline - time.monotonic(), 0))
    for account in opened.values():
        if isinstance(account, Exception):
            raise account
    return dict(opened)


def _would_ask(cloud: str, request: SurveyRequest) -> tuple[str, ...]:
    names = (
        action.permission or f"{action.service}.{action.operation}"
        for action in actions_for(cloud, request.questions)
    )
    return tuple(dict.fromkeys(names))
