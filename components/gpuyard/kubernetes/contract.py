"""What every cluster gives, wherever it runs."""

from collections.abc import Mapping
from typing import Any, Protocol

import pulumi
import pulumi_kubernetes as kubernetes


class GpuCluster(Protocol):
    """A cluster that endpoints can be put on: made on a cloud, or existing."""

    platform: str
    """``eks``, ``gke`` or ``kubernetes``."""
    cluster_name: pulumi.Output[str]
    kubernetes_provider: kubernetes.Provider
    """Reaches this cluster; give it to every Kubernetes resource."""

    def gpu_pool(
        self, name: str, args: Mapping[str, Any], opts: pulumi.ResourceOptions | None = None
    ) -> pulumi.Resource:
        """A pool of GPU nodes in this cluster.

        Raises:
            SpecError: the cluster is not ours to add nodes to, or the arguments are wrong.
        """
        ...
