"""How long the slow parts of a stack take, as a scenario: the catalog's own measurements."""

from gpuyard.catalog.lead_times import find_lead_times
from gpuyard.simulate.scenario import Scenario, parse_scenario

_PHASES = {
    "aws:ec2/vpc:Vpc": "aws_network_create",
    "aws:ec2/natGateway:NatGateway": "aws_nat_gateway_create",
    "aws:eks/cluster:Cluster": "eks_control_plane_create",
    "aws:eks/nodeGroup:NodeGroup": "eks_managed_node_group_create",
    "gcp:container/cluster:Cluster": "gke_control_plane_create",
    "gcp:container/nodePool:NodePool": "gke_node_pool_create",
}
"""Types whose creation has been timed, and the phase of `catalog/data/lead_times.yaml` that says how long."""


def typical_scenario() -> Scenario:
    """Everything works; control planes, node pools and gateways take their typical time, the rest none."""
    rules = []
    for type_, phase in _PHASES.items():
        known = [fact.p50_s for fact in find_lead_times(phase) if fact.p50_s is not None]
        if known:
            rules.append({"when": {"type": type_, "operation": "create"}, "takes": known[0]})
    return parse_scenario({"description": "typical durations", "rules": rules})
