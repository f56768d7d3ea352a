"""The loop drives a whole program on simulated clouds: lock, memory and what stands are true after a run."""

import pytest

from gpuyard.failover.events import Outcome
from gpuyard.failover.memory_file import read_memory

from .deployments import DEPLOYMENT, refuse
from .simulated import Deployment


def first_region(deployment):
    from gpuyard.capacity.lock_file import read_lock

    return read_lock(deployment.lock_path).endpoints["chat"].rungs[0].region


def test_a_refused_rung_is_left_for_the_next_and_nothing_of_it_stays(tmp_path):
    made = Deployment(tmp_path, DEPLOYMENT)
    region = first_region(made)
    made = Deployment(tmp_path, DEPLOYMENT, refuse("p5.4xlarge", region))
    result = made.run()
    assert result.outcome is Outcome.SERVING
    assert len(result.tried) == 2
    assert len(made.pools()) == 1, "no second copy"
    assert made.active() == result.state.active != {"chat": 0}
    (failure,) = read_memory(made.memory_path).memory.failures
    assert failure.kind == "stockout"
    assert failure.scope.machine_type == "p5.4xlarge"
    assert failure.scope.region == region
    assert result.as_dict()["tries"][0]["refusals"][0]["class"] == "stockout"
    # a second run changes nothing and asks no cloud for machines anew
    again = made.run()
    assert (again.outcome, len(again.tried)) == (Outcome.SERVING, 1)
    assert again.placed == result.placed


def test_a_second_run_remembers_and_does_not_ask_again_for_what_was_refused(tmp_path):
    made = Deployment(tmp_path, DEPLOYMENT, refuse(region="*", fail="quota_exceeded"))
    result = made.run()
    assert result.outcome is Outcome.EXHAUSTED
    assert made.pools() == []
    assert all(item["type"] != "aws:eks/cluster:Cluster" for item in made.resources()), (
        "clusters were removed"
    )
    tries = len(result.tried)
    assert tries == 2, "one per region: the quota holds for every type of its bucket"
    again = made.run()
    assert (again.outcome, len(again.tried)) == (Outcome.EXHAUSTED, 0)
    assert "until it is changed" in again.because


def test_an_interrupted_run_is_resumed_where_it_was(tmp_path):
    made = Deployment(
        tmp_path, DEPLOYMENT, refuse("p5.4xlarge", first_region(Deployment(tmp_path, DEPLOYMENT)))
    )
    stopped = made.run(stop_after=1)
    assert stopped.outcome is Outcome.INTERRUPTED
    assert made.active() == {"chat": 0}
    standing = len(made.resources())
    assert standing > 0, "what was made stays for the next run"
    result = made.run()
    assert result.outcome is Outcome.SERVING
    assert len(made.pools()) == 1


def test_a_missing_permission_stops_and_names_itself(tmp_path):
    made = Deployment(tmp_path, DEPLOYMENT, refuse("p5.*", "*", "permission_denied"))
    result = made.run()
    assert (result.outcome, len(result.tried)) == (Outcome.STOPPED, 1)
    assert "permission" in result.because
    assert made.pools() == []


def test_a_refusal_of_the_clusters_own_nodes_puts_the_region_out(tmp_path):
    region = first_region(Deployment(tmp_path, DEPLOYMENT))
    made = Deployment(tmp_path, DEPLOYMENT, refuse("m7i.*", region))
    result = made.run()
    assert result.outcome is Outcome.SERVING
    assert len(result.tried) == 2, "no other machine type is tried where no cluster can stand"
    (failure,) = read_memory(made.memory_path).memory.failures
    assert failure.scope.as_dict() == {"cloud": "aws", "region": region}


def test_the_time_limit_of_a_rung_is_a_refusal(tmp_path):
    region = first_region(Deployment(tmp_path, DEPLOYMENT))
    slow = {"when": {"machine_type": "p5.4xlarge", "region": region, "operation": "create"}, "takes": "3h"}
    made = Deployment(tmp_path, DEPLOYMENT, slow)
    result = made.run()
    assert [str(v.kind) for _, v in result.tried[0].refusals] == ["timeout"]
    assert result.tried[0].seconds == pytest.approx(1800 + 1500)


@pytest.mark.parametrize(
    "message",
    [
        "Deployment initialization failed: Minimum number of Pods to consider it live was not attained",
        "resource operation was not completed within 10m0s",
        "nobody knows this one",
    ],
)
def test_machines_that_stand_are_not_left_for_what_fails_on_them(tmp_path, message):
    made = Deployment(tmp_path, DEPLOYMENT)
    made.run()
    pools = made.pools()
    made.fails = (("urn:pulumi:prod::gpuyard::kubernetes:apps/v1:Deployment::prod-chat-deployment", message),)
    result = made.run()
    assert (result.outcome, len(result.tried)) == (Outcome.STOPPED, 1)
    assert "look at what runs on them" in result.because
    assert made.pools() == pools, "scarce machines are kept"
    assert read_memory(made.memory_path).memory.failures == ()


def test_a_rung_that_a_look_up_speaks_against_is_never_tried(tmp_path):
    made = Deployment(tmp_path, DEPLOYMENT)
    made.looks = {0: "VcpuLimitExceeded: your current vCPU limit of 0 allows none"}
    result = made.run()
    assert (result.outcome, len(result.tried)) == (Outcome.SERVING, 1)
    assert result.tried[0].rungs != {"chat": 0}
    (failure,) = read_memory(made.memory_path).memory.failures
    assert failure.kind == "quota"
    assert any("looked up chat: quota" in line for line in made.lines)
