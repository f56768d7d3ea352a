"""What is particular to GKE: who installs the driver and which folders can be written."""

import re
from collections.abc import Iterator

from gpuyard.catalog.software import Version
from gpuyard.catalog.software_gke import gke_gpus, read_gke_version
from gpuyard.compat.device_plugin import plugin_on_gke_problems
from gpuyard.compat.facts import Facts
from gpuyard.compat.gke_gpu import gke_gpu_problems
from gpuyard.compat.gke_library import library_path_problems
from gpuyard.compat.gke_pool import (
    change_pool_driver,
    is_provisioned,
    names_installer,
    pool_driver,
    says_disabled,
)
from gpuyard.compat.owner import has_operator, installs_toolkit, is_on
from gpuyard.compat.problem import Fix, Problem, set_field
from gpuyard.compat.sourced import Sourced
from gpuyard.compat.spelling import plain

AUTO_INSTALL: Version = (1, 30, 1)
"""GKE installs a driver by default from 1.30.1-gke.1156000 on."""
BY_POOL_SINCE = Sourced((1, 27, 2, 1200), "GKE docs, GPUs in Standard node pools; NVIDIA/aicr PR#1998")
"""First GKE whose node pools install a driver, where they ask for one."""
INSTALL_DIR = "/home/kubernetes/bin/nvidia"
_IMAGE_TYPE = re.compile(r"(cos|ubuntu)(_containerd)?")
"""Google's names of its node images, which say no more than the system."""
_UNASKED = re.compile(
    r"\b(without|no|missing|lacks)\W+[\w./-]*gpu[-_]driver[-_](installation[-_]config|version)\b"
    r"|gpu[-_]driver[-_]version\W+(label )?(is )?(missing|absent|not set|unset|none)\b"
)
"""A node pool that does not ask for the driver: its label, gcloud's and Terraform's words."""
_BY_KARPENTER = "karpenter"
"""What starts nodes without GKE's node pools: only the label asks for a driver there
(cloudpilot-ai/karpenter-provider-gcp#319)."""
_ELSEWHERE = ("mig", "toolkit", "containerd", "dra_driver", "fabric_manager", "env", "ami", "base_image_cuda")
"""Fields that say the question is another one than whether a driver gets installed."""


def gke_problems(facts: Facts) -> Iterator[Problem]:
    """Every rule on GKE, and on its node image elsewhere."""
    if facts.platform != "gke":
        # plain machines mount the driver at the same place (vllm-project/vllm#27268)
        if facts.os == "GKE COS":
            yield from library_path_problems(facts)
        return
    yield from _install_disabled(facts)
    yield from _installed_by_pool(facts)
    yield from plugin_on_gke_problems(facts)
    yield from gke_gpu_problems(facts)
    yield from library_path_problems(facts)
    yield from _read_only(facts)


def _read_only(facts: Facts) -> Iterator[Problem]:
    """The operator's toolkit where Container-Optimized OS lets nobody write."""
    if not has_operator(facts) or facts.os != "GKE COS" or facts.manager == "operator":
        return
    if installs_toolkit(facts) is False:
        return
    if INSTALL_DIR in str(facts.given.toolkit or "") or any(
        # where the driver is says nothing of where the toolkit goes
        INSTALL_DIR in value and "driver" not in name.lower()
        for name, value in facts.env.items()
    ):
        return
    yield Problem(
        "GKE_COS_INSTALL_DIR",
        "toolkit",
        "the operator's toolkit goes to /usr/local/nvidia, which Container-Optimized OS keeps read-only",
        (set_field("toolkit", f"installDir={INSTALL_DIR}", f"set toolkit.installDir={INSTALL_DIR}"),),
    )


def _install_disabled(facts: Facts) -> Iterator[Problem]:
    """Pools that install no driver where nothing else does."""
    disabled = facts.manager == "none" or says_disabled(facts.node_image)
    operator = has_operator(facts) and facts.os != "GKE COS"  # which has no driver container
    if facts.os == "GKE Autopilot" or not (_is_unasked(facts) or (disabled and not operator)):
        return
    yield Problem(
        "DRIVER_INSTALL_DISABLED",
        "driver_managed_by",
        "nothing installs the driver: auto-provisioned pools do it only when the pod asks",
        (
            Fix(
                "add the node selector cloud.google.com/gke-gpu-driver-version: default",
                {"driver_managed_by": "cloud", **change_pool_driver(facts), **_without_words(facts)},
            ),
        ),
    )


def _is_unasked(facts: Facts) -> bool:
    """Whether nothing asks for a driver on a pool that GKE gives none by itself."""
    given, told = facts.given, str(facts.given.env).lower()
    if facts.manager or facts.branch or given.gpu_operator is not None or names_installer(told):
        return False
    automatic = _version(facts) >= AUTO_INSTALL
    on_demand = is_provisioned(told)
    if _UNASKED.search(told) and (not automatic or on_demand or _BY_KARPENTER in told):
        return True
    elsewhere = {name for name in _ELSEWHERE if getattr(given, name) is not None}
    if _IMAGE_TYPE.fullmatch(plain(given.ami)):
        elsewhere.discard("ami")
    if not facts.gpu_name or not elsewhere <= {"env"}:
        return False
    if on_demand and not pool_driver(facts.env, told):
        return True
    by_pods = any(is_provisioned(name.lower()) and is_on(text) for name, text in facts.env.items())
    words = f"{given.platform or ''} {given.driver_managed_by or ''} {facts.node_image}".lower()
    # the environment is where a pod's selectors stand: it speaks of them, and has none for the driver
    about_node = by_pods or not (facts.has_workload or elsewhere)
    return about_node and (by_pods or is_provisioned(words) or not automatic)


def _version(facts: Facts) -> Version:
    """GKE's version; where none is stated, the first that has the GPU."""
    row = gke_gpus().get(facts.gpu.id) if facts.gpu else None
    return facts.kubernetes or ((row.first or row.default_driver_since) if row else ())


def _without_words(facts: Facts) -> dict[str, None]:
    """The image without what it says of a pool that installs no driver."""
    said = (("ami", facts.given.ami), ("os", facts.given.os))
    return {name: None for name, text in said if text and says_disabled(plain(text))}


def _installed_by_pool(facts: Facts) -> Iterator[Problem]:
    """Pools that ask for a driver from GKE before it installed any itself."""
    told = plain(facts.given.driver_managed_by)
    asked = pool_driver(facts.env) or re.search(r"gpu-driver-version\W+\w", told)
    version = read_gke_version(facts.given.kubernetes) if facts.given.kubernetes is not None else ()
    if asked and () < version < BY_POOL_SINCE[: len(version)] and facts.manager == "cloud":
        yield Problem(
            "DRIVER_INSTALL_DISABLED",
            "kubernetes",
            "node pools install the driver (gpu-driver-version) from GKE 1.27.2-gke.1200 on",
            (
                set_field("kubernetes", "1.30", "use GKE 1.30"),
                Fix(
                    "install Google's nvidia-driver-installer DaemonSet",
                    {"driver_managed_by": "daemonset", **change_pool_driver(facts)},
                ),
            ),
            source=BY_POOL_SINCE.source,
        )
