"""Reserved Compute Engine capacity: each component alone, recorded as a first preview."""

import pytest

from gpuyard.gcp.future_reservation import GcpFutureReservation
from gpuyard.gcp.reservation import GcpReservation
from gpuyard.inputs import ArgsError

PLACE = {"zone": "us-central1-a", "machine_type": "a3-highgpu-8g", "machines": 2}
WINDOW = {"starts": "2026-12-07T09:00:00Z", "ends": "2026-12-14T09:00:00Z"}
OFFERING = "gcp/us-central1/us-central1-a/a3-highgpu-8g/calendar"
CALENDAR = {**PLACE, **WINDOW, "mode": "calendar", "submit": True, "amount_usd": 29733.0}


def test_a_reservation_is_specific_and_has_the_name_that_pools_use(preview):
    plan = preview(lambda: GcpReservation("h100", PLACE))
    assert plan.tree() == [" > GcpReservation h100", "h100 > Reservation h100-reservation"]
    inputs = plan.one("Reservation").inputs
    assert inputs["name"] == "h100"
    assert inputs["specificReservationRequired"] is True
    assert inputs["specificReservation"] == {
        "count": 2,
        "instanceProperties": {"machineType": "a3-highgpu-8g"},
    }


def test_a_draft_costs_nothing_and_needs_no_agreement(preview):
    inputs = (
        preview(lambda: GcpFutureReservation("later", {**PLACE, **WINDOW})).one("FutureReservation").inputs
    )
    assert inputs["planningStatus"] == "DRAFT"
    assert inputs["reservationName"] == "later"
    assert "reservationMode" not in inputs


def test_a_calendar_booking_is_submitted_once_it_is_acknowledged(preview):
    args = {**CALENDAR, "acknowledge_purchase": {"offering": OFFERING, "amount_usd": 29733.0}}
    future = preview(lambda: GcpFutureReservation("later", args)).one("FutureReservation")
    assert future.inputs["planningStatus"] == "SUBMITTED"
    assert future.inputs["reservationMode"] == "CALENDAR"
    assert future.inputs["timeWindow"] == {"startTime": WINDOW["starts"], "endTime": WINDOW["ends"]}
    assert future.options["retainOnDelete"] is True


@pytest.mark.parametrize(
    ("changes", "says"),
    [
        ({}, "nobody agreed to it"),
        ({"acknowledge_purchase": {"offering": OFFERING, "amount_usd": 1.0}}, "was agreed to"),
        ({"amount_usd": None}, "has no known amount"),
        ({"ends": "2026-12-01T09:00:00Z"}, "is not after starts"),
        ({"zone": "us-central1"}, "zone"),
        ({"machine_type": "p5.48xlarge"}, "is a machine type of aws"),
    ],
)
def test_what_was_not_agreed_to_or_cannot_be_is_refused_in_preview(preview, changes, says):
    with pytest.raises(ArgsError, match=says):
        preview(lambda: GcpFutureReservation("later", {**CALENDAR, **changes}))
