"""Findings that do not forbid an endpoint."""

import pytest

from gpuyard.parsing import parse_spec
from gpuyard.serving.checks import check_endpoint
from gpuyard.serving.spec import EndpointSpec


def codes(**args):
    spec = parse_spec(EndpointSpec, {"name": "chat", "model": "org/model", "spare_gpus": 1, **args})
    return {finding.code for finding in check_endpoint(spec, "endpoints[0]")}


@pytest.mark.parametrize(
    ("args", "expected"),
    [
        ({}, set()),
        ({"runtime": "tgi"}, {"RUNTIME_UNMAINTAINED"}),
        ({"runtime_version": "0.99.0"}, {"RUNTIME_VERSION_UNKNOWN"}),
        ({"runtime_version": "0.17.0"}, {"DRAIN_BY_SLEEP"}),
        ({"runtime": "sglang"}, {"DRAIN_BY_SLEEP"}),
        ({"spare_gpus": 0}, {"ROLLOUT_INTERRUPTS"}),
        ({"spare_gpus": 0, "replicas_min": 2, "replicas_max": 2}, set()),
        ({"service_type": "LoadBalancer"}, {"ENDPOINT_OPEN"}),
        ({"service_type": "NodePort", "api_key_secret": "keys"}, {"ENDPOINT_OPEN"}),
        ({"runtime": "tgi", "service_type": "NodePort", "api_key_secret": "keys"}, {"RUNTIME_UNMAINTAINED"}),
        ({"runtime": "custom", "image": "own:1"}, set()),
    ],
)
def test_each_risk_has_its_code_and_a_plain_endpoint_has_none(args, expected):
    assert codes(**args) == expected


def test_findings_say_where_and_what_to_do():
    spec = parse_spec(
        EndpointSpec, {"name": "chat", "model": "m", "runtime": "tgi", "service_type": "NodePort"}
    )
    findings = check_endpoint(spec, "endpoints[0]")
    assert all(finding.path.startswith("endpoints[0].") and finding.fix for finding in findings)
