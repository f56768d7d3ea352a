"""Surveys of AWS: whole, refused, expired half-way, throttled and slow. All data is synthetic."""

import threading
import time
from contextlib import contextmanager, suppress
from functools import partial
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import boto3
import pytest
from tests.discovery.conftest import MASKED, P5, Refusal, session

from gpuyard.catalog.evidence import Evidence, merge
from gpuyard.catalog.evidence_items import Offering, Question, Quota, Reason, Region
from gpuyard.discovery.actions import ForbiddenActionError
from gpuyard.discovery.aws import client as aws_client
from gpuyard.discovery.aws.client import AwsClients
from gpuyard.discovery.aws.explain import explain
from gpuyard.discovery.aws.tasks import AwsAccount, open_account
from gpuyard.discovery.request import SurveyRequest
from gpuyard.discovery.survey import survey

REGIONS = ("us-east-1", "us-west-2")


def ask(double, monkeypatch, regions=REGIONS, **options):
    monkeypatch.setattr(boto3, "Session", lambda profile_name=None: double.session)
    request = SurveyRequest(
        machine_types={"aws": ("p5.48xlarge",)}, regions={"aws": regions}, block_hours=(24,), **options
    )
    return survey(request)


def gaps(found):
    return {(gap.question, gap.region): gap for gap in found.evidence.gaps}


def test_a_survey_answers_every_question_of_every_region(aws, monkeypatch):
    double = aws(
        GetCapacityManagerAttributes={"CapacityManagerStatus": "enabled"},
        GetCapacityManagerSupportabilityScores={"CapacityManagerSupportabilityScores": []},
        GetCapacityManagerMetricData={"MetricDataResults": []},
    )
    found = ask(double, monkeypatch)
    assert found.evidence.gaps == ()
    assert found.locked_out == ()
    answered = {(answer.question, answer.region) for answer in found.evidence.answers}
    assert answered == {(question, region) for question in Question for region in REGIONS}
    assert found.evidence.accounts("aws") == (MASKED,)
    assert len(found.evidence.find(Offering, region="us-west-2")) == 2


def test_an_account_with_nothing_gives_empty_answers_not_gaps(aws, monkeypatch):
    found = ask(
        aws(
            DescribeInstanceTypes={"InstanceTypes": []},
            DescribeInstanceTypeOfferings={"InstanceTypeOfferings": []},
        ),
        monkeypatch,
    )
    assert found.evidence.find(Offering) == ()
    assert found.evidence.answered(Question.OFFERINGS, "aws", "us-east-1", "p5.48xlarge")
    assert {gap.question for gap in found.evidence.gaps} == {Question.HISTORY}  # Capacity Manager is off
    assert {gap.region for gap in found.evidence.gaps} == set(REGIONS)


def test_a_denied_action_is_named_exactly_and_others_go_on(aws, monkeypatch):
    denied = Refusal(
        "UnauthorizedOperation",
        "You are not authorized to perform this operation. User: arn:aws:iam::123456789012:user/jane is not "
        "authorized to perform: ec2:DescribeSpotPriceHistory. Encoded authorization failure message: Zm9v",
    )
    quotas = Refusal("AccessDeniedException", "not authorized because of a service control policy")
    found = ask(aws(DescribeSpotPriceHistory=denied, ListServiceQuotas=quotas), monkeypatch)
    gap = gaps(found)[Question.SPOT_PRICES, "us-east-1"]
    assert (gap.reason, gap.permission) == (Reason.PERMISSION, "ec2:DescribeSpotPriceHistory")
    assert "jane" not in gap.message
    assert "Zm9v" not in gap.message
    gap = gaps(found)[Question.QUOTAS, "us-west-2"]
    assert gap.permission == "servicequotas:ListServiceQuotas"
    assert "administrator" in gap.fix
    assert found.evidence.find(Offering, region="us-east-1")


def test_a_region_that_is_not_enabled_is_not_asked(aws, monkeypatch):
    double = aws()
    found = ask(double, monkeypatch, regions=("us-east-1", "me-central-1"))
    gap = gaps(found)[Question.OFFERINGS, "me-central-1"]
    assert gap.reason is Reason.NOT_ENABLED
    assert gap.fix.startswith("enable it: `aws account enable-region --region-name me-central-1`")
    assert {region.region: region.enabled for region in found.evidence.find(Region)} == {
        "us-east-1": True,
        "me-central-1": False,
    }
    assert {region for name, region, _ in double.calls} == {"us-east-1"}


def test_keys_that_work_elsewhere_mean_a_region_that_is_not_enabled(aws, monkeypatch):
    def offerings(region, _):
        if region == "us-west-2":
            return Refusal("AuthFailure", "AWS was not able to validate the provided access credentials")
        return {"InstanceTypeOfferings": []}

    double = aws(DescribeRegions=Refusal("UnauthorizedOperation"), DescribeInstanceTypeOfferings=offerings)
    found = ask(double, monkeypatch, questions=frozenset({Question.OFFERINGS}))
    assert gaps(found)[Question.OFFERINGS, "us-west-2"].reason is Reason.NOT_ENABLED
    assert gaps(found)[Question.REGIONS, "us-west-2"].permission == "ec2:DescribeRegions"
    assert found.evidence.answered(Question.OFFERINGS, "aws", "us-east-1", "p5.48xlarge")


def test_a_region_of_another_partition_is_not_asked(aws, monkeypatch):
    double = aws()
    found = ask(double, monkeypatch, regions=("us-east-1", "us-gov-west-1"))
    gap = gaps(found)[Question.OFFERINGS, "us-gov-west-1"]
    assert gap.reason is Reason.NOT_ENABLED
    assert "partition" in gap.fix
    assert {region for name, region, _ in double.calls} == {"us-east-1"}


def test_spot_scores_are_asked_where_the_machines_are_sold_in_few_requests(aws, monkeypatch):
    def offerings(region, _):
        sold = [{"InstanceType": "p5.48xlarge", "Location": "usw2-az1"}] if region == "us-west-2" else []
        return {"InstanceTypeOfferings": sold}

    double = aws(DescribeInstanceTypeOfferings=offerings)
    ask(double, monkeypatch)
    asked = [request["RegionNames"] for _, request in double.called("GetSpotPlacementScores")]
    assert asked == [["us-west-2"], ["us-west-2"]]
    double = aws(DescribeInstanceTypeOfferings=Refusal("UnauthorizedOperation"))
    found = ask(double, monkeypatch)
    asked = [request["RegionNames"] for _, request in double.called("GetSpotPlacementScores")]
    assert asked == [["us-east-1", "us-west-2"], ["us-east-1", "us-west-2"]]
    assert found.evidence.answered(Question.PLACEMENT_SCORES, "aws", "us-west-2", "1 x p5.48xlarge")


def test_credentials_that_expire_half_way_keep_what_was_found(aws, monkeypatch):
    calls = []

    def offerings(region, _):
        calls.append(region)
        if len(calls) > 1:
            return Refusal("ExpiredToken", "The provided token has expired.")
        return {"InstanceTypeOfferings": [{"InstanceType": "p5.48xlarge", "Location": "use1-az1"}]}

    regions = ("us-east-1", "us-west-2", "eu-west-1", "eu-north-1")
    listed = {"Regions": [{"RegionName": region} for region in regions]}
    double = aws(DescribeInstanceTypeOfferings=offerings, DescribeRegions=listed)
    only = frozenset({Question.OFFERINGS})
    found = ask(double, monkeypatch, regions=regions, questions=only, concurrency=1)
    assert len(found.evidence.find(Offering)) == 1
    missing = [gap for gap in found.evidence.gaps if gap.question is Question.OFFERINGS]
    assert {gap.reason for gap in missing} == {Reason.CREDENTIALS}
    assert len(missing) == 3
    assert len(calls) == 2
    assert "aws sso login" in missing[0].fix


@pytest.mark.parametrize("code", ["ExpiredToken", "InvalidClientTokenId"])
def test_bad_credentials_lock_the_cloud_out_and_say_what_would_be_asked(aws, monkeypatch, code):
    found = ask(aws(GetCallerIdentity=Refusal(code)), monkeypatch, questions=frozenset({Question.QUOTAS}))
    (locked,) = found.locked_out
    assert locked.failure.reason is Reason.CREDENTIALS
    assert "servicequotas:ListServiceQuotas" in locked.would_ask
    assert "ec2:DescribeSpotPriceHistory" not in locked.would_ask
    assert found.evidence == Evidence()


def test_no_credentials_are_no_traceback(monkeypatch, tmp_path):
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_PROFILE", "AWS_SESSION_TOKEN"):
        monkeypatch.delenv(name, raising=False)
    for name in ("AWS_CONFIG_FILE", "AWS_SHARED_CREDENTIALS_FILE"):
        monkeypatch.setenv(name, str(tmp_path / "none"))
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    request = SurveyRequest(machine_types={"aws": ("p5.48xlarge",)}, regions={"aws": ("us-east-1",)})
    (locked,) = survey(request).locked_out
    assert "no usable AWS credentials" in locked.failure.message
    monkeypatch.setenv("AWS_PROFILE", "absent")
    (locked,) = survey(request).locked_out
    assert "absent" in locked.failure.message


def test_a_partial_survey_leaves_earlier_evidence_alone(aws, monkeypatch):
    quota = {"QuotaCode": "L-417A185B", "QuotaName": "Running On-Demand P instances", "Value": 192.0}
    before = ask(aws(ListServiceQuotas={"Quotas": [quota]}), monkeypatch).evidence
    after = ask(aws(ListServiceQuotas=Refusal("AccessDeniedException")), monkeypatch).evidence
    both = merge(before, after)
    assert [item.limit for item in both.find(Quota, region="us-east-1")] == [192.0]
    assert any(gap.question is Question.QUOTAS for gap in both.gaps)


def test_nothing_that_buys_or_changes_can_be_called(aws):
    ec2 = aws().clients()("ec2", "us-east-1")
    with pytest.raises(ForbiddenActionError, match="PurchaseCapacityBlock"):
        ec2.purchase_capacity_block(CapacityBlockOfferingId="cb-1", InstancePlatform="Linux/UNIX")
    with pytest.raises(ForbiddenActionError):
        ec2.run_instances(MinCount=1, MaxCount=1)


THROTTLED = b"""<Response><Errors><Error><Code>RequestLimitExceeded</Code><Message>slow down</Message></Error>
</Errors><RequestID>synthetic</RequestID></Response>"""
DENIED = THROTTLED.replace(b"RequestLimitExceeded", b"InternalError")
EMPTY = b"""<DescribeRegionsResponse xmlns="http://ec2.amazonaws.com/doc/2016-11-15/">
<requestId>synthetic</requestId><regionInfo/></DescribeRegionsResponse>"""


@contextmanager
def server(answers, delay=0.0):
    """A local EC2 endpoint that gives one (status, body) after the other, the last one for ever."""
    asked = []

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self):
            self.rfile.read(int(self.headers["Content-Length"]))
            status, body = answers[min(len(asked), len(answers) - 1)]
            asked.append(status)
            time.sleep(delay)
            with suppress(BrokenPipeError):  # the client gave up waiting
                self.send_response(status)
                self.end_headers()
                self.wfile.write(body)

        def log_message(self, *_):
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as httpd:
        thread = threading.Thread(target=httpd.serve_forever, args=(0.02,), daemon=True)
        thread.start()
        yield f"http://127.0.0.1:{httpd.server_port}", asked
        httpd.shutdown()
        thread.join()


def ec2_at(url, seconds=60):
    return AwsClients(session(), time.monotonic() + seconds, endpoint_url=url)("ec2", "us-east-1")


@pytest.fixture
def quick(monkeypatch):
    monkeypatch.setattr(aws_client, "_back_off", lambda attempts: 0.001 * attempts)


def test_throttling_is_waited_out(quick):
    with server([(503, THROTTLED), (503, THROTTLED), (200, EMPTY)]) as (url, asked):
        assert ec2_at(url).describe_regions()["Regions"] == []
    assert asked == [503, 503, 200]


def test_endless_throttling_ends_as_a_gap(quick):
    with server([(503, THROTTLED)]) as (url, asked), pytest.raises(Exception, match="RequestLimit") as error:
        ec2_at(url).describe_regions()
    assert len(asked) == aws_client.ATTEMPTS
    assert explain(error.value).reason is Reason.THROTTLED


def test_throttling_is_not_waited_out_beyond_the_deadline():
    with server([(503, THROTTLED)]) as (url, asked), pytest.raises(Exception, match="RequestLimit"):
        ec2_at(url, seconds=0).describe_regions()
    assert asked == [503]


def test_other_errors_are_not_retried():
    with (
        server([(500, DENIED), (200, EMPTY)]) as (url, asked),
        pytest.raises(Exception, match="Internal") as error,
    ):
        ec2_at(url).describe_regions()
    assert asked == [500]
    assert explain(error.value).reason is Reason.REFUSED


def test_a_region_that_does_not_answer_is_a_time_out(monkeypatch):
    monkeypatch.setattr(aws_client, "READ_SECONDS", 0.2)
    with (
        server([(200, EMPTY)], delay=1.0) as (url, asked),
        pytest.raises(Exception, match="timeout") as error,
    ):
        ec2_at(url).describe_regions()
    assert len(asked) == 1
    assert explain(error.value).reason is Reason.TIMEOUT


def test_a_region_that_cannot_be_reached_is_asked_once():
    with server([(200, EMPTY)]) as (url, _):
        pass
    with pytest.raises(Exception, match="connect") as error:
        ec2_at(url).describe_regions()
    failure = explain(error.value, "us-east-1", identity_known=True)
    assert (failure.reason, failure.scope) == (Reason.UNREACHABLE, "region")


def test_a_slow_region_does_not_hold_the_others(aws, monkeypatch):
    def types(region, _):
        if region == "us-west-2":
            time.sleep(5)
        return {"InstanceTypes": [P5]}

    only = frozenset({Question.MACHINE_TYPES})
    began = time.monotonic()
    found = ask(aws(DescribeInstanceTypes=types), monkeypatch, questions=only, timeout_seconds=1.5)
    assert time.monotonic() - began < 4
    assert found.evidence.answered(Question.MACHINE_TYPES, "aws", "us-east-1", "p5.48xlarge")
    assert gaps(found)[Question.MACHINE_TYPES, "us-west-2"].reason is Reason.TIMEOUT


def test_a_login_that_hangs_does_not_hold_the_other_cloud(aws):
    double = aws()
    opened = AwsAccount(account=MASKED, home="us-east-1", clients=double.clients())
    request = SurveyRequest(
        machine_types={"aws": ("p5.48xlarge",), "gcp": ("a3-highgpu-8g",)},
        regions={"aws": ("us-east-1",), "gcp": ("us-central1",)},
        questions=frozenset({Question.OFFERINGS}),
        timeout_seconds=1,
    )
    began = time.monotonic()
    found = survey(request, open_aws=lambda *_: opened, open_gcp=lambda *_: time.sleep(30))
    assert time.monotonic() - began < 4
    (locked,) = found.locked_out
    assert (locked.cloud, locked.failure.reason) == ("gcp", Reason.TIMEOUT)


def test_the_account_is_opened_with_the_profile_that_is_named(monkeypatch, aws):
    double, named = aws(), []
    monkeypatch.setattr(boto3, "Session", lambda profile_name: named.append(profile_name) or double.session)
    request = SurveyRequest(machine_types={}, regions={}, profile="synthetic")
    opened = partial(open_account, request)(time.monotonic() + 5)
    assert (named, opened.account, opened.home) == (["synthetic"], MASKED, "us-east-1")
