"""Chart values of the NVIDIA GPU Operator for one platform: who owns driver, toolkit and device plugin.

Facts of 2026-11 (GPU Operator v26.7.0 values and documentation, ``gpu_operator_os`` in the catalog): the
EKS images bring driver and toolkit, Bottlerocket the device plugin too, GKE's COS gets Google's driver and,
unless the pool opts out, Google's device plugin; only Ubuntu takes the operator's driver.
"""

from typing import Any

import yaml

from gpuyard.gpu_operator.spec import EXPORTER_CONFIG, GpuOperatorSpec, NodeImage, Sharing, version_key

COS_DRIVER_DIR = "/home/kubernetes/bin/nvidia"
"""Where Google's installer puts the driver; the rest of COS is read-only."""
PLUGIN_CONFIG = "gpuyard-device-plugin"


def render_values(spec: GpuOperatorSpec) -> dict[str, Any]:
    """The chart's values."""
    values: dict[str, Any] = {
        "driver": _driver(spec),
        "toolkit": _toolkit(spec),
        "devicePlugin": _device_plugin(spec),
        "mig": {"strategy": str(spec.mig_strategy)},
        # GKE and Bottlerocket cut GPUs themselves
        "migManager": {"enabled": spec.node_image not in (NodeImage.COS, NodeImage.BOTTLEROCKET_NVIDIA)},
        "dcgm": {"enabled": False},  # the exporter holds its own engine
        "dcgmExporter": _exporter(spec),
        "nfd": {"enabled": True},
        "gfd": {"enabled": True},
        "daemonsets": {
            "tolerations": [{"key": "nvidia.com/gpu", "operator": "Exists", "effect": "NoSchedule"}]
        },
        # the defaults tolerate the taint only with the value "present", which EKS pools may not carry
        "node-feature-discovery": {
            "worker": {
                "tolerations": [{"key": "nvidia.com/gpu", "operator": "Exists", "effect": "NoSchedule"}]
            }
        },
    }
    if spec.node_image is NodeImage.COS:
        values["hostPaths"] = {"driverInstallDir": COS_DRIVER_DIR}
        values["cdi"] = {"enabled": True}
    return values


def render_quota(spec: GpuOperatorSpec) -> dict[str, Any]:
    """A ResourceQuota: GKE admits system-critical pods only where one names their priority classes."""
    classes = {
        "operator": "In",
        "scopeName": "PriorityClass",
        "values": ["system-node-critical", "system-cluster-critical"],
    }
    return {
        "metadata": {"name": "gpu-operator-critical-pods", "namespace": spec.namespace},
        "spec": {"hard": {"pods": "1000"}, "scopeSelector": {"matchExpressions": [classes]}},
    }


def _driver(spec: GpuOperatorSpec) -> dict[str, Any]:
    if not spec.owns_driver:
        return {"enabled": False}
    # an automatic upgrade evicts GPU pods in the middle of the day (gpu-operator #901, #2509)
    return {"enabled": True, "version": spec.driver, "upgradePolicy": {"autoUpgrade": False}}


def _toolkit(spec: GpuOperatorSpec) -> dict[str, Any]:
    if not spec.owns_toolkit:
        return {"enabled": False}
    toolkit: dict[str, Any] = {"enabled": True}
    if spec.node_image is NodeImage.COS:
        toolkit["installDir"] = COS_DRIVER_DIR
    if spec.platform == "gke" and version_key(spec.kubernetes_version) >= (1, 33):
        # containerd 2 there prints a config that the toolkit cannot merge (gpu-operator #1577)
        toolkit["env"] = [{"name": "RUNTIME_CONFIG_SOURCE", "value": "file"}]
    return toolkit


def _device_plugin(spec: GpuOperatorSpec) -> dict[str, Any]:
    plugin: dict[str, Any] = {"enabled": spec.owns_device_plugin}
    if spec.sharing is not Sharing.NONE:
        resources = [{"name": "nvidia.com/gpu", "replicas": spec.sharing_replicas}]
        key = {Sharing.TIME_SLICING: "timeSlicing", Sharing.MPS: "mps"}[spec.sharing]
        config = {"version": "v1", "sharing": {key: {"resources": resources}}}
        plugin["config"] = {
            "create": True,
            "name": PLUGIN_CONFIG,
            "default": "shared",
            "data": {"shared": yaml.safe_dump(config, sort_keys=False)},
        }
    return plugin


def _exporter(spec: GpuOperatorSpec) -> dict[str, Any]:
    exporter: dict[str, Any] = {
        "enabled": True,
        "config": {"name": EXPORTER_CONFIG},
        # both at one pace: by default half the scrapes repeat a sample
        "env": [{"name": "DCGM_EXPORTER_INTERVAL", "value": "15000"}],
        "serviceMonitor": {"enabled": spec.service_monitor, "interval": "15s"},
    }
    if spec.exporter_version:
        exporter["version"] = spec.exporter_version
    return exporter
