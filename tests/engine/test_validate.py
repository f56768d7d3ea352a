"""Planned inputs against the installed provider SDKs."""

import typing

import botocore.loaders
import pytest

from gpuyard.engine.input_types import args_class, collection_kind, input_fields, plain_kinds
from gpuyard.engine.sdk import is_input_type, resource_class
from gpuyard.engine.validate import validate
from gpuyard.engine.words import WORDS
from gpuyard.errors import Severity
from gpuyard.resources import SECRET, UNKNOWN, Resource

NODE_GROUP = "aws:eks/nodeGroup:NodeGroup"
TEMPLATE = "aws:ec2/launchTemplate:LaunchTemplate"
RESERVATION = "aws:ec2/capacityReservation:CapacityReservation"
NODE_POOL = "gcp:container/nodePool:NodePool"
DEPLOYMENT = "kubernetes:apps/v1:Deployment"


def make(type_, inputs, **fields):
    return Resource(urn=f"urn:pulumi:t::p::{type_}::it", type=type_, name="it", inputs=inputs, **fields)


GROUP = {
    "scalingConfig": {"desiredSize": 1, "maxSize": 2, "minSize": 0},
    "nodeRoleArn": "arn",
    "clusterName": "c",
    "subnetIds": ["subnet-1"],
}
POD = {"metadata": {"labels": {"a": "b"}}, "spec": {"containers": [{"name": "x", "image": "y"}]}}
APP = {
    "apiVersion": "apps/v1",
    "kind": "Deployment",
    "metadata": {"name": "x"},
    "spec": {"replicas": 1, "selector": {"matchLabels": {"a": "b"}}, "template": POD},
}


def nodes(**values):
    return {"cluster": "c", "nodeConfig": values}


def accelerators(**values):
    return nodes(guestAccelerators=[{"count": 1, "type": "nvidia-l4", **values}])


@pytest.mark.parametrize(
    ("type_", "inputs"),
    [
        (NODE_GROUP, GROUP),
        (NODE_GROUP, GROUP | {"capacityType": "CAPACITY_BLOCK"}),
        (NODE_GROUP, GROUP | {"taints": [{"key": "a", "effect": "NO_SCHEDULE"}]}),
        (DEPLOYMENT, APP),
        (
            NODE_POOL,
            accelerators(gpuSharingConfig={"gpuSharingStrategy": "MPS", "maxSharedClientsPerGpu": 2}),
        ),
        ("kubernetes:karpenter.sh/v1:NodePool", {"spec": {"anything": 1}}),
        ("kubernetes:gateway.networking.k8s.io/v1:HTTPRoute", {"spec": {}}),
        ("kubernetes:leaderworkerset.x-k8s.io/v1:LeaderWorkerSet", {"spec": {}}),
        ("pulumi:providers:aws", {"region": "us-east-1", "junk": "1"}),
        ("gpuyard:index:ModelEndpoint", {"junk": 1}),
        ("pulumi-python:dynamic:Resource", {"__provider": "x"}),
    ],
)
def test_right_inputs_give_no_finding(type_, inputs):
    assert validate([make(type_, inputs)]) == []


DRIVER = "nodeConfig.guestAccelerators[0].gpuDriverInstallationConfig.gpuDriverVersion"


@pytest.mark.parametrize(
    ("given", "path", "words"),
    [
        ({"capacity": "SPOT"}, "capacity", 'there is no such input did you mean "capacityType"?'),
        ({"nodegroupname": "x"}, "nodegroupname", '"nodeGroupName"'),
        (
            {"scalingConfig": {**GROUP["scalingConfig"], "max": 3}},
            "scalingConfig.max",
            "there is no such input",
        ),
        ({"diskSize": "20"}, "diskSize", "must be a whole number, not '20'"),
        ({"diskSize": True}, "diskSize", "must be a whole number, not True"),
        ({"subnetIds": "subnet-1"}, "subnetIds", "must be a list, not 'subnet-1'"),
        ({"labels": [1]}, "labels", "must be an object, not a list"),
        ({"labels": {"a": 1}}, "labels.a", "must be text, not 1"),
        ({"scalingConfig": 3}, "scalingConfig", "must be an object, not 3"),
        ({"scalingConfig": {"minSize": 0, "maxSize": 1}}, "scalingConfig.desiredSize", "is required"),
        ({"clusterName": None}, "clusterName", "is required"),
        ({"capacityType": "spot"}, "capacityType", '"SPOT"'),
        ({"amiType": "AL2023_x86_64_NVIDA"}, "amiType", '"AL2023_x86_64_NVIDIA"'),
        ({"taints": [{"key": "a", "effect": "NoSchedule"}]}, "taints[0].effect", "NO_SCHEDULE"),
    ],
)
def test_a_wrong_input_of_a_node_group_is_found(given, path, words):
    assert_found(NODE_GROUP, GROUP | given, path, words)


@pytest.mark.parametrize(
    ("given", "path", "words"),
    [
        ({"spec": APP["spec"] | {"replicas": 1.5}}, "spec.replicas", "must be a whole number, not 1.5"),
        ({"spec": {"template": POD}}, "spec.selector", "is required"),
        ({"kind": "Deploy"}, "kind", "must be 'Deployment'"),
        ({"apiVersion": "apps/v1beta1"}, "apiVersion", "must be 'apps/v1'"),
    ],
)
def test_a_wrong_input_of_a_deployment_is_found(given, path, words):
    assert_found(DEPLOYMENT, APP | given, path, words)


@pytest.mark.parametrize(
    ("given", "path", "words"),
    [
        (
            accelerators(gpuDriverInstallConfig={"gpuDriverVersion": "LATEST"}),
            "nodeConfig.guestAccelerators[0].gpuDriverInstallConfig",
            '"gpuDriverInstallationConfig"',
        ),
        (accelerators(gpuDriverInstallationConfig={"gpuDriverVersion": "NEWEST"}), DRIVER, "LATEST"),
        (
            nodes(reservationAffinity={"consumeReservationType": "SPECIFIC"}),
            "nodeConfig.reservationAffinity.consumeReservationType",
            "SPECIFIC_RESERVATION",
        ),
    ],
)
def test_a_wrong_input_of_a_node_pool_is_found(given, path, words):
    assert_found(NODE_POOL, given, path, words)


def assert_found(type_, inputs, path, words):
    (found,) = validate([make(type_, inputs)])
    assert found.severity is Severity.ERROR
    assert found.path == f"it ({type_}): {path}"
    assert words in f"{found.message} {found.fix}"
    assert found.fix
    assert found.source


@pytest.mark.parametrize(
    ("given", "code"),
    [
        ({"junk": 1}, "PLAN_INPUT_UNKNOWN"),
        ({"diskSize": "20"}, "PLAN_INPUT_TYPE"),
        ({"clusterName": None}, "PLAN_INPUT_REQUIRED"),
        ({"capacityType": "spot"}, "PLAN_INPUT_WORD"),
    ],
)
def test_codes_tell_the_kinds_of_problem_apart(given, code):
    (found,) = validate([make(NODE_GROUP, GROUP | given)])
    assert found.code == code


@pytest.mark.parametrize(
    ("type_", "hint"),
    [
        ("aws:eks/nodeGrup:NodeGroup", NODE_GROUP),
        ("kubernetes:app/v1:Deployment", DEPLOYMENT),
        ("kubernetes:networking.k8s.io/v1:Ingres", "kubernetes:networking.k8s.io/v1:Ingress"),
    ],
)
def test_a_type_that_the_sdk_lacks_is_found(type_, hint):
    (found,) = validate([make(type_, {})])
    assert found.code == "PLAN_TYPE_UNKNOWN"
    assert f'"{hint}"' in found.fix


def test_a_missing_sdk_is_a_warning():
    (found,) = validate([make("nosuchcloud:index/x:X", {})])
    assert (found.severity, found.code) == (Severity.WARNING, "PLAN_SDK_MISSING")
    assert "pulumi-nosuchcloud" in found.message


@pytest.mark.parametrize("marker", [UNKNOWN, SECRET])
def test_what_is_unknown_or_secret_is_passed_over(marker):
    inputs = dict.fromkeys(GROUP, marker) | {"capacityType": marker, "labels": {"a": marker}}
    assert validate([make(NODE_GROUP, inputs)]) == []
    assert validate([make(DEPLOYMENT, {**APP, "spec": marker})]) == []


def test_look_ups_are_not_checked():
    assert validate([make(NODE_GROUP, {"junk": 1}, options={"read": True})]) == []


def test_remote_components_are_checked_and_local_ones_are_not():
    chart = "kubernetes:helm.sh/v4:Chart"
    (found,) = validate([make(chart, {"chart": "x", "vlues": {}}, custom=False, options={"remote": True})])
    assert (found.code, found.fix) == ("PLAN_INPUT_UNKNOWN", 'did you mean "values"?')
    assert validate([make(chart, {"junk": 1}, custom=False)]) == []


def test_all_problems_of_all_resources_come_in_order():
    found = validate([make(NODE_GROUP, {"junk": 1}), make(DEPLOYMENT, APP | {"junk": 1})])
    assert [item.path.rpartition(" ")[2] for item in found] == [
        "junk",
        "clusterName",
        "nodeRoleArn",
        "scalingConfig",
        "subnetIds",
        "junk",
    ]


def inner_types(kind):
    for option in plain_kinds(kind):
        if is_input_type(option):
            yield option
        elif collection_kind(option) in (dict, list):
            yield from inner_types(typing.get_args(option)[-1])


@pytest.mark.parametrize(("type_", "path"), sorted(WORDS))
def test_words_are_of_properties_that_exist(type_, path):
    *outer, last = path.split(".")
    fields = input_fields(args_class(resource_class(type_)))
    for name in outer:
        fields = input_fields(next(inner_types(fields[name].kind)))
    assert last in fields


@pytest.mark.parametrize(
    ("service", "shape", "type_", "path"),
    [
        ("eks", "CapacityTypes", NODE_GROUP, "capacityType"),
        ("eks", "AMITypes", NODE_GROUP, "amiType"),
        ("eks", "TaintEffect", NODE_GROUP, "taints.effect"),
        ("eks", "NodegroupUpdateStrategies", NODE_GROUP, "updateConfig.updateStrategy"),
        ("eks", "AuthenticationMode", "aws:eks/cluster:Cluster", "accessConfig.authenticationMode"),
        ("eks", "SupportType", "aws:eks/cluster:Cluster", "upgradePolicy.supportType"),
        ("eks", "LogType", "aws:eks/cluster:Cluster", "enabledClusterLogTypes"),
        ("eks", "IpFamily", "aws:eks/cluster:Cluster", "kubernetesNetworkConfig.ipFamily"),
        ("eks", "ResolveConflicts", "aws:eks/addon:Addon", "resolveConflictsOnUpdate"),
        ("ec2", "MarketType", TEMPLATE, "instanceMarketOptions.marketType"),
        (
            "ec2",
            "CapacityReservationPreference",
            TEMPLATE,
            "capacityReservationSpecification.capacityReservationPreference",
        ),
        (
            "ec2",
            "InstanceInterruptionBehavior",
            TEMPLATE,
            "instanceMarketOptions.spotOptions.instanceInterruptionBehavior",
        ),
        ("ec2", "VolumeType", TEMPLATE, "blockDeviceMappings.ebs.volumeType"),
        ("ec2", "PlacementStrategy", "aws:ec2/placementGroup:PlacementGroup", "strategy"),
        ("ec2", "EndDateType", RESERVATION, "endDateType"),
        ("ec2", "InstanceMatchCriteria", RESERVATION, "instanceMatchCriteria"),
    ],
)
def test_words_of_aws_are_those_of_its_own_api_model(service, shape, type_, path):
    model = botocore.loaders.Loader().load_service_model(service, "service-2")
    assert set(WORDS[type_, path].allowed) == set(model["shapes"][shape]["enum"])
