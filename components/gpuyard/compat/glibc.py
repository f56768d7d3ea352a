"""The host's glibc against the wheel that pip takes, what that depends on, and its torch."""

import re
from collections.abc import Iterator, Mapping
from functools import cache

from gpuyard.catalog.software import Version
from gpuyard.catalog.software_runtimes import (
    RuntimeRelease,
    WheelGlibc,
    newest_release,
    runtime_releases,
    wheel_glibc,
)
from gpuyard.compat.facts import Facts
from gpuyard.compat.problem import CONTAINER_IMAGE, Problem, set_field, set_release
from gpuyard.compat.sourced import Sourced
from gpuyard.compat.spelling import dotted, plain
from gpuyard.errors import Severity

TORCH_GLIBC = ((2, 7), Sourced((2, 28), "tags of torch's wheels on PyPI"))
"""First torch whose wheels are tagged manylinux_2_28."""
_NONE: Sourced[int] = Sourced((), "")
_BINARIES = frozenset({"ollama"})
"""Engines that are one program and no wheel."""
_OWN_WHEEL = re.compile(r"\+cu\d|wheels\.vllm\.ai|releases/download|docs\.sglang\.ai/whl|index/cu\d")


def glibc_problems(facts: Facts) -> Iterator[Problem]:
    """A host that is too old for the wheel, or for what it brings."""
    by_pip = facts.install == "pip" or (not facts.install and facts.given.glibc is not None)
    if not by_pip or not facts.glibc:
        return
    key, number = facts.version, dotted(facts.version[:3])
    name = facts.runtime or facts.runtime_text.replace("_", "-")
    release = facts.release
    if release is None and not facts.version:  # what pip would take
        release = newest_release(facts.runtime)
    inner = needed = _beyond_tag(facts, name, facts.version)
    if release is not None:
        key, number = release.key, release.version
        inner = _beyond_tag(facts, name, key)
        needed = max(needed, _glibc_of(facts, release))
    needed = max(needed, _tag_of_variant(facts, name, key))
    if facts.glibc >= needed:
        yield from _default_tag(facts, release)
        return
    newer = [
        row
        for row in runtime_releases(facts.runtime)
        if max(_glibc_of(facts, row), _tag_of_variant(facts, name, row.key)) <= facts.glibc
    ]
    after = [row for row in newer if row.key > key][:1]
    before = [row for row in newer if row.key < key][-1:]
    other = {row.before for row in wheel_glibc() if row.runtime in (name, facts.runtime_text)} - {""}
    yield Problem(
        "HOST_GLIBC",
        "glibc" if facts.given.glibc is not None else "os",
        f"the {'binary' if name in _BINARIES else 'wheel'} of {name} {number} needs glibc {dotted(needed)}, "
        f"the host has {dotted(facts.glibc)}; "
        + (_fails(name) if inner == needed else "pip would build from source"),
        (
            *(set_release(facts, row.version) for row in (*after, *before)),
            *(set_field("runtime_version", version, f"use {name} {version}") for version in other),
            CONTAINER_IMAGE,
        ),
        Severity.ERROR if facts.version else Severity.WARNING,
        source=needed.source,
    )


def names_wheel(facts: Facts) -> bool:
    """Whether the wheel's own CUDA is said: in its version, by its address or its index."""
    return bool(_OWN_WHEEL.search(f"{plain(facts.given.runtime_version)} {facts.given.env or ''}".lower()))


def _fails(name: str) -> str:
    return "it does not start" if name in _BINARIES else "importing it fails"


def _is_other_wheel(facts: Facts, release: RuntimeRelease) -> bool:
    """Whether the stated CUDA is not that of the release's default wheel: another one may be meant."""
    stated = facts.runtime == "vllm" and facts.cuda_is_given and bool(release.wheel_cuda)
    return stated and facts.cuda[:1] != release.wheel_cuda[:1]


def _default_tag(facts: Facts, release: RuntimeRelease | None) -> Iterator[Problem]:
    """A host that is too old for the default wheel, beside a CUDA that another wheel is for."""
    if release is None or names_wheel(facts) or not _is_other_wheel(facts, release):
        return
    if facts.glibc >= release.glibc:
        return
    yield Problem(
        "HOST_GLIBC",
        "glibc" if facts.given.glibc is not None else "os",
        f"the default wheel of vllm {release.version} needs glibc {dotted(release.glibc)}, the host has "
        f"{dotted(facts.glibc)}: pip would build from source unless the wheel for CUDA "
        f"{dotted(facts.cuda)} is taken",
        (CONTAINER_IMAGE,),
        Severity.WARNING,
        source=release.source,
    )


def _glibc_of(facts: Facts, release: RuntimeRelease) -> Sourced[int]:
    """Oldest glibc of the release's wheel, of what it depends on, or of its torch."""
    return max(
        _NONE if _is_other_wheel(facts, release) else _tags(release.runtime)[release.key],
        TORCH_GLIBC[1] if release.torch >= TORCH_GLIBC[0] else _NONE,
        _beyond_tag(facts, release.runtime, release.key),
    )


@cache
def _tags(runtime: str) -> Mapping[Version, Sourced[int]]:
    """Oldest glibc that the tag of each release's wheel asks for."""
    return {row.key: Sourced(row.glibc, row.source) for row in runtime_releases(runtime)}


def _beyond_tag(facts: Facts, runtime: str, key: Version) -> Sourced[int]:
    rows = (
        row
        for row in _wheels(facts, runtime, key)
        if not row.cuda_major and (facts.cuda_is_given or not row.prebuilt_for_cuda)
    )
    return max((Sourced(row.glibc, row.source) for row in rows), default=_NONE)


def _tag_of_variant(facts: Facts, runtime: str, key: Version) -> Sourced[int]:
    """What the tag of the wheel for a CUDA that is not the release's own says; empty: as the release's."""
    rows = (row for row in _wheels(facts, runtime, key) if facts.cuda_is_given)
    fitting = (row for row in rows if facts.cuda[:1] == (row.cuda_major,))
    return max((Sourced(row.glibc, row.source) for row in fitting), default=_NONE)


def _wheels(facts: Facts, runtime: str, key: Version) -> Iterator[WheelGlibc]:
    for row in wheel_glibc():
        named = row.runtime in (runtime, facts.runtime_text)
        if named and row.since <= key <= row.until and row.arch in ("", facts.arch):
            yield row
