"""The four example stacks, recorded: what they hold, how it hangs together, what they report."""

import json

import pytest

from gpuyard.errors import Severity
from gpuyard.kubernetes.labels import POOL_LABEL
from gpuyard.planner import plan_program
from gpuyard.stack.reporting import summarize

from .conftest import NAMES, ROOT


def resources(planned, kind):
    return [item for item in planned.recording.resources if item.type.rpartition(":")[2] == kind]


def one(planned, kind):
    (found,) = resources(planned, kind)
    return found


def test_every_example_stack_can_be_deployed(each_stack):
    assert [item for item in each_stack.findings if item.severity is Severity.ERROR] == []


def test_logical_names_and_parents_stay(each_stack, snapshot):
    lines = [
        f"{item.type}  {item.name}  in {item.parent.rpartition('::')[2] if item.parent else 'the stack'}"
        for item in each_stack.recording.resources
    ]
    assert "\n".join(lines) == snapshot


def test_everything_hangs_below_the_one_component(each_stack):
    roots = [item.name for item in each_stack.recording.resources if item.parent is None]
    assert roots == [each_stack.stack]


def test_every_resource_has_a_provider_that_the_program_made(each_stack):
    urns = {item.urn for item in each_stack.recording.resources}
    for item in each_stack.recording.resources:
        if item.custom and not item.type.startswith("pulumi:providers:"):
            assert item.provider in urns, item.urn


def test_equal_input_gives_equal_bytes(program_of, no_kubeconfig):
    again = plan_program(ROOT, "staging")
    assert json.dumps(again.as_dict()) == json.dumps(program_of("staging").as_dict())


def test_the_program_itself_reports_what_the_plan_does(each_stack):
    """Under Pulumi's engine only the program is there to report: both must see the same resources."""
    assert each_stack.recording.outputs["report"] == summarize(each_stack.report)


def test_the_endpoint_waits_for_its_nodes_and_its_software(program_of):
    planned = program_of("prod")
    server = next(item for item in resources(planned, "Deployment") if item.name == "prod-chat-deployment")
    by_name = {item.name: item.urn for item in planned.recording.resources}
    pool = next(name for name in by_name if name.endswith("-nodes"))
    for needed in (
        pool,
        "prod-aws-us-east-1-gpu-release",
        "prod-aws-us-east-1-keda-release",
        "prod-aws-us-east-1-monitoring-release",
        "prod-aws-us-east-1-inference",
    ):
        assert by_name[needed] in server.dependencies, needed


@pytest.mark.parametrize("stack", ["dev", "prod", "staging"])
def test_pods_ask_for_the_label_that_their_nodes_carry(program_of, stack):
    planned = program_of(stack)
    pod = one(planned, "Deployment").inputs["spec"]["template"]["spec"]
    pools = [
        item.inputs.get("labels") or item.inputs["nodeConfig"]["labels"]
        for kind in ("NodeGroup", "NodePool")
        for item in resources(planned, kind)
    ]
    assert pod["nodeSelector"][POOL_LABEL] in [labels.get(POOL_LABEL) for labels in pools]


def test_production_has_replicas_that_move_and_gateways_in_each_zone(program_of):
    planned = program_of("prod")
    assert one(planned, "Deployment").inputs["spec"]["replicas"] == 2
    scaler = one(planned, "ScaledObject").inputs["spec"]
    assert (scaler["minReplicaCount"], scaler["maxReplicaCount"]) == (2, 4)
    assert len(resources(planned, "NatGateway")) == 2


def test_nodes_follow_the_replicas_on_eks(program_of):
    """Without an autoscaler KEDA's further replicas would wait for GPUs for ever."""
    assert one(program_of("prod"), "ClusterAutoscaler").name == "prod-aws-us-east-1-autoscaler"
    assert resources(program_of("dev"), "ClusterAutoscaler") == []


def test_a_cpu_cluster_gets_neither_operator_nor_pools(program_of):
    planned = program_of("local")
    assert resources(planned, "GpuOperator") == []
    assert resources(planned, "NodePool") == resources(planned, "NodeGroup") == []
    limits = one(planned, "Deployment").inputs["spec"]["template"]["spec"]["containers"][0]["resources"]
    assert "nvidia.com/gpu" not in limits.get("limits", {})


def test_a_plan_names_the_line_that_made_each_resource(program_of):
    root = one(program_of("dev"), "InferenceStack")
    assert root.source.startswith("stacks/inference.py:")


def test_the_report_prices_the_nodes_of_the_active_rung(program_of):
    report = program_of("prod").report
    (active,) = [row for row in report.rungs if row.is_active]
    nodes = [item for item in report.costs.items if "p5.48xlarge" in item.component]
    assert active.number == 1
    assert f"${nodes[0].unit_price:.2f}/h" == active.price
    assert nodes[0].source
    assert nodes[0].as_of


def test_a_token_becomes_the_secret_that_the_pods_read_and_is_never_shown(project):
    token = "hf_" + "q" * 34  # synthetic
    main = (project.root / "stacks" / "inference.py").read_text()
    (project.root / "stacks" / "inference.py").write_text(
        main.replace('config.get_secret("huggingFaceToken")', f'pulumi.Output.secret("{token}")')
    )
    planned = plan_program(project.root, "prod")
    secret = one(planned, "Secret")
    assert secret.inputs["metadata"] == {"name": "hugging-face", "namespace": "inference"}
    pod = one(planned, "Deployment")
    assert secret.urn in pod.dependencies
    assert token not in json.dumps(planned.as_dict())


def test_the_stacks_of_the_repository_are_all_tested():
    assert {file.name.split(".")[1] for file in (ROOT / "stacks").glob("Pulumi.*.yaml")} == set(NAMES)
