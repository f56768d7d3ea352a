"""CSV and FOCUS: every charge is a row, numbers multiply out, columns are those of the specification."""

import csv
import io
from decimal import Decimal
from pathlib import Path

import pytest

from gpuyard.costs.pricing import price_resources
from gpuyard.costs.rates_file import parse_rates
from gpuyard.costs.usage import Usage
from gpuyard.report import csv_form, focus
from gpuyard.report.csv_form import render_csv, write_csv
from gpuyard.report.focus import left_out, render_focus
from gpuyard.report.focus_services import CATEGORIES, SERVICES, unit_of
from gpuyard.report.model import build_report
from gpuyard.resources import Resource

PAGE = Path(__file__).parents[2] / "docs" / "reference" / "focus-export.md"
MANDATORY = {
    # Feature level "Mandatory" and nulls not allowed, FOCUS_Spec v1.2 specification/columns
    "BilledCost", "BillingAccountId", "BillingCurrency", "BillingPeriodEnd", "BillingPeriodStart",
    "ChargeCategory", "ChargePeriodEnd", "ChargePeriodStart", "ContractedCost", "EffectiveCost",
    "InvoiceIssuerName", "ListCost", "ProviderName", "PublisherName", "ServiceCategory", "ServiceName",
}  # fmt: skip


def rows(text):
    return list(csv.DictReader(io.StringIO(text, newline="")))


def test_csv_has_every_charge_and_every_unknown(report):
    found = rows(render_csv(report))
    assert len(found) == len(report.costs.items) + len(report.costs.unknown)
    assert {row["status"] for row in found} == {"priced", "by use", "unknown"}
    paid = sum(
        Decimal(row["usd_expected"]) for row in found if row["usd_expected"] and row["category"] != "Credit"
    )
    assert float(paid) == pytest.approx(float(report.costs.monthly.expected))
    assert all(row["usd_expected"] == "" for row in found if row["status"] != "priced")


def test_a_spreadsheet_runs_nothing():
    text = write_csv(["name"], [{"name": "=cmd|' /C calc'!A0"}, {"name": Decimal(-5)}])
    assert [row["name"] for row in rows(text)] == ["'=cmd|' /C calc'!A0", "-5"]


def test_focus_has_the_57_columns_and_then_our_own(report):
    names = next(csv.reader(io.StringIO(render_focus(report))))
    assert len(focus.COLUMNS) == len(set(focus.COLUMNS)) == 57
    assert list(focus.COLUMNS) == sorted(focus.COLUMNS)
    assert names == [*focus.COLUMNS, *focus.CUSTOM]
    assert all(name.startswith("x_") for name in focus.CUSTOM)


def test_focus_fills_what_must_not_be_null(report):
    found = rows(render_focus(report))
    assert set(focus.COLUMNS) >= MANDATORY
    assert all(row[name] for row in found for name in MANDATORY)


def test_focus_rows_are_the_charges_with_an_amount(report):
    found = rows(render_focus(report))
    assert len(found) + left_out(report) == len(report.costs.items) + len(report.costs.unknown)
    assert_follows_focus(found)
    monthly = sum(Decimal(row["EffectiveCost"]) for row in found if row["ChargeCategory"] != "Credit")
    assert float(monthly) == pytest.approx(float(report.costs.monthly.expected))


def test_focus_costs_are_quantity_times_price(report):
    for row in rows(render_focus(report)):
        for cost, price in (("ListCost", "ListUnitPrice"), ("ContractedCost", "ContractedUnitPrice")):
            if row[price]:
                product = float(row["PricingQuantity"]) * float(row[price])
                assert float(row[cost]) == pytest.approx(product)


def test_focus_spot_is_dynamic_and_a_credit_has_no_price(report):
    found = rows(render_focus(report))
    (spot,) = [row for row in found if "spot" in row["x_Component"]]
    assert spot["PricingCategory"] == "Dynamic"
    assert float(spot["ListCost"]) > float(spot["EffectiveCost"])
    (credit,) = [row for row in found if row["ChargeCategory"] == "Credit"]
    assert credit["ListUnitPrice"] == credit["ContractedUnitPrice"] == ""
    assert float(credit["BilledCost"]) < 0


def test_focus_periods_are_a_calendar_month(report):
    row = rows(render_focus(report))[0]
    assert row["BillingPeriodStart"] == row["ChargePeriodStart"]
    assert row["BillingPeriodStart"].endswith("-01T00:00:00Z")
    assert row["BillingPeriodEnd"] > row["BillingPeriodStart"]


def test_focus_services_have_one_category_each():
    assert set(SERVICES.values()) <= set(CATEGORIES)


@pytest.mark.parametrize(
    ("unit", "written"),
    [
        ("hour", "Hours"), ("GB-month", "GB-Months"), ("GPU-hour", "GPU-Hours"), ("GB", "GB"), ("", "Units"),
        ("MB", "MB"), ("10k requests", "10000 Requests"), ("million queries", "1000000 Queries"),
        ("machine-hour", "Machine-Hours"), ("alarm-metric-month", "Alarm-Metric-Months"),
        ("MBps-month", "MBps-Months"), ("USD committed", "USD"), ("vCPU-hour", "vCPU-Hours"),
    ],
)  # fmt: skip
def test_focus_units_are_plural(unit, written):
    assert unit_of(unit) == written


def test_focus_has_commitments_as_purchases_and_what_they_cover():
    """The rules of the CommitmentDiscount columns; sums as EffectiveCost and BilledCost ask."""
    held = {"instanceType": "p5.48xlarge", "instanceCount": 2, "instancePlatform": "Linux/UNIX"}
    resources = [
        resource("aws:ec2/instance:Instance", "one", instanceType="g6.xlarge"),
        resource("aws:ec2/instance:Instance", "two", instanceType="m7i.large"),
        resource("aws:ec2/capacityReservation:CapacityReservation", "held", **held),
        resource("aws:ec2/capacityBlockReservation:CapacityBlockReservation", "block"),
    ]
    ri = {
        "kind": "reserved_instance",
        "machine_type": "g6.xlarge",
        "region": "us-east-1",
        "usd": 0.5,
        "count": 3,
    }
    plan = {"kind": "savings_plan", "usd_per_hour": 50, "percent": 27, "cloud": "aws"}
    rates = parse_rates(
        {
            "discounts": [{"name": "EDP", "percent": 9}],
            "commitments": [{"name": "RI", **ri}, {"name": "plan", **plan}],
        }
    )
    costs = price_resources(
        resources,
        usage=Usage(resources={"block": {"upfront_usd": 5000}}),
        rates=rates,
        default_regions={"aws": "us-east-1"},
    )
    found = rows(render_focus(build_report(stack="committed", costs=costs)))
    assert_follows_focus(found)
    assert {row["CommitmentDiscountStatus"] for row in found} == {"", "Used", "Unused"}
    (unused,) = {
        row["CapacityReservationId"] for row in found if row["CapacityReservationStatus"] == "Unused"
    }
    assert unused.endswith("::held")
    for name in ("RI", "plan"):
        mine = [row for row in found if row["CommitmentDiscountId"] == name]
        effective = sum(float(row["EffectiveCost"]) for row in mine if row["ChargeCategory"] == "Usage")
        (billed,) = [float(row["BilledCost"]) for row in mine if row["ChargeCategory"] == "Purchase"]
        assert effective == pytest.approx(billed)
    assert sum(float(row["EffectiveCost"]) for row in found) == pytest.approx(float(costs.monthly.expected))
    assert sum(float(row["BilledCost"]) for row in found) == pytest.approx(
        float(costs.monthly.expected + costs.one_time)
    )


def resource(kind, name, **inputs):
    return Resource(urn=f"urn:pulumi:test::test::{kind}::{name}", type=kind, name=name, inputs=inputs)


def assert_follows_focus(found):
    """Nullability and arithmetic of FOCUS_Spec v1.2, specification/columns; no table has SKU ids."""
    for row in found:
        usage, purchase = (row["ChargeCategory"] == kind for kind in ("Usage", "Purchase"))
        committed = row["CommitmentDiscountId"] != ""
        assert row["ChargeCategory"] in ("Usage", "Purchase", "Credit")
        assert row["PricingCategory"] in ("Standard", "Dynamic", "Committed", "Other")
        assert not (purchase and row["ChargeFrequency"] == "Usage-Based")
        assert (row["PricingCategory"] == "Committed") == (committed and usage)
        for name in ("ListUnitPrice", "ContractedUnitPrice", "PricingQuantity", "PricingUnit"):
            assert row[name] or not (usage or purchase), name
        for name in ("Category", "Name", "Quantity", "Type", "Unit"):
            assert (row[f"CommitmentDiscount{name}"] != "") == committed, name
        assert (row["CommitmentDiscountStatus"] != "") == (committed and usage)
        consumes = usage and row["CommitmentDiscountStatus"] != "Unused"
        assert (row["ConsumedQuantity"] != "") == (row["ConsumedUnit"] != "") == consumes
        assert float(row["EffectiveCost"]) == 0 or not purchase
        assert (row["CapacityReservationId"] != "") == (row["CapacityReservationStatus"] != "")
        assert (row["ResourceId"] != "") == (row["ResourceType"] != "")
        assert (row["RegionId"] != "") == (row["RegionName"] != "")
        for cost, price in (("ListCost", "ListUnitPrice"), ("ContractedCost", "ContractedUnitPrice")):
            if row[price]:
                assert float(row[price]) >= 0
                assert float(row[cost]) == pytest.approx(float(row["PricingQuantity"]) * float(row[price]))
            else:
                assert row[cost] == row["BilledCost"]


def test_the_page_explains_every_column_that_is_filled(report):
    text = PAGE.read_text()
    filled = {name for row in rows(render_focus(report)) for name, value in row.items() if value}
    assert sorted(name for name in filled if name not in text) == []
    assert sorted(name for name in csv_form.COLUMNS if name not in text) == []
