"""Release, way of installation and CUDA of the engine that a combination names."""

import re

from gpuyard.catalog.software import Version
from gpuyard.catalog.software_runtimes import RuntimeRelease, release_key, released_by
from gpuyard.compat.combination import Combination
from gpuyard.compat.spelling import cuda_of, engine_of, plain

NGC_IMAGES = "nvcr.io/nvidia/vllm:"
NGC_MONTH = (25, 9)
NGC_CUDA_13: Version = (13, 0)
"""NVIDIA's own builds of vLLM have CUDA 13 from their first month."""
CALENDAR_TAGS = 20
"""Image tags such as ``25.11-py3`` are months, not engine versions."""
VERSION_IN_TAG = re.compile(
    r"(?:^|[-_ ](?=v\d)|vllm|sglang|tgi|llm)[-_: ]?v?(\d+\.\d+(?:\.\d+)?(?:[.-]?post\d+)?)"
)
"""At the start or after an engine's name: models have versions too (``glm-5.3-flash``)."""
MOVING_TAGS = ("latest", "main", "nightly", "newest", "current", "master")
MID_MONTH = "15"
"""Day that a month without one is taken for."""
EARLY_VLLM = ((0, 2, 2, 0), (0, 6, 0, 0))
EARLY_VLLM_CUDA: Version = (12, 1)
"""Releases of vLLM before the catalog's first one, with the torch that they pinned (requirements.txt)."""


def read_version(given: Combination, runtime_text: str, image: str) -> Version:
    """Key of the release, of the field or of an image tag; empty: unknown."""
    if "dynamo" in runtime_text and engine_of(runtime_text) != "ai-dynamo":
        return ()  # Dynamo's own version; which engine it carries is not known
    if given.runtime_version is not None:
        return release_key(given.runtime_version) or _moving(given.runtime_version, engine_of(runtime_text))
    for text in (runtime_text, image.rpartition(":")[2] if ":" in image.rpartition("/")[2] else ""):
        found = VERSION_IN_TAG.search(re.sub(r"cuda?-?\d+(\.\d+)*", "", text))
        if found and int(found[1].partition(".")[0]) < CALENDAR_TAGS:
            return release_key(found[1])
    return ()


def _moving(text: object, engine: str) -> Version:
    """The release that "latest" means, or meant in a month or on a day; empty: nothing like that is said."""
    words = plain(text)
    if words in ("latest", "stable", "newest") and engine:
        return released_by(engine, "2999-12-31")
    found = re.search(r"\b(20\d{2}-\d{2})(?:-(\d{2}))?\b", words)
    if found is None or not engine or not any(word in words for word in MOVING_TAGS):
        return ()
    return released_by(engine, f"{found[1]}-{found[2] or MID_MONTH}")


def read_install(given: Combination, image: str) -> str:
    """``pip``, ``docker`` or whatever else is said; an image means ``docker``."""
    text = plain(given.install)
    if text in ("pip", "uv", "wheel", "pypi", "venv", "conda", "uv pip", "pip install"):
        return "pip"
    if text in ("docker", "container", "image", "podman", "helm", "kubernetes"):
        return "docker"
    return text or ("docker" if image else "")


def read_cuda(
    given: Combination,
    image: str,
    runtime: str,
    version: Version,
    release: RuntimeRelease | None,
    install: str,
) -> tuple[Version, bool]:
    """CUDA major and minor of the build, and whether that was given."""
    if given.cuda is not None:
        return cuda_of(str(given.cuda)), True
    tag = image.rpartition(":")[2]
    for text in (tag, plain(given.runtime_version)):
        found = re.search(r"cu(?:da)?-?(\d{2})[.-]?(\d)", text)
        if found:
            return (int(found[1]), int(found[2])), True
    if NGC_IMAGES in image:
        month = re.match(r"(\d{2})\.(\d{2})", tag)
        return (NGC_CUDA_13 if month and (int(month[1]), int(month[2])) >= NGC_MONTH else ()), False
    if release is not None and "nightly" not in tag:
        return (release.wheel_cuda if install == "pip" else release.image_cuda)[:2], False
    if EARLY_VLLM[0] <= version < EARLY_VLLM[1] and runtime == "vllm":
        return EARLY_VLLM_CUDA, False
    return (), False
