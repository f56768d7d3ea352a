"""Volumes, snapshots and file systems of AWS."""

from collections.abc import Iterator
from decimal import Decimal

from gpuyard.catalog.service_prices import service_price
from gpuyard.costs.aws_parts import PARTS
from gpuyard.costs.disks import charge_ebs
from gpuyard.costs.line_item import STORAGE, Charge, always, charge, decimal, unpriced
from gpuyard.costs.parts import Part, charge_part
from gpuyard.costs.scene import Scene, amount, count, listed, mapping, text
from gpuyard.resources import Resource

VOLUME = "aws:ebs/volume:Volume"
SNAPSHOT = "aws:ebs/snapshot:Snapshot"
_GB_PER_MIBPS = 20
"""GB of standard EFS storage that include one MiB/s of provisioned throughput (EFS pricing)."""
_OPENZFS_FREE_IOPS_PER_GB = 3
"""IOPS that FSx for OpenZFS includes per GB of SSD (FSx for OpenZFS pricing)."""


def price_volume(resource: Resource, scene: Scene) -> Iterator[Charge]:
    """An EBS volume, for the hours it exists."""
    inputs, region = resource.inputs, scene.region(resource)
    size = volume_size(resource)
    if size is None:
        yield unpriced(resource, "volume", "its size is that of its snapshot", region)
        return
    yield from charge_ebs(
        resource,
        region,
        always(scene.hours_of(resource) / scene.hours),
        size_gb=size,
        kind=text(inputs.get("type"), "gp2"),
        iops=count(inputs.get("iops")),
        mbps=count(inputs.get("throughput")),
        requests=scene.usage.amount(resource, "monthly_standard_io_requests"),
    )


def volume_size(volume: Resource | None) -> int | None:
    """GB of a volume; None: not known."""
    if volume is None:
        return None
    size = count(volume.inputs.get("size"))
    return count(volume.outputs.get("size")) if size is None else size


def price_snapshot(resource: Resource, scene: Scene) -> Iterator[Charge]:
    """A snapshot, at most as large as its volume, and what its use costs."""
    region = scene.region(resource)
    declared = scene.usage.amount(resource, "storage_gb")
    volume = scene.linked(resource, VOLUME, "volumeId", value=resource.inputs.get("volumeId"))
    size = declared if declared is not None else volume_size(volume)
    if size is None:
        yield unpriced(resource, "snapshot storage", "the size of its volume is not known", region)
    else:
        item = "snapshot archive" if resource.inputs.get("storageTier") == "archive" else "snapshot storage"
        price = service_price("aws", "ebs", item, region)
        quantity = always(decimal(size))
        if price is not None and declared is None:
            price = price.noted("as large as its volume; incremental ones are smaller")
        yield charge(resource, item, price, quantity, unit="GB-month", group=STORAGE, region=region)
    for part in _SNAPSHOT_USE:
        if scene.usage.amount(resource, part.usage) is not None:
            yield from charge_part(resource, scene, part, region)


def price_snapshot_copy(resource: Resource, scene: Scene) -> Iterator[Charge]:
    """A copy of a snapshot, at most as large as the volume of the snapshot that it copies."""
    declared = scene.usage.amount(resource, "storage_gb")
    value = resource.inputs.get("sourceSnapshotId")
    source = scene.linked(resource, SNAPSHOT, "sourceSnapshotId", value=value)
    volume = scene.linked(source, VOLUME, "volumeId", value=source.inputs.get("volumeId")) if source else None
    size = declared if declared is not None else volume_size(volume)
    price = service_price("aws", "ebs", "snapshot storage", scene.region(resource))
    if price is not None and declared is None and size is not None:
        price = price.noted("as large as the volume of its source; incremental ones are smaller")
    quantity = None if size is None else always(decimal(size))
    region = scene.region(resource)
    yield charge(resource, "snapshot storage", price, quantity, unit="GB-month", group=STORAGE, region=region)


_SNAPSHOT_USE = (
    Part("fast restore", "ebs", "fast snapshot restore", "DSU-hour", STORAGE, "fast_snapshot_restore_hours"),
    Part(
        "list requests",
        "ebs",
        "snapshot list requests",
        "1k requests",
        STORAGE,
        "monthly_list_block_requests",
        1000,
    ),
    Part(
        "get requests",
        "ebs",
        "snapshot get requests",
        "1k requests",
        STORAGE,
        "monthly_get_block_requests",
        1000,
    ),
    Part(
        "put requests",
        "ebs",
        "snapshot put requests",
        "1k requests",
        STORAGE,
        "monthly_put_block_requests",
        1000,
    ),
)


def price_efs(resource: Resource, scene: Scene) -> Iterator[Charge]:
    """An EFS file system: what it stores by class, what is read and written, provisioned throughput."""
    inputs, region = resource.inputs, scene.region(resource)
    is_one_zone = bool(inputs.get("availabilityZoneName"))
    prefix = "one zone " if is_one_zone else ""
    standard = f"{prefix}storage" if is_one_zone else "standard storage"
    yield from charge_part(
        resource, scene, Part("storage", "efs", standard, "GB-month", STORAGE, "storage_gb"), region
    )
    has_policy = bool(listed(inputs.get("lifecyclePolicies")) or mapping(inputs.get("lifecyclePolicies")))
    for name, item, unit, key in (
        (
            "infrequent access storage",
            f"{prefix}infrequent access storage",
            "GB-month",
            "infrequent_access_storage_gb",
        ),
        ("infrequent access read", "infrequent access read", "GB", "monthly_infrequent_access_read_gb"),
        ("infrequent access write", "infrequent access write", "GB", "monthly_infrequent_access_write_gb"),
    ):
        if has_policy or scene.usage.amount(resource, key) is not None:
            yield from charge_part(resource, scene, Part(name, "efs", item, unit, STORAGE, key), region)
    if scene.usage.amount(resource, "archive_storage_gb") is not None:
        archive = Part("archive storage", "efs", "archive storage", "GB-month", STORAGE, "archive_storage_gb")
        yield from charge_part(resource, scene, archive, region)
    if inputs.get("throughputMode") == "elastic":
        for way in ("read", "write"):
            part = Part(f"elastic {way}", "efs", f"elastic {way}", "GB", STORAGE, f"monthly_elastic_{way}_gb")
            yield from charge_part(resource, scene, part, region)
    if inputs.get("throughputMode") == "provisioned":
        stored = scene.usage.amount(resource, "storage_gb") or Decimal(0)
        wanted = amount(inputs.get("provisionedThroughputInMibps")) or Decimal(0)
        above = max(Decimal(0), wanted - stored / _GB_PER_MIBPS)
        price = service_price("aws", "efs", "provisioned throughput", region)
        name, unit = "provisioned throughput", "MBps-month"
        yield charge(resource, name, price, always(above), unit=unit, group=STORAGE, region=region)


def price_openzfs(resource: Resource, scene: Scene) -> Iterator[Charge]:
    """FSx for OpenZFS on one zone: SSD as provisioned, throughput, IOPS above three per GB, backups."""
    inputs, region = resource.inputs, scene.region(resource)
    kind = text(inputs.get("deploymentType"))
    if not kind.startswith("SINGLE_AZ_1"):
        reason = (
            f"no price of deployment type {kind!r} is known" if kind else "its deployment type is not known"
        )
        yield unpriced(resource, "file system", reason, region)
        return
    size, speed = count(inputs.get("storageCapacity")) or 0, count(inputs.get("throughputCapacity")) or 0
    iops = count(mapping(inputs.get("diskIopsConfiguration")).get("iops")) or 0
    extra = max(0, iops - _OPENZFS_FREE_IOPS_PER_GB * size)
    for name, item, wanted, unit in (
        ("SSD storage", "SSD single-AZ storage", size, "GB-month"),
        ("throughput", "throughput", speed, "MBps-month"),
        ("provisioned IOPS", "single-AZ IOPS", extra, "IOPS-month"),
    ):
        if wanted:
            price = service_price("aws", "fsx_openzfs", item, region)
            yield charge(resource, name, price, always(wanted), unit=unit, group=STORAGE, region=region)
    backup = Part("backups", "fsx_openzfs", "backup", "GB-month", STORAGE, "backup_storage_gb")
    yield from charge_part(resource, scene, backup, region)


def price_lustre(resource: Resource, scene: Scene) -> Iterator[Charge]:
    """FSx for Lustre: storage, whose price has the throughput per TiB in it, and backups."""
    inputs, region = resource.inputs, scene.region(resource)
    size = count(inputs.get("storageCapacity"))
    deployment = text(inputs.get("deploymentType"), "SCRATCH_1")
    disk = text(inputs.get("storageType"), "SSD")
    speed = count(inputs.get("perUnitStorageThroughput"))
    is_scratch = deployment.startswith("SCRATCH")
    item = "SCRATCH SSD" if is_scratch else f"{deployment} {disk} {speed}"
    if size is None or (speed is None and not is_scratch):
        what = "size" if size is None else "throughput per TiB"
        yield unpriced(resource, "file system", f"its {what} is not known", region)
        return
    price = service_price("aws", "fsx_lustre", item, region)
    yield charge(
        resource, f"{item} storage", price, always(size), unit="GB-month", group=STORAGE, region=region
    )
    backup = Part("backups", "fsx_lustre", "backup", "GB-month", STORAGE, "backup_storage_gb")
    yield from charge_part(resource, scene, backup, region)


def price_windows(resource: Resource, scene: Scene) -> Iterator[Charge]:
    """FSx for Windows over several zones: storage, throughput, backups."""
    inputs, region = resource.inputs, scene.region(resource)
    zones = "MULTI_AZ" if text(inputs.get("deploymentType")).startswith("MULTI_AZ") else "SINGLE_AZ"
    disk = text(inputs.get("storageType"), "SSD")
    for name, item, key, unit in (
        (f"{disk} storage", f"{zones} {disk} storage", "storageCapacity", "GB-month"),
        ("throughput", f"{zones} throughput", "throughputCapacity", "MBps-month"),
    ):
        price = service_price("aws", "fsx_windows", item, region)
        size = count(inputs.get(key)) or 0
        yield charge(resource, name, price, always(size), unit=unit, group=STORAGE, region=region)
    for part in PARTS[resource.type]:
        yield from charge_part(resource, scene, part, region)
