"""What stands beside Google nodes: NAT, addresses, forwarding rules, disks, stores."""

from collections.abc import Iterator
from dataclasses import replace
from decimal import Decimal

from gpuyard.catalog.prices import component
from gpuyard.costs.disks import charge_gcp_disk
from gpuyard.costs.gcp_nodes import vms_in_region
from gpuyard.costs.line_item import NETWORK, OTHER, STORAGE, Charge, Loads, always, charge, unpriced
from gpuyard.costs.machine import charge_machines
from gpuyard.costs.scene import Scene, count, mapping
from gpuyard.resources import Resource

_NAT_VMS = 32
"""VMs above which a NAT gateway costs no more (price list)."""


def price_router_nat(resource: Resource, scene: Scene) -> Iterator[Charge]:
    """Cloud NAT: by the VM-hour up to 32 VMs, and by the gigabyte."""
    region = scene.region(resource)
    cap = component("gcp", "cloud_nat", region, "gateway >32 VMs (cap)")
    declared = scene.usage.amount(resource, "assigned_vms")
    vms = vms_in_region(region, scene) if declared is None else always(declared)
    per_vm = None if cap is None else replace(cap, usd=float(Decimal(str(cap.usd)) / _NAT_VMS))
    quantity = _at_most(vms, Decimal(_NAT_VMS)) * scene.hours
    yield charge(
        resource, "NAT gateway, VM-hours", per_vm, quantity, unit="VM-hour", group=NETWORK, region=region
    )
    amount = scene.usage.amount(resource, "monthly_data_processed_gb")
    data = component("gcp", "cloud_nat", region, "data")
    quantity = None if amount is None else always(amount)
    yield charge(resource, "NAT data", data, quantity, unit="GB", group=NETWORK, region=region)


def _at_most(loads: Loads, limit: Decimal) -> Loads:
    return Loads(
        idle=min(loads.idle, limit), expected=min(loads.expected, limit), peak=min(loads.peak, limit)
    )


def price_address(resource: Resource, scene: Scene) -> Iterator[Charge]:
    """A static address; internal ones are free."""
    if resource.inputs.get("addressType") == "INTERNAL":
        return
    region = scene.region(resource) or "us-central1"
    price = component("gcp", "ip", region, "external on VM")
    hours = always(scene.hours)
    if price:
        price = price.noted("as in use; an unused one costs twice as much")
    yield charge(resource, "external IPv4", price, hours, unit="hour", group=NETWORK, region=region)


def price_forwarding_rule(resource: Resource, scene: Scene) -> Iterator[Charge]:
    """A forwarding rule: hours, and data where declared."""
    region = scene.region(resource) or "us-central1"
    hour = component("gcp", "lb", region, "forwarding rule")
    hours = always(scene.hours)
    yield charge(resource, "forwarding rule", hour, hours, unit="hour", group=NETWORK, region=region)
    amount = scene.usage.amount(resource, "monthly_ingress_data_gb")
    data = component("gcp", "lb", region, "data processed")
    quantity = None if amount is None else always(amount)
    yield charge(resource, "data processed", data, quantity, unit="GB", group=NETWORK, region=region)


def price_disk(resource: Resource, scene: Scene) -> Iterator[Charge]:
    """A persistent disk, zonal, or regional at twice the price."""
    inputs, region = resource.inputs, scene.region(resource)
    size, kind = count(inputs.get("size")), str(inputs.get("type") or "pd-standard")
    if size is None:
        yield unpriced(resource, "disk", "its size is that of its image or snapshot", region)
        return
    copies = 2 if resource.type.endswith(":RegionDisk") else 1
    yield from charge_gcp_disk(resource, region, always(copies), size_gb=size, kind=kind.rsplit("/", 1)[-1])


def price_bucket(resource: Resource, scene: Scene) -> Iterator[Charge]:
    """A bucket, by what is stored."""
    region = scene.region(resource).lower()
    amount = scene.usage.amount(resource, "storage_gb")
    price = component("gcp", "gcs", region, "standard regional")
    quantity = None if amount is None else always(amount)
    yield charge(resource, "storage", price, quantity, unit="GB-month", group=STORAGE, region=region)


def price_registry(resource: Resource, scene: Scene) -> Iterator[Charge]:
    """A container registry, by what is stored."""
    region = scene.region(resource)
    amount = scene.usage.amount(resource, "storage_gb")
    price = component("gcp", "artifact_registry", region, "storage")
    quantity = None if amount is None else always(amount)
    yield charge(resource, "storage", price, quantity, unit="GB-month", group=OTHER, region=region)


def price_reservation(resource: Resource, scene: Scene) -> Iterator[Charge]:
    """A reservation costs as its machines do, used or not; those that use it are charged elsewhere."""
    specific = mapping(resource.inputs.get("specificReservation"))
    machine_type = mapping(specific.get("instanceProperties")).get("machineType")
    number = count(specific.get("count"))
    if not isinstance(machine_type, str) or number is None:
        yield unpriced(resource, "reservation", "its type or count is not known", scene.region(resource))
        return
    used = scene.usage.amount(resource, "used_share") or 0
    yield from charge_machines(resource, scene, "gcp", machine_type, always(number) * (1 - used))
