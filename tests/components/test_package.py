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
import pytest
from pulumi.runtime.proto import provider_pb2, provider_pb2_grpc
from syrupy.extensions.json import JSONSnapshotExtension

from gpuyard import components

PACKAGE = Path(__file__).parents[2] / "components"
CLASSES = [getattr(components, name) for name in components.__all__]


@pytest.fixture(scope="module")
def schema():
    """What the host answers, started as the engine starts it: in a process of its own.

    Its server cannot be imported here: it and Google's clients register one protocol file under two names.
    """
    host = subprocess.Popen(
        [sys.executable, str(PACKAGE), "127.0.0.1:1"], stdout=subprocess.PIPE, text=True, env=os.environ
    )
    options = [("grpc.max_receive_message_length", 1 << 28)]
    try:
        with grpc.insecure_channel(f"127.0.0.1:{host.stdout.readline().strip()}", options) as channel:
            stub = provider_pb2_grpc.ResourceProviderStub(channel)
            answer = stub.GetSchema(provider_pb2.GetSchemaRequest(), timeout=60)
    finally:
        host.kill()
        host.wait()
        host.stdout.close()
    return json.loads(answer.schema)


def test_the_schema_is_the_reviewed_one(schema, snapshot):
    moving = ("language", "dependencies", "version")  # of the SDKs and the package, which move by themselves
    shown = {key: value for key, value in schema.items() if key not in moving}
    assert shown == snapshot.use_extension(JSONSnapshotExtension)


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


def test_the_package_has_a_name_and_the_version_of_the_distribution(schema):
    assert (schema["name"], schema["version"]) == ("gpuyard", version("gpuyard"))
    assert "ComponentResource" not in "".join(schema["resources"])
