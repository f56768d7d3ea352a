"""GKE and Compute Engine: control planes, node pools, instances, and the disks on them."""

from collections.abc import Iterator
from typing import Any

from gpuyard.catalog.price import Price
from gpuyard.catalog.prices import component
from gpuyard.catalog.tables import read_csv
from gpuyard.costs.disks import charge_gcp_disk, charge_local_ssd
from gpuyard.costs.line_item import (
    CONTROL_PLANE,
    GPU_NODES,
    NETWORK,
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
from gpuyard.costs.scene import Scene, count, listed, mapping, to_region
from gpuyard.resources import Resource

CLUSTER = "gcp:container/cluster:Cluster"
NODE_POOL = "gcp:container/nodePool:NodePool"
_ZONES_PER_REGION = 3
"""Zones that a regional cluster spreads nodes over unless it names them (GKE documentation)."""
_DEFAULT_DISK_GB = 100
_PARTS_BY_LABEL = {
    "nvidia-tesla-t4": "t4",
    "nvidia-l4": "l4",
    "nvidia-tesla-a100": "a100-40gb",
    "nvidia-a100-80gb": "a100-80gb-sxm",
    "nvidia-h100-80gb": "h100-sxm",
}
"""Names at Compute Engine of the GPUs that have a price of their own."""
_SPLIT_FAMILIES = ("n1",)
"""Families whose GPUs are attached and billed apart; A2, A3, A4, G2 and G4 contain theirs."""


def price_gke_cluster(resource: Resource, scene: Scene) -> Iterator[Charge]:
    """The cluster fee, the free-tier credit where it applies, and the default pool where it stays."""
    inputs, region = resource.inputs, scene.region(resource)
    is_autopilot = inputs.get("enableAutopilot") is True
    fee = component("gcp", "gke_management", region, "zonal/regional/Autopilot") if region else None
    hours = always(scene.hours)
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
    if (is_autopilot or _is_zonal(inputs)) and isinstance(paid, LineItem) and _takes_credit(resource, scene):
        yield from _credit(resource, region, paid)
    if is_autopilot:
        reason = "Autopilot bills what pods request; no price of it is known"
        yield unpriced(resource, "Autopilot pods", reason, region)
    elif inputs.get("removeDefaultNodePool") is not True and count(inputs.get("initialNodeCount")):
        nodes = always(count(inputs.get("initialNodeCount")) or 0) * _zone_count(resource, None)
        yield from _price_nodes(resource, scene, mapping(inputs.get("nodeConfig")), nodes)


def _credit(resource: Resource, region: str, fee: LineItem) -> Iterator[Charge]:
    """The monthly credit, at most the fee."""
    price = component("gcp", "gke_free_tier", region, "credit per billing account")
    if price is None or fee.effective is None:
        return
    credit = min(-decimal(price.usd), fee.effective.expected)
    yield charge(
        resource,
        "free-tier credit",
        price.noted("one per billing account and month, at most the fee"),
        always(credit / -decimal(price.usd)),
        unit="month",
        group=CONTROL_PLANE,
        region=region,
        category="Credit",
        pricing_category="Other",
        frequency="Recurring",
    )


def _takes_credit(resource: Resource, scene: Scene) -> bool:
    """One cluster of the program takes it: the first by URN of those that may."""
    used = scene.usage.amount(resource, "free_tier_credit_used")
    if used:
        return False
    able = [
        other.urn
        for other in scene.by_type.get(CLUSTER, ())
        if _is_zonal(other.inputs) or other.inputs.get("enableAutopilot") is True
    ]
    return able[:1] == [resource.urn]


def _in_extended_support(inputs: Any, scene: Scene) -> bool:
    """Only clusters on the Extended channel stay past the standard end; others are upgraded."""
    if mapping(inputs.get("releaseChannel")).get("channel") != "EXTENDED":
        return False
    version = ".".join(str(inputs.get("minMasterVersion") or "").split(".")[:2])
    return any(
        row["platform"] == "gke"
        and row["version"] == version
        and bool(row["standard_or_maintenance_end"])
        and scene.reference_date.isoformat() > row["standard_or_maintenance_end"]
        for row in read_csv("kubernetes_versions")
    )


def price_node_pool(resource: Resource, scene: Scene) -> Iterator[Charge]:
    """Nodes of a pool with GPUs, disks and local SSDs."""
    config = mapping(resource.inputs.get("nodeConfig"))
    yield from _price_nodes(resource, scene, config, pool_nodes(resource, scene))


def pool_nodes(resource: Resource, scene: Scene) -> Loads:
    """Nodes of a pool over all its zones, at three loads."""
    inputs = resource.inputs
    cluster = scene.linked(resource, CLUSTER, "cluster", value=inputs.get("cluster"))
    zones = _zone_count(resource, cluster)
    scaling = mapping(inputs.get("autoscaling"))
    used = scene.usage.amount(resource, "nodes")
    start = count(inputs.get("nodeCount"))
    start = start if start is not None else count(inputs.get("initialNodeCount"))
    if not scaling:
        fixed = decimal((start if start is not None else 1) * zones)
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


def _price_nodes(resource: Resource, scene: Scene, config: dict[str, Any], nodes: Loads) -> Iterator[Charge]:
    region = scene.region(resource)
    machine_type = str(config.get("machineType") or "e2-medium")
    purchase = _purchase(resource, config)
    is_spot = purchase == "spot"
    attached = _attached_gpus(machine_type, config)
    yield from charge_machines(resource, scene, "gcp", machine_type, nodes, purchase, has_gpus=bool(attached))
    for label, number in attached:
        yield _gpu(resource, scene, region, label, nodes * number, purchase)
    size = count(config.get("diskSizeGb")) or _DEFAULT_DISK_GB
    kind = str(config.get("diskType") or "pd-balanced")
    yield from charge_gcp_disk(resource, region, nodes, size_gb=size, kind=kind)
    ssds = sum(
        count(found) or 0
        for found in (
            mapping(config.get("ephemeralStorageLocalSsdConfig")).get("localSsdCount"),
            mapping(config.get("localNvmeSsdBlockConfig")).get("localSsdCount"),
            config.get("localSsdCount"),
        )
    )
    if ssds:
        yield from charge_local_ssd(resource, region, nodes * ssds, is_spot=is_spot)


def _purchase(resource: Resource, config: dict[str, Any]) -> str:
    if config.get("spot") is True or config.get("preemptible") is True:
        return "spot"
    if config.get("flexStart") is True:
        return "flex_start"
    if mapping(resource.inputs.get("queuedProvisioning")).get("enabled") is True:
        return "queued"
    return "on_demand"


def _attached_gpus(machine_type: str, config: dict[str, Any]) -> list[tuple[str, int]]:
    if not machine_type.startswith(_SPLIT_FAMILIES):
        return []
    blocks = config.get("guestAccelerators")
    blocks = blocks if isinstance(blocks, list | tuple) else [blocks] if blocks else []
    return [
        (str(block.get("type") or "").rsplit("/", 1)[-1], count(block.get("count")) or 0)
        for block in map(mapping, blocks)
        if block
    ]


def _gpu(resource: Resource, scene: Scene, region: str, label: str, gpus: Loads, purchase: str) -> Charge:
    """GPUs attached to an N1 machine: a price of their own, where one is known."""
    row = next(
        (
            row
            for row in read_csv("gpu_parts")
            if row["gpu"] == _PARTS_BY_LABEL.get(label) and row["region"] == region
        ),
        None,
    )
    if row is None or purchase != "on_demand":
        reason = f"no price of attached {label} in {region or 'an unknown region'} as {purchase}"
        return unpriced(resource, label, reason, region)
    price = Price(usd=float(row["usd_per_hour"]), unit="USD/hour", source=row["source"], as_of=row["as_of"])
    return charge(resource, label, price, gpus * scene.hours, unit="GPU-hour", group=GPU_NODES, region=region)


def price_gce_instance(resource: Resource, scene: Scene) -> Iterator[Charge]:
    """One Compute Engine instance with GPUs, disks and external address."""
    inputs, region = resource.inputs, scene.region(resource)
    machine_type = inputs.get("machineType")
    if not isinstance(machine_type, str):
        yield unpriced(resource, "instance", "its machine type is not known", region)
        return
    machine_type = machine_type.rsplit("/", 1)[-1]
    scheduling = mapping(inputs.get("scheduling"))
    is_spot = scheduling.get("provisioningModel") == "SPOT" or scheduling.get("preemptible") is True
    purchase = "spot" if is_spot else "on_demand"
    hours = scene.usage.amount(resource, "monthly_hours")
    one = always(1) if hours is None else always(hours / scene.hours)
    attached = _attached_gpus(machine_type, dict(inputs))
    yield from charge_machines(resource, scene, "gcp", machine_type, one, purchase, has_gpus=bool(attached))
    for label, number in attached:
        yield _gpu(resource, scene, region, label, one * number, purchase)
    boot = mapping(mapping(inputs.get("bootDisk")).get("initializeParams"))
    size, kind = count(boot.get("size")) or 10, str(boot.get("type") or "pd-standard")
    yield from charge_gcp_disk(resource, region, always(1), size_gb=size, kind=kind)
    scratch = inputs.get("scratchDisks")
    if isinstance(scratch, list | tuple) and scratch:
        yield from charge_local_ssd(resource, region, always(len(scratch)), is_spot=is_spot)
    if any(mapping(block).get("accessConfigs") for block in listed(inputs.get("networkInterfaces"))):
        price = component("gcp", "ip", region, "external on VM")
        quantity = one * scene.hours
        yield charge(resource, "external IPv4", price, quantity, unit="hour", group=NETWORK, region=region)


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
            # a zonal cluster lists its further zones only
            return len(zones) + (holder.type == CLUSTER and _is_zonal(holder.inputs))
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
    machines += [(found, always(1)) for found in scene.by_type.get("gcp:compute/instance:Instance", ())]
    for resource, nodes in machines:
        region = scene.region(resource)
        total[region] = total.get(region, NOTHING) + nodes
    return total
