"""What decides can be imported without Pulumi: planners and the command line do so."""

import subprocess
import sys

import pytest

PURE = [
    "gpuyard.aws.spec",
    "gpuyard.aws.subnets",
    "gpuyard.aws.launch",
    "gpuyard.aws.node_image",
    "gpuyard.gcp.spec",
    "gpuyard.gcp.labels",
    "gpuyard.gcp.nodes",
    "gpuyard.kubernetes.spec",
    "gpuyard.kubernetes.labels",
    "gpuyard.kubernetes.naming",
    "gpuyard.kubernetes.kubeconfig",
]


def loaded(*modules: str) -> set[str]:
    program = f"import sys, {', '.join(modules)}; print(*sys.modules)"
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    return set(done.stdout.split())


def test_pure_modules_load_no_pulumi():
    assert not {"pulumi", "pulumi_aws", "pulumi_gcp", "pulumi_kubernetes"} & loaded(*PURE)


@pytest.mark.parametrize(
    ("module", "stranger"),
    [
        ("gpuyard.aws.cluster", "pulumi_gcp"),
        ("gpuyard.gcp.cluster", "pulumi_aws"),
        ("gpuyard.kubernetes.existing", "pulumi_aws"),
        ("gpuyard.kubernetes.existing", "pulumi_gcp"),
    ],
)
def test_no_cloud_loads_the_other_ones_sdk(module, stranger):
    assert stranger not in loaded(module)
