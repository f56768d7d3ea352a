"""What is particular to GKE: who installs the driver, where it is mounted, which folders can be written."""

import re
from collections.abc import Iterator

from gpuyard.catalog.software import Version, parse_version
from gpuyard.compat.driver import compat_library
from gpuyard.compat.facts import Facts
from gpuyard.compat.owner import has_operator
from gpuyard.compat.problem import Fix, Problem, set_field, with_env
from gpuyard.compat.spelling import dotted, plain
from gpuyard.errors import Severity

AUTO_INSTALL: Version = (1, 30, 1)
"""GKE installs a driver by default from 1.30.1-gke.1156000 on."""
LIBRARY_PATH = "/usr/local/nvidia/lib64:/usr/local/cuda/lib64"
LIBRARY_PATH_SET_SINCE = (0, 11, 1, 0)
"""First vLLM whose own image looks where GKE mounts the driver (vllm-project/vllm PR#25766). Images on CUDA
12.8.1 and 12.9 do not by themselves; those on CUDA 13 do again."""
LLM_D_CUDA: Version = (12, 8)
"""What llm-d's images are on at the least (llm-d-incubation/llm-d-infra#126)."""
INSTALL_DIR = "/home/kubernetes/bin/nvidia"
_ELSEWHERE = ("mig", "toolkit", "containerd", "dra_driver", "fabric_manager", "env", "ami")
"""Fields that say the question is another one than whether a driver gets installed."""


def gke_problems(facts: Facts) -> Iterator[Problem]:
    """Every rule on GKE, and on its node image elsewhere."""
    if facts.platform != "gke":
        # plain machines mount the driver at the same place (vllm-project/vllm#27268)
        if facts.os == "GKE COS":
            yield from _library_path(facts)
        return
    yield from _install_disabled(facts)
    yield from _library_path(facts)
    if not has_operator(facts) or facts.os != "GKE COS" or facts.manager == "operator":
        return
    if INSTALL_DIR in str(facts.given.toolkit or "") or any(
        INSTALL_DIR in value for value in facts.env.values()
    ):
        return
    yield Problem(
        "GKE_COS_INSTALL_DIR",
        "toolkit",
        "the operator's toolkit goes to /usr/local/nvidia, which Container-Optimized OS keeps read-only",
        (set_field("toolkit", f"installDir={INSTALL_DIR}", f"set toolkit.installDir={INSTALL_DIR}"),),
        # a manager alone leaves the folder open; another folder does not
        Severity.WARNING if facts.manager and not _names_default(facts) else Severity.ERROR,
    )


def _install_disabled(facts: Facts) -> Iterator[Problem]:
    given = facts.given
    nothing_said = not facts.manager and not facts.branch and given.gpu_operator is None
    about_node = not facts.has_workload and all(getattr(given, name) is None for name in _ELSEWHERE)
    words = f"{given.platform or ''} {given.driver_managed_by or ''} {facts.node_image}".lower()
    disabled = facts.manager == "none" or "installation_disabled" in facts.node_image
    provisioned = re.search(r"auto-?\s?provision|\bnap\b", words) is not None
    automatic = facts.kubernetes >= AUTO_INSTALL if facts.kubernetes else False
    silent = nothing_said and about_node and bool(facts.gpu_name) and (provisioned or not automatic)
    if facts.os == "GKE Autopilot" or not (silent or (disabled and not has_operator(facts))):
        return
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


def _library_path(facts: Facts) -> Iterator[Problem]:
    on_cos = facts.os in ("", "GKE COS", "GKE Autopilot")
    base = (
        parse_version(facts.given.base_image_cuda)[:2]
        if facts.given.base_image_cuda is not None
        else facts.cuda
    )
    own_image = facts.given.base_image_cuda is not None
    if _is_llm_d(facts) and not base:
        base, own_image = LLM_D_CUDA, True
    if not (facts.runtime == "vllm" or own_image) or facts.install == "pip":
        return
    if not on_cos or not (12, 8) <= base < (13, 0):
        return
    yield from _link_path(facts)
    if "/usr/local/nvidia" in facts.env.get("LD_LIBRARY_PATH", "") or facts.version >= LIBRARY_PATH_SET_SINCE:
        return
    # with neither image nor environment stated, whoever deploys may well set it
    stated = (
        facts.cuda_is_given
        or bool(facts.image)
        or plain(facts.given.install) == "docker"
        or facts.given.env is not None
        or bool(facts.given.base_image_cuda)
    )
    yield Problem(
        "DRIVER_LIB_PATH",
        "env",
        f"GKE mounts the driver in /usr/local/nvidia, where images on CUDA {dotted(base)} do not look for it",
        (
            Fix(
                f"set LD_LIBRARY_PATH={LIBRARY_PATH}",
                with_env(facts, "LD_LIBRARY_PATH", LIBRARY_PATH),
            ),
        ),
        Severity.ERROR if stated else Severity.WARNING,
    )
    if stated:
        yield from _compat_first(facts)


def _compat_first(facts: Facts) -> Iterator[Problem]:
    """Without the path, the loader takes the image's own libcuda (vllm-project/vllm#21979: error 803)."""
    if (
        not facts.driver
        or facts.driver <= compat_library(facts)
        or facts.given.image_has_compat_libs is False
    ):
        return
    yield Problem(
        "COMPAT_LIB_MISMATCH",
        "env",
        f"the image's own libcuda (CUDA {dotted(facts.cuda)}) is older than driver {facts.driver_text} "
        "and is found first (error 803)",
        (
            Fix(
                f"set LD_LIBRARY_PATH={LIBRARY_PATH}",
                with_env(facts, "LD_LIBRARY_PATH", LIBRARY_PATH),
            ),
        ),
    )


def _link_path(facts: Facts) -> Iterator[Problem]:
    """llm-d/llm-d#1063: its images from vLLM 0.17.1 on link at run time and look elsewhere than they load."""
    if not _is_llm_d(facts) or facts.version[:3] < (0, 17, 1) or facts.env.get("LIBRARY_PATH"):
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


def _is_llm_d(facts: Facts) -> bool:
    return "llm-d" in facts.runtime_text or "llm-d" in facts.image


def _names_default(facts: Facts) -> bool:
    """Whether the toolkit's folder is another one by what is written."""
    text = plain(facts.given.toolkit)
    return "/" in text or "default" in text or text in ("enabled", "true", "yes", "operator")
