"""Profiles of MIG slices that a GPU has, and how many of them."""

import re
from collections.abc import Iterator, Mapping
from math import ceil

from gpuyard.catalog.hardware import Gpu
from gpuyard.catalog.software import Version
from gpuyard.compat.facts import Facts
from gpuyard.compat.owner import stated_operator
from gpuyard.compat.problem import WHOLE_GPUS, Fix, Problem, raise_driver, set_field
from gpuyard.compat.sourced import Sourced
from gpuyard.compat.spelling import plain

DOUBLE_MEMORY = Sourced((525,), "GPU Operator release notes 22.9.1 and 22.9.2")
OPERATOR_WITH_DOUBLE: Version = (23, 3)
"""Driver and GPU Operator from which one slice may have two parts of memory (``1g.20gb`` of 80 GB)."""
_PROFILE = re.compile(r"\b(\d)g\.(\d+)gb")
EIGHTHS: dict[int, tuple[int, ...]] = {1: (1, 2), 2: (2,), 3: (4,), 4: (4,), 7: (8,)}
"""Eighths of a GPU's memory by the slices of a profile."""
PROFILES = (
    "NVIDIA MIG user guide; NVIDIA/gpu-operator#603; NVIDIA/mig-parted v0.15.0 (2026-08-19), #227 and PR#228"
)
_TIMES = re.compile(r"(?:\b(\d+) ?[x*×] ?)?\b(\d)g\.(\d+)gb(?:\+[a-z.]+)?(?: ?[x*×] ?(\d+)\b)?")
"""Profiles with how many there are of each: ``2x 3g.20gb``, ``1g.5gb x7``."""
_SEVENTHS, _EIGHTHS = 7, 8
_WHOLE = "7"
_OF_FEWER = frozenset({"rtx-pro-6000", "rtx-pro-5000", "rtx-pro-4500"})
"""GPUs of four slices or fewer."""
_QUARTERS = 4
IN_QUARTERS: Mapping[str, int] = {"a30": 24, "rtx-pro-6000": 96}
"""GPUs of four slices, with their memory by the names of profiles, GB (default-mig-parted-config)."""
_OWN_PROFILES = _OF_FEWER | {"gh200"}
"""GPUs of several memories, or that are cut otherwise."""
_ROUNDING = 0.12
"""How far a profile's name is from the memory that it stands for: drivers round differently."""
_SAME = 0.02
"""How far the stated memory may be from the catalog's for the catalog's profiles to hold."""


def profile_problems(facts: Facts, gpu: Gpu) -> Iterator[Problem]:
    """Slices of a size or number that the GPU does not have."""
    yield from _profile(facts, gpu)
    yield from _room(facts, gpu)


def quarter_problems(facts: Facts) -> Iterator[Problem]:
    """Profiles and numbers of them on GPUs of four slices."""
    memory = IN_QUARTERS.get(facts.gpu_name)
    if memory is None:
        return
    found = _TIMES.findall(facts.mig)
    wrong = next((f"{g}g.{size}gb" for _, g, size, _ in found if int(size) * 4 != int(g) * memory), "")
    quarters = sum(int(before or after or 1) * int(slices) for before, slices, _, after in found)
    if wrong or (facts.count == 1 and quarters > _QUARTERS):
        sizes = ", ".join(f"{part}g.{part * memory // 4}gb" for part in (1, 2, 4))
        yield Problem(
            "MIG_UNSUPPORTED",
            "mig",
            f"{facts.who} has four slices in profiles {sizes}, not {wrong or facts.given.mig}",
            (set_field("mig", f"1g.{memory // 4}gb", f"use 1g.{memory // 4}gb"), WHOLE_GPUS),
            source=PROFILES,
        )


def _profile(facts: Facts, gpu: Gpu) -> Iterator[Problem]:
    """Profiles of a card with other memory: ``1g.5gb`` is of 40 GB, not of 80."""
    memory = _whole_memory(facts, gpu)
    if gpu.id in _OWN_PROFILES or memory is None:
        return
    as_listed = gpu.memory_mib is not None and abs(memory - gpu.memory_mib) <= gpu.memory_mib * _SAME
    for found in _PROFILE.finditer(facts.mig):
        sizes = [part * memory / 1024 / 8 for part in EIGHTHS.get(int(found[1]), ())]
        is_near = any(abs(size - int(found[2])) <= size * _ROUNDING for size in sizes)
        is_listed = found[0] in gpu.mig_profiles or found[1] == _WHOLE  # which drivers name as they round
        if is_near and (is_listed or not (as_listed and gpu.mig_profiles)):
            if len(sizes) > 1 and int(found[2]) > sizes[0] * 1.5:
                yield from _double(facts, found[0])
            continue
        named = facts.mig.replace(found[0], _nearest(gpu, found) or f"{found[1]}g.{ceil(sizes[0])}gb")
        named = named if sizes else ""
        yield Problem(
            "MIG_UNSUPPORTED",
            "mig",
            f"{facts.who} has no profile {found[0]}",
            (
                *((set_field("mig", named, f"use {named}"),) if named else ()),
                WHOLE_GPUS,
            ),
            source=PROFILES,
        )


def _nearest(gpu: Gpu, profile: re.Match[str]) -> str:
    """The GPU's own profile of as many slices that is next in memory; empty: none is listed."""
    own = [found for name in gpu.mig_profiles if (found := _PROFILE.match(name)) and found[1] == profile[1]]
    return min((abs(int(name[2]) - int(profile[2])), name[0]) for name in own)[1] if own else ""


def _double(facts: Facts, profile: str) -> Iterator[Problem]:
    """One slice with twice the memory, which drivers have since 525 and the operator's manager since 23.3."""
    release = stated_operator(facts)
    by_driver = () < facts.driver_high < DOUBLE_MEMORY
    by_operator = release is not None and release.key < OPERATOR_WITH_DOUBLE
    if by_driver or by_operator:
        needs = "driver 525" if by_driver else "GPU Operator 23.3"
        newer = Fix("use GPU Operator v25.3.4", {"gpu_operator": "v25.3.4"})
        yield Problem(
            "MIG_UNSUPPORTED",
            "mig",
            f"profile {profile} of {facts.who} needs {needs} or newer",
            (raise_driver(facts, DOUBLE_MEMORY) if by_driver else newer, WHOLE_GPUS),
            source=DOUBLE_MEMORY.source,
        )


def _room(facts: Facts, gpu: Gpu) -> Iterator[Problem]:
    """More slices than one GPU has: of its sevenths, or of its eighths of memory."""
    if facts.count != 1 or gpu.id in _OF_FEWER:
        return
    memory = _whole_memory(facts, gpu)
    sevenths = eighths = 0
    for before, slices, size, after in _TIMES.findall(facts.mig):
        times = int(before or after or 1)
        sevenths += times * int(slices)
        small, *large = EIGHTHS.get(int(slices), (0,))
        is_large = memory is not None and int(size) > 1.5 * small * memory / 1024 / 8
        eighths += times * (large[0] if large and is_large else small)
    if sevenths > _SEVENTHS or eighths > _EIGHTHS:
        yield Problem(
            "MIG_UNSUPPORTED",
            "mig",
            f"{facts.who} has seven slices and eight parts of memory, not those of {facts.given.mig}",
            (set_field("mig", "1 slice", "make fewer slices"), WHOLE_GPUS),
            source=PROFILES,
        )


def _whole_memory(facts: Facts, gpu: Gpu) -> int | None:
    """Memory of the whole GPU, MiB; None: a name that cards of several memories have."""
    given = facts.given.gpu_mem_mib
    if given is not None:
        return int(given) if gpu.memory_mib and int(given) >= gpu.memory_mib * (1 - _ROUNDING) else None
    is_told = facts.machine is not None or re.search(r"\d ?g", plain(facts.given.gpu)) is not None
    return gpu.memory_mib if is_told or not gpu.id.startswith(("a100", "h100")) else None
