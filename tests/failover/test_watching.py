"""Refusals that are heard while the engine waits: what cuts a try, and what does not."""

import pytest

from gpuyard.failover.watching import PATIENCE_S, QUIET_S, Machines, Watcher

URN = "urn:pulumi:prod::gpuyard::aws:eks/nodeGroup:NodeGroup::"
STOCKOUT = (
    "Could not launch On-Demand Instances. InsufficientInstanceCapacity - We currently do not have "
    "sufficient p5.48xlarge capacity in the Availability Zone you requested (us-east-1a). "
    "Launching EC2 instance failed."
)
QUOTA = (
    "You have requested more vCPU capacity than your current vCPU limit of 0 allows for the instance bucket "
    "that the specified instance type belongs to. Launching EC2 instance failed."
)
"""Status messages of EC2 Auto Scaling (EC2 Auto Scaling user guide, "Troubleshoot")."""


class Try:
    """A try with a clock of its own and a cloud that says what it is told to."""

    def __init__(self, *names: str) -> None:
        self.time, self.said, self.cuts = 0.0, {}, []
        self.missing = set(names)
        self.watcher = Watcher(
            watching=lambda machines: self.said.get(machines.name, ()),
            missing=lambda: set(self.missing),
            cut=self.cuts.append,
            now=lambda: self.time,
        )
        for name in names:
            self.begin(name)

    def begin(self, name: str) -> None:
        self.watcher.expect(Machines(urn=URN + name, cloud="aws", name=name, cluster="prod"))

    def look(self, after: float = 20.0) -> None:
        self.time += after
        self.watcher.look()


def test_a_quota_refusal_cuts_at_once_with_its_words():
    run = Try("chat")
    run.look()
    run.said["chat"] = [QUOTA]
    run.look()
    assert run.cuts == [((URN + "chat", QUOTA),)]


def test_a_stockout_cuts_only_when_it_lasts():
    run = Try("chat")
    run.said["chat"] = [STOCKOUT]
    for _ in range(int(PATIENCE_S / 20)):
        run.look()
        assert run.cuts == []
    run.look()
    assert run.cuts == [((URN + "chat", STOCKOUT),)]


def test_the_pause_between_two_attempts_does_not_start_the_clock_again():
    run = Try("chat")
    for index in range(int(PATIENCE_S / 20) + 1):
        run.said["chat"] = [STOCKOUT] if index % 2 == 0 else []
        run.look()
    run.said["chat"] = [STOCKOUT]
    run.look()
    assert len(run.cuts) == 1


def test_a_long_silence_does():
    run = Try("chat")
    run.said["chat"] = [STOCKOUT]
    run.look()
    run.said["chat"] = []
    run.look(QUIET_S)
    run.said["chat"] = [STOCKOUT]
    run.look(PATIENCE_S)
    assert run.cuts == []


@pytest.mark.parametrize(
    "text",
    [
        "ClusterUnreachable: the control plane cannot be reached",
        "RequestLimitExceeded: Request limit exceeded.",
        "InternalFailure: try again",
    ],
)
def test_what_time_may_settle_or_nobody_knows_cuts_nothing(text):
    run = Try("chat")
    run.said["chat"] = [text]
    for _ in range(50):
        run.look()
    assert run.cuts == []


def test_one_that_may_still_come_keeps_the_try():
    run = Try("chat", "embed")
    run.said["chat"] = [QUOTA]
    run.look()
    assert run.cuts == []
    run.missing.discard("embed")  # it is there
    run.look()
    assert run.cuts == [((URN + "chat", QUOTA),)]


def test_machines_that_nobody_began_keep_the_try():
    run = Try("chat")
    run.missing.add("embed")  # its cluster is still being made
    run.said["chat"] = [QUOTA]
    run.look()
    assert run.cuts == []


def test_it_cuts_once_and_not_after_the_end():
    run = Try("chat")
    run.said["chat"] = [QUOTA]
    run.look()
    run.look()
    assert len(run.cuts) == 1
    late = Try("chat")
    late.said["chat"] = [QUOTA]
    late.watcher.stop()
    late.look()
    assert late.cuts == []


def test_the_thread_looks_by_itself():
    run = Try("chat")
    run.said["chat"] = [QUOTA]
    run.watcher.start(every_s=0.001)
    assert run.watcher._over.wait(5)
    run.watcher.stop()
