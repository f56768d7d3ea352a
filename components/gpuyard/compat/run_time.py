"""Whether an engine compiles kernels while it serves, with whatever CUDA toolkit the host has."""

import re
from collections.abc import Mapping

from gpuyard.catalog.software import Version
from gpuyard.compat.facts import Facts
from gpuyard.compat.generations import AMPERE, BLACKWELL, CONSUMER_BLACKWELL, TURING
from gpuyard.compat.sourced import Sourced, join_sources
from gpuyard.compat.spelling import plain

JIT_LIBRARIES = ("flashinfer", "deepgemm", "deep_gemm")
PRECOMPILED = re.compile(r"flashinfer[-_]jit[-_]cache\b(?!\W*(none|no|missing|absent|false)\b)")
"""The package of FlashInfer's kernels, compiled."""
SAMPLER: Sourced[Version] = Sourced(
    ((0, 8, 5, 0), (0, 11, 1, 0), (0, 21, 0, 0)),
    "topk_topp_sampler.py and envs.py of vLLM's wheels, 0.8.5 to 0.33.0 (2026-11-27); "
    "vllm-project/vllm#49497; meta-pytorch/torchforge#748",
)
"""vLLM that samples with FlashInfer where that is installed beside it, the first that does it only when told
to, and the first that does it always; the profiling run compiles it."""
ATTENTION: Sourced[Version] = Sourced(
    ((0, 11, 1, 0), *SAMPLER[2:]), "vllm/platforms/cuda.py of vLLM's wheels, 0.11.1 to 0.20.0 (2026-11-27)"
)
"""vLLM that brings FlashInfer without sampling with it: data-centre Blackwell takes its attention first."""
SAMPLES_ON: tuple[tuple[Version, Version], ...] = (((0, 24, 0, 0), AMPERE), ((), TURING))
"""Oldest GPU that it samples on, newest vLLM first; older ones go without it."""
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

JIT_SAYS: Mapping[str, str] = {
    "vllm": join_sources(SAMPLER.source, ATTENTION.source),
    "sglang": SGLANG_JIT.source,
}
"""Who says that an engine compiles at run time."""
FLASHINFER_WANTS: Sourced[tuple[Version, Version, Version]] = Sourced(
    (
        ((0, 7), (12, 1), (12, 9)),
        ((0, 7), (), (12, 8)),
        ((0, 6, 18), CONSUMER_BLACKWELL, (12, 9)),
        ((0, 6, 18), (), (12, 8)),
        ((0, 6, 7), CONSUMER_BLACKWELL, (12, 9)),
    ),
    "compilation_context.py and jit/core.py of FlashInfer's wheels, 0.5.0 to 0.7.2.post1 (2026-11-27); "
    "flashinfer-ai/flashinfer#3675, #5479",
)
"""FlashInfer from which on, oldest GPU from which on, and the toolkit that it then compiles with: by the
architectures that it names, and by an option that nvcc has since 12.8."""


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
    return compiles_at_start(facts)


def compiles_at_start(facts: Facts) -> bool:
    """Whether the release compiles for every model; one that is not stated is taken as the newest."""
    if facts.runtime == "vllm":
        since, before = ATTENTION
        by_attention = facts.sm[:1] == BLACKWELL[:1] and since <= facts.version < before
        return by_attention or _samples(facts)
    return facts.runtime == "sglang" and (not facts.version or facts.version >= SGLANG_JIT)


def is_precompiled(facts: Facts) -> bool:
    """Whether the environment has FlashInfer's kernels compiled, which spares vLLM every compiler.

    SGLang compiles a few of its own beside them.
    """
    return PRECOMPILED.search(f"{plain(facts.given.env)} {facts.runtime_text}") is not None


def flashinfer_wants(facts: Facts) -> Version:
    """Oldest toolkit that the release's FlashInfer compiles with for the GPU; empty: any, or not known.

    Where no release is stated, what most of them want.
    """
    if not compiles_at_start(facts) and not names_jit_library(facts):
        return ()
    if not facts.version:
        return (12, 9) if facts.sm[:1] == CONSUMER_BLACKWELL[:1] else ()
    brought = facts.release.flashinfer if facts.release else ()
    brought = facts.version if facts.runtime_text.startswith("flashinfer") else brought
    return next((cuda for since, sm, cuda in FLASHINFER_WANTS if since <= brought and sm <= facts.sm), ())


def _samples(facts: Facts) -> bool:
    """Whether vLLM samples with FlashInfer on the GPU without being told to."""
    since, before, always = SAMPLER
    if since <= facts.version < before:
        installed = any(name.startswith(("flashinfer-python", "flashinfer_python")) for name in facts.env)
        return installed and facts.env.get("VLLM_USE_V1") != "0"
    oldest = next(sm for release, sm in SAMPLES_ON if not facts.version or facts.version >= release)
    return (not facts.version or facts.version >= always) and (not facts.sm or facts.sm >= oldest)


def _is_spared(facts: Facts) -> bool:
    """Whether vLLM has FlashInfer's kernels compiled, or is told to sample without it.

    Before Blackwell it compiles nothing else with it.
    """
    if facts.runtime != "vllm":
        return False
    told = facts.env.get("VLLM_USE_FLASHINFER_SAMPLER", "").lower()
    return is_precompiled(facts) or (told in ("0", "false") and () < facts.sm < BLACKWELL)


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
    named = compiles_at_start(facts) and not _is_spared(facts)
    return named and _WITHOUT_COMPILER.search(facts.image) is not None
