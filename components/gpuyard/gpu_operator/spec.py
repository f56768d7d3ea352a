"""Settings of the GPU Operator, and what follows from platform and node image."""

from collections.abc import Iterator, Mapping
from enum import StrEnum

from pydantic import Field, model_validator

from gpuyard.catalog.tables import read_csv
from gpuyard.parsing import Spec

CHART_REPOSITORY = "https://helm.ngc.nvidia.com/nvidia"
CHART = "gpu-operator"
DRIVER_BRANCH = "580"
"""Where the operator installs the driver: the LTS branch to 2028-06, Volta to Blackwell, every CUDA 13. The
newest chart would take 595, which drops Volta and ends 2027-03."""
EXPORTER_CONFIG = "gpuyard-dcgm-metrics"


class NodeImage(StrEnum):
    """What the GPU nodes run."""

    AL2023_NVIDIA = "al2023_nvidia"
    BOTTLEROCKET_NVIDIA = "bottlerocket_nvidia"
    COS = "cos"
    UBUNTU = "ubuntu"
    PREINSTALLED = "preinstalled"
    """Driver and toolkit are on the nodes, whoever put them there."""


class MigStrategy(StrEnum):
    """How MIG slices are advertised."""

    NONE = "none"
    SINGLE = "single"
    MIXED = "mixed"


class Sharing(StrEnum):
    """How several pods share one GPU."""

    NONE = "none"
    TIME_SLICING = "time_slicing"
    MPS = "mps"


PLATFORMS: Mapping[NodeImage, tuple[str, ...]] = {
    NodeImage.AL2023_NVIDIA: ("eks",),
    NodeImage.BOTTLEROCKET_NVIDIA: ("eks",),
    NodeImage.COS: ("gke",),
    NodeImage.UBUNTU: ("eks", "gke", "kubernetes"),
    NodeImage.PREINSTALLED: ("kubernetes",),
}
"""Where each node image exists."""


class GpuOperatorSpec(Spec):
    """Settings of the operator."""

    platform: str = Field(pattern=r"^(eks|gke|kubernetes)$")
    node_image: NodeImage
    kubernetes_version: str = Field(default="1.35", pattern=r"^1\.\d{2}$")
    namespace: str = "gpu-operator"
    chart_version: str = ""
    driver_version: str = Field(default="", pattern=r"^(\d{3}\.\d+(\.\d+)?)?$")
    driver_enabled: bool | None = None
    """None: as the node image needs it."""
    toolkit_enabled: bool | None = None
    device_plugin_enabled: bool | None = None
    mig_strategy: MigStrategy = MigStrategy.SINGLE
    sharing: Sharing = Sharing.NONE
    sharing_replicas: int = Field(default=1, ge=1, le=48)
    service_monitor: bool = False
    """Needs the Prometheus operator's CRDs: without them the operator skips it quietly."""

    @model_validator(mode="after")
    def _agree(self) -> "GpuOperatorSpec":
        problems = list(self._problems())
        if problems:
            raise ValueError("; ".join(problems))
        return self

    def _problems(self) -> Iterator[str]:
        homes = PLATFORMS[self.node_image]
        if self.platform not in homes:
            where = ", ".join(homes)
            yield f"node image {self.node_image} does not exist on {self.platform}; it does on {where}"
        if self.owns_driver and self.node_image is not NodeImage.UBUNTU:
            yield f"there is no driver container for {self.node_image}; the node image brings the driver"
        if self.driver_version and not self.owns_driver:
            yield f"driver_version has no effect: on {self.node_image} the operator installs no driver"
        if self.sharing is Sharing.NONE and self.sharing_replicas > 1:
            yield "sharing_replicas needs `sharing`, time_slicing or mps"
        if self.sharing is not Sharing.NONE:
            if self.sharing_replicas == 1:
                yield f"sharing {self.sharing} needs sharing_replicas of 2 or more"
            if not self.owns_device_plugin:
                yield f"on {self.node_image} the device plugin is not the operator's: it cannot set sharing"

    @property
    def chart(self) -> str:
        """Chart version: what is asked, else the newest that supports the Kubernetes version."""
        return self.chart_version or newest_chart(self.kubernetes_version)

    @property
    def owns_driver(self) -> bool:
        """Whether the operator installs the driver."""
        if self.driver_enabled is not None:
            return self.driver_enabled
        return self.node_image is NodeImage.UBUNTU

    @property
    def owns_toolkit(self) -> bool:
        """Whether the operator installs the container toolkit; on COS its exporter needs it."""
        if self.toolkit_enabled is not None:
            return self.toolkit_enabled
        return self.node_image in (NodeImage.UBUNTU, NodeImage.COS)

    @property
    def owns_device_plugin(self) -> bool:
        """Whether the operator advertises the GPUs; twice advertised, each would count as two.

        Bottlerocket and GKE's COS bring a plugin; a GKE pool with the label
        ``gke-no-default-nvidia-gpu-device-plugin`` and Google's driver installer needs the operator's.
        """
        if self.device_plugin_enabled is not None:
            return self.device_plugin_enabled
        return self.node_image not in (NodeImage.BOTTLEROCKET_NVIDIA, NodeImage.COS)

    @property
    def driver(self) -> str:
        """Driver that the operator installs: what is asked, else the chart's newest of the LTS branch."""
        return self.driver_version or _driver_of(_release(self.chart))

    @property
    def exporter_version(self) -> str:
        """Image tag of dcgm-exporter, pinned because `exporter.METRICS` speaks its names."""
        return _release(self.chart)["dcgm_exporter"]


def newest_chart(kubernetes_version: str) -> str:
    """The newest release whose Kubernetes range holds the version; the newest of all where none does.

    The chart itself accepts any Kubernetes from 1.16, so Helm would not say. In 2026-11 that is v26.7.0 for
    1.33 to 1.37, the one release NVIDIA still supports, and v26.3.3 for 1.32.
    """
    wanted = version_key(kubernetes_version)
    releases = read_csv("gpu_operator_releases")
    for row in reversed(releases):
        low, high = row["k8s_min"], row["k8s_max"]
        if low and high and version_key(low) <= wanted <= version_key(high):
            return row["version"]
    return releases[-1]["version"]


def version_key(version: str) -> tuple[int, ...]:
    """``1.35`` as numbers that compare."""
    return tuple(int(part) for part in version.split(".")[:2])


def _release(chart: str) -> Mapping[str, str]:
    """The catalog's row of a chart; the newest one for a chart that it lacks."""
    releases = read_csv("gpu_operator_releases")
    return next((row for row in releases if row["version"] == chart), releases[-1])


def _driver_of(release: Mapping[str, str]) -> str:
    listed = [part.split()[0] for part in release["supported_drivers"].split("/") if part.strip()]
    kept = [driver for driver in listed if driver.startswith(f"{DRIVER_BRANCH}.")]
    return kept[0] if kept else release["default_driver"]
