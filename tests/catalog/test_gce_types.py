"""Sizes of Google's machine types, wherever they are known from."""

import pytest

from gpuyard.catalog.gce_types import gce_shape, gce_types
from gpuyard.catalog.hardware import machine_types


@pytest.mark.parametrize(
    ("machine_type", "shape"),
    [
        ("n2-standard-8", (8, 32)),
        ("custom-4-16384", (4, 16)),
        ("n2-custom-6-65536-ext", (6, 64)),
        ("e2-custom-micro-1024", None),
        ("n2-standard-7", None),
    ],
)
def test_a_size_is_listed_or_in_the_name(machine_type, shape):
    assert gce_shape(machine_type) == shape


def test_gpu_types_without_a_list_price_have_the_size_of_the_machine_table():
    unlisted = [machine for machine in machine_types("gcp").values() if machine.id not in gce_types()]
    assert unlisted
    for machine in unlisted:
        assert gce_shape(machine.id) == (machine.vcpu, machine.memory_gib)
