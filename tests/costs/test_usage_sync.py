"""The skeleton of a usage file: comments for what may be declared, nothing lost of what is."""

import yaml

from gpuyard.cli.main import run
from gpuyard.costs.usage_file import parse_usage
from gpuyard.costs.usage_sync import sync_usage_text
from gpuyard.resources import Resource

TYPES = {
    "nat": "aws:ec2/natGateway:NatGateway",
    "weights": "aws:s3/bucket:Bucket",
    "gpu": "aws:eks/nodeGroup:NodeGroup",
    "role": "aws:iam/role:Role",
}
RESOURCES = [Resource(urn=f"urn:{kind}::{name}", type=kind, name=name) for name, kind in TYPES.items()]


def uncommented(text):
    """The text as it is once a person has removed the # before every entry and key."""
    lines = [
        line.replace("# ", "", 1) if line.lstrip().startswith("# ") and ":" in line else line
        for line in text.split("\n")
        if "Amounts per month" not in line and "belongs to no resource" not in line and "as above" not in line
    ]
    return "\n".join(lines)


def test_a_fresh_file_declares_nothing_and_names_everything_that_has_usage():
    text, added = sync_usage_text("", RESOURCES)
    assert added == 3
    assert yaml.safe_load(text)["resource_usage"] is None
    assert "monthly_data_processed_gb" in text
    assert "role" not in text
    assert parse_usage(yaml.safe_load(text), RESOURCES) == parse_usage({}, RESOURCES)


def test_a_second_run_adds_nothing():
    text, _ = sync_usage_text("", RESOURCES)
    assert sync_usage_text(text, RESOURCES) == (text, 0)


def test_what_is_uncommented_is_a_usage_file():
    text, _ = sync_usage_text("", RESOURCES)
    data = yaml.safe_load(uncommented(text))
    usage = parse_usage(data, RESOURCES)
    assert usage.amount(RESOURCES[0], "monthly_data_processed_gb") == 0
    assert usage.amount(RESOURCES[1], "intelligent_tiering.monitored_objects") == 0


def test_declared_amounts_and_comments_stay_and_missing_keys_come_below():
    mine = (
        "# ours\nresource_usage:\n  weights:  # the big one\n    storage_gb: 500\n"
        "\nfree_usage:\n  - {kind: aws:data_transfer, region: us-east-1, monthly_intra_region_gb: 5}\n"
    )
    text, added = sync_usage_text(mine, RESOURCES)
    assert added == 3
    for line in mine.strip().split("\n"):
        assert line in text
    before, after = yaml.safe_load(mine), yaml.safe_load(text)
    assert before == after
    section = text[text.index("weights:") : text.index("free_usage:")]
    assert "#   monthly_tier_1_requests" in section
    assert "# storage_gb" not in section


def test_the_command_writes_it_whole_and_says_so(tmp_path, capsys):
    program = tmp_path / "plan.json"
    program.write_text(
        '{"resources": [{"urn": "urn:pulumi:a::b::aws:ec2/natGateway:NatGateway::nat",'
        ' "type": "aws:ec2/natGateway:NatGateway", "inputs": {}}]}'
    )
    file = tmp_path / "usage.yml"
    assert run(["cost", str(program), "--usage", str(file), "--sync-usage"]) == 0
    assert "1 resources added" in capsys.readouterr().out
    assert "monthly_data_processed_gb" in file.read_text()
    assert sorted(path.name for path in tmp_path.iterdir()) == ["plan.json", "usage.yml"]
    assert run(["cost", str(program), "--usage", str(file), "--sync-usage"]) == 0
    assert "nothing to add" in capsys.readouterr().out


def test_a_broken_file_is_refused_and_left_as_it_is(tmp_path, capsys):
    program = tmp_path / "plan.json"
    program.write_text('{"resources": []}')
    file = tmp_path / "usage.yml"
    file.write_text("resource_usage: [")
    assert run(["cost", str(program), "--usage", str(file), "--sync-usage"]) == 2
    assert file.read_text() == "resource_usage: ["
