import pytest
from hypothesis import given
from hypothesis import strategies as st

from gpuyard.catalog.hardware import machine_types
from gpuyard.gcp.nodes import disk_type, gke_accelerator, render_node_pool
from gpuyard.gcp.spec import GkePoolSpec
from gpuyard.parsing import parse_spec

ZONES = ["us-central1-a", "us-central1-b", "us-central1-c"]


def pool(machine_type="g2-standard-8", **more) -> GkePoolSpec:
    return parse_spec(GkePoolSpec, {"machine_type": machine_type, "nodes_max": 4, **more})


@pytest.mark.parametrize(
    ("machine", "accelerator", "count"),
    [
        ("g2-standard-8", "nvidia-l4", 1),
        ("g2-standard-96", "nvidia-l4", 8),
        ("a2-highgpu-1g", "nvidia-tesla-a100", 1),
        ("a2-ultragpu-2g", "nvidia-a100-80gb", 2),
        ("a3-highgpu-8g", "nvidia-h100-80gb", 8),
        ("a3-megagpu-8g", "nvidia-h100-mega-80gb", 8),
        ("a3-ultragpu-8g", "nvidia-h200-141gb", 8),
        ("a4-highgpu-8g", "nvidia-b200", 8),
    ],
)
def test_accelerators_have_googles_names(machine, accelerator, count):
    (given_,) = render_node_pool(pool(machine), "chat")["node_config"]["guest_accelerators"]
    assert (given_["type"], given_["count"]) == (accelerator, count)


@pytest.mark.parametrize(
    ("machine", "disk"),
    [
        ("g2-standard-8", "pd-balanced"),
        ("a2-highgpu-1g", "pd-ssd"),
        ("a3-highgpu-8g", "pd-ssd"),
        ("a3-megagpu-8g", "pd-ssd"),
        ("a3-ultragpu-8g", "hyperdisk-balanced"),
        ("a4-highgpu-8g", "hyperdisk-balanced"),
        ("a4x-highgpu-4g", "hyperdisk-balanced"),
        ("g4-standard-48", "hyperdisk-balanced"),
    ],
)
def test_families_without_persistent_disks_boot_from_hyperdisk(machine, disk):
    assert disk_type(pool(machine)) == disk


def test_every_machine_with_whole_gpus_renders_with_an_accelerator():
    rendered = [
        gke_accelerator(pool(machine.id))
        for machine in machine_types("gcp").values()
        if machine.gpu_count >= 1 and "*" not in machine.id
    ]
    assert len(rendered) > 20
    assert all(name.startswith("nvidia-") for name in rendered)


def test_google_installs_the_driver_unless_told_otherwise():
    config = render_node_pool(pool(), "chat")["node_config"]
    (accelerator,) = config["guest_accelerators"]
    assert accelerator["gpu_driver_installation_config"] == {"gpu_driver_version": "DEFAULT"}
    assert "gke-no-default-nvidia-gpu-device-plugin" not in config["labels"]


def test_a_driver_of_the_operator_keeps_googles_device_plugin_off():
    config = render_node_pool(pool(driver="INSTALLATION_DISABLED"), "chat")["node_config"]
    (accelerator,) = config["guest_accelerators"]
    assert accelerator["gpu_driver_installation_config"] == {"gpu_driver_version": "INSTALLATION_DISABLED"}
    assert config["labels"]["gke-no-default-nvidia-gpu-device-plugin"] == "true"


def test_nodes_say_what_they_are_and_keep_other_pods_off():
    config = render_node_pool(pool(labels={"team": "search"}, tags={"Team": "Search"}), "chat")["node_config"]
    assert config["labels"] == {"gpuyard.dev/pool": "chat", "gpuyard.dev/accelerator": "l4", "team": "search"}
    assert config["resource_labels"] == {"team": "search", "gpuyard-pool": "chat"}
    assert config["taints"] == [{"key": "nvidia.com/gpu", "value": "present", "effect": "NO_SCHEDULE"}]


@pytest.mark.parametrize("purchase", ["on_demand", "spot", "flex_start", "queued"])
def test_only_a_reservation_pool_takes_a_reservation(purchase):
    affinity = render_node_pool(pool(purchase=purchase), "chat")["node_config"]["reservation_affinity"]
    assert affinity == {"consume_reservation_type": "NO_RESERVATION"}


def test_a_reservation_is_named_and_nothing_else_is_taken():
    spec = pool(purchase="reservation", reservation="mine", zones=ZONES[:1])
    assert render_node_pool(spec, "chat")["node_config"]["reservation_affinity"] == {
        "consume_reservation_type": "SPECIFIC_RESERVATION",
        "key": "compute.googleapis.com/reservation-name",
        "values": ["mine"],
    }


@pytest.mark.parametrize(
    ("purchase", "present"),
    [
        ("on_demand", set()),
        ("spot", {"spot"}),
        ("flex_start", {"flex_start", "max_run_duration"}),
        ("queued", set()),
    ],
)
def test_a_purchase_sets_its_own_switch_alone(purchase, present):
    config = render_node_pool(pool(purchase=purchase), "chat")["node_config"]
    assert present == {"spot", "flex_start", "max_run_duration"} & set(config)


def test_flex_start_nodes_end_after_a_week():
    config = render_node_pool(pool(purchase="flex_start"), "chat")["node_config"]
    assert config["max_run_duration"] == f"{7 * 24 * 3600}s"


def test_a_queued_pool_says_so():
    assert render_node_pool(pool(purchase="queued"), "chat")["queued_provisioning"] == {"enabled": True}


@pytest.mark.parametrize(
    ("purchase", "repairs"), [("on_demand", True), ("spot", True), ("flex_start", False), ("queued", False)]
)
def test_nodes_that_wait_in_a_queue_are_not_repaired_and_upgrade_their_own_way(purchase, repairs):
    rendered = render_node_pool(pool(purchase=purchase), "chat")
    assert rendered["management"] == {"auto_repair": repairs, "auto_upgrade": True}
    assert ("upgrade_settings" in rendered) is repairs


def test_an_upgrade_asks_for_no_spare_machine():
    settings = render_node_pool(pool(), "chat")["upgrade_settings"]
    assert settings == {"strategy": "SURGE", "max_surge": 0, "max_unavailable": 1}


@given(st.integers(0, 4), st.integers(0, 3))
def test_creation_never_buys_more_than_the_minimum(nodes, zones):
    rendered = render_node_pool(pool(nodes_min=nodes, zones=ZONES[:zones]), "chat")
    assert rendered["initial_node_count"] * max(zones, 1) <= nodes
    assert rendered["autoscaling"]["total_min_node_count"] == nodes


def test_one_zone_is_created_with_its_whole_minimum():
    assert render_node_pool(pool(nodes_min=3, zones=ZONES[:1]), "chat")["initial_node_count"] == 3


def test_zones_and_placement_appear_when_asked_for():
    plain = render_node_pool(pool(), "chat")
    assert not {"node_locations", "placement_policy", "best_effort_provisioning"} & set(plain)
    spec = pool("a3-highgpu-8g", zones=ZONES[:1], compact=True, nodes_min=2, best_effort_min=1)
    rendered = render_node_pool(spec, "chat")
    assert rendered["node_locations"] == ZONES[:1]
    assert rendered["placement_policy"] == {"type": "COMPACT"}
    assert rendered["best_effort_provisioning"] == {"enabled": True, "min_provision_nodes": 1}


def test_nodes_have_the_fast_network_card_and_hide_googles_metadata_from_pods():
    config = render_node_pool(pool(), "chat")["node_config"]
    assert config["gvnic"] == {"enabled": True}
    assert config["workload_metadata_config"] == {"mode": "GKE_METADATA"}
    assert config["shielded_instance_config"]["enable_integrity_monitoring"] is True


def test_the_autoscaler_takes_any_zone_that_has_machines():
    assert render_node_pool(pool(nodes_min=1), "chat")["autoscaling"] == {
        "total_min_node_count": 1,
        "total_max_node_count": 4,
        "location_policy": "ANY",
    }
