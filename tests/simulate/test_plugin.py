"""The provider plugins, asked over gRPC as the engine asks them."""

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import grpc
import pytest
from google.protobuf import empty_pb2

from gpuyard.engine.protocol import ASSET_SIGNATURE, SIGNATURE, UNKNOWN_STRING
from gpuyard.engine.wire import decode_struct, encode_struct
from gpuyard.resources import UNKNOWN
from gpuyard.simulate.install import install_plugins
from gpuyard.simulate.plugin import STATE_VARIABLE, start
from gpuyard.simulate.protocol import provider_pb2 as messages
from gpuyard.simulate.protocol import provider_pb2_grpc
from gpuyard.simulate.scenario import parse_scenario

VPC, GROUP = "aws:ec2/vpc:Vpc", "aws:eks/nodeGroup:NodeGroup"


class Provider:
    """A running plugin, with the calls that an engine makes for one stack."""

    def __init__(self, package: str, folder: Path, settings: dict[str, str], **scenario: Any) -> None:
        self.file = folder / "demo" / "dev.json"
        self.server, port = start(package, state=folder, scenario=parse_scenario(scenario))
        self.channel = grpc.insecure_channel(f"127.0.0.1:{port}")
        self.stub = provider_pb2_grpc.ResourceProviderStub(self.channel)
        urn = self.urn(f"pulumi:providers:{package}", "default")
        self.stub.Configure(
            messages.ConfigureRequest(args=encode_struct(settings), urn=urn, acceptSecrets=True)
        )

    def urn(self, type_: str, name: str) -> str:
        return f"urn:pulumi:dev::demo::gpuyard:index:Parent${type_}::{name}"

    def check(self, type_: str, name: str, news: dict[str, Any], olds: dict[str, Any] | None = None) -> Any:
        request = messages.CheckRequest(
            urn=self.urn(type_, name),
            news=encode_struct(news),
            olds=encode_struct(olds or {}),
            randomSeed=b"seed",
        )
        return self.stub.Check(request)

    def create(self, type_: str, name: str, inputs: dict[str, Any], *, preview: bool = False) -> Any:
        checked = self.check(type_, name, inputs)
        assert not checked.failures
        request = messages.CreateRequest(
            urn=self.urn(type_, name), properties=checked.inputs, preview=preview
        )
        return self.stub.Create(request)

    def diff(
        self, type_: str, name: str, old: dict[str, Any], new: dict[str, Any], ignored: list[str]
    ) -> Any:
        request = messages.DiffRequest(
            id="x",
            urn=self.urn(type_, name),
            olds=encode_struct(old),
            old_inputs=encode_struct(old),
            news=encode_struct(new),
            ignoreChanges=ignored,
        )
        return self.stub.Diff(request)


@pytest.fixture
def serve(tmp_path: Path) -> Iterator[Any]:
    running = []

    def run(package: str = "aws", settings: dict[str, str] | None = None, **scenario: Any) -> Provider:
        provider = Provider(package, tmp_path, settings or {"region": "us-east-1"}, **scenario)
        running.append(provider)
        return provider

    yield run
    for provider in running:
        provider.channel.close()
        provider.server.stop(None).wait()


def test_the_version_is_that_of_the_sdk_it_stands_in_for(serve):
    assert serve().stub.GetPluginInfo(empty_pb2.Empty()).version.startswith("7.")


def test_handshake_and_configure_agree_on_secrets(serve):
    stub = serve().stub
    shaken = stub.Handshake(messages.ProviderHandshakeRequest(engine_address="127.0.0.1:1"))
    configured = stub.Configure(messages.ConfigureRequest())
    assert (shaken.accept_secrets, shaken.accept_resources) == (False, False)
    assert (configured.acceptSecrets, configured.acceptResources, configured.supportsPreview) == (
        False,
        False,
        True,
    )


def test_a_resource_lives_from_check_to_delete(serve):
    provider = serve()
    made = provider.create(VPC, "net", {"cidrBlock": "10.0.0.0/16", "tags": {"a": "1"}})
    outputs = decode_struct(made.properties)
    assert made.id.startswith("vpc-0")
    assert outputs["arn"] == f"arn:aws:ec2:us-east-1:123456789012:vpc/{made.id}"
    inputs = encode_struct({"cidrBlock": "10.0.0.0/16", "tags": {"a": "2"}})
    urn = provider.urn(VPC, "net")
    changed = provider.stub.Update(
        messages.UpdateRequest(id=made.id, urn=urn, olds=made.properties, news=inputs, old_inputs=inputs)
    )
    assert decode_struct(changed.properties)["tags"] == {"a": "2"}
    provider.stub.Delete(messages.DeleteRequest(id=made.id, urn=urn, properties=changed.properties))
    gone = provider.stub.Read(
        messages.ReadRequest(id=made.id, urn=urn, properties=changed.properties, inputs=inputs)
    )
    assert gone.id == ""


def test_a_preview_has_no_id_and_keeps_unknowns(serve):
    provider = serve()
    made = provider.create(
        "aws:ec2/subnet:Subnet", "sub", {"vpcId": UNKNOWN, "cidrBlock": "10.0.0.0/24"}, preview=True
    )
    assert made.id == ""
    assert made.properties.fields["vpcId"].string_value == UNKNOWN_STRING
    assert not provider.file.exists()


def test_a_preview_of_an_update_knows_what_will_stay(serve):
    provider = serve()
    type_ = "aws:ec2/launchTemplate:LaunchTemplate"
    made = provider.create(type_, "gpu", {"instanceType": "p5.48xlarge"})
    foreseen = provider.stub.Update(
        messages.UpdateRequest(
            id=made.id,
            urn=provider.urn(type_, "gpu"),
            olds=made.properties,
            news=encode_struct({"instanceType": "p5en.48xlarge"}),
            preview=True,
        )
    )
    outputs = decode_struct(foreseen.properties)
    assert outputs["latestVersion"] is UNKNOWN
    assert outputs["arn"] == decode_struct(made.properties)["arn"]


def test_a_difference_names_each_path_and_what_it_means(serve):
    old = {"clusterName": "a", "scalingConfig": {"desiredSize": 1}, "labels": {"x": "1"}}
    new = {"clusterName": "b", "scalingConfig": {"desiredSize": 2}, "taints": [{"key": "gpu"}]}
    answer = serve().diff(GROUP, "group", old, new, ["scalingConfig.desiredSize"])
    assert answer.changes == messages.DiffResponse.DIFF_SOME
    assert list(answer.replaces) == ["clusterName"]
    kinds = {path: messages.PropertyDiff.Kind.Name(item.kind) for path, item in answer.detailedDiff.items()}
    assert kinds == {"clusterName": "UPDATE_REPLACE", "labels.x": "DELETE", "taints": "ADD"}
    assert answer.hasDetailedDiff


def test_equal_inputs_do_not_differ(serve):
    same = {"cidrBlock": "10.0.0.0/16"}
    assert serve().diff(VPC, "net", same, same, []).changes == messages.DiffResponse.DIFF_NONE


def test_a_name_that_the_program_chose_means_delete_before_create(serve):
    old = {"name": "main", "roleArn": "a", "__defaults": []}
    provider = serve()
    type_ = "aws:eks/cluster:Cluster"
    assert provider.diff(type_, "main", old, {**old, "roleArn": "b"}, []).deleteBeforeReplace
    made = {**old, "__defaults": ["name"]}
    assert not provider.diff(type_, "main", made, {**made, "roleArn": "b"}, []).deleteBeforeReplace


def test_names_are_made_once_and_kept(serve):
    provider = serve()
    first = decode_struct(provider.check("aws:iam/role:Role", "node", {}).inputs)
    assert first["name"].startswith("node-")
    again = decode_struct(provider.check("aws:iam/role:Role", "node", {"path": "/x/"}, first).inputs)
    assert again["name"] == first["name"]


def test_state_is_a_file_whose_edits_are_drift(serve):
    provider = serve()
    inputs = {"cidrBlock": "10.0.0.0/16", "enableDnsSupport": True}
    made = provider.create(VPC, "net", inputs)
    state = json.loads(provider.file.read_text(encoding="utf-8"))
    (record,) = state["resources"].values()
    record["properties"]["enableDnsSupport"] = False
    provider.file.write_text(json.dumps(state), encoding="utf-8")
    seen = provider.stub.Read(
        messages.ReadRequest(
            id=made.id, urn=provider.urn(VPC, "net"), properties=made.properties, inputs=encode_struct(inputs)
        )
    )
    assert decode_struct(seen.inputs)["enableDnsSupport"] is False
    assert decode_struct(seen.properties)["enableDnsSupport"] is False


def test_a_broken_state_file_is_told_and_left_alone(serve):
    provider = serve()
    provider.file.parent.mkdir()
    provider.file.write_text("{", encoding="utf-8")
    with pytest.raises(grpc.RpcError) as told:
        provider.create(VPC, "net", {})
    assert "is no state of the simulated clouds" in told.value.details()  # pyright: ignore[reportAttributeAccessIssue]
    assert provider.file.read_text(encoding="utf-8") == "{"


def test_a_refusal_comes_in_the_clouds_words(serve):
    rule = {"when": {"type": VPC}, "fail": "throttled", "times": 1}
    provider = serve(rules=[rule])
    with pytest.raises(grpc.RpcError, match="RequestLimitExceeded"):
        provider.create(VPC, "net", {})
    assert provider.create(VPC, "net", {}).id


def test_durations_pass_at_the_scenarios_speed(serve):
    import time

    provider = serve(speed=6000, rules=[{"when": {"type": VPC}, "takes": "20m"}])
    began = time.monotonic()
    provider.create(VPC, "net", {})
    assert 0.19 < time.monotonic() - began < 3


def test_a_cancelled_create_fails_at_once_and_leaves_nothing(serve):
    provider = serve(speed=1, rules=[{"when": {"type": VPC}, "takes": "1h"}])
    checked = provider.check(VPC, "net", {})
    waiting = provider.stub.Create.future(
        messages.CreateRequest(urn=provider.urn(VPC, "net"), properties=checked.inputs)
    )
    provider.stub.Cancel(empty_pb2.Empty())
    error = waiting.exception(timeout=20)
    assert error.code() is grpc.StatusCode.CANCELLED
    assert error.details() == "net: cancelled while it was created; nothing of it is left"
    assert json.loads(provider.file.read_text(encoding="utf-8"))["resources"] == {}


def test_a_cancelled_update_or_delete_fails_though_the_cloud_goes_on(serve):
    rules = [
        {"when": {"type": VPC, "operation": operation}, "takes": "1h"} for operation in ("update", "delete")
    ]
    provider = serve(speed=1, rules=rules)
    made = provider.create(VPC, "net", {"enableDnsSupport": True})
    provider.stub.Cancel(empty_pb2.Empty())
    about = {"id": made.id, "urn": provider.urn(VPC, "net")}
    update = messages.UpdateRequest(
        **about, olds=made.properties, news=encode_struct({"enableDnsSupport": False})
    )
    with pytest.raises(grpc.RpcError, match="cancelled while it was updated"):
        provider.stub.Update(update)
    with pytest.raises(grpc.RpcError, match="cancelled while it was deleted"):
        provider.stub.Delete(messages.DeleteRequest(**about, properties=made.properties))


def test_a_function_is_answered_at_the_providers_place(serve):
    token = "aws:index/getAvailabilityZones:getAvailabilityZones"
    result = serve(settings={"region": "us-west-1"}).stub.Invoke(messages.InvokeRequest(tok=token))
    assert decode_struct(getattr(result, "return"))["zoneIds"] == ["usw1-az1", "usw1-az3"]


def test_an_unknown_function_or_type_is_a_loud_error(serve):
    provider = serve()
    with pytest.raises(grpc.RpcError, match="no answer for the function"):
        provider.stub.Invoke(messages.InvokeRequest(tok="aws:workspaces/getBundle:getBundle"))
    with pytest.raises(grpc.RpcError, match="has no resource type aws:ec2/vcp:Vcp"):
        provider.check("aws:ec2/vcp:Vcp", "net", {})


def test_a_type_without_rules_gets_what_its_sdk_promises(serve):
    made = serve().create("aws:sqs/queue:Queue", "jobs", {})
    outputs = decode_struct(made.properties)
    assert outputs["arn"].startswith("arn:aws:sqs:us-east-1:123456789012:")
    assert outputs["url"] == f"{outputs['name']}-url"
    assert outputs["tagsAll"] == {}


def test_what_the_provider_itself_takes_apart_is_refused_with_a_way_out(serve):
    provider = serve("kubernetes", {"context": "kind"})
    with pytest.raises(grpc.RpcError, match=r"use kubernetes\.helm\.v3\.Release"):
        provider.stub.Construct(messages.ConstructRequest(type="kubernetes:helm.sh/v4:Chart", name="chart"))


def test_another_region_or_cluster_replaces_everything_of_a_provider(serve):
    def replaces(package: str, old: dict[str, str], new: dict[str, str]) -> list[str]:
        request = messages.DiffRequest(olds=encode_struct(old), news=encode_struct(new))
        return list(serve(package, old).stub.DiffConfig(request).replaces)

    assert replaces("aws", {"region": "us-east-1"}, {"region": "us-west-2"}) == ["region"]
    assert replaces("aws", {"region": "us-east-1"}, {"region": "us-east-1", "profile": "x"}) == []
    one, two, rotated = (
        json.dumps(
            {
                "current-context": "c",
                "contexts": [{"name": "c", "context": {"cluster": "c"}}],
                "clusters": [{"name": "c", "cluster": {"server": server, "certificate-authority-data": ca}}],
            }
        )
        for server, ca in (("https://a", "1"), ("https://b", "1"), ("https://a", "2"))
    )
    assert replaces("kubernetes", {"kubeconfig": one}, {"kubeconfig": two})
    assert replaces("kubernetes", {"kubeconfig": one}, {"kubeconfig": rotated}) == []


def test_assets_stay_assets(serve):
    asset = {SIGNATURE: ASSET_SIGNATURE, "text": "values: 1"}
    inputs = {
        "chart": "keda",
        "name": "keda",
        "createNamespace": True,
        "namespace": "keda",
        "valueYamlFiles": [asset],
    }
    made = serve("kubernetes", {"context": "kind"}).create("kubernetes:helm.sh/v3:Release", "keda", inputs)
    fields = made.properties.fields["valueYamlFiles"].list_value.values[0].struct_value.fields
    assert fields["text"].string_value == "values: 1"
    assert made.id == "keda/keda"


def test_installed_plugins_start_as_the_engine_starts_them(tmp_path):
    folder = tmp_path / "a folder with spaces"
    files = install_plugins(folder)
    assert [file.name for file in files] == [
        f"pulumi-resource-{name}" for name in ("aws", "gcp", "kubernetes")
    ]
    environment = {key: value for key, value in os.environ.items() if key != STATE_VARIABLE}
    process = subprocess.Popen([files[0], "127.0.0.1:1"], stdout=subprocess.PIPE, text=True, env=environment)
    try:
        assert process.stdout
        port = int(process.stdout.readline())
        with grpc.insecure_channel(f"127.0.0.1:{port}") as channel:
            stub = provider_pb2_grpc.ResourceProviderStub(channel)
            stub.Configure(messages.ConfigureRequest(args=encode_struct({"region": "us-east-1"})))
            urn = f"urn:pulumi:dev::demo::{VPC}::net"
            assert stub.Create(messages.CreateRequest(urn=urn)).id
    finally:
        process.terminate()
        process.wait(10)
        if process.stdout:
            process.stdout.close()
    assert (folder / "state" / "demo" / "dev.json").is_file()


def test_the_messages_load_without_the_sdk_and_leave_it_intact():
    code = (
        "import sys; from gpuyard.simulate import plugin; loaded = 'pulumi' in sys.modules;"
        "import pulumi, pulumi.runtime.proto.provider_pb2 as real; print(loaded, pulumi.Output is not None)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "False True"


def test_assets_of_which_the_engine_sends_the_hash_are_no_drift(serve):
    asset = {SIGNATURE: ASSET_SIGNATURE, "text": "values: 1"}
    inputs = {"chart": "keda", "name": "keda", "valueYamlFiles": [asset]}
    provider, type_ = serve("kubernetes", {"context": "kind"}), "kubernetes:helm.sh/v3:Release"
    made = provider.create(type_, "keda", inputs)
    sent = encode_struct(
        {**inputs, "valueYamlFiles": [{SIGNATURE: ASSET_SIGNATURE, "hash": "abc", "text": ""}]}
    )
    seen = provider.stub.Read(
        messages.ReadRequest(id=made.id, urn=provider.urn(type_, "keda"), properties=sent, inputs=sent)
    )
    assert seen.inputs == sent
    assert seen.properties.fields["valueYamlFiles"] == sent.fields["valueYamlFiles"]
