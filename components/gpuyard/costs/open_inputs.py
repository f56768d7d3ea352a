"""Inputs that decide a price and are not known yet: computed by another resource, or secret.

Without a word about them a resource would be priced as if its program left them out, which is wrong by
whatever the value turns out to be.
"""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from gpuyard.costs.line_item import Unpriced, unpriced
from gpuyard.costs.scene import Scene
from gpuyard.resources import SECRET, UNKNOWN, Resource

_DECIDING: Mapping[str, Sequence[str]] = {
    "aws:eks/nodeGroup:NodeGroup": ("instanceTypes", "amiType"),
    "aws:ecs/service:Service": ("launchType", "capacityProviderStrategies"),
    "aws:ebs/volume:Volume": ("type", "size"),
    "aws:ec2/dedicatedHost:DedicatedHost": ("instanceFamily", "instanceType"),
    "aws:ec2/vpcEndpoint:VpcEndpoint": ("vpcEndpointType",),
    "aws:lb/loadBalancer:LoadBalancer": ("loadBalancerType",),
    "aws:alb/loadBalancer:LoadBalancer": ("loadBalancerType",),
    "aws:fsx/lustreFileSystem:LustreFileSystem": (
        "deploymentType",
        "storageType",
        "perUnitStorageThroughput",
    ),
    "gcp:compute/disk:Disk": ("type", "size"),
    "gcp:compute/regionDisk:RegionDisk": ("type", "size"),
    "gcp:container/nodePool:NodePool": ("nodeConfig", "nodeConfig.machineType", "nodeConfig.spot"),
    "gcp:container/cluster:Cluster": ("enableAutopilot",),
}
"""Inputs without which nothing of the type can be priced, as dotted paths without list positions."""
_COUNTS: Mapping[str, tuple[str, Sequence[str]]] = {
    "aws:eks/nodeGroup:NodeGroup": ("instances", ("scalingConfig", "scalingConfig.desiredSize")),
    "aws:autoscaling/group:Group": ("instances", ("desiredCapacity",)),
    "aws:ecs/service:Service": ("", ("desiredCount",)),
    "gcp:container/nodePool:NodePool": (
        "nodes",
        ("nodeCount", "initialNodeCount", "autoscaling", "autoscaling.minNodeCount"),
    ),
}
"""Numbers of machines, and the usage key that stands in for them."""
_ADDING: Mapping[str, Sequence[str]] = {
    "aws:eks/cluster:Cluster": ("version",),
    "aws:eks/nodeGroup:NodeGroup": ("diskSize", "capacityType"),
    "aws:ec2/instance:Instance": ("monitoring", "rootBlockDevice", "ebsBlockDevices", "tenancy"),
    "aws:ec2/vpcEndpoint:VpcEndpoint": ("subnetIds",),
    "aws:ebs/volume:Volume": ("iops", "throughput"),
    "gcp:compute/disk:Disk": ("provisionedIops", "provisionedThroughput"),
    "gcp:compute/instance:Instance": (
        "bootDisk",
        "bootDisk.initializeParams",
        "bootDisk.initializeParams.size",
        "bootDisk.initializeParams.type",
        "guestAccelerators",
        "guestAccelerators.type",
        "guestAccelerators.count",
        "scratchDisks",
        "scheduling",
    ),
    "gcp:container/nodePool:NodePool": (
        "nodeConfig.diskType",
        "nodeConfig.diskSizeGb",
        "nodeConfig.guestAccelerators",
        "nodeConfig.guestAccelerators.type",
        "nodeConfig.guestAccelerators.count",
        "nodeConfig.localSsdCount",
        "nodeLocations",
    ),
}
"""Inputs that add to what can be priced without them."""
_COUNTED = ("subnetIds", "nodeLocations", "scratchDisks")
"""Lists of which only the length counts: what is in them may be unknown."""


def deciding(resource: Resource, scene: Scene) -> Iterator[Unpriced]:
    """Why nothing of the resource can be priced; empty: it can."""
    paths = list(_DECIDING.get(resource.type, ()))
    key, counts = _COUNTS.get(resource.type, ("", ()))
    if not key or scene.usage.amount(resource, key) is None:
        paths += counts
    yield from _open(resource, scene, paths, "its {} is not known before the update")


def adding(resource: Resource, scene: Scene) -> Iterator[Unpriced]:
    """What is missing beside the priced lines of the resource."""
    reason = "its {} is not known before the update and counts as left out"
    yield from _open(resource, scene, _ADDING.get(resource.type, ()), reason)


def _open(resource: Resource, scene: Scene, paths: Sequence[str], reason: str) -> Iterator[Unpriced]:
    for path in paths:
        values = _values(resource.inputs, path.split("."), path in _COUNTED)
        if any(value is UNKNOWN or value is SECRET for value in values):
            yield unpriced(resource, path, reason.format(path), scene.region(resource))


def _values(inputs: Any, keys: Sequence[str], is_counted: bool) -> Iterator[Any]:
    """Every value at the path, lists looked through unless only their length counts."""
    if isinstance(inputs, list | tuple) and (keys or not is_counted):
        for entry in inputs:
            yield from _values(entry, keys, is_counted)
    elif not keys:
        yield inputs
    elif isinstance(inputs, Mapping) and keys[0] in inputs:
        yield from _values(inputs[keys[0]], keys[1:], is_counted)
