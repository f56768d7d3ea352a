"""Disks of both clouds, alone or one per node."""

from collections.abc import Iterator
from decimal import Decimal

from gpuyard.catalog.prices import component
from gpuyard.costs.line_item import STORAGE, Charge, Loads, charge, decimal, unpriced
from gpuyard.resources import Resource

GP3_FREE_IOPS, GP3_FREE_MBPS = 3000, 125
LOCAL_SSD_GB = 375
"""Size of one local SSD at Google."""


def charge_ebs(
    resource: Resource,
    region: str,
    volumes: Loads,
    *,
    size_gb: int,
    kind: str = "gp3",
    iops: int | None = None,
    mbps: int | None = None,
) -> Iterator[Charge]:
    """EBS volumes of one shape: storage, and what is provisioned above the free part."""
    price = component("aws", "ebs", region, f"{kind} storage")
    size = volumes * decimal(size_gb)
    yield charge(resource, f"{kind} disk", price, size, unit="GB-month", group=STORAGE, region=region)
    if kind == "gp3":
        extra = (
            ("gp3 IOPS above 3000", (iops or 0) - GP3_FREE_IOPS, "IOPS-month"),
            ("gp3 throughput above 125 MB/s", (mbps or 0) - GP3_FREE_MBPS, "MBps-month"),
        )
    elif kind in ("io1", "io2") and iops:
        extra = (({"io2": "io2 IOPS (first 32k)", "io1": "io1 IOPS"}[kind], iops, "IOPS-month"),)
    else:
        extra = ()
    for sku, amount, unit in extra:
        if amount <= 0:
            continue
        if kind == "io2" and amount > 32_000:
            yield unpriced(resource, "io2 IOPS", "no price of IOPS above 32,000", region)
            amount = 32_000  # noqa: PLW2901 (the part that has a price)
        price = component("aws", "ebs", region, sku)
        yield charge(resource, sku, price, volumes * decimal(amount), unit=unit, group=STORAGE, region=region)


def charge_gcp_disk(
    resource: Resource, region: str, disks: Loads, *, size_gb: int, kind: str
) -> Iterator[Charge]:
    """Persistent disks of one shape."""
    price = component("gcp", "disk", region, kind)
    quantity = disks * decimal(size_gb)
    yield charge(resource, f"{kind} disk", price, quantity, unit="GB-month", group=STORAGE, region=region)


def charge_local_ssd(resource: Resource, region: str, disks: Loads, *, is_spot: bool) -> Iterator[Charge]:
    """Local SSDs of 375 GB."""
    sku = "local ssd spot" if is_spot else "local ssd (a3/g2 bundled rate)"
    price = component("gcp", "disk", region, sku)
    quantity = disks * Decimal(LOCAL_SSD_GB)
    yield charge(resource, "local SSD", price, quantity, unit="GB-month", group=STORAGE, region=region)
