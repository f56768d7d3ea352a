"""What the node brings: who owns the driver, node image, GKE's folders, fabric manager."""

import re
from collections.abc import Iterator

from gpuyard.catalog.software import Version, driver_branches, parse_version
from gpuyard.catalog.software_nodes import (
    find_operator,
    operator_systems,
)
from gpuyard.compat.facts import Facts
from gpuyard.compat.problem import Fix, Problem, set_field, with_env
from gpuyard.compat.spelling import dotted, read_driver
from gpuyard.errors import Severity

GKE_AUTO_INSTALL: Version = (1, 30, 1)
"""GKE installs a driver by default from 1.30.1-gke.1156000 on."""
GKE_LIBRARY_PATH = "/usr/local/nvidia/lib64:/usr/local/cuda/lib64"
LIBRARY_PATH_SET_SINCE = (0, 11, 1, 0)
"""First vLLM whose own image looks where GKE mounts the driver (vllm-project/vllm PR#25766). Images on CUDA
12.8.1 and 12.9 do not by themselves; those on CUDA 13 do again."""
GKE_INSTALL_DIR = "/home/kubernetes/bin/nvidia"
ABSENT = frozenset(
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


_NO_CONTAINER = frozenset(
    {
        "Talos",
        "Flatcar",
        "Ubuntu interim",
        "Fedora",
        "Arch",
        "openSUSE",
        "NixOS",
        "Alpine",
        "Buildroot",
        "Photon",
        "Azure Linux",
        "openEuler and kin",
        "Other",
    }
)
"""Systems beside the catalog's list that NVIDIA publishes no driver container for."""
_CONTAINER_SINCE: dict[str, Version] = {"Ubuntu 24.04": (24, 6)}
"""GPU Operator from which a system has driver containers (NVIDIA/gpu-operator#722)."""
_RHEL_KIN = re.compile(r"alma ?linux|oracle ?linux|\bol ?[89]\b|centos[a-z _-]*[89]")
"""Rebuilds of RHEL with a name of their own, which becomes the tag of an image that does not exist."""


def node_problems(facts: Facts) -> Iterator[Problem]:
    """Every rule on the node."""
    yield from _driver_owner(facts)
    yield from _no_driver(facts)
    yield from _gke(facts)
    yield from _fabric(facts)


def has_operator(facts: Facts) -> bool:
    """Whether the GPU Operator is there."""
    return facts.given.gpu_operator is not None and str(facts.given.gpu_operator).lower() not in ABSENT


def _driver_owner(facts: Facts) -> Iterator[Problem]:
    if facts.os == "GKE Autopilot" and (has_operator(facts) or facts.manager == "operator"):
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
    operator = find_operator(facts.given.gpu_operator) if has_operator(facts) else None
    since = _CONTAINER_SINCE.get(facts.os)
    if since and operator is not None and operator.key < since:
        yield Problem(
            "OS_NO_DRIVER_CONTAINER",
            "gpu_operator",
            f"GPU Operator {operator.version} has no driver container for {facts.os} yet",
            (Fix("use GPU Operator v25.3.4", {"gpu_operator": "v25.3.4"}), by_image),
        )
        return
    without = facts.os in _NO_CONTAINER or bool(_RHEL_KIN.search(facts.node_image))
    if without or (system is not None and not system.driver_container):
        with_dir = Fix(
            f"let GKE install the driver and set toolkit.installDir={GKE_INSTALL_DIR}",
            {"driver_managed_by": "cloud", "toolkit": f"installDir={GKE_INSTALL_DIR}"},
        )
        nvidia = Fix(
            "use the NVIDIA image and driver.enabled=false",
            {"driver_managed_by": "image", "ami": "AL2023_x86_64_NVIDIA"},
        )
        fixes = (with_dir, by_image) if facts.os == "GKE COS" else (by_image, nvidia)
        yield Problem(
            "OS_NO_DRIVER_CONTAINER",
            "os",
            f"there is no driver container for {facts.given.os or facts.os}",
            fixes,
        )
    if ("nvidia" in facts.node_image and facts.platform == "eks") or "al2_x86_64_gpu" in facts.node_image:
        yield Problem(
            "OPERATOR_DUPLICATE_STACK",
            "driver_managed_by",
            "the node image already brings the driver",
            (by_image,),
        )


def _duplicates(facts: Facts) -> Iterator[Problem]:
    given_toolkit = facts.given.toolkit
    variables = " ".join(f"{name}={value}" for name, value in facts.env.items())
    settings = f"{facts.given.toolkit or ''} {variables}".lower()
    ships = facts.os == "Bottlerocket" or ("al2023" in facts.node_image and "nvidia" in facts.node_image)
    if (
        has_operator(facts)
        and ships
        and (
            "operator" in settings
            or str(given_toolkit).lower() in ("enabled", "true", "yes")
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
    standard = standard or bool(
        re.search(r"\bal2_(x86_64|arm_64)(?!_gpu)\b|\bbottlerocket_(x86_64|arm_64)\b(?!_nvidia)", text)
    )
    fractional = facts.machine is not None and 0 < facts.machine.gpu_count < 1
    # Bottlerocket brings it (awsdocs/amazon-eks-user-guide PR#1143)
    on_amazon = on_eks or "." in (facts.given.instance or "")
    ships_grid = facts.os == "Bottlerocket" or not on_amazon
    if fractional and not ships_grid and facts.manager in ("", "image") and not facts.driver:
        yield Problem(
            "AMI_NO_DRIVER",
            "instance",
            f"{facts.given.instance} has a slice of a GPU, which needs NVIDIA's GRID guest driver; "
            "no EKS image has it",
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
        # plain machines mount the driver at the same place (vllm-project/vllm#27268)
        if facts.os == "GKE COS":
            yield from _gke_library_path(facts)
        return
    nothing_said = not facts.manager and not facts.branch and facts.given.gpu_operator is None
    about_node = not facts.has_workload and not facts.os and not facts.given.ami
    disabled = (
        "disabled" in facts.manager
        or facts.manager in ("none", "nobody")
        or "installation_disabled" in facts.node_image
    )
    automatic = facts.kubernetes >= GKE_AUTO_INSTALL if facts.kubernetes else False
    if (disabled and not has_operator(facts)) or (
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
    if not has_operator(facts) or facts.os != "GKE COS" or facts.manager == "operator":
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
        # a manager alone leaves the folder open; another folder does not
        Severity.WARNING if facts.manager and "/" not in str(facts.given.toolkit or "") else Severity.ERROR,
    )


def _gke_library_path(facts: Facts) -> Iterator[Problem]:
    on_cos = facts.os in ("", "GKE COS", "GKE Autopilot")
    base = (
        parse_version(facts.given.base_image_cuda)[:2]
        if facts.given.base_image_cuda is not None
        else facts.cuda
    )
    own_image = not facts.runtime and facts.given.base_image_cuda is not None
    if not (facts.runtime == "vllm" or own_image) or facts.install == "pip":
        return
    if not on_cos or not (12, 8) <= base < (13, 0):
        return
    yield from _gke_link_path(facts)
    if "/usr/local/nvidia" in facts.env.get("LD_LIBRARY_PATH", "") or facts.version >= LIBRARY_PATH_SET_SINCE:
        return
    # with neither image nor environment stated, whoever deploys may well set it
    stated = (
        facts.cuda_is_given
        or bool(facts.image)
        or facts.given.env is not None
        or bool(facts.given.base_image_cuda)
    )
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
        Severity.ERROR if stated else Severity.WARNING,
    )


def _gke_link_path(facts: Facts) -> Iterator[Problem]:
    """llm-d/llm-d#1063: its images from vLLM 0.17.1 on link at run time and look elsewhere than they load."""
    is_llm_d = "llm-d" in facts.runtime_text or "llm-d" in facts.image
    if not is_llm_d or facts.version[:3] < (0, 17, 1) or facts.env.get("LIBRARY_PATH"):
        return
    yield Problem(
        "DRIVER_LIB_PATH",
        "env",
        "kernels are linked at run time, and the linker does not look in /usr/local/nvidia/lib64",
        (
            Fix(
                "set LIBRARY_PATH=/usr/local/nvidia/lib64",
                with_env(facts, "LIBRARY_PATH", "/usr/local/nvidia/lib64"),
            ),
        ),
    )


def _fabric(facts: Facts) -> Iterator[Problem]:
    switched = _is_switched(facts)
    given = facts.given.fabric_manager
    text = str(given).strip().lower() if given is not None else ""
    if text in _PRESENT:
        return
    version, branch = read_driver(text) if given is not None else ((), None)
    fix = (_matching(facts),)
    if (version and facts.driver and version != facts.driver) or (
        branch and facts.branch and branch != facts.branch
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
        and (text in ABSENT or "not" in text or "fail" in text)
    ):
        yield Problem(
            "FABRIC_MANAGER",
            "fabric_manager",
            "the GPUs hang on an NVSwitch, and no fabric manager runs (error 802)",
            fix,
        )
    elif switched and given is None and _misses_switch_drivers(facts):
        yield Problem(
            "FABRIC_MANAGER",
            "os",
            "Ubuntu's EKS image lacks the InfiniBand modules that manage Blackwell's NVSwitches, so "
            "fabric manager fails while the driver container reports ready (error 802)",
            (
                Fix(
                    "use the image AL2023_x86_64_NVIDIA, which brings driver and fabric manager",
                    {"os": None, "ami": "AL2023_x86_64_NVIDIA", "driver_managed_by": "image"},
                ),
            ),
        )
    elif switched and given is None:
        unmanaged = facts.platform not in ("eks", "gke", "aks") and not facts.given.ami and not facts.manager
        sure = unmanaged and not facts.has_workload and not has_operator(facts)
        if sure and facts.given.kubernetes is None:
            yield Problem(
                "FABRIC_MANAGER",
                "fabric_manager",
                "NVSwitch nodes need fabric manager of the driver's version, and nothing says that it is "
                "there (error 802)",
                fix,
            )


def _misses_switch_drivers(facts: Facts) -> bool:
    """NVIDIA/gpu-operator#2781 (2026-08-21): HGX B200 with the operator's driver on Canonical's EKS image."""
    is_blackwell = facts.gpu is not None and facts.gpu.id in ("b200", "b300")
    return (
        is_blackwell
        and facts.platform == "eks"
        and facts.os.startswith("Ubuntu")
        and facts.manager == "operator"
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
