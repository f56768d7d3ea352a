"""The charges of a month as a FOCUS 1.2 dataset (CSV), for tools that read bills.

Columns, order and rules: FinOps Open Cost and Usage Specification v1.2, May 2025,
https://focus.finops.org/focus-specification/v1-2/ (CC BY 4.0; column ids read from its repository, tag v1.2).
All 57 columns are there; what an estimate cannot know is null, an empty cell. See
docs/reference/focus-export.md for what each holds and where an estimate must differ from a bill.
"""

from datetime import date
from typing import Any

from gpuyard.catalog.regions import regions
from gpuyard.costs.line_item import (
    CONTROL_PLANE,
    CPU_NODES,
    GPU_NODES,
    NETWORK,
    OBSERVABILITY,
    STORAGE,
    LineItem,
)
from gpuyard.report.csv_form import write_csv
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
_PROVIDERS = {"aws": "AWS", "gcp": "Google Cloud", "kubernetes": "Kubernetes"}
_SERVICES = {
    ("aws", GPU_NODES): "Amazon Elastic Compute Cloud",
    ("aws", CPU_NODES): "Amazon Elastic Compute Cloud",
    ("aws", CONTROL_PLANE): "Amazon Elastic Kubernetes Service",
    ("aws", STORAGE): "Amazon Elastic Block Store",
    ("aws", NETWORK): "Amazon Virtual Private Cloud",
    ("aws", OBSERVABILITY): "Amazon CloudWatch",
    ("gcp", GPU_NODES): "Compute Engine",
    ("gcp", CPU_NODES): "Compute Engine",
    ("gcp", CONTROL_PLANE): "Google Kubernetes Engine",
    ("gcp", STORAGE): "Persistent Disk",
    ("gcp", NETWORK): "Networking",
    ("gcp", OBSERVABILITY): "Cloud Logging",
    "aws:efs": "Amazon Elastic File System",
    "aws:fsx": "Amazon FSx",
    "aws:s3": "Amazon Simple Storage Service",
    "aws:ecr": "Amazon Elastic Container Registry",
    "aws:lb": "Elastic Load Balancing",
    "aws:alb": "Elastic Load Balancing",
    "gcp:storage": "Cloud Storage",
    "gcp:artifactregistry": "Artifact Registry",
}
"""By the type's module where it says which service it is, else by cloud and group."""
_CATEGORIES = {
    "Amazon Elastic Compute Cloud": ("Compute", "Virtual Machines"),
    "Compute Engine": ("Compute", "Virtual Machines"),
    "Amazon Elastic Kubernetes Service": ("Compute", "Containers"),
    "Google Kubernetes Engine": ("Compute", "Containers"),
    "Amazon Elastic Container Registry": ("Compute", "Containers"),
    "Artifact Registry": ("Compute", "Containers"),
    "Amazon Elastic Block Store": ("Storage", "Block Storage"),
    "Persistent Disk": ("Storage", "Block Storage"),
    "Amazon Elastic File System": ("Storage", "File Storage"),
    "Amazon FSx": ("Storage", "File Storage"),
    "Amazon Simple Storage Service": ("Storage", "Object Storage"),
    "Cloud Storage": ("Storage", "Object Storage"),
    "Amazon Virtual Private Cloud": ("Networking", "Network Infrastructure"),
    "Networking": ("Networking", "Network Infrastructure"),
    "Elastic Load Balancing": ("Networking", "Network Routing"),
    "Amazon CloudWatch": ("Management and Governance", "Observability"),
    "Cloud Logging": ("Management and Governance", "Observability"),
}
"""Every service has one category, as the specification asks."""
_UNITS = {
    "hour": "Hours",
    "month": "Months",
    "second": "Seconds",
    "request": "Requests",
    "GB": "GB",
    "GiB": "GiB",
    "TB": "TB",
}


def render_focus(report: Report) -> str:
    """One row per charge of the expected month; rates without a declared amount and unknowns have no row."""
    start, end = _month(report.reference_date)
    rows = [_row(report, item, start, end) for item in report.costs.items if item.quantity is not None]
    return write_csv((*COLUMNS, *CUSTOM), rows)


def left_out(report: Report) -> int:
    """Charges that have no row, because their amount or price is not known."""
    return len(report.costs.metered) + len(report.costs.unknown)


def _row(report: Report, item: LineItem, start: str, end: str) -> dict[str, Any]:
    cost, quantity = item.effective, item.quantity
    assert cost is not None  # noqa: S101 (the caller left the others out)
    assert quantity is not None  # noqa: S101
    cloud = _cloud(item)
    provider = _PROVIDERS.get(cloud, cloud or "unknown")
    service = _service(cloud, item)
    category, subcategory = _CATEGORIES.get(service, ("Other", "Other (Other)"))
    charge_category = item.category
    is_usage, is_credit = charge_category == "Usage", charge_category == "Credit"
    billed = cost.expected
    listed = item.list_cost
    is_committed = item.pricing_category == "Committed" and item.contracted_unit_price is not None
    contracted = item.contracted_unit_price if is_committed else item.unit_price
    row: dict[str, Any] = {
        "BilledCost": billed,
        "BillingAccountId": report.stack,
        "BillingAccountType": "Pulumi stack",
        "BillingCurrency": "USD",
        "BillingPeriodEnd": end,
        "BillingPeriodStart": start,
        "ChargeCategory": charge_category,
        "ChargeDescription": f"{item.component} of {item.resource}, expected",
        "ChargeFrequency": _frequency(item),
        "ChargePeriodEnd": end,
        "ChargePeriodStart": start,
        "ContractedCost": quantity.expected * (contracted or 0) if is_committed else billed,
        "EffectiveCost": billed,
        "InvoiceIssuerName": provider,
        "ListCost": billed if is_credit or listed is None else listed.expected,
        "PricingCategory": item.pricing_category,
        "PricingCurrency": "USD",
        "PricingCurrencyEffectiveCost": billed,
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
    if item.pricing_category == "Committed" and is_usage and item.discounts:
        is_spend = item.unit == "USD committed"
        row |= {
            "CommitmentDiscountCategory": "Spend" if is_spend else "Usage",
            "CommitmentDiscountId": item.discounts[-1],
            "CommitmentDiscountName": item.discounts[-1],
            "CommitmentDiscountQuantity": quantity.expected,
            "CommitmentDiscountStatus": "Unused" if item.component.endswith("not used") else "Used",
            "CommitmentDiscountUnit": _unit(item.unit),
        }
    if is_usage:
        row |= {"ConsumedQuantity": quantity.expected, "ConsumedUnit": _unit(item.unit)}
    if not is_credit:  # a credit has no price: prices may not be negative
        row |= {
            "ContractedUnitPrice": contracted,
            "ListUnitPrice": item.list_unit_price,
            "PricingCurrencyContractedUnitPrice": contracted,
            "PricingCurrencyListUnitPrice": item.list_unit_price,
            "PricingQuantity": quantity.expected,
            "PricingUnit": _unit(item.unit),
        }
    return row


def _frequency(item: LineItem) -> str:
    """As ours; a purchase is never by use."""
    if item.category == "Purchase" and item.frequency == "Usage-Based":
        return "Recurring"
    return item.frequency


def _cloud(item: LineItem) -> str:
    """By type, or by region for what a cluster makes; the provider's own name elsewhere."""
    cloud = item.type.partition(":")[0]
    if cloud in ("aws", "gcp"):
        return cloud
    return next((name for name in ("aws", "gcp") if item.region in regions(name)), cloud)


def _service(cloud: str, item: LineItem) -> str:
    module = item.type.partition("/")[0]
    return _SERVICES.get(module) or _SERVICES.get((cloud, item.group)) or module or "unknown"


def _unit(unit: str) -> str:
    """FOCUS writes units in the plural, composites with a dash: ``Hours``, ``GB-Months``."""
    if "/" in unit or not unit:
        return unit or "Units"
    first, dash, time = unit.rpartition("-")
    last = _UNITS.get(time, time[:1].upper() + time[1:] + ("" if time.endswith("s") else "s"))
    return f"{first}{dash}{last}"


def _month(day: str) -> tuple[str, str]:
    """The calendar month around ``day``, first instant and first instant after it, UTC."""
    try:
        found = date.fromisoformat(day[:10])
    except ValueError:
        found = date(1970, 1, 1)
    after = date(found.year + found.month // 12, found.month % 12 + 1, 1)
    return f"{found.replace(day=1)}T00:00:00Z", f"{after}T00:00:00Z"
