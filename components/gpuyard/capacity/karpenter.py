"""A ladder for Karpenter: a NodePool per rung, the better ones heavier, so that nodes fall back on their own.

Karpenter tries NodePools by weight and remembers what was refused for three minutes (v1.14.1), without
Pulumi. Gangs stay with their pool: Karpenter places nodes one by one.
Fields: karpenter.sh/v1 NodePool, karpenter.k8s.aws/v1 EC2NodeClass (custom resource definitions of
2026-08-21).
"""

from collections.abc import Sequence
from typing import Any

from gpuyard.capacity.demand import Purchase
from gpuyard.capacity.lock import LockedRung
from gpuyard.names import fit

WEIGHT_MAX = 100
"""Karpenter's heaviest; rungs beyond the hundredth have no weight left and are not rendered."""
_CAPACITY_TYPE = {
    Purchase.ON_DEMAND: "on-demand",
    Purchase.SPOT: "spot",
    Purchase.RESERVATION: "reserved",
    Purchase.CAPACITY_BLOCK: "reserved",
}


def render_karpenter(
    name: str, rungs: Sequence[LockedRung], *, cluster: str, role: str, labels: dict[str, str]
) -> list[dict[str, Any]]:
    """Node classes and node pools of the AWS rungs, best first; empty: Karpenter can do none of them.

    ``cluster`` is the value of the tag ``karpenter.sh/discovery`` on subnets and security groups, ``role``
    the name of the nodes' IAM role, ``labels`` what the endpoint's pods select.
    """
    usable = [rung for rung in rungs if _is_usable(rung)][:WEIGHT_MAX]
    classes: dict[tuple[str, str], dict[str, Any]] = {}
    pools = []
    for index, rung in enumerate(usable):
        key = (rung.reservation, rung.placement_group)
        if key not in classes:
            suffix = f"-{rung.reservation}" if rung.reservation else ""
            classes[key] = _node_class(fit(f"{name}{suffix}", 63), rung, cluster, role)
        class_name = classes[key]["metadata"]["name"]
        pools.append(_node_pool(f"{name}-{index + 1:02}", rung, WEIGHT_MAX - index, class_name, labels))
    return [*classes.values(), *pools]


def _is_usable(rung: LockedRung) -> bool:
    if rung.cloud != "aws" or rung.purchase not in _CAPACITY_TYPE or rung.nodes_per_replica > 1:
        return False
    return bool(rung.reservation) == (_CAPACITY_TYPE[Purchase(rung.purchase)] == "reserved")


def _node_class(name: str, rung: LockedRung, cluster: str, role: str) -> dict[str, Any]:
    spec: dict[str, Any] = {
        # of this family Karpenter takes the NVIDIA image on machines with GPUs
        "amiSelectorTerms": [{"alias": "al2023@latest"}],
        "role": role,
        "subnetSelectorTerms": [{"tags": {"karpenter.sh/discovery": cluster}}],
        "securityGroupSelectorTerms": [{"tags": {"karpenter.sh/discovery": cluster}}],
        "instanceStorePolicy": "RAID0",
        "metadataOptions": {"httpTokens": "required", "httpPutResponseHopLimit": 2},
    }
    if rung.reservation:
        spec["capacityReservationSelectorTerms"] = [{"id": rung.reservation}]
    if rung.placement_group:
        spec["placementGroupSelector"] = {"name": rung.placement_group}
    return {
        "apiVersion": "karpenter.k8s.aws/v1",
        "kind": "EC2NodeClass",
        "metadata": {"name": name},
        "spec": spec,
    }


def _node_pool(
    name: str, rung: LockedRung, weight: int, class_name: str, labels: dict[str, str]
) -> dict[str, Any]:
    requirements = [
        _is("node.kubernetes.io/instance-type", rung.machine_type),
        _is("karpenter.sh/capacity-type", _CAPACITY_TYPE[Purchase(rung.purchase)]),
    ]
    if rung.zones:
        requirements.append(_is("topology.k8s.aws/zone-id", *rung.zones))
    return {
        "apiVersion": "karpenter.sh/v1",
        "kind": "NodePool",
        "metadata": {"name": fit(name, 63)},
        "spec": {
            "weight": weight,
            "limits": {"nvidia.com/gpu": str(rung.nodes_max * rung.gpus_per_node)},
            "disruption": {"consolidationPolicy": "WhenEmpty", "consolidateAfter": "10m"},
            "template": {
                "metadata": {"labels": labels},
                "spec": {
                    "nodeClassRef": {
                        "group": "karpenter.k8s.aws",
                        "kind": "EC2NodeClass",
                        "name": class_name,
                    },
                    "requirements": requirements,
                    "taints": [{"key": "nvidia.com/gpu", "value": "present", "effect": "NoSchedule"}],
                    "expireAfter": "Never",
                },
            },
        },
    }


def _is(key: str, *values: str) -> dict[str, Any]:
    return {"key": key, "operator": "In", "values": list(values)}
