"""Functions that look up what a simulated cloud holds: what the stack itself made, or an account's defaults.

Nothing outside the simulation exists for them: a program that looks up what another stack made needs the
answer in its scenario file. The error says so, after the words of the cloud.
"""

from collections.abc import Callable, Mapping
from functools import partial
from typing import Any

from gpuyard.errors import EngineError
from gpuyard.simulate.aws_names import make_arn
from gpuyard.simulate.gcp_names import full_link, last_part
from gpuyard.simulate.ids import hex_id, number_id
from gpuyard.simulate.lookup import Function, Lookup
from gpuyard.simulate.place import ACCOUNT, Place

Answer = Mapping[str, Any]
_OWN = frozenset({"region", "project", "location", "filters", "tags", "mostRecent", "default", "state"})
"""Arguments that say where or how to look, not what for."""


def _look_up(
    type_: str,
    keys: Mapping[str, str],
    args: Answer,
    place: Place,
    lookup: Lookup,
    shape: Callable[[Answer], Answer] | None = None,
) -> Answer:
    """The resource of ``type_`` that is as ``args`` ask; ``keys`` names the property of each argument."""
    wanted = {keys[key]: value for key, value in args.items() if key in keys}
    for found in lookup.find_all(type_, place):
        if all(found.get(key) == value for key, value in wanted.items()) and _passes(found, args):
            return shape(found) if shape else found
    raise EngineError(_absent(type_, args, place))


def _passes(found: Answer, args: Answer) -> bool:
    """Whether tags and the filters that EC2 users write most hold."""
    tags = {**(found.get("tagsAll") or {}), **(found.get("tags") or {})}
    if any(tags.get(key) != value for key, value in (args.get("tags") or {}).items()):
        return False
    for item in args.get("filters") or ():
        name, values = str(item.get("name")), item.get("values") or ()
        if name.startswith("tag:"):
            actual = tags.get(name.removeprefix("tag:"))
        elif name in _FILTERS:
            actual = found.get(_FILTERS[name])
        else:
            raise EngineError(
                f"the filter {name} is not simulated\n  fix: give its answer in clouds.<stack>.yaml"
            )
        if actual not in values:
            return False
    return True


_FILTERS = {
    "vpc-id": "vpcId",
    "subnet-id": "id",
    "group-id": "id",
    "group-name": "name",
    "availability-zone": "availabilityZone",
    "availability-zone-id": "availabilityZoneId",
    "cidr": "cidrBlock",
    "cidr-block": "cidrBlock",
}
"""EC2 filters by the property that they compare."""


def _absent(type_: str, args: Answer, place: Place) -> str:
    kind = type_.rpartition(":")[2]
    asked = ", ".join(f"{key}={value}" for key, value in sorted(args.items()) if key not in _OWN or value)
    if place.package == "gcp":
        told = f"googleapi: Error 404: The {kind.lower()} ({asked}) was not found, notFound"
    else:
        told = f"no matching {kind} found ({asked})"
    return (
        f"{told}\n  the simulated clouds begin empty and hold what this stack made\n"
        "  fix: give its answer in clouds.<stack>.yaml"
    )


def _vpc(args: Answer, place: Place, lookup: Lookup) -> Answer:
    """A VPC of the stack, or the region's default one."""
    if args.get("default") or not (set(args) - {"region"}):
        region = place.require_region()
        id_ = f"vpc-{hex_id(f'default vpc {region}')}"
        return {
            "id": id_,
            "arn": make_arn("ec2", region, f"vpc/{id_}"),
            "cidrBlock": "172.31.0.0/16",
            "default": True,
            "enableDnsHostnames": True,
            "enableDnsSupport": True,
            "instanceTenancy": "default",
            "ownerId": ACCOUNT,
            "region": region,
            "state": "available",
            "tags": {},
        }
    keys = {"id": "id", "cidrBlock": "cidrBlock"}
    found = _look_up("aws:ec2/vpc:Vpc", keys, args, place, lookup)
    return {**found, "default": False, "state": "available"}


def _subnets(args: Answer, place: Place, lookup: Lookup) -> Answer:
    """Ids of the subnets that the filters let through; none is an answer too."""
    found = [item for item in lookup.find_all("aws:ec2/subnet:Subnet", place) if _passes(item, args)]
    return {"id": place.require_region(), "ids": [item["id"] for item in found]}


def _eks_cluster(found: Answer) -> Answer:
    """The look-up has lists where the resource has objects."""
    return {
        **found,
        "certificateAuthorities": [found["certificateAuthority"]],
        "accessConfigs": [found["accessConfig"]],
        "kubernetesNetworkConfigs": [found["kubernetesNetworkConfig"]],
        "upgradePolicies": [found["upgradePolicy"]],
    }


def _gke_cluster(found: Answer) -> Answer:
    plural = {
        "masterAuths": "masterAuth",
        "nodeConfigs": "nodeConfig",
        "privateClusterConfigs": "privateClusterConfig",
        "releaseChannels": "releaseChannel",
        "workloadIdentityConfigs": "workloadIdentityConfig",
        "ipAllocationPolicies": "ipAllocationPolicy",
    }
    return {**found, **{many: [found[one]] for many, one in plural.items() if found.get(one)}}


def _network(args: Answer, place: Place, lookup: Lookup) -> Answer:
    """A network of the stack, or the project's default one."""
    if last_part(args.get("name") or args.get("selfLink")) == "default":
        path = f"projects/{place.require_project()}/global/networks/default"
        number = number_id(path, 19)
        return {
            "id": path,
            "name": "default",
            "project": place.project,
            "selfLink": full_link(path),
            "networkId": number,
            "numericId": number,
            "description": "Default network for the project",
            "gatewayIpv4": "",
            "subnetworksSelfLinks": [],
        }
    keys = {"name": "name", "selfLink": "selfLink"}
    return _look_up("gcp:compute/network:Network", keys, args, place, lookup)


def _of(type_: str, shape: Callable[[Answer], Answer] | None = None, **keys: str) -> Function:
    return partial(_look_up, type_, keys, shape=shape)


LOOK_UPS: Mapping[str, Function] = {
    "aws:ec2/getVpc:getVpc": _vpc,
    "aws:ec2/getSubnets:getSubnets": _subnets,
    "aws:ec2/getSubnet:getSubnet": _of(
        "aws:ec2/subnet:Subnet",
        id="id",
        vpcId="vpcId",
        cidrBlock="cidrBlock",
        availabilityZone="availabilityZone",
        availabilityZoneId="availabilityZoneId",
    ),
    "aws:ec2/getSecurityGroup:getSecurityGroup": _of(
        "aws:ec2/securityGroup:SecurityGroup", id="id", name="name", vpcId="vpcId"
    ),
    "aws:ec2/getLaunchTemplate:getLaunchTemplate": _of(
        "aws:ec2/launchTemplate:LaunchTemplate", id="id", name="name"
    ),
    "aws:ec2/getCapacityBlockReservation:getCapacityBlockReservation": _of(
        "aws:ec2/capacityBlockReservation:CapacityBlockReservation", id="id"
    ),
    "aws:eks/getCluster:getCluster": _of("aws:eks/cluster:Cluster", _eks_cluster, name="name"),
    "aws:eks/getNodeGroup:getNodeGroup": _of(
        "aws:eks/nodeGroup:NodeGroup", clusterName="clusterName", nodeGroupName="nodeGroupName"
    ),
    "aws:iam/getRole:getRole": _of("aws:iam/role:Role", name="name"),
    "aws:iam/getOpenIdConnectProvider:getOpenIdConnectProvider": _of(
        "aws:iam/openIdConnectProvider:OpenIdConnectProvider", arn="arn", url="url"
    ),
    "aws:s3/getBucket:getBucket": _of("aws:s3/bucket:Bucket", bucket="bucket"),
    "aws:kms/getKey:getKey": _of("aws:kms/key:Key", keyId="keyId"),
    "aws:efs/getFileSystem:getFileSystem": _of(
        "aws:efs/fileSystem:FileSystem", fileSystemId="id", creationToken="creationToken"
    ),
    "aws:secretsmanager/getSecret:getSecret": _of("aws:secretsmanager/secret:Secret", arn="arn", name="name"),
    "gcp:compute/getNetwork:getNetwork": _network,
    "gcp:compute/getSubnetwork:getSubnetwork": _of(
        "gcp:compute/subnetwork:Subnetwork", name="name", selfLink="selfLink"
    ),
    "gcp:compute/getReservation:getReservation": _of("gcp:compute/reservation:Reservation", name="name"),
    "gcp:container/getCluster:getCluster": _of("gcp:container/cluster:Cluster", _gke_cluster, name="name"),
    "gcp:serviceaccount/getAccount:getAccount": _of(
        "gcp:serviceaccount/account:Account", accountId="accountId"
    ),
    "gcp:storage/getBucket:getBucket": _of("gcp:storage/bucket:Bucket", name="name"),
}
