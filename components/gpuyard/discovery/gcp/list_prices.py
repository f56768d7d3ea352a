"""On-demand and spot prices summed from the SKUs of Compute Engine."""

from collections.abc import Iterator, Sequence
from typing import Any

from gpuyard.catalog.evidence_items import ListPrice
from gpuyard.catalog.hardware import machine_types
from gpuyard.discovery.gcp.client import GcpClients
from gpuyard.discovery.gcp.places import NOW
from gpuyard.discovery.gcp.skus import SKUS, sku_sum

SOURCE = "Cloud Billing SKUs, local SSD not included"


def ask_list_prices(clients: GcpClients, names: Sequence[str], wanted: Sequence[str]) -> Iterator[ListPrice]:
    """USD per machine-hour where every part of the machine has one unambiguous SKU."""
    skus: list[Any] = list(clients.pages("cloudbilling", "services.skus.list", SKUS, "skus", pageSize="5000"))
    for name in names:
        machine = machine_types("gcp").get(name)
        if machine is None:
            continue
        for region in wanted:
            local = [sku for sku in skus if region in sku.get("serviceRegions", ())]
            for purchase in ("on_demand", "spot"):
                usd = sku_sum(local, machine, region, is_spot=purchase == "spot")
                if usd is not None:
                    yield ListPrice(
                        cloud="gcp",
                        region=region,
                        machine_type=name,
                        purchase=purchase,
                        usd=usd,
                        source=SOURCE,
                        as_of=NOW,
                    )
