"""Endpoint arguments: what is refused, and how it is said."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gpuyard.errors import SpecError
from gpuyard.parsing import parse_spec
from gpuyard.serving.spec import EndpointSpec

TOKEN = "hf_" + "synthetic" * 3  # not a real token


def parse(**args):
    return parse_spec(EndpointSpec, {"name": "chat", "model": "org/model", **args})


@pytest.mark.parametrize(
    ("args", "text"),
    [
        ({"runtime": "vlm"}, 'did you mean "vllm"'),
        ({"runtime": "custom"}, "set `image`"),
        ({"runtime": "sglang", "gpus": 0}, "without a GPU"),
        ({"nodes": 2}, "LeaderWorkerSet"),
        ({"replicas_min": 3}, "replicas_max 1 is below replicas_min 3"),
        ({"name": "vllm"}, "VLLM_PORT"),
        ({"name": "tgi"}, "TGI_PORT"),
        ({"port": 9000}, "are for runtime custom"),
        ({"weights_source": "s3"}, "starts with s3://"),
        ({"model": "s3://bucket/model"}, "weights_source: s3"),
        ({"model": "gs://b/m", "weights_source": "gs", "runtime": "tgi"}, "cannot read gs://"),
        ({"weights_source": "pvc"}, "weights_claim"),
        ({"weights_claim": "disk"}, "go together"),
        ({"weights_source": "pvc", "weights_claim": "disk"}, "a path below it"),
        ({"runtime": "custom", "image": "a:1", "api_key_secret": "keys"}, "takes no API key"),
        ({"gpu": 2}, "there is no key"),
        ({"replicas_min": 0}, "greater than or equal to 1"),
    ],
)
def test_what_cannot_work_is_refused_with_its_reason(args, text):
    with pytest.raises(SpecError, match=text):
        parse(**args)


def test_all_problems_come_at_once():
    with pytest.raises(SpecError) as caught:
        parse(name="vllm", nodes=2, replicas_min=3)
    for text in ("LeaderWorkerSet", "replicas_max", "VLLM_PORT"):
        assert text in str(caught.value)


@pytest.mark.parametrize(
    ("args", "place"),
    [
        ({"env": {"HF_TOKEN": TOKEN}}, "env.HF_TOKEN"),
        ({"args": ["--x", f"--hf-token={TOKEN}"]}, r"args\[1\]"),
        ({"args": TOKEN}, "args"),
        ({"args": ["--api-key=anything"]}, r"args\[0\]"),
        ({"args": ["--api-key", "anything"]}, r"args\[0\]"),
        ({"flags": [TOKEN]}, r"flags\[0\]"),
        ({"image": f"registry/{TOKEN}"}, "image"),
        ({"nonsense": {"deep": [TOKEN]}}, "nonsense.deep"),
    ],
)
def test_a_plain_token_is_refused_by_place_and_never_repeated(args, place):
    with pytest.raises(SpecError, match=place) as caught:
        parse(**args)
    assert TOKEN not in str(caught.value)
    assert TOKEN not in repr([finding.as_dict() for finding in caught.value.findings])


def test_a_key_that_is_read_from_a_variable_is_fine():
    assert parse(args=["--api-key=$(KEY)"]).args == ("--api-key=$(KEY)",)


@given(st.text(alphabet="abcdefghijklmnopqrstuvwxyzABC0123456789", min_size=16, max_size=40))
def test_no_token_ever_reaches_an_error(tail):
    token = "hf_" + tail
    with pytest.raises(SpecError) as caught:
        parse(env={"A": token}, args=[token], replicas_min="many")
    assert token not in str(caught.value)


@pytest.mark.parametrize("version", ["0.1", "0.99.0", "nightly", "0.20.0rc1", "v0.18.0"])
def test_any_version_is_let_through(version):
    assert parse(runtime_version=version).resolved_image.endswith(version.removeprefix("v"))


def test_promised_defaults():
    spec = parse()
    assert (spec.namespace, spec.runtime, spec.gpus, spec.replicas_min) == ("inference", "vllm", 1, 1)
    assert (spec.drain_seconds, spec.service_type, spec.weights_gib) == (60, "ClusterIP", 20)
    assert not spec.scales


def test_weights_that_are_not_from_the_hub_are_served_under_the_endpoints_name():
    spec = parse(weights_source="pvc", weights_claim="disk", model="/weights/own")
    assert "--served-model-name=chat" in spec.pod.args
    assert spec.pod.env["HF_HUB_OFFLINE"] == "1"
    assert not any("served-model-name" in flag for flag in parse().pod.args)
