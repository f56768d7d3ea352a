"""Answers of the AWS provider's functions."""

from collections.abc import Mapping
from typing import Any

from gpuyard.catalog.regions import regions
from gpuyard.errors import EngineError
from gpuyard.simulate.aws_names import dns_suffix, partition
from gpuyard.simulate.ids import letters_id
from gpuyard.simulate.lookup import Function, Lookup
from gpuyard.simulate.place import ACCOUNT, Place
from gpuyard.simulate.zones import aws_zones

Answer = Mapping[str, Any]


def _availability_zones(args: Answer, place: Place, lookup: Lookup) -> Answer:  # noqa: ARG001
    zones = [
        zone
        for zone in aws_zones(place.require_region())
        if zone[0] not in (args.get("excludeNames") or ())
        and zone[1] not in (args.get("excludeZoneIds") or ())
    ]
    return {
        "id": place.region,
        "region": place.region,
        "names": [name for name, _ in zones],
        "zoneIds": [zone_id for _, zone_id in zones],
        "groupNames": [f"{place.region}-zg-1"],
    }


def _availability_zone(args: Answer, place: Place, lookup: Lookup) -> Answer:  # noqa: ARG001
    for name, zone_id in aws_zones(place.require_region()):
        if args.get("name") == name or args.get("zoneId") == zone_id:
            return {
                "id": name,
                "name": name,
                "zoneId": zone_id,
                "nameSuffix": name.removeprefix(place.region),
                "region": place.region,
                "groupName": f"{place.region}-zg-1",
                "networkBorderGroup": place.region,
                "optInStatus": "opt-in-not-required",
                "state": "available",
                "zoneType": "availability-zone",
            }
    wanted = args.get("name") or args.get("zoneId")
    raise EngineError(f"no matching EC2 Availability Zone found in {place.region} for {wanted}")


def _region(args: Answer, place: Place, lookup: Lookup) -> Answer:  # noqa: ARG001
    region = args.get("name") or place.require_region()
    aws_zones(region)
    domain = dns_suffix(region)
    return {
        "id": region,
        "name": region,
        "region": region,
        "description": region,
        "endpoint": f"ec2.{region}.{domain}",
    }


def _regions(args: Answer, place: Place, lookup: Lookup) -> Answer:  # noqa: ARG001
    return {"id": partition(place.region), "names": list(regions("aws"))}


def _caller_identity(args: Answer, place: Place, lookup: Lookup) -> Answer:  # noqa: ARG001
    return {
        "id": ACCOUNT,
        "accountId": ACCOUNT,
        "arn": f"arn:{partition(place.region)}:iam::{ACCOUNT}:user/simulated",
        "userId": f"AIDA{letters_id('simulated', 17)}",
    }


def _partition(args: Answer, place: Place, lookup: Lookup) -> Answer:  # noqa: ARG001
    name = partition(place.region)
    domain = "amazonaws.com.cn" if name == "aws-cn" else "amazonaws.com"
    reverse = ".".join(reversed(domain.split(".")))
    return {"id": name, "partition": name, "dnsSuffix": domain, "reverseDnsPrefix": reverse}


def _default_tags(args: Answer, place: Place, lookup: Lookup) -> Answer:  # noqa: ARG001
    tags = (place.settings.get("defaultTags") or {}).get("tags") or {}
    return {"id": partition(place.region), "tags": dict(tags)}


AWS_FUNCTIONS: Mapping[str, Function] = {
    "aws:index/getAvailabilityZones:getAvailabilityZones": _availability_zones,
    "aws:index/getAvailabilityZone:getAvailabilityZone": _availability_zone,
    "aws:index/getRegion:getRegion": _region,
    "aws:index/getRegions:getRegions": _regions,
    "aws:index/getCallerIdentity:getCallerIdentity": _caller_identity,
    "aws:index/getPartition:getPartition": _partition,
    "aws:index/getDefaultTags:getDefaultTags": _default_tags,
}
