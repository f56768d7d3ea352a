"""CSV and FOCUS: every charge is a row, numbers multiply out, columns are those of the specification."""

import csv
import io
from decimal import Decimal
from pathlib import Path

import pytest

from gpuyard.report import csv_form, focus
from gpuyard.report.csv_form import render_csv, write_csv
from gpuyard.report.focus import left_out, render_focus

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
    services = set(focus._SERVICES.values())
    assert services <= set(focus._CATEGORIES)


@pytest.mark.parametrize(
    ("unit", "written"),
    [("hour", "Hours"), ("GB-month", "GB-Months"), ("GPU-hour", "GPU-Hours"), ("GB", "GB"), ("", "Units")],
)
def test_focus_units_are_plural(unit, written):
    assert focus._unit(unit) == written


def test_the_page_explains_every_column_that_is_filled(report):
    text = PAGE.read_text()
    filled = {name for row in rows(render_focus(report)) for name, value in row.items() if value}
    assert sorted(name for name in filled if name not in text) == []
    assert sorted(name for name in csv_form.COLUMNS if name not in text) == []
