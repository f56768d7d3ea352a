"""What a cloud refuses to delete because something else still needs it."""

from collections.abc import Mapping

from gpuyard.simulate.store import Book, Record

CLUSTERS = ("aws:eks/cluster:Cluster", "gcp:container/cluster:Cluster")
_USES: Mapping[str, tuple[tuple[str, str, str], ...]] = {
    "aws:ec2/vpc:Vpc": (
        ("aws:ec2/subnet:Subnet", "vpcId", "id"),
        ("aws:ec2/internetGateway:InternetGateway", "vpcId", "id"),
        ("aws:ec2/vpcEndpoint:VpcEndpoint", "vpcId", "id"),
    ),
    "aws:ec2/subnet:Subnet": (
        ("aws:ec2/natGateway:NatGateway", "subnetId", "id"),
        ("aws:eks/nodeGroup:NodeGroup", "subnetIds", "id"),
    ),
    "aws:eks/cluster:Cluster": (("aws:eks/nodeGroup:NodeGroup", "clusterName", "name"),),
    "aws:iam/role:Role": (("aws:iam/rolePolicyAttachment:RolePolicyAttachment", "role", "name"),),
    "gcp:compute/network:Network": (("gcp:compute/subnetwork:Subnetwork", "network", "selfLink"),),
    "gcp:compute/subnetwork:Subnetwork": (("gcp:container/cluster:Cluster", "subnetwork", "id"),),
}
"""By type: which types must be gone first, which property of theirs names it, and by what."""


def in_use_by(book: Book, record: Record) -> str:
    """What the cloud says when something still needs ``record``; empty: nothing does."""
    for type_, key, own in _USES.get(record.type, ()):
        mine = record.id if own == "id" else record.properties.get(own)
        for other in book.in_scope(record.scope):
            named = other.properties.get(key)
            if other.type == type_ and (named == mine or (isinstance(named, list) and mine in named)):
                return _in_use(record, other)
    return ""


def _in_use(record: Record, other: Record) -> str:
    kind = record.type.rpartition(":")[2]
    if record.type.startswith("gcp:"):
        return (
            f"googleapi: Error 400: The {kind.lower()} resource '{record.id}' is already being used by "
            f"'{other.id}', resourceInUseByAnotherResource"
        )
    if record.type == "aws:eks/cluster:Cluster":
        return f"ResourceInUseException: Cluster has nodegroups attached: {other.id}"
    if record.type == "aws:iam/role:Role":
        return "DeleteConflict: Cannot delete entity, must detach all policies first."
    return (
        f"DependencyViolation: The {kind.lower()} '{record.id}' has dependencies and cannot be deleted "
        f"({other.id})."
    )


def is_ours(book: Book, scope: str) -> bool:
    """Whether the cluster at that address was made by this simulation."""
    return any(
        record.type in CLUSTERS and str(record.properties.get("endpoint")).removeprefix("https://") == scope
        for record in book.resources.values()
    )
