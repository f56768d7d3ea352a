"""GKE mounts the driver in /usr/local/nvidia: which images do not look for it there."""

import re
from collections.abc import Iterator

from gpuyard.catalog.software import Version, parse_version
from gpuyard.compat.compat_libraries import compat_library
from gpuyard.compat.facts import Facts
from gpuyard.compat.problem import Fix, Problem, with_env
from gpuyard.compat.spelling import dotted, plain
from gpuyard.errors import Severity

DRIVER_PATH = "/usr/local/nvidia/lib64"
LIBRARY_PATH = f"{DRIVER_PATH}:/usr/local/cuda/lib64"
LIBRARY_PATH_SET_SINCE: dict[str, Version] = {"vllm": (0, 11, 1, 0), "sglang": (0, 4, 10)}
"""First release whose own image looks where GKE mounts the driver (vllm-project/vllm PR#25766,
sgl-project/sglang PR#8544). Images on CUDA 12.8.1 and 12.9 do not by themselves; on CUDA 13 they do again."""
RAY_WITHOUT_PATH: tuple[Version, Version] = ((2, 45), (2, 49))
"""Ray whose images on CUDA 12.8.1 do not look there (ray-project/ray#53266, #54551; PR#55206)."""
RAY_NIGHTLY = ("2504", "2508")
"""The same for its nightly images, by year and month."""
LLM_D_CUDA: Version = (12, 8)
"""What llm-d's images are on at the least (llm-d-incubation/llm-d-infra#126)."""
BASES_WITHOUT_PATH = re.compile(
    r"^(docker\.io/)?(library/)?(python|ubuntu|debian):|miniconda3|micromamba|"
    r"kubeflownotebookswg/(jupyter-pytorch|codeserver|rstudio)|scverse/scvi-tools"
)
"""Images on plain Linux and Python: only those on nvidia/cuda and pytorch/pytorch look there (kubeflow/
notebooks#176; scverse/scvi-tools#3799)."""
TGI_REFRESHES_CACHE: Version = (2,)
"""First text-generation-inference whose image runs ldconfig at its start (#1711, fixed by its PR#1708)."""
TEI_LOOKS_FOR_SMI: tuple[Version, Version] = ((1, 9), (1, 9, 3))
"""text-embeddings-inference that stops without nvidia-smi in the PATH (its PR#877, on CUDA 12.9)."""
TEI_PATH = "/usr/local/nvidia/bin:/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"


def library_path_problems(facts: Facts) -> Iterator[Problem]:
    """What keeps a container from finding the driver on GKE, and on its node image elsewhere."""
    path = facts.env.get("LD_LIBRARY_PATH", "")
    if path and "/usr/local/nvidia" not in path and "$" not in path and facts.runtime != "tgi":
        whole = f"{DRIVER_PATH}:{path}"
        yield Problem(
            "DRIVER_LIB_PATH",
            "env",
            f"LD_LIBRARY_PATH={path} leaves out {DRIVER_PATH}, where GKE mounts the driver",
            (_set_variable(facts, "LD_LIBRARY_PATH", whole),),
        )
        return
    yield from _library_path(facts)
    yield from _plain_base(facts)
    yield from _hugging_face(facts)


def _base_image(facts: Facts) -> tuple[Version, bool]:
    """CUDA of the image that a container is built on, and whether it is not the engine's usual one."""
    if facts.given.base_image_cuda is not None:
        return parse_version(facts.given.base_image_cuda)[:3], True
    plain_cuda = re.search(r"nvidia/cuda:(\d+\.\d+\.\d+)", facts.image)
    if plain_cuda:
        return parse_version(plain_cuda[1])[:3], True
    ray = re.search(r"rayproject/ray[a-z-]*:(?:(\d+\.\d+)|nightly\.(\d{4})).*cu12([89])", facts.image)
    if ray:
        broken = (
            RAY_WITHOUT_PATH[0] <= parse_version(ray[1])[:2] < RAY_WITHOUT_PATH[1]
            if ray[1]
            else RAY_NIGHTLY[0] <= ray[2] < RAY_NIGHTLY[1]
        )
        return ((12, int(ray[3])), True) if broken else ((), False)
    if _is_llm_d(facts) and not facts.cuda:
        return LLM_D_CUDA, True
    return facts.cuda, False


def _library_path(facts: Facts) -> Iterator[Problem]:
    base, own_image = _base_image(facts)
    since = LIBRARY_PATH_SET_SINCE.get(facts.runtime, ())
    if not (since or own_image) or facts.install == "pip":
        return
    # the image of CUDA 12.8.0 still looks there
    if not _may_be_cos(facts) or not (12, 8) <= base[:2] < (13, 0) or base == (12, 8, 0):
        return
    base = base[:2]
    yield from _link_path(facts)
    if facts.env.get("LD_LIBRARY_PATH") or (since and facts.version >= since):
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
        (_set_variable(facts, "LD_LIBRARY_PATH", LIBRARY_PATH),),
        Severity.ERROR if stated else Severity.WARNING,
    )
    if stated:
        yield from _compat_first(facts)


def _may_be_cos(facts: Facts) -> bool:
    """Whether the node may run Container-Optimized OS, GKE's default."""
    return facts.os in ("", "GKE COS", "GKE Autopilot")


def _set_variable(facts: Facts, name: str, value: str) -> Fix:
    return Fix(f"set {name}={value}", with_env(facts, name, value))


def _plain_base(facts: Facts) -> Iterator[Problem]:
    """Images on plain Linux, whatever CUDA their wheels bring."""
    if (
        not _may_be_cos(facts)
        or not BASES_WITHOUT_PATH.search(facts.image)
        or facts.env.get("LD_LIBRARY_PATH")
    ):
        return
    yield Problem(
        "DRIVER_LIB_PATH",
        "env",
        "GKE mounts the driver in /usr/local/nvidia, where images on plain Linux do not look for it",
        (_set_variable(facts, "LD_LIBRARY_PATH", LIBRARY_PATH),),
    )


def _hugging_face(facts: Facts) -> Iterator[Problem]:
    """Images of Hugging Face that find the driver only where the NVIDIA toolkit puts it."""
    if facts.runtime == "tgi" and facts.version and facts.version < TGI_REFRESHES_CACHE:
        changes = {"runtime_version": "2.0.4"}
        if facts.given.image is not None:
            changes["image"] = "ghcr.io/huggingface/text-generation-inference:2.0.4"
        yield Problem(
            "DRIVER_LIB_PATH",
            "runtime_version",
            "GKE mounts the driver in /usr/local/nvidia, which the image's loader cache does not know",
            (Fix("use text-generation-inference 2.0.4, which refreshes the cache", changes),),
            Severity.ERROR if _triton_compiles(facts) else Severity.WARNING,
        )
    low, high = TEI_LOOKS_FOR_SMI
    if facts.runtime == "tei" and low <= facts.version <= high and "cpu" not in facts.image:
        if "/usr/local/nvidia" in facts.env.get("PATH", ""):
            return
        yield Problem(
            "DRIVER_LIB_PATH",
            "env",
            "the image stops unless nvidia-smi is in the PATH, and GKE mounts it in /usr/local/nvidia/bin",
            (_set_variable(facts, "PATH", TEI_PATH),),
        )


def _triton_compiles(facts: Facts) -> bool:
    """Whether text-generation-inference may need what Triton compiles: GPTQ (#1711) or mixtures (#1330)."""
    if not facts.model_name:
        return True
    return "gptq" in facts.quantization or "mixtral" in facts.model_name.lower()


def _compat_first(facts: Facts) -> Iterator[Problem]:
    """Without the path, the loader takes the image's own libcuda (vllm-project/vllm#21979: error 803)."""
    if (
        not facts.driver
        or facts.driver <= compat_library(facts.cuda)
        or facts.given.image_has_compat_libs is False
    ):
        return
    yield Problem(
        "COMPAT_LIB_MISMATCH",
        "env",
        f"the image's own libcuda (CUDA {dotted(facts.cuda)}) is older than driver {facts.driver_text} "
        "and is found first (error 803)",
        (_set_variable(facts, "LD_LIBRARY_PATH", LIBRARY_PATH),),
    )


def _link_path(facts: Facts) -> Iterator[Problem]:
    """llm-d/llm-d#1063: its images from vLLM 0.17.1 on link at run time and look elsewhere than they load."""
    if not _is_llm_d(facts) or facts.version[:3] < (0, 17, 1) or facts.env.get("LIBRARY_PATH"):
        return
    yield Problem(
        "DRIVER_LIB_PATH",
        "env",
        "kernels are linked at run time, and the linker does not look in /usr/local/nvidia/lib64",
        (_set_variable(facts, "LIBRARY_PATH", DRIVER_PATH),),
    )


def _is_llm_d(facts: Facts) -> bool:
    return "llm-d" in facts.runtime_text or "llm-d" in facts.image
