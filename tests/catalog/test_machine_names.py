"""Machine types that the catalog knows by their names alone."""

import pytest

from gpuyard.catalog.hardware import gpus
from gpuyard.catalog.machine_names import find_named_machine, named_machines
from gpuyard.catalog.software import other_gpus


def test_every_gpu_of_theirs_is_known():
    assert named_machines()
    for row in named_machines():
        assert row.gpu in gpus() or row.gpu in other_gpus(), row.gpu
        assert row.count >= 1
        assert row.source
        assert row.as_of


@pytest.mark.parametrize(
    ("text", "gpu", "count"),
    [
        ("Standard_ND96isr_H100_v5", "h100-sxm", 8),
        ("NC24ads A100 v4", "a100-80gb-pcie", 1),
        ("Standard_NC40ads_H100_v5", "h100-nvl", 1),
        ("Standard_NC6", "k80", 1),
        ("standard_nc12s_v3", "v100-16gb", 2),
        ("BM.GPU.A100-v2.8", "a100-80gb-sxm", 8),
        ("VM.GPU.A10.1", "a10", 1),
    ],
)
def test_spellings_of_azure_and_oracle(text, gpu, count):
    found = find_named_machine(text)
    assert found is not None
    assert (found.gpu, found.count) == (gpu, count)


@pytest.mark.parametrize("text", ["Standard_D4s_v5", "g5.xlarge", "Standard_NV6ads_A10_v5", "nc24ads"])
def test_other_names_say_nothing(text):
    assert find_named_machine(text) is None
