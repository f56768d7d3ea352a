"""What ends a try early: its time, with as much again once machines are there, or a refusal."""

import threading
import time

import pytest

from gpuyard.failover.time_limit import TimeLimit

REFUSALS = (("urn:pulumi:prod::gpuyard::aws:eks/nodeGroup:NodeGroup::chat", "no capacity"),)


class Try:
    """A try that notes when it is interrupted, and what people are told."""

    def __init__(self, limit_s, *, is_there=False):
        self.interrupts, self.lines, self.ended = 0, [], threading.Event()
        self.limit = TimeLimit(
            limit_s, is_there=lambda: is_there, interrupt=self._interrupt, report=self.lines.append
        )

    def _interrupt(self):
        self.interrupts += 1
        self.ended.set()


@pytest.fixture
def begin():
    tries = []

    def start(*args, **more):
        tries.append(Try(*args, **more))
        tries[-1].limit.start()
        return tries[-1]

    yield start
    for one in tries:
        one.limit.stop()


def test_a_try_without_machines_is_cancelled_at_its_limit(begin):
    one = begin(0.02)
    assert one.ended.wait(10)
    assert one.limit.is_late
    assert one.limit.is_cut
    assert one.lines == ["the time limit of this rung is over: cancelling"]


def test_machines_that_are_there_get_as_long_again_once(begin):
    started = time.monotonic()
    one = begin(0.1, is_there=True)
    assert one.ended.wait(10)
    assert time.monotonic() - started >= 0.2
    assert one.limit.is_late
    assert [line.partition(";")[0] for line in one.lines] == [
        "machines are there",
        "the time limit of this rung is over: cancelling",
    ]


def test_a_refusal_cuts_the_try_before_its_limit(begin):
    one = begin(60)
    assert not one.limit.is_cut
    one.limit.cut(REFUSALS)
    assert one.interrupts == 1
    assert one.limit.refusals == REFUSALS
    assert one.limit.is_cut
    assert not one.limit.is_late
    assert one.lines == ["the cloud refuses the machines that are missing: cancelling"]


def test_a_try_that_ended_by_itself_is_left_alone(begin):
    one = begin(0.05)
    one.limit.stop()
    assert not one.ended.wait(0.2)
    assert not one.limit.is_cut


def test_a_command_that_does_not_end_is_interrupted_again(begin, monkeypatch):
    monkeypatch.setattr("gpuyard.failover.time_limit.GRACE_S", 0.02)
    one = begin(60)
    one.limit.cut(REFUSALS)
    one.ended.clear()
    assert one.ended.wait(10)
    assert one.interrupts == 2
