"""A combination read: free-form values as versions, and what follows from them by the catalog.

Empty tuples, empty texts and None are unknown. Nothing here judges.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import cache
from typing import Any

from gpuyard.catalog.hardware import Gpu, MachineType, find_gpu, machine_types
from gpuyard.catalog.models import ModelShape, find_model
from gpuyard.catalog.names import UnknownName, normalise
from gpuyard.catalog.software import Version, cuda_toolkits, driver_branches, other_gpus, parse_version
from gpuyard.catalog.software_nodes import eks_image_driver, find_operator
from gpuyard.catalog.software_runtimes import RuntimeRelease, find_release, release_key
from gpuyard.compat.combination import Combination
from gpuyard.compat.flag_fields import with_flag_fields
from gpuyard.compat.spelling import (
    cuda_of,
    dotted,
    engine_of,
    plain,
    read_driver,
    read_env,
    read_sm,
    read_system,
)

NGC_IMAGES = "nvcr.io/nvidia/vllm:"
NGC_MONTH = (25, 9)
NGC_CUDA_13: Version = (13, 0)
"""NVIDIA's own builds of vLLM have CUDA 13 from their first month."""
CALENDAR_TAGS = 20
"""Image tags such as ``25.11-py3`` are months, not engine versions."""
EARLY_VLLM = ((0, 2, 2, 0), (0, 6, 0, 0))
EARLY_VLLM_CUDA: Version = (12, 1)
"""Releases of vLLM before the catalog's first one, with the torch that they pinned (their requirements.txt)."""
ARM_GPUS = frozenset({"gh200", "gb200", "gb300", "gb10", "t4g"})
_FAMILY_GPU = {"p3": "v100", "p2": "k80", "g3": "m60", "p3dn": "v100", "g3s": "m60"}
"""AWS families that the catalog no longer lists."""
_LARGEST = {"a100": 81920}
"""Names that say less than a card's memory: the largest one that they may mean, MiB."""


@dataclass(slots=True, kw_only=True)
class Facts:
    """What a combination says, decided as far as it can be."""

    given: Combination
    gpu: Gpu | None
    gpu_name: str
    gpu_count: float | None
    memory_mib: int | None
    sm: Version
    datacenter: bool | None
    machine: MachineType | None
    platform: str
    os: str
    node_image: str
    """`os` and `ami` in one lower-case line, for words that only they carry."""
    kubernetes: Version
    driver: Version
    """Full version; empty where only the branch or nothing is known."""
    branch: int | None
    driver_is_derived: bool
    manager: str
    runtime: str
    runtime_text: str
    version: Version
    release: RuntimeRelease | None
    is_newer: bool
    install: str
    image: str
    cuda: Version
    """Major and minor that the engine was built with, given or by its release."""
    cuda_is_given: bool
    arch: str
    glibc: Version
    env: Mapping[str, str]
    flags: tuple[tuple[str, str], ...]
    model: ModelShape | None
    model_name: str
    quantization: str
    dtype: str
    mig: str
    """Empty: off or unknown."""

    @property
    def driver_high(self) -> Version:
        """The newest driver that it may be; empty: unknown."""
        if self.driver:
            return self.driver
        return (self.branch, 999, 999) if self.branch else ()

    @property
    def driver_text(self) -> str:
        """The driver for people."""
        return (
            ".".join(str(self.given.driver).split()) if self.driver and self.given.driver else _dotted(self)
        )

    @property
    def who(self) -> str:
        """The GPU for people."""
        return self.gpu_name or "this GPU"

    @property
    def card(self) -> str:
        """The GPU with its compute capability, for people."""
        return f"{self.who} (compute capability {dotted(self.sm)})"

    @property
    def has_workload(self) -> bool:
        """Whether an engine or a model is named: otherwise the question is about the node alone."""
        return bool(self.runtime_text or self.model_name or self.image or self.given.cuda)

    @property
    def count(self) -> int | None:
        """Whole GPUs, where known."""
        return int(self.gpu_count) if self.gpu_count and self.gpu_count >= 1 else None


def read_facts(given: Combination) -> Facts:
    """Read every field of a combination, and what its command line says where a field says nothing."""
    env, flags = read_env(given.env)
    given = with_flag_fields(given, flags)
    machine = _machine(given.instance)
    gpu, name, other = _gpu(given, machine)
    image = plain(given.image)
    runtime_text = plain(given.runtime) or _runtime_of_image(image)
    runtime = engine_of(runtime_text) or engine_of(image)
    version = _version(given, runtime_text, image)
    release, is_newer = find_release(runtime, version) if runtime else (None, False)
    install = _install(given, image)
    cuda, cuda_is_given = _cuda(given, image, runtime, version, release, install)
    platform = _platform(given)
    told = plain(given.os) + " " + plain(given.ami)
    system, glibc = read_system(f"{told} autopilot" if "autopilot" in plain(given.platform) else told)
    kubernetes = parse_version(given.kubernetes) if given.kubernetes is not None else ()
    driver, branch, derived = _driver(given, kubernetes)
    model = _model(given.model)
    sm = read_sm(given.sm) or (parse_version(gpu.sm) if gpu and gpu.sm[:1].isdigit() else ())
    memory = given.gpu_mem_mib or (gpu.memory_mib if gpu else None)
    datacenter = (
        given.datacenter_gpu if given.datacenter_gpu is not None else (gpu.datacenter if gpu else None)
    )
    if other is not None:
        sm = sm or parse_version(other.sm)
        memory = memory or other.memory_mib
        datacenter = other.datacenter if datacenter is None else datacenter
    if given.gpu_mem_mib is None and machine is None:
        memory = _LARGEST.get(normalise(plain(given.gpu)), memory)
    return Facts(
        given=given,
        gpu=gpu,
        gpu_name=gpu.id if gpu else name,
        gpu_count=given.gpu_count or (machine.gpu_count if machine else None),
        memory_mib=_slice_memory(given.mig) or (int(memory) if memory else None),
        sm=sm,
        datacenter=datacenter,
        machine=machine,
        platform=platform,
        os=system,
        node_image=f"{plain(given.os)} {plain(given.ami)}".strip(),
        kubernetes=kubernetes,
        driver=driver,
        branch=branch,
        driver_is_derived=derived,
        manager=plain(given.driver_managed_by),
        runtime=runtime,
        runtime_text=runtime_text,
        version=version,
        release=release,
        is_newer=is_newer,
        install=install,
        image=image,
        cuda=cuda,
        cuda_is_given=cuda_is_given,
        arch=_arch(given, gpu, machine),
        glibc=parse_version(given.glibc) if given.glibc is not None else glibc,
        env=env,
        flags=flags,
        model=model,
        model_name=str(given.model or ""),
        quantization=_quantization(given, model),
        dtype=_dtype(given.dtype),
        mig=_mig(given.mig),
    )


def _dotted(facts: Facts) -> str:
    if facts.driver:
        return ".".join(str(part) if index == 0 else f"{part:02d}" for index, part in enumerate(facts.driver))
    return f"{facts.branch}.x" if facts.branch else ""


@cache
def _machine(text: str | None) -> MachineType | None:
    return machine_types().get(str(text).strip().lower()) if text else None


@cache
def _find_gpu(text: str) -> Gpu | None:
    cleaned = re.sub(r"\(.*?\)|^\s*\d+\s*x\s*|\b\d+\s*x\s+", " ", text).strip()
    for name in (text, cleaned, re.sub(r"\b(nvidia|gpu|tensor core|accelerator)\b", " ", cleaned.lower())):
        try:
            return find_gpu(name)
        except (UnknownName, ValueError):
            continue
    return None


@cache
def _find_other(text: str) -> Any:
    key = normalise(re.sub(r"\(.*?\)", "", text))
    best = None
    for other in other_gpus().values():
        name = normalise(other.id)
        if name == key:
            return other
        short = name.removeprefix("rtx").removeprefix("gtx")
        if len(short) >= 4 and short in key and (best is None or len(name) > len(normalise(best.id))):
            best = other
    return best


def _gpu(given: Combination, machine: MachineType | None) -> tuple[Gpu | None, str, Any]:
    name = plain(given.gpu)
    if name:
        gpu = _find_gpu(name)
        return gpu, name, None if gpu else _find_other(name)
    if machine is not None and machine.gpu:
        return _find_gpu(machine.gpu), machine.gpu, None
    family = _family_gpu(plain(given.instance).partition(".")[0])
    if family:
        gpu = _find_gpu(family)
        return gpu, family, None if gpu else _find_other(family)
    return None, "", None


@cache
def _family_gpu(family: str) -> str:
    """GPU of a family of machine types, for sizes that the catalog lacks."""
    listed = (row.gpu for name, row in machine_types().items() if family and name.startswith(f"{family}."))
    return _FAMILY_GPU.get(family) or next((gpu for gpu in listed if gpu), "")


def _runtime_of_image(image: str) -> str:
    return engine_of(image)


def _version(given: Combination, runtime_text: str, image: str) -> Version:
    if "dynamo" in runtime_text and engine_of(runtime_text) != "ai-dynamo":
        return ()  # Dynamo's own version; which engine it carries is not known
    if given.runtime_version is not None:
        return release_key(given.runtime_version)
    for text in (runtime_text, image.rpartition(":")[2] if ":" in image.rpartition("/")[2] else ""):
        found = re.search(r"v?(\d+\.\d+(?:\.\d+)?(?:[.-]?post\d+)?)", re.sub(r"cuda?-?\d+(\.\d+)*", "", text))
        if found and int(found[1].partition(".")[0]) < CALENDAR_TAGS:
            return release_key(found[1])
    return ()


def _install(given: Combination, image: str) -> str:
    text = plain(given.install)
    if text in ("pip", "uv", "wheel", "pypi", "venv", "conda", "uv pip", "pip install"):
        return "pip"
    if text in ("docker", "container", "image", "podman", "helm", "kubernetes"):
        return "docker"
    return text or ("docker" if image else "")


def _cuda(
    given: Combination,
    image: str,
    runtime: str,
    version: Version,
    release: RuntimeRelease | None,
    install: str,
) -> tuple[Version, bool]:
    if given.cuda is not None:
        return cuda_of(str(given.cuda)), True
    tag = image.rpartition(":")[2]
    found = re.search(r"cu(?:da)?-?(\d{2})[.-]?(\d)", tag)
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


def _platform(given: Combination) -> str:
    text = plain(given.platform)
    for name in ("eks", "gke", "aks"):
        if name in text:
            return name
    if "aws" in text and given.ami is not None and given.kubernetes is not None:
        return "eks"
    return text


def _driver(given: Combination, kubernetes: Version) -> tuple[Version, int | None, bool]:
    driver, branch = read_driver(given.driver) if given.driver is not None else ((), None)
    if branch is None and given.driver_branch is not None:
        driver, branch = read_driver(given.driver_branch)
    if branch is not None:
        return driver, branch, False
    derived = _image_driver(given, kubernetes)
    if not derived and plain(given.driver_managed_by) == "operator":
        release = find_operator(given.gpu_operator) if given.gpu_operator else None
        derived = release.default_driver if release else ""
    driver, branch = read_driver(derived) if derived else ((), None)
    return driver, branch, bool(derived)


def _image_driver(given: Combination, kubernetes: Version) -> str:
    text = f"{given.ami or ''} {given.os or ''}"
    found = re.search(r"(20\d{6})", text)
    kind = re.search(r"AL2023_x86_64_NVIDIA|AL2023_ARM_64_NVIDIA|AL2_x86_64_GPU", text, re.IGNORECASE)
    if found is None or len(kubernetes) == 1:
        return ""
    names = {"al2023_x86_64_nvidia": "AL2023_x86_64_NVIDIA", "al2023_arm_64_nvidia": "AL2023_ARM_64_NVIDIA"}
    image = names.get(kind[0].lower(), "AL2_x86_64_GPU") if kind else ""
    if not image and "nvidia" in text.lower():
        image = "AL2023_x86_64_NVIDIA"
    return eks_image_driver(image, dotted(kubernetes[:2]), found[1])


def _arch(given: Combination, gpu: Gpu | None, machine: MachineType | None) -> str:
    text = plain(given.cpu_arch) or (machine.arch if machine else "")
    if not text and gpu is not None and gpu.id in ARM_GPUS:
        return "arm64"
    if text in ("arm64", "aarch64", "arm", "grace", "graviton"):
        return "arm64"
    return "amd64" if text in ("amd64", "x86_64", "x86-64", "x86", "x64") else ""


@cache
def _model(text: str | None) -> ModelShape | None:
    try:
        return find_model(text) if text else None
    except UnknownName:
        return None


_QUANT_WORDS = (
    ("nvfp4", "nvfp4"),
    ("mxfp4", "mxfp4"),
    ("awq", "awq"),
    ("gptq", "gptq"),
    ("w4a16", "w4a16"),
    ("int4", "int4"),
    ("fp8", "fp8"),
    ("w8a8", "w8a8"),
    ("gguf", "gguf"),
    ("bnb", "bitsandbytes"),
    ("-fp4", "nvfp4"),
)
"""Quantization by what model names carry."""


def _quantization(given: Combination, model: ModelShape | None) -> str:
    asked = plain(given.quantization).replace(" ", "")
    name = plain(given.model)
    if asked in ("none", "no", "false", "bf16", "bfloat16", "fp16", "float16", "auto"):
        return ""
    if asked == "fp4" and "gpt-oss" in name:
        return "mxfp4"  # its checkpoints know no other 4-bit format
    if asked:
        return asked
    for word, quantization in _QUANT_WORDS:
        if word in name:
            return quantization
    return model.quantization if model is not None else ""


def _dtype(value: object) -> str:
    text = plain(value)
    return {
        "bf16": "bfloat16",
        "half": "float16",
        "fp16": "float16",
        "float": "float32",
        "fp32": "float32",
    }.get(text, text)


def _mig(value: object) -> str:
    text = plain(value)
    if text in ("", "false", "none", "off", "disabled", "no", "0"):
        return ""
    return text


def _slice_memory(value: object) -> int | None:
    """Memory of one slice, MiB, of a profile such as ``1g.10gb``."""
    found = re.search(r"\dg\.(\d+)gb", plain(value))
    return int(found[1]) * 1000 if found else None


def changed(given: Combination, changes: Mapping[str, Any]) -> Combination:
    """The combination with some fields replaced."""
    return replace(given, **changes)


def native_cuda(facts: Facts) -> Version:
    """Newest CUDA that the driver knows; empty: unknown."""
    if not facts.branch:
        return ()
    known = driver_branches().get(facts.branch)
    best: Version = ()
    for toolkit in cuda_toolkits().values():
        if toolkit.native_driver and toolkit.native_driver <= facts.driver_high:
            best = max(best, toolkit.version)
    return best if known is not None or best else ()
