"""EKS and EC2: control planes, node groups, Auto Scaling groups and instances."""

from collections.abc import Iterator
from typing import Any

from gpuyard.catalog.prices import component
from gpuyard.catalog.tables import read_csv
from gpuyard.costs.disks import charge_ebs
from gpuyard.costs.line_item import CONTROL_PLANE, NETWORK, Charge, Loads, always, charge, decimal, unpriced
from gpuyard.costs.machine import charge_machines
from gpuyard.costs.scene import Scene, count, listed, mapping
from gpuyard.resources import Resource

LAUNCH_TEMPLATE = "aws:ec2/launchTemplate:LaunchTemplate"
_PURCHASES = {"SPOT": "spot", "CAPACITY_BLOCK": "capacity_block"}
_EC2_ROOT_GB, _EKS_DISK_GB = 8, 20
"""Disk sizes of EC2 and of EKS managed nodes when the program says none."""


def price_eks_cluster(resource: Resource, scene: Scene) -> Iterator[Charge]:
    """The control plane, in standard or extended support at the reference date."""
    region = scene.region(resource)
    version = resource.inputs.get("version")
    version = version if isinstance(version, str) else ""
    support, why = eks_support(version, scene)
    sku = "extended support (total)" if support == "extended" else "standard support"
    price = component("aws", "eks_control_plane", region, sku) if region else None
    price = price.noted(why) if price and why else price
    yield charge(
        resource,
        f"control plane, {support} support",
        price,
        always(scene.hours),
        unit="hour",
        group=CONTROL_PLANE,
        region=region,
    )
    if mapping(resource.inputs.get("computeConfig")).get("enabled") is True:
        reason = "Auto Mode makes nodes that no program lists, at about 12 % above their EC2 price"
        yield unpriced(resource, "Auto Mode nodes", reason, region)


def eks_support(version: str, scene: Scene) -> tuple[str, str]:
    """``standard`` or ``extended``, and a note. A version without a row counts as standard and says so."""
    if not version:
        return "standard", "no version given: EKS takes the newest of standard support"
    for row in read_csv("kubernetes_versions"):
        if row["platform"] == "eks" and row["version"] == version:
            end = row["standard_or_maintenance_end"]
            if not end:
                break
            if scene.reference_date.isoformat() > end:
                return "extended", f"standard support of {version} ended on {end}"
            return "standard", f"until {end}, then six times as much"
    return "standard", f"the end of support of {version} is not known"


def price_node_group(resource: Resource, scene: Scene) -> Iterator[Charge]:
    """Nodes and their disks; a launch template adds type and disks."""
    inputs, region = resource.inputs, scene.region(resource)
    template = _template(resource, scene, mapping(inputs.get("launchTemplate")))
    nodes = _node_loads(resource, scene)
    purchase = _PURCHASES.get(str(inputs.get("capacityType") or ""), "on_demand")
    types = [name for name in listed(inputs.get("instanceTypes")) if isinstance(name, str)]
    types = (
        types or [str(template["instanceType"])] if types or template.get("instanceType") else ["t3.medium"]
    )
    yield from charge_machines(resource, scene, "aws", types[0], nodes, purchase)
    if template.get("blockDeviceMappings"):
        yield from _template_disks(resource, template, region, nodes)
    elif not template or inputs.get("diskSize"):
        size = count(inputs.get("diskSize")) or _EKS_DISK_GB
        yield from charge_ebs(resource, region, nodes, size_gb=size, kind="gp2")
    else:
        yield unpriced(resource, "disks", "their size is that of the machine image", region)


def _node_loads(resource: Resource, scene: Scene) -> Loads:
    scaling = mapping(resource.inputs.get("scalingConfig"))
    desired = count(scaling.get("desiredSize")) or 0
    low, high = count(scaling.get("minSize")), count(scaling.get("maxSize"))
    return node_loads(desired, low, high, scene.usage.amount(resource, "instances"))


def node_loads(desired: int, low: int | None, high: int | None, used: Any = None) -> Loads:
    """Nodes at three loads: the minimum, the declared use (else the desired size), the maximum."""
    idle = desired if low is None else low
    expected = decimal(used) if used is not None else decimal(max(desired, idle))
    peak = decimal(max(desired if high is None else high, idle))
    return Loads(idle=min(decimal(idle), expected), expected=expected, peak=max(peak, expected))


def price_autoscaling_group(resource: Resource, scene: Scene) -> Iterator[Charge]:
    """Instances of an Auto Scaling group, by its template or mixed-instances policy."""
    inputs, region = resource.inputs, scene.region(resource)
    policy = mapping(inputs.get("mixedInstancesPolicy"))
    specification = mapping(mapping(policy.get("launchTemplate")).get("launchTemplateSpecification"))
    overrides = mapping(policy.get("launchTemplate")).get("overrides") or []
    reference = mapping(inputs.get("launchTemplate")) or specification
    template = _template(resource, scene, reference)
    low, high = count(inputs.get("minSize")), count(inputs.get("maxSize"))
    desired = count(inputs.get("desiredCapacity"))
    nodes = node_loads(
        desired if desired is not None else low or 0, low, high, scene.usage.amount(resource, "instances")
    )
    machine_type = mapping(overrides).get("instanceType") or template.get("instanceType")
    if not isinstance(machine_type, str):
        yield unpriced(resource, "instances", "its instance type is not known", region)
        return
    distribution = mapping(policy.get("instancesDistribution"))
    share = distribution.get("onDemandPercentageAboveBaseCapacity")
    base = count(distribution.get("onDemandBaseCapacity")) or 0
    is_spot = _is_spot(template) or (share == 0 and base == 0)
    purchase = "spot" if is_spot else "on_demand"
    yield from charge_machines(resource, scene, "aws", machine_type, nodes, purchase)
    if template.get("blockDeviceMappings"):
        yield from _template_disks(resource, template, region, nodes)
    else:
        yield from charge_ebs(resource, region, nodes, size_gb=_EC2_ROOT_GB, kind="gp2")


def price_instance(resource: Resource, scene: Scene) -> Iterator[Charge]:
    """One EC2 instance with its disks and public address."""
    inputs, region = resource.inputs, scene.region(resource)
    template = _template(resource, scene, mapping(inputs.get("launchTemplate")))
    machine_type = inputs.get("instanceType") or template.get("instanceType")
    if not isinstance(machine_type, str):
        yield unpriced(resource, "instance", "its instance type is not known", region)
        return
    one = always(1)
    purchase = "spot" if _is_spot(inputs) or _is_spot(template) else "on_demand"
    yield from charge_machines(resource, scene, "aws", machine_type, one, purchase)
    root = mapping(inputs.get("rootBlockDevice"))
    yield from _block_device(resource, root or {"volumeSize": _EC2_ROOT_GB, "volumeType": "gp2"}, region, one)
    for block in listed(inputs.get("ebsBlockDevices")):
        yield from _block_device(resource, mapping(block), region, one)
    if inputs.get("associatePublicIpAddress") is True:
        price = component("aws", "public_ipv4", region, "in use or idle")
        hours = always(scene.hours)
        yield charge(resource, "public IPv4", price, hours, unit="hour", group=NETWORK, region=region)


def _template(resource: Resource, scene: Scene, reference: dict[str, Any]) -> dict[str, Any]:
    """Inputs of the launch template that a resource refers to; empty: none, or not in this program."""
    if not reference:
        return {}
    named = reference.get("id") or reference.get("name") or reference.get("launchTemplateId")
    found = scene.linked(resource, LAUNCH_TEMPLATE, "launchTemplate", "mixedInstancesPolicy", value=named)
    return dict(found.inputs) if found else {"outside": True}


def _is_spot(inputs: Any) -> bool:
    return mapping(inputs.get("instanceMarketOptions")).get("marketType") == "spot"


def _template_disks(
    resource: Resource, template: dict[str, Any], region: str, nodes: Loads
) -> Iterator[Charge]:
    for block in listed(template["blockDeviceMappings"]):
        yield from _block_device(resource, mapping(mapping(block).get("ebs")), region, nodes)


def _block_device(resource: Resource, disk: dict[str, Any], region: str, volumes: Loads) -> Iterator[Charge]:
    size = count(disk.get("volumeSize"))
    if size is None:
        yield unpriced(resource, "disk", "its size is that of the machine image", region)
        return
    kind = disk.get("volumeType")
    yield from charge_ebs(
        resource,
        region,
        volumes,
        size_gb=size,
        kind=kind if isinstance(kind, str) else "gp2",
        iops=count(disk.get("iops")),
        mbps=count(disk.get("throughput")),
    )
