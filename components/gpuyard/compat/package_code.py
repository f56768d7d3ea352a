"""Machine code of packages and programs that are no engine of their own in the catalog."""

import re
from collections.abc import Iterator
from dataclasses import dataclass

from gpuyard.catalog.software import Version
from gpuyard.compat.facts import Facts
from gpuyard.compat.generations import AMPERE, BLACKWELL, PASCAL, TURING, VOLTA
from gpuyard.compat.problem import Fix, Problem, set_field, set_gpu, set_release
from gpuyard.compat.spelling import dotted
from gpuyard.errors import Severity


@dataclass(frozen=True, slots=True)
class Span:
    """Releases whose builds have code for GPUs from ``since_sm`` up to, but not with, ``until_sm``."""

    name: re.Pattern[str]
    since: Version
    before: Version
    """Empty: up to the newest."""
    since_sm: Version
    until_sm: Version
    source: str
    newer: str = ""
    """First release without the gap; empty: none."""
    by_wheel: bool = False
    """Whether it is about wheels of an index for one CUDA each."""
    is_buildable: bool = True
    """Whether a build of one's own has the GPU."""
    by_pip: bool = False
    """Whether images may have what PyPI's wheels lack."""
    severity: Severity = Severity.ERROR


_ANY: Version = (99, 0)
SPANS = (
    Span(
        re.compile(r"llama[-_]cpp[-_]python"),
        (0, 3, 19, 0),
        (0, 3, 25, 0),
        VOLTA,
        _ANY,
        "abetlen/llama-cpp-python PR#2158 (2026-03-25), PR#2237 (2026-06-01)",
        newer="0.3.25",
        by_wheel=True,
    ),
    Span(
        re.compile(r"^vllm$"),
        (0, 4, 0, 0),
        (0, 4, 0, 1),
        AMPERE,
        _ANY,
        "PyPI's wheels of vLLM 0.4.0 and 0.4.0.post1 (read 2026-11-27); their images were not read",
        newer="0.4.0.post1",
        by_pip=True,
    ),
    Span(
        re.compile(r"bitsandbytes"),
        (0, 48, 0, 0),
        (),
        PASCAL,
        _ANY,
        "PyPI's wheels of bitsandbytes 0.47.0 (5.0 and newer) and 0.48.0 to 0.50.2 (read 2026-11-27)",
        newer="0.47.0",
    ),
    Span(
        re.compile(r"auto-?awq"),
        (0, 1, 8, 0),
        (0, 2, 6, 0),
        TURING,
        BLACKWELL,
        "PyPI's wheels of autoawq-kernels 0.0.1 to 0.0.9 (7.5 to 9.0, read 2026-11-27)",
        is_buildable=False,
    ),
    Span(
        re.compile(r"lm[-_ ]?studio"),
        (0, 4, 9, 0),
        (),
        TURING,
        _ANY,
        "lmstudio-ai/lmstudio-bug-tracker#1758, #2316",
        severity=Severity.WARNING,
    ),
)
"""Packages by the GPUs that their builds left out; LM Studio's CUDA runtimes are chosen apart from it."""
PUNICA: tuple[Version, Version] = ((0, 3, 0, 0), (0, 5, 4, 0))
PUNICA_SAYS = (
    "vllm-project/vllm#2810, #3826, #4604, #5199, PR#5036; machine code in the wheels of 0.3.3 and 0.4.3 "
    "(2026-11-27)"
)
"""vLLM whose kernels for adapters are built for Ampere and newer, its other ones from Volta on."""


def package_problems(facts: Facts) -> Iterator[Problem]:
    """Builds of packages, and of parts of an engine, without the GPU."""
    if facts.install != "source" and not facts.is_from_conda:
        for span in SPANS:
            if span.name.search(facts.runtime_text) and _is_left_out(facts, span):
                yield _problem(facts, span)
    yield from _adapters(facts)


def _is_left_out(facts: Facts, span: Span) -> bool:
    meant = span.since <= facts.version and (not span.before or facts.version < span.before)
    by_wheel = not span.by_wheel or (facts.install == "pip" and facts.cuda_is_given)
    return meant and by_wheel and not span.since_sm <= facts.sm < span.until_sm


def _problem(facts: Facts, span: Span) -> Problem:
    told = f"builds of {facts.runtime_text} {dotted(facts.version[:3])} have no machine code for {facts.card}"
    newer = (set_field("runtime_version", span.newer, f"use {facts.runtime_text} {span.newer}"),)
    built = (set_field("install", "source", "build it for this GPU"),)
    return Problem(
        "SM_NOT_IN_BINARY",
        "runtime_version",
        told,
        (
            *(newer if span.newer else ()),
            *(built if span.is_buildable else ()),
            set_gpu(facts, "l4"),
        ),
        Severity.WARNING if span.by_pip and facts.install != "pip" else span.severity,
        source=span.source,
    )


def _adapters(facts: Facts) -> Iterator[Problem]:
    since, before = PUNICA
    if facts.runtime != "vllm" or not since <= facts.version < before or facts.sm >= AMPERE:
        return
    by_argument = facts.env.get("enable_lora", "").lower() in ("true", "1")
    asked = by_argument or facts.flag_values("--enable-lora", "--enable_lora")
    if not asked or facts.sm < VOLTA:
        return
    # it looks at the GPU itself before it says that they are not there
    for code in ("SM_NOT_IN_BINARY", "ENGINE_MIN_SM"):
        yield Problem(
            code,
            "env",
            f"the kernels of vLLM {dotted(facts.version[:3])} for adapters (punica) start with compute "
            f"capability 8.0, {facts.who} has {dotted(facts.sm)}",
            (
                set_release(facts, "0.6.3"),
                Fix("merge the adapter into the model", {"env": None}),
                set_gpu(facts, "a10g"),
            ),
            source=PUNICA_SAYS,
        )
