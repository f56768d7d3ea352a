"""The live half of `gpuyard capacity`, on doubles of the clouds. All data is synthetic."""

from dataclasses import replace
from datetime import date, timedelta

import boto3
import google.auth
import pytest
from google.auth.exceptions import DefaultCredentialsError
from tests.discovery.conftest import Refusal

from gpuyard.capacity.demand import AllowedRegion, Demand, GpuNeed, Purchase
from gpuyard.catalog.evidence_file import read_evidence
from gpuyard.catalog.evidence_items import Offering, Quota
from gpuyard.cli.live import ask_clouds, survey_request
from gpuyard.discovery.request import BLOCK_HOURS, block_days
from gpuyard.errors import SpecError

OPTIONS = {"profile": "", "project": "", "timeout_seconds": 60, "concurrency": 8}


def demand(*regions, gpus=8, nodes=1, replicas=1):
    return Demand(
        endpoint="llm",
        needs=(GpuNeed(accelerator="h100-sxm", gpus_per_replica=gpus, nodes_per_replica=nodes, reason=""),),
        replicas_min=replicas,
        replicas_max=replicas,
        purchases=tuple(Purchase),
        regions=tuple(AllowedRegion(cloud=cloud, region=region) for cloud, region in regions),
    )


@pytest.fixture
def clouds(monkeypatch, aws):
    """AWS answers; Google has no credentials."""

    def none(scopes):
        raise DefaultCredentialsError("Your default credentials were not found.")

    def put(**answers):
        double = aws(**answers)
        monkeypatch.setattr(boto3, "Session", lambda profile_name=None: double.session)
        monkeypatch.setattr(google.auth, "default", none)
        return double

    return put


BOTH = (("aws", "us-east-1"), ("aws", "us-west-2"), ("gcp", "us-central1"))


def test_a_survey_is_about_what_the_demands_need():
    request = survey_request([demand(*BOTH, gpus=16, nodes=2, replicas=3)], OPTIONS, "synthetic")
    assert request.machine_types["aws"] == ("p5.48xlarge",)
    assert set(request.machine_types["gcp"]) == {"a3-edgegpu-8g", "a3-highgpu-8g", "a3-megagpu-8g"}
    assert request.regions == {"aws": ("us-east-1", "us-west-2"), "gcp": ("us-central1",)}
    assert (request.instances, request.project) == (6, "synthetic")
    assert survey_request([demand(*BOTH, gpus=4, replicas=3)], OPTIONS).instances == 3


@pytest.mark.parametrize(("days", "block"), [(0, 1), (1, 1), (14, 14), (15, 21), (28, 28), (180, 182)])
def test_a_block_is_as_short_as_it_may_be(days, block):
    """AWS sells whole days up to 14 and whole weeks up to 182 days (botocore 1.44)."""
    assert block_days(days) == block


def test_a_demand_with_an_end_is_asked_for_its_own_length():
    today = date.today()
    wanted = replace(demand(*BOTH), start_by=today + timedelta(days=40), end=today + timedelta(days=60))
    request = survey_request([wanted, demand(*BOTH)], OPTIONS)
    assert request.block_hours == (24, 72, 168, 336, 21 * 24, 672)
    assert (request.calendar_hours, request.start_within_days) == (21 * 24, 40)
    assert survey_request([demand(*BOTH)], OPTIONS).block_hours == BLOCK_HOURS


def test_answers_are_kept_and_gaps_are_told_once_per_cause(clouds, tmp_path, capsys):
    clouds(DescribeSpotPriceHistory=Refusal("UnauthorizedOperation"))
    path = tmp_path / "capacity.evidence.json"
    assert ask_clouds([demand(*BOTH)], path, OPTIONS) == 0
    told = capsys.readouterr().err
    assert len(read_evidence(path).find(Offering)) == 4
    assert told.count("ec2:DescribeSpotPriceHistory is denied") == 1
    assert "open: aws: spot prices in us-east-1, us-west-2\n" in told
    assert "gcp: not asked: Google credentials are missing" in told
    assert "would ask: compute.regions.list" in told
    assert "\x1b" not in told


def test_no_cloud_at_all_is_exit_3_and_leaves_the_file(clouds, tmp_path, capsys):
    path = tmp_path / "capacity.evidence.json"
    clouds()
    ask_clouds([demand(*BOTH)], path, OPTIONS)
    before = path.read_text()
    clouds(GetCallerIdentity=Refusal("ExpiredToken", "The security token has expired"))
    assert ask_clouds([demand(*BOTH)], path, OPTIONS) == 3
    assert path.read_text() == before
    told = capsys.readouterr().err
    assert "aws: not asked: credentials expired" in told
    assert "aws sso login" in told


def test_a_broken_evidence_file_is_told_before_anything_is_asked(clouds, tmp_path):
    double = clouds()
    path = tmp_path / "capacity.evidence.json"
    path.write_text("{}")
    with pytest.raises(SpecError, match="not an evidence file"):
        ask_clouds([demand(*BOTH)], path, OPTIONS)
    assert double.calls == []


def test_earlier_answers_survive_a_refusal(clouds, tmp_path):
    path = tmp_path / "capacity.evidence.json"
    quota = {"QuotaCode": "L-417A185B", "QuotaName": "Running On-Demand P instances", "Value": 192.0}
    clouds(ListServiceQuotas={"Quotas": [quota]})
    ask_clouds([demand(*BOTH)], path, OPTIONS)
    clouds(ListServiceQuotas=Refusal("AccessDeniedException"))
    ask_clouds([demand(*BOTH)], path, OPTIONS)
    assert len(read_evidence(path).find(Quota)) == 2
