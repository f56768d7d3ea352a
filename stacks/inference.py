"""One topology: the models of `Pulumi.<stack>.yaml`, wherever `capacity.<stack>.lock.yaml` says."""

from pathlib import Path

import pulumi

from gpuyard.stack.files import load_lock_data
from gpuyard.stack.inference_stack import InferenceStack


def build() -> None:
    """Build the stack that is selected."""
    stack = pulumi.get_stack()
    here = Path(__file__).parent
    inference = InferenceStack(
        stack,
        {
            "deployment": pulumi.Config().require_object("deployment"),
            "lock": load_lock_data(here, stack),
            "directory": str(here),
        },
    )
    for output in ("endpoints", "clusters", "kubeconfigs", "report"):
        pulumi.export(output, getattr(inference, output))
