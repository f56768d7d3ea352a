"""What every cluster gives, wherever it runs."""

from collections.abc import Mapping
from typing import Any, Protocol

import pulumi
import pulumi_kubernetes as kubernetes


class GpuCluster(Protocol):
    """A cluster that endpoints can be put on: made on a cloud, or existing."""

    platform: str
    """``eks``, ``gke`` or ``kubernetes``."""
    region: str
    """Region of the cloud; empty for an existing cluster."""
    zones: tuple[str, ...]
    """Zones that pools may name: ids at AWS, names at Google Cloud; empty: the cluster does not say."""
    storage_class: str
    """StorageClass for volumes of CPU pods, e.g. metrics; empty: the cluster's own default.

    Weights do not go there: they lie on the node's disk, because GPU machines of the newest families
    cannot attach every kind of volume.
    """
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
