"""Google machines by the resource: node pools, instances, instance groups."""

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

from gpuyard.catalog.service_prices import service_price
from gpuyard.costs.gcp_bookings import names_booking
from gpuyard.costs.gcp_machines import GceMachine, attached_gpus, charge_gce, from_scheduling, from_template
from gpuyard.costs.line_item import (
    NETWORK,
    NOTHING,
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
DEFAULT_NODES = 3
"""Nodes per zone where nobody gives a number (default of `gcloud container clusters create`)."""
_DEFAULT_DISK_GB = 100
_HYPERDISK_ONLY = ("n4", "n4d", "c4", "c4a", "c4d", "c4n", "a4", "a4x", "m4", "g4", "h4d", "x4")
"""Families whose nodes cannot have a persistent disk and default to hyperdisk-balanced."""


def price_node_pool(resource: Resource, scene: Scene) -> Iterator[Charge]:
    """Nodes of a pool with GPUs, disks and local SSDs."""
    config = _settled(resource)
    nodes = pool_nodes(resource, scene)
    if not resource.inputs.get("location"):  # it is then where its cluster is
        cluster = scene.linked(resource, CLUSTER, "cluster", value=resource.inputs.get("cluster"))
        where = cluster.inputs.get("location") if cluster else None
        if isinstance(where, str) and where:
            resource = replace(resource, inputs={**resource.inputs, "location": where})
    yield from price_nodes(resource, scene, config, nodes)


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
    zones = zone_count(resource, cluster)
    scaling = mapping(inputs.get("autoscaling"))
    used = scene.usage.amount(resource, "nodes") if used is None else used
    start = count(inputs.get("nodeCount"))
    start = start if start is not None else count(inputs.get("initialNodeCount"))
    if not scaling:
        fixed = decimal((start if start is not None else DEFAULT_NODES) * zones)
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


def price_nodes(
    resource: Resource, scene: Scene, config: dict[str, Any], nodes: Loads, pool: Any = None
) -> Iterator[Charge]:
    """Nodes of one configuration with GPUs, disks and local SSDs; ``pool`` says how they are bought."""
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


def is_zonal(inputs: Any) -> bool:
    """Whether the location is a zone; not known is a region."""
    location = inputs.get("location")
    return isinstance(location, str) and bool(location) and to_region(location) != location


def zone_count(resource: Resource, cluster: Resource | None) -> int:
    """Zones that nodes lie in: the pool's, else the cluster's, else three of a region or one."""
    for holder in (resource, cluster):
        if holder is None:
            continue
        zones = holder.inputs.get("nodeLocations")
        if isinstance(zones, list | tuple) and zones:
            # a zonal cluster may list its further zones only
            own = (
                {holder.inputs.get("location")}
                if holder.type == CLUSTER and is_zonal(holder.inputs)
                else set()
            )
            named = [zone for zone in zones if isinstance(zone, str)]
            return len({*named} | own) + len(zones) - len(named)
    for holder in (resource, cluster):
        if holder is not None and isinstance(holder.inputs.get("location"), str):
            return 1 if is_zonal(holder.inputs) else _ZONES_PER_REGION
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
