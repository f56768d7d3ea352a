"""EKS control planes, Auto Mode and Fargate."""

import re
from collections.abc import Iterator
from dataclasses import replace
from decimal import Decimal
from typing import Any

from gpuyard.catalog.prices import component, on_demand
from gpuyard.catalog.service_prices import service_price
from gpuyard.catalog.tables import read_csv
from gpuyard.costs.line_item import (
    CONTROL_PLANE,
    CPU_NODES,
    OTHER,
    Charge,
    Loads,
    always,
    charge,
    decimal,
    unpriced,
    when_used,
)
from gpuyard.costs.scene import Scene, count, listed, mapping, text, truth
from gpuyard.resources import Resource

TASK = "aws:ecs/taskDefinition:TaskDefinition"
ECS_CLUSTER = "aws:ecs/cluster:Cluster"
_PROVIDERS = "aws:ecs/clusterCapacityProviders:ClusterCapacityProviders"


def price_eks_cluster(resource: Resource, scene: Scene) -> Iterator[Charge]:
    """The control plane, in standard or extended support at the reference date, and Auto Mode's nodes."""
    inputs, region = resource.inputs, scene.region(resource)
    version = inputs.get("version")
    support, why = eks_support(version if isinstance(version, str) else "", scene)
    if support == "extended" and mapping(inputs.get("upgradePolicy")).get("supportType") == "STANDARD":
        support, why = "standard", "its upgrade policy has AWS upgrade it when standard support ends"
    sku = "extended support (total)" if support == "extended" else "standard support"
    price = component("aws", "eks_control_plane", region, sku) if region else None
    price = price.noted(why) if price and why else price
    yield charge(
        resource,
        f"control plane, {support} support",
        price,
        always(scene.hours_of(resource)),
        unit="hour",
        group=CONTROL_PLANE,
        region=region,
    )
    tier = mapping(inputs.get("controlPlaneScalingConfig")).get("tier")
    if isinstance(tier, str) and tier != "standard":
        price = service_price("aws", "eks_control_plane", f"provisioned {tier.replace('-', ' ')}", region)
        hours = always(scene.hours_of(resource))
        reason = "a provisioned control plane costs more; no price of this tier is known"
        name = f"control plane {tier}"
        yield charge(
            resource, name, price, hours, unit="hour", group=CONTROL_PLANE, region=region, missing=reason
        )
    is_auto = truth(mapping(inputs.get("computeConfig")).get("enabled"))
    if is_auto or scene.usage.amounts(resource, "auto_mode_instance_hours"):
        yield from _auto_mode(resource, scene, region)


def _auto_mode(resource: Resource, scene: Scene, region: str) -> Iterator[Charge]:
    """EC2 price and management fee of the nodes that Auto Mode makes, as far as hours are declared."""
    declared = scene.usage.amounts(resource, "auto_mode_instance_hours")
    if not declared:
        reason = (
            "Auto Mode makes nodes that no program lists, at about 12 % above their EC2 price: "
            "declare `auto_mode_instance_hours`"
        )
        yield unpriced(resource, "Auto Mode nodes", reason, region)
        return
    ratio = component("aws", "eks_auto_mode", region, "management fee")
    for machine_type, hours in sorted(declared.items()):
        listed_price = on_demand("aws", machine_type, region)
        quantity = when_used(hours)
        yield charge(
            resource,
            f"Auto Mode {machine_type}",
            listed_price,
            quantity,
            unit="hour",
            group=CPU_NODES,
            region=region,
        )
        fee = None
        if ratio is not None and listed_price is not None:
            usd = float(decimal(ratio.usd) * decimal(listed_price.usd))
            fee = replace(ratio, usd=usd, unit="USD/hour").noted("12 % of the on-demand price")
        yield charge(
            resource,
            f"Auto Mode fee, {machine_type}",
            fee,
            quantity,
            unit="instance-hour",
            group=CONTROL_PLANE,
            region=region,
        )


def eks_support(version: str, scene: Scene) -> tuple[str, str]:
    """``standard`` or ``extended``, and a note.

    A version older than every row has left standard support; one newer than every row counts as standard
    and says so.
    """
    if not version:
        return "standard", "no version given: EKS takes the newest of standard support"
    rows = [row for row in read_csv("kubernetes_versions") if row["platform"] == "eks"]
    for row in rows:
        end = row["standard_or_maintenance_end"]
        if row["version"] == version and end:
            if scene.reference_date.isoformat() > end:
                return "extended", f"standard support of {version} ended on {end}"
            return "standard", f"until {end}, then six times as much"
    wanted = _number(version)
    if wanted is not None and wanted < min(number for row in rows if (number := _number(row["version"]))):
        return "extended", f"standard support of {version} ended before {rows[0]['version']} did"
    return "standard", f"the end of support of {version} is not known"


def _number(version: str) -> tuple[int, int] | None:
    found = re.match(r"(\d+)\.(\d+)", version)
    return (int(found[1]), int(found[2])) if found else None


def price_fargate_profile(resource: Resource, scene: Scene) -> Iterator[Charge]:
    """Pods of a Fargate profile: one of 1 vCPU and 1 GB unless the usage file says more."""
    pods = scene.usage.amount(resource, "pods")
    vcpu = scene.usage.amount(resource, "vcpu")
    memory = scene.usage.amount(resource, "memory_gb")
    tasks = when_used(1 if pods is None else pods)
    yield from _fargate(resource, scene, tasks, 1 if vcpu is None else vcpu, 1 if memory is None else memory)


def price_ecs_service(resource: Resource, scene: Scene) -> Iterator[Charge]:
    """Tasks of an ECS service on Fargate; on EC2 they cost nothing beyond their instances."""
    if not _is_on_fargate(resource, scene):
        return
    named = resource.inputs.get("taskDefinition")
    task = scene.linked(resource, TASK, "taskDefinition", value=named)
    vcpu = _cpus(task.inputs.get("cpu")) if task else None
    memory = _gigabytes(task.inputs.get("memory")) if task else None
    if task is None or vcpu is None or memory is None:
        reason = "the size of its task is not known"
        yield unpriced(resource, "Fargate tasks", reason, scene.region(resource))
        return
    desired = count(resource.inputs.get("desiredCount"))
    platform = mapping(task.inputs.get("runtimePlatform"))
    is_windows = text(platform.get("operatingSystemFamily"), "LINUX") != "LINUX"
    shape = "windows " if is_windows else "arm " if platform.get("cpuArchitecture") == "ARM64" else ""
    storage = count(mapping(task.inputs.get("ephemeralStorage")).get("sizeInGib")) or 20
    tasks = always(0 if desired is None else desired)
    yield from _fargate(resource, scene, tasks, vcpu, memory, shape=shape, storage_gb=storage)


def _fargate(
    resource: Resource,
    scene: Scene,
    tasks: Loads,
    vcpu: Decimal | int,
    memory_gb: Decimal | int,
    *,
    shape: str = "",
    storage_gb: int = 20,
) -> Iterator[Charge]:
    region = scene.region(resource)
    hours = tasks * scene.hours_of(resource)
    parts = (
        ("vCPU", f"{shape}vCPU", vcpu, "vCPU-hour"),
        ("memory", f"{shape}GB", memory_gb, "GB-hour"),
        ("Windows licence", "windows licence", vcpu if shape == "windows " else 0, "vCPU-hour"),
        ("ephemeral storage above 20 GB", "ephemeral storage", max(0, storage_gb - 20), "GB-hour"),
    )
    for name, item, each, unit in parts:
        if each:
            price = service_price("aws", "fargate", item, region)
            quantity = hours * decimal(each)
            yield charge(resource, f"Fargate {name}", price, quantity, unit=unit, group=OTHER, region=region)


def _is_on_fargate(resource: Resource, scene: Scene) -> bool:
    inputs = resource.inputs
    if inputs.get("launchType"):
        return inputs["launchType"] == "FARGATE"
    strategies = listed(inputs.get("capacityProviderStrategies"))
    if strategies:
        return any("FARGATE" in str(mapping(block).get("capacityProvider")) for block in strategies)
    cluster = scene.linked(resource, ECS_CLUSTER, "cluster", value=inputs.get("cluster"))
    if cluster is None:
        return False
    for providers in scene.by_type.get(_PROVIDERS, ()):
        named = providers.inputs.get("clusterName")
        if scene.linked(providers, ECS_CLUSTER, "clusterName", value=named) is cluster:
            return any("FARGATE" in str(name) for name in listed(providers.inputs.get("capacityProviders")))
    return False


def _cpus(value: Any) -> Decimal | None:
    """VCPUs of ``256``, ``"1 vCPU"``, ``".5 vcpu"``."""
    found = re.fullmatch(r"\s*(\d*\.?\d+)\s*(vcpu)?\s*", str(value), re.IGNORECASE)
    if found is None:
        return None
    return Decimal(found[1]) if found[2] else Decimal(found[1]) / 1024


def _gigabytes(value: Any) -> Decimal | None:
    """GB of ``512`` (MiB), ``"2 GB"``."""
    found = re.fullmatch(r"\s*(\d*\.?\d+)\s*(gb)?\s*", str(value), re.IGNORECASE)
    if found is None:
        return None
    return Decimal(found[1]) if found[2] else Decimal(found[1]) / 1024
