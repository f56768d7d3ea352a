"""The questions that a survey asks AWS."""

from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from functools import partial
from typing import Any

from gpuyard.catalog.evidence import Evidence, request_subject
from gpuyard.catalog.evidence_items import Offering, Question, Region
from gpuyard.discovery.asking import Asking, Task
from gpuyard.discovery.aws.client import AwsClients
from gpuyard.discovery.aws.explain import explain, explain_for, not_enabled, not_in_partition
from gpuyard.discovery.aws.list_prices import PRICE_LIST_REGION, ask_list_prices
from gpuyard.discovery.aws.manager import ask_history, ask_supportability
from gpuyard.discovery.aws.quotas import ask_quotas
from gpuyard.discovery.aws.region import NOW, AwsRegion
from gpuyard.discovery.aws.reserved import ask_capacity_blocks, ask_reservations, masked_account
from gpuyard.discovery.aws.spot import ask_placement_scores, ask_spot_prices
from gpuyard.discovery.failure import Failure, KnownError
from gpuyard.discovery.request import SurveyRequest

HOME_REGION = "us-east-1"
ZONES_GUESSED = 3
"""Zones that count where it is not known which ones sell a machine type."""


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
    tasks = []
    for name in request.regions["aws"]:
        place = AwsRegion(aws.clients, name, aws.account, request.machine_types["aws"])
        closed = _closed(name, asking.evidence)
        for question, (subjects, ask) in _questions(request, place).items():
            if request.asks(question):
                tasks.append(_task(question, place, subjects, _refuse(closed) if closed else ask))
    if request.asks(Question.LIST_PRICES):
        tasks += [_price_task(request, aws, machine) for machine in request.machine_types["aws"]]
    if request.asks(Question.HISTORY):
        tasks.append(_history_task(request, aws))
    return tasks


def place_tasks(request: SurveyRequest, aws: AwsAccount, asking: Asking) -> list[Task]:
    """Scores of places: asked last, when it is known which of them sell which machine types.

    Without that knowledge, the scores of spot requests are asked for every region that is not closed.
    """
    offers = asking.evidence.find(Offering, cloud="aws")
    selling = {offer.zone: offer.region for offer in offers}
    machines = tuple(sorted({offer.machine_type for offer in offers})) or request.machine_types["aws"]
    counts = Counter(selling.values())
    for region in request.regions["aws"]:
        asked = asking.evidence.answered(Question.OFFERINGS, "aws", region, request.machine_types["aws"][0])
        if not asked and not _closed(region, asking.evidence):
            counts[region] = counts[region] or ZONES_GUESSED
    tasks = []
    if request.asks(Question.PLACEMENT_SCORES) and counts:
        tasks.append(_score_task(request, aws, machines, dict(sorted(counts.items()))))
    if request.asks(Question.ADVICE) and selling:
        markets = ("on_demand", "spot")
        tasks += [_advice_task(request, aws, machines, selling, market) for market in markets]
    return tasks


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
    return {
        Question.ZONES: ((), place.ask_zones),
        Question.MACHINE_TYPES: (machines, place.ask_machine_types),
        Question.OFFERINGS: (machines, place.ask_offerings),
        Question.QUOTAS: ((), partial(ask_quotas, place)),
        Question.RESERVATIONS: ((), partial(ask_reservations, place)),
        Question.SPOT_PRICES: (machines, partial(ask_spot_prices, place, request.spot_window_days)),
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


def _closed(region: str, evidence: Evidence) -> Failure | None:
    """Why the region need not be asked; None: it is enabled, or nobody knows."""
    listed = evidence.find(Region, cloud="aws", region=region)
    if any(not found.enabled for found in listed):
        return not_enabled(region)
    if not listed and evidence.answered(Question.REGIONS, "aws", region):
        return not_in_partition(region)
    return None


def _refuse(failure: Failure) -> Ask:
    def ask() -> Iterator[Any]:
        raise KnownError(failure)

    return ask


def _score_task(
    request: SurveyRequest, aws: AwsAccount, machines: tuple[str, ...], zones: Mapping[str, int]
) -> Task:
    return Task(
        question=Question.PLACEMENT_SCORES,
        cloud="aws",
        regions=tuple(zones),
        subjects=(request_subject(request.instances, "+".join(sorted(machines))),),
        ask=lambda: ask_placement_scores(aws.clients("ec2", aws.home), machines, zones, request.instances),
        explain=explain_for(aws.home, identity_known=True),
    )


def _advice_task(
    request: SurveyRequest,
    aws: AwsAccount,
    machines: tuple[str, ...],
    zones: Mapping[str, str],
    purchase: str,
) -> Task:
    return Task(
        question=Question.ADVICE,
        cloud="aws",
        regions=tuple(sorted(set(zones.values()))),
        subjects=tuple(request_subject(request.instances, machine, purchase) for machine in machines),
        ask=lambda: ask_supportability(
            aws.clients("ec2", aws.home), aws.home, machines, zones, request.instances, purchase
        ),
        explain=explain_for(aws.home, identity_known=True),
    )


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
