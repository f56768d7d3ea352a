"""What runs machines at AWS: node groups, Auto Scaling groups, instances, hosts, and reservations of them."""

from collections.abc import Iterator
from dataclasses import replace
from decimal import ROUND_CEILING, Decimal
from typing import Any

from gpuyard.catalog.ec2_terms import SYSTEMS
from gpuyard.catalog.price import Price
from gpuyard.catalog.service_prices import service_price
from gpuyard.costs.disks import charge_ebs
from gpuyard.costs.ec2 import (
    Ec2Machine,
    charge_ec2,
    ec2_hour,
    from_configuration,
    from_instance,
    from_template,
)
from gpuyard.costs.line_item import (
    CPU_NODES,
    GPU_NODES,
    NOTHING,
    Charge,
    LineItem,
    Loads,
    always,
    charge,
    decimal,
    unpriced,
)
from gpuyard.costs.machine import charge_machines
from gpuyard.costs.scene import Scene, amount, count, listed, mapping, text
from gpuyard.resources import UNKNOWN, Resource
from gpuyard.units import moment

LAUNCH_TEMPLATE = "aws:ec2/launchTemplate:LaunchTemplate"
LAUNCH_CONFIGURATION = "aws:ec2/launchConfiguration:LaunchConfiguration"
RESERVATION = "aws:ec2/capacityReservation:CapacityReservation"
BLOCK = "aws:ec2/capacityBlockReservation:CapacityBlockReservation"
_PURCHASES = {"SPOT": "spot", "CAPACITY_BLOCK": "capacity_block"}
_EKS_DISK_GB = {"windows": 50}
_EKS_LINUX_DISK_GB = 20
"""Disk of an EKS managed node where neither the group nor a template says one (EKS API reference)."""
_EKS_TYPE = "t3.medium"
"""Its instance type where nobody says one (EKS API reference)."""
_IMAGE_DISK = "its size is that of the machine image"


def price_node_group(resource: Resource, scene: Scene) -> Iterator[Charge]:
    """Nodes and their disks; a launch template adds type, disks and options."""
    inputs = resource.inputs
    nodes = _node_loads(resource, scene)
    reference = inputs.get("launchTemplate")
    is_templated = bool(reference) or reference is UNKNOWN
    template = _template(resource, scene, reference)
    types = [name for name in listed(inputs.get("instanceTypes")) if isinstance(name, str)]
    machine = template or Ec2Machine()
    name = types[0] if types else machine.machine_type or ("" if is_templated and not template else _EKS_TYPE)
    purchase = _PURCHASES.get(text(inputs.get("capacityType")), machine.purchase)
    if not name:
        yield unpriced(resource, "nodes", "its instance type is in a launch template outside this program")
        return
    if purchase == "capacity_block" and scene.by_type.get(BLOCK):
        return  # paid with the block
    image = text(inputs.get("amiType"))
    system = "windows" if image.startswith("WINDOWS") else machine.system
    machine = replace(machine, machine_type=name, purchase=purchase, system=system, root=None)
    yield from charge_ec2(resource, scene, machine, nodes)
    region = scene.region(resource)
    if is_templated and not inputs.get("diskSize"):
        if not machine.disks:
            yield unpriced(resource, "disks", _IMAGE_DISK, region)
    elif not machine.disks:
        size = count(inputs.get("diskSize")) or _EKS_DISK_GB.get(system, _EKS_LINUX_DISK_GB)
        yield from charge_ebs(resource, region, nodes, size_gb=size, kind="gp2")


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
    """Instances of an Auto Scaling group, by its template, configuration or mixed-instances policy."""
    inputs, region = resource.inputs, scene.region(resource)
    policy = mapping(inputs.get("mixedInstancesPolicy"))
    launch = mapping(policy.get("launchTemplate"))
    reference = inputs.get("launchTemplate", launch.get("launchTemplateSpecification"))
    machine = _template(resource, scene, reference) or _configuration(resource, scene) or Ec2Machine()
    overrides = [mapping(block) for block in listed(launch.get("overrides"))]
    first = overrides[0] if overrides else {}
    low, high = count(inputs.get("minSize")), count(inputs.get("maxSize"))
    desired = count(inputs.get("desiredCapacity"))
    desired = desired if desired is not None else low or 0
    nodes = node_loads(desired, low, high)
    weight = amount(first.get("weightedCapacity")) or Decimal(1)
    nodes = _rounded_up(nodes, weight)
    used = scene.usage.amount(resource, "instances")
    if used is not None:
        nodes = Loads(idle=min(nodes.idle, used), expected=used, peak=max(nodes.peak, used))
    name = first.get("instanceType") or machine.machine_type
    if not isinstance(name, str) or not name:
        yield unpriced(resource, "instances", "its instance type is not known", region)
        return
    machine = replace(machine, machine_type=name)
    if machine.root is None and not machine.disks:
        yield unpriced(resource, "disks", _IMAGE_DISK, region)
    on_demand, spot = _split(nodes, mapping(policy.get("instancesDistribution")))
    if machine.purchase == "spot":
        on_demand, spot = NOTHING, nodes
    for share, purchase in ((on_demand, "on_demand"), (spot, "spot")):
        if share != NOTHING or (purchase == "on_demand" and spot == NOTHING):
            yield from charge_ec2(resource, scene, replace(machine, purchase=purchase), share)


def _rounded_up(nodes: Loads, weight: Decimal) -> Loads:
    """Instances that reach a capacity when each counts ``weight``."""

    def up(capacity: Decimal) -> Decimal:
        return (capacity / weight).to_integral_value(rounding=ROUND_CEILING)

    return (
        nodes if weight == 1 else Loads(idle=up(nodes.idle), expected=up(nodes.expected), peak=up(nodes.peak))
    )


def _split(nodes: Loads, distribution: dict[str, Any]) -> tuple[Loads, Loads]:
    """On-demand and spot instances: the base, then a share of what is above it, rounded up."""
    base = decimal(count(distribution.get("onDemandBaseCapacity")) or 0)
    above = count(distribution.get("onDemandPercentageAboveBaseCapacity"))
    share = decimal(100 if above is None else above) / 100

    def on_demand(machines: Decimal) -> Decimal:
        rest = max(Decimal(0), machines - base)
        return min(machines, min(base, machines) + (rest * share).to_integral_value(rounding=ROUND_CEILING))

    first = Loads(idle=on_demand(nodes.idle), expected=on_demand(nodes.expected), peak=on_demand(nodes.peak))
    return first, nodes + first * -1


def price_instance(resource: Resource, scene: Scene) -> Iterator[Charge]:
    """One EC2 instance with its disks and public address."""
    template = _template(resource, scene, resource.inputs.get("launchTemplate"))
    machine = from_instance(resource.inputs, template)
    if resource.type.endswith(":SpotInstanceRequest"):
        machine = replace(machine, purchase="spot")
    if resource.inputs.get("hostId") or resource.property_dependencies.get("hostId"):
        machine = replace(machine, tenancy="host")
    elif not machine.machine_type:
        yield unpriced(resource, "instance", "its instance type is not known", scene.region(resource))
        return
    yield from charge_ec2(resource, scene, machine, always(1))


def price_dedicated_host(resource: Resource, scene: Scene) -> Iterator[Charge]:
    """A dedicated host, by its family."""
    region = scene.region(resource)
    names = (resource.inputs.get(key) for key in ("instanceFamily", "instanceType"))
    family = next((name for name in names if isinstance(name, str) and name), "").partition(".")[0]
    price = service_price("aws", "ec2_host", family, region)
    hours = always(scene.hours_of(resource))
    yield charge(
        resource, f"dedicated host, {family}", price, hours, unit="hour", group=CPU_NODES, region=region
    )


def _template(resource: Resource, scene: Scene, reference: Any) -> Ec2Machine | None:
    """The launch template that a resource refers to; None: none, or not in this program."""
    found = _linked_template(resource, scene, reference)
    return from_template(found.inputs) if found else None


def _linked_template(resource: Resource, scene: Scene, reference: Any) -> Resource | None:
    block = mapping(reference)
    ids = [reference] if reference is UNKNOWN else [block.get(key) for key in _TEMPLATE_IDS]
    named = next((value for value in ids if isinstance(value, str)), None)
    named = named or next((value for value in ids if value is UNKNOWN), None)
    if not block and named is None:
        return None
    return scene.linked(resource, LAUNCH_TEMPLATE, "launchTemplate", "mixedInstancesPolicy", value=named)


_TEMPLATE_IDS = ("id", "name", "launchTemplateId", "launchTemplateName")


def _configuration(resource: Resource, scene: Scene) -> Ec2Machine | None:
    named = resource.inputs.get("launchConfiguration")
    if named is None and not resource.property_dependencies.get("launchConfiguration"):
        return None
    found = scene.linked(resource, LAUNCH_CONFIGURATION, "launchConfiguration", value=named)
    return from_configuration(found.inputs) if found else None


def price_capacity_reservation(resource: Resource, scene: Scene) -> Iterator[Charge]:
    """A reservation costs as its instances do, used or not; those that use it are charged elsewhere."""
    inputs, region = resource.inputs, scene.region(resource)
    machine_type, number = inputs.get("instanceType"), count(inputs.get("instanceCount"))
    if not isinstance(machine_type, str) or number is None:
        yield unpriced(resource, "reservation", "its type or count is not known", region)
        return
    share = scene.usage.amount(resource, "used_share")
    used = _used(resource, scene, machine_type) if share is None else always(number * share)
    unused = (always(number) + used * -1).between(Decimal(0))
    name = f"{machine_type}, reserved and not used"
    platform = text(inputs.get("instancePlatform"), "Linux/UNIX")
    tenancy = text(inputs.get("tenancy"), "default")
    if (platform, tenancy) == ("Linux/UNIX", "default"):
        for found in charge_machines(resource, scene, "aws", machine_type, unused):
            own = {"sku": ""} if isinstance(found, LineItem) else {}  # that of use is another one
            yield replace(found, component=name, **own)
        return
    system = SYSTEMS.get(platform.lower(), "")
    price = ec2_hour(machine_type, region, system, tenancy) if system else None
    hours = unused * scene.hours_of(resource)
    reason = f"no price of {machine_type} with {platform}, {tenancy} tenancy"
    yield charge(resource, name, price, hours, unit="hour", group=CPU_NODES, region=region, missing=reason)


def _used(resource: Resource, scene: Scene, machine_type: str) -> Loads:
    """Machines of the program that run inside the reservation because they, or their template, name it."""
    key = "reservation users"
    if key not in scene.memo:
        scene.memo[key] = _reservation_users(scene)
    return scene.memo[key].get((resource.urn, machine_type), NOTHING)


def _reservation_users(scene: Scene) -> dict[tuple[str, str], Loads]:
    found: dict[tuple[str, str], Loads] = {}
    templates = {
        template.urn: target.urn
        for template in scene.by_type.get(LAUNCH_TEMPLATE, ())
        if (target := _target(template, scene))
    }
    for kind in ("aws:ec2/instance:Instance", "aws:eks/nodeGroup:NodeGroup", "aws:autoscaling/group:Group"):
        for user in scene.by_type.get(kind, ()) if scene.by_type.get(RESERVATION) else ():
            template = _linked_template(user, scene, user.inputs.get("launchTemplate"))
            own = _target(user, scene)
            urn = own.urn if own else templates.get(template.urn) if template else None
            if urn is None:
                continue
            types = listed(user.inputs.get("instanceTypes")) or [
                user.inputs.get("instanceType") or (template.inputs.get("instanceType") if template else "")
            ]
            nodes = always(1)
            if kind == "aws:eks/nodeGroup:NodeGroup":
                nodes = _node_loads(user, scene)
            elif kind == "aws:autoscaling/group:Group":
                low, high = count(user.inputs.get("minSize")), count(user.inputs.get("maxSize"))
                nodes = node_loads(count(user.inputs.get("desiredCapacity")) or low or 0, low, high)
            place = (urn, str(types[0]))
            found[place] = found.get(place, NOTHING) + nodes
    return found


def _target(resource: Resource, scene: Scene) -> Resource | None:
    """The capacity reservation that an instance or template names."""
    block = mapping(resource.inputs.get("capacityReservationSpecification"))
    if not block:
        return None
    target = mapping(block.get("capacityReservationTarget"))
    named = target.get("capacityReservationId")
    return scene.linked(resource, RESERVATION, "capacityReservationSpecification", value=named)


def price_capacity_block(resource: Resource, scene: Scene) -> Iterator[Charge]:
    """A capacity block, paid once: the price of the offering, or else the last known rate of the type."""
    region = scene.region(resource)
    declared = scene.usage.amount(resource, "upfront_usd")
    found = _block_estimate(resource, region) if declared is None else None
    if declared is None and found is None:
        reason = "paid once and up front at the offering's price: declare `upfront_usd` from the offering"
        yield unpriced(resource, "capacity block", reason, region)
        return
    fee = decimal(found.usd) if found else declared or Decimal(0)
    yield LineItem(
        resource=resource.name,
        urn=resource.urn,
        type=resource.type,
        component="capacity block, not refundable",
        group=GPU_NODES,
        region=region,
        quantity=always(1),
        unit="purchase",
        list_unit_price=fee,
        unit_price=fee,
        category="Purchase",
        frequency="One-Time",
        source=found.source if found else "the usage file: upfront_usd of the offering",
        as_of=found.as_of if found else scene.reference_date.isoformat(),
        note=found.note if found else "",
    )


def _block_estimate(resource: Resource, region: str) -> Price | None:
    """Instances times hours times the published rate, as a state or an offering gives them."""
    said = {**resource.outputs, **{key: value for key, value in resource.inputs.items() if value}}
    machine_type, number = said.get("instanceType"), count(said.get("instanceCount"))
    start, end = moment(said.get("startDate")), moment(said.get("endDate"))
    rate = service_price("aws", "ec2_capacity_block", text(machine_type), region)
    if rate is None or number is None or start is None or end is None or end <= start:
        return None
    hours = Decimal(int((end - start).total_seconds())) / 3600
    found = replace(rate, usd=float(decimal(rate.usd) * number * hours), unit="USD")
    how = f"derived: {number} x {float(hours):g} h at {rate.usd} per hour"
    return found.noted(f"{how}; what is paid is the price of the offering")
