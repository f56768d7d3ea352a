"""Surveys of Google Cloud: whole, refused, expired half-way, throttled and slow. All data is synthetic."""

import re
import time

import google.auth
import pytest
from google.api_core.retry import Retry
from google.auth.credentials import AnonymousCredentials
from google.auth.exceptions import DefaultCredentialsError, RefreshError
from google.cloud import compute_v1 as compute
from tests.discovery.google import PROJECT, Refused, disabled
from tests.discovery.google import google as google_double
from tests.discovery.test_gcp_questions import A3

from gpuyard.catalog.evidence_items import Offering, Question, Quota, Reason
from gpuyard.discovery.actions import ForbiddenActionError, actions_for
from gpuyard.discovery.gcp import client as gcp_client
from gpuyard.discovery.gcp.client import GcpClients
from gpuyard.discovery.request import SurveyRequest
from gpuyard.discovery.survey import survey

LISTED = compute.MachineTypeAggregatedList(
    items={"zones/us-central1-a": compute.MachineTypesScopedList(machine_types=[A3])}
)


def ask(double, clients=None, **options):
    options = {"machine_types": {"gcp": ("a3-highgpu-8g",)}, "regions": {"gcp": ("us-central1",)}, **options}
    opened = clients or double.clients(options.get("timeout_seconds", 60))
    return survey(SurveyRequest(**options), open_gcp=lambda *_: opened)


def gaps(found):
    return {gap.question: gap for gap in found.evidence.gaps}


def test_a_survey_answers_every_question_by_calls_of_the_table():
    with google_double(machineTypes__aggregatedList=LISTED) as double:
        found = ask(double)
        called = {operation for operation, _, _ in double.calls}
    assert found.evidence.gaps == ()
    scored = Question.PLACEMENT_SCORES, Question.CAPACITY_BLOCKS  # only AWS has them
    assert {answer.question for answer in found.evidence.answers} == set(Question) - set(scored)
    listed = {action.operation for action in actions_for("gcp")}
    assert called == listed
    assert found.evidence.answered(Question.OFFERINGS, "gcp", "us-central1", "a3-highgpu-8g")
    assert found.evidence.accounts("gcp") == (PROJECT,)


def test_a_missing_permission_is_named_as_google_names_it():
    said = f"Required 'compute.machineTypes.list' permission for 'projects/{PROJECT}'"
    forbidden = Refused(403, "The caller does not have permission")
    with google_double(machineTypes__aggregatedList=Refused(403, said), advice__capacity=forbidden) as double:
        found = gaps(ask(double))
    assert found[Question.OFFERINGS].permission == "compute.machineTypes.list"
    assert "roles/compute.viewer" in found[Question.OFFERINGS].fix
    assert found[Question.ADVICE].permission == "compute.advice.capacity"
    assert found[Question.ADVICE].reason is Reason.PERMISSION


def test_a_service_that_is_off_says_how_to_switch_it_on():
    l4 = compute.Quota(metric="NVIDIA_L4_GPUS", limit=8, usage=1)
    regions = compute.RegionList(items=[compute.Region(name="us-central1", status="UP", quotas=[l4])])
    with google_double(quotaInfos__list=disabled("cloudquotas"), regions__list=regions) as double:
        found = ask(double)
    gap = gaps(found)[Question.QUOTAS]
    assert gap.reason is Reason.NOT_ENABLED
    assert f"gcloud services enable cloudquotas.googleapis.com --project {PROJECT}" in gap.fix
    assert [quota.code for quota in found.evidence.find(Quota)] == ["NVIDIA_L4_GPUS"]


class Expiring(AnonymousCredentials):
    """Credentials whose refresh fails after some calls."""

    def __init__(self, calls):
        super().__init__()
        self.left = calls

    def before_request(self, *_):
        self.left -= 1
        if self.left < 0:
            raise RefreshError("('invalid_grant: Token has been expired or revoked.')")


def test_credentials_that_expire_half_way_keep_what_was_found():
    only = frozenset({Question.OFFERINGS, Question.ZONES, Question.LIST_PRICES})
    with google_double(machineTypes__aggregatedList=LISTED) as double:
        clients = double.clients(credentials=Expiring(2))
        found = ask(double, clients, questions=only, concurrency=1)
        assert len(double.calls) == 2
    assert len(found.evidence.find(Offering, machine_type="a3-highgpu-8g")) == 1
    assert {gap.reason for gap in found.evidence.gaps} == {Reason.CREDENTIALS}
    assert "gcloud auth application-default login" in found.evidence.gaps[0].fix


def test_an_unauthenticated_answer_closes_the_cloud():
    with google_double(regions__list=Refused(401, "Request had invalid authentication")) as double:
        found = ask(double, concurrency=1)
        assert [operation for operation, _, _ in double.calls] == ["regions.list"]
    assert {gap.reason for gap in found.evidence.gaps} == {Reason.CREDENTIALS}


@pytest.fixture
def quick(monkeypatch):
    made = Retry.__init__
    monkeypatch.setattr(
        Retry, "__init__", lambda self, **kw: made(self, **{**kw, "initial": 0.001, "maximum": 0.002})
    )


@pytest.mark.parametrize(
    "throttle", [Refused(429, "slow down", "rateLimitExceeded"), Refused(403, "slow", "rateLimitExceeded")]
)
def test_throttling_is_waited_out(quick, throttle):
    answers = iter([throttle, throttle, compute.ZoneList()])
    only = frozenset({Question.ZONES})
    with google_double(zones__list=lambda *_: next(answers)) as double:
        found = ask(double, questions=only)
        assert len(double.called("zones.list")) == 3
    assert found.evidence.gaps == ()


def test_endless_throttling_ends_as_a_gap(quick):
    only = frozenset({Question.ZONES})
    with google_double(zones__list=Refused(429, "slow down", "rateLimitExceeded")) as double:
        clients = double.clients(seconds=0.2)
        found = ask(double, clients, questions=only, timeout_seconds=5)
        assert len(double.called("zones.list")) > 2
    assert gaps(found)[Question.ZONES].reason is Reason.THROTTLED


def test_other_errors_are_not_retried():
    only = frozenset({Question.ZONES, Question.LIST_PRICES})
    broken = Refused(503, "backend error", "backendError")
    with google_double(zones__list=broken, services__skus__list=broken) as double:
        found = ask(double, questions=only)
        assert len(double.called("zones.list")) == 1
        assert len(double.called("services.skus.list")) == 1
    assert (
        gaps(found)[Question.ZONES].message == "HTTP 503: backend error"
        or "503" in gaps(found)[Question.ZONES].message
    )


def test_a_slow_answer_is_a_time_out(monkeypatch):
    monkeypatch.setattr(gcp_client, "CALL_SECONDS", 0.2)
    only = frozenset({Question.ZONES, Question.LIST_PRICES})

    def slow(*_):
        time.sleep(0.6)
        return compute.ZoneList()

    with google_double(zones__list=slow) as double:
        found = ask(double, questions=only)
    assert gaps(found)[Question.ZONES].reason is Reason.TIMEOUT
    assert Question.LIST_PRICES not in gaps(found)


def test_an_unreachable_api_is_named():
    clients = GcpClients(
        AnonymousCredentials(), PROJECT, time.monotonic() + 5, hosts={"compute": "http://127.0.0.1:9"}
    )
    found = ask(None, clients, questions=frozenset({Question.ZONES}))
    assert gaps(found)[Question.ZONES].reason is Reason.UNREACHABLE
    assert "compute.googleapis.com" in gaps(found)[Question.ZONES].message


def test_no_credentials_say_what_would_be_asked(monkeypatch):
    def none(scopes):
        raise DefaultCredentialsError("Your default credentials were not found.")

    monkeypatch.setattr(google.auth, "default", none)
    request = SurveyRequest(
        machine_types={"gcp": ("a3-highgpu-8g",)},
        regions={"gcp": ("us-central1",)},
        questions=frozenset({Question.QUOTAS}),
    )
    (locked,) = survey(request).locked_out
    assert locked.failure.reason is Reason.CREDENTIALS
    assert "application-default login" in locked.failure.fix
    assert "cloudquotas.quotas.get" in locked.would_ask


def test_credentials_without_a_project_ask_for_one(monkeypatch):
    class Working(AnonymousCredentials):
        def refresh(self, request):
            pass

    monkeypatch.setattr(google.auth, "default", lambda scopes: (Working(), None))
    request = SurveyRequest(machine_types={"gcp": ("a3-highgpu-8g",)}, regions={"gcp": ("us-central1",)})
    (locked,) = survey(request).locked_out
    assert "--project" in locked.failure.fix


def test_nothing_outside_the_table_can_be_called():
    with google_double() as double:
        clients = double.clients()
        with pytest.raises(ForbiddenActionError, match=r"futureReservations\.insert"):
            clients.compute("futureReservations.insert", zone="us-central1-a")
        with pytest.raises(ForbiddenActionError):
            list(clients.pages("cloudquotas", "quotaPreferences.create", "/v1/x", "x"))
        assert double.calls == []


def test_every_action_of_the_table_only_reads():
    for action in actions_for("gcp"):
        assert re.fullmatch(r"[\w.]+\.(list|aggregatedList|get)|advice\.\w+", action.operation), action
    for action in actions_for("aws"):
        assert re.match(r"(Describe|Get|List)[A-Z]", action.operation), action
