"""Head sizes that attention kernels of early releases were compiled for."""

import re
from collections.abc import Iterator, Mapping

from gpuyard.catalog.software import Version
from gpuyard.compat.attention_backends import asked_backend, drop_backend
from gpuyard.compat.facts import Facts
from gpuyard.compat.generations import AMPERE, TURING
from gpuyard.compat.problem import Fix, Problem, set_gpus, set_release, use_vllm
from gpuyard.compat.sourced import Sourced, join_sources

Sizes = tuple[Version, Sourced[int]]
"""First release, and the sizes that it has kernels for."""
_OF_VLLM: tuple[Sizes, ...] = (
    (
        (0, 4, 3, 0),
        Sourced((32, 64, 80, 96, 112, 120, 128, 192, 256), "get_supported_head_sizes of vLLM 0.4.3 to 0.8"),
    ),
    ((0, 1, 3, 0), Sourced((64, 80, 96, 112, 128, 256), "vllm-project/vllm#3359, #3952, #1455")),
    ((), Sourced((64, 80, 96, 128), "vllm-project/vllm#336 (2023-07-03), #302")),
)
KERNELS: Mapping[str, tuple[Sizes, ...]] = {
    "vllm": _OF_VLLM,
    "tgi": (
        (
            (0, 9, 0, 0),
            Sourced((64, 80, 96, 112, 128, 256), "huggingface/text-generation-inference#1203 (2023-10-26)"),
        ),
        # GPT-J, of 256, ran without FlashAttention
        ((), Sourced((*range(8, 136, 8), 256), "huggingface/text-generation-inference#527 (2023-07-01)")),
    ),
    "tensorrt-llm": (
        (
            (),
            Sourced(
                (32, 48, 64, 80, 96, 104, 112, 128, 144, 160, 192, 224, 256),
                "NVIDIA/TensorRT-LLM#679 (2023-12-16) and its kernels/decoderMaskedMultiheadAttention",
            ),
        ),
    ),
}
"""Of the kernels that decode, newest first; those of vLLM 0.4.3 to 0.8 in one."""
FLASH: Sizes = (
    (0, 4, 3, 0),
    Sourced((32, 64, 96, 128, 160, 192, 224, 256), "FlashAttentionBackend of vLLM 0.4.3 to 0.8"),
)
"""First vLLM whose FlashAttention decodes as well, on Ampere and newer, and the sizes that it takes."""
FLASHINFER = Sourced((64, 128, 256), "get_supported_head_sizes of FlashInfer's backend in vLLM 0.4.2 to 0.21")
FLASHINFER_IN_VLLM: tuple[Version, Version] = ((0, 4, 2, 0), (0, 22, 0, 0))
"""First vLLM with that backend, and with heads of 512 for it."""
UNTIL: Mapping[str, Version] = {"vllm": (0, 9, 0, 0), "tgi": (2, 1, 0, 0), "tensorrt-llm": (1, 0, 0, 0)}
"""From which on other backends step in, or nothing is known."""
_WAYS: tuple[tuple[str, tuple[int, ...]], ...] = (
    ("0.1.7", _OF_VLLM[1][1]),
    ("0.6.6", _OF_VLLM[0][1]),
    ("0.8.5", FLASH[1]),
    ("0.11.0", ()),
)
"""Later releases of vLLM with the sizes for which they are a way out; empty: any, by FlexAttention."""
OF_NAMES = (
    (re.compile(r"(?:open_?llama|orca_mini)(?:[-_]v\d+)?[-_]3b"), 100),
    (re.compile(r"polyglot(?:-ko)?-5\.8b|pythia-1b(?![a-z0-9])|pythia-1b-"), 256),
    (re.compile(r"danube3-4b"), 120),
)
"""Models of other shapes than the catalog has: words of their names, size of their heads."""


def head_size_problems(facts: Facts) -> Iterator[Problem]:
    """A model whose heads the release, or the backend that was asked for, has no kernels for."""
    yield from _in_flashinfer(facts)
    if not () < facts.version < UNTIL.get(facts.runtime, ()) or _does_without(facts):
        return
    size = _head_size(facts)
    sizes = next(sizes for since, sizes in KERNELS[facts.runtime] if facts.version >= since)
    flash = facts.runtime == "vllm" and facts.version >= FLASH[0] and (not facts.sm or facts.sm >= AMPERE)
    if not size or size in sizes or (flash and size in FLASH[1]):
        return
    known = sorted({*sizes, *(FLASH[1] if flash else ())})
    yield Problem(
        "ATTN_BACKEND_MISSING",
        "model",
        f"heads of {facts.model_name} are {size} wide; {facts.engine} has kernels for "
        + ", ".join(map(str, known)),
        tuple(_fixes(facts, size)),
        source=join_sources(sizes.source, FLASH[1].source if flash else ""),
    )


def _in_flashinfer(facts: Facts) -> Iterator[Problem]:
    since, before = FLASHINFER_IN_VLLM
    size = _head_size(facts) if facts.runtime == "vllm" and since <= facts.version < before else 0
    if size and size not in FLASHINFER and asked_backend(facts) == "flashinfer":
        yield Problem(
            "ATTN_BACKEND_MISSING",
            "env",
            f"heads of {facts.model_name} are {size} wide; FlashInfer in {facts.engine} takes "
            + ", ".join(map(str, FLASHINFER)),
            (drop_backend(facts),),
            source=FLASHINFER.source,
        )


def _does_without(facts: Facts) -> bool:
    """Whether text-generation-inference computes the model by code that takes heads of any size."""
    return facts.runtime == "tgi" and (
        facts.is_without_flash or facts.has_older_code or () < facts.sm < TURING
    )


def _fixes(facts: Facts, size: int) -> Iterator[Fix]:
    if facts.runtime != "vllm":
        yield use_vllm("0.11.0", ", which has kernels for heads of any size")
        yield use_vllm("0.8.5", "")
        return
    for release, taken in _WAYS:
        if not taken or size in taken:
            yield set_release(facts, release)
    yield from set_gpus(facts, "a10g", "l4")


def _head_size(facts: Facts) -> int:
    """Width of the model's heads; 0: unknown, or attention of another kind."""
    name = facts.model_name.lower()
    named = next((size for words, size in OF_NAMES if words.search(name)), 0)
    model = facts.model
    if named or model is None:
        return named
    return 0 if model.mla or model.value_dim or not model.heads else model.head_dim
