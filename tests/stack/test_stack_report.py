"""StackReport in a program of somebody else's: every resource is priced, from inside the program."""

import json
from pathlib import Path

import pulumi
import pulumi_aws as aws
import pytest

from gpuyard.components import StackReport
from gpuyard.engine.recorder import record
from gpuyard.errors import GpuyardError
from gpuyard.inputs import ArgsError
from gpuyard.report.reading import read_report
from gpuyard.simulate.preview import preview_answers


def run(program):
    return record(
        program, project="theirs", stack="test", answers=preview_answers(), root=Path(__file__).parent
    )


def machine(name, **options):
    return aws.ec2.Instance(
        name, ami="ami-0", instance_type="g6.xlarge", opts=pulumi.ResourceOptions(**options)
    )


def test_resources_made_after_it_are_priced_wherever_they_hang():
    def program():
        report = StackReport("report", {})
        east = aws.Provider("east", region="us-east-1")
        group = pulumi.ComponentResource("theirs:index:Group", "group", {})
        first = machine("first", provider=east)
        machine("second", parent=group, provider=east, depends_on=[first])
        pulumi.export("summary", report.summary)
        pulumi.export("report", report.report)

    outputs = run(program).outputs
    report = read_report(json.loads(outputs["report"]))
    machines = {item.resource: item for item in report.costs.items if item.component.startswith("g6.xlarge")}
    assert set(machines) == {"first", "second"}
    assert machines["first"].unit_price == machines["second"].unit_price
    assert outputs["summary"]["monthly"]["expected"] == float(report.costs.monthly.expected)


def test_a_resource_that_takes_another_ones_output_is_waited_for():
    def program():
        report = StackReport("report", {})
        east = aws.Provider("east", region="us-east-1")
        first = machine("first", provider=east)
        aws.ec2.Instance(
            "second",
            ami="ami-0",
            instance_type="g6.xlarge",
            user_data=first.private_ip.apply(lambda ip: f"peer {ip}"),
            opts=pulumi.ResourceOptions(provider=east),
        )
        pulumi.export("report", report.report)

    report = read_report(json.loads(run(program).outputs["report"]))
    assert {item.resource for item in report.costs.items} == {"first", "second"}


def test_the_files_are_written_where_the_program_says(tmp_path):
    def program():
        StackReport("report", {"output_directory": str(tmp_path / "out")})
        machine("first")

    run(program)
    assert sorted(path.name for path in (tmp_path / "out").iterdir()) == [
        "report.html",
        "report.json",
        "report.md",
    ]


def test_a_place_that_cannot_be_written_is_named(tmp_path):
    (tmp_path / "file").write_text("")

    def program():
        StackReport("report", {"output_directory": str(tmp_path / "file" / "out")})

    with pytest.raises(GpuyardError, match="cannot be written"):
        run(program)


def test_a_wrong_deployment_shows_at_its_property():
    with pytest.raises(ArgsError) as caught:
        run(lambda: StackReport("report", {"deployment": {"places": []}}))
    assert any(finding.path.startswith("capacity") for finding in caught.value.findings)
