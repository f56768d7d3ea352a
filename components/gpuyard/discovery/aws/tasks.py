"""The questions that a survey asks AWS."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from typing import Any

from gpuyard.catalog.evidence import request_subject
from gpuyard.catalog.evidence_items import Question, Region
from gpuyard.discovery.asking import Asking, Task
from gpuyard.discovery.aws.client import AwsClients
from gpuyard.discovery.aws.explain import explain, explain_for, not_enabled
from gpuyard.discovery.aws.list_prices import PRICE_LIST_REGION, ask_list_prices
from gpuyard.discovery.aws.manager import ask_history, ask_supportability
from gpuyard.discovery.aws.quotas import ask_quotas
from gpuyard.discovery.aws.region import NOW, AwsRegion
from gpuyard.discovery.aws.reserved import ask_capacity_blocks, ask_reservations, masked_account
from gpuyard.discovery.aws.spot import ask_placement_scores, ask_spot_prices
from gpuyard.discovery.failure import KnownError
from gpuyard.discovery.request import SurveyRequest

HOME_REGION = "us-east-1"


@dataclass(frozen=True, slots=True, kw_only=True)
class AwsAccount:
    """Whose answers they are."""

    account: str
    """Masked but for its last four digits."""
    home: str
    """Region for questions that have none."""
    clients: Any


def open_account(request: SurveyRequest, deadline: float, endpoint_url: str | None = None) -> AwsAccount:
    """The account of the credentials in the environment.

    Raises:
        KnownError: no credentials, expired or invalid ones, or no path to AWS.
    """
    import boto3  # noqa: PLC0415 (0.3 s that only a survey needs)

    try:
        session = boto3.Session(profile_name=request.profile or None)
        home = session.region_name or HOME_REGION
        clients = AwsClients(session, deadline, endpoint_url=endpoint_url, pool=request.concurrency)
        identity = clients("sts", home).get_caller_identity()
    except Exception as error:  # noqa: BLE001 (explained, whatever it is)
        raise KnownError(explain(error)) from None
    return AwsAccount(account=masked_account(identity["Account"]), home=home, clients=clients)


def region_task(request: SurveyRequest, aws: AwsAccount) -> Task:
    """Which regions the account has enabled: asked first, for it decides what else is asked."""
    return Task(
        question=Question.REGIONS,
        cloud="aws",
        account=aws.account,
        regions=request.regions["aws"],
        ask=partial(_regions, aws, request.regions["aws"]),
        explain=explain_for(aws.home, identity_known=True),
    )


def region_tasks(request: SurveyRequest, aws: AwsAccount, asking: Asking) -> list[Task]:
    """Everything that is asked region by region; a region known to be off gets one gap per question."""
    off = {region.region for region in asking.evidence.find(Region, cloud="aws") if not region.enabled}
    tasks = []
    for name in request.regions["aws"]:
        place = AwsRegion(aws.clients, name, aws.account, request.machine_types["aws"])
        for question, (subjects, ask) in _questions(request, place).items():
            if request.asks(question):
                tasks.append(_task(question, place, subjects, _refuse(name) if name in off else ask))
    if request.asks(Question.LIST_PRICES):
        tasks += [_price_task(request, aws, machine) for machine in request.machine_types["aws"]]
    if request.asks(Question.HISTORY):
        tasks.append(_history_task(request, aws))
    return tasks


def advice_tasks(request: SurveyRequest, aws: AwsAccount, zones: dict[str, str]) -> list[Task]:
    """Supportability scores of ``zones`` (zone id → region): asked last, when the zones are known."""
    if not request.asks(Question.ADVICE) or not zones:
        return []
    machines = request.machine_types["aws"]
    return [
        Task(
            question=Question.ADVICE,
            cloud="aws",
            regions=tuple(sorted(set(zones.values()))),
            subjects=tuple(request_subject(request.instances, machine, purchase) for machine in machines),
            ask=partial(
                ask_supportability,
                aws.clients("ec2", aws.home),
                aws.home,
                machines,
                zones,
                request.instances,
                purchase,
            ),
            explain=explain_for(aws.home, identity_known=True),
        )
        for purchase in ("on_demand", "spot")
    ]


Ask = Callable[[], Iterator[Any]]


def _regions(aws: AwsAccount, wanted: tuple[str, ...]) -> Iterator[Region]:
    answer = aws.clients("ec2", aws.home).describe_regions(AllRegions=True)
    for region in answer["Regions"]:
        if region["RegionName"] in wanted:
            yield Region(
                cloud="aws",
                account=aws.account,
                region=region["RegionName"],
                enabled=region.get("OptInStatus") != "not-opted-in",
                as_of=NOW,
            )


def _questions(request: SurveyRequest, place: AwsRegion) -> dict[Question, tuple[tuple[str, ...], Ask]]:
    machines = request.machine_types["aws"]
    mix = request_subject(request.instances, "+".join(sorted(machines)))
    return {
        Question.ZONES: ((), place.ask_zones),
        Question.MACHINE_TYPES: (machines, place.ask_machine_types),
        Question.OFFERINGS: (machines, place.ask_offerings),
        Question.QUOTAS: ((), partial(ask_quotas, place)),
        Question.RESERVATIONS: ((), partial(ask_reservations, place)),
        Question.SPOT_PRICES: (machines, partial(ask_spot_prices, place, request.spot_window_days)),
        Question.PLACEMENT_SCORES: ((mix,), partial(ask_placement_scores, place, request.instances)),
        Question.CAPACITY_BLOCKS: (
            tuple(request_subject(request.instances, machine) for machine in machines),
            partial(_blocks, request, place),
        ),
    }


def _blocks(request: SurveyRequest, place: AwsRegion) -> Iterator[Any]:
    for machine in request.machine_types["aws"]:
        yield from ask_capacity_blocks(
            place, machine, request.instances, request.block_hours, request.start_within_days
        )


_OWN = frozenset({Question.ZONES, Question.QUOTAS, Question.RESERVATIONS})
"""Answers that hold for one account."""


def _task(question: Question, place: AwsRegion, subjects: tuple[str, ...], ask: Ask) -> Task:
    return Task(
        question=question,
        cloud="aws",
        account=place.account if question in _OWN else "",
        regions=(place.name,),
        subjects=subjects,
        ask=ask,
        explain=explain_for(place.name, identity_known=True),
    )


def _refuse(region: str) -> Ask:
    def ask() -> Iterator[Any]:
        raise KnownError(not_enabled(region))

    return ask


def _price_task(request: SurveyRequest, aws: AwsAccount, machine: str) -> Task:
    regions = request.regions["aws"]
    pricing = partial(aws.clients, "pricing", PRICE_LIST_REGION)
    return Task(
        question=Question.LIST_PRICES,
        cloud="aws",
        regions=regions,
        subjects=(machine,),
        ask=lambda: ask_list_prices(pricing(), machine, regions),
        explain=explain_for(PRICE_LIST_REGION, identity_known=True),
    )


def _history_task(request: SurveyRequest, aws: AwsAccount) -> Task:
    machines, regions = request.machine_types["aws"], request.regions["aws"]
    return Task(
        question=Question.HISTORY,
        cloud="aws",
        account=aws.account,
        regions=regions,
        subjects=machines,
        ask=lambda: ask_history(aws.clients("ec2", aws.home), aws.home, aws.account, machines, regions),
        explain=explain_for(aws.home, identity_known=True),
    )
