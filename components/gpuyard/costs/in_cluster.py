"""Kubernetes objects that make a cloud bill: volumes and load balancers."""

import re
from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import Any

from gpuyard.catalog.prices import component
from gpuyard.costs.disks import charge_ebs, charge_gcp_disk
from gpuyard.costs.line_item import NETWORK, Charge, Loads, always, charge, unpriced
from gpuyard.costs.scene import CLUSTERS, Scene, count, listed, mapping
from gpuyard.resources import Resource

STORAGE_CLASS = "kubernetes:storage.k8s.io/v1:StorageClass"
_DISK_OF_CLASS = {
    "aws": {"gp2": "gp2", "gp3": "gp3", "": "gp3"},
    "gcp": {
        "standard-rwo": "pd-balanced",
        "premium-rwo": "pd-ssd",
        "standard": "pd-standard",
        "": "pd-balanced",
    },
}
"""Disks of the storage classes that the clouds make themselves; the empty name is the default class."""
_SIZES = {
    "": 1e-9,
    "k": 1e-6,
    "M": 1e-3,
    "G": 1.0,
    "T": 1e3,
    "Ki": 2**-20,
    "Mi": 2**-10,
    "Gi": 1.0,
    "Ti": 1024.0,
}
"""Quantity suffixes to the GB that clouds bill: both bill GiB under that name."""
_UNKNOWN_CLUSTER = "the cluster it runs in is not part of this program, so neither is its cloud known"


def price_service(resource: Resource, scene: Scene) -> Iterator[Charge]:
    """A Service of type LoadBalancer; every other type is free."""
    if mapping(resource.inputs.get("spec")).get("type") == "LoadBalancer":
        yield from _balancer(resource, scene, "load balancer")


def price_ingress(resource: Resource, scene: Scene) -> Iterator[Charge]:
    """An Ingress of a class that the clouds serve with a balancer of their own; others run on nodes."""
    metadata, spec = mapping(resource.inputs.get("metadata")), mapping(resource.inputs.get("spec"))
    annotations = mapping(metadata.get("annotations"))
    name = spec.get("ingressClassName") or annotations.get("kubernetes.io/ingress.class")
    cluster = scene.cluster_of(resource)
    cloud = CLUSTERS[cluster.type] if cluster else ""
    if isinstance(name, str) and name not in ("alb", "gce", "gce-internal"):
        return
    if name is None and cloud == "aws":  # EKS serves no Ingress without a class
        return
    service = "alb" if name == "alb" else "nlb"
    yield from _balancer(resource, scene, "ingress load balancer", service)


def price_claim(resource: Resource, scene: Scene) -> Iterator[Charge]:
    """A PersistentVolumeClaim."""
    yield from _volume(resource, scene, mapping(resource.inputs.get("spec")), 1, "volume")


def price_stateful_set(resource: Resource, scene: Scene) -> Iterator[Charge]:
    """The volumes that a StatefulSet claims, one per replica."""
    spec = mapping(resource.inputs.get("spec"))
    replicas = count(spec.get("replicas"))
    for template in listed(spec.get("volumeClaimTemplates")):
        claim = mapping(mapping(template).get("spec"))
        yield from _volume(resource, scene, claim, 1 if replicas is None else replicas, "volumes")


def price_chart(resource: Resource, scene: Scene) -> Iterator[Charge]:
    """What a chart's values ask for in plain sight: volume claims, services of type LoadBalancer.

    What a chart makes by its own defaults is not in the program and so not here.
    """
    for path, claim in _find(resource.inputs.get("values"), "volumeClaimTemplate", ""):
        yield from _volume(resource, scene, mapping(mapping(claim).get("spec")), 1, f"volume {path}")
    for path, service in _find(resource.inputs.get("values"), "service", ""):
        if mapping(service).get("type") == "LoadBalancer":
            yield from _balancer(resource, scene, f"load balancer {path}")


def _find(value: Any, key: str, path: str) -> Iterator[tuple[str, Any]]:
    """Every block under ``key``, with the path that leads there."""
    if isinstance(value, Mapping):
        for name, item in value.items():
            if name == key:
                yield path or key, item
            else:
                yield from _find(item, key, f"{path}.{name}" if path else str(name))
    elif isinstance(value, list | tuple):
        for item in value:
            yield from _find(item, key, path)


def _balancer(resource: Resource, scene: Scene, name: str, service: str = "nlb") -> Iterator[Charge]:
    cluster = scene.cluster_of(resource)
    if cluster is None:
        yield unpriced(resource, name, _UNKNOWN_CLUSTER)
        return
    region, hours = scene.region(cluster), always(scene.hours)
    cloud = CLUSTERS[cluster.type]
    found = (
        component("aws", service, region, "hour")
        if cloud == "aws"
        else component("gcp", "lb", region, "forwarding rule")
    )
    yield charge(resource, name, found, hours, unit="hour", group=NETWORK, region=region)


def _volume(
    resource: Resource, scene: Scene, claim: dict[str, Any], volumes: int, name: str
) -> Iterator[Charge]:
    cluster = scene.cluster_of(resource)
    size = _gigabytes(mapping(mapping(claim.get("resources")).get("requests")).get("storage"))
    if cluster is None or size is None:
        reason = _UNKNOWN_CLUSTER if cluster is None else "its size is not known"
        yield unpriced(resource, name, reason)
        return
    cloud, region = CLUSTERS[cluster.type], scene.region(cluster)
    kind = _disk_kind(claim.get("storageClassName"), cluster, scene)
    if kind is None:
        reason = f"storage class {claim.get('storageClassName')!r} is not known, so its disk is not either"
        yield unpriced(resource, name, reason, region)
        return
    price = charge_ebs if cloud == "aws" else charge_gcp_disk
    for line in price(resource, region, _volumes(volumes), size_gb=size, kind=kind):
        yield replace(line, component=f"{kind} {name}")


def _volumes(number: int) -> Loads:
    return always(number)


def _disk_kind(name: Any, cluster: Resource, scene: Scene) -> str | None:
    """The disk of a storage class: one that the program makes there, or one of the cloud's own."""
    wanted = name if isinstance(name, str) else ""
    for found in scene.by_type.get(STORAGE_CLASS, ()):
        if scene.cluster_of(found) is not cluster:
            continue
        metadata, parameters = mapping(found.inputs.get("metadata")), mapping(found.inputs.get("parameters"))
        annotations = mapping(metadata.get("annotations"))
        is_default = annotations.get("storageclass.kubernetes.io/is-default-class") == "true"
        if (metadata.get("name") == wanted or (not wanted and is_default)) and parameters.get("type"):
            return str(parameters["type"])
    return _DISK_OF_CLASS[CLUSTERS[cluster.type]].get(wanted)


def _gigabytes(text: Any) -> int | None:
    match = re.fullmatch(r"(\d+(?:\.\d+)?)([kMGT]i?|Ki|)", str(text or ""))
    if match is None or match[2] not in _SIZES:
        return None
    return max(1, round(float(match[1]) * _SIZES[match[2]]))
