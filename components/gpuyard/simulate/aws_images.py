"""AWS functions around machines: images and their parameters, types, where they are sold, quotas, blocks."""

import re
from collections.abc import Mapping
from typing import Any

from gpuyard.catalog.hardware import find_machine_type
from gpuyard.catalog.names import UnknownName
from gpuyard.catalog.places import regions_selling, zones_selling
from gpuyard.catalog.quotas import quotas
from gpuyard.catalog.tables import read_csv
from gpuyard.errors import EngineError
from gpuyard.simulate.aws_ec2 import offering_id
from gpuyard.simulate.aws_eks import DEFAULT_VERSION, addon_version
from gpuyard.simulate.aws_names import make_arn, partition
from gpuyard.simulate.ids import hex_id
from gpuyard.simulate.lookup import Function, Lookup
from gpuyard.simulate.place import ACCOUNT, Place
from gpuyard.simulate.zones import aws_zones

Answer = Mapping[str, Any]
_PUBLIC_IMAGE = re.compile(
    r"/aws/service/(eks/optimized-ami|bottlerocket|ami-amazon-linux-latest|canonical|ecs)/.+"
)


def _parameter(args: Answer, place: Place, lookup: Lookup) -> Answer:
    """A parameter of the stack, or one of AWS's public image parameters."""
    name, region = str(args.get("name") or ""), place.require_region()
    own = lookup.find("aws:ssm/parameter:Parameter", place, name=name)
    if own:
        return own
    if not _PUBLIC_IMAGE.fullmatch(name):
        raise EngineError(f"reading SSM Parameter ({name}): couldn't find resource")
    value = f"ami-{hex_id(f'{region} {name}')}" if name.endswith("image_id") or "/ami" in name else "20261110"
    return {
        "id": name,
        "name": name,
        "arn": f"arn:{partition(region)}:ssm:{region}::parameter{name}",
        "type": "String",
        "value": value,
        "insecureValue": value,
        "version": 1,
        "region": region,
        "withDecryption": args.get("withDecryption", True),
    }


def _image(args: Answer, place: Place, lookup: Lookup) -> Answer:  # noqa: ARG001
    region = place.require_region()
    asked = repr(sorted((key, str(value)) for key, value in args.items() if key != "region"))
    id_ = f"ami-{hex_id(f'{region} {asked}')}"
    filters = {item["name"]: item["values"][0] for item in args.get("filters") or () if item.get("values")}
    arm = "arm64" in asked
    return {
        "id": id_,
        "imageId": id_,
        "arn": f"arn:{partition(region)}:ec2:{region}::image/{id_}",
        "name": filters.get("name") or args.get("nameRegex") or "simulated-image",
        "architecture": filters.get("architecture") or ("arm64" if arm else "x86_64"),
        "ownerId": ACCOUNT,
        "imageOwnerAlias": "amazon",
        "creationDate": "2026-11-10T00:00:00.000Z",
        "state": "available",
        "rootDeviceName": "/dev/xvda",
        "rootDeviceType": "ebs",
        "virtualizationType": "hvm",
        "region": region,
        "tags": {},
    }


def _addon_version(args: Answer, place: Place, lookup: Lookup) -> Answer:  # noqa: ARG001
    addon, version = str(args.get("addonName")), str(args.get("kubernetesVersion") or DEFAULT_VERSION)
    return {
        "id": addon,
        "addonName": addon,
        "kubernetesVersion": version,
        "mostRecent": bool(args.get("mostRecent", False)),
        "version": addon_version(addon, version),
        "region": place.require_region(),
    }


def _cluster_auth(args: Answer, place: Place, lookup: Lookup) -> Answer:  # noqa: ARG001
    return {
        "id": args.get("name"),
        "name": args.get("name"),
        "region": place.require_region(),
        "token": "k8s-aws-v1.simulated",
    }


def _cluster_versions(args: Answer, place: Place, lookup: Lookup) -> Answer:  # noqa: ARG001
    versions = sorted(
        {row["version"] for row in read_csv("kubernetes_versions") if row["platform"] == "eks"},
        key=lambda text: [int(part) for part in text.split(".")],
        reverse=True,
    )
    only = args.get("clusterVersionsOnlies")
    found = [item for item in versions if not only or item in only]
    if args.get("defaultOnly"):
        found = [DEFAULT_VERSION]
    return {
        "clusterVersions": [
            {"clusterVersion": item, "defaultVersion": item == DEFAULT_VERSION, "clusterType": "eks"}
            for item in found
        ],
        "region": place.require_region(),
    }


def _instance_type(args: Answer, place: Place, lookup: Lookup) -> Answer:  # noqa: ARG001
    """What the catalog knows of a machine type; only GPU machines are in it."""
    name, region = str(args.get("instanceType") or ""), place.require_region()
    try:
        machine = find_machine_type(name)
    except UnknownName as error:
        raise EngineError(f"no matching EC2 Instance Type found ({name})\n  {error}") from None
    gpu = {"name": machine.gpu, "manufacturer": "NVIDIA", "count": int(machine.gpu_count)}
    return {
        "id": machine.id,
        "instanceType": machine.id,
        "region": region,
        "defaultVcpus": machine.vcpu,
        "memorySize": round(machine.memory_gib * 1024),
        "gpuses": [{**gpu, "memorySize": machine.gpu_memory_mib or 0}] if machine.gpu else [],
        "totalGpuMemory": int((machine.gpu_memory_mib or 0) * machine.gpu_count),
        "efaSupported": machine.efa_interfaces > 0,
        "efaMaximumInterfaces": machine.efa_interfaces,
        "supportedArchitectures": [machine.arch],
        "totalInstanceStorage": int(machine.local_nvme_gb or 0),
        "instanceStorageSupported": bool(machine.local_nvme_gb),
        "currentGeneration": True,
    }


def _offerings(args: Answer, place: Place, lookup: Lookup) -> Answer:  # noqa: ARG001
    """Where machine types are sold, from the catalog."""
    region, kind = place.require_region(), args.get("locationType") or "region"
    filters = {item["name"]: item["values"] for item in args.get("filters") or ()}
    names = dict(aws_zones(region))
    pairs = []
    for machine in filters.get("instance-type") or sorted(
        {row["instance_type"] for row in read_csv("aws_offerings")}
    ):
        if kind == "region":
            locations = [region] if region in regions_selling("aws", machine) else []
        else:
            ids = zones_selling("aws", machine, region)
            locations = [
                name if kind == "availability-zone" else ids_ for name, ids_ in names.items() if ids_ in ids
            ]
        pairs += [
            (machine, place_) for place_ in locations if place_ in (filters.get("location") or (place_,))
        ]
    return {
        "id": region,
        "region": region,
        "instanceTypes": [machine for machine, _ in pairs],
        "locations": [location for _, location in pairs],
        "locationTypes": [kind for _ in pairs],
    }


def _service_quota(args: Answer, place: Place, lookup: Lookup) -> Answer:
    code, service = str(args.get("quotaCode") or ""), str(args.get("serviceCode") or "ec2")
    known = next((item for item in quotas("aws") if code == item.code), None)
    own = lookup.find("aws:servicequotas/serviceQuota:ServiceQuota", place, quotaCode=code)
    return {
        "id": f"{service}/{code}",
        "arn": make_arn("servicequotas", place.require_region(), f"{service}/{code}"),
        "quotaCode": code,
        "quotaName": known.name if known else str(args.get("quotaName") or code),
        "serviceCode": service,
        "serviceName": service,
        "adjustable": True,
        "defaultValue": 0,
        "globalQuota": False,
        "usageMetrics": [],
        "value": own["value"] if own else 0,
        "region": place.region,
    }


def _block_offering(args: Answer, place: Place, lookup: Lookup) -> Answer:  # noqa: ARG001
    """A block that could be bought, at a price that only the real cloud knows."""
    machine, count = str(args.get("instanceType")), int(args.get("instanceCount") or 1)
    hours, region = int(args.get("capacityDurationHours") or 24), place.require_region()
    zones = {zone_id: name for name, zone_id in aws_zones(region)}
    sold = [zone for zone in zones_selling("aws", machine, region) if zone in zones]
    if not sold:
        raise EngineError(f"no capacity block offerings found for {machine} in {region}")
    zone = zones[sold[0]]
    return {
        "capacityBlockOfferingId": offering_id(zone, machine, count, hours),
        "availabilityZone": zone,
        "capacityDurationHours": hours,
        "instanceCount": count,
        "instanceType": machine,
        "currencyCode": "USD",
        "tenancy": "default",
        "upfrontFee": "unknown",
        "region": region,
    }


IMAGE_FUNCTIONS: Mapping[str, Function] = {
    "aws:ssm/getParameter:getParameter": _parameter,
    "aws:ec2/getAmi:getAmi": _image,
    "aws:eks/getAddonVersion:getAddonVersion": _addon_version,
    "aws:eks/getClusterAuth:getClusterAuth": _cluster_auth,
    "aws:eks/getClusterVersions:getClusterVersions": _cluster_versions,
    "aws:ec2/getInstanceType:getInstanceType": _instance_type,
    "aws:ec2/getInstanceTypeOfferings:getInstanceTypeOfferings": _offerings,
    "aws:servicequotas/getServiceQuota:getServiceQuota": _service_quota,
    "aws:ec2/getCapacityBlockOffering:getCapacityBlockOffering": _block_offering,
}
