"""What the node brings: driver owner, node image, operator, toolkit, Kubernetes, fabric manager."""

from collections.abc import Iterator
from datetime import date

from gpuyard.catalog.software import Version, driver_branches, parse_version
from gpuyard.catalog.software_nodes import (
    find_operator,
    kubernetes_versions,
    operator_releases,
    operator_systems,
)
from gpuyard.compat.facts import Facts, dotted, read_driver
from gpuyard.compat.problem import Fix, Problem, raise_driver, set_field, with_env
from gpuyard.errors import Severity

CONTAINERD_2_SINCE: Version = (1, 33)
"""Kubernetes version from which EKS and GKE nodes run containerd 2."""
TOOLKIT_READS_V3: Version = (1, 17)
TOOLKIT_SAFE = "1.18.1"
GKE_AUTO_INSTALL: Version = (1, 30, 1)
"""GKE installs a driver by default from 1.30.1-gke.1156000 on."""
GKE_LIBRARY_PATH = "/usr/local/nvidia/lib64:/usr/local/cuda/lib64"
GKE_INSTALL_DIR = "/home/kubernetes/bin/nvidia"
DRA_MIN_KUBERNETES: Version = (1, 32)
DRA_MIN_DRIVER: Version = (565,)
COMPUTE_DOMAIN_MIN_DRIVER: Version = (570, 158, 1)
_ABSENT = frozenset(
    {
        "none",
        "false",
        "no",
        "missing",
        "absent",
        "not installed",
        "not_installed",
        "uninstalled",
        "stopped",
        "inactive",
        "disabled",
        "failed",
        "not running",
        "off",
    }
)
_PRESENT = frozenset(
    {"true", "yes", "installed", "running", "active", "enabled", "present", "on", "ok", "matching", "match"}
)


def node_problems(facts: Facts, today: date) -> Iterator[Problem]:
    """Every rule on the node. ``today`` judges support windows."""
    yield from _driver_owner(facts)
    yield from _no_driver(facts)
    yield from _gke(facts)
    yield from _toolkit(facts)
    yield from _dra(facts)
    yield from _kubernetes(facts, today)
    yield from _fabric(facts)


def _has_operator(facts: Facts) -> bool:
    return facts.given.gpu_operator is not None and str(facts.given.gpu_operator).lower() not in _ABSENT


def _driver_owner(facts: Facts) -> Iterator[Problem]:
    if facts.os == "GKE Autopilot" and (_has_operator(facts) or facts.manager == "operator"):
        yield Problem(
            "OPERATOR_DUPLICATE_STACK",
            "gpu_operator",
            "GKE Autopilot brings driver and device plugin itself and does not support the operator",
            (Fix("leave the driver to GKE", {"gpu_operator": None, "driver_managed_by": "cloud"}),),
        )
        return
    if facts.manager != "operator":
        yield from _duplicates(facts)
        return
    name = {"Debian 11": "Debian 12", "Debian": "Debian 12"}.get(facts.os, facts.os)
    system = operator_systems().get(name)
    by_image = Fix(
        "let the node image bring the driver (driver.enabled=false)",
        {"driver_managed_by": "cloud" if facts.platform == "gke" else "image"},
    )
    if facts.os in ("Talos", "Flatcar") or (system is not None and not system.driver_container):
        with_dir = Fix(
            f"let GKE install the driver and set toolkit.installDir={GKE_INSTALL_DIR}",
            {"driver_managed_by": "cloud", "toolkit": f"installDir={GKE_INSTALL_DIR}"},
        )
        nvidia = Fix(
            "use the NVIDIA image and driver.enabled=false",
            {"driver_managed_by": "image", "ami": "AL2023_x86_64_NVIDIA"},
        )
        fixes = (with_dir, by_image) if facts.os == "GKE COS" else (by_image, nvidia)
        yield Problem("OS_NO_DRIVER_CONTAINER", "os", f"there is no driver container for {facts.os}", fixes)
    if "nvidia" in facts.node_image and facts.platform == "eks" or "al2_x86_64_gpu" in facts.node_image:
        yield Problem(
            "OPERATOR_DUPLICATE_STACK",
            "driver_managed_by",
            "the node image already brings the driver",
            (by_image,),
        )


def _duplicates(facts: Facts) -> Iterator[Problem]:
    settings = f"{facts.given.toolkit or ''} {' '.join(name + '=' + value for name, value in facts.env.items())}".lower()
    ships = facts.os == "Bottlerocket" or "al2023" in facts.node_image and "nvidia" in facts.node_image
    if (
        _has_operator(facts)
        and ships
        and (
            "operator" in settings
            or "toolkit.enabled=true" in settings
            or "deviceplugin.enabled=true" in settings.replace("_", "")
        )
    ):
        yield Problem(
            "OPERATOR_DUPLICATE_STACK",
            "toolkit",
            f"{facts.os} brings the container toolkit itself, and the operator installs another",
            (Fix("set toolkit.enabled=false", {"toolkit": None, "env": None}),),
        )


def _no_driver(facts: Facts) -> Iterator[Problem]:
    text = facts.node_image
    on_eks = facts.platform in ("eks", "aws") or "aws" in facts.platform
    standard = "standard" in text or ("al2023" in text and "non-nvidia" in text)
    standard = standard or (facts.os == "Bottlerocket" and "aws-k8s" in text and "nvidia" not in text)
    fractional = facts.machine is not None and 0 < facts.machine.gpu_count < 1
    if fractional and facts.manager in ("", "image") and not facts.driver:
        yield Problem(
            "AMI_NO_DRIVER",
            "instance",
            f"{facts.machine.id if facts.machine else ''} has a slice of a GPU, which needs NVIDIA's GRID guest driver; no EKS image has it",
            (
                Fix(
                    "use g6.xlarge",
                    {
                        "instance": "g6.xlarge",
                        "gpu": None,
                        "gpu_count": None,
                        "gpu_mem_mib": None,
                        "sm": None,
                    },
                ),
            ),
        )
    if not on_eks or facts.given.driver is not None or facts.given.driver_branch is not None:
        return
    bare_ubuntu = facts.os.startswith("Ubuntu") and facts.manager == "image" and facts.platform == "eks"
    if (standard and facts.manager != "operator") or bare_ubuntu:
        fixes = [
            Fix(
                "use the NVIDIA image AL2023_x86_64_NVIDIA",
                {"ami": "AL2023_x86_64_NVIDIA", "os": None, "driver_managed_by": "image"},
            )
        ]
        if facts.os.startswith("Ubuntu"):
            fixes.insert(0, set_field("driver_managed_by", "operator", "let the operator install the driver"))
        yield Problem(
            "AMI_NO_DRIVER",
            "ami" if facts.given.ami else "os",
            "the node image has no GPU driver, and nothing installs one",
            tuple(fixes),
        )


def _gke(facts: Facts) -> Iterator[Problem]:
    if facts.platform != "gke":
        return
    nothing_said = not facts.manager and not facts.branch and facts.given.gpu_operator is None
    about_node = not facts.has_workload and not facts.os and not facts.given.ami
    disabled = (
        "disabled" in facts.manager
        or facts.manager in ("none", "nobody")
        or "installation_disabled" in facts.node_image
    )
    automatic = facts.kubernetes >= GKE_AUTO_INSTALL if facts.kubernetes else False
    if (disabled and not _has_operator(facts)) or (
        nothing_said and about_node and facts.gpu_name and not automatic
    ):
        yield Problem(
            "DRIVER_INSTALL_DISABLED",
            "driver_managed_by",
            "nothing installs the driver: auto-provisioned pools do it only when the pod asks",
            (
                set_field(
                    "driver_managed_by",
                    "cloud",
                    "add the node selector cloud.google.com/gke-gpu-driver-version: default",
                ),
            ),
        )
    yield from _gke_library_path(facts)
    if not _has_operator(facts) or facts.os != "GKE COS" or facts.manager == "operator":
        return
    if GKE_INSTALL_DIR in str(facts.given.toolkit or "") or any(
        GKE_INSTALL_DIR in value for value in facts.env.values()
    ):
        return
    yield Problem(
        "GKE_COS_INSTALL_DIR",
        "toolkit",
        "the operator's toolkit goes to /usr/local/nvidia, which Container-Optimized OS keeps read-only",
        (set_field("toolkit", f"installDir={GKE_INSTALL_DIR}", f"set toolkit.installDir={GKE_INSTALL_DIR}"),),
        Severity.WARNING if facts.manager else Severity.ERROR,
    )


def _gke_library_path(facts: Facts) -> Iterator[Problem]:
    on_cos = facts.os in ("", "GKE COS", "GKE Autopilot")
    base = (
        parse_version(facts.given.base_image_cuda)[:2]
        if facts.given.base_image_cuda is not None
        else facts.cuda
    )
    if facts.runtime != "vllm" or facts.install == "pip" or not on_cos or base < (12, 8):
        return
    if "/usr/local/nvidia/lib64" in facts.env.get("LD_LIBRARY_PATH", ""):
        return
    yield Problem(
        "DRIVER_LIB_PATH",
        "env",
        f"GKE mounts the driver in /usr/local/nvidia, where images on CUDA {dotted(base)} do not look for it",
        (
            Fix(
                f"set LD_LIBRARY_PATH={GKE_LIBRARY_PATH}",
                with_env(facts, "LD_LIBRARY_PATH", GKE_LIBRARY_PATH),
            ),
        ),
    )


def _toolkit(facts: Facts) -> Iterator[Problem]:
    containerd = parse_version(facts.given.containerd) if facts.given.containerd is not None else ()
    if not containerd and facts.platform in ("eks", "gke") and facts.kubernetes[:2] >= CONTAINERD_2_SINCE:
        containerd = (2,)
    release = find_operator(facts.given.gpu_operator) if _has_operator(facts) else None
    given = str(facts.given.toolkit) if facts.given.toolkit is not None else ""
    toolkit = parse_version(given) if given[:1] in "v0123456789" else ()
    if not toolkit and release is not None and facts.platform != "eks" and facts.given.toolkit is None:
        toolkit = release.toolkit
    if containerd[:1] >= (2,) and toolkit and toolkit[:2] < TOOLKIT_READS_V3:
        yield Problem(
            "TOOLKIT_CONTAINERD",
            "toolkit",
            f"container toolkit {dotted(toolkit)} cannot read the configuration of containerd 2 (version 3)",
            (
                set_field("toolkit", TOOLKIT_SAFE, f"use container toolkit {TOOLKIT_SAFE}"),
                Fix("use GPU Operator v25.10.1", {"gpu_operator": "v25.10.1", "toolkit": None}),
            ),
        )
    elif facts.platform == "gke" and toolkit[:3] == (1, 18, 0) and facts.kubernetes[:2] >= CONTAINERD_2_SINCE:
        if facts.env.get("RUNTIME_CONFIG_SOURCE") != "file":
            yield Problem(
                "TOOLKIT_CONTAINERD",
                "toolkit",
                "container toolkit 1.18.0 asks containerd 2 on GKE for a configuration that it does not get",
                (
                    Fix(
                        "set RUNTIME_CONFIG_SOURCE=file on the toolkit",
                        with_env(facts, "RUNTIME_CONFIG_SOURCE", "file"),
                    ),
                    Fix("use GPU Operator v25.10.1", {"gpu_operator": "v25.10.1", "toolkit": None}),
                ),
            )


def _dra(facts: Facts) -> Iterator[Problem]:
    text = str(facts.given.dra_driver or "").lower()
    if not text or text in _ABSENT:
        return
    if facts.kubernetes and facts.kubernetes[:2] < DRA_MIN_KUBERNETES:
        yield Problem(
            "K8S_VERSION",
            "kubernetes",
            f"the DRA driver needs Kubernetes 1.32, this is {dotted(facts.kubernetes)}",
            (
                set_field("kubernetes", "1.34", "upgrade to Kubernetes 1.34"),
                set_field("dra_driver", None, "use the device plugin"),
            ),
        )
    version = parse_version(text)
    if facts.kubernetes[:2] >= (1, 34) and version and version < (25, 8):
        yield Problem(
            "K8S_VERSION",
            "dra_driver",
            f"DRA driver {dotted(version)} asks for resource.k8s.io/v1beta1, which Kubernetes {dotted(facts.kubernetes)} no longer serves by default",
            (set_field("dra_driver", "25.8.0", "use DRA driver 25.8.0 or newer"),),
        )
    domain = "domain" in text or (facts.gpu is not None and facts.gpu.id in ("gb200", "gb300"))
    floor = COMPUTE_DOMAIN_MIN_DRIVER if domain else DRA_MIN_DRIVER
    if facts.driver_high and facts.driver_high < floor:
        yield Problem(
            "DRA_DRIVER_MIN",
            "driver",
            f"the DRA driver needs driver {dotted(floor)} or newer, the node has {facts.driver_text}",
            (raise_driver(facts, floor),),
        )


def _kubernetes(facts: Facts, today: date) -> Iterator[Problem]:
    if not facts.kubernetes:
        return
    minor = facts.kubernetes[:2]
    release = find_operator(facts.given.gpu_operator) if _has_operator(facts) else None
    if (
        release is not None
        and release.kubernetes_min
        and not release.kubernetes_min <= minor <= release.kubernetes_max
    ):
        fitting = [
            row
            for row in operator_releases()
            if row.kubernetes_min and row.kubernetes_min <= minor <= row.kubernetes_max
        ]
        nearest = sorted(
            fitting, key=lambda row: (row.key < release.key, abs(row.key[0] - release.key[0]), row.key)
        )
        yield Problem(
            "K8S_VERSION",
            "kubernetes",
            f"GPU Operator {release.version} supports Kubernetes {dotted(release.kubernetes_min)} to "
            f"{dotted(release.kubernetes_max)}, this is {dotted(minor)}",
            (
                *(
                    Fix(f"use GPU Operator {row.version}", {"gpu_operator": row.version})
                    for row in (nearest[:1] + fitting[-1:])
                ),
                set_field(
                    "kubernetes",
                    dotted(release.kubernetes_max),
                    f"use Kubernetes {dotted(release.kubernetes_max)}",
                ),
            ),
        )
    known = kubernetes_versions().get((facts.platform, dotted(minor)))
    if known is not None and known.is_supported(today) is False:
        yield Problem(
            "K8S_VERSION",
            "kubernetes",
            f"{facts.platform} ended support of Kubernetes {dotted(minor)} before {today}",
            (),
            Severity.WARNING,
        )


def _fabric(facts: Facts) -> Iterator[Problem]:
    switched = _is_switched(facts)
    given = facts.given.fabric_manager
    text = str(given).strip().lower() if given is not None else ""
    if text in _PRESENT:
        return
    version, branch = read_driver(text) if given is not None else ((), None)
    fix = (_matching(facts),)
    if (
        version
        and facts.driver
        and version != facts.driver
        or (branch and facts.branch and branch != facts.branch)
    ):
        yield Problem(
            "FABRIC_MANAGER",
            "fabric_manager",
            f"fabric manager {text} is not of the driver's version {facts.driver_text} (error 802)",
            fix,
        )
    elif (
        switched is not False
        and given is not None
        and branch is None
        and (text in _ABSENT or "not" in text or "fail" in text)
    ):
        yield Problem(
            "FABRIC_MANAGER",
            "fabric_manager",
            "the GPUs hang on an NVSwitch, and no fabric manager runs (error 802)",
            fix,
        )
    elif switched and given is None:
        unmanaged = facts.platform not in ("eks", "gke", "aks") and not facts.given.ami and not facts.manager
        sure = (
            unmanaged and not facts.has_workload and not _has_operator(facts) and facts.given.instance is None
        )
        if sure and facts.given.kubernetes is None:
            yield Problem(
                "FABRIC_MANAGER",
                "fabric_manager",
                "NVSwitch nodes need fabric manager of the driver's version, and nothing says that it is there (error 802)",
                fix,
            )


def _matching(facts: Facts) -> Fix:
    version = facts.driver_text if facts.driver else driver_branches()[580].latest
    changes = (
        {"fabric_manager": version}
        if facts.driver
        else {"fabric_manager": version, "driver": version, "driver_branch": version.split(".")[0]}
    )
    return Fix(f"install nvidia-fabricmanager {version}, the driver's version", changes)


def _is_switched(facts: Facts) -> bool | None:
    """Whether the GPUs sit on an NVSwitch: whole nodes of eight SXM GPUs. None: may be."""
    gpu = facts.gpu
    if gpu is None:
        return None
    if not gpu.form.startswith("SXM") or gpu.id in ("p100", "v100"):
        return False
    count = facts.count
    return None if count is None else count >= 8
