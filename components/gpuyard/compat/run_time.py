"""Whether an engine compiles kernels while it serves, with whatever CUDA toolkit the host has."""

import re
from collections.abc import Mapping

from gpuyard.compat.facts import Facts
from gpuyard.compat.generations import BLACKWELL
from gpuyard.compat.sourced import Sourced
from gpuyard.compat.spelling import plain

JIT_LIBRARIES = ("flashinfer", "deepgemm", "deep_gemm")
FLASHINFER_SAMPLER = Sourced((0, 13, 0, 0), "vllm-project/vllm#49497; meta-pytorch/torchforge#748")
"""vLLM that compiles its sampler at run time."""
_SAYS_NO_COMPILER = re.compile(
    r"\b(?:no|without(?: an?)?|lacks?) (?:gcc|g\+\+|(?:c )?compiler|cc)\b|\bpython:\S*slim"
)
_TRITON = ("vllm", "sglang", "lmdeploy", "aphrodite")
"""Engines that run kernels of Triton, whose launchers a C compiler makes (sgl-project/sglang#1067)."""
_WITHOUT_COMPILER = re.compile(
    r"(nvidia/cuda|pytorch/pytorch):\S*-(runtime|base)\b|xprobe/xinference:v?(0\.1[4-9]|1\.)"
)
"""Images without nvcc; Xinference's of then are on vLLM's of 0.6 to 0.11 (its Dockerfiles, issue 3214)."""
SGLANG_JIT = Sourced((0, 4, 3, 0), "sgl-project/sglang#5002")
"""First SGLang on the FlashInfer that compiles (flashinfer_python); before, its wheels were built."""


COMPILES_SINCE: Mapping[str, Sourced[int]] = {"vllm": FLASHINFER_SAMPLER, "sglang": SGLANG_JIT}


def names_jit_library(facts: Facts) -> bool:
    """Whether the combination itself names a library that compiles at run time."""
    words = f"{facts.runtime_text} {' '.join(facts.env.values())}".lower()
    return any(word in words for word in JIT_LIBRARIES)


def needs_host_toolkit(facts: Facts) -> bool:
    """Whether the host's toolkit is used for sure: an image brings its own, older engines need none.

    Reports list whatever `nvcc` the host has, often one of the distribution (11.5 on Ubuntu 22.04) beside
    wheels that never call it.
    """
    if names_jit_library(facts):
        return True
    if facts.install == "docker" or not facts.names_engine or _is_spared(facts):
        return False
    since = COMPILES_SINCE.get(facts.runtime, ())
    return not facts.version or facts.version >= since


def _is_spared(facts: Facts) -> bool:
    """Whether vLLM's sampler, all that it compiles with FlashInfer before Blackwell, is told not to."""
    told = facts.env.get("VLLM_USE_FLASHINFER_SAMPLER", "").lower()
    return facts.runtime == "vllm" and told in ("0", "false") and () < facts.sm < BLACKWELL


def asks_for_sampler(facts: Facts) -> bool:
    """Whether vLLM is told to take FlashInfer's sampler, which compiles if the library is there."""
    told = facts.env.get("VLLM_USE_FLASHINFER_SAMPLER", "").lower()
    return facts.runtime == "vllm" and told in ("1", "true")


def says_no_compiler(facts: Facts) -> bool:
    """Whether what is said of the image or the host is that it has no C compiler, which Triton needs."""
    said = f"{facts.image} {plain(facts.given.host_toolkit)} {facts.os}".lower()
    return facts.runtime in _TRITON and _SAYS_NO_COMPILER.search(said) is not None


def lacks_compiler(facts: Facts) -> bool:
    """Whether the image is one without nvcc, under an engine that compiles."""
    since = COMPILES_SINCE.get(facts.runtime)
    new = since is not None and (facts.version >= since or not facts.version)
    named = new and not _is_spared(facts)
    return named and _WITHOUT_COMPILER.search(facts.image) is not None
