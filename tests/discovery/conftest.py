"""Doubles of the clouds for discovery. Accounts, ids and prices are synthetic.

`AwsDouble` answers below boto3's clients; what it answers is validated against botocore's own service
model, so a shape that AWS does not have fails the test. `GoogleDouble` is a local HTTP server whose
answers of Compute Engine are built from google-cloud-compute's own message classes.
"""

import threading
import time
from dataclasses import dataclass
from datetime import UTC, datetime

import boto3
import botocore.session
import pytest
from botocore.loaders import Loader
from botocore.validate import validate_parameters

from gpuyard.discovery.aws.client import AwsClients

ACCOUNT = "123456789012"
MASKED = "********9012"
NOW = datetime(2026, 11, 26, 12, tzinfo=UTC)


_MODELS = Loader()
_SESSION = boto3.Session


def session():
    """A session with made-up keys; sessions share the service models that they load."""
    core = botocore.session.Session()
    core.register_component("data_loader", _MODELS)
    return _SESSION(
        botocore_session=core,
        aws_access_key_id="synthetic",
        aws_secret_access_key="synthetic",
        region_name="us-east-1",
    )


@dataclass(frozen=True)
class Refusal:
    """An error that the cloud answers with."""

    code: str
    message: str = "synthetic"
    status: int = 400


class _Answer:
    def __init__(self, status):
        self.status_code, self.headers = status, {}


class AwsDouble:
    """Answers by operation: data, a refusal, or a function of (region, request)."""

    def __init__(self, **answers):
        self.answers = {**self.defaults(), **answers}
        self.calls = []
        self.session = session()
        self.session.events.register("before-parameter-build", self._remember)
        self.session.events.register("before-call", self._answer)
        self._lock = threading.Lock()

    @staticmethod
    def defaults():
        """An account that is allowed everything and has nothing."""
        return {
            "GetCallerIdentity": {"Account": ACCOUNT, "Arn": f"arn:aws:iam::{ACCOUNT}:user/synthetic"},
            "DescribeRegions": {
                "Regions": [
                    {"RegionName": "us-east-1", "OptInStatus": "opt-in-not-required"},
                    {"RegionName": "us-west-2", "OptInStatus": "opt-in-not-required"},
                    {"RegionName": "me-central-1", "OptInStatus": "not-opted-in"},
                ]
            },
            "DescribeAvailabilityZones": lambda region, request: {
                "AvailabilityZones": [
                    {
                        "ZoneName": f"{region}{letter}",
                        "ZoneId": f"{short(region)}-az{number}",
                        "State": "available",
                    }
                    for number, letter in enumerate("abc", 1)
                ]
            },
            "DescribeInstanceTypes": {"InstanceTypes": [P5]},
            "DescribeInstanceTypeOfferings": lambda region, request: {
                "InstanceTypeOfferings": [
                    {"InstanceType": "p5.48xlarge", "Location": f"{short(region)}-az{number}"}
                    for number in (1, 2)
                ]
            },
            "DescribeSpotPriceHistory": {"SpotPriceHistory": []},
            "GetSpotPlacementScores": {"SpotPlacementScores": []},
            "DescribeCapacityBlockOfferings": {"CapacityBlockOfferings": []},
            "DescribeCapacityReservations": {"CapacityReservations": []},
            "DescribeCapacityBlocks": {"CapacityBlocks": []},
            "DescribeInstances": {"Reservations": []},
            "GetCapacityManagerAttributes": {"CapacityManagerStatus": "disabled"},
            "ListServiceQuotas": {"Quotas": []},
            "GetServiceQuota": Refusal("NoSuchResourceException", "no such quota"),
            "ListRequestedServiceQuotaChangeHistory": {"RequestedQuotas": []},
            "GetProducts": {"PriceList": []},
        }

    def clients(self, seconds=60):
        """The survey's own clients, answered by this double."""
        return AwsClients(self.session, time.monotonic() + seconds)

    def called(self, operation):
        """Regions and requests of the calls of one operation."""
        return [(region, request) for name, region, request in self.calls if name == operation]

    @staticmethod
    def _remember(params, context, **_):
        context["double"] = params

    def _answer(self, model, context, **_):
        region = context["client_region"]
        with self._lock:
            self.calls.append((model.name, region, context["double"]))
        answer = self.answers[model.name]
        if callable(answer):
            answer = answer(region, context["double"])
        if isinstance(answer, Refusal):
            error = {"Code": answer.code, "Message": answer.message}
            return _Answer(answer.status), {"Error": error, "ResponseMetadata": {}}
        validate_parameters(answer, model.output_shape)
        return _Answer(200), {**answer, "ResponseMetadata": {}}


def short(region):
    """The region as zone ids abbreviate it: ``use1``, ``usw2``."""
    place, direction, number = region.split("-")
    return f"{place}{direction[0]}{number}"


P5 = {
    "InstanceType": "p5.48xlarge",
    "VCpuInfo": {"DefaultVCpus": 192},
    "MemoryInfo": {"SizeInMiB": 2097152},
    "GpuInfo": {
        "Gpus": [{"Name": "H100", "Manufacturer": "NVIDIA", "Count": 8, "MemoryInfo": {"SizeInMiB": 81920}}]
    },
    "NetworkInfo": {"EfaInfo": {"MaximumEfaInterfaces": 32}},
    "SupportedUsageClasses": ["on-demand", "spot", "capacity-block"],
}


@pytest.fixture
def aws():
    """Makes a double of AWS."""
    return AwsDouble
