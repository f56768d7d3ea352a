"""How long until tokens flow: phases from published facts or your own clock, five journeys, gates apart."""

from collections.abc import Sequence
from dataclasses import replace

from gpuyard.leadtime.gates import find_gates
from gpuyard.leadtime.graph import SEED, make_journey
from gpuyard.leadtime.lead_time import Journey, LeadTime
from gpuyard.leadtime.measured import Measurement
from gpuyard.leadtime.merge import merge_gates, merge_phases
from gpuyard.leadtime.names import (
    CERTIFICATE,
    CONTROL_PLANE,
    DRAIN,
    ENGINE_START,
    LOAD_BALANCER,
    NAT,
    POD_START,
)
from gpuyard.leadtime.path import ServingPath
from gpuyard.leadtime.phases import (
    cluster_phases,
    detection_phase,
    drain_phase,
    front_phases,
    node_phases,
    other_replicas_phase,
    pod_phases,
)

_SERVING = (ENGINE_START, POD_START)
"""What ends the way to the first token, whichever of the two is there."""


def estimate(path: ServingPath, seed: int = SEED, measured: Sequence[Measurement] = ()) -> LeadTime:
    """The lead time of ``path``: equal paths give equal numbers.

    ``measured`` durations replace published ones for the phases that they are about, and waits at gates
    become evidence.
    """
    fitting = [found for found in measured if found.applies_to(path.endpoint, path.machine_type, path.region)]
    return LeadTime(
        gates=merge_gates(find_gates(path), fitting),
        empty_account=_empty_account(path, seed, fitting),
        zero_to_one=_zero_to_one(path, seed, fitting),
        one_more_replica=_one_more_replica(path, seed, fitting),
        node_lost=_node_lost(path, seed, fitting),
        rollout=_rollout(path, seed, fitting),
    )


def _empty_account(path: ServingPath, seed: int, measured: Sequence[Measurement]) -> Journey:
    phases = [
        *cluster_phases(path),
        *node_phases(path, (CONTROL_PLANE, NAT), is_first=not path.cluster_exists),
        *pod_phases(path),
        *front_phases(path),
    ]
    note = "the cluster exists" if path.cluster_exists else ""
    goals = (*_SERVING, LOAD_BALANCER, CERTIFICATE)
    return make_journey("empty_account", merge_phases(phases, measured), seed, goals=goals, note=note)


def _zero_to_one(path: ServingPath, seed: int, measured: Sequence[Measurement]) -> Journey:
    """The first replica of a stack whose cluster is there."""
    machine = [] if path.spare_nodes else node_phases(path)
    note = "on a spare node" if path.spare_nodes else ""
    phases = merge_phases([*machine, *pod_phases(path)], measured)
    return make_journey("zero_to_one", phases, seed, goals=_SERVING, note=note)


def _one_more_replica(path: ServingPath, seed: int, measured: Sequence[Measurement]) -> Journey:
    """On a node that is up where one has room, with the image there; else on a new one."""
    if (
        path.platform != "kubernetes"
        and not path.spare_replicas
        and not path.spare_nodes
        and path.machine_type
    ):
        phases = [*node_phases(path), *pod_phases(path)]
        note = "on a new node: none has room"
    else:
        is_warm = path.spare_replicas or not path.machine_type  # else the node is a spare one, and bare
        phases = pod_phases(replace(path, image_preloaded=True) if is_warm else path)
        note = "on a node that is up"
    return make_journey("one_more_replica", merge_phases(phases, measured), seed, goals=_SERVING, note=note)


def _node_lost(path: ServingPath, seed: int, measured: Sequence[Measurement]) -> Journey:
    """From a node's death to full strength again."""
    lost = detection_phase(path)
    if path.platform == "kubernetes" or not path.machine_type:
        machine, note = [], "on another node of the cluster, where one has room"
    elif path.spare_nodes:
        machine, note = [], "a spare node takes over"
    else:
        machine, note = node_phases(path, (lost.name,)), "on a new node, if capacity is there"
    first = [lost, *machine, *pod_phases(path, after=(lost.name,))]
    return make_journey("node_lost", merge_phases(first, measured), seed, goals=_SERVING, note=note)


def _rollout(path: ServingPath, seed: int, measured: Sequence[Measurement]) -> Journey:
    """Another version of image or weights on every replica, on the nodes there are."""
    drain = drain_phase(path)
    pod = replace(path, image_preloaded=False, compile_cache=False)
    if path.surges:
        start = pod_phases(pod)
        phases = [*start, replace(drain, depends_on=_SERVING)]
        merged = merge_phases(phases, measured)
        return make_journey("rollout", merged, seed, goals=(DRAIN,), note="new replicas start beside the old")
    merged = merge_phases([drain, *pod_phases(pod, after=(DRAIN,))], measured)
    note = "each replica stops before its successor starts: no GPU stands free"
    if path.replicas > 1:
        merged = [*merged, other_replicas_phase(merged, path.replicas)]
    return make_journey("rollout", merged, seed, goals=(merged[-1].name,), note=note)
