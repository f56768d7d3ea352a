"""Formats of the cache that few attention kernels read."""

from collections.abc import Iterator

from gpuyard.catalog.software import Version
from gpuyard.compat.build import is_by_others
from gpuyard.compat.facts import Facts
from gpuyard.compat.generations import ADA, BLACKWELL
from gpuyard.compat.problem import Problem, set_field, set_gpu, set_release
from gpuyard.compat.sourced import Sourced
from gpuyard.compat.spelling import dotted, plain
from gpuyard.errors import Severity

NVFP4_ELSEWHERE = Sourced((0, 32, 0, 0), "FlashInfer's backend in vLLM's wheels, 0.24.0 to 0.33.0")
"""First vLLM that reads an NVFP4 cache on other GPUs than data-centre Blackwell, and which majors."""
NVFP4_MAJORS = (8, 9, 12)
NVFP4_SEARCHED = "nvfp4_4over6"
"""The same with scales that are searched for, on data-centre Blackwell only."""
MISREAD_HEADS = 64
"""Head size that the kernels of those GPUs do not read."""


def cache_format_problems(facts: Facts) -> Iterator[Problem]:
    """An NVFP4 cache on GPUs that vLLM's release has no kernels for."""
    cache = plain(facts.given.kv_cache_dtype)
    if facts.runtime != "vllm" or cache not in ("nvfp4", NVFP4_SEARCHED) or facts.sm[0] == BLACKWELL[0]:
        return
    since: Version = NVFP4_ELSEWHERE if cache == "nvfp4" and facts.sm[0] in NVFP4_MAJORS else ()
    narrow = facts.model is not None and facts.model.head_dim == MISREAD_HEADS
    if since and facts.version >= since and not narrow:
        return
    when = f" before vllm {dotted(since[:3])}" if since and not narrow else ""
    other = "fp8" if facts.sm >= ADA else "auto"
    unsure = (when and not facts.version) or is_by_others(facts.image, facts.runtime)
    yield Problem(
        "ATTN_BACKEND_MISSING",
        "kv_cache_dtype",
        f"attention over an {cache} cache has no kernels for {facts.card}{when}"
        + (f" with heads of {MISREAD_HEADS}" if since and narrow else ""),
        (
            set_field("kv_cache_dtype", other, f"use kv_cache_dtype {other}"),
            *((set_release(facts, dotted(since[:3])),) if when else ()),
            set_gpu(facts, "b200"),
        ),
        Severity.WARNING if unsure else Severity.ERROR,
        source=NVFP4_ELSEWHERE.source,
    )
