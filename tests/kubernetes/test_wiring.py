import pulumi
import pulumi_kubernetes as kubernetes
import pytest
from hypothesis import given
from hypothesis import strategies as st

from gpuyard.inputs import ArgsError
from gpuyard.kubernetes.labels import node_labels
from gpuyard.kubernetes.naming import SUFFIX_LENGTH, logical_name
from gpuyard.kubernetes.wiring import passed_provider, require_wiring, require_zones


def test_a_passed_provider_is_found_however_it_was_given(preview):
    found = []

    def program():
        provider = kubernetes.Provider("own")
        for opts in (
            pulumi.ResourceOptions(provider=provider),
            pulumi.ResourceOptions(providers=[provider]),
            pulumi.ResourceOptions(providers={"kubernetes": provider}),
        ):
            found.append(passed_provider(opts, "kubernetes") is provider)
            found.append(passed_provider(opts, "aws") is None)

    preview(program)
    assert found == [True] * 6


@pytest.mark.parametrize("opts", [None, pulumi.ResourceOptions()])
def test_without_options_no_provider_was_passed(opts):
    assert passed_provider(opts, "aws") is None


def test_every_missing_wire_is_told_at_once():
    require_wiring("Pool", {"cluster_name": "main", "location": "here"}, ["cluster_name", "location"])
    with pytest.raises(ArgsError) as caught:
        require_wiring("Pool", {"cluster_name": None}, ["cluster_name", "location"])
    assert [finding.path for finding in caught.value.findings] == ["cluster_name", "location"]


def test_every_strange_zone_is_told_at_once():
    require_zones("Pool", ["a"], ["a", "b"])
    with pytest.raises(ArgsError) as caught:
        require_zones("Pool", ["a", "c", "d"], ["b", "a"])
    assert [finding.value for finding in caught.value.findings] == ["c", "d"]
    assert caught.value.findings[0].fix.startswith("use one of: a, b;")


@given(st.from_regex(r"[a-z][a-z0-9-]{0,120}", fullmatch=True), st.sampled_from([40, 63, 64]))
def test_a_physical_name_stays_within_its_limit(text, limit):
    assert len(logical_name(text, limit)) + SUFFIX_LENGTH <= limit


@given(st.from_regex(r"[a-z]{33,60}", fullmatch=True), st.from_regex(r"[a-z]{33,60}", fullmatch=True))
def test_two_long_names_never_meet(one, other):
    assert (logical_name(one, 40) == logical_name(other, 40)) is (one == other)


def test_a_short_name_stays_as_it_is():
    assert logical_name("chat-nodes", 40) == "chat-nodes"


def test_labels_say_none_where_the_gpu_is_unknown():
    assert node_labels("chat", None, {"a": "b"}) == {
        "gpuyard.dev/pool": "chat",
        "gpuyard.dev/accelerator": "none",
        "a": "b",
    }
