"""Capacity settings of a stack, from its config through the lock to the planned resources."""

import shutil
from pathlib import Path

import pytest
import yaml

from gpuyard.cli.main import run
from gpuyard.planner import plan_program

from .test_cli_lock import ROOT

RESERVATION = {
    "cloud": "aws",
    "region": "us-west-2",
    "zone": "usw2-az1",
    "machine_type": "g6e.12xlarge",
    "id": "cr-0123456789abcdef0",
    "machines": 2,
}


@pytest.fixture
def staging(tmp_path: Path):
    """A copy of the example project, whose staging stack takes other capacity settings."""
    shutil.copy(ROOT / "Pulumi.yaml", tmp_path)
    shutil.copytree(ROOT / "stacks", tmp_path / "stacks")

    def change(**capacity) -> Path:
        path = tmp_path / "stacks" / "Pulumi.staging.yaml"
        data = yaml.safe_load(path.read_text(encoding="utf-8"))
        data["config"]["gpuyard:deployment"]["capacity"].update(capacity)
        path.write_text(yaml.safe_dump(data), encoding="utf-8")
        return tmp_path

    return change


def test_a_held_reservation_becomes_the_pool_of_the_stack(staging):
    root = staging(reservations=[RESERVATION])
    assert run(["lock", "-s", "staging", "--best", "--directory", str(root)]) == 0
    planned = plan_program(root, "staging")
    assert [item.code for item in planned.findings if item.severity.value == "error"] == []
    assert planned.recording is not None
    (template,) = [item for item in planned.recording.resources if item.type.endswith(":LaunchTemplate")]
    assert template.inputs["capacityReservationSpecification"] == {
        "capacityReservationPreference": "capacity-reservations-only",
        "capacityReservationTarget": {"capacityReservationId": "cr-0123456789abcdef0"},
    }
    groups = [item for item in planned.recording.resources if item.type.endswith(":NodeGroup")]
    assert [len(item.inputs["subnetIds"]) for item in groups if "launchTemplate" in item.inputs] == [1]


def test_the_rung_in_use_stays_when_a_reservation_comes(staging, capsys):
    root = staging(reservations=[RESERVATION])
    assert run(["lock", "-s", "staging", "--directory", str(root)]) == 0
    assert "->" not in capsys.readouterr().out.splitlines()[-2]


def test_stated_quotas_rule_out_what_they_do_not_hold(staging, capsys):
    limit = {"cloud": "aws", "code": "L-DB2E81BA", "limit": 0, "used": 0, "as_of": "2026-11-20"}
    regions = ("us-east-1", "us-west-2", "eu-central-1")
    root = staging(
        accelerators=["l40s"], purchases=["on_demand"], quotas=[{**limit, "region": r} for r in regions]
    )
    assert run(["lock", "-s", "staging", "--directory", str(root)]) == 2
    error = capsys.readouterr().err
    assert "quota rules out" in error
    assert "--quota-code L-DB2E81BA --desired-value" in error


def test_an_unmet_demand_names_the_smallest_change(staging, capsys):
    root = staging(usd_per_gpu_hour_max=0.05)
    assert run(["lock", "-s", "staging", "--directory", str(root)]) == 2
    error = capsys.readouterr().err
    assert "DEMAND_UNMET" in error
    assert "fix: raise usd_per_gpu_hour_max to" in error


@pytest.mark.parametrize(
    ("capacity", "says"),
    [
        ({"purchases": ["sport"]}, 'did you mean "spot"'),
        ({"residency": ["europa"]}, 'did you mean "europe"'),
        ({"order": ["cost", "cost"]}, "at most once"),
        ({"start_by": "2026-12-24", "end": "2026-12-01"}, "is not after"),
        ({"reservations": [{**RESERVATION, "machine_type": "g6e.12xlrge"}]}, "did you mean"),
        ({"reservations": [RESERVATION, RESERVATION]}, "two reservations have the id"),
        ({"acknowledge_purchase": {"offering": "cb-1", "amount_usd": -1}}, "amount_usd"),
        ({"weights": {"hours": 0}}, "weights.hours"),
        ({"quotas": [{"cloud": "aws", "region": "us-east-1", "code": "L-1", "limit": 8}]}, "as_of"),
        ({"interconnects": ["infiniband"]}, "allowed"),
    ],
)
def test_settings_that_cannot_be_are_refused_at_their_path(staging, capacity, says, capsys):
    assert run(["lock", "-s", "staging", "--directory", str(staging(**capacity))]) == 2
    error = capsys.readouterr().err
    assert says in error
    assert "capacity" in error
