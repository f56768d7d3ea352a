"""Google's storage by the resource: disks, images, buckets, registries, file shares."""

from collections.abc import Iterator
from typing import Any

from gpuyard.catalog.component_prices import egress_tiers
from gpuyard.catalog.prices import component
from gpuyard.catalog.service_prices import service_price, service_tiers
from gpuyard.costs.disks import charge_gcp_disk
from gpuyard.costs.gcp_parts import HOME
from gpuyard.costs.line_item import (
    NETWORK,
    OTHER,
    STORAGE,
    Charge,
    always,
    charge,
    charge_tiers,
    decimal,
    unpriced,
    when_used,
)
from gpuyard.costs.parts import Part, charge_part
from gpuyard.costs.scene import Scene, count, listed, mapping, text
from gpuyard.resources import Resource

DISK, IMAGE, SNAPSHOT = (
    "gcp:compute/disk:Disk",
    "gcp:compute/image:Image",
    "gcp:compute/snapshot:Snapshot",
)
_DEFAULT_GB = {
    "pd-standard": 500,
    "pd-balanced": 100,
    "pd-ssd": 100,
    "pd-extreme": 1000,
    "hyperdisk-extreme": 1000,
}
"""Size where a disk says none and comes from nothing (Compute Engine API)."""
_DEFAULT_IOPS = {"pd-extreme": 100_000, "hyperdisk-extreme": 350_000}


def price_disk(resource: Resource, scene: Scene) -> Iterator[Charge]:
    """A persistent disk or hyperdisk, zonal, or regional at the price of two."""
    inputs, region = resource.inputs, scene.region(resource)
    kind = text(inputs.get("type"), "pd-standard").rsplit("/", 1)[-1]
    size = disk_size(resource, scene)
    if size is None:
        yield unpriced(resource, "disk", "its size is that of its image or snapshot", region)
        return
    exists = always(scene.hours_of(resource) / scene.hours)
    iops = count(inputs.get("provisionedIops"))
    if iops is None and count(inputs.get("size")) is None:
        iops = _DEFAULT_IOPS.get(kind)
    if resource.type.endswith(":RegionDisk"):
        price = service_price("gcp", "disk", f"{kind} regional", region)
        if price is not None:
            quantity = exists * decimal(size)
            name = f"{kind} regional disk"
            yield charge(resource, name, price, quantity, unit="GB-month", group=STORAGE, region=region)
            return
        exists = exists * 2
    speed = count(inputs.get("provisionedThroughput"))
    yield from charge_gcp_disk(resource, region, exists, size_gb=size, kind=kind, iops=iops, mbps=speed)


def disk_size(resource: Resource, scene: Scene, depth: int = 5) -> int | None:
    """GB of a disk, image or snapshot: its own, or that of what it comes from; None: not known."""
    own = count(resource.inputs.get("size"))
    own = own if own is not None else count(resource.inputs.get("diskSizeGb"))
    if own is not None:
        return own
    has_source = False
    for key, kind in (
        ("image", IMAGE),
        ("snapshot", SNAPSHOT),
        ("sourceImage", IMAGE),
        ("sourceSnapshot", SNAPSHOT),
        ("sourceDisk", DISK),
    ):
        value = resource.inputs.get(key)
        if value is None and not resource.property_dependencies.get(key):
            continue
        has_source = True
        source = scene.linked(resource, kind, key, value=value)
        if source is not None and depth:
            return disk_size(source, scene, depth - 1)
    if has_source or resource.type not in (DISK, "gcp:compute/regionDisk:RegionDisk"):
        return count(resource.outputs.get("size"))
    return _DEFAULT_GB.get(text(resource.inputs.get("type"), "pd-standard").rsplit("/", 1)[-1])


def price_stored_image(resource: Resource, scene: Scene) -> Iterator[Charge]:
    """An image or snapshot: declared, or at most the size of what it was made from."""
    region = scene.region(resource) or HOME
    is_image = resource.type == IMAGE
    declared = scene.usage.amount(resource, "storage_gb")
    size = declared if declared is not None else disk_size(resource, scene)
    price = (
        service_price("gcp", "image", "storage", region)
        if is_image
        else service_price("gcp", "disk", "snapshot", region)
    )
    quantity = None if size is None else always(decimal(size))
    if price is not None and declared is None and size is not None:
        price = price.noted("as large as its source; what is stored is compressed and smaller")
    name = "image" if is_image else "snapshot"
    yield charge(resource, name, price, quantity, unit="GB-month", group=STORAGE, region=region)


_MULTI = {"US": "us-multi", "EU": "europe-multi", "ASIA": "asia-multi"}


def price_bucket(resource: Resource, scene: Scene) -> Iterator[Charge]:
    """A bucket: storage by class and place, operations, retrieval, traffic out."""
    location = text(resource.inputs.get("location"), scene.region(resource) or "US")
    storage_class = text(resource.inputs.get("storageClass"), "STANDARD").lower()
    storage_class = "standard" if storage_class in ("regional", "multi_regional") else storage_class
    region = location.lower()
    price = service_price("gcp", "gcs", f"{storage_class} storage", region)
    if price is None and location.upper() in _MULTI and storage_class == "standard":
        price = component("gcp", "gcs", _MULTI[location.upper()], "multi-region storage")
    amount = scene.usage.amount(resource, "storage_gb")
    quantity = None if amount is None else always(amount)
    name = f"{storage_class} storage"
    yield charge(resource, name, price, quantity, unit="GB-month", group=STORAGE, region=region)
    for part in (
        Part(
            "class A operations",
            "gcs",
            f"{storage_class} class A operations",
            "10k operations",
            STORAGE,
            "monthly_class_a_operations",
            10_000,
        ),
        Part(
            "class B operations",
            "gcs",
            f"{storage_class} class B operations",
            "10k operations",
            STORAGE,
            "monthly_class_b_operations",
            10_000,
        ),
    ):
        yield from charge_part(resource, scene, part, region)
    if storage_class != "standard":
        retrieval = Part(
            "retrieval", "gcs", f"{storage_class} retrieval", "GB", STORAGE, "monthly_data_retrieval_gb"
        )
        yield from charge_part(resource, scene, retrieval, region)
    yield from _egress(resource, scene, region)


def price_registry(resource: Resource, scene: Scene) -> Iterator[Charge]:
    """A container registry: what is stored, and traffic out."""
    region = scene.region(resource)
    part = Part("storage", "artifact_registry", "storage", "GB-month", OTHER, "storage_gb")
    yield from charge_part(resource, scene, part, region)
    yield from _egress(resource, scene, region)


def _egress(resource: Resource, scene: Scene, region: str) -> Iterator[Charge]:
    """Traffic out: to the internet where one number is declared, or by destination."""
    amount = scene.usage.amount(resource, "monthly_egress_data_transfer_gb")
    if amount is not None:
        place = region if "-" in region else HOME
        tiers = egress_tiers("gcp", place)
        name = "traffic to the internet"
        yield from charge_tiers(
            resource, name, tiers, when_used(amount), unit="GB", group=NETWORK, region=region
        )
    for key, item in (
        ("same_continent", "same continent"),
        ("worldwide", "worldwide"),
        ("asia", "asia"),
        ("china", "china"),
        ("australia", "australia"),
    ):
        part = scene.usage.amount(resource, f"monthly_egress_data_transfer_gb.{key}")
        if part is not None:
            tiers = service_tiers("gcp", "gcs_egress", item, region)
            yield from charge_tiers(
                resource,
                f"traffic out, {item}",
                tiers,
                when_used(part),
                unit="GB",
                group=NETWORK,
                region=region,
            )


def price_filestore(resource: Resource, scene: Scene) -> Iterator[Charge]:
    """A Filestore instance, by tier and capacity."""
    inputs, region = resource.inputs, scene.region(resource)
    said = text(inputs.get("tier"))
    tier = {"STANDARD": "BASIC_HDD", "PREMIUM": "BASIC_SSD"}.get(said, said)
    size = sum(count(mapping(share).get("capacityGb")) or 0 for share in _blocks(inputs.get("fileShares")))
    if not size or not tier:
        what = "tier" if size else "size"
        yield unpriced(resource, "file share", f"its {what} is not known", region)
        return
    price = service_price("gcp", "filestore", tier, region)
    name = f"{tier} capacity"
    yield charge(resource, name, price, always(size), unit="GB-month", group=STORAGE, region=region)


def _blocks(value: Any) -> list[Any]:
    return listed(value) if isinstance(value, list | tuple) else [value]
