"""The component package: what programs in other languages see of gpuyard.

The schema is a golden: a change in it is a change of the public interface. Proves that Pulumi's own analyzer
takes every component and that the host starts as the engine starts it; not that an SDK compiles.
"""

import json
import os
import subprocess
import sys
from importlib.metadata import version
from pathlib import Path

import grpc
import pulumi
import pytest
from pulumi.provider.experimental.component import ComponentProvider
from pulumi.runtime.proto import provider_pb2, provider_pb2_grpc
from syrupy.extensions.json import JSONSnapshotExtension

from gpuyard import components

PACKAGE = Path(__file__).parents[2] / "components"
CLASSES = [getattr(components, name) for name in components.__all__]


@pytest.fixture(scope="module")
def schema():
    return json.loads(ComponentProvider(CLASSES, "gpuyard", None, "0.0.0").schema)


def test_the_schema_is_the_reviewed_one(schema, snapshot):
    del schema["language"], schema["dependencies"]  # versions of the SDKs, which move by themselves
    assert schema == snapshot.use_extension(JSONSnapshotExtension)


def test_the_token_of_a_component_is_its_class(schema):
    assert set(schema["resources"]) == {f"gpuyard:index:{name}" for name in components.__all__}
    for kind in CLASSES:
        assert kind.pulumi_type == f"gpuyard:index:{kind.__name__}"


def test_every_component_and_argument_is_explained(schema):
    for token, resource in schema["resources"].items():
        assert resource["description"], token
        for name, entry in resource.get("inputProperties", {}).items():
            assert entry.get("description"), f"{token}.{name}"


def test_the_folder_is_a_package_and_no_project():
    assert (PACKAGE / "PulumiPlugin.yaml").is_file()
    assert not (PACKAGE / "Pulumi.yaml").exists(), "the engine refuses a folder with both"
    assert (PACKAGE / "requirements.txt").read_text().strip() == ".."


def test_the_host_answers_as_the_engine_asks(tmp_path):
    environment = {key: value for key, value in os.environ.items() if not key.startswith("COV_")}
    host = subprocess.Popen(
        [sys.executable, str(PACKAGE), "127.0.0.1:1"], stdout=subprocess.PIPE, text=True, env=environment
    )
    try:
        port = host.stdout.readline().strip()
        with grpc.insecure_channel(
            f"127.0.0.1:{port}", options=[("grpc.max_receive_message_length", 1 << 28)]
        ) as channel:
            answer = provider_pb2_grpc.ResourceProviderStub(channel).GetSchema(
                provider_pb2.GetSchemaRequest(), timeout=30
            )
    finally:
        host.kill()
        host.wait()
        host.stdout.close()
    served = json.loads(answer.schema)
    assert served["name"] == "gpuyard"
    assert served["version"] == version("gpuyard")
    assert len(served["resources"]) == len(components.__all__)
    assert pulumi.ComponentResource.__name__ not in json.dumps(sorted(served["resources"]))
