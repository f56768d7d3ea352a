"""The image's own libcuda (package cuda-compat): when it loads, and which drivers it then disagrees with."""

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

from gpuyard.catalog.software import (
    Version,
    compat_rule,
    cuda_floor,
    forward_hosts,
    native_driver,
    newest_driver,
)
from gpuyard.catalog.software_runtimes import ngc_hosts, release_key, runtime_releases
from gpuyard.compat.build import NGC_IMAGES, base_image, says_major_alone
from gpuyard.compat.facts import Facts
from gpuyard.compat.generations import last_branch
from gpuyard.compat.problem import Fix, Problem, raise_driver, set_field, set_release, with_env
from gpuyard.compat.sourced import Sourced
from gpuyard.compat.spelling import cuda_of, dotted
from gpuyard.errors import Severity

LIBRARY_VERSIONS: Mapping[Version, Version] = {(12, 8): (570, 124, 6), (12, 9): (575, 57, 8)}
"""Driver version of libcuda in the base images' compatibility package, where it is not the native driver."""
WIRED_VLLM: Sourced[Version] = Sourced(((0, 15, 0, 0),), "vllm-project/vllm PR#33992; gpustack/gpustack#4678")
"""vLLM images that put cuda-compat into the loader path for everybody."""
WIRED_BEHIND: Sourced[Version] = Sourced(
    ((0, 15, 1, 0), (0, 16, 0, 0)), "vllm-project/vllm#33116, #34226, #34821; gpustack/gpustack#4678"
)
"""vLLM images that leave it in the path behind the driver's usual folders (of 2026-01-26, still so on
2026-02-18). It comes first where the container runtime mounts the driver elsewhere or refreshes the loader's
cache. Opt-in since vllm-project/vllm PR#33992, of which it is not known whether 0.16.0 has it."""
UNWIRED = "0.17.0"
WIRED_UNDER_GPUSTACK = Sourced((0, 15), "gpustack/gpustack#4678")
"""GPUStack refreshes the loader's cache, which wakes the path in all images of that line."""
WIRED_LLM_D: Sourced[Version] = Sourced(((0, 5, 0, 0),), "llm-d/llm-d#706")
LLM_D_CUDA: Version = (12, 9)
"""llm-d's images of early 2026, with the CUDA that they are built on."""
WIRED_DYNAMO = Sourced((0, 4), "ai-dynamo/dynamo#1101; ai-dynamo/nixl#441")
"""Dynamo's and NIXL's CUDA 12 images before, of early 2025."""
TRIED_FIRST = "triton-inference-server/server PR#190"
"""NVIDIA's framework containers have the folder `_MADE` in their path, and no such folder: their entry point
links it to the libraries where those can be initialised with the driver."""
_MADE = "/cuda/compat/lib"
FIRST_COMPAT: Version = (10, 0)
"""First CUDA with a compatibility package."""
TEI_RELEASE = re.compile(r"(?<![\d.])1\.9\.([0-3])(?![\d.])")
"""Releases of Text Embeddings Inference that put cuda-compat first: 1.9.0 always, the others where their
entry point cannot read what `nvidia-smi` prints."""
TEI_CUDA = Sourced((12, 9), "huggingface/text-embeddings-inference PR#831, #870")
TEI_UNREAD: int = 610
"""First driver branch whose `nvidia-smi` says "CUDA UMD Version"."""
NOT_ON_CUDA_IMAGES = ("ollama",)
"""Engines whose image is not one of NVIDIA's and carries no cuda-compat."""
DRIVER_FOLDERS = (
    "/usr/local/nvidia/lib",
    "/usr/lib/x86_64-linux-gnu",
    "/usr/lib/aarch64-linux-gnu",
    "/usr/lib64",
)
"""Where container runtimes mount the driver's libraries."""
CLUSTERS = frozenset({"eks", "gke", "aks", "kubernetes", "k8s", "openshift"})
"""Platforms whose pods often replace an image's entry point."""

NOT_ON_GEFORCE = (
    "vllm-project/vllm#4940, #5283; gpustack/gpustack#1254; oobabooga/textgen#4407; "
    "noonghunna/club-3090#222, PR#304"
)
NOT_ON_DROPPED = "NVIDIA/gpu-operator#389; jax-ml/jax#15961"
"""Who saw mounted libraries fail: on GeForce, and of a branch that had dropped the GPU."""
_MOUNTS_NONE = re.compile(r"v?1\.17\.4\b")
"""The one container toolkit that does not mount them by default (its release notes, 1.17.4 and 1.17.5)."""


def uses_forward_compat(facts: Facts) -> bool:
    """Whether compatibility libraries carry a newer CUDA over an older driver."""
    return bool(facts.given.image_has_compat_libs or _is_asked(facts)) and facts.datacenter is not False


def is_framework(facts: Facts) -> bool:
    """Whether it is a framework container of NVIDIA's: they ask nothing of the container runtime."""
    own = facts.image or ("nvidia/tensorrt-llm" if facts.runtime == "tensorrt-llm" else "")
    return bool(facts.month) or "nvidia/tensorrt-llm" in own


def tries_both_modes(facts: Facts) -> bool:
    """Whether it is a framework container and the driver reaches the floor of its CUDA.

    Their entry point tries the compatibility libraries and falls back to minor-version compatibility, on
    GeForce too, as long as nothing else puts the libraries into the path.
    """
    floor = cuda_floor(facts.base_cuda)
    return is_framework(facts) and bool(floor) and facts.driver_high >= floor


def is_carried(facts: Facts) -> bool:
    """Whether NVIDIA's own entry point carries a newer CUDA major over this driver, by its release notes."""
    own = NGC_IMAGES in facts.image and facts.platform not in CLUSTERS and facts.datacenter is True
    # TensorRT-LLM's releases of CUDA 13 are built on containers of then (NVIDIA/TensorRT-LLM#9373: on 570)
    by_release = "nvidia/tensorrt-llm" in facts.image and facts.cuda >= (13,)
    month = facts.month or ((25, 8) if by_release else ())
    return own and bool(month) and facts.branch in ngc_hosts(month)


def stated_library_problems(facts: Facts) -> Iterator[Problem]:
    """Libraries that the combination states, or that the release is known to load."""
    stated = cuda_of(str(facts.given.base_image_cuda or ""))
    own = (LLM_D_CUDA if _is_wired_llm_d(facts) else ()) or (TEI_CUDA if _is_wired_tei(facts) else ())
    libs = facts.given.image_has_compat_libs
    known = stated or facts.cuda or own
    cuda = known or _first_image(facts.runtime)
    native = native_driver(cuda)
    if not native or not facts.driver_high or libs is False:
        return
    if not (libs or _is_asked(facts) or _is_wired(facts)):
        if _is_behind(facts) and _is_newer(facts, cuda):
            yield Problem(
                "COMPAT_LIB_MISMATCH",
                "image",
                f"the image's libcuda (CUDA {dotted(cuda)}) is older than the loaded driver "
                f"{facts.driver_text} and may come first in the loader path (error 803)",
                (set_release(facts, UNWIRED),),
                Severity.WARNING,
                source=WIRED_BEHIND.source,
            )
        return
    older = facts.driver_high < native
    if not known and not (older and facts.is_geforce):
        return
    newest = newest_driver(cuda)
    if (
        facts.datacenter is False
        and not older
        and facts.driver_high < newest
        and says_major_alone(facts.given)
    ):
        yield _refused(facts, cuda, newest)  # of 13.0 it would be the other error, of any later 13.x this one
    if older and facts.datacenter is False:
        if libs or not (_is_tried_first(facts) and tries_both_modes(facts)):
            yield _refused(facts, cuda, native)
    elif older and facts.branch in forward_hosts("excluded"):
        yield Problem(
            "COMPAT_LIB_MISMATCH",
            "driver",
            f"compatibility libraries do not support driver branch {facts.branch}",
            (raise_driver(facts, native),),
            source=compat_rule("R-FWD")["source"],
        )
    elif _is_newer(facts, cuda) and not _has_driver_first(facts) and not _is_tried_first(facts):
        yield Problem(
            "COMPAT_LIB_MISMATCH",
            "image_has_compat_libs",
            f"the image's libcuda (CUDA {dotted(cuda)}) is older than the loaded driver "
            f"{facts.driver_text} and comes first in the loader path (error 803)",
            _ways_out(facts),
            Severity.WARNING if _may_be_updated(facts, cuda) else Severity.ERROR,
            source=_wired_by(facts),
        )


def mounted_library_problems(facts: Facts) -> Iterator[Problem]:
    """Libraries that the container runtime mounts by itself, as it does where they are newer than the driver.

    GeForce may not use them, and those of a branch that dropped the GPU cannot drive it.
    """
    native = native_driver(facts.base_cuda)
    stated = facts.given.image_has_compat_libs is not None or _is_asked(facts) or _is_wired(facts)
    is_dropped = bool(native) and 0 < last_branch(facts.sm) < native[0]
    is_barred = facts.is_geforce or is_dropped
    if stated or facts.install != "docker" or not is_barred or tries_both_modes(facts):
        return
    if _MOUNTS_NONE.match(str(facts.given.toolkit or "")):
        return
    if not native or not facts.branch or facts.branch >= native[0] or facts.base_cuda < FIRST_COMPAT:
        return
    if any(word in facts.runtime_text for word in NOT_ON_CUDA_IMAGES):
        return
    yield _refused(
        facts, facts.base_cuda, native, source=NOT_ON_GEFORCE if facts.is_geforce else NOT_ON_DROPPED
    )


def _refused(facts: Facts, cuda: Version, native: Version, source: str = "") -> Problem:
    verb = "is" if facts.driver_high < native_driver(cuda) else "or a later one is"
    return Problem(
        "FWD_COMPAT_UNSUPPORTED_HW",
        "image_has_compat_libs",
        f"CUDA {dotted(cuda)} {verb} newer than driver {facts.driver_text}, so the image's "
        f"compatibility libraries load, and {facts.who} may not use them (error 804)",
        (
            set_field("image_has_compat_libs", False, "use an image without cuda-compat"),
            raise_driver(facts, native),
        ),
        source=source,
    )


def compat_library(cuda: Version) -> Version:
    """Driver version of libcuda in the images' compatibility package: that of the toolkit's first update."""
    return LIBRARY_VERSIONS.get(cuda) or native_driver(cuda)


def _first_image(runtime: str) -> Version:
    """CUDA of the engine's first image: what that is too new for, every image is."""
    return next((row.image_cuda[:2] for row in runtime_releases(runtime)[:1]), ())


def _is_newer(facts: Facts, cuda: Version) -> bool:
    """Whether the driver is newer than the libraries; a bare branch has to be a later one."""
    if facts.driver:
        library = compat_library(cuda)
        return facts.driver[: len(library)] > library  # of CUDA 10 the first two numbers are known
    return (facts.branch or 0) > native_driver(cuda)[0]


def _may_be_updated(facts: Facts, cuda: Version) -> bool:
    """Whether a base image of NVIDIA's may have a later library of the driver's own branch.

    They are rebuilt with the newest package of their CUDA (awslabs/awsome-distributed-ai#475: that of 12.2
    beside driver 535.183.01).
    """
    return bool(base_image(facts.image)) and facts.branch == native_driver(cuda)[0]


def _is_asked(facts: Facts) -> bool:
    return facts.env.get("VLLM_ENABLE_CUDA_COMPATIBILITY", "").lower() in ("1", "true")


def _is_wired(facts: Facts) -> bool:
    """Whether the image is known to put the libraries into the loader path."""
    path = facts.env.get("LD_LIBRARY_PATH", "")
    if "/compat" in path:
        return True
    return facts.install != "pip" and any(is_meant(facts) for is_meant, _ in _WIRED)


def _wired_by(facts: Facts) -> str:
    """Who says that the image puts the libraries into the path; empty: it is stated, or asked for."""
    return next((source for is_meant, source in _WIRED if is_meant(facts)), "")


def _is_wired_vllm(facts: Facts) -> bool:
    in_image = facts.install == "docker" or bool(facts.image) or facts.platform in CLUSTERS
    return in_image and facts.runtime == "vllm" and facts.version in WIRED_VLLM


def _is_behind(facts: Facts) -> bool:
    """Whether the image has the libraries in the path behind the driver's usual folders."""
    by_vllm = facts.runtime == "vllm" and bool(facts.image) and facts.version in WIRED_BEHIND
    return by_vllm and not _has_driver_first(facts)


def _has_driver_first(facts: Facts) -> bool:
    """Whether the path begins with the driver's folders, so that its libcuda loads (gpustack#4678).

    Programs that put the libraries in front of the path themselves are not kept from it.
    """
    path = facts.env.get("LD_LIBRARY_PATH", "").lstrip(":")
    return path.startswith(DRIVER_FOLDERS) and not _is_asked(facts) and facts.runtime != "tei"


def _is_tried_first(facts: Facts) -> bool:
    """Whether NVIDIA's entry point makes the folder in the path (`TRIED_FIRST`), and nobody names another."""
    folders = facts.env.get("LD_LIBRARY_PATH", "").split(":")
    others = [folder for folder in folders if "/compat" in folder and not folder.rstrip("/").endswith(_MADE)]
    return NGC_IMAGES in facts.image and is_framework(facts) and not others and not _is_asked(facts)


def _is_wired_under_gpustack(facts: Facts) -> bool:
    by_gpustack = "gpustack" in facts.runtime_text or "gpustack" in facts.platform
    return by_gpustack and facts.version[:2] == WIRED_UNDER_GPUSTACK


def _is_wired_llm_d(facts: Facts) -> bool:
    return "llm-d" in facts.runtime_text and release_key(facts.given.runtime_version) in WIRED_LLM_D


def _is_wired_tei(facts: Facts) -> bool:
    """Whether a release that is named in full does so: the tag ``1.9`` moves on."""
    found = TEI_RELEASE.search(f"{facts.given.runtime_version or ''} {facts.image}")
    if facts.runtime != "tei" or found is None:
        return False
    return found[1] == "0" or (facts.branch or 0) >= TEI_UNREAD


def _is_early_dynamo(facts: Facts) -> bool:
    version = release_key(facts.given.runtime_version or "")
    early = not version or version < WIRED_DYNAMO
    named = "dynamo" in facts.runtime_text or "nixl" in facts.runtime_text
    return named and early and facts.cuda_is_given and facts.cuda < (13,)


_WIRED: Sequence[tuple[Callable[[Facts], bool], str]] = (
    (_is_wired_vllm, WIRED_VLLM.source),
    (_is_wired_under_gpustack, WIRED_UNDER_GPUSTACK.source),
    (_is_wired_llm_d, WIRED_LLM_D.source),
    (_is_early_dynamo, WIRED_DYNAMO.source),
    (_is_wired_tei, TEI_CUDA.source),
)
"""Images that put the libraries into the loader path, and who says so."""


def _ways_out(facts: Facts) -> tuple[Fix, ...]:
    fixes = []
    if facts.runtime == "vllm" and facts.version in WIRED_VLLM:
        fixes.append(set_release(facts, UNWIRED))
    if _is_wired_tei(facts):
        fixes += [_set_tei(facts, release) for release in ("1.9.3", "1.8.3")]
    cleared: dict[str, Any] = {"image_has_compat_libs": False}
    if _is_asked(facts) or "/compat" in facts.env.get("LD_LIBRARY_PATH", ""):
        cleared |= with_env(facts, "LD_LIBRARY_PATH", "/usr/local/nvidia/lib64")
        cleared["env"].pop("VLLM_ENABLE_CUDA_COMPATIBILITY", None)
    fixes.append(Fix("use an image that does not load cuda-compat", cleared))
    return tuple(fixes)


def _set_tei(facts: Facts, release: str) -> Fix:
    """Another release, in the tag of the same generation's image."""
    if not facts.given.image:
        return set_release(facts, release)
    image = re.sub(r"\d+(\.\d+)+$", release, facts.given.image)
    return Fix(f"use image {image}", {"runtime_version": release, "image": image})
