"""Files that `gpuyard cost` reads, whole and broken. Synthetic accounts."""

import json

import pytest

from gpuyard.cli.main import run
from gpuyard.costs.program_file import load_program, read_program
from gpuyard.errors import SpecError
from gpuyard.resources import SECRET, UNKNOWN

URN = "urn:pulumi:test::test::aws:ec2/natGateway:NatGateway::nat"
STATE = {
    "urn": URN,
    "type": "aws:ec2/natGateway:NatGateway",
    "custom": True,
    "inputs": {
        "region": "us-east-1",
        "subnetId": "04da6b54-80e4-46f7-96ec-b56ff0331ba9",
        "token": {
            "4dabf18193072939515e22adb298388d": "1b47061264138c4ac30d75fd1eb44270",
            "plaintext": "hunter2",
        },
    },
}
PREVIEW = {"steps": [{"op": "create", "urn": URN, "newState": STATE}, {"op": "delete", "oldState": STATE}]}
EXPORT = {"version": 3, "deployment": {"manifest": {}, "resources": [STATE, {**STATE, "delete": True}]}}
PLAN = {"resources": [STATE]}


@pytest.fixture
def write(tmp_path):
    def write(data, name="program.json"):
        file = tmp_path / name
        file.write_text(data if isinstance(data, str) else json.dumps(data))
        return file

    return write


@pytest.mark.parametrize("data", [PREVIEW, EXPORT, PLAN])
def test_every_kind_of_file_gives_the_same_resource(write, data):
    (resource,) = read_program(write(data))
    assert (resource.urn, resource.name) == (URN, "nat")
    assert resource.inputs["subnetId"] is UNKNOWN
    assert resource.inputs["token"] is SECRET


OTHER_JSON = ['{"format_version": "1.2"}', "[]", "{}", '{"resources": [1]}']


@pytest.mark.parametrize("data", [json.dumps(PREVIEW)[:90], "", "nonsense", *OTHER_JSON])
def test_anything_else_is_refused_with_exit_2_and_no_output(write, data, capsys):
    file = write(data)
    with pytest.raises(SpecError):
        read_program(file)
    assert run(["cost", str(file)]) == 2
    printed = capsys.readouterr()
    assert printed.out == ""
    assert "fix:" in printed.err


def test_a_file_that_is_not_there_is_refused(tmp_path, capsys):
    assert run(["cost", str(tmp_path / "none.json")]) == 2
    assert "NOT_READABLE" in capsys.readouterr().err


@pytest.mark.parametrize("form", ["text", "json", "markdown", "html"])
def test_every_format_prints_the_cost_and_no_secret(write, capsys, form):
    assert run(["cost", str(write(EXPORT)), "--format", form]) == 0
    printed = capsys.readouterr().out
    assert "32.85" in printed
    assert "hunter2" not in printed


def test_the_json_answer_has_the_promised_shape(write, capsys):
    usage = write(
        "hours_per_month: 700\nresource_usage:\n  nat: {monthly_data_processed_gb: 100}\n", "usage.yml"
    )
    assert run(["cost", str(write(PREVIEW)), "--format", "json", "--usage", str(usage)]) == 0
    answer = json.loads(capsys.readouterr().out)
    assert answer["hours_per_month"] == 700
    assert answer["totals"]["expected"]["monthly"] == pytest.approx(700 * 0.045 + 4.5)
    assert {"currency", "totals", "line_items", "unknown"} <= set(answer)


@pytest.mark.parametrize(
    "usage",
    ["resource_usage: {nat: {gb: -1}}", "resource_usage: {ghost: {gb: 1}}", "a: [", "hours_per_month: no"],
)
def test_bad_usage_is_refused(write, capsys, usage):
    assert run(["cost", str(write(PREVIEW)), "--usage", str(write(usage, "usage.yml"))]) == 2
    assert capsys.readouterr().out == ""


def test_strict_fails_on_an_unknown_price(write, capsys):
    odd = {**STATE, "type": "aws:odd/thing:Thing"}
    assert run(["cost", str(write({"resources": [odd]})), "--strict"]) == 1
    assert "unknown" in capsys.readouterr().err


def test_a_preview_written_line_by_line_gives_the_same_resource(write):
    events = [
        {"sequence": 0, "preludeEvent": {"config": {"aws:region": "eu-west-1"}}},
        {"resourcePreEvent": {"metadata": {"op": "create", "urn": URN, "type": STATE["type"], "new": STATE}}},
        {"resourcePreEvent": {"metadata": {"op": "delete", "urn": URN + "-old", "old": STATE}}},
        {"summaryEvent": {"resourceChanges": {"create": 1}}},
    ]
    program = load_program(write("\n".join(map(json.dumps, events))))
    assert [resource.urn for resource in program.resources] == [URN]
    assert program.regions == {"aws": "eu-west-1"}


def test_a_replacement_is_priced_as_what_it_becomes(write):
    old = {**STATE, "inputs": {"region": "us-east-1"}}
    new = {**STATE, "inputs": {"region": "us-west-2"}}
    steps = [
        {"op": "create-replacement", "urn": URN, "oldState": old, "newState": new},
        {"op": "replace", "urn": URN, "oldState": old, "newState": new},
        {"op": "delete-replaced", "urn": URN, "oldState": old},
        {"op": "same", "urn": URN + "-same", "oldState": {**old, "urn": URN + "-same"}},
    ]
    first, second = read_program(write({"steps": steps}))
    assert first.inputs["region"] == "us-west-2"
    assert second.inputs["region"] == "us-east-1"


def test_the_stack_s_region_is_that_of_resources_that_name_none(write, capsys):
    bare = {**STATE, "inputs": {}}
    file = write({"config": {"aws:region": "us-east-1"}, "steps": [{"op": "create", "newState": bare}]})
    assert run(["cost", str(file), "--format", "json"]) == 0
    assert json.loads(capsys.readouterr().out)["totals"]["expected"]["monthly"] == pytest.approx(32.85)
    nowhere = write({"resources": [bare]}, "nowhere.json")
    assert run(["cost", str(nowhere), "--strict"]) == 1
    assert "region" in capsys.readouterr().out
    assert run(["cost", str(nowhere), "--region", "aws=us-east-1", "--strict"]) == 0
    assert run(["cost", str(nowhere), "--region", "us-east-1"]) == 2


def test_secrets_of_a_state_are_never_printed_and_pending_operations_are_named(write, capsys):
    cipher = {
        "4dabf18193072939515e22adb298388d": "1b47061264138c4ac30d75fd1eb44270",
        "ciphertext": "v1:c3VwZXI",
    }
    state = {**STATE, "inputs": {"region": "us-east-1", "key": cipher, "list": [cipher]}}
    pending = [{"resource": state, "type": "creating"}]
    file = write(
        {"version": 3, "deployment": {"manifest": {}, "resources": [state], "pending_operations": pending}}
    )
    for form in ("text", "json", "markdown", "html"):
        assert run(["cost", str(file), "--format", form]) == 0
        printed = capsys.readouterr()
        assert "c3VwZXI" not in printed.out + printed.err
        assert "1 pending" in printed.err


@pytest.mark.parametrize(
    ("data", "tool"),
    [
        ({"format_version": "1.2", "planned_values": {}}, "Terraform"),
        ({"version": 4, "terraform_version": "1.9.0", "resources": []}, "Terraform"),
        ({"projects": [], "totalMonthlyCost": "1"}, "Infracost"),
        ({"AWSTemplateFormatVersion": "2010-09-09", "Resources": {}}, "CloudFormation"),
        ({"apiVersion": "v1", "kind": "Pod"}, "Kubernetes"),
        ([{"name": "dev", "current": True}], "stack ls"),
        ({"schema": "gpuyard.report/v1"}, "gpuyard"),
    ],
)
def test_another_tools_file_is_refused_with_the_tools_name(write, capsys, data, tool):
    for arguments in (["cost"], ["report", "--from"]):
        if tool == "gpuyard" and arguments == ["report", "--from"]:
            continue  # a report of its own, only a broken one
        assert run([*arguments, str(write(data))]) == 2
        printed = capsys.readouterr()
        assert printed.out == ""
        assert tool in printed.err


@pytest.mark.parametrize(
    "data",
    [
        {"steps": [{"op": "create"}]},
        {"steps": [*PREVIEW["steps"], {"op": "create", "urn": URN}]},
        {"deployment": {"manifest": {}, "resources": [STATE, {"urn": "bad", "type": "x"}]}},
    ],
)
def test_a_resource_that_is_none_is_refused_and_not_free(write, capsys, data):
    for arguments in (["cost"], ["report", "--from"]):
        assert run([*arguments, str(write(data))]) == 2
        assert "1 of its" in capsys.readouterr().err


def test_the_problems_of_every_input_are_told_at_once(write, capsys):
    usage = write("resource_usage: {nat: {monthly_data_processed_gb: -5}}", "usage.yml")
    rates = write("discounts: [{name: EDP, percent: 109}]", "rates.yml")
    inputs = ["--usage", str(usage), "--rates", str(rates), "--currency", "EUR"]
    assert run(["cost", str(write(PREVIEW)), *inputs]) == 2
    printed = capsys.readouterr()
    assert printed.out == ""
    for words in (
        'currency: "EUR"',
        "usage.yml: resource_usage.nat",
        "-5 is not",
        "rates.yml: discounts[0]",
        "109",
    ):
        assert words in printed.err


def test_rates_that_fit_nothing_are_told(write, capsys):
    rates = write(
        "prices: [{name: typo, component: NAT gatway, usd: 1}, {name: good, component: NAT gateway, usd: 1}]",
        "r.yml",
    )
    assert run(["cost", str(write(PREVIEW)), "--rates", str(rates)]) == 0
    said = capsys.readouterr().err
    assert 'price "typo" fits no line; did you mean "NAT gateway"' in said
    assert "good" not in said


@pytest.mark.parametrize("cut", [10, 60, 200, 400])
def test_a_truncated_file_is_refused_with_its_place(write, capsys, cut):
    assert run(["cost", str(write(json.dumps(PREVIEW)[:cut]))]) == 2
    assert "line 1" in capsys.readouterr().err


def test_an_unknown_currency_is_refused(write, capsys):
    assert run(["cost", str(write(PREVIEW)), "--currency", "EUR"]) == 2
    assert "UNKNOWN_CURRENCY" in capsys.readouterr().err


@pytest.mark.parametrize(
    "inputs", [None, [], "text", {"tags": None}, {"region": ["a"]}, {"region": {"x": 1}}]
)
def test_odd_inputs_break_nothing(write, inputs):
    odd = {**STATE, "inputs": inputs, "dependencies": "x", "propertyDependencies": [], "parent": 3}
    assert run(["cost", str(write({"resources": [odd]}))]) == 0
