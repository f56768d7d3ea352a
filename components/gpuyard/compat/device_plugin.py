"""A second device plugin beside the node image's, the operator's or GKE's own."""

import re
from collections.abc import Iterator

from gpuyard.compat.facts import Facts
from gpuyard.compat.gke_pool import change_pool_driver, names_installer, pool_driver
from gpuyard.compat.owner import has_operator, is_on, switched
from gpuyard.compat.problem import Fix, Problem, with_env
from gpuyard.compat.spelling import INSTALLER, plain
from gpuyard.errors import Severity

_OTHER_PLUGIN = re.compile(r"nvdp/|\bnvdp\b|k8s-device-plugin")
"""NVIDIA's own chart or manifest of it, which the operator's DaemonSet is not called."""
_PLUGIN_IN_WORDS = re.compile(
    r"^(?!.*\b(no|not|without|excluded?|keep|kept)\b).*"
    r"(nvdp/|nvidia[- ]device[- ]plugin|k8s-device-plugin|install-nvidia-plugin(?!=false)|\bnvdp\b)",
    re.DOTALL,
)
"""How an environment says that NVIDIA's device plugin was installed by hand."""
OPERATOR_ON_GKE = "GPU Operator docs, NVIDIA GPU Operator with Google GKE (2025-01)"
PLUGINS_ON_GKE = f"{OPERATOR_ON_GKE}; NVIDIA/aicr#1755 (2026-07-14)"
TWO_PLUGINS = "NVIDIA/k8s-device-plugin#255 (2021-06-11); kaito-project/kaito PR#1739 (2026-01-23)"
"""Kubernetes takes the second one, and the node offers no GPU when either goes."""
OWN_PLUGIN = "NVIDIA/aicr PR#1998, PR#2047"
PLUGIN_LABEL = "gke-no-default-nvidia-gpu-device-plugin"
"""Of nodes that GKE is to leave without its device plugin."""
_UNSET = frozenset({"not set", "unset", "absent", "missing", "none", ""})
_NO_LABEL = re.compile(
    rf"{PLUGIN_LABEL}\W+(is )?(missing|absent|not set|unset)\b|\b(without|no|missing) {PLUGIN_LABEL}\b"
)


def plugin_problems(facts: Facts) -> Iterator[Problem]:
    """NVIDIA's device plugin by hand beside one that is there."""
    yield from _beside_the_image(facts)
    yield from _beside_the_cluster(facts)


def plugin_on_gke_problems(facts: Facts) -> Iterator[Problem]:
    """GKE's device plugin, whose DaemonSet finishes installing the driver."""
    label = next((name for name in facts.env if name.endswith(PLUGIN_LABEL)), "")
    left_on = bool(label) and (not is_on(facts.env[label]) or plain(facts.env[label]) in _UNSET)
    left_on = left_on or _NO_LABEL.search(plain(facts.given.env)) is not None
    switched_off = bool(label) and not left_on
    by_hand = re.search(INSTALLER, plain(facts.given.driver_managed_by)) or names_installer(
        str(facts.given.env).lower()
    )
    by_gke = facts.manager == "cloud" and not by_hand
    left_to_pool = facts.given.driver_managed_by is None
    left_to_pool = left_to_pool and pool_driver(facts.env) in ("default", "latest")
    plugin = switched(facts, "devicePlugin")
    plugin = left_on and has_operator(facts) if plugin is None else plugin
    # what installs Google's driver is the DaemonSet that runs Google's plugin
    runs_both = left_on or pool_driver(facts.env, str(facts.given.env)) in ("default", "latest")
    if switched_off and by_gke:
        yield Problem(
            "DRIVER_INSTALL_DISABLED",
            "env",
            f"GKE's own driver is finished by the DaemonSet that {label} switches off: a new pool has none",
            (
                Fix(
                    "install Google's nvidia-driver-installer DaemonSet",
                    {"driver_managed_by": "daemonset", **change_pool_driver(facts)},
                ),
            ),
            # who says that the cloud's is there may have that DaemonSet, or a pool from before the label
            Severity.ERROR if left_to_pool else Severity.WARNING,
            source=OWN_PLUGIN,
        )
    elif not switched_off and plugin and (left_on or facts.manager == "cloud"):
        yield Problem(
            "OPERATOR_DUPLICATE_STACK",
            "env",
            "GKE's device plugin and the operator's both offer the GPUs, and pods fail now and then",
            (Fix("set devicePlugin.enabled=false", with_env(facts, "devicePlugin.enabled", "false")),),
            Severity.ERROR if runs_both else Severity.WARNING,
            source=PLUGINS_ON_GKE if left_on else OWN_PLUGIN,
        )


def _beside_the_image(facts: Facts) -> Iterator[Problem]:
    """Where the node image runs one."""
    if facts.os != "Bottlerocket":
        return
    by_image = "k8s-device-plugin" in facts.image
    by_words = _PLUGIN_IN_WORDS.search(plain(facts.given.env)) is not None
    runs_one = "nvidia" in facts.node_image or "auto" in plain(facts.given.platform)
    if not runs_one or not (by_image or by_words):
        return
    yield Problem(
        "OPERATOR_DUPLICATE_STACK",
        "image" if by_image else "env",
        "Bottlerocket's image for NVIDIA runs the device plugin itself, and the DaemonSet's is a second one",
        (Fix("keep the DaemonSet off these nodes", {"image": None} if by_image else {"env": None}),),
        source="bottlerocket-os/bottlerocket#4309; aws-samples/stable-diffusion-on-eks#91",
    )


def _beside_the_cluster(facts: Facts) -> Iterator[Problem]:
    """Where the operator or GKE runs one."""
    if not (facts.platform == "gke" or has_operator(facts)) or switched(facts, "devicePlugin") is False:
        return
    words = plain(facts.given.env)
    if not _OTHER_PLUGIN.search(words) or not _PLUGIN_IN_WORDS.search(words) or PLUGIN_LABEL in words:
        return
    by_operator = has_operator(facts)
    yield Problem(
        "OPERATOR_DUPLICATE_STACK",
        "env",
        ("the operator's" if by_operator else "GKE's") + " device plugin and one by hand both offer the GPUs",
        (Fix("install one of them alone", {"env": None}),),
        Severity.WARNING,
        source=TWO_PLUGINS if by_operator else OPERATOR_ON_GKE,
    )
