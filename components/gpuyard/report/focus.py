"""The charges of a month as a FOCUS 1.2 dataset (CSV), for tools that read bills.

Columns, order and rules: FinOps Open Cost and Usage Specification v1.2, May 2025,
https://focus.finops.org/focus-specification/v1-2/ (CC BY 4.0; column ids read from its repository, tag v1.2).
All 57 columns are there; what an estimate cannot know is null, an empty cell. See
docs/reference/focus-export.md for what each holds and where an estimate must differ from a bill.
"""

from collections.abc import Iterator, Mapping, Sequence
from datetime import date
from typing import Any

from gpuyard.costs.line_item import LineItem
from gpuyard.costs.rates import NOT_USED, SAVINGS_PLAN
from gpuyard.report.csv_form import write_csv
from gpuyard.report.focus_services import CATEGORIES, PROVIDERS, cloud_of, service_of, unit_of
from gpuyard.report.model import Report

COLUMNS = tuple(
    """
    AvailabilityZone BilledCost BillingAccountId BillingAccountName BillingAccountType BillingCurrency
    BillingPeriodEnd BillingPeriodStart CapacityReservationId CapacityReservationStatus ChargeCategory
    ChargeClass ChargeDescription ChargeFrequency ChargePeriodEnd ChargePeriodStart
    CommitmentDiscountCategory CommitmentDiscountId CommitmentDiscountName CommitmentDiscountQuantity
    CommitmentDiscountStatus CommitmentDiscountType CommitmentDiscountUnit ConsumedQuantity ConsumedUnit
    ContractedCost ContractedUnitPrice EffectiveCost InvoiceId InvoiceIssuerName ListCost ListUnitPrice
    PricingCategory PricingCurrency PricingCurrencyContractedUnitPrice PricingCurrencyEffectiveCost
    PricingCurrencyListUnitPrice PricingQuantity PricingUnit ProviderName PublisherName RegionId RegionName
    ResourceId ResourceName ResourceType ServiceCategory ServiceName ServiceSubcategory SkuId SkuMeter
    SkuPriceDetails SkuPriceId SubAccountId SubAccountName SubAccountType Tags
    """.split()  # noqa: SIM905 (as the specification lists them)
)
CUSTOM = ("x_Component", "x_Group", "x_IdleCost", "x_PeakCost", "x_PriceSource", "x_PriceAsOf")
"""Ours, after the columns of the specification, as it asks."""


_ON_DEMAND = "JRTCKXETXF.6YS6EN2CT7"
"""AWS's codes of the on-demand term and of its first rate, the same for every SKU (Price List API)."""


def render_focus(report: Report) -> str:
    """One row per charge of the expected month; rates without a declared amount and unknowns have no row.

    What a commitment covers is billed with its purchase, a row of its own.
    """
    start, end = _month(report.reference_date)
    rows = [_row(report, item, start, end) for item in report.costs.items if item.quantity is not None]
    return write_csv((*COLUMNS, *CUSTOM), [*rows, *_purchases(rows)])


def left_out(report: Report) -> int:
    """Charges that have no row, because their amount or price is not known."""
    return len(report.costs.metered) + len(report.costs.unknown)


def _row(report: Report, item: LineItem, start: str, end: str) -> dict[str, Any]:
    cost, quantity = item.effective, item.quantity
    assert cost is not None  # noqa: S101 (the caller left the others out)
    assert quantity is not None  # noqa: S101
    cloud = cloud_of(item)
    provider = PROVIDERS.get(cloud, cloud or "unknown")
    service = service_of(cloud, item)
    category, subcategory = CATEGORIES.get(service, ("Other", "Other (Other)"))
    is_credit, paid = item.category == "Credit", cost.expected
    # a price that nobody publishes is the one that is paid: neither may be null
    listed = item.unit_price if item.list_unit_price is None else item.list_unit_price
    negotiated = item.contracted_unit_price if item.commitment else item.unit_price
    contracted = item.unit_price if negotiated is None else negotiated
    row: dict[str, Any] = {
        "BilledCost": 0 if item.commitment else paid,
        "BillingAccountId": report.stack,
        "BillingAccountType": "Pulumi stack",
        "BillingCurrency": "USD",
        "BillingPeriodEnd": end,
        "BillingPeriodStart": start,
        "ChargeCategory": item.category,
        "ChargeDescription": f"{item.component} of {item.resource}, expected",
        "ChargeFrequency": _frequency(item),
        "ChargePeriodEnd": end,
        "ChargePeriodStart": start,
        "ContractedCost": paid if is_credit else quantity.expected * contracted,
        "EffectiveCost": 0 if item.category == "Purchase" else paid,
        "InvoiceIssuerName": provider,
        "ListCost": paid if is_credit else quantity.expected * listed,
        "PricingCategory": item.pricing_category,
        "PricingCurrency": "USD",
        "PricingCurrencyEffectiveCost": 0 if item.category == "Purchase" else paid,
        "ProviderName": provider,
        "PublisherName": provider,
        "RegionId": item.region or None,
        "RegionName": item.region or None,
        "ResourceId": item.urn or None,
        "ResourceName": item.resource or None,
        "ResourceType": item.type or None,
        "ServiceCategory": category,
        "ServiceName": service,
        "ServiceSubcategory": subcategory,
        "x_Component": item.component,
        "x_Group": item.group,
        "x_IdleCost": cost.idle,
        "x_PeakCost": cost.peak,
        "x_PriceSource": item.source,
        "x_PriceAsOf": item.as_of,
    }
    if item.category == "Usage":
        row |= {"ConsumedQuantity": quantity.expected, "ConsumedUnit": unit_of(item.unit)}
    if not is_credit:  # a credit has no price: prices may not be negative
        row |= {
            "ContractedUnitPrice": contracted,
            "ListUnitPrice": listed,
            "PricingCurrencyContractedUnitPrice": contracted,
            "PricingCurrencyListUnitPrice": listed,
            "PricingQuantity": quantity.expected,
            "PricingUnit": unit_of(item.unit),
        }
    return row | _sku(item) | _reservation(item) | _commitment(item)


def _reservation(item: LineItem) -> dict[str, Any]:
    """Which capacity reservation stands unused; its users are charged as machines."""
    if "reserved and not used" not in item.component:
        return {}
    return {"CapacityReservationId": item.urn, "CapacityReservationStatus": "Unused"}


def _commitment(item: LineItem) -> dict[str, Any]:
    """Which commitment covers the charge, or stands unused."""
    if not item.commitment:
        return {}
    assert item.quantity is not None  # noqa: S101 (the caller left the others out)
    is_spend, is_unused = item.commitment == SAVINGS_PLAN, item.component == NOT_USED
    amount = item.quantity.expected * (item.unit_price if is_spend else 1)
    found = {
        "CommitmentDiscountCategory": "Spend" if is_spend else "Usage",
        "CommitmentDiscountId": item.discounts[-1],
        "CommitmentDiscountName": item.discounts[-1],
        "CommitmentDiscountQuantity": amount,
        "CommitmentDiscountStatus": "Unused" if is_unused else "Used",
        "CommitmentDiscountType": item.commitment,
        "CommitmentDiscountUnit": "USD" if is_spend else unit_of(item.unit),
    }
    return found | ({"ConsumedQuantity": None, "ConsumedUnit": None} if is_unused else {})


def _purchases(rows: Sequence[Mapping[str, Any]]) -> Iterator[dict[str, Any]]:
    """What each commitment is billed in the month: as much as its used and unused rows cost effectively."""
    owned = [row for row in rows if row.get("CommitmentDiscountId")]
    for name in dict.fromkeys(row["CommitmentDiscountId"] for row in owned):
        parts = [row for row in owned if row["CommitmentDiscountId"] == name]
        billed = sum(row["EffectiveCost"] for row in parts)
        amount = sum(row["CommitmentDiscountQuantity"] for row in parts)
        price = billed / amount if amount else 0
        yield {
            **{key: value for key, value in parts[0].items() if not key.startswith(("Consumed", "x_"))},
            "BilledCost": billed,
            "CapacityReservationId": None,
            "CapacityReservationStatus": None,
            "ChargeCategory": "Purchase",
            "ChargeDescription": f"{parts[0]['CommitmentDiscountType']} {name}, this month's part",
            "ChargeFrequency": "Recurring",
            "CommitmentDiscountQuantity": amount,
            "CommitmentDiscountStatus": None,
            "ContractedCost": amount * price,
            "ContractedUnitPrice": price,
            "EffectiveCost": 0,
            "ListCost": amount * price,
            "ListUnitPrice": price,
            "PricingCategory": "Standard",
            "PricingCurrencyContractedUnitPrice": price,
            "PricingCurrencyEffectiveCost": 0,
            "PricingCurrencyListUnitPrice": price,
            "PricingQuantity": amount,
            "PricingUnit": parts[0]["CommitmentDiscountUnit"],
            "ResourceId": name,
            "ResourceName": None,
            "ResourceType": parts[0]["CommitmentDiscountType"],
        }


def _sku(item: LineItem) -> dict[str, str]:
    """What is sold, and at AWS on demand the one rate of it; empty where public data has no id."""
    if not item.sku:
        return {}
    price = {"SkuPriceId": f"{item.sku}.{_ON_DEMAND}"} if item.pricing_category == "Standard" else {}
    return {"SkuId": item.sku, **price}


def _frequency(item: LineItem) -> str:
    """As ours; a purchase is never by use."""
    if item.category == "Purchase" and item.frequency == "Usage-Based":
        return "Recurring"
    return item.frequency


def _month(day: str) -> tuple[str, str]:
    """The calendar month around ``day``, first instant and first instant after it, UTC."""
    try:
        found = date.fromisoformat(day[:10])
    except ValueError:
        found = date(1970, 1, 1)
    after = date(found.year + found.month // 12, found.month % 12 + 1, 1)
    return f"{found.replace(day=1)}T00:00:00Z", f"{after}T00:00:00Z"
