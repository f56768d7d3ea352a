import base64

import pytest

from gpuyard.aws.launch import render_launch_template, render_node_group
from gpuyard.aws.node_image import gpu_ami_type, render_user_data, system_ami_type
from gpuyard.aws.spec import EksPoolSpec
from gpuyard.catalog.hardware import machine_types
from gpuyard.parsing import parse_spec

RESERVATION = "cr-0123456789abcdef0"


def pool(machine_type="g6.xlarge", **more) -> EksPoolSpec:
    return parse_spec(EksPoolSpec, {"machine_type": machine_type, "nodes_max": 2, **more})


@pytest.mark.parametrize(
    ("spec", "ami"),
    [
        (pool(), "AL2023_x86_64_NVIDIA"),
        (pool("g5g.xlarge"), "AL2023_ARM_64_NVIDIA"),
        (pool(bottlerocket=True), "BOTTLEROCKET_x86_64_NVIDIA"),
        (pool("g5g.xlarge", bottlerocket=True), "BOTTLEROCKET_ARM_64_NVIDIA"),
    ],
)
def test_the_image_follows_architecture_and_distribution(spec, ami):
    assert gpu_ami_type(spec) == ami


@pytest.mark.parametrize("instance", ["m7g.large", "c7gn.xlarge", "t4g.medium", "a1.large", "r8gd.2xlarge"])
def test_arm_system_nodes_get_an_arm_image(instance):
    assert system_ami_type(instance) == "AL2023_ARM_64_STANDARD"


@pytest.mark.parametrize(
    "instance", ["m7i.large", "m6a.large", "g6.xlarge", "gr6.4xlarge", "c5n.large", "t3.large"]
)
def test_other_system_nodes_get_an_intel_image(instance):
    assert system_ami_type(instance) == "AL2023_x86_64_STANDARD"


def test_the_name_rule_for_arm_agrees_with_the_catalog():
    wrong = {
        machine.id
        for machine in machine_types("aws").values()
        if (machine.arch == "arm64") != (system_ami_type(machine.id) == "AL2023_ARM_64_STANDARD")
    }
    assert wrong <= {"p6e-gb200.36xlarge"}  # Grace is Arm without Graviton's letter; it is no CPU node


def test_local_nvme_carries_images_and_weights():
    text = base64.b64decode(render_user_data(pool("p5.48xlarge")) or "").decode()
    head, _, body = text.partition("--gpuyard\n")
    assert 'boundary="gpuyard"' in head
    assert "Content-Type: application/node.eks.aws" in body
    assert "strategy: RAID0" in body
    assert text.endswith("--gpuyard--\n")


@pytest.mark.parametrize(
    "spec",
    [pool("p5.48xlarge", local_nvme=False), pool("p5.48xlarge", bottlerocket=True), pool("g5g.xlarge")],
)
def test_without_nvme_to_use_there_is_no_user_data(spec):
    assert render_user_data(spec) is None
    assert "user_data" not in render_launch_template(spec, {})


def test_metadata_needs_a_token_and_reaches_pods():
    options = render_launch_template(pool(), {})["metadata_options"]
    assert options == {"http_tokens": "required", "http_put_response_hop_limit": 2}


@pytest.mark.parametrize(("throughput", "iops"), [(125, 3000), (500, 3000), (750, 3000), (1000, 4000)])
def test_the_root_disk_has_the_operations_that_its_throughput_needs(throughput, iops):
    (disk,) = render_launch_template(pool(disk_throughput=throughput), {})["block_device_mappings"]
    assert disk["device_name"] == "/dev/xvda"
    assert (disk["ebs"]["volume_type"], disk["ebs"]["volume_size"], disk["ebs"]["iops"]) == ("gp3", 100, iops)


def test_bottlerocket_keeps_images_on_its_second_disk():
    (disk,) = render_launch_template(pool(bottlerocket=True), {})["block_device_mappings"]
    assert disk["device_name"] == "/dev/xvdb"


@pytest.mark.parametrize(
    ("machine", "count"), [("p5.48xlarge", 32), ("p5en.48xlarge", 16), ("g6e.48xlarge", 4)]
)
def test_efa_takes_device_0_of_card_0_and_device_1_of_the_others(machine, count):
    first, *others = render_launch_template(pool(machine, efa=True), {}, "sg-1")["network_interfaces"]
    assert (first["network_card_index"], first["device_index"], first["interface_type"]) == (0, 0, "efa")
    assert [item["network_card_index"] for item in others] == list(range(1, count))
    assert {(item["device_index"], item["interface_type"]) for item in others} == {(1, "efa-only")}
    assert all(item["security_groups"] == ["sg-1"] for item in (first, *others))


def test_efa_alone_brings_no_placement_group():
    template = render_launch_template(pool("p5.48xlarge", efa=True), {})
    assert "placement" not in template
    grouped = render_launch_template(pool("p5.48xlarge", efa=True, placement_group="of-the-reservation"), {})
    assert grouped["placement"] == {"group_name": "of-the-reservation"}


def test_no_interface_is_listed_unless_efa_is_asked_for():
    assert "network_interfaces" not in render_launch_template(pool("p5.48xlarge"), {})


def test_a_capacity_block_names_its_type_in_the_template_alone():
    spec = pool("p5.48xlarge", purchase="capacity_block", reservation_id=RESERVATION)
    template, group = render_launch_template(spec, {}), render_node_group(spec, "chat")
    assert template["instance_type"] == "p5.48xlarge"
    assert template["instance_market_options"] == {"market_type": "capacity-block"}
    assert template["capacity_reservation_specification"] == {
        "capacity_reservation_preference": "capacity-reservations-only",
        "capacity_reservation_target": {"capacity_reservation_id": RESERVATION},
    }
    assert group["capacity_type"] == "CAPACITY_BLOCK"
    assert "instance_types" not in group


def test_a_reservation_is_targeted_and_paid_as_on_demand():
    spec = pool("p5.48xlarge", purchase="reservation", reservation_id=RESERVATION)
    template, group = render_launch_template(spec, {}), render_node_group(spec, "chat")
    assert template["capacity_reservation_specification"]["capacity_reservation_target"] == {
        "capacity_reservation_id": RESERVATION
    }
    assert "instance_market_options" not in template
    assert (group["capacity_type"], group["instance_types"]) == ("ON_DEMAND", ["p5.48xlarge"])


@pytest.mark.parametrize(("purchase", "capacity"), [("on_demand", "ON_DEMAND"), ("spot", "SPOT")])
def test_other_purchases_target_no_reservation(purchase, capacity):
    spec = pool(purchase=purchase)
    assert "capacity_reservation_specification" not in render_launch_template(spec, {})
    assert render_node_group(spec, "chat")["capacity_type"] == capacity


def test_nodes_say_what_they_are_and_keep_other_pods_off():
    group = render_node_group(pool(labels={"team": "search"}), "chat")
    assert group["labels"] == {
        "k8s.amazonaws.com/accelerator": "l4",
        "gpuyard.dev/pool": "chat",
        "gpuyard.dev/accelerator": "l4",
        "team": "search",
    }
    assert group["taints"] == [{"key": "nvidia.com/gpu", "value": "present", "effect": "NO_SCHEDULE"}]


def test_an_update_asks_for_no_spare_machine_and_broken_nodes_are_replaced():
    group = render_node_group(pool(), "chat")
    assert group["update_config"] == {"max_unavailable": 1, "update_strategy": "MINIMAL"}
    assert group["node_repair_config"] == {"enabled": True}


def test_versions_are_pinned_only_when_given():
    assert not {"version", "release_version"} & set(render_node_group(pool(), "chat"))
    group = render_node_group(pool(kubernetes_version="1.35", image_release="1.35.2-20260917"), "chat")
    assert (group["version"], group["release_version"]) == ("1.35", "1.35.2-20260917")


@pytest.mark.parametrize(("desired", "expected"), [(None, 1), (2, 2)])
def test_a_pool_starts_with_its_minimum_unless_told_otherwise(desired, expected):
    scaling = render_node_group(pool(nodes_min=1, nodes_desired=desired), "chat")["scaling_config"]
    assert scaling == {"min_size": 1, "max_size": 2, "desired_size": expected}
