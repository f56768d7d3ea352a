"""Head sizes that attention kernels were compiled for, of vLLM while it had paged kernels of its own."""

import re
from collections.abc import Iterator

from gpuyard.catalog.software import Version
from gpuyard.compat.facts import Facts
from gpuyard.compat.generations import AMPERE
from gpuyard.compat.problem import Problem, set_gpus, set_release
from gpuyard.compat.sourced import Sourced, join_sources

PAGED: tuple[tuple[Version, Sourced[int]], ...] = (
    (
        (0, 4, 3, 0),
        Sourced((32, 64, 80, 96, 112, 120, 128, 192, 256), "get_supported_head_sizes of 0.4.3 on"),
    ),
    ((0, 1, 3, 0), Sourced((64, 80, 96, 112, 128, 256), "vllm-project/vllm#3359, #3952, #1455")),
    ((), Sourced((64, 80, 96, 128), "vllm-project/vllm#336 (2023-07-03), #302")),
)
"""First release and sizes of its paged kernels, which decode, newest first; those of 0.4.3 to 0.8 in one."""
FLASH: tuple[Version, Sourced[int]] = (
    (0, 4, 3, 0),
    Sourced((32, 64, 96, 128, 160, 192, 224, 256), "FlashAttentionBackend of vLLM 0.4.3 to 0.8"),
)
"""First release whose FlashAttention decodes as well, on Ampere and newer, and the sizes that it takes."""
_WAYS: tuple[tuple[str, tuple[int, ...]], ...] = (
    ("0.1.7", PAGED[1][1]),
    ("0.6.6", PAGED[0][1]),
    ("0.8.5", FLASH[1]),
    ("0.11.0", ()),
)
"""Later releases with the sizes for which they are a way out; empty: any, by FlexAttention."""
UNTIL: Version = (0, 9, 0, 0)
"""From which on other backends step in."""
OF_NAMES = (
    (re.compile(r"(?:open_?llama|orca_mini)(?:[-_]v\d+)?[-_]3b"), 100),
    (re.compile(r"polyglot(?:-ko)?-5\.8b|pythia-1b(?![a-z0-9])|pythia-1b-"), 256),
    (re.compile(r"danube3-4b"), 120),
)
"""Models of other shapes than the catalog has: words of their names, size of their heads."""


def head_size_problems(facts: Facts) -> Iterator[Problem]:
    """A model whose heads the release has no kernels for."""
    if facts.runtime != "vllm" or not () < facts.version < UNTIL:
        return
    size = _head_size(facts)
    sizes = next(sizes for since, sizes in PAGED if facts.version >= since)
    flash = facts.version >= FLASH[0] and (not facts.sm or facts.sm >= AMPERE)
    if not size or size in sizes or (flash and size in FLASH[1]):
        return
    known = sorted({*sizes, *(FLASH[1] if flash else ())})
    yield Problem(
        "ATTN_BACKEND_MISSING",
        "model",
        f"heads of {facts.model_name} are {size} wide; {facts.engine} has kernels for "
        + ", ".join(map(str, known)),
        (
            *(set_release(facts, release) for release, taken in _WAYS if not taken or size in taken),
            *set_gpus(facts, "a10g", "l4"),
        ),
        source=join_sources(sizes.source, FLASH[1].source if flash else ""),
    )


def _head_size(facts: Facts) -> int:
    """Width of the model's heads; 0: unknown, or attention of another kind."""
    name = facts.model_name.lower()
    named = next((size for words, size in OF_NAMES if words.search(name)), 0)
    model = facts.model
    if named or model is None:
        return named
    return 0 if model.mla or model.value_dim or not model.heads else model.head_dim
