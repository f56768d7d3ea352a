"""Which endpoint a resource belongs to, by its name; what of a deployed stack serves, and what is left over.

A stack names its clusters, pools and endpoints after the plan, so names tell even of rungs that the program
no longer asks for.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from gpuyard.capacity.lock import Lock, LockedRung
from gpuyard.failover.candidate import Candidate
from gpuyard.kubernetes.naming import logical_name
from gpuyard.leadtime.observed import Subject
from gpuyard.names import EKS_NODE_GROUP_NAME_LENGTH, GKE_NODE_POOL_NAME_LENGTH
from gpuyard.stack.plan import cluster_name, pool_name

CLUSTER_TYPES = ("gpuyard:index:EksGpuCluster", "gpuyard:index:GkeGpuCluster")
POOL_TYPES = ("gpuyard:index:EksGpuPool", "gpuyard:index:GkeGpuPool")
_MACHINES = ("aws:eks/nodeGroup:NodeGroup", "gcp:container/nodePool:NodePool")


@dataclass(frozen=True, slots=True, kw_only=True)
class StackNames:
    """Logical names of a stack, for every rung of its lock."""

    pools: Mapping[tuple[str, int], str]
    """Name of the pool component, by endpoint and rung."""
    machines: Mapping[tuple[str, int], str]
    """Name of the node group or node pool itself, shortened to the cloud's limit."""
    clusters: Mapping[tuple[str, int], str]
    endpoints: Mapping[str, str]
    """Endpoint by the name of its component."""

    def is_shared(self, urn: str, active: Mapping[str, int]) -> bool:
        """Whether a resource belongs to a whole cluster: system nodes, control plane, network."""
        name = urn.rpartition("::")[2]
        own = {self.machines[key] for key in active.items()}
        prefixes = [*(self.pools[key] for key in active.items()), *self.endpoints]
        return name not in own and not any(_begins(name, prefix) for prefix in prefixes)

    def owners(self, urn: str, active: Mapping[str, int]) -> tuple[str, ...]:
        """Endpoints that a resource belongs to, with ``active`` rungs: of its pool, its name, its cluster.

        A resource of a cluster belongs to every endpoint there; one that nothing names belongs to all.
        """
        name = urn.rpartition("::")[2]
        for key in active.items():
            if name == self.machines[key]:
                return (key[0],)
        pools = [(self.pools[key], key[0]) for key in active.items()]
        own = [
            (prefix, owner) for prefix, owner in [*pools, *self.endpoints.items()] if _begins(name, prefix)
        ]
        if own:
            return (max(own, key=lambda item: len(item[0]))[1],)
        shared = tuple(key[0] for key in active.items() if _begins(name, self.clusters[key]))
        return shared or tuple(active)


def names_of(stack: str, lock: Lock) -> StackNames:
    """The names that the program gives, rung by rung."""
    rungs = [
        (name, index, rung)
        for name, endpoint in lock.endpoints.items()
        for index, rung in enumerate(endpoint.rungs)
    ]
    return StackNames(
        pools={(name, index): _pool(stack, name, rung) for name, index, rung in rungs},
        machines={(name, index): _machines(stack, name, rung) for name, index, rung in rungs},
        clusters={(name, index): cluster_name(stack, rung) for name, index, rung in rungs},
        endpoints={f"{stack}-{name}": name for name in lock.endpoints},
    )


def serving_rungs(
    names: StackNames,
    active: Mapping[str, int],
    resources: Iterable[Mapping[str, Any]],
    pending: Iterable[str] = (),
) -> dict[str, int]:
    """The rung whose machines stand, by endpoint, from ``resources`` of an exported state.

    A pool counts when its node group is there, complete, and no operation on it was left half done
    (``pending``: URNs). The active rung comes first where names cannot tell two rungs apart.
    """
    waiting = set(pending)
    standing = {
        str(item["urn"]).rpartition("::")[2]
        for item in resources
        if item.get("type") in _MACHINES
        and item.get("id")
        and not item.get("initErrors")
        and not item.get("delete")
        and not item.get("external")
        and item["urn"] not in waiting
    }
    found: dict[str, int] = {}
    for (name, index), machines in sorted(
        names.machines.items(), key=lambda item: item[0][1] != active.get(item[0][0])
    ):
        if name not in found and machines in standing:
            found[name] = index
    return found


def subjects_of(stack: str, lock: Lock, events: Iterable[Mapping[str, Any]]) -> dict[str, Subject]:
    """What node groups and Deployments stand for, by logical name, for the measured durations."""
    names = names_of(stack, lock)
    urns = {
        str(item["metadata"]["urn"])
        for event in events
        for item in event.values()
        if isinstance(item, Mapping) and "metadata" in item
    }
    subjects: dict[str, Subject] = {}
    for urn in urns:
        name = urn.rpartition("::")[2]
        for (endpoint, index), pool in names.pools.items():
            if name == names.machines[endpoint, index] or _begins(name, pool):
                rung = lock.endpoints[endpoint].rungs[index]
                subjects[name] = Subject(
                    endpoint=endpoint, machine_type=rung.machine_type, region=rung.region
                )
        for prefix, endpoint in names.endpoints.items():
            if _begins(name, prefix):
                subjects.setdefault(name, Subject(endpoint=endpoint))
    return subjects


def standing_places(
    names: StackNames, ladders: Mapping[str, tuple[Candidate, ...]], resources: Iterable[Mapping[str, Any]]
) -> frozenset[str]:
    """Places (cloud and region) whose cluster is in the state."""
    there = {str(item["urn"]).rpartition("::")[2] for item in resources if item.get("type") in CLUSTER_TYPES}
    return frozenset(
        ladders[name][index].place for (name, index), cluster in names.clusters.items() if cluster in there
    )


def leftovers(
    names: StackNames,
    kept: Mapping[str, int],
    resources: Iterable[Mapping[str, Any]],
    *,
    keeps_clusters: bool,
) -> tuple[str, ...]:
    """URNs of what abandoned rungs left: clusters that no kept rung uses, and pools that are none's.

    With ``keeps_clusters`` only the pools. What depends on them goes with them.
    """
    resources = tuple(resources)
    clusters = {names.clusters[key] for key in kept.items()}
    pools = {names.pools[key] for key in kept.items()}
    ours = {*names.clusters.values()}
    roots = {
        str(item["urn"])
        for item in resources
        if (name := str(item["urn"]).rpartition("::")[2])
        and (
            (item.get("type") in POOL_TYPES and name not in pools)
            or (item.get("type") in CLUSTER_TYPES and name in ours - clusters and not keeps_clusters)
        )
    }
    parents = {str(item["urn"]): str(item.get("parent") or "") for item in resources}
    return tuple(sorted(urn for urn in parents if _has_ancestor(urn, roots, parents)))


def _has_ancestor(urn: str, roots: set[str], parents: Mapping[str, str]) -> bool:
    seen = set()
    while urn and urn not in seen:
        if urn in roots:
            return True
        seen.add(urn)
        urn = parents.get(urn, "")
    return False


def _pool(stack: str, endpoint: str, rung: LockedRung) -> str:
    return f"{cluster_name(stack, rung)}-{pool_name(endpoint, rung)}"


def _machines(stack: str, endpoint: str, rung: LockedRung) -> str:
    limit = EKS_NODE_GROUP_NAME_LENGTH if rung.cloud == "aws" else GKE_NODE_POOL_NAME_LENGTH
    return logical_name(f"{_pool(stack, endpoint, rung)}-nodes", limit)


def _begins(name: str, prefix: str) -> bool:
    return name == prefix or name.startswith(f"{prefix}-")
