"""TensorRT-LLM's kernels for weights in fewer bits, which take rows and columns in whole tiles."""

import re
from collections.abc import Iterator, Sequence
from math import ceil

from gpuyard.catalog.models import ModelShape
from gpuyard.catalog.software import Version
from gpuyard.compat.facts import Facts
from gpuyard.compat.generations import CONSUMER_BLACKWELL, HOPPER, TURING
from gpuyard.compat.problem import Problem
from gpuyard.compat.sourced import Sourced, join_sources
from gpuyard.compat.spelling import plain
from gpuyard.compat.split_fixes import size_fixes
from gpuyard.errors import Severity

TILE = 64
"""Rows that are interleaved on Turing to Ada and on SM 12.x, and columns of 4 bit in 32 bytes."""
BYTES = Sourced(
    (32,),
    "cutlass_preprocessors.cpp of TensorRT-LLM; NVIDIA/TensorRT-LLM#729 (2023-12-25), #894 (2024-01-17)",
)
"""What rows and columns are multiples of, in bytes, on any GPU before 1.0."""
IN_PYTHON: Version = (1, 0, 0, 0)
AWQ_OUTPUT = Sourced((0, 8, 0, 0), "NVIDIA/TensorRT-LLM#843 and #894 (2024-01)")
"""TensorRT-LLM before quantises the output layer to AWQ as well, by whose vocabulary it is cut."""
PRECISION = ("--weight_only_precision", "--weight-only-precision")
_ASKED = ("--use_weight_only", "--use-weight-only")
_NAMED = re.compile(r"weight|(?<![a-z])wo(?![a-z])|w[48]a16")
_ACTIVATIONS = re.compile(r"smooth|(?<![a-z])sq(?![a-z])|w8a8|kv")


def tile_problems(
    facts: Facts, model: ModelShape, cuts: Sequence[tuple[int, int]], size: int
) -> Iterator[Problem]:
    """Shards that are no whole tiles; ``cuts``: widths and the GPUs that each is cut over."""
    kind, named = _weight_only(facts)
    tile = _tile(facts, kind)
    width, ranks = next((item for item in cuts if tile and item[0] % (item[1] * tile)), (0, 1))
    if width:
        yield Problem(
            "TP_QUANT_BLOCK",
            "tensor_parallel",
            f"a shard of {width}/{ranks} is not a multiple of the {tile} that weight-only kernels take",
            size_fixes(
                facts,
                size,
                lambda part: model.heads % part == 0 and all(wide % (part * tile) == 0 for wide, _ in cuts),
            ),
            Severity.ERROR if named else Severity.WARNING,
            source=join_sources(BYTES.source, model.source),
            as_of=model.as_of,
        )
    vocabulary = ceil(model.vocab / TILE) * TILE
    early = facts.quantization == "awq" and () < facts.version < AWQ_OUTPUT
    if early and vocabulary % (size * TILE):
        yield Problem(
            "TP_QUANT_BLOCK",
            "tensor_parallel",
            f"AWQ's output layer of {vocabulary}/{size} is not a multiple of {TILE} columns",
            size_fixes(facts, size, lambda part: model.heads % part == 0 and vocabulary % (part * TILE) == 0),
            source=join_sources(AWQ_OUTPUT.source, model.source),
            as_of=model.as_of,
        )


def _weight_only(facts: Facts) -> tuple[str, bool]:
    """``int8`` or ``int4`` where only weights are, without groups; and whether that is said."""
    precision = next(iter(facts.flag_values(*PRECISION)), "")
    asked = plain(facts.given.quantization)
    if facts.flag_values(*_ASKED) and not precision:
        precision = "int4" if "4" in asked else "int8"
    if precision:
        return (precision, True) if precision in ("int8", "int4") else ("", False)
    kind = {"w8a16": "int8", "w4a16": "int4"}.get(facts.quantization, facts.quantization)
    if kind not in ("int8", "int4") or _ACTIVATIONS.search(asked) or "awq" in asked or "gptq" in asked:
        return "", False
    return kind, _NAMED.search(asked) is not None


def _tile(facts: Facts, kind: str) -> int:
    """What shards must be multiples of; 0: not known."""
    if not kind or () < facts.sm < TURING:
        return 0
    if TURING <= facts.sm < HOPPER or facts.sm >= CONSUMER_BLACKWELL:
        return TILE
    if not () < facts.version < IN_PYTHON:
        return 0
    return BYTES[0] if kind == "int8" else TILE
