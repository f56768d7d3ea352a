"""Spec of an existing cluster: complete, frozen, free of Pulumi."""

from pydantic import Field

from gpuyard.parsing import Spec


class ExistingClusterSpec(Spec):
    """How to reach a cluster that exists."""

    context: str = Field(min_length=1)
    kubeconfig: str = ""
    storage_class: str = ""
