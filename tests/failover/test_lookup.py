"""What is looked up before a try: only what is certain speaks against a rung."""

from dataclasses import replace
from typing import Any

import pytest

from gpuyard.catalog import evidence_items as found
from gpuyard.catalog.evidence import Answer, Evidence
from gpuyard.catalog.evidence_items import Question
from gpuyard.failover.candidate import Candidate
from gpuyard.failover.classify import classify
from gpuyard.failover.lookup import objections, places_of

AS_OF = "2026-11-26T12:00:00Z"
AWS = Candidate(
    endpoint="chat",
    rung=0,
    cloud="aws",
    region="us-east-1",
    zones=("use1-az4",),
    machine_type="p5.48xlarge",
    purchase="on_demand",
    nodes=2,
    usd_per_hour=None,
    bucket="L-417A185B",
)
GCP = replace(
    AWS, cloud="gcp", region="us-central1", zones=("us-central1-a",), machine_type="a3-highgpu-8g", bucket=""
)


def told(candidate: Candidate, *items: Any, question: Question) -> str:
    """Class of what speaks against the candidate where the question was answered with these items."""
    answer = Answer(
        question=question,
        cloud=candidate.cloud,
        account="1",
        region=candidate.region,
        as_of=AS_OF,
        is_complete=True,
        subjects=(candidate.machine_type,) if question is Question.OFFERINGS else (),
        items=items,
    )
    text = objections({"chat": candidate}, Evidence(answers=(answer,))).get("chat", "")
    return str(classify(text, candidate.cloud).kind) if text else ""


def offering(candidate: Candidate, zone: str) -> found.Offering:
    return found.Offering(
        cloud=candidate.cloud,
        region=candidate.region,
        zone=zone,
        machine_type=candidate.machine_type,
        as_of=AS_OF,
    )


def reservation(state: str, total: int | None, name: str = "cr-1") -> found.Reservation:
    return found.Reservation(
        cloud="aws",
        account="1",
        region="us-east-1",
        zone="use1-az4",
        machine_type="p5.48xlarge",
        id=name,
        form="reservation",
        state=state,
        total=total,
        as_of=AS_OF,
    )


def test_nothing_asked_speaks_against_nothing():
    assert objections({"chat": AWS, "code": GCP}, Evidence()) == {}


@pytest.mark.parametrize("candidate", [AWS, GCP])
def test_a_zone_that_does_not_sell_the_type_is_told(candidate):
    there = offering(candidate, candidate.zones[0])
    elsewhere = offering(candidate, "elsewhere")
    assert told(candidate, there, question=Question.OFFERINGS) == ""
    assert told(candidate, elsewhere, question=Question.OFFERINGS) == "not_sold"
    assert told(candidate, question=Question.OFFERINGS) == "not_sold"
    anywhere = replace(candidate, zones=())
    assert told(anywhere, elsewhere, question=Question.OFFERINGS) == ""


@pytest.mark.parametrize(("limit", "kind"), [(383, "quota"), (384, ""), (0, "quota"), (-1, "")])
def test_a_limit_below_what_the_machines_need_is_told(limit, kind):
    quota = found.Quota(
        cloud="aws",
        account="1",
        region="us-east-1",
        code="L-417A185B",
        name="Running On-Demand P instances",
        unit="vCPU",
        limit=limit,
        as_of=AS_OF,
    )
    assert told(AWS, quota, question=Question.QUOTAS) == kind


@pytest.mark.parametrize(
    ("held", "kind"),
    [
        (reservation("active", 2), ""),
        (reservation("active", None), ""),
        (reservation("active", 1), "reservation_empty"),
        (reservation("expired", 2), "reservation_empty"),
        (reservation("active", 2, "cr-2"), "reservation_empty"),
    ],
)
def test_a_reservation_that_is_not_there_or_too_small_is_told(held, kind):
    candidate = replace(AWS, reservation="cr-1", purchase="reservation")
    assert told(candidate, held, question=Question.RESERVATIONS) == kind


def test_googles_reservation_that_is_not_ready_is_told_and_an_unseen_one_is_not():
    held = found.Reservation(
        cloud="gcp",
        account="p",
        region="us-central1",
        zone="us-central1-a",
        machine_type="a3-highgpu-8g",
        id="1234",
        name="chat",
        form="reservation",
        state="creating",
        total=2,
        as_of=AS_OF,
    )
    candidate = replace(GCP, reservation="projects/p/reservations/chat", purchase="reservation")
    assert told(candidate, held, question=Question.RESERVATIONS) == "reservation_empty"
    assert told(candidate, replace(held, state="ready"), question=Question.RESERVATIONS) == ""
    assert told(candidate, question=Question.RESERVATIONS) == "", "another project may share it"


def test_every_place_of_the_rungs_is_asked_once():
    types, regions = places_of([AWS, replace(AWS, region="us-west-2"), GCP])
    assert types == {"aws": ("p5.48xlarge",), "gcp": ("a3-highgpu-8g",)}
    assert regions == {"aws": ("us-east-1", "us-west-2"), "gcp": ("us-central1",)}
