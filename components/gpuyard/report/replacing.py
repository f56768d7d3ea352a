"""Which changed inputs make a provider replace a resource: what a plan, which asks no provider, can infer.

Covers what GPU capacity stands on. Input names are Pulumi's; a changed input marked ForceNew in the bridged
Terraform provider replaces the resource. Sources, read 2026-11: terraform-provider-aws
internal/service/eks/{node_group,cluster}.go, internal/service/ec2; terraform-provider-google (2026-08)
google/services/container/{node_config,resource_container_node_pool,resource_container_cluster}.go.
A preview knows better: its own steps win over this table.
"""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from gpuyard.resources import SECRET, UNKNOWN, Resource

_NODE_CONFIG = (
    "guestAccelerators",
    "localSsdCount",
    "ephemeralStorageLocalSsdConfig",
    "localNvmeSsdBlockConfig",
    "secondaryBootDisks",
    "metadata",
    "minCpuPlatform",
    "oauthScopes",
    "preemptible",
    "reservationAffinity",
    "spot",
    "serviceAccount",
    "shieldedInstanceConfig",
    "sandboxConfig",
    "bootDiskKmsKey",
    "advancedMachineFeatures",
    "soleTenantConfig",
    "hostMaintenancePolicy",
    "maxRunDuration",
    "flexStart",
)
GPU_POOL_TYPES = frozenset(
    {
        "aws:eks/nodeGroup:NodeGroup",
        "aws:autoscaling/group:Group",
        "aws:ec2/instance:Instance",
        "gcp:container/nodePool:NodePool",
        "gcp:compute/instance:Instance",
    }
)
REPLACED_BY: Mapping[str, tuple[str, ...]] = {
    "aws:eks/nodeGroup:NodeGroup": (
        "amiType",
        "capacityType",
        "clusterName",
        "diskSize",
        "instanceTypes",
        "launchTemplate.id",
        "launchTemplate.name",
        "nodeGroupName",
        "nodeGroupNamePrefix",
        "nodeRoleArn",
        "remoteAccess",
        "subnetIds",
        "region",
    ),
    "aws:eks/cluster:Cluster": ("name", "roleArn", "kubernetesNetworkConfig.ipFamily", "region"),
    "aws:ec2/capacityReservation:CapacityReservation": (
        "availabilityZone",
        "instancePlatform",
        "instanceType",
        "placementGroupArn",
        "tenancy",
        "region",
    ),
    "aws:ec2/natGateway:NatGateway": ("subnetId", "allocationId", "connectivityType", "region"),
    "gcp:container/nodePool:NodePool": (
        "cluster",
        "location",
        "project",
        "name",
        "namePrefix",
        "initialNodeCount",
        "maxPodsPerNode",
        "placementPolicy",
        "queuedProvisioning",
        *(f"nodeConfig.{name}" for name in _NODE_CONFIG),
    ),
    "gcp:container/cluster:Cluster": (
        "name",
        "location",
        "project",
        "network",
        "subnetwork",
        "enableAutopilot",
        "ipAllocationPolicy",
        "networkingMode",
        "datapathProvider",
        "defaultMaxPodsPerNode",
        "confidentialNodes",
        "initialNodeCount",
    ),
    "gcp:compute/reservation:Reservation": ("name", "zone", "project", "specificReservationRequired"),
}
_MISSING = object()


def find_forcing(base: Resource, head: Resource) -> tuple[str, ...]:
    """Inputs whose change replaces the resource; none: it is updated in place, or nothing is known.

    Values that are known only after creation are not compared.
    """
    return tuple(
        path
        for path in REPLACED_BY.get(head.type, ())
        if _differ(_at(base.inputs, path.split(".")), _at(head.inputs, path.split(".")))
    )


def _at(value: Any, path: Sequence[str]) -> Any:
    for key in path:
        if isinstance(value, list | tuple) and len(value) == 1:
            value = value[0]
        if value is UNKNOWN or value is SECRET:
            return value
        if not isinstance(value, Mapping):
            return _MISSING
        value = value.get(key, _MISSING)
    return value


def _differ(one: Any, other: Any) -> bool:
    if _MISSING in (one, other):  # defaults are the provider's, and it keeps what it chose
        return False
    return one != other and not (any(_hidden(one)) or any(_hidden(other)))


def _hidden(value: Any) -> Iterator[bool]:
    """Whether parts of the value cannot be compared."""
    if value is UNKNOWN or value is SECRET:
        yield True
    elif isinstance(value, Mapping):
        for item in value.values():
            yield from _hidden(item)
    elif isinstance(value, list | tuple):
        for item in value:
            yield from _hidden(item)
