"""GKE mounts the driver in /usr/local/nvidia: which images do not look for it there."""

import re
from collections.abc import Iterator

from gpuyard.catalog.software import Version, parse_version
from gpuyard.compat.compat_libraries import compat_library
from gpuyard.compat.facts import Facts
from gpuyard.compat.problem import Fix, Problem, with_env
from gpuyard.compat.sourced import Sourced
from gpuyard.compat.spelling import dotted, plain
from gpuyard.errors import Severity

DRIVER_PATH = "/usr/local/nvidia/lib64"
LIBRARY_PATH = f"{DRIVER_PATH}:/usr/local/cuda/lib64"
LIBRARY_PATH_SET_SINCE: dict[str, Sourced[int]] = {
    "vllm": Sourced((0, 11, 1, 0), "vllm-project/vllm#21979, PR#25766"),
    "sglang": Sourced((0, 4, 10), "sgl-project/sglang PR#8544"),
}
"""First release whose own image looks where GKE mounts the driver. Images on CUDA 12.8.1 and 12.9 do not by
themselves; on CUDA 13 they do again."""
RAY_WITHOUT_PATH: Sourced[Version] = Sourced(((2, 45), (2, 49)), "ray-project/ray#53266, #54551, PR#55206")
"""Ray whose images on CUDA 12.8.1 do not look there."""
RAY_NIGHTLY = ("2504", "2508")
"""The same for its nightly images, by year and month."""
LLM_D_CUDA = Sourced((12, 8), "llm-d-incubation/llm-d-infra#126")
"""What llm-d's images are on at the least."""
LINKS_SINCE = Sourced((0, 17, 1), "llm-d/llm-d#1063")
"""vLLM in llm-d's images that links at run time and looks elsewhere than it loads."""
_UNSET = re.compile(
    r"[^;,]*\bld_library_path\b[^;,]{0,30}\b(not set|unset|missing|empty)\b[^;,]*"
    r"|[^;,]*\b(without|no|lacks?|missing) ld_library_path\b[^;,]*"
)
SAID_UNSET = "deepgram/self-hosted-resources PR#177 (2026-07-21)"
PLAIN_BASES = "kubeflow/notebooks#176; scverse/scvi-tools#3799"
BASES_WITHOUT_PATH = re.compile(
    r"^(docker\.io/)?(library/)?(python|ubuntu|debian):|miniconda3|micromamba|"
    r"kubeflownotebookswg/(jupyter-pytorch|codeserver|rstudio)|scverse/scvi-tools"
)
"""Images on plain Linux and Python: only those on nvidia/cuda and pytorch/pytorch look there."""
TGI_REFRESHES_CACHE = Sourced((2,), "huggingface/text-generation-inference#1711, PR#1708")
"""First text-generation-inference whose image runs ldconfig at its start."""
TEI_LOOKS_FOR_SMI: Sourced[Version] = Sourced(
    ((1, 9), (1, 9, 3)), "huggingface/text-embeddings-inference PR#877"
)
"""text-embeddings-inference that stops without nvidia-smi in the PATH, on CUDA 12.9."""
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
    yield from _said_unset(facts)
    yield from _library_path(facts)
    yield from _plain_base(facts)
    yield from _hugging_face(facts)


def _said_unset(facts: Facts) -> Iterator[Problem]:
    """Images of which it is said that they do not set the path."""
    words = plain(facts.given.env)
    told = _UNSET.search(words) if "ld_library_path" in words else None
    if told is None or facts.env.get("LD_LIBRARY_PATH") or not _may_be_cos(facts):
        return
    yield Problem(
        "DRIVER_LIB_PATH",
        "env",
        f"GKE mounts the driver in {DRIVER_PATH}, where a program looks only by LD_LIBRARY_PATH",
        (_set_variable(facts, "LD_LIBRARY_PATH", LIBRARY_PATH),),
        # without a word of the image, that may set it
        Severity.ERROR if "image" in told[0] and facts.os else Severity.WARNING,
        source=SAID_UNSET,
    )


def _base_image(facts: Facts) -> tuple[Version, bool]:
    """CUDA of the image that a container is built on, and whether it is not the engine's usual one.

    Where an image's name alone says so, it cites who.
    """
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
        return (Sourced((12, int(ray[3])), RAY_WITHOUT_PATH.source), True) if broken else ((), False)
    if _is_llm_d(facts) and not facts.cuda:
        return LLM_D_CUDA, True
    return facts.cuda, False


def _library_path(facts: Facts) -> Iterator[Problem]:
    base, own_image = _base_image(facts)
    since = LIBRARY_PATH_SET_SINCE.get(facts.runtime)
    if (since is None and not own_image) or facts.install == "pip":
        return
    # the image of CUDA 12.8.0 still looks there
    if not _may_be_cos(facts) or not (12, 8) <= base[:2] < (13, 0) or base == (12, 8, 0):
        return
    cited = base.source if isinstance(base, Sourced) else since.source if since and not own_image else ""
    base = base[:2]
    yield from _link_path(facts)
    if facts.env.get("LD_LIBRARY_PATH") or (since is not None and facts.version >= since):
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
        source=cited,
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
        source=PLAIN_BASES,
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
            source=TGI_REFRESHES_CACHE.source,
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
            source=TEI_LOOKS_FOR_SMI.source,
        )


def _triton_compiles(facts: Facts) -> bool:
    """Whether text-generation-inference may need what Triton compiles: GPTQ (#1711) or mixtures (#1330)."""
    if not facts.model_name:
        return True
    return "gptq" in facts.quantization or "mixtral" in facts.model_name.lower()


def _compat_first(facts: Facts) -> Iterator[Problem]:
    """Without the path, the loader takes the image's own libcuda."""
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
        source="vllm-project/vllm#21979",
    )


def _link_path(facts: Facts) -> Iterator[Problem]:
    if not _is_llm_d(facts) or facts.version[:3] < LINKS_SINCE or facts.env.get("LIBRARY_PATH"):
        return
    yield Problem(
        "DRIVER_LIB_PATH",
        "env",
        "kernels are linked at run time, and the linker does not look in /usr/local/nvidia/lib64",
        (_set_variable(facts, "LIBRARY_PATH", DRIVER_PATH),),
        source=LINKS_SINCE.source,
    )


def _is_llm_d(facts: Facts) -> bool:
    return "llm-d" in facts.runtime_text or "llm-d" in facts.image
