"""The ladder inside a cluster: Karpenter NodePools and a GKE ComputeClass."""

import pytest
import yaml
from syrupy.extensions.single_file import SingleFileSnapshotExtension, WriteMode

from gpuyard.capacity.compute_class import render_compute_class
from gpuyard.capacity.karpenter import WEIGHT_MAX, render_karpenter
from gpuyard.capacity.lock import LockedRung
from gpuyard.cli.main import run

from .test_cli_lock import ROOT


class YamlFile(SingleFileSnapshotExtension):
    """Goldens that other tools can read."""

    file_extension = "yaml"
    _write_mode = WriteMode.TEXT


def rung(purchase: str, **changes) -> LockedRung:
    base = {
        "cloud": "aws",
        "region": "us-east-1",
        "zones": ["use1-az4", "use1-az6"],
        "machine_type": "p5.48xlarge",
        "accelerator": "h100-sxm",
        "gpus_per_node": 8,
        "gpus_per_replica": 8,
        "purchase": purchase,
        "nodes_min": 1,
        "nodes_max": 2,
    }
    return LockedRung(**{**base, **changes})


def gcp(purchase: str, **changes) -> LockedRung:
    place = {
        "cloud": "gcp",
        "region": "us-central1",
        "zones": ["us-central1-a"],
        "machine_type": "a3-highgpu-8g",
    }
    return rung(purchase, **{**place, **changes})


AWS_LADDER = (
    rung("reservation", zones=["use1-az6"], reservation="cr-0123456789abcdef0", placement_group="pg-llm"),
    rung("capacity_block", zones=["use1-az4"], reservation="cr-0fedcba9876543210"),
    rung("on_demand"),
    rung("spot"),
    rung("future_reservation"),
    rung("capacity_block", offering="cb-1"),
)
GCP_LADDER = (
    gcp("reservation", reservation="projects/shared/reservations/h100/reservationBlocks/block-1"),
    gcp("on_demand"),
    gcp("flex_start"),
    gcp("spot", zones=[]),
    gcp("queued"),
    gcp("calendar"),
)


def karpenter(rungs=AWS_LADDER):
    return render_karpenter(
        "chat", rungs, cluster="main", role="nodes", labels={"gpuyard.dev/pool": "chat-p5"}
    )


def text(documents) -> str:
    return yaml.safe_dump_all(documents, sort_keys=False)


def test_karpenter_manifests_are_the_reviewed_ones(snapshot):
    assert text(karpenter()) == snapshot.use_extension(YamlFile)


def test_the_compute_class_is_the_reviewed_one(snapshot):
    assert text(render_compute_class("chat", GCP_LADDER)) == snapshot.use_extension(YamlFile)


def test_the_better_rung_is_the_heavier_node_pool():
    pools = [item for item in karpenter() if item["kind"] == "NodePool"]
    weights = [pool["spec"]["weight"] for pool in pools]
    assert weights == [100, 99, 98, 97]
    kinds = [pool["spec"]["template"]["spec"]["requirements"][1]["values"] for pool in pools]
    assert kinds == [["reserved"], ["reserved"], ["on-demand"], ["spot"]]


def test_a_reservation_has_a_node_class_of_its_own_that_names_it():
    classes = {
        item["metadata"]["name"]: item["spec"] for item in karpenter() if item["kind"] == "EC2NodeClass"
    }
    assert classes["chat-cr-0123456789abcdef0"]["capacityReservationSelectorTerms"] == [
        {"id": "cr-0123456789abcdef0"}
    ]
    assert classes["chat-cr-0123456789abcdef0"]["placementGroupSelector"] == {"name": "pg-llm"}
    assert "capacityReservationSelectorTerms" not in classes["chat"]


def test_what_has_to_be_bought_first_is_no_node_pool():
    assert karpenter([rung("capacity_block", offering="cb-1"), rung("future_reservation")]) == []


def test_a_ladder_longer_than_karpenters_weights_is_cut():
    pools = [item for item in karpenter([rung("spot")] * 150) if item["kind"] == "NodePool"]
    assert len(pools) == WEIGHT_MAX
    assert pools[-1]["spec"]["weight"] == 1


def test_gangs_are_left_to_their_pool():
    assert karpenter([rung("on_demand", nodes_per_replica=2)]) == []
    assert render_compute_class("chat", [gcp("on_demand", nodes_per_replica=2)]) == []


def test_priorities_keep_the_order_of_the_ladder_and_ask_for_the_gpu():
    (found,) = render_compute_class("chat", GCP_LADDER)
    rules = found["spec"]["priorities"]
    assert [next(iter(set(rule) & {"reservations", "flexStart", "spot"}), "on demand") for rule in rules] == [
        "reservations",
        "on demand",
        "flexStart",
        "spot",
    ]
    assert all(
        rule["gpu"] == {"type": "nvidia-h100-80gb", "count": 8, "driverVersion": "default"} for rule in rules
    )
    assert "location" not in rules[0]  # GKE rejects zones beside a specific reservation
    assert rules[0]["reservations"] == {
        "affinity": "Specific",
        "specific": [{"name": "h100", "project": "shared", "reservationBlock": {"name": "block-1"}}],
    }


@pytest.mark.parametrize(
    ("stack", "kinds"), [("prod", {"EC2NodeClass", "NodePool"}), ("dev", {"ComputeClass"})]
)
def test_the_command_prints_manifests_of_the_active_region(stack, kinds, capsys):
    assert run(["capacity", "-s", stack, "--manifests", "--directory", str(ROOT)]) == 0
    printed = capsys.readouterr().out
    assert {item["kind"] for item in yaml.safe_load_all(printed)} == kinds
    assert "&id" not in printed
