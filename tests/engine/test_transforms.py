"""Transforms run as the engine runs them: the resource's own, then its ancestors', then the stack's."""

import pulumi
import pulumi_aws as aws
import pytest
from tests.engine.conftest import Clouds, one

from gpuyard.errors import EngineError


class Group(pulumi.ComponentResource):
    def __init__(self, name, opts=None):
        super().__init__("demo:index:Group", name, {}, opts)


def append(letter):
    def transform(args):
        if args.type_ != "aws:ec2/vpc:Vpc":
            return None
        trail = args.props.get("tags", {}).get("trail", "") + letter
        return pulumi.ResourceTransformResult({**args.props, "tags": {"trail": trail}}, args.opts)

    return transform


def test_transforms_run_from_the_inside_out(recorded):
    def program():
        pulumi.runtime.register_resource_transform(append("s"))
        outer = Group("outer", pulumi.ResourceOptions(transforms=[append("o")]))
        inner = Group("inner", pulumi.ResourceOptions(parent=outer))
        options = pulumi.ResourceOptions(parent=inner, transforms=[append("1"), append("2")])
        aws.ec2.Vpc("own", cidr_block="10.0.0.0/16", opts=options)
        aws.ec2.Vpc("plain", cidr_block="10.0.0.0/16")

    recording = recorded(program)
    assert one(recording, "own").inputs["tags"] == {"trail": "12os"}
    assert one(recording, "plain").inputs["tags"] == {"trail": "s"}
    assert one(recording, "plain").inputs["cidrBlock"] == "10.0.0.0/16"


def test_a_transform_changes_options_and_leaves_the_others(recorded):
    def protect(args):
        options = pulumi.ResourceOptions.merge(
            args.opts,
            pulumi.ResourceOptions(
                protect=True, ignore_changes=["tags"], custom_timeouts=pulumi.CustomTimeouts(create="1h")
            ),
        )
        return pulumi.ResourceTransformResult(args.props, options)

    def program():
        east = aws.Provider("east", region="us-east-1")
        first = aws.ec2.Vpc("first", cidr_block="10.0.0.0/16")
        options = pulumi.ResourceOptions(
            provider=east, depends_on=[first], delete_before_replace=True, transforms=[protect]
        )
        aws.ec2.Vpc("net", cidr_block="10.0.0.0/16", opts=options)

    recording = recorded(program)
    net = one(recording, "net")
    assert net.options["protect"] is True
    assert net.options["deleteBeforeReplace"] is True
    assert net.options["ignoreChanges"] == ["tags"]
    assert net.options["customTimeouts"] == {"create": "1h"}
    assert net.dependencies == (one(recording, "first").urn,)
    assert net.provider == one(recording, "east").urn


def test_a_transform_of_calls_changes_their_arguments(recorded):
    clouds = Clouds(functions={"aws:ec2/getAmi:getAmi": {"id": "ami-1", "imageId": "ami-1"}})

    def owned(args):
        return pulumi.InvokeTransformResult({**args.args, "owners": ["111122223333"]}, args.opts)

    def program():
        pulumi.runtime.register_invoke_transform(owned)
        pulumi.export("ami", aws.ec2.get_ami_output(owners=["amazon"]).id)

    assert recorded(program, answers=clouds).outputs == {"ami": "ami-1"}
    assert [args["owners"] for _, args in clouds.asked] == [["111122223333"]]


def test_a_failing_transform_names_the_resource_and_its_own_words(recorded):
    def broken(_args):
        raise ValueError("tags are not allowed here")

    def program():
        aws.ec2.Vpc("net", cidr_block="10.0.0.0/16", opts=pulumi.ResourceOptions(transforms=[broken]))

    with pytest.raises(EngineError, match='a transform failed on "net": tags are not allowed here') as caught:
        recorded(program)
    assert "Traceback" not in str(caught.value)
    assert ".py" not in str(caught.value)


def test_stack_transforms_of_one_program_do_not_reach_the_next(recorded):
    def tagging():
        pulumi.runtime.register_resource_transform(append("s"))
        pulumi.runtime.register_stack_transformation(
            lambda given: pulumi.ResourceTransformationResult({**given.props, "x": 1}, given.opts)
        )
        pulumi.CustomResource("demo:index:Thing", "first")

    def plain():
        pulumi.CustomResource("demo:index:Thing", "second")
        aws.ec2.Vpc("net", cidr_block="10.0.0.0/16")

    assert one(recorded(tagging), "first").inputs == {"x": 1}
    recording = recorded(plain)
    assert one(recording, "second").inputs == {}
    assert one(recording, "net").inputs == {"cidrBlock": "10.0.0.0/16"}
