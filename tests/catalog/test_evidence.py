"""Evidence laid over evidence. Prices, ids and accounts are synthetic."""

from dataclasses import fields, replace
from functools import reduce

from hypothesis import given
from hypothesis import strategies as st

from gpuyard.catalog.evidence import Answer, Evidence, Gap, merge, request_subject, subject_of
from gpuyard.catalog.evidence_items import (
    ITEM_TYPES,
    Advice,
    CapacityBlock,
    Offering,
    PlacementScore,
    Question,
    Quota,
    Reason,
    SpotPrice,
)

MONDAY, TUESDAY = "2026-11-23T09:00:00Z", "2026-11-24T09:00:00Z"
MACHINES = ("p5.48xlarge", "p5en.48xlarge", "g6.xlarge")


def offering(zone, machine="p5.48xlarge", as_of=MONDAY, region="us-east-1"):
    return Offering(cloud="aws", region=region, zone=zone, machine_type=machine, as_of=as_of)


def offerings(*items, subjects=("p5.48xlarge",), as_of=MONDAY, region="us-east-1", is_complete=True):
    return Answer(
        question=Question.OFFERINGS,
        cloud="aws",
        region=region,
        subjects=subjects,
        is_complete=is_complete,
        as_of=as_of,
        items=tuple(replace(item, as_of=as_of) for item in items),
    )


def gap(subjects=("p5.48xlarge",), as_of=TUESDAY, region="us-east-1"):
    return Gap(
        question=Question.OFFERINGS,
        cloud="aws",
        region=region,
        subjects=subjects,
        reason=Reason.TIMEOUT,
        message="no answer within 20 s",
        fix="try again",
        as_of=as_of,
    )


def zones(evidence, **where):
    return sorted(item.zone for item in evidence.find(Offering, **where))


def test_a_complete_answer_replaces_what_it_covers_and_nothing_else():
    old = Evidence(
        (
            offerings(
                offering("use1-az1"), offering("use1-az2", "g6.xlarge"), subjects=("p5.48xlarge", "g6.xlarge")
            ),
            offerings(offering("usw2-az1", region="us-west-2"), region="us-west-2"),
        )
    )
    new = merge(old, Evidence((offerings(offering("use1-az6"), as_of=TUESDAY),)))
    assert zones(new, region="us-east-1", machine_type="p5.48xlarge") == ["use1-az6"]
    assert zones(new, machine_type="g6.xlarge") == ["use1-az2"]
    assert zones(new, region="us-west-2") == ["usw2-az1"]
    assert new.answered(Question.OFFERINGS, "aws", "us-east-1", "p5.48xlarge") == TUESDAY
    assert new.answered(Question.OFFERINGS, "aws", "us-east-1", "g6.xlarge") == MONDAY


def test_an_empty_answer_is_an_answer():
    old = Evidence((offerings(offering("use1-az1")),))
    new = merge(old, Evidence((offerings(as_of=TUESDAY),)))
    assert zones(new) == []
    assert new.answered(Question.OFFERINGS, "aws", "us-east-1", "p5.48xlarge") == TUESDAY
    assert new.answered(Question.OFFERINGS, "aws", "us-east-1", "p4d.24xlarge") == ""


def test_a_gap_erases_nothing_and_is_closed_by_the_next_answer():
    old = Evidence((offerings(offering("use1-az1")),))
    open_ = merge(old, Evidence((), (gap(("p5.48xlarge", "g6.xlarge")),)))
    assert zones(open_) == ["use1-az1"]
    closed = merge(open_, Evidence((offerings(offering("use1-az1"), as_of=TUESDAY),)))
    assert [gap.subjects for gap in closed.gaps] == [("g6.xlarge",)]


def test_a_partial_answer_adds_its_records_and_proves_no_absence():
    old = Evidence((offerings(offering("use1-az1"), offering("use1-az2")),))
    part = offerings(offering("use1-az2"), as_of=TUESDAY, is_complete=False)
    new = merge(old, Evidence((part,), (gap(),)))
    dates = {item.zone: item.as_of for item in new.find(Offering)}
    assert dates == {"use1-az1": MONDAY, "use1-az2": TUESDAY}
    assert new.answered(Question.OFFERINGS, "aws", "us-east-1", "p5.48xlarge") == MONDAY
    assert merge(new, Evidence((part,))).answers == new.answers


def test_an_answer_about_everything_replaces_every_subject():
    old = Evidence((offerings(offering("use1-az1")), offerings(subjects=("g6.xlarge",))), (gap(),))
    new = merge(old, Evidence((offerings(offering("use1-az3"), subjects=(), as_of=TUESDAY),)))
    assert zones(new) == ["use1-az3"]
    assert len(new.answers) == 1
    assert new.gaps == ()


def test_accounts_keep_apart():
    def quotas(account, limit, as_of):
        quota = Quota(
            cloud="aws",
            account=account,
            region="us-east-1",
            code="L-417A185B",
            name="Running On-Demand P instances",
            unit="vCPU",
            limit=limit,
            as_of=as_of,
        )
        return Answer(
            question=Question.QUOTAS,
            cloud="aws",
            account=account,
            region="us-east-1",
            as_of=as_of,
            items=(quota,),
        )

    both = merge(
        Evidence((quotas("********1111", 0, TUESDAY),)), Evidence((quotas("********2222", 192, MONDAY),))
    )
    assert len(both.find(Quota, cloud="aws")) == 2
    assert both.accounts("aws") == ("********1111", "********2222")
    assert both.accounts("gcp") == ()


def test_subjects_carry_the_size_where_the_answer_depends_on_it():
    score = PlacementScore(
        cloud="aws",
        region="us-east-1",
        machine_types=("p5.48xlarge", "p5en.48xlarge"),
        instances=8,
        score=3,
        as_of=MONDAY,
    )
    advice = Advice(
        cloud="gcp",
        region="us-central1",
        machine_type="a3-highgpu-8g",
        purchase="spot",
        instances=2,
        measure="obtainability",
        value=0.4,
        as_of=MONDAY,
    )
    assert subject_of(offering("use1-az1")) == "p5.48xlarge"
    assert subject_of(score) == "8 x p5.48xlarge+p5en.48xlarge"
    assert subject_of(advice) == request_subject(2, "a3-highgpu-8g", "spot") == "2 x a3-highgpu-8g spot"


def test_every_question_has_a_record_that_knows_its_place_and_date():
    assert set(ITEM_TYPES) == set(Question)
    for kind in ITEM_TYPES.values():
        names = {field.name for field in fields(kind)}
        assert {"cloud", "region", "as_of"} <= names
        assert set(kind.identity) <= names
    assert CapacityBlock.identity == ("offering_id",)
    assert SpotPrice.identity == ("zone", "machine_type")


@st.composite
def answers(draw):
    subjects = draw(st.sets(st.sampled_from(MACHINES), min_size=1))
    region = draw(st.sampled_from(["us-east-1", "us-west-2"]))
    as_of = f"2026-11-{draw(st.integers(1, 28)):02}T00:00:00Z"
    items = [
        offering(zone, machine, as_of, region)
        for machine in sorted(subjects)
        for zone in draw(st.sets(st.sampled_from(["az1", "az2"])))
    ]
    return offerings(
        *items,
        subjects=tuple(sorted(subjects)),
        as_of=as_of,
        region=region,
        is_complete=draw(st.booleans()),
    )


@given(st.lists(answers(), max_size=6), answers())
def test_what_a_survey_did_not_ask_about_survives_it(earlier, latest):
    before = reduce(merge, [Evidence((answer,)) for answer in earlier], Evidence())
    after = merge(before, Evidence((latest,)))
    untouched = [
        item
        for item in before.find(Offering)
        if item.region != latest.region or item.machine_type not in latest.subjects
    ]
    assert set(untouched) <= set(after.find(Offering))
    assert set(latest.items) <= set(after.find(Offering))
    keys = [(item.region, item.zone, item.machine_type) for item in after.find(Offering)]
    assert len(keys) == len(set(keys))
    assert merge(after, Evidence((latest,))) == after
