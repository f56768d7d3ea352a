"""The node's processor: images, node images and releases that are built for another one."""

import re
from collections.abc import Iterator, Mapping
from functools import cache

from gpuyard.catalog.software import Version
from gpuyard.catalog.software_images import Amd64Image, amd64_images
from gpuyard.catalog.software_runtimes import first_with_arm64
from gpuyard.compat.build import OWN_IMAGES
from gpuyard.compat.facts import Facts
from gpuyard.compat.owner import stated_operator
from gpuyard.compat.problem import (
    OTHER_HARDWARE,
    OTHER_SOFTWARE,
    VLLM_INSTEAD,
    Fix,
    Problem,
    set_field,
    set_gpu,
    set_release,
    use_eks_image,
)
from gpuyard.compat.sourced import Sourced
from gpuyard.compat.spelling import dotted
from gpuyard.errors import Severity

_TORCH: tuple[Sourced[int], str] = (
    Sourced(
        (2, 11, 0, 0),
        "pytorch/pytorch#160162; torch's wheels for arm64 on PyPI, 2.7.1 to 2.11.0 (2026-11-27)",
    ),
    "its wheel on the default index is for the CPU only",
)
ARM64_WHEELS: Mapping[str, tuple[Sourced[int], str]] = {
    "bitsandbytes": (
        Sourced((0, 46, 0, 0), "NVIDIA/workbench-example-mistral-finetune PR#4"),
        "its wheel has kernels for x86_64 only",
    ),
    "onnxruntime-gpu": (Sourced((1, 29, 0, 0), "onnxruntime-gpu on PyPI (2026-11-27)"), "it has no wheel"),
    "pytorch": _TORCH,
    "tensorrt-llm": (
        Sourced((0, 15, 0, 0), "NVIDIA/TensorRT-LLM#2060, #2181 and its release notes"),
        "NVIDIA's index has no wheel",
    ),
    "torch": _TORCH,
}
"""Per library: first release whose wheel on PyPI runs on an arm64 machine's GPU, and what is wrong before."""
CPU_ONLY_ON_ARM64 = Sourced(
    (re.compile(r"ctranslate2|faster[-_ ]?whisper|whisper-?x|speaches"),),
    "OpenNMT/CTranslate2#1306, #1908, PR#2019; speaches-ai/speaches#620; wheel of 4.8.1 (2026-11-27)",
)
"""Programs on CTranslate2, whose wheels for arm64 are for the CPU."""
NIM_ON_ARM64 = Sourced(
    (re.compile(r"spark|arm64|aarch64|nemotron-3"),),
    "NVIDIA/workbench-example-agentic-rag#18 (2026-01-19); NVIDIA/NemoClaw PR#304 (2026-03-18)",
)
"""Words of NIM images that are for arm64."""
_JETSON = re.compile(r"jetson|orin|xavier")
"""Modules for which NVIDIA has indexes of its own."""
SGLANG_ON_ARM64: Version = (0, 5, 0, 0)
"""First SGLang with images for arm64."""
OPERATOR_ON_ARM64 = Sourced(
    (1, 10), "NVIDIA/gpu-operator .common-ci.yml@v1.10.0 (2022-03-18); release notes of 1.10.0 and 22.9.0"
)
"""First GPU Operator with images for arm64."""
_SPELLINGS = (
    ("amd64", ("amd64", "x86")),
    ("arm64", ("arm64", "arm_64", "aarch64")),
)


def processor_problems(facts: Facts) -> Iterator[Problem]:
    """Every rule on the processor."""
    if not facts.arch:
        return
    release = stated_operator(facts) if facts.arch == "arm64" else None
    if release is not None and release.key < OPERATOR_ON_ARM64:
        yield Problem(
            "CPU_ARCH",
            "gpu_operator",
            f"GPU Operator {release.version} and its parts are published for amd64 only",
            (
                set_field("gpu_operator", "v22.9.2", "use GPU Operator v22.9.2"),
                set_field("gpu_operator", "v25.3.4", "use GPU Operator v25.3.4"),
            ),
            source=OPERATOR_ON_ARM64.source,
        )
    built = _arch_in(facts.image.rpartition(":")[2])
    node = _arch_in(facts.node_image)
    if built and built != facts.arch:
        image = (facts.given.image or "").replace(f"-{built}", "")
        yield Problem(
            "CPU_ARCH",
            "image",
            f"the image is for {built}, the node is {facts.arch}",
            _images_for(facts, image),
            source="the image's tag",
        )
    if node and node != facts.arch:
        yield Problem(
            "CPU_ARCH",
            "ami",
            f"the node image is for {node}, the machine is {facts.arch}",
            (use_eks_image(facts, "use the image {image}"),),
            source="the node image's name",
        )
    if facts.arch == "arm64" and not built:
        row = next((row for row in amd64_images() if row.pattern.search(facts.image)), None)
        yield from _of_image(facts, row) if row else _of_release(facts)
        yield from _of_wheel(facts)
        yield from _cpu_only(facts)
        yield from _of_nim(facts)


def _of_nim(facts: Facts) -> Iterator[Problem]:
    """NIM, whose images are for both processors or for amd64 alone, as the model's page says."""
    if "/nim/" not in facts.image or NIM_ON_ARM64[0].search(facts.image):
        return
    yield Problem(
        "CPU_ARCH",
        "image",
        "many images of NIM are published for amd64 only; those for DGX Spark say so in their names",
        VLLM_INSTEAD,
        Severity.WARNING,
        source=NIM_ON_ARM64.source,
    )


def _images_for(facts: Facts, image: str) -> tuple[Fix, ...]:
    """The tag without a processor's name, else a release that has images for both."""
    same = (set_field("image", image, f"use image {image}"),) if image != facts.given.image else ()
    return (*same, VLLM_INSTEAD[0])


@cache
def _arch_in(text: str) -> str:
    return next((arch for arch, words in _SPELLINGS if any(word in text for word in words)), "")


def _of_image(facts: Facts, row: Amd64Image) -> Iterator[Problem]:
    own = str(facts.given.image)
    other = row.pattern.sub(row.instead, facts.image) if row.instead else ""
    fixes = (set_field("image", other, f"use image {other}"),) if other else ()
    built = Fix("use or build an image for arm64", {"image": None}, OTHER_SOFTWARE)
    x86 = {**set_gpu(facts, "a10g").changes, "cpu_arch": None}
    on_x86 = Fix("use a machine with x86 processors", x86, OTHER_HARDWARE)
    serves = facts.runtime or facts.given.model is not None
    yield Problem(
        "CPU_ARCH",
        "image",
        f"{own} is published for amd64 only",
        (*fixes, *(VLLM_INSTEAD if serves else ()), on_x86, built),
        source=row.source,
        as_of=row.as_of,
    )


def _of_release(facts: Facts) -> Iterator[Problem]:
    if facts.image and not any(name in facts.image for name in OWN_IMAGES.values()):
        return  # whoever publishes another image may have built it for arm64
    precompiled = facts.runtime == "vllm" and facts.env.get("VLLM_USE_PRECOMPILED", "").lower() in (
        "1",
        "true",
    )
    if facts.install == "source" and not precompiled:
        return
    first = first_with_arm64(facts.runtime)
    since = first.key if first else SGLANG_ON_ARM64 if facts.runtime == "sglang" else ()
    by_verl = facts.runtime_text == "verl" and facts.install == "docker"
    missing = facts.runtime in ("tgi", "lmdeploy") or by_verl or () < facts.version < since
    unsaid = precompiled and facts.is_undated and not facts.version
    if not missing and not unsaid:
        return
    known = first.version if first else "0.5.11" if facts.runtime == "sglang" else ""
    fixes = [set_release(facts, known)] if known else []
    fixes += VLLM_INSTEAD
    yield Problem(
        "CPU_ARCH",
        "cpu_arch",
        f"the precompiled binaries of vllm before {known} are for amd64"
        if unsaid
        else f"{facts.engine} has no arm64 build",
        tuple(fixes),
        Severity.WARNING if unsaid and not missing else Severity.ERROR,
        source=first.source if first else "",
    )


def _cpu_only(facts: Facts) -> Iterator[Problem]:
    """Wheels for arm64 that know no GPU, alone or in the project's own image."""
    (names,) = CPU_ONLY_ON_ARM64
    own_image = "speaches-ai/" in facts.image or (facts.install == "docker" and not facts.image)
    if not facts.gpu_name or not names.search(f"{facts.runtime_text} {facts.image}"):
        return
    if facts.install != "pip" and not own_image:
        return
    yield Problem(
        "CPU_ARCH",
        "cpu_arch",
        f"{facts.engine or facts.runtime_text} on arm64: the wheels of CTranslate2 are compiled without CUDA",
        (
            set_field("install", "source", "build CTranslate2 with CUDA"),
            Fix("use a machine with x86 processors", {**set_gpu(facts, "a10g").changes, "cpu_arch": None}),
        ),
        Severity.ERROR if facts.install == "pip" or "speaches" in facts.image else Severity.WARNING,
        source=CPU_ONLY_ON_ARM64.source,
    )


def _of_wheel(facts: Facts) -> Iterator[Problem]:
    name = facts.runtime if facts.runtime == "tensorrt-llm" else facts.runtime_text
    if name not in ARM64_WHEELS or not facts.gpu_name or _JETSON.search(facts.gpu_name):
        return
    since, why = ARM64_WHEELS[name]
    # other indexes have wheels of torch with CUDA
    other_index = ARM64_WHEELS[name] is _TORCH and facts.given.cuda is not None
    is_meant = name == "bitsandbytes" or (facts.install == "pip" and not other_index)
    if is_meant and () < facts.version < since:
        newer = dotted(since[:3])
        yield Problem(
            "CPU_ARCH",
            "runtime_version",
            f"{name} {dotted(facts.version[:3])} on arm64: {why}",
            (set_field("runtime_version", newer, f"use {name} {newer}"),),
            source=since.source,
        )
