"""What stands beside Google nodes: NAT, addresses, forwarding rules, disks, stores."""

from collections import Counter
from collections.abc import Iterator
from dataclasses import replace
from decimal import Decimal
from typing import Any

from gpuyard.catalog.component_prices import egress_tiers
from gpuyard.catalog.prices import component
from gpuyard.catalog.service_prices import service_price, service_tiers
from gpuyard.costs.disks import charge_gcp_disk
from gpuyard.costs.gcp_machines import from_scheduling
from gpuyard.costs.gcp_nodes import ADDRESSES, INSTANCE, vms_in_region
from gpuyard.costs.gcp_parts import PARTS
from gpuyard.costs.line_item import (
    NETWORK,
    OTHER,
    STORAGE,
    Charge,
    Loads,
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
_NAT_VMS = 32
"""VMs up to which a NAT gateway costs by the VM (Cloud NAT pricing page)."""
_MANY_NAT_VMS = Decimal("0.044") / Decimal("0.0014")
"""What a gateway of more VMs costs, 0.044 per hour, in VMs of 0.0014 (Cloud NAT pricing page)."""
_HOME = "us-central1"


def price_parts(resource: Resource, scene: Scene) -> Iterator[Charge]:
    """The parts that `PARTS` lists for the type."""
    region = scene.region(resource) or _HOME
    for part in PARTS[resource.type]:
        yield from charge_part(resource, scene, part, region)


def price_router_nat(resource: Resource, scene: Scene) -> Iterator[Charge]:
    """Cloud NAT: by the VM-hour up to 32 VMs, by the gateway-hour above, and by the gigabyte."""
    region = scene.region(resource)
    cap = component("gcp", "cloud_nat", region, "gateway >32 VMs (cap)") if region else None
    declared = scene.usage.amount(resource, "assigned_vms")
    vms = vms_in_region(region, scene) if declared is None else always(declared)
    per_vm = None if cap is None else replace(cap, usd=float(Decimal(str(cap.usd)) / _NAT_VMS))
    quantity = _capped(vms) * scene.hours_of(resource)
    yield charge(
        resource, "NAT gateway, VM-hours", per_vm, quantity, unit="VM-hour", group=NETWORK, region=region
    )
    data = Part("NAT data", "cloud_nat", "data", "GB", NETWORK, "monthly_data_processed_gb")
    yield from charge_part(resource, scene, data, region)


def _capped(vms: Loads) -> Loads:
    """VMs that are paid for: each of them up to 32, and a flat fee worth somewhat fewer above."""
    idle, expected, peak = (
        each if each <= _NAT_VMS else _MANY_NAT_VMS for each in (vms.idle, vms.expected, vms.peak)
    )
    return Loads(idle=idle, expected=expected, peak=peak)


def price_address(resource: Resource, scene: Scene) -> Iterator[Charge]:
    """A static address: free inside the network or on a forwarding rule, dear while nothing uses it."""
    inputs = resource.inputs
    purpose = inputs.get("purpose")
    if inputs.get("addressType") == "INTERNAL" or (isinstance(purpose, str) and purpose not in _BILLED):
        return
    region = scene.region(resource)
    user = _address_users(scene).get(resource.urn)
    if user == "rule" or inputs.get("ipVersion") == "IPV6":
        return
    item = {"vm": "external on VM", "spot": "external on spot VM"}.get(user or "", "unused static")
    price = service_price("gcp", "ip", item, region or _HOME)
    if price is not None and user is None:
        price = price.noted("nothing in this program uses it; on a VM it costs half as much")
    hours = always(scene.hours_of(resource))
    yield charge(
        resource, "external IPv4", price, hours, unit="hour", group=NETWORK, region=region or "global"
    )


_BILLED = ("", "GCE_ENDPOINT", "NAT_AUTO")
"""Purposes of external addresses; every other purpose is an internal one."""


def _address_users(scene: Scene) -> dict[str, str]:
    """What uses each address resource: a VM, a spot VM, a NAT gateway (billed as a VM) or a rule."""
    if "address users" not in scene.memo:
        found: dict[str, str] = {}
        for urn, kind in _references(scene):
            if found.get(urn) != "vm":
                found[urn] = kind
        scene.memo["address users"] = found
    return scene.memo["address users"]


def _references(scene: Scene) -> Iterator[tuple[str, str]]:
    if not any(scene.by_type.get(kind) for kind in ADDRESSES):
        return
    for user in scene.by_type.get(INSTANCE, ()):
        for block in map(mapping, listed(user.inputs.get("networkInterfaces"))):
            for config in map(mapping, listed(block.get("accessConfigs"))):
                kind = "spot" if from_scheduling(user.inputs) == "spot" else "vm"
                yield from _linked(scene, user, "networkInterfaces", config.get("natIp"), kind)
    for kind in RULES:
        for user in scene.by_type.get(kind, ()):
            yield from _linked(scene, user, "ipAddress", user.inputs.get("ipAddress"), "rule")
    for user in scene.by_type.get("gcp:compute/routerNat:RouterNat", ()):
        for named in listed(user.inputs.get("natIps")) or [None]:
            yield from _linked(scene, user, "natIps", named, "vm")


def _linked(scene: Scene, user: Resource, key: str, named: Any, kind: str) -> Iterator[tuple[str, str]]:
    for token in ADDRESSES:
        target = scene.linked(replace(user, dependencies=()), token, key, value=named)
        if target is not None:
            yield target.urn, kind


def price_forwarding_rule(resource: Resource, scene: Scene) -> Iterator[Charge]:
    """A forwarding rule: hours, and data where declared.

    Google's page: 0.025 per hour for the first five rules of a place together, 0.01 for each further one;
    other calculators: 0.01 for each. A place with many rules costs what the page says and one with a rule or
    two 0.01 for each, with a word about the minimum.
    """
    region = scene.region(resource)
    hour, rules = (
        service_price("gcp", "lb", "forwarding rule", region or _HOME),
        _rules_beside(resource, scene),
    )
    if hour is not None:
        share = _first_five(rules) / (_RULE * rules)
        hour = replace(hour, usd=float(decimal(hour.usd) * min(share, Decimal(1))))
        if share > 1:
            hour = hour.noted("Google bills at least 0.025 per hour for the first five rules of a place")
    hours = always(scene.hours_of(resource))
    place = region or "global"
    yield charge(resource, "forwarding rule", hour, hours, unit="hour", group=NETWORK, region=place)
    amount = scene.usage.amount(resource, "monthly_ingress_data_gb")
    data = service_price("gcp", "lb", "data processed", region or _HOME)
    quantity = None if amount is None else when_used(amount)
    yield charge(resource, "data processed", data, quantity, unit="GB", group=NETWORK, region=place)


RULES = (
    "gcp:compute/forwardingRule:ForwardingRule",
    "gcp:compute/globalForwardingRule:GlobalForwardingRule",
)
_RULE, _FIRST_FIVE = Decimal("0.01"), Decimal("0.025")
"""USD per hour of a further rule and of the first five together (Cloud Load Balancing pricing page)."""


def _first_five(rules: int) -> Decimal:
    return _FIRST_FIVE + _RULE * max(0, rules - 5)


def _rules_beside(resource: Resource, scene: Scene) -> int:
    """Forwarding rules of the program in the region of one, itself among them, or global ones."""
    if "forwarding rules" not in scene.memo:
        places = (_place_of(rule, scene) for kind in RULES for rule in scene.by_type.get(kind, ()))
        scene.memo["forwarding rules"] = Counter(places)
    return max(1, scene.memo["forwarding rules"][_place_of(resource, scene)])


def _place_of(rule: Resource, scene: Scene) -> str:
    return "global" if rule.type == RULES[1] else scene.region(rule)


def price_target_proxy(resource: Resource, scene: Scene) -> Iterator[Charge]:
    """A target proxy: free but for the proxy instances of some balancers, where they are declared."""
    region = scene.region(resource) or _HOME
    number = scene.usage.amount(resource, "monthly_proxy_instances")
    if number is None:
        return
    price = service_price("gcp", "lb_proxy", "proxy instance hour", region)
    hours = when_used(number * scene.hours_of(resource))
    yield charge(resource, "proxy instances", price, hours, unit="hour", group=NETWORK, region=region)
    data = Part("data processed", "lb_proxy", "data processed", "GB", NETWORK, "monthly_data_processed_gb")
    yield from charge_part(resource, scene, data, region)


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
    region = scene.region(resource) or _HOME
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
        place = region if "-" in region else _HOME
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


def price_secret(resource: Resource, scene: Scene) -> Iterator[Charge]:
    """A secret: versions times the places where they are kept, operations, rotations."""
    region = scene.region(resource) or "global"
    managed = mapping(mapping(resource.inputs.get("replication")).get("userManaged"))
    copies = len(listed(managed.get("replicas"))) or 1
    versions = Part(
        "active versions", "secretmanager", "secret version", "version-month", OTHER, "active_secret_versions"
    )
    yield from charge_part(resource, scene, versions, region, copies)
    for part in (
        Part(
            "access operations",
            "secretmanager",
            "access operations",
            "10k operations",
            OTHER,
            "monthly_access_operations",
            10_000,
        ),
        Part("rotations", "secretmanager", "rotations", "rotation", OTHER, "monthly_rotation_notifications"),
    ):
        yield from charge_part(resource, scene, part, region)


def price_crypto_key(resource: Resource, scene: Scene) -> Iterator[Charge]:
    """A key: its versions and operations, software or HSM."""
    region = scene.region(resource) or "global"
    level = mapping(resource.inputs.get("versionTemplate")).get("protectionLevel")
    kind = "HSM" if level == "HSM" else "software"
    made = _versions_a_month(resource.inputs.get("rotationPeriod"))
    for part in (
        Part("key versions", "kms", f"{kind} key version", "version-month", OTHER, "key_versions", 1, made),
        Part(
            "operations",
            "kms",
            f"{kind} operations",
            "10k operations",
            OTHER,
            "monthly_key_operations",
            10_000,
        ),
    ):
        yield from charge_part(resource, scene, part, region)


def _versions_a_month(period: Any) -> Decimal:
    """Versions that a rotation like ``7776000s`` makes in 30 days, at least the one that there is."""
    seconds = count(period.removesuffix("s")) if isinstance(period, str) else None
    return max(Decimal(1), Decimal(30 * 86_400) / seconds) if seconds else Decimal(1)
