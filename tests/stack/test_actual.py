"""Durations of a stack out of measured files, states and event logs, told apart by content."""

import json

import pytest

from gpuyard.cli.main import run
from gpuyard.errors import SpecError
from gpuyard.leadtime.measured import SCHEMA
from gpuyard.leadtime.observed import Subject
from gpuyard.resources import Resource
from gpuyard.stack.actual import read_actual, subjects_of

GROUP = "aws:eks/nodeGroup:NodeGroup"
CHAT = Subject(endpoint="chat", machine_type="p5.48xlarge", region="us-east-1")


def event(kind, stamp):
    metadata = {"op": "create", "urn": f"urn:pulumi:prod::llm::{GROUP}::gpus", "type": GROUP}
    return json.dumps({"timestamp": stamp, kind: {"metadata": metadata}})


def test_an_event_log_is_read_line_by_line(tmp_path):
    path = tmp_path / "events.jsonl"
    path.write_text(event("resourcePreEvent", 1000) + "\n\n" + event("resOutputsEvent", 1240) + "\n")
    (found,) = read_actual(path, {"gpus": CHAT})
    assert (found.phase, found.seconds, found.endpoint) == ("node boot", 240, "chat")


def test_a_state_is_read_by_its_time_stamps(tmp_path):
    urn = "urn:pulumi:prod::llm::{}::{}"
    subnet = {"urn": urn.format("s", "a"), "type": "s", "created": "2026-11-20T12:00:00Z"}
    group = {
        "urn": urn.format(GROUP, "gpus"),
        "type": GROUP,
        "created": "2026-11-20T12:04:00Z",
        "dependencies": [subnet["urn"]],
    }
    path = tmp_path / "state.json"
    path.write_text(json.dumps({"version": 3, "deployment": {"resources": [subnet, group]}}))
    (found,) = read_actual(path, {"gpus": CHAT})
    assert found.seconds == 240


def test_a_log_without_anything_created_is_refused(tmp_path):
    path = tmp_path / "events.jsonl"
    path.write_text(json.dumps({"timestamp": 1, "summaryEvent": {}}))
    with pytest.raises(SpecError, match="MEASURED_NOTHING"):
        read_actual(path, {})


def test_pools_and_deployments_of_endpoints_are_known_whatever_cuts_their_names(plan_of):
    plan = plan_of("prod")
    pool = plan.pools[0]
    made = f"urn::{pool.cluster}-{pool.name}"
    resources = [
        Resource(urn=name, type=kind, name=name, parent=made if name == "prod-cut-9fead4" else None)
        for kind, name in (
            (GROUP, "prod-cut-9fead4"),
            (GROUP, "prod-system"),
            ("kubernetes:apps/v1:Deployment", "prod-chat-deployment"),
            ("kubernetes:apps/v1:Deployment", "prod-keda-deployment"),
        )
    ]
    found = subjects_of(plan, resources)
    assert set(found) == {"prod-cut-9fead4", "prod-chat-deployment"}
    assert found["prod-chat-deployment"].machine_type == plan.pools[0].rung.machine_type


def test_the_report_uses_actual_durations_and_says_so(tmp_path, capsys):
    path = tmp_path / "mine.yaml"
    line = {"phase": "weights", "seconds": 33, "date": "2026-11-20", "what": "a load"}
    path.write_text(json.dumps({"schema": SCHEMA, "measurements": [line]}))
    assert run(["report", "-s", "prod", "--actual", str(path), "--format", "json"]) == 0
    data = json.loads(capsys.readouterr().out)
    assert data["lead_time"]["chat"]["measured"] == ["weights"]
    assert run(["report", "--from", "x.json", "--actual", str(path)]) == 2
