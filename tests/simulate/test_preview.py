"""What a first preview hears from the simulated clouds."""

from pathlib import Path

import pulumi
import pulumi_aws as aws
import pulumi_gcp as gcp
import pulumi_kubernetes as kubernetes
import pytest

from gpuyard.engine.recorder import Recording, record
from gpuyard.errors import EngineError
from gpuyard.resources import UNKNOWN
from gpuyard.simulate.preview import preview_answers


def preview(program, **config: str) -> Recording:
    keys = {key.replace("_", ":"): value for key, value in config.items()}
    return record(
        program,
        project="demo",
        stack="test",
        answers=preview_answers(keys),
        root=Path(__file__).parent,
        config=keys,
    )


def test_ids_are_unknown_and_providers_known():
    def program():
        east = aws.Provider("east", region="us-east-1")
        vpc = aws.ec2.Vpc("vpc", cidr_block="10.0.0.0/16", opts=pulumi.ResourceOptions(provider=east))
        pulumi.export("id", vpc.id)
        pulumi.export("range", vpc.cidr_block)

    outputs = preview(program).outputs
    assert outputs["id"] is UNKNOWN
    assert outputs["range"] == "10.0.0.0/16"


def test_functions_are_answered_for_the_provider_that_is_called():
    def program():
        for region in ("us-east-1", "us-west-1"):
            provider = aws.Provider(region, region=region)
            zones = aws.get_availability_zones_output(opts=pulumi.InvokeOptions(provider=provider))
            pulumi.export(region, zones.zone_ids)

    outputs = preview(program).outputs
    assert outputs["us-east-1"] == [f"use1-az{number}" for number in range(1, 7)]
    assert outputs["us-west-1"] == ["usw1-az1", "usw1-az3"]


def test_the_default_provider_takes_its_place_from_the_config():
    def program():
        pulumi.export("zones", gcp.compute.get_zones_output().names)

    found = preview(program, gcp_project="example", gcp_region="us-central1").outputs["zones"]
    assert found == [f"us-central1-{letter}" for letter in "abcf"]


def test_a_function_without_a_region_says_where_to_set_it():
    with pytest.raises(EngineError, match="set aws:region in the stack's config"):
        preview(lambda: pulumi.export("zones", aws.get_availability_zones_output().names))


def test_an_unknown_function_is_a_loud_error_with_its_place():
    def program():
        aws.workspaces.get_bundle_output(bundle_id="wsb-1")

    with pytest.raises(
        EngineError, match="no answer for the function aws:workspaces/getBundle:getBundle"
    ) as told:
        preview(program, aws_region="us-east-1")
    assert "test_preview.py" in str(told.value)


def test_manifests_in_yaml_become_their_resources():
    text = "apiVersion: v1\nkind: List\nitems:\n- {apiVersion: v1, kind: ConfigMap, metadata: {name: one}}\n"

    def program():
        kubernetes.yaml.ConfigGroup("objects", yaml=[text])

    types = {item.type for item in preview(program).resources}
    assert "kubernetes:core/v1:ConfigMap" in types


def test_manifests_that_are_no_yaml_are_refused():
    with pytest.raises(EngineError, match="not valid YAML"):
        preview(lambda: kubernetes.yaml.ConfigGroup("objects", yaml=["a: [1"]))
