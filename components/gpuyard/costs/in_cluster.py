"""Kubernetes objects that make a cloud bill: volumes and load balancers."""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any

from gpuyard.catalog.service_prices import service_price
from gpuyard.costs.disks import charge_ebs, charge_gcp_disk
from gpuyard.costs.line_item import NETWORK, Charge, always, charge, unpriced
from gpuyard.costs.scene import CLUSTERS, Scene, count, listed, mapping, truth
from gpuyard.resources import Resource

STORAGE_CLASS = "kubernetes:storage.k8s.io/v1:StorageClass"
_DISK_OF_CLASS = {
    "aws": {"gp2": "gp2", "gp3": "gp3", "": "gp2"},
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
    spec, metadata = mapping(resource.inputs.get("spec")), mapping(resource.inputs.get("metadata"))
    if spec.get("type") == "LoadBalancer":
        service = {**spec, "annotations": metadata.get("annotations")}
        yield from _balancer(resource, scene, "load balancer", _aws_kind(service, resource, scene))


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
    yield from _balancer(resource, scene, "ingress load balancer", "alb")


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
            kind = _aws_kind(mapping(service), resource, scene)
            yield from _balancer(resource, scene, f"load balancer {path}", kind)


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


def _aws_kind(service: Mapping[str, Any], resource: Resource, scene: Scene) -> str:
    """Which balancer AWS makes of a Service: a classic one unless somebody asks for a network one.

    Asking are an annotation, a class, Auto Mode, and the load balancer controller, which takes every new
    Service since its release 2.5.
    """
    asked = mapping(service.get("annotations")).get("service.beta.kubernetes.io/aws-load-balancer-type")
    named = service.get("loadBalancerClass")
    cluster = scene.cluster_of(resource)
    is_auto = cluster is not None and truth(mapping(cluster.inputs.get("computeConfig")).get("enabled"))
    if asked in ("nlb", "nlb-ip", "external") or named or is_auto or _has_controller(scene):
        return "nlb"
    return "clb"


def _has_controller(scene: Scene) -> bool:
    key = "load balancer controller"
    if key not in scene.memo:
        charts = (found for kind in _CHARTS for found in scene.by_type.get(kind, ()))
        scene.memo[key] = any(str(chart.inputs.get("chart")).endswith(_CONTROLLER) for chart in charts)
    return scene.memo[key]


_CHARTS = ("kubernetes:helm.sh/v3:Release", "kubernetes:helm.sh/v4:Chart")
_CONTROLLER = "aws-load-balancer-controller"


def _balancer(resource: Resource, scene: Scene, name: str, service: str) -> Iterator[Charge]:
    cluster = scene.cluster_of(resource)
    if cluster is None:
        yield unpriced(resource, name, _UNKNOWN_CLUSTER)
        return
    region, hours = scene.region(cluster), always(scene.hours)
    cloud = CLUSTERS[cluster.type]
    found = (
        service_price("aws", service, "hour", region)
        if cloud == "aws"
        else service_price("gcp", "lb", "forwarding rule", region)
    )
    yield charge(resource, name, found, hours, unit="hour", group=NETWORK, region=region)


@dataclass(frozen=True, slots=True)
class _Disk:
    """What a storage class makes of a claim."""

    kind: str
    iops: int | None = None
    mbps: int | None = None


def _volume(
    resource: Resource, scene: Scene, claim: dict[str, Any], volumes: int, name: str
) -> Iterator[Charge]:
    cluster = scene.cluster_of(resource)
    size = _gigabytes(mapping(mapping(claim.get("resources")).get("requests")).get("storage"))
    if claim.get("storageClassName") == "" or claim.get("volumeName"):
        return  # it takes a volume that is there already, and priced where it is made
    if cluster is None or size is None:
        reason = _UNKNOWN_CLUSTER if cluster is None else "its size is not known"
        yield unpriced(resource, name, reason)
        return
    cloud, region = CLUSTERS[cluster.type], scene.region(cluster)
    disk = _disk_of(claim.get("storageClassName"), cluster, scene)
    if disk is None:
        reason = f"storage class {claim.get('storageClassName')!r} is not known, so its disk is not either"
        yield unpriced(resource, name, reason, region)
        return
    if disk.kind in _SHARED:
        return
    price = charge_ebs if cloud == "aws" else charge_gcp_disk
    lines = price(
        resource, region, always(volumes), size_gb=size, kind=disk.kind, iops=disk.iops, mbps=disk.mbps
    )
    for line in lines:
        is_storage = line.component == f"{disk.kind} disk"
        part = f"{disk.kind} {name}" if is_storage else f"{name}, {line.component}"
        yield replace(line, component=part)


_SHARED = ("efs.csi.aws.com", "s3.csi.aws.com", "gcsfuse.csi.storage.gke.io")
"""Drivers whose claims live in a file system or bucket that is billed by itself, whatever size they ask."""
_DISK_DRIVERS = {
    "ebs.csi.aws.com": "gp3",
    "ebs.csi.eks.amazonaws.com": "gp3",
    "kubernetes.io/aws-ebs": "gp2",
    "pd.csi.storage.gke.io": "pd-standard",
    "kubernetes.io/gce-pd": "pd-standard",
}
"""Drivers of disks, and the disk that they make where the class names no type (their documentation)."""


def _disk_of(name: Any, cluster: Resource, scene: Scene) -> _Disk | None:
    """The disk of a storage class: one that the program makes there, or one of the cloud's own."""
    wanted = name if isinstance(name, str) else ""
    for found in scene.by_type.get(STORAGE_CLASS, ()):
        if scene.cluster_of(found) is not cluster:
            continue
        metadata, parameters = mapping(found.inputs.get("metadata")), mapping(found.inputs.get("parameters"))
        annotations = mapping(metadata.get("annotations"))
        is_default = annotations.get("storageclass.kubernetes.io/is-default-class") == "true"
        if not (metadata.get("name") == wanted or (not wanted and is_default)):
            continue
        driver = found.inputs.get("provisioner")
        if driver in _SHARED:
            return _Disk(str(driver))
        if isinstance(driver, str) and driver not in _DISK_DRIVERS:
            return None
        kind = parameters.get("type") or _DISK_DRIVERS.get(str(driver))
        if not isinstance(kind, str):
            break
        return _Disk(kind, count(parameters.get("iops")), count(parameters.get("throughput")))
    kind = _DISK_OF_CLASS[CLUSTERS[cluster.type]].get(wanted)
    return None if kind is None else _Disk(kind)


def _gigabytes(text: Any) -> int | None:
    match = re.fullmatch(r"(\d+(?:\.\d+)?)([kMGT]i?|Ki|)", str(text or ""))
    if match is None or match[2] not in _SIZES:
        return None
    return max(1, round(float(match[1]) * _SIZES[match[2]]))
