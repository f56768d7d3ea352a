"""Start and end of a pod: laws between the times."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gpuyard.parsing import parse_spec
from gpuyard.serving.lifecycle import PRESTOP_SECONDS, PROBE_PERIOD, plan_lifecycle, rollout_strategy
from gpuyard.serving.spec import EndpointSpec


def parse(**args):
    return parse_spec(EndpointSpec, {"name": "chat", "model": "org/model", **args})


SPECS = st.fixed_dictionaries(
    {},
    optional={
        "weights_gib": st.floats(0.1, 2000),
        "startup_budget_seconds": st.integers(60, 14_400),
        "drain_seconds": st.integers(0, 3600),
        "runtime": st.sampled_from(["vllm", "sglang", "tgi"]),
        "runtime_version": st.sampled_from(["0.17.0", "0.18.0", "0.33.0"]),
        "gpus": st.integers(1, 8),
        "replicas_min": st.integers(1, 4),
        "replicas_max": st.just(4),
        "spare_gpus": st.integers(0, 32),
    },
).filter(lambda args: args.get("replicas_min", 1) == 1 or "replicas_max" in args)


@given(SPECS)
def test_the_kill_comes_after_sleep_and_drain_and_the_wait_after_the_start(args):
    spec = parse(**args)
    times = plan_lifecycle(spec)
    assert times.grace > times.prestop + times.drain
    assert times.prestop >= PRESTOP_SECONDS
    assert times.prestop + times.drain >= PRESTOP_SECONDS + spec.drain_seconds
    assert times.startup_failures * PROBE_PERIOD >= times.startup
    assert times.await_ready > times.startup


@given(SPECS)
def test_a_rollout_never_surges_beyond_the_spare_gpus(args):
    spec = parse(**args)
    limits = rollout_strategy(spec)["rollingUpdate"]
    assert limits["maxSurge"] * spec.gpus <= spec.spare_gpus
    assert limits["maxSurge"] + limits["maxUnavailable"] > 0
    assert bool(limits["maxSurge"]) != bool(limits["maxUnavailable"])


@pytest.mark.parametrize(
    ("args", "surge", "unavailable"),
    [
        ({}, 0, 1),
        ({"spare_gpus": 1}, 1, 0),
        ({"gpus": 4, "spare_gpus": 3}, 0, 1),
        ({"gpus": 0}, 1, 0),
        ({"replicas_min": 2, "replicas_max": 2, "spare_gpus": 8}, 2, 0),
        ({"spare_gpus": 1, "cache_persistent": True}, 0, 1),
        ({"spare_gpus": 1, "cache_persistent": True, "replicas_max": 2}, 1, 0),
    ],
)
def test_spare_gpus_and_the_caches_volume_decide_the_rollout(args, surge, unavailable):
    limits = rollout_strategy(parse(**args))["rollingUpdate"]
    assert (limits["maxSurge"], limits["maxUnavailable"]) == (surge, unavailable)


def test_an_engine_that_cannot_drain_sleeps_its_requests_off():
    old, new = plan_lifecycle(parse(runtime_version="0.17.0")), plan_lifecycle(parse())
    assert (old.prestop, old.drain) == (75, 0)
    assert (new.prestop, new.drain) == (15, 60)
    assert old.grace == new.grace


def test_without_surge_replicas_start_one_after_the_other():
    one = plan_lifecycle(parse()).await_ready
    assert plan_lifecycle(parse(replicas_min=3, replicas_max=3)).await_ready == 3 * one
    assert plan_lifecycle(parse(replicas_min=3, replicas_max=3, spare_gpus=1)).await_ready == one


def test_the_engine_waits_for_itself_as_long_as_the_probe():
    spec = parse(weights_gib=500)
    assert int(spec.pod.env["VLLM_ENGINE_READY_TIMEOUT_S"]) == plan_lifecycle(spec).startup


def test_a_release_is_given_the_variables_that_it_reads():
    old, new = (parse(runtime_version=release).pod.env for release in ("0.13.0", "0.14.0"))
    assert "VLLM_ENGINE_READY_TIMEOUT_S" not in old
    assert "VLLM_ENGINE_READY_TIMEOUT_S" in new
    assert set(new) - set(old) == {"VLLM_ENGINE_READY_TIMEOUT_S"}
