"""Bounded, timed and interrupted questions, with tasks of our own."""

import threading
import time
from dataclasses import replace

import pytest

from gpuyard.catalog.evidence_items import Offering, Question, Reason
from gpuyard.discovery.actions import ForbiddenActionError
from gpuyard.discovery.asking import Asking, Task, Trouble
from gpuyard.discovery.failure import Failure, KnownError, Scope, masked


def offering(zone, region="us-east-1"):
    return Offering(cloud="aws", region=region, zone=zone, machine_type="p5.48xlarge", as_of="now")


def task(ask, regions=("us-east-1",), question=Question.OFFERINGS):
    return Task(
        question=question,
        cloud="aws",
        regions=regions,
        subjects=("p5.48xlarge",),
        ask=ask,
        explain=lambda error: error.failure,
    )


def failing(scope, reason=Reason.REFUSED):
    def ask():
        raise KnownError(Failure(reason=reason, message="synthetic", fix="none", scope=scope))
        yield

    return ask


def asking(seconds=5, **options):
    return Asking(deadline=time.monotonic() + seconds, **options)


def test_no_more_calls_are_in_flight_than_allowed():
    lock, now, most = threading.Lock(), [0], [0]

    def ask():
        with lock:
            now[0] += 1
            most[0] = max(most[0], now[0])
        time.sleep(0.01)
        with lock:
            now[0] -= 1
        yield offering("use1-az1")

    run = asking(concurrency=3)
    run.run([task(ask, (f"region-{number}",)) for number in range(12)])
    assert most == [3]
    assert len(run.evidence.answers) == 12


def test_what_a_task_yielded_before_it_failed_is_kept():
    def ask():
        yield offering("use1-az1")
        yield from failing(Scope.QUESTION)()

    run = asking()
    run.run([task(ask)])
    (answer,), (gap,) = run.evidence.answers, run.evidence.gaps
    assert not answer.is_complete
    assert [item.zone for item in answer.items] == ["use1-az1"]
    assert gap.reason is Reason.REFUSED


def test_trouble_in_one_region_leaves_the_others_complete():
    def ask():
        yield offering("use1-az1")
        failure = Failure(reason=Reason.UNREACHABLE, message="synthetic", fix="none")
        yield Trouble(KnownError(failure), "us-west-2")

    run = asking()
    run.run([task(ask, ("us-east-1", "us-west-2", "eu-west-1"))])
    complete = {answer.region: answer.is_complete for answer in run.evidence.answers}
    assert complete == {"us-east-1": True, "eu-west-1": True}
    assert [gap.region for gap in run.evidence.gaps] == ["us-west-2"]


@pytest.mark.parametrize(("scope", "asked"), [(Scope.QUESTION, 3), (Scope.REGION, 2), (Scope.CLOUD, 1)])
def test_a_cause_that_holds_wider_is_met_once(scope, asked):
    calls = []

    def ask():
        calls.append(1)
        yield from failing(scope)()

    run = asking(concurrency=1)
    places = [("us-east-1",), ("us-east-1",), ("us-west-2",)]
    run.run([task(ask, regions) for regions in places])
    assert len(calls) == asked
    assert {gap.region for gap in run.evidence.gaps} == {"us-east-1", "us-west-2"}


def test_a_task_that_hangs_does_not_hold_the_survey():
    def hang():
        time.sleep(30)
        yield offering("never")

    run = asking(0.3)
    began = time.monotonic()
    run.run([task(lambda: iter([offering("use1-az1")])), task(hang, ("us-west-2",))])
    assert time.monotonic() - began < 3
    assert [answer.region for answer in run.evidence.answers] == ["us-east-1"]
    (gap,) = run.evidence.gaps
    assert (gap.region, gap.reason) == ("us-west-2", Reason.TIMEOUT)
    assert "--timeout" in gap.fix


def test_a_bug_is_raised_not_waited_for():
    def confused(_):
        raise ForbiddenActionError("discovery may not call it")

    broken = task(failing(Scope.QUESTION))
    broken = replace(broken, ask=lambda: iter([Trouble(ValueError())]), explain=confused)
    with pytest.raises(ForbiddenActionError):
        asking().run([broken])


def test_an_interrupt_keeps_answers_and_names_the_rest():
    def interrupt(progress):
        if progress.done == 1:
            raise KeyboardInterrupt

    run = asking(concurrency=1, on_progress=interrupt)
    run.run([task(lambda: iter([offering("use1-az1")]), (f"region-{number}",)) for number in range(3)])
    assert run.was_interrupted
    assert [answer.region for answer in run.evidence.answers] == ["region-0"]
    assert {gap.reason for gap in run.evidence.gaps} == {Reason.NOT_ASKED}
    run.run([task(failing(Scope.CLOUD), ("region-9",))])
    assert [gap.reason for gap in run.evidence.gaps if gap.region == "region-9"] == [Reason.NOT_ASKED]


def test_gaps_of_one_cause_are_one():
    run = asking()
    run.run([replace(task(failing(Scope.QUESTION)), subjects=(subject,)) for subject in ("a", "b")])
    (gap,) = run.evidence.gaps
    assert sorted(gap.subjects) == ["a", "b"]


def test_progress_counts_every_task():
    seen = []
    run = asking(on_progress=seen.append)
    run.run([task(lambda: iter([offering("use1-az1")])), task(failing(Scope.QUESTION), ("us-west-2",))])
    assert sorted(progress.done for progress in seen) == [1, 2]
    assert {progress.total for progress in seen} == {2}
    assert {progress.title for progress in seen} == {"aws us-east-1 offerings", "aws us-west-2 offerings"}


def test_messages_of_clouds_lose_identities_and_keys():
    said = (
        "User: arn:aws:iam::123456789012:user/jane.doe is not authorized; account 123456789012, key "
        "AKIAABCDEFGHIJKLMNOP of jane@example.com. Encoded authorization failure message: AbC-1_2"
    )
    assert masked(said) == (
        "User: this identity is not authorized; account ********9012, key an access key of this identity."
    )
