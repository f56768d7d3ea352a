"""Images by what their names say of the GPUs that they were compiled for."""

import re
from collections.abc import Iterator

from gpuyard.catalog.software import Version
from gpuyard.compat.architectures import read_capability
from gpuyard.compat.facts import Facts
from gpuyard.compat.generations import BLACKWELL
from gpuyard.compat.image_gate import FOR_JETSON
from gpuyard.compat.machine_code import is_translated
from gpuyard.compat.problem import Fix, Problem, set_field, set_gpu
from gpuyard.compat.sourced import Sourced
from gpuyard.compat.spelling import dotted
from gpuyard.errors import Severity

_NAMED = re.compile(r"(?:^|[-_.])(?:cuda\d*[-_])?sm[-_]?(\d{2,3})(?=$|[-_.])")
"""``sm89``, ``cuda128-sm120``, ``sm_90``."""
_MISTRAL = re.compile(r"mistral\.rs:cuda-(\d{2})(?=-|$)")
"""Its early tags name the compute capability alone: ``cuda-90-0.3.1``."""
IMAGES_FROM: tuple[tuple[re.Pattern[str], Sourced[int]], ...] = (
    (
        re.compile(r"ggml-org/whisper\.cpp:main-cuda$"),
        Sourced((7, 5), "ggml-org/whisper.cpp .devops/main-cuda.Dockerfile (2025-08-13 to 2026-08-21)"),
    ),
)
"""Moving tags, and the oldest GPU that they are compiled for, with PTX for newer ones."""
GPUSTACK = re.compile(r"gpustack/gpustack(?::(?P<tag>[\w.-]+))?$")
GPUSTACK_SAYS = "gpustack/gpustack#1382, #1755, #2283, #2731; gpustack/llama-box .github/workflows/ci.yml"
GPUSTACK_WITHOUT: Version = (0, 0, 5124, 0)
"""llama.cpp in the newest llama-box without machine code for Blackwell in any build (0.0.132); GPUStack up to
0.7 has tags with ``cuda12.8`` that have it, for vLLM too."""
_GPUSTACK_EARLY = re.compile(r"v?0\.[0-7](\.|$)")
SERVERS = re.compile(
    r"nvcr\.io/nvidia/(tritonserver|pytorch|vllm|sglang|tensorrt|tensorrt-llm|tensorflow)[:/@]"
)
"""NVIDIA's containers that come for servers, and some for Jetson with ``igpu`` in their tags."""
JETSON: Sourced[Version] = Sourced(
    ((5, 3), (6, 2), (7, 2), (8, 7)),
    "triton-inference-server/server#7023, #7199, #8211; docs.nvidia.com Triton support matrix",
)
"""Compute capabilities of Jetson modules that have a driver of their own; Thor has the servers'."""
ON_SERVERS: Version = (13, 0)
"""CUDA from which containers serve newer Jetson modules too."""


def tagged_image_problems(facts: Facts) -> Iterator[Problem]:
    """An image for other GPUs, by its tag."""
    if not facts.image:
        return
    yield from _for_servers(facts)
    yield from _from_a_gpu_on(facts)
    yield from _gpustack(facts)
    named = [*map(read_capability, _NAMED.findall(facts.image.rpartition(":")[2]))]
    early = _MISTRAL.search(facts.image)
    told = [sm for sm in (*named, read_capability(early[1]) if early else ()) if sm]
    if not told or any(sm[0] == facts.sm[0] and sm <= facts.sm for sm in told):
        return
    if is_translated(facts) and min(told) <= facts.sm:
        return
    yield Problem(
        "SM_NOT_IN_BINARY",
        "image",
        f"the image is compiled for compute capability {' '.join(map(dotted, told))}, {facts.who} has "
        f"{dotted(facts.sm)}",
        (
            set_field("image", None, f"use an image for compute capability {dotted(facts.sm)}"),
            set_gpu(facts, "h100-sxm"),
        ),
        Severity.ERROR if facts.sm < min(told) else Severity.WARNING,
        source="the image's tag",
    )


def _from_a_gpu_on(facts: Facts) -> Iterator[Problem]:
    since = next((since for name, since in IMAGES_FROM if name.search(facts.image)), None)
    if since is None or facts.sm >= since:
        return
    yield Problem(
        "SM_NOT_IN_BINARY",
        "image",
        f"the image is compiled for compute capability {dotted(since)} and newer, {facts.who} has "
        f"{dotted(facts.sm)}",
        (Fix("build it for this GPU", {"install": "source", "image": None}), set_gpu(facts, "l4")),
        source=since.source,
    )


def _gpustack(facts: Facts) -> Iterator[Problem]:
    """GPUStack's images before 2.0, whose plain tags are older than Blackwell."""
    found = GPUSTACK.search(facts.image)
    if found is None or facts.sm < BLACKWELL or "12.8" in (found["tag"] or ""):
        return
    by_tag = _GPUSTACK_EARLY.match(found["tag"] or "") is not None
    by_build = facts.runtime == "llama.cpp" and () < facts.version <= GPUSTACK_WITHOUT
    if by_tag or by_build:
        yield Problem(
            "SM_NOT_IN_BINARY",
            "image",
            f"the image's engines have machine code up to compute capability 9.0, none for {facts.card}",
            (
                Fix(
                    "use the image gpustack/gpustack:v0.7.1-cuda12.8",
                    {"image": "gpustack/gpustack:v0.7.1-cuda12.8", "runtime_version": None},
                ),
                set_gpu(facts, "l40s"),
            ),
            source=GPUSTACK_SAYS,
        )


def _for_servers(facts: Facts) -> Iterator[Problem]:
    if facts.sm not in JETSON or FOR_JETSON.search(facts.image) or not SERVERS.search(facts.image):
        return
    yield Problem(
        "SM_NOT_IN_BINARY",
        "image",
        f"the image is for servers and has no machine code for {facts.card}, a Jetson module",
        (
            Fix("use the container for Jetson (igpu in its tag)", {"image": _with_igpu(facts.image)}),
            set_field("image", None, "use an image for Jetson"),
        ),
        Severity.WARNING if facts.cuda >= ON_SERVERS else Severity.ERROR,
        source=JETSON.source,
    )


def _with_igpu(image: str) -> str:
    """The tag as those for Jetson are written: ``24.02-py3-igpu``."""
    return image if image.endswith("-igpu") else f"{image}-igpu"
