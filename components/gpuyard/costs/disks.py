"""Disks of both clouds, alone or one per node."""

from collections.abc import Iterator
from decimal import Decimal

from gpuyard.catalog.service_prices import service_price, service_tiers
from gpuyard.costs.line_item import STORAGE, Charge, Loads, charge, charge_tiers, decimal, when_used
from gpuyard.resources import Resource

GP3_FREE_IOPS, GP3_FREE_MBPS = 3000, 125
_BALANCED_FREE_IOPS, _BALANCED_FREE_MBPS = 3000, 140
"""What a hyperdisk-balanced has included (Compute Engine disk pricing)."""
LOCAL_SSD_GB = 375
"""Size of one local SSD at Google."""


def charge_ebs(
    resource: Resource,
    region: str,
    volumes: Loads,
    *,
    size_gb: float | Decimal,
    kind: str = "gp3",
    iops: int | None = None,
    mbps: int | None = None,
    requests: Decimal | None = None,
) -> Iterator[Charge]:
    """EBS volumes of one shape: storage, what is provisioned above the free part, requests of magnetic ones.

    Tiers of io2 apply to each volume by itself.
    """
    yield _storage(resource, "aws", "ebs", region, kind, volumes * decimal(size_gb))
    if kind == "gp3":
        yield from _extra(
            resource, "ebs", region, "gp3 IOPS above 3000", "IOPS-month", volumes, (iops or 0) - GP3_FREE_IOPS
        )
        item = "gp3 throughput above 125 MB/s"
        yield from _extra(resource, "ebs", region, item, "MBps-month", volumes, (mbps or 0) - GP3_FREE_MBPS)
    elif kind == "io1":
        yield from _extra(resource, "ebs", region, "io1 IOPS", "IOPS-month", volumes, iops or 0)
    elif kind == "io2":
        yield from _io2_iops(resource, region, volumes, iops or 0)
    elif kind == "standard":
        price = service_price("aws", "ebs", "standard I/O requests", region)
        used = None if requests is None else when_used(requests / 1_000_000)
        unit = "million requests"
        yield charge(resource, "magnetic I/O", price, used, unit=unit, group=STORAGE, region=region)


def _io2_iops(resource: Resource, region: str, volumes: Loads, iops: int) -> Iterator[Charge]:
    tiers = service_tiers("aws", "ebs", "io2 IOPS", region)
    if not tiers:
        if iops:
            wanted = volumes * iops
            yield charge(resource, "io2 IOPS", None, wanted, unit="IOPS-month", group=STORAGE, region=region)
        return
    ends = [*(int(tier.from_gb) for tier in tiers[1:]), None]
    for tier, end in zip(tiers, ends, strict=True):
        part = (iops if end is None else min(iops, end)) - int(tier.from_gb)
        if part > 0:
            name = f"io2 IOPS, above {tier.from_gb:,.0f}" if tier.from_gb else "io2 IOPS"
            quantity = volumes * part
            yield charge(
                resource, name, tier.price, quantity, unit="IOPS-month", group=STORAGE, region=region
            )


def charge_gcp_disk(
    resource: Resource,
    region: str,
    disks: Loads,
    *,
    size_gb: float | Decimal,
    kind: str,
    iops: int | None = None,
    mbps: int | None = None,
) -> Iterator[Charge]:
    """Persistent disks and hyperdisks of one shape."""
    yield _storage(resource, "gcp", "disk", region, kind, disks * decimal(size_gb))
    if kind in ("pd-extreme", "hyperdisk-extreme"):
        yield from _extra(resource, "disk", region, f"{kind} IOPS", "IOPS-month", disks, iops or 0)
    elif kind == "hyperdisk-balanced":
        item, above = "hyperdisk-balanced IOPS above 3000", (iops or 0) - _BALANCED_FREE_IOPS
        yield from _extra(resource, "disk", region, item, "IOPS-month", disks, above)
        item, above = "hyperdisk-balanced throughput above 140 MB/s", (mbps or 0) - _BALANCED_FREE_MBPS
        yield from _extra(resource, "disk", region, item, "MBps-month", disks, above)
    elif kind in ("hyperdisk-ml", "hyperdisk-throughput"):
        yield from _extra(resource, "disk", region, f"{kind} throughput", "MBps-month", disks, mbps or 0)


def charge_local_ssd(resource: Resource, region: str, disks: Loads, *, is_spot: bool) -> Iterator[Charge]:
    """Local SSDs of 375 GB."""
    sku = "local ssd spot" if is_spot else "local ssd (a3/g2 bundled rate)"
    price = service_price("gcp", "disk", sku, region)
    quantity = disks * Decimal(LOCAL_SSD_GB)
    yield charge(resource, "local SSD", price, quantity, unit="GB-month", group=STORAGE, region=region)


def _storage(resource: Resource, cloud: str, service: str, region: str, kind: str, quantity: Loads) -> Charge:
    price = service_price(cloud, service, f"{kind} storage", region)
    price = price or service_price(cloud, service, kind, region)
    return charge(resource, f"{kind} disk", price, quantity, unit="GB-month", group=STORAGE, region=region)


def _extra(
    resource: Resource, service: str, region: str, item: str, unit: str, disks: Loads, amount: int
) -> Iterator[Charge]:
    """What is provisioned on top; nothing where the free part suffices."""
    if amount > 0:
        cloud = "aws" if service == "ebs" else "gcp"
        tiers = service_tiers(cloud, service, item, region)
        quantity = disks * decimal(amount)
        yield from charge_tiers(resource, item, tiers[:1], quantity, unit=unit, group=STORAGE, region=region)
