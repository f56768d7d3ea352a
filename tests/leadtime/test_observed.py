"""Durations from engine events and state time stamps. Synthetic, in the shapes of Pulumi 3.260."""

from datetime import UTC, datetime

from gpuyard.leadtime.observed import Subject, measure_events, measure_state

URN = "urn:pulumi:prod::llm::{}::{}"
CLUSTER, GROUP, VPC = "aws:eks/cluster:Cluster", "aws:eks/nodeGroup:NodeGroup", "aws:ec2/vpc:Vpc"
SUBNET, DEPLOYMENT = "aws:ec2/subnet:Subnet", "kubernetes:apps/v1:Deployment"
START = int(datetime(2026, 11, 20, 12, tzinfo=UTC).timestamp())


def event(kind, second, type_token, name, op="create"):
    metadata = {"op": op, "urn": URN.format(type_token, name), "type": type_token}
    return {"sequence": second, "timestamp": START + second, kind: {"metadata": metadata}}


def run(type_token, name, start, end, op="create"):
    return [
        event("resourcePreEvent", start, type_token, name, op),
        event("resOutputsEvent", end, type_token, name, op),
    ]


def seconds(found):
    return {(one.phase, one.endpoint): one.seconds for one in found}


def test_a_resource_takes_from_its_first_event_to_its_last():
    found = measure_events(run(CLUSTER, "cluster", 30, 610))
    assert seconds(found) == {("control plane", ""): 580}
    assert found[0].date.isoformat() == "2026-11-20"


def test_a_network_takes_from_its_first_resource_to_its_last():
    found = measure_events([*run(VPC, "vpc", 0, 14), *run(SUBNET, "a", 14, 16), *run(SUBNET, "b", 15, 19)])
    assert seconds(found) == {("network", ""): 19}


def test_only_pools_and_deployments_of_endpoints_count():
    events = [*run(GROUP, "system", 0, 90), *run(GROUP, "gpus", 0, 240), *run(DEPLOYMENT, "chat", 240, 700)]
    chat = Subject(endpoint="chat", machine_type="p5.48xlarge", region="us-east-1")
    found = measure_events(events, {"gpus": chat, "chat": chat})
    assert seconds(found) == {("node boot", "chat"): 240, ("pod start", "chat"): 460}
    assert {one.machine_type for one in found} == {"p5.48xlarge"}


def test_what_was_not_created_failed_or_did_not_end_is_left_out():
    events = [
        *run(CLUSTER, "same", 0, 1, op="same"),
        event("resourcePreEvent", 0, CLUSTER, "failed"),
        event("resOpFailedEvent", 9, CLUSTER, "failed"),
        event("resourcePreEvent", 0, CLUSTER, "running"),
        event("resOutputsEvent", 5, CLUSTER, "no-beginning"),
        {"timestamp": START, "summaryEvent": {}},
        {"timestamp": None, "resourcePreEvent": None},
    ]
    assert measure_events(events) == ()


def resource(type_token, name, created, *needs):
    return {
        "urn": URN.format(type_token, name),
        "type": type_token,
        "created": created,
        "dependencies": [URN.format(*need) for need in needs],
    }


def test_a_state_bounds_a_duration_by_the_newest_dependency():
    resources = [
        resource(SUBNET, "a", "2026-11-20T12:00:20.123456789Z"),
        resource(CLUSTER, "cluster", "2026-11-20T12:10:20.123456Z", (SUBNET, "a")),
        resource(CLUSTER, "older-than-its-subnet", "2026-11-19T12:00:00Z", (SUBNET, "a")),
        resource(CLUSTER, "undated", None, (SUBNET, "a")),
    ]
    found = measure_state({"deployment": {"resources": resources}})
    assert seconds(found) == {("control plane", ""): 600}
    assert "at most" in found[0].what


def test_nothing_is_made_of_anything_else():
    assert measure_state({}) == ()
    assert measure_events([{}]) == ()
