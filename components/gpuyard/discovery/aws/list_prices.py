"""On-demand prices of the AWS Price List, every region of a machine type at once."""

import json
from collections.abc import Iterator
from typing import Any

from gpuyard.catalog.evidence_items import ListPrice
from gpuyard.discovery.aws.region import NOW

PRICE_LIST_REGION = "us-east-1"
SOURCE = "AWS Price List"


def ask_list_prices(pricing: Any, machine_type: str, regions: tuple[str, ...]) -> Iterator[ListPrice]:
    """USD per machine-hour in each of ``regions`` that has one unambiguous price.

    Without `marketoption` the rows of capacity blocks would answer as well, at the price of their
    operating system alone (skypilot-org/skypilot#4657).
    """
    wanted = {
        "instanceType": machine_type,
        "operatingSystem": "Linux",
        "preInstalledSw": "NA",
        "capacitystatus": "Used",
        "marketoption": "OnDemand",
        "tenancy": "Shared",
        "locationType": "AWS Region",
    }
    filters = [{"Type": "TERM_MATCH", "Field": field, "Value": value} for field, value in wanted.items()]
    prices: dict[str, set[float]] = {}
    for page in pricing.get_paginator("get_products").paginate(ServiceCode="AmazonEC2", Filters=filters):
        for text in page["PriceList"]:
            product = json.loads(text)
            region = product["product"]["attributes"].get("regionCode", "")
            if region in regions:
                prices.setdefault(region, set()).update(_hourly(product))
    for region, found in prices.items():
        if len(found) == 1:
            yield ListPrice(
                cloud="aws",
                region=region,
                machine_type=machine_type,
                purchase="on_demand",
                usd=found.pop(),
                source=SOURCE,
                as_of=NOW,
            )


def _hourly(product: Any) -> Iterator[float]:
    for term in product["terms"].get("OnDemand", {}).values():
        for dimension in term["priceDimensions"].values():
            usd = float(dimension["pricePerUnit"].get("USD", 0))
            if dimension["unit"] == "Hrs" and usd > 0:
                yield usd
