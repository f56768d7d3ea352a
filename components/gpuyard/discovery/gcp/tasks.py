"""The questions that a survey asks Google Cloud."""

from collections.abc import Callable, Iterator
from functools import partial
from typing import Any

from gpuyard.catalog.evidence import request_subject
from gpuyard.catalog.evidence_items import Question, Reason
from gpuyard.catalog.places import regions_selling
from gpuyard.discovery.asking import Task
from gpuyard.discovery.failure import Failure, KnownError, Scope
from gpuyard.discovery.gcp import advice, list_prices, places, quotas, reserved
from gpuyard.discovery.gcp.client import SCOPE, GcpClients
from gpuyard.discovery.gcp.explain import LOGIN, explain, explain_for
from gpuyard.discovery.request import SurveyRequest

_OWN = frozenset({Question.REGIONS, Question.ZONES, Question.QUOTAS, Question.RESERVATIONS})


def open_project(request: SurveyRequest, deadline: float) -> GcpClients:
    """The project of the request, by application-default credentials.

    Raises:
        KnownError: no credentials, expired ones, or no project to ask with.
    """
    import google.auth  # noqa: PLC0415 (only a survey needs it)
    from google.auth.transport.requests import Request  # noqa: PLC0415
    from google.oauth2.credentials import Credentials  # noqa: PLC0415

    try:
        credentials, found = google.auth.default(scopes=[SCOPE])
        credentials.refresh(Request())
    except Exception as error:  # noqa: BLE001 (explained, whatever it is)
        raise KnownError(explain(error, request.project)) from None
    project = request.project or found or ""
    if not project:
        raise KnownError(
            Failure(
                reason=Reason.CREDENTIALS,
                message="the Google credentials name no project",
                fix=f"name it with --project, or {LOGIN}",
                scope=Scope.CLOUD,
            )
        )
    if isinstance(credentials, Credentials) and not credentials.quota_project_id:
        credentials = credentials.with_quota_project(project)
    return GcpClients(credentials, project, deadline)


def project_tasks(request: SurveyRequest, clients: GcpClients) -> list[Task]:
    """Everything that is asked of the project."""
    machines, regions = request.machine_types["gcp"], request.regions["gcp"]
    task = partial(_task, clients.project)
    tasks = [
        task(
            Question.REGIONS,
            regions,
            (),
            partial(places.ask_regions, clients, regions),
        ),
        task(Question.ZONES, regions, (), partial(places.ask_zones, clients, regions)),
        task(
            Question.MACHINE_TYPES,
            regions,
            machines,
            partial(places.ask_machine_types, clients, machines, regions),
        ),
        task(
            Question.OFFERINGS,
            regions,
            machines,
            partial(places.ask_offerings, clients, machines, regions),
        ),
        task(
            Question.OFFERINGS,
            regions,
            ("accelerators",),
            partial(places.ask_accelerators, clients, regions),
        ),
        task(
            Question.RESERVATIONS,
            regions,
            (),
            partial(reserved.ask_reservations, clients, regions),
        ),
        task(Question.QUOTAS, regions, (), partial(quotas.ask_quotas, clients, regions)),
        task(Question.QUOTAS, ("global",), (), partial(quotas.ask_total_quotas, clients)),
        task(
            Question.LIST_PRICES,
            regions,
            machines,
            partial(list_prices.ask_list_prices, clients, machines, regions),
        ),
    ]
    tasks += [one for region in regions for one in _forecasts(request, clients, region, task)]
    return [one for one in tasks if request.asks(one.question)]


def _forecasts(
    request: SurveyRequest, clients: GcpClients, region: str, task: Callable[..., Task]
) -> Iterator[Task]:
    """Advice and history of one region, of the machine types that the catalog knows it to sell."""
    for machine in request.machine_types["gcp"]:
        known = regions_selling("gcp", machine)
        if known and region not in known:
            continue
        size = request.instances
        for purchase in advice.MODELS:
            yield task(
                Question.ADVICE,
                (region,),
                (request_subject(size, machine, purchase),),
                partial(advice.ask_odds, clients, region, machine, size, purchase),
            )
        if machine.startswith(advice.CALENDAR_FAMILIES):
            yield task(
                Question.ADVICE,
                (region,),
                (request_subject(size, machine, "calendar"),),
                partial(
                    advice.ask_calendar,
                    clients,
                    region,
                    machine,
                    size,
                    request.calendar_hours,
                    request.start_within_days,
                ),
            )
        yield task(
            Question.SPOT_PRICES,
            (region,),
            (machine,),
            partial(advice.ask_spot_prices, clients, region, machine, request.spot_window_days),
        )
        yield task(
            Question.HISTORY,
            (region,),
            (machine,),
            partial(advice.ask_preemptions, clients, region, machine),
        )


def _task(
    project: str,
    question: Question,
    regions: tuple[str, ...],
    subjects: tuple[str, ...],
    ask: Callable[[], Iterator[Any]],
) -> Task:
    return Task(
        question=question,
        cloud="gcp",
        account=project if question in _OWN else "",
        regions=regions,
        subjects=subjects,
        ask=ask,
        explain=explain_for(project),
    )
