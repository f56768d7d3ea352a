"""GKE and Compute Engine: control planes, node pools, instances, instance groups."""

from collections.abc import Iterator
from dataclasses import replace
from decimal import Decimal
from typing import Any

from gpuyard.catalog.prices import component
from gpuyard.catalog.service_prices import service_price
from gpuyard.catalog.tables import read_csv
from gpuyard.costs.gcp_bookings import names_booking
from gpuyard.costs.gcp_machines import GceMachine, attached_gpus, charge_gce, from_scheduling, from_template
from gpuyard.costs.line_item import (
    CONTROL_PLANE,
    NETWORK,
    NOTHING,
    OTHER,
    STORAGE,
    Charge,
    LineItem,
    Loads,
    always,
    charge,
    decimal,
    unpriced,
)
from gpuyard.costs.scene import Scene, count, listed, mapping, text, to_region, truth
from gpuyard.resources import Resource

CLUSTER = "gcp:container/cluster:Cluster"
NODE_POOL = "gcp:container/nodePool:NodePool"
INSTANCE = "gcp:compute/instance:Instance"
TEMPLATES = (
    "gcp:compute/instanceTemplate:InstanceTemplate",
    "gcp:compute/regionInstanceTemplate:RegionInstanceTemplate",
)
GROUPS = (
    "gcp:compute/instanceGroupManager:InstanceGroupManager",
    "gcp:compute/regionInstanceGroupManager:RegionInstanceGroupManager",
)
AUTOSCALERS = ("gcp:compute/autoscaler:Autoscaler", "gcp:compute/regionAutoscaler:RegionAutoscaler")
ADDRESSES = ("gcp:compute/address:Address", "gcp:compute/globalAddress:GlobalAddress")
_ZONES_PER_REGION = 3
"""Zones that a regional cluster spreads nodes over unless it names them (GKE documentation)."""
_DEFAULT_NODES = 3
"""Nodes per zone where nobody gives a number (default of `gcloud container clusters create`)."""
_DEFAULT_DISK_GB = 100
_HYPERDISK_ONLY = ("n4", "n4d", "c4", "c4a", "c4d", "c4n", "a4", "a4x", "m4", "g4", "h4d", "x4")
"""Families whose nodes cannot have a persistent disk and default to hyperdisk-balanced."""


def price_gke_cluster(resource: Resource, scene: Scene) -> Iterator[Charge]:
    """The cluster fee, the free-tier credit where it applies, and the default pool where it stays."""
    inputs, region = resource.inputs, scene.region(resource)
    is_autopilot = truth(inputs.get("enableAutopilot"))
    fee = component("gcp", "gke_management", region, "zonal/regional/Autopilot") if region else None
    hours = always(scene.hours_of(resource))
    paid = charge(resource, "cluster fee", fee, hours, unit="hour", group=CONTROL_PLANE, region=region)
    yield paid
    if _in_extended_support(inputs, scene):
        extra = component("gcp", "gke_extended", region, "Extended channel, extended-support period")
        extra = extra or component(
            "gcp", "gke_extended", "us-central1", "Extended channel, extended-support period"
        )
        yield charge(
            resource, "extended support", extra, hours, unit="hour", group=CONTROL_PLANE, region=region
        )
    if isinstance(paid, LineItem) and _may_take_credit(resource, scene):
        yield from _credit(resource, region, paid, scene)
    if is_autopilot:
        yield from _autopilot_pods(resource, scene, region)
        return
    pools = [mapping(block) for block in listed(inputs.get("nodePools"))]
    for number, pool in enumerate(pools):
        inline = replace(resource, type=NODE_POOL, inputs={**_placed(inputs), **pool})
        used = scene.usage.amount(resource, f"node_pool[{number}].nodes")
        nodes = pool_nodes(inline, scene, used=used)
        name = text(pool.get("name"), f"pool {number}")
        for found in _price_nodes(resource, scene, mapping(pool.get("nodeConfig")), nodes, pool):
            yield replace(found, component=f"{name}: {found.component}")
    if pools or truth(inputs.get("removeDefaultNodePool")):
        return
    each = count(inputs.get("initialNodeCount"))
    used = scene.usage.amount(resource, "nodes")
    zones = _zone_count(resource, None)
    fixed = decimal((_DEFAULT_NODES if each is None else each) * zones)
    expected = fixed if used is None else used * zones
    nodes = Loads(idle=min(fixed, expected), expected=expected, peak=max(fixed, expected))
    yield from _price_nodes(resource, scene, mapping(inputs.get("nodeConfig")), nodes)


def _placed(inputs: Any) -> dict[str, Any]:
    return {key: inputs[key] for key in ("location", "nodeLocations") if key in inputs}


_POD_PARTS = (
    ("vCPU", "vcpu", "vCPU-hour"),
    ("memory", "memory_gb", "GB-hour"),
    ("ephemeral storage", "ephemeral_storage_gb", "GB-hour"),
)
_POD_CLASSES = {
    "": "",
    "balanced": "Balanced ",
    "scale_out": "Scale-Out ",
    "spot": "spot ",
    "balanced_spot": "Balanced spot ",
    "scale_out_spot": "Scale-Out spot ",
}
"""Compute classes of Autopilot pods, as usage keys and price items name them."""


def _autopilot_pods(resource: Resource, scene: Scene, region: str) -> Iterator[Charge]:
    """What the pods request, class by class, as far as it is declared."""
    for infix, words in _POD_CLASSES.items():
        for item, key, unit in _POD_PARTS:
            amount = scene.usage.amount(resource, "_".join(filter(None, ("autopilot", infix, key))))
            if amount is None and not infix and key == "vcpu":
                amount = scene.usage.amount(resource, "autopilot_vcpu_count")
            if amount is None and infix:
                continue
            quantity = None if amount is None else always(amount) * scene.hours_of(resource)
            # local storage costs the same in every class
            name = item if key == "ephemeral_storage_gb" else f"{words}{item}"
            price = service_price("gcp", "gke_autopilot", name, region)
            component = f"Autopilot {words}pod {item}"
            yield charge(resource, component, price, quantity, unit=unit, group=OTHER, region=region)


def _credit(resource: Resource, region: str, fee: LineItem, scene: Scene) -> Iterator[Charge]:
    """The monthly credit of the billing account: at most the fee, and what clusters before it left over."""
    price = component("gcp", "gke_free_tier", region, "credit per billing account")
    if price is None or fee.effective is None:
        return
    whole = -decimal(price.usd)
    left = whole - _credit_taken_before(resource, scene, decimal(fee.unit_price))
    credit = min(left, fee.effective.expected)
    if credit <= 0:
        return
    yield charge(
        resource,
        "free-tier credit",
        price.noted(
            "one per billing account and month, at most the fees of its zonal and Autopilot clusters"
        ),
        always(credit / whole),
        unit="month",
        group=CONTROL_PLANE,
        region=region,
        category="Credit",
        pricing_category="Other",
        frequency="Recurring",
    )


def _credit_taken_before(resource: Resource, scene: Scene, usd_per_hour: Decimal) -> Decimal:
    """What the clusters before it by URN, among those that may take the credit, have used of it."""
    if "credit hours" not in scene.memo:
        hours, before = Decimal(0), {}
        for other in scene.by_type.get(CLUSTER, ()):
            before[other.urn] = hours
            hours += scene.hours_of(other) if _may_take_credit(other, scene) else 0
        scene.memo["credit hours"] = before
    return usd_per_hour * scene.memo["credit hours"][resource.urn]


def _may_take_credit(resource: Resource, scene: Scene) -> bool:
    """Zonal and Autopilot clusters, unless another cluster of the billing account has used it up."""
    if scene.usage.amount(resource, "free_tier_credit_used"):
        return False
    return _is_zonal(resource.inputs) or truth(resource.inputs.get("enableAutopilot"))


def _in_extended_support(inputs: Any, scene: Scene) -> bool:
    """Only clusters on the Extended channel stay past the standard end; others are upgraded."""
    if mapping(inputs.get("releaseChannel")).get("channel") != "EXTENDED":
        return False
    version = _minor(text(inputs.get("minMasterVersion")))
    rows = [row for row in read_csv("kubernetes_versions") if row["platform"] == "gke"]
    known = {_minor(row["version"]): row["standard_or_maintenance_end"] for row in rows}
    if not version or not known:
        return False
    if version < min(known):  # older than all that are listed: its standard support is over
        return True
    end = known.get(version, "")
    return bool(end) and scene.reference_date.isoformat() > end


def _minor(version: str) -> tuple[int, ...]:
    """Major and minor of a version such as ``1.33.4-gke.100``; empty: no version."""
    parts = version.split(".")[:2]
    return tuple(map(int, parts)) if len(parts) == 2 and all(part.isdecimal() for part in parts) else ()


def price_node_pool(resource: Resource, scene: Scene) -> Iterator[Charge]:
    """Nodes of a pool with GPUs, disks and local SSDs."""
    config = _settled(resource)
    nodes = pool_nodes(resource, scene)
    if not resource.inputs.get("location"):  # it is then where its cluster is
        cluster = scene.linked(resource, CLUSTER, "cluster", value=resource.inputs.get("cluster"))
        where = cluster.inputs.get("location") if cluster else None
        if isinstance(where, str) and where:
            resource = replace(resource, inputs={**resource.inputs, "location": where})
    yield from _price_nodes(resource, scene, config, nodes)


def _settled(resource: Resource) -> dict[str, Any]:
    """The node configuration, with what the program leaves to Google as the state of the pool knows it."""
    config, made = (mapping(block.get("nodeConfig")) for block in (resource.inputs, resource.outputs))
    known = {key: made[key] for key in _LEFT_TO_GOOGLE if made.get(key)}
    return {**known, **config}


_LEFT_TO_GOOGLE = ("machineType", "diskType", "diskSizeGb")


def pool_nodes(resource: Resource, scene: Scene, *, used: Any = None) -> Loads:
    """Nodes of a pool over all its zones, at three loads. ``used``: nodes per zone, if declared elsewhere."""
    inputs = resource.inputs
    cluster = scene.linked(resource, CLUSTER, "cluster", value=inputs.get("cluster"))
    zones = _zone_count(resource, cluster)
    scaling = mapping(inputs.get("autoscaling"))
    used = scene.usage.amount(resource, "nodes") if used is None else used
    start = count(inputs.get("nodeCount"))
    start = start if start is not None else count(inputs.get("initialNodeCount"))
    if not scaling:
        fixed = decimal((start if start is not None else _DEFAULT_NODES) * zones)
        expected = fixed if used is None else used * zones
        return Loads(idle=min(fixed, expected), expected=expected, peak=max(fixed, expected))
    if scaling.get("totalMaxNodeCount") is not None or scaling.get("totalMinNodeCount") is not None:
        low, high = count(scaling.get("totalMinNodeCount")) or 0, count(scaling.get("totalMaxNodeCount"))
    else:
        per_zone = count(scaling.get("maxNodeCount"))
        low = (count(scaling.get("minNodeCount")) or 0) * zones
        high = None if per_zone is None else per_zone * zones
    desired = max((start or 0) * zones, low)
    desired = desired if high is None else min(desired, high)
    expected = decimal(desired) if used is None else used * zones
    peak = max(decimal(desired if high is None else high), expected)
    return Loads(idle=min(decimal(low), expected), expected=expected, peak=peak)


def _price_nodes(
    resource: Resource, scene: Scene, config: dict[str, Any], nodes: Loads, pool: Any = None
) -> Iterator[Charge]:
    said = config.get("machineType")
    if said is not None and not isinstance(said, str):
        yield unpriced(resource, "nodes", "their machine type is not known", scene.region(resource))
        return
    machine_type = text(said, "e2-medium")
    kind = config.get("diskType")
    if not isinstance(kind, str) or not kind:
        family = machine_type.partition("-")[0]
        kind = "hyperdisk-balanced" if family in _HYPERDISK_ONLY else "pd-balanced"
    boot = mapping(config.get("bootDisk"))
    size = count(boot.get("sizeGb")) or count(config.get("diskSizeGb")) or _DEFAULT_DISK_GB
    ssds = sum(
        count(found) or 0
        for found in (
            mapping(config.get("ephemeralStorageLocalSsdConfig")).get("localSsdCount"),
            mapping(config.get("localNvmeSsdBlockConfig")).get("localSsdCount"),
            config.get("localSsdCount"),
        )
    )
    disk = (
        text(boot.get("diskType"), kind),
        size,
        count(boot.get("provisionedIops")),
        count(boot.get("provisionedThroughput")),
    )
    machine = GceMachine(
        machine_type=machine_type,
        purchase=_purchase(resource.inputs if pool is None else pool, config, scene),
        gpus=attached_gpus(machine_type, config),
        local_ssds=ssds,
        disks=(disk,),
        image=text(config.get("imageType")),
    )
    yield from charge_gce(resource, scene, machine, nodes)


def _purchase(pool: Any, config: dict[str, Any], scene: Scene) -> str:
    if truth(config.get("spot")) or truth(config.get("preemptible")):
        return "spot"
    if truth(config.get("flexStart")):
        return "flex_start"
    if truth(mapping(pool.get("queuedProvisioning")).get("enabled")):
        return "queued"
    if names_booking(scene, listed(mapping(config.get("reservationAffinity")).get("values"))):
        return "calendar"
    return "on_demand"


def price_gce_instance(resource: Resource, scene: Scene) -> Iterator[Charge]:
    """One Compute Engine instance with GPUs, disks and external address."""
    inputs, region = resource.inputs, scene.region(resource)
    machine_type = inputs.get("machineType")
    if not isinstance(machine_type, str):
        yield unpriced(resource, "instance", "its machine type is not known", region)
        return
    machine_type = machine_type.rsplit("/", 1)[-1]
    boot = mapping(inputs.get("bootDisk"))
    fresh = mapping(boot.get("initializeParams"))
    disk = (
        text(fresh.get("type"), "pd-standard").rsplit("/", 1)[-1],
        count(fresh.get("size")) or 10,
        count(fresh.get("provisionedIops")),
        count(fresh.get("provisionedThroughput")),
    )
    machine = GceMachine(
        machine_type=machine_type,
        purchase=from_scheduling(inputs),
        gpus=attached_gpus(machine_type, inputs),
        local_ssds=len(listed(inputs.get("scratchDisks"))),
        disks=() if boot.get("source") else (disk,),
        image=text(fresh.get("image")),
    )
    if inputs.get("desiredStatus") in ("TERMINATED", "SUSPENDED"):  # then only its disks are billed
        lines = charge_gce(resource, scene, machine, always(1))
        yield from (found for found in lines if not isinstance(found, LineItem) or found.group == STORAGE)
        return
    yield from charge_gce(resource, scene, machine, always(1))
    if _has_ephemeral_address(resource, scene):
        item = "external on spot VM" if machine.purchase == "spot" else "external on VM"
        price = service_price("gcp", "ip", item, region)
        hours = always(scene.hours_of(resource))
        yield charge(resource, "external IPv4", price, hours, unit="hour", group=NETWORK, region=region)


def _has_ephemeral_address(resource: Resource, scene: Scene) -> bool:
    """Whether the instance has an external address that is no address resource of the program."""
    for block in map(mapping, listed(resource.inputs.get("networkInterfaces"))):
        configs = block.get("accessConfigs")
        for config in map(mapping, listed(configs)):
            named = config.get("natIp")
            linked = any(scene.linked(resource, kind, "networkInterfaces", value=named) for kind in ADDRESSES)
            if not linked:
                return True
        if listed(configs) and not any(listed(configs)):
            return True
    return False


def price_instance_group(resource: Resource, scene: Scene) -> Iterator[Charge]:
    """Instances that a group manager makes from its template; an autoscaler says between which numbers."""
    template = group_template(resource, scene)
    if template is None:
        reason = "its instance template is not in this program"
        yield unpriced(resource, "instances", reason, scene.region(resource))
        return
    yield from charge_gce(resource, scene, from_template(template.inputs), group_nodes(resource, scene))


def group_template(resource: Resource, scene: Scene) -> Resource | None:
    """The template that a group manager makes its instances from. None: not in this program."""
    versions = [mapping(block) for block in listed(resource.inputs.get("versions"))]
    named = versions[0].get("instanceTemplate") if versions else None
    links = (scene.linked(resource, kind, "versions", value=named) for kind in TEMPLATES)
    return next((found for found in links if found), None)


def group_nodes(resource: Resource, scene: Scene) -> Loads:
    """Instances of a group manager at three loads."""
    size = count(resource.inputs.get("targetSize")) or 0
    low = high = size
    for kind in AUTOSCALERS:
        for scaler in scene.by_type.get(kind, ()):
            if scene.linked(scaler, resource.type, "target", value=scaler.inputs.get("target")) is resource:
                policy = mapping(scaler.inputs.get("autoscalingPolicy"))
                low, high = count(policy.get("minReplicas")) or 0, count(policy.get("maxReplicas")) or size
    used = scene.usage.amount(resource, "instances")
    expected = decimal(max(size, low)) if used is None else used
    return Loads(idle=min(decimal(low), expected), expected=expected, peak=max(decimal(high), expected))


def _is_zonal(inputs: Any) -> bool:
    location = inputs.get("location")
    return isinstance(location, str) and bool(location) and to_region(location) != location


def _zone_count(resource: Resource, cluster: Resource | None) -> int:
    """Zones that nodes lie in: the pool's, else the cluster's, else three of a region or one."""
    for holder in (resource, cluster):
        if holder is None:
            continue
        zones = holder.inputs.get("nodeLocations")
        if isinstance(zones, list | tuple) and zones:
            # a zonal cluster may list its further zones only
            own = (
                {holder.inputs.get("location")}
                if holder.type == CLUSTER and _is_zonal(holder.inputs)
                else set()
            )
            named = [zone for zone in zones if isinstance(zone, str)]
            return len({*named} | own) + len(zones) - len(named)
    for holder in (resource, cluster):
        if holder is not None and isinstance(holder.inputs.get("location"), str):
            return 1 if _is_zonal(holder.inputs) else _ZONES_PER_REGION
    return 1


def vms_in_region(region: str, scene: Scene) -> Loads:
    """Machines of pools and instances in a region: those that may use its NAT gateway."""
    if "vms" not in scene.memo:
        scene.memo["vms"] = _vms(scene)
    return scene.memo["vms"].get(region, NOTHING)


def _vms(scene: Scene) -> dict[str, Loads]:
    total: dict[str, Loads] = {}
    machines = [(pool, pool_nodes(pool, scene)) for pool in scene.by_type.get(NODE_POOL, ())]
    for kind in GROUPS:
        machines += [(found, group_nodes(found, scene)) for found in scene.by_type.get(kind, ())]
    machines += [(found, always(1)) for found in scene.by_type.get(INSTANCE, ())]
    for resource, nodes in machines:
        region = scene.region(resource)
        total[region] = total.get(region, NOTHING) + nodes
    return total
