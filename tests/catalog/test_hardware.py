"""Names of GPUs and machine types: one id each, whatever people type."""

import pytest

from gpuyard.catalog.hardware import find_gpu, find_machine_type, gpus, machine_types
from gpuyard.catalog.names import UnknownName
from gpuyard.catalog.offers import shipped_offers
from gpuyard.catalog.tables import read_csv


@pytest.mark.parametrize(
    ("typed", "gpu"),
    [
        ("H100", "h100-sxm"),
        ("h100-80gb", "h100-sxm"),
        ("NVIDIA-H100-80GB-HBM3", "h100-sxm"),
        ("nvidia-h100-80gb", "h100-sxm"),
        ("nvidia-h100-mega-80gb", "h100-sxm"),
        ("H100-MEGA", "h100-sxm"),
        ("NVIDIA H100 PCIe", "h100-pcie"),
        ("nvidia-h200-141gb", "h200"),
        ("nvidia-l4", "l4"),
        ("NVIDIA L40S", "l40s"),
        ("Tesla-T4", "t4"),
        ("nvidia-tesla-t4", "t4"),
        ("a100", "a100-40gb"),
        ("a100-40", "a100-40gb"),
        ("nvidia-tesla-a100", "a100-40gb"),
        ("A100-SXM4-80GB", "a100-80gb-sxm"),
        ("a100-80gb", "a100-80gb-sxm"),
        ("NVIDIA-A100-80GB-PCIe", "a100-80gb-pcie"),
        ("RTXPRO6000", "rtx-pro-6000"),
        ("NVIDIA-RTX-PRO-6000-Blackwell-Server-Edition", "rtx-pro-6000"),
        ("rtx_5090", "rtx-5090"),
        ("GB200", "gb200"),
    ],
)
def test_a_gpu_has_one_id_whatever_people_type(typed, gpu):
    assert find_gpu(typed).id == gpu


def test_every_id_and_name_finds_its_own_gpu():
    for gpu in gpus().values():
        assert find_gpu(gpu.id) is gpu
        assert find_gpu(gpu.name) is gpu


@pytest.mark.parametrize(
    ("typed", "hint"), [("h100-smx", "h100"), ("l40x", "l40s"), ("a10", "a10g"), ("h100-nvl", "h100")]
)
def test_another_card_is_never_silently_taken_for_a_known_one(typed, hint):
    with pytest.raises(UnknownName, match=f'did you mean ".*{hint}'):
        find_gpu(typed)


def test_nothing_close_gets_no_hint():
    with pytest.raises(UnknownName) as error:
        find_gpu("abacus")
    assert "did you mean" not in str(error.value)


@pytest.mark.parametrize(
    ("typed", "expected"),
    [
        ("p5", "it is a family; its types: p5.48xlarge, p5.4xlarge"),
        ("a3", "a3-ultragpu-8g"),
        ("h100", "types with h100-sxm: p5.48xlarge"),
        ("p5.48xlarg", 'did you mean "p5.48xlarge"'),
    ],
)
def test_a_family_or_gpu_in_place_of_a_machine_type_lists_the_types(typed, expected):
    with pytest.raises(UnknownName) as error:
        find_machine_type(typed)
    assert expected in str(error.value)


def test_a_machine_type_is_found_in_any_case():
    assert find_machine_type("P5.48XLARGE").id == "p5.48xlarge"
    assert find_machine_type("a3-highgpu-8g").gpu_count == 8


def test_machine_types_agree_with_their_gpu():
    for machine in machine_types().values():
        gpu = gpus()[machine.gpu or ""]
        assert machine.sm == gpu.sm, machine.id
        assert machine.vcpu > 0, machine.id
        if machine.gpu_count >= 1 and gpu.memory_mib and machine.gpu_memory_mib:
            assert machine.gpu_memory_mib == pytest.approx(gpu.memory_mib, rel=0.02), machine.id


def test_every_node_label_and_every_price_row_names_a_known_gpu():
    for machine in machine_types().values():
        label = machine.accelerator_label.rpartition("=")[2]
        if label and label != "a100":  # Karpenter's a100 is either size
            assert find_gpu(label).id == machine.gpu, machine.id
    assert {find_gpu(row["gpu"]).id for row in read_csv("gpu_prices")} <= set(gpus())


def test_priced_gpu_machines_are_known_machine_types():
    whole = {offer.machine_type for offer in shipped_offers() if "GPU-ONLY" not in offer.machine_type}
    assert {name for name in whole if name not in machine_types()} <= {"n1-standard-4+1xT4"}
