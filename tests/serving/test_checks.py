"""Findings that do not forbid an endpoint."""

import pytest

from gpuyard.catalog.software_runtimes import runtime_releases
from gpuyard.parsing import parse_spec
from gpuyard.serving.checks import check_endpoint, check_flags
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
        ({"image": "vllm/vllm-openai:v0.20.0"}, set()),
        ({"image": "mirror.example/vllm-openai:v0.20.0-cu129", "runtime_version": "0.20.0"}, set()),
        ({"image": "vllm/vllm-openai:v0.20.0", "runtime_version": "0.33.0"}, {"IMAGE_VERSION"}),
        ({"image": "own/vllm:v0.20.0", "runtime_version": "0.33.0"}, set()),
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


@pytest.mark.parametrize(
    ("args", "expected"),
    [
        ({"args": ["--max-modle-len=2048"]}, {"FLAG_UNKNOWN"}),
        ({"args": ["--swap-space", "16"]}, {"FLAG_REMOVED"}),
        ({"args": ["--swap-space", "16"], "runtime_version": "0.9.0"}, set()),
        ({"args": ["--enforce-eager"], "env": {"VLLM_LOGGING_LEVEL": "DEBUG"}}, set()),
        ({"runtime": "custom", "image": "own:1", "args": ["--max-modle-len=1"]}, set()),
        *(({"runtime": runtime, "gpus": 2}, set()) for runtime in ("vllm", "sglang", "tgi")),
    ],
)
def test_flags_that_the_release_does_not_take_are_found_without_a_stack(args, expected):
    spec = parse_spec(EndpointSpec, {"name": "chat", "model": "org/model", **args})
    found = check_flags(spec)
    assert {finding.code for finding in found} == expected
    assert all(finding.path == "args" and finding.fix for finding in found)


@pytest.mark.parametrize("runtime", ["vllm", "sglang", "tgi"])
def test_no_release_is_given_a_flag_of_ours_that_it_does_not_know(runtime):
    for release in runtime_releases(runtime):
        asked = {"runtime": runtime, "runtime_version": release.version, "gpus": 2, "max_concurrency": 8}
        spec = parse_spec(EndpointSpec, {"name": "chat", "model": "m", "context_tokens": 4096, **asked})
        assert check_flags(spec) == [], release.version
