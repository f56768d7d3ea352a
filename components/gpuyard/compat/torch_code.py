"""Torch's machine code, which engines and programs run on: GPUs that its wheels for a CUDA leave out."""

import re
from collections.abc import Mapping

from gpuyard.catalog.software import Version
from gpuyard.catalog.software_runtimes import release_key, torch_releases
from gpuyard.compat.build import TORCH_IN_ENV
from gpuyard.compat.facts import Facts
from gpuyard.compat.floors import older_release
from gpuyard.compat.generations import BLACKWELL, TURING, VOLTA
from gpuyard.compat.machine_code import CU126_TORCH, newer_release
from gpuyard.compat.problem import CONTAINER_IMAGE, Fix, Problem, set_field, set_gpu
from gpuyard.compat.sourced import Sourced
from gpuyard.compat.spelling import dotted, plain
from gpuyard.errors import Severity

CU126_IMAGE = Sourced((0, 10, 0, 0), "vllm-project/vllm#21633, a comment in #14452")
"""vLLM whose own image had that torch in its first days; others serve B200 with it
(basetenlabs/truss-examples)."""
TORCH_ENDS_AT_HOPPER: Mapping[str, Sourced[Version]] = {
    "vllm": Sourced(CU126_TORCH, ""),
    "tensorrt-llm": Sourced(((0, 17, 0, 0), (0, 18, 99, 0)), "NVIDIA/TensorRT-LLM#3347 (torch 2.6)"),
}
"""Releases with code for Blackwell whose torch on the default index has none; its source where the catalog's
row of the release is another."""
CU128_TORCH = (2, 7)
"""Torch whose wheels for CUDA 12.8 left out Volta; the default ones for 12.6 and torch 2.8 have it."""
TORCH_LEFT_PASCAL = Sourced(
    (12, 8), "pytorch/pytorch#172352; Kaggle/kaggle-cli#1151 (a P100); Comfy-Org/ComfyUI#9650"
)
"""First CUDA whose wheels of torch leave Pascal and older out, in every release."""
CU128_LEFT_VOLTA = (2, 11)
"""First torch after `CU128_TORCH` whose wheels for 12.8 leave Volta out again (torch_releases.csv)."""
TORCH_IMAGES = "pytorch/pytorch"
"""Images of torch's project, which have its wheels."""
TORCH_ITSELF = ("torch", "transformers")
TORCH_APPLICATIONS = re.compile(
    r"comfy ?ui|stable[- ]diffusion(?!\.cpp)|automatic1111|\ba1111\b|\bforge\b|invoke ?ai|fooocus|sd\.?next"
    r"|swarm ?ui|kohya|onetrainer|ai-toolkit|fluxgym|wan2gp|diffusers|unsloth|axolotl|llama-?factory"
    r"|deepspeed|whisperx|openai-whisper|funasr|openrlhf|\btrl\b|\bpeft\b|accelerate\b|fastchat|lightning|ultralytics"
    r"|\bverl\b|exllama ?v?2|tabby ?api|bitsandbytes|michaelf34/infinity|sentence[- ]transformers|gptqmodel"
    r"|auto-?gptq|auto-?awq|fish-?speech|\bxtts|coqui|nano-?vllm"
)
"""Programs that come without machine code of their own and run on torch's."""


def torch_ends_at_hopper(facts: Facts) -> Problem | None:
    """Releases whose own machine code has Blackwell while their torch has not."""
    release = facts.release
    if release is None or facts.sm < BLACKWELL:
        return None
    known = TORCH_ENDS_AT_HOPPER.get(release.runtime)
    if known is None:
        return None
    low, high = known
    explicit = facts.cuda_is_given and facts.cuda >= (12, 8)
    by_pip = facts.install == "pip" and low <= (facts.version or release.key) <= high and not explicit
    by_image = facts.install == "docker" and release.runtime == "vllm" and release.key == CU126_IMAGE
    if not by_pip and not by_image:
        return None
    torch = f"torch {dotted(release.torch)} for CUDA 12.6" if release.torch else "torch for CUDA 12.4 or 12.6"
    return Problem(
        "SM_NOT_IN_BINARY",
        "install" if by_pip else "runtime_version",
        f"{'pip brings' if by_pip else 'the image has'} {torch}, which has nothing for {facts.who}",
        (
            Fix("use torch from the cu128 index", {"cuda": "12.8"}),
            set_field("install", "docker", f"use the image {release.image}")
            if release.image
            else CONTAINER_IMAGE,
        )
        if by_pip
        else newer_release(facts),
        Severity.ERROR if by_pip else Severity.WARNING,
        source=(known.source or release.source) if by_pip else CU126_IMAGE.source,
    )


def torch_for_cuda_128(facts: Facts) -> Problem | None:
    """Torch 2.7 for CUDA 12.8 under an engine, on Volta and older."""
    release = facts.release
    cu128 = facts.cuda >= (12, 8) and (facts.cuda_is_given or facts.install != "pip")
    if release is None or release.torch[:2] != CU128_TORCH or not cu128 or facts.sm >= TURING:
        return None
    by_pip = Fix("use pip, whose torch is for CUDA 12.6", {"install": "pip", "image": None, "cuda": None})
    return Problem(
        "SM_NOT_IN_BINARY",
        "cuda" if facts.cuda_is_given else "install",
        f"torch {dotted(release.torch)} for CUDA 12.8 starts with compute capability 7.5, "
        f"{facts.who} has {dotted(facts.sm)}",
        (by_pip, *older_release(facts), set_gpu(facts, "t4")),
        Severity.ERROR if facts.cuda_is_given or facts.install == "docker" else Severity.WARNING,
        source=_of_torch(release.torch),
    )


def torch_starts_later(facts: Facts) -> Problem | None:
    """Torch's wheels for CUDA 12.8 and newer, under whatever runs on them; conda-forge builds its own."""
    if facts.runtime not in ("", *TORCH_ITSELF) or facts.cuda < TORCH_LEFT_PASCAL:
        return None
    told = TORCH_IN_ENV.search(plain(facts.given.env))
    by_torch = facts.runtime in TORCH_ITSELF or TORCH_APPLICATIONS.search(facts.runtime_text) or told
    own_build = facts.install == "source" or facts.is_from_conda or bool(facts.month)
    if own_build or not by_torch:
        return None
    version = release_key(told[1]) if told else facts.version if facts.runtime == "torch" else ()
    without_volta = version[:2] == CU128_TORCH or (version[:2] >= CU128_LEFT_VOLTA and facts.cuda == (12, 8))
    floor = TURING if without_volta else VOLTA
    if facts.sm >= floor:
        return None
    told_of_torch = facts.given.cuda is not None and facts.runtime_text not in TORCH_ITSELF
    own_image = facts.install == "docker" and not facts.image.startswith(TORCH_IMAGES) and not told_of_torch
    return Problem(
        "SM_NOT_IN_BINARY",
        "cuda" if facts.given.cuda is not None else "runtime",
        f"torch for CUDA {dotted(facts.cuda)} starts with compute capability {dotted(floor)}, "
        f"{facts.who} has {dotted(facts.sm)}",
        (
            set_field("cuda", "12.6", "use torch from the cu126 index"),
            set_gpu(facts, "t4"),
        ),
        Severity.WARNING if own_image else Severity.ERROR,
        source=TORCH_LEFT_PASCAL.source if facts.sm < VOLTA else _of_torch(version),
    )


def _of_torch(version: Version) -> str:
    """Who says what the wheels of that torch have machine code for; empty: the catalog lacks it."""
    row = torch_releases().get(dotted(version[:3]))
    return row.source if row else ""
