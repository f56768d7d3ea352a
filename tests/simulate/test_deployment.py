"""A stack on simulated clouds without an engine: what up, refresh and destroy do to it."""

from pathlib import Path
from typing import Any

import pulumi
import pulumi_aws as aws
import pulumi_kubernetes as kubernetes
import pytest

from gpuyard.errors import EngineError
from gpuyard.simulate.clouds import Clouds, Refusal
from gpuyard.simulate.deployment import SimulatedStack
from gpuyard.simulate.scenario import parse_scenario
from gpuyard.simulate.steps import Action, Outcome

ROLE = "aws:iam/role:Role"


def stack_of(program, *rules: dict[str, Any]) -> SimulatedStack:
    clouds = Clouds(scenario=parse_scenario({"rules": list(rules)}))
    return SimulatedStack(program, project="demo", stack="test", root=Path(__file__).parent, clouds=clouds)


class Network:
    """A program whose parts a test can change between two runs."""

    def __init__(self) -> None:
        self.cidr, self.subnets, self.tags = "10.0.0.0/16", ["a", "b"], {"team": "one"}
        self.options: dict[str, Any] = {}

    def __call__(self) -> None:
        east = aws.Provider("east", region="us-east-1", default_tags={"tags": {"owner": "test"}})
        options = pulumi.ResourceOptions(provider=east, **self.options)
        vpc = aws.ec2.Vpc("net", cidr_block=self.cidr, tags=self.tags, opts=options)
        for index, name in enumerate(self.subnets):
            aws.ec2.Subnet(
                f"sub-{name}",
                vpc_id=vpc.id,
                cidr_block=f"10.0.{index}.0/24",
                opts=pulumi.ResourceOptions(provider=east),
            )
        pulumi.export("vpc", vpc.id)


def actions(outcome: Outcome) -> dict[str, Action]:
    return {step.name: step.action for step in outcome.steps if step.custom and "provider" not in step.type}


def test_a_second_up_changes_nothing():
    stack = stack_of(Network())
    assert actions(stack.up()) == dict.fromkeys(("net", "sub-a", "sub-b"), Action.CREATE)
    assert not stack.up().changed
    assert not stack.refresh().changed


def test_preview_changes_nothing_and_foresees_what_up_does():
    program = Network()
    stack = stack_of(program)
    assert actions(stack.preview()) == actions(stack.up())
    program.cidr, program.subnets = "10.0.0.0/15", ["a"]
    foreseen = actions(stack.preview())
    assert foreseen == {"net": Action.REPLACE, "sub-a": Action.REPLACE, "sub-b": Action.DELETE}
    assert not stack.refresh().changed


def test_a_new_range_replaces_the_network_and_what_lies_in_it():
    program = Network()
    stack = stack_of(program)
    before = stack.up().outputs["vpc"]
    program.cidr = "10.0.0.0/15"
    outcome = stack.up()
    found = [(step.name, step.action) for step in outcome.steps if step.action is not Action.SAME]
    replaced = dict.fromkeys(("net", "sub-a", "sub-b"), Action.REPLACE)
    assert {name: action for name, action in found if action is Action.REPLACE} == replaced
    assert {name for name, action in found if action is Action.DELETE} == set(replaced)
    assert outcome.outputs["vpc"] != before
    assert not stack.refresh().changed
    with stack.clouds.store.opened() as book:
        assert len(book.resources) == 3


def test_tags_change_in_place_with_the_path_that_changed():
    program = Network()
    stack = stack_of(program)
    before = stack.up().outputs["vpc"]
    program.tags = {"team": "two"}
    outcome = stack.up()
    step = next(step for step in outcome.steps if step.name == "net")
    assert step.action is Action.UPDATE
    assert [change.path for change in step.changes] == ["tags.team"]
    assert outcome.outputs["vpc"] == before
    assert stack.deployed[step.urn].outputs["tagsAll"] == {"owner": "test", "team": "two"}


def test_ignored_changes_are_ignored():
    program = Network()
    program.options = {"ignore_changes": ["tags.team", "cidrBlock"]}
    stack = stack_of(program)
    stack.up()
    program.tags, program.cidr = {"team": "two"}, "10.0.0.0/15"
    assert not stack.up().changed


def test_drift_shows_in_refresh_and_the_next_up_sets_it_right():
    stack = stack_of(Network())
    stack.up()
    with stack.clouds.store.opened() as book:
        record = next(item for item in book.resources.values() if item.name == "net")
        record.properties["tags"] = {"team": "somebody else"}
    assert actions(stack.refresh())["net"] is Action.REFRESH
    assert actions(stack.up())["net"] is Action.UPDATE
    assert not stack.up().changed


def test_what_vanished_is_made_again():
    stack = stack_of(Network())
    stack.up()
    with stack.clouds.store.opened() as book:
        key = next(key for key, item in book.resources.items() if item.name == "sub-a")
        del book.resources[key]
    assert actions(stack.refresh())["sub-a"] is Action.GONE
    assert actions(stack.up())["sub-a"] is Action.CREATE


def test_a_failed_resource_stops_what_needs_it_and_nothing_else_and_up_resumes():
    def program():
        east = aws.Provider("east", region="us-east-1")
        options = pulumi.ResourceOptions(provider=east)
        net = aws.ec2.Vpc("net", cidr_block="10.0.0.0/16", opts=options)
        aws.ec2.Subnet("sub", vpc_id=net.id, cidr_block="10.0.0.0/24", opts=options)
        aws.iam.Role("role", assume_role_policy="{}", opts=options)

    stack = stack_of(program, {"when": {"name": "net"}, "fail": "throttled", "times": 1, "takes": "30s"})
    outcome = stack.up(at=10.0)
    assert [type(step.error) for step in outcome.failures] == [Refusal]
    assert actions(outcome)["sub"] is Action.SKIP
    assert actions(outcome)["role"] is Action.CREATE
    assert outcome.end == 40.0
    resumed = stack.up(at=outcome.end)
    assert resumed.failures == ()
    assert actions(resumed) == {"net": Action.CREATE, "sub": Action.CREATE, "role": Action.SAME}


def test_times_follow_the_dependencies_and_not_the_threads():
    rules = [{"when": {"name": "net"}, "takes": "10s"}, {"when": {"name": "sub-*"}, "takes": "5s"}]
    outcome = stack_of(Network(), *rules).up(at=100.0)
    times = {step.name: (step.begin, step.end) for step in outcome.steps}
    assert times["net"] == (100.0, 110.0)
    assert times["sub-a"] == times["sub-b"] == (110.0, 115.0)
    assert outcome.seconds == 15.0


def test_destroy_deletes_dependents_first_and_leaves_the_clouds_empty():
    stack = stack_of(Network(), {"when": {"operation": "delete"}, "takes": "2s"})
    stack.up()
    outcome = stack.destroy()
    assert outcome.failures == ()
    assert outcome.seconds == 4.0
    assert stack.deployed == {}
    with stack.clouds.store.opened() as book:
        assert book.resources == {}


def test_what_is_protected_stays_with_all_that_it_needs():
    program = Network()
    program.options = {"protect": True}
    stack = stack_of(program)
    stack.up()
    outcome = stack.destroy()
    assert [step.name for step in outcome.failures] == ["net"]
    assert {item.resource.name for item in stack.deployed.values()} == {"net", "east"}


def test_an_object_needs_its_namespace_and_its_definitions():
    def program():
        region = pulumi.ResourceOptions(provider=aws.Provider("east", region="us-east-1"))
        cluster = aws.eks.Cluster("main", role_arn="arn:x", vpc_config={"subnet_ids": []}, opts=region)
        config = cluster.endpoint.apply(
            lambda address: {
                "current-context": "c",
                "contexts": [{"name": "c", "context": {"cluster": "c"}}],
                "clusters": [{"name": "c", "cluster": {"server": address}}],
            }
        )
        inside = pulumi.ResourceOptions(
            provider=kubernetes.Provider("in", kubeconfig=pulumi.Output.json_dumps(config))
        )
        kubernetes.core.v1.ConfigMap("early", metadata={"namespace": "absent"}, opts=inside)
        kubernetes.apiextensions.CustomResource(
            "scaler", api_version="keda.sh/v1alpha1", kind="ScaledObject", spec={}, opts=inside
        )

    found = {step.name: str(step.error) for step in stack_of(program).up().failures}
    assert found["early"] == 'namespaces "absent" not found'
    assert "ensure CRDs are installed first" in found["scaler"]


def test_a_type_that_no_provider_has_is_an_error():
    def program():
        pulumi.CustomResource("aws:ec2/vcp:Vcp", "x", {})

    stack = stack_of(program)
    outcome = stack.up()
    told = str(outcome.failures[0].error)
    assert "no resource type aws:ec2/vcp:Vcp" in told
    assert 'did you mean "aws:ec2/vpc:Vpc"' in told


def test_a_look_up_of_what_is_not_there_says_so():
    def program():
        aws.ec2.Vpc.get("found", "vpc-1")

    stack = SimulatedStack(
        program, project="demo", stack="test", root=Path(__file__).parent, config={"aws:region": "us-east-1"}
    )
    with pytest.raises(EngineError, match="vpc-1 is not in the simulated clouds"):
        stack.up()
