"""GKE clusters: fee and free-tier credit, extended support, Autopilot pods, pools inside the cluster."""

from collections.abc import Iterator
from dataclasses import replace
from decimal import Decimal
from typing import Any

from gpuyard.catalog.prices import component
from gpuyard.catalog.service_prices import service_price
from gpuyard.catalog.tables import read_csv
from gpuyard.costs.gcp_nodes import (
    CLUSTER,
    DEFAULT_NODES,
    NODE_POOL,
    is_zonal,
    pool_nodes,
    price_nodes,
    zone_count,
)
from gpuyard.costs.line_item import CONTROL_PLANE, OTHER, Charge, LineItem, Loads, always, charge, decimal
from gpuyard.costs.scene import Scene, count, listed, mapping, text, truth
from gpuyard.resources import Resource


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
        for found in price_nodes(resource, scene, mapping(pool.get("nodeConfig")), nodes, pool):
            yield replace(found, component=f"{name}: {found.component}")
    if pools or truth(inputs.get("removeDefaultNodePool")):
        return
    each = count(inputs.get("initialNodeCount"))
    used = scene.usage.amount(resource, "nodes")
    zones = zone_count(resource, None)
    fixed = decimal((DEFAULT_NODES if each is None else each) * zones)
    expected = fixed if used is None else used * zones
    nodes = Loads(idle=min(fixed, expected), expected=expected, peak=max(fixed, expected))
    yield from price_nodes(resource, scene, mapping(inputs.get("nodeConfig")), nodes)


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
    return is_zonal(resource.inputs) or truth(resource.inputs.get("enableAutopilot"))


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
