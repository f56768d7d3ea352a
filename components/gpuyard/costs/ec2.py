"""EC2 machines of one shape: hours by way of buying, surcharges, credits, metrics, addresses and disks.

Instances, launch templates, launch configurations and spot requests all become an `Ec2Machine`.
"""

from collections.abc import Iterator, Mapping
from dataclasses import replace
from decimal import Decimal
from typing import Any

from gpuyard.catalog.ec2_terms import SYSTEMS, on_dedicated, with_system
from gpuyard.catalog.price import Price
from gpuyard.catalog.prices import on_demand
from gpuyard.catalog.service_prices import service_price
from gpuyard.costs.disks import charge_ebs
from gpuyard.costs.line_item import (
    CPU_NODES,
    NETWORK,
    OBSERVABILITY,
    Charge,
    LineItem,
    Loads,
    charge,
    unpriced,
)
from gpuyard.costs.machine import charge_machines, reserved_price
from gpuyard.costs.rates import RESERVED_INSTANCE
from gpuyard.costs.scene import Scene, count, listed, mapping, truth
from gpuyard.records import record
from gpuyard.resources import Resource

ROOT_GB = 8
"""Root disk of an instance whose program says none: that of the common Amazon Linux and Ubuntu images."""
_METRICS_PER_INSTANCE = 7
"""Metrics that detailed monitoring bills per instance (EC2 pricing page)."""
_ROOT_DEVICES = ("/dev/xvda", "/dev/sda1")
"""Where a template's mapping replaces the image's root disk."""
_BURSTABLE = ("t2", "t3", "t3a", "t4g")
_UNLIMITED_BY_DEFAULT = ("t3", "t3a", "t4g")


@record
class Ec2Machine:
    """The shape of a machine as its template or instance says it."""

    machine_type: str = ""
    purchase: str = "on_demand"
    tenancy: str = "default"
    has_monitoring: bool = False
    is_ebs_optimized: bool = False
    system: str = "linux"
    """Operating system, unless the usage file says another."""
    cpu_credits: str = ""
    """``standard`` or ``unlimited``; empty: the default of the family."""
    has_public_address: bool = False
    root: Mapping[str, Any] | None = None
    """The root disk; None: the image decides."""
    disks: tuple[Mapping[str, Any], ...] = ()

    @property
    def family(self) -> str:
        """``t3`` of ``t3.medium``."""
        return self.machine_type.partition(".")[0]


def from_instance(inputs: Mapping[str, Any], template: Ec2Machine | None) -> Ec2Machine:
    """An instance over its launch template: what the instance says wins, disks merge by device."""
    base = template or Ec2Machine()
    said = inputs.get("instanceType")
    credits_ = mapping(inputs.get("creditSpecification")).get("cpuCredits")
    own = [mapping(block) for block in listed(inputs.get("ebsBlockDevices"))]
    root = mapping(inputs.get("rootBlockDevice"))
    has_root = not root and any(disk.get("deviceName") in _ROOT_DEVICES for disk in base.disks)
    return replace(
        base,
        machine_type=said if isinstance(said, str) else base.machine_type,
        purchase="spot" if is_spot(inputs) else base.purchase,
        tenancy=_text(inputs.get("tenancy")) or base.tenancy,
        has_monitoring=truth(inputs.get("monitoring"), base.has_monitoring),
        is_ebs_optimized=truth(inputs.get("ebsOptimized"), base.is_ebs_optimized),
        cpu_credits=_text(credits_) or base.cpu_credits,
        has_public_address=truth(inputs.get("associatePublicIpAddress"), base.has_public_address),
        root=None if has_root else {"volumeSize": ROOT_GB, **root},
        disks=_merge_disks(own, base.disks),
    )


def from_template(inputs: Mapping[str, Any]) -> Ec2Machine:
    """A launch template; its root disk is that of the image unless a mapping says otherwise."""
    blocks = [
        {**mapping(mapping(block).get("ebs")), "deviceName": mapping(block).get("deviceName")}
        for block in listed(inputs.get("blockDeviceMappings"))
        if mapping(block).get("ebs")
    ]
    interfaces = [mapping(block) for block in listed(inputs.get("networkInterfaces"))]
    said = inputs.get("instanceType")
    return Ec2Machine(
        machine_type=said if isinstance(said, str) else "",
        purchase="spot" if is_spot(inputs) else "on_demand",
        tenancy=_text(mapping(inputs.get("placement")).get("tenancy")) or "default",
        has_monitoring=truth(mapping(inputs.get("monitoring")).get("enabled")),
        is_ebs_optimized=truth(inputs.get("ebsOptimized")),
        cpu_credits=_text(mapping(inputs.get("creditSpecification")).get("cpuCredits")),
        has_public_address=any(truth(block.get("associatePublicIpAddress")) for block in interfaces),
        disks=tuple(blocks),
    )


def from_configuration(inputs: Mapping[str, Any]) -> Ec2Machine:
    """A launch configuration: detailed monitoring is on unless it says otherwise."""
    said = inputs.get("instanceType")
    return Ec2Machine(
        machine_type=said if isinstance(said, str) else "",
        purchase="spot" if inputs.get("spotPrice") else "on_demand",
        tenancy=_text(inputs.get("placementTenancy")) or "default",
        has_monitoring=truth(inputs.get("enableMonitoring"), True),
        is_ebs_optimized=truth(inputs.get("ebsOptimized")),
        has_public_address=truth(inputs.get("associatePublicIpAddress")),
        root={"volumeSize": ROOT_GB, **mapping(inputs.get("rootBlockDevice"))},
        disks=tuple(mapping(block) for block in listed(inputs.get("ebsBlockDevices"))),
    )


def is_spot(inputs: Mapping[str, Any]) -> bool:
    """Whether market options ask for spot."""
    return mapping(inputs.get("instanceMarketOptions")).get("marketType") == "spot"


def charge_ec2(resource: Resource, scene: Scene, machine: Ec2Machine, nodes: Loads) -> Iterator[Charge]:
    """Everything that ``nodes`` such machines cost, disks included."""
    region = scene.region(resource)
    yield from _charge_hours(resource, scene, machine, nodes, region)
    if machine.has_monitoring:
        price = service_price("aws", "cloudwatch", "metric", region)
        metrics = nodes * _METRICS_PER_INSTANCE
        name, unit = "detailed monitoring", "metric-month"
        yield charge(resource, name, price, metrics, unit=unit, group=OBSERVABILITY, region=region)
    yield from _charge_credits(resource, scene, machine, nodes, region)
    if machine.has_public_address:
        price = service_price("aws", "public_ipv4", "in use or idle", region)
        hours = nodes * scene.hours_of(resource)
        yield charge(resource, "public IPv4", price, hours, unit="IP-hour", group=NETWORK, region=region)
    for disk in (machine.root, *machine.disks):
        if disk is not None:
            yield from _charge_disk(resource, scene, disk, region, nodes)


def _charge_hours(
    resource: Resource, scene: Scene, machine: Ec2Machine, nodes: Loads, region: str
) -> Iterator[Charge]:
    name = machine.machine_type
    hours = nodes * scene.hours_of(resource)
    system = _system(resource, scene, machine)
    if machine.tenancy == "host":
        return  # billed with the dedicated host
    if system == "linux" and machine.tenancy == "default":
        for found in charge_machines(resource, scene, "aws", name, nodes, machine.purchase):
            yield _as_reserved(resource, scene, found, name, region)
    else:
        price = ec2_hour(name, region, system, machine.tenancy) if machine.purchase != "spot" else None
        hardware = "dedicated" if machine.tenancy == "dedicated" else ""
        kind = " ".join(filter(None, (name, hardware, system if system != "linux" else "")))
        reason = f"no price of {name} with {system}, {machine.tenancy} tenancy"
        yield charge(
            resource, kind, price, hours, unit="hour", group=CPU_NODES, region=region, missing=reason
        )
    extra = (
        service_price("aws", "ec2_ebs_optimized", name, region)
        if machine.is_ebs_optimized and machine.family in _PAYS_FOR_EBS_OPTIMIZED
        else None
    )
    if extra is not None:
        yield charge(
            resource, "EBS-optimized surcharge", extra, hours, unit="hour", group=CPU_NODES, region=region
        )


def ec2_hour(machine_type: str, region: str, system: str, tenancy: str) -> Price | None:
    """The price of an hour on demand with any system and tenancy; None: a part of it is not known."""
    price = on_demand("aws", machine_type, region)
    if price is not None and tenancy == "dedicated":
        price = service_price("aws", "ec2_dedicated", machine_type, region) or on_dedicated(
            price, machine_type, region
        )
    return None if price is None else with_system(price, system, machine_type)


def _system(resource: Resource, scene: Scene, machine: Ec2Machine) -> str:
    said = scene.usage.text(resource, "operating_system").lower()
    return SYSTEMS.get(said, said) or machine.system


_PAYS_FOR_EBS_OPTIMIZED = ("c1", "c3", "g2", "i2", "m1", "m2", "m3", "r3")
"""Old families that pay for it; newer ones have it included (EC2 user guide)."""


def _as_reserved(resource: Resource, scene: Scene, found: Charge, name: str, region: str) -> Charge:
    """The hours at the price of a reserved instance, where the usage file asks for one."""
    kind = scene.usage.text(resource, "reserved_instance_type")
    if not kind or not isinstance(found, LineItem) or found.unit != "hour":
        return found
    term = scene.usage.text(resource, "reserved_instance_term").replace("_year", "y") or "1y"
    payment = scene.usage.text(resource, "reserved_instance_payment_option") or "no_upfront"
    price = reserved_price("aws", name, region, f"{kind}_{term}_{payment}")
    if price is None:
        return unpriced(resource, f"{name} reserved", f"no price of it as {kind} {term} {payment}", region)
    return replace(
        found,
        component=f"{name} reserved",
        unit_price=Decimal(str(price.usd)),
        pricing_category="Committed",
        discounts=(f"{kind} reserved instance, {term}, {payment}",),
        commitment=RESERVED_INSTANCE,
        source=price.source,
        as_of=price.as_of,
        note=price.note,
    )


def _charge_credits(
    resource: Resource, scene: Scene, machine: Ec2Machine, nodes: Loads, region: str
) -> Iterator[Charge]:
    """Surplus CPU credits of burstable machines that may run without limit."""
    default = "unlimited" if machine.family in _UNLIMITED_BY_DEFAULT else "standard"
    if machine.family not in _BURSTABLE or (machine.cpu_credits or default) != "unlimited":
        return
    amount = scene.usage.amount(resource, "monthly_cpu_credit_vcpu_hours")
    each = scene.usage.amount(resource, "monthly_cpu_credit_hrs")
    if amount is not None:
        quantity = Loads(idle=Decimal(0), expected=amount, peak=amount)
    elif each is not None:
        per_node = each * (scene.usage.amount(resource, "vcpu_count") or 2)
        quantity = replace(nodes * per_node, idle=Decimal(0))
    elif machine.cpu_credits:
        quantity = None
    else:
        return
    system = _system(resource, scene, machine)
    item = "windows" if system == "windows" else "linux t4g" if machine.family == "t4g" else "linux"
    price = service_price("aws", "ec2_cpu_credits", item, region)
    yield charge(resource, "CPU credits", price, quantity, unit="vCPU-hour", group=CPU_NODES, region=region)


def _charge_disk(
    resource: Resource, scene: Scene, disk: Mapping[str, Any], region: str, volumes: Loads
) -> Iterator[Charge]:
    size = count(disk.get("volumeSize"))
    if size is None:
        yield unpriced(resource, "disk", "its size is that of its snapshot or image", region)
        return
    kind = disk.get("volumeType")
    yield from charge_ebs(
        resource,
        region,
        volumes,
        size_gb=size,
        kind=kind if isinstance(kind, str) and kind else "gp2",
        iops=count(disk.get("iops")),
        mbps=count(disk.get("throughput")),
        requests=scene.usage.amount(resource, "monthly_standard_io_requests"),
    )


def _merge_disks(
    own: list[dict[str, Any]], inherited: tuple[Mapping[str, Any], ...]
) -> tuple[Mapping[str, Any], ...]:
    """Disks by device name: an own one takes over what it does not say from the template's."""
    left = list(inherited)
    merged = []
    for disk in own:
        device = _text(disk.get("deviceName"))
        base = next((found for found in left if device and found.get("deviceName") == device), None)
        if base is not None:
            left.remove(base)
        merged.append({**(base or {}), **disk})
    return (*merged, *left)


def _text(value: Any) -> str:
    return value if isinstance(value, str) else ""
