"""Google's network by the resource: NAT, addresses, forwarding rules, proxies."""

from collections import Counter
from collections.abc import Iterator
from dataclasses import replace
from decimal import Decimal
from typing import Any

from gpuyard.catalog.prices import component
from gpuyard.catalog.service_prices import service_price
from gpuyard.costs.gcp_machines import from_scheduling
from gpuyard.costs.gcp_nodes import ADDRESSES, INSTANCE, vms_in_region
from gpuyard.costs.gcp_parts import HOME
from gpuyard.costs.line_item import NETWORK, Charge, Loads, always, charge, decimal, when_used
from gpuyard.costs.parts import Part, charge_part
from gpuyard.costs.scene import Scene, listed, mapping
from gpuyard.resources import Resource

_NAT_VMS = 32
"""VMs up to which a NAT gateway costs by the VM (Cloud NAT pricing page)."""
_MANY_NAT_VMS = Decimal("0.044") / Decimal("0.0014")
"""What a gateway of more VMs costs, 0.044 per hour, in VMs of 0.0014 (Cloud NAT pricing page)."""


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
    price = service_price("gcp", "ip", item, region or HOME)
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
        service_price("gcp", "lb", "forwarding rule", region or HOME),
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
    data = service_price("gcp", "lb", "data processed", region or HOME)
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
    region = scene.region(resource) or HOME
    number = scene.usage.amount(resource, "monthly_proxy_instances")
    if number is None:
        return
    price = service_price("gcp", "lb_proxy", "proxy instance hour", region)
    hours = when_used(number * scene.hours_of(resource))
    yield charge(resource, "proxy instances", price, hours, unit="hour", group=NETWORK, region=region)
    data = Part("data processed", "lb_proxy", "data processed", "GB", NETWORK, "monthly_data_processed_gb")
    yield from charge_part(resource, scene, data, region)
