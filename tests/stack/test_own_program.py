"""A program of one's own, planned as text: what its components warn of is said."""

import pytest

from gpuyard.cli.main import run

PROGRAM = """
import pulumi
import pulumi_kubernetes as kubernetes
from gpuyard.components import ModelEndpoint

provider = kubernetes.Provider("here", kubeconfig="{}")
ModelEndpoint(
    "chat",
    {"name": "chat", "model": "Qwen/Qwen3-4B", "args": ["--max-modle-len=2048"]},
    pulumi.ResourceOptions(providers=[provider]),
)
"""


@pytest.fixture
def directory(tmp_path):
    (tmp_path / "Pulumi.yaml").write_text("name: mine\nruntime: python\nmain: .\n")
    (tmp_path / "Pulumi.dev.yaml").touch()
    (tmp_path / "__main__.py").write_text(PROGRAM)
    return tmp_path


def test_a_plan_of_it_shows_the_warnings(directory, capsys):
    assert run(["plan", "-s", "dev", "--directory", str(directory)]) == 0
    said = capsys.readouterr().out
    assert "the program warns\n" in said
    assert "vllm has no --max-modle-len; did you mean --max-model-len?" in said
    assert "[ROLLOUT_INTERRUPTS]" in said
