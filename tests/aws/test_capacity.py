"""Reserved EC2 capacity: each component alone, recorded as a first preview; ids are synthetic."""

import pytest

from gpuyard.aws.block import Ec2CapacityBlock
from gpuyard.aws.reservation import Ec2CapacityReservation
from gpuyard.inputs import ArgsError

OFFER = "cb-0123456789abcdef0"
BLOCK = {"offering_id": OFFER, "amount_usd": 5290.0}
AGREED = {"offering": OFFER, "amount_usd": 5290.0}
RESERVATION = {"zone": "us-east-1a", "machine_type": "p5.48xlarge", "machines": 2}


def test_a_reservation_holds_machines_for_those_who_name_it(preview):
    plan = preview(lambda: Ec2CapacityReservation("h100", RESERVATION))
    assert plan.tree() == [" > Ec2CapacityReservation h100", "h100 > CapacityReservation h100-reservation"]
    inputs = plan.one("CapacityReservation").inputs
    assert inputs["instanceMatchCriteria"] == "targeted"
    assert inputs["endDateType"] == "unlimited"
    assert (inputs["instanceType"], inputs["instanceCount"]) == ("p5.48xlarge", 2)


def test_an_end_makes_a_reservation_limited(preview):
    args = {**RESERVATION, "ends": "2026-12-24T12:00:00Z", "is_open": True}
    inputs = preview(lambda: Ec2CapacityReservation("h100", args)).one("CapacityReservation").inputs
    assert (inputs["endDateType"], inputs["endDate"]) == ("limited", "2026-12-24T12:00:00Z")
    assert inputs["instanceMatchCriteria"] == "open"


@pytest.mark.parametrize(
    ("changes", "says"),
    [
        ({"zone": "use1-az1"}, "is a zone id"),
        ({"machine_type": "a3-highgpu-8g"}, "is a machine type of gcp"),
        ({"machine_type": "p5.48xlrge"}, "did you mean"),
        ({"machines": 0}, "machines"),
        ({"ends": "tomorrow"}, "ends"),
    ],
)
def test_reservations_that_cannot_be_are_refused_at_their_property(preview, changes, says):
    with pytest.raises(ArgsError, match=says):
        preview(lambda: Ec2CapacityReservation("h100", {**RESERVATION, **changes}))


def test_a_block_is_bought_once_its_id_and_amount_are_acknowledged(preview):
    plan = preview(lambda: Ec2CapacityBlock("block", {**BLOCK, "acknowledge_purchase": AGREED}))
    block = plan.one("CapacityBlockReservation")
    assert block.inputs["capacityBlockOfferingId"] == OFFER
    assert block.options["retainOnDelete"] is True
    warnings = [message for message in plan.recording.messages if "gives nothing back" in str(message)]
    assert len(warnings) == 1


@pytest.mark.parametrize(
    ("agreed", "says"),
    [
        (None, "nobody agreed to it"),
        ({**AGREED, "offering": "cb-0000000000000000f"}, "nobody agreed to it"),
        ({**AGREED, "amount_usd": 5289.0}, r"\$5,289.00 was agreed to"),
        ({**AGREED, "amount_usd": 5290.01}, "was agreed to"),
    ],
)
def test_a_block_without_that_agreement_is_refused_in_preview(preview, agreed, says):
    args = {**BLOCK, **({"acknowledge_purchase": agreed} if agreed else {})}
    with pytest.raises(ArgsError, match=says):
        preview(lambda: Ec2CapacityBlock("block", args))
