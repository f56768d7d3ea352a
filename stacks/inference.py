"""One topology: the models of `Pulumi.<stack>.yaml`, wherever `capacity.<stack>.lock.yaml` says."""

from pathlib import Path

import pulumi

from gpuyard.stack.files import load_lock_data
from gpuyard.stack.inference_stack import InferenceStack, InferenceStackArgs


def build() -> None:
    """Build the stack that is selected."""
    stack, config = pulumi.get_stack(), pulumi.Config()
    here = Path(__file__).parent
    args: InferenceStackArgs = {
        "deployment": config.require_object("deployment"),
        "lock": load_lock_data(here, stack),
        "directory": str(here),
    }
    token = config.get_secret("huggingFaceToken")
    if token is not None:
        args["hugging_face_token"] = token
    inference = InferenceStack(stack, args)
    for output in ("endpoints", "clusters", "kubeconfigs", "report"):
        pulumi.export(output, getattr(inference, output))
