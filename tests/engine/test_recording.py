"""What a recording holds: every option, every marker, no secret, the same bytes each time."""

import json
from pathlib import Path

import pulumi
import pulumi_aws as aws
import pulumi_kubernetes as kubernetes
import pytest
from tests.engine.conftest import Clouds, one

from gpuyard.engine.monitor import ProgramMonitor
from gpuyard.engine.sdk import run_program
from gpuyard.errors import EngineError
from gpuyard.resources import SECRET, UNKNOWN, to_json

PASSWORD = "correct-horse-battery"  # synthetic


class Group(pulumi.ComponentResource):
    def __init__(self, name, opts=None):
        super().__init__("demo:index:Group", name, {}, opts)


def test_every_option_of_a_child_is_recorded(recorded):
    def program():
        region = aws.Provider("east", region="us-east-1")
        first = aws.ec2.Vpc("first", cidr_block="10.0.0.0/16", opts=pulumi.ResourceOptions(provider=region))
        group = Group("group", pulumi.ResourceOptions(providers=[region], depends_on=[first]))
        aws.ec2.Vpc(
            "all",
            cidr_block="10.1.0.0/16",
            opts=pulumi.ResourceOptions(
                parent=group,
                protect=True,
                depends_on=[first],
                ignore_changes=["tags", "cidr_block"],
                replace_on_changes=["instance_tenancy"],
                additional_secret_outputs=["arn"],
                custom_timeouts=pulumi.CustomTimeouts(create="60m", delete="90m"),
                aliases=[pulumi.Alias(name="before"), "urn:pulumi:test::demo::aws:ec2/vpc:Vpc::older"],
                delete_before_replace=True,
                retain_on_delete=True,
                deleted_with=first,
                replace_with=[first],
                import_="vpc-0123456789abcdef0",
                hide_diffs=["tags"],
                transformations=[lambda given: pulumi.ResourceTransformationResult(
                    {**given.props, "tags": {"team": "platform"}}, given.opts)],
            ),
        )  # fmt: skip

    recording = recorded(program)
    vpc = "urn:pulumi:test::demo::aws:ec2/vpc:Vpc::first"
    provider = "urn:pulumi:test::demo::pulumi:providers:aws::east"
    child = one(recording, "all")
    assert child.parent == one(recording, "group").urn == "urn:pulumi:test::demo::demo:index:Group::group"
    assert child.urn == "urn:pulumi:test::demo::demo:index:Group$aws:ec2/vpc:Vpc::all"
    assert (child.provider, child.dependencies) == (provider, (vpc,))
    assert child.inputs == {"cidrBlock": "10.1.0.0/16", "tags": {"team": "platform"}}
    options = dict(child.options)
    assert options.pop("version")
    assert options == {
        "protect": True,
        "retainOnDelete": True,
        "deleteBeforeReplace": True,
        "ignoreChanges": ["tags", "cidrBlock"],
        "replaceOnChanges": ["instanceTenancy"],
        "additionalSecretOutputs": ["arn"],
        "hideDiffs": ["tags"],
        "customTimeouts": {"create": "60m", "delete": "90m"},
        "aliases": [{"name": "before"}, "urn:pulumi:test::demo::aws:ec2/vpc:Vpc::older"],
        "deletedWith": vpc,
        "replaceWith": [vpc],
        "importId": "vpc-0123456789abcdef0",
    }
    assert one(recording, "group").dependencies == (vpc,)
    assert one(recording, "group").options == {"providers": {"aws": provider}}


def test_children_inherit_what_the_engine_passes_on(recorded):
    def program():
        first = Group("first")
        outer = Group(
            "outer", pulumi.ResourceOptions(protect=True, retain_on_delete=True, deleted_with=first)
        )
        Group("inner", pulumi.ResourceOptions(parent=outer))
        Group("free", pulumi.ResourceOptions(parent=outer, protect=False, retain_on_delete=False))

    recording = recorded(program)
    first = one(recording, "first").urn
    assert one(recording, "inner").options == {"protect": True, "retainOnDelete": True, "deletedWith": first}
    assert one(recording, "free").options == {"protect": False, "retainOnDelete": False, "deletedWith": first}
    assert one(recording, "first").options == {}


def test_wiring_is_recorded_by_property(recorded):
    def program():
        vpc = aws.ec2.Vpc("net", cidr_block="10.0.0.0/16")
        aws.ec2.Subnet("sub", vpc_id=vpc.id, cidr_block="10.0.1.0/24", tags={"of": vpc.arn})

    subnet = one(recorded(program), "sub")
    vpc = "urn:pulumi:test::demo::aws:ec2/vpc:Vpc::net"
    assert subnet.property_dependencies == {"tags": (vpc,), "vpcId": (vpc,)}
    assert subnet.inputs["vpcId"] is UNKNOWN
    assert subnet.inputs["tags"]["of"] is UNKNOWN


def test_helm_releases_and_custom_resources_are_recorded_whole(recorded):
    def program():
        cluster = kubernetes.Provider("cluster", kubeconfig="{}")
        options = pulumi.ResourceOptions(provider=cluster)
        kubernetes.helm.v3.Release(
            "operator",
            kubernetes.helm.v3.ReleaseArgs(
                chart="gpu-operator", version="v26.3.0", timeout=900, values={"driver": {"enabled": False}}
            ),
            opts=options,
        )
        kubernetes.apiextensions.CustomResource(
            "pool",
            api_version="karpenter.sh/v1",
            kind="NodePool",
            metadata={"name": "gpu"},
            spec={"weight": 10, "limits": {"nvidia.com/gpu": 8}},
            opts=options,
        )

    recording = recorded(program)
    release, pool = one(recording, "operator"), one(recording, "pool")
    assert release.type == "kubernetes:helm.sh/v3:Release"
    assert release.inputs["values"] == {"driver": {"enabled": False}}
    assert (release.inputs["timeout"], type(release.inputs["timeout"])) == (900, int)
    assert pool.type == "kubernetes:karpenter.sh/v1:NodePool"
    assert pool.inputs["spec"] == {"limits": {"nvidia.com/gpu": 8}, "weight": 10}
    assert pool.provider == "urn:pulumi:test::demo::pulumi:providers:kubernetes::cluster"


def make_secrets():
    secret = pulumi.Output.secret(PASSWORD)
    cluster = kubernetes.Provider("cluster", kubeconfig=pulumi.Output.secret(f"token: {PASSWORD}"))
    kubernetes.core.v1.Secret(
        "token",
        string_data={"plain": "open", "password": secret, "url": pulumi.Output.concat("x:", secret)},
        metadata={"annotations": {"deep": pulumi.Output.all(a=[{"b": secret}]).apply(str)}},
        opts=pulumi.ResourceOptions(provider=cluster),
    )
    pulumi.log.warn(f"the password is {PASSWORD}")
    print("printed", PASSWORD)  # noqa: T201 (what is tested)
    pulumi.export("password", secret)
    pulumi.export("nested", {"list": [1, {"inner": secret}], "open": "yes"})


def test_no_secret_is_in_the_recording(recorded):
    config = {"demo:password": PASSWORD}
    recording = recorded(make_secrets, config=config, secret_keys=["demo:password"])
    text = json.dumps(
        [
            [to_json(item.inputs) for item in recording.resources],
            to_json(recording.outputs),
            recording.messages,
        ]
    )
    assert PASSWORD not in text
    assert PASSWORD not in repr(recording)
    token = one(recording, "token")
    assert token.inputs["stringData"] is SECRET or token.inputs["stringData"]["password"] is SECRET
    assert one(recording, "cluster").inputs["kubeconfig"] is SECRET
    assert recording.outputs["password"] is SECRET
    assert ("warning", "the password is [secret]") in recording.messages
    assert ("info", "printed [secret]") in recording.messages


def test_an_error_does_not_repeat_a_secret(recorded):
    def program():
        raise ValueError(f"cannot log in with {PASSWORD}")

    config = {"demo:password": PASSWORD}
    with pytest.raises(EngineError, match=r"cannot log in with \[secret\]") as caught:
        recorded(program, config=config, secret_keys=["demo:password"])
    assert PASSWORD not in str(caught.value)


def test_a_monitor_that_reveals_keeps_what_a_cloud_must_store():
    monitor = ProgramMonitor(
        Clouds(), project="demo", stack="test", preview=False, root=Path(__file__).parent, reveal=True
    )
    run_program(make_secrets, monitor, project="demo", stack="test", config={})
    inputs = monitor.recorded["urn:pulumi:test::demo::kubernetes:core/v1:Secret::token"].inputs
    assert inputs["stringData"]["password"] == PASSWORD
    assert monitor.stack_outputs["password"] is SECRET


def test_assets_and_archives_are_described(recorded):
    def program():
        files = {
            "near": pulumi.FileAsset("model/config.json"),
            "far": pulumi.FileAsset("/somewhere/else/config.json"),
            "text": pulumi.StringAsset("hello"),
            "away": pulumi.RemoteAsset("https://example.org/weights"),
            "folder": pulumi.FileArchive("./code"),
            "several": pulumi.AssetArchive({"b": pulumi.StringAsset("b"), "a": pulumi.StringAsset("a")}),
            "hidden": pulumi.Output.secret(pulumi.StringAsset("hello")),
        }
        pulumi.CustomResource("demo:index:Files", "files", files)

    recording = recorded(program)
    assert one(recording, "files").inputs == {
        "near": "[asset model/config.json]",
        "far": "[asset config.json]",
        "text": "[asset of text, sha256 2cf24dba5fb0]",
        "away": "[asset https://example.org/weights]",
        "folder": "[archive ./code]",
        "several": "[archive of a, b]",
        "hidden": SECRET,
    }


def many():
    for number in range(20):
        group = Group(f"g{number}")
        vpc = aws.ec2.Vpc(f"v{number}", cidr_block="10.0.0.0/16", tags={c: c for c in "qwertyuiop"},
                          opts=pulumi.ResourceOptions(parent=group))  # fmt: skip
        aws.ec2.Subnet(f"s{number}", vpc_id=vpc.id, opts=pulumi.ResourceOptions(parent=vpc))
        pulumi.log.info(f"made {number}", group)
    pulumi.export("z", {"b": 1, "a": 2})
    pulumi.export("a", 1)


def test_equal_programs_give_equal_bytes(recorded):
    texts = {repr(recorded(many)) for _ in range(4)}
    assert len(texts) == 1
    recording = recorded(many)
    urns = [item.urn for item in recording.resources]
    assert urns == sorted(urns)
    assert len(urns) == 60
    assert list(recording.outputs) == ["a", "z"]
    assert list(recording.outputs["z"]) == ["a", "b"]


def test_two_resources_of_one_name_are_an_error_that_names_both_places(recorded):
    def program():
        Group("twice")
        Group("twice")

    with pytest.raises(EngineError) as caught:
        recorded(program)
    text = str(caught.value)
    assert "two resources have the URN urn:pulumi:test::demo::demo:index:Group::twice" in text
    lines = [part for part in text.split() if part.startswith("test_recording.py:")]
    assert len(set(lines)) == 2
    assert "fix: give one of them another name" in text


def test_sources_are_lines_of_the_program_or_of_the_package(recorded):
    recording = recorded(lambda: Group("here"))
    assert one(recording, "here").source.startswith("test_recording.py:")
    elsewhere = recorded(lambda: Group("here"), root=Path(__file__).parent / "nowhere")
    assert one(elsewhere, "here").source.startswith("test_recording.py:")
    for item in (*recording.resources, *elsewhere.resources):
        assert "/" not in item.source


def test_a_look_up_is_a_resource_that_is_read(recorded):
    def program():
        vpc = aws.ec2.Vpc.get("found", "vpc-0123456789abcdef0")
        pulumi.export("cidr", vpc.cidr_block)
        pulumi.export("id", vpc.id)

    clouds = Clouds(outputs={"aws:ec2/vpc:Vpc": {"cidrBlock": "10.9.0.0/16"}})
    recording = recorded(program, answers=clouds)
    found = one(recording, "found")
    assert (found.id, found.options) == ("vpc-0123456789abcdef0", {"read": True})
    assert recording.outputs == {"cidr": "10.9.0.0/16", "id": "vpc-0123456789abcdef0"}


def test_a_look_up_of_something_not_made_yet_is_unknown(recorded):
    def program():
        first = aws.ec2.Vpc("first", cidr_block="10.0.0.0/16")
        pulumi.export("cidr", aws.ec2.Vpc.get("found", first.id).cidr_block)

    recording = recorded(program)
    assert one(recording, "found").id is None
    assert recording.outputs["cidr"] is UNKNOWN


def test_stack_references_are_answered(recorded):
    def program():
        pulumi.export("vpc", pulumi.StackReference("organization/network/prod").get_output("vpc"))

    clouds = Clouds(outputs={"pulumi:pulumi:StackReference": {"outputs": {"vpc": "vpc-1"}}})
    assert recorded(program, answers=clouds).outputs == {"vpc": "vpc-1"}


def test_an_update_gives_the_program_what_the_cloud_says():
    def program():
        vpc = aws.ec2.Vpc("net", cidr_block="10.0.0.0/16", tags={"a": "b"})
        pulumi.export("seen", {"id": vpc.id, "arn": vpc.arn, "tags": vpc.tags, "cidr": vpc.cidr_block})
        # only an update reaches this: the id is known
        vpc.id.apply(lambda made: aws.ec2.Subnet("inner", vpc_id=made))

    outputs = {
        "aws:ec2/vpc:Vpc": {"arn": "arn:x", "tags": {"a": "c", "more": "d"}, "cidrBlock": "10.0.0.0/16"}
    }
    monitor = ProgramMonitor(
        Clouds(outputs), project="demo", stack="test", preview=False, root=Path(__file__).parent
    )
    run_program(program, monitor, project="demo", stack="test", config={})
    assert monitor.stack_outputs["seen"] == {
        "id": "net-id",
        "arn": "arn:x",
        "tags": {"a": "c", "more": "d"},
        "cidr": "10.0.0.0/16",
    }
    assert monitor.recorded["urn:pulumi:test::demo::aws:ec2/subnet:Subnet::inner"].inputs["vpcId"] == "net-id"


def test_a_secret_input_stays_secret_in_the_outputs_of_its_resource(recorded):
    def program():
        vpc = aws.ec2.Vpc("net", cidr_block=pulumi.Output.secret("10.0.0.0/16"))
        pulumi.export("cidr", vpc.cidr_block)

    clouds = Clouds(outputs={"aws:ec2/vpc:Vpc": {"cidrBlock": "10.0.0.0/16"}})
    assert recorded(program, answers=clouds).outputs["cidr"] is SECRET


def test_what_depends_on_a_failed_resource_is_unknown():
    def program():
        vpc = aws.ec2.Vpc("net", cidr_block="10.0.0.0/16")
        pulumi.export("id", vpc.arn)

    clouds = Clouds({"aws:ec2/vpc:Vpc": {"arn": "arn:x"}}, failing=frozenset({"net"}))
    monitor = ProgramMonitor(clouds, project="demo", stack="test", preview=False, root=Path(__file__).parent)
    run_program(program, monitor, project="demo", stack="test", config={})
    assert monitor.stack_outputs["id"] is UNKNOWN


def test_hooks_are_recorded_by_name_and_never_called(recorded):
    called = []

    def program():
        hook = pulumi.ResourceHook("drain", lambda _args: called.append(1))
        bound = pulumi.ResourceHookBinding(before_delete=[hook])
        aws.ec2.Vpc("net", cidr_block="10.0.0.0/16", opts=pulumi.ResourceOptions(hooks=bound))

    assert one(recorded(program), "net").options["hooks"] == {"beforeDelete": ["drain"]}
    assert called == []


def test_a_remote_component_is_one_resource_of_its_provider(recorded):
    def program():
        chart = kubernetes.helm.v4.Chart("chart", kubernetes.helm.v4.ChartArgs(chart="gpu-operator"))
        pulumi.export("made", chart.resources)

    recording = recorded(program)
    chart = one(recording, "chart")
    assert (chart.type, chart.custom, chart.options["remote"]) == ("kubernetes:helm.sh/v4:Chart", False, True)
    assert recording.outputs["made"] is UNKNOWN
