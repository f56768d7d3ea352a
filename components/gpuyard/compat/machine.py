"""Machine, GPU and processor that a combination names, in any spelling."""

import re
from functools import cache
from typing import Any

from gpuyard.catalog.hardware import Gpu, MachineType, find_gpu, machine_types
from gpuyard.catalog.names import UnknownName, normalise
from gpuyard.catalog.software import other_gpus
from gpuyard.compat.combination import Combination
from gpuyard.compat.spelling import plain

ARM_GPUS = frozenset({"gh200", "gb200", "gb300", "gb10", "t4g"})
_FAMILY_GPU = {"p3": "v100", "p2": "k80", "g3": "m60", "p3dn": "v100", "g3s": "m60"}
"""AWS families that the catalog no longer lists."""
_EDITION = re.compile(
    r"\b(blackwell|hopper|ampere|server|workstation|edition|max-?q|nvl|unspecified|some|any)\b"
)
"""Words around the name of a card that do not tell it from its kin."""
LARGEST = {"a100": 81920}
"""Names that say less than a card's memory: the largest one that they may mean, MiB."""


@cache
def find_machine(text: str | None) -> MachineType | None:
    """The machine type of that name; None: the catalog lacks it."""
    return machine_types().get(str(text).strip().lower()) if text else None


@cache
def _find_gpu(text: str) -> Gpu | None:
    cleaned = re.sub(r"\(.*?\)|^\s*\d+\s*x\s*|\b\d+\s*x\s+", " ", text).strip()
    for name in (text, cleaned, re.sub(r"\b(nvidia|gpu|tensor core|accelerator)\b", " ", cleaned.lower())):
        try:
            return find_gpu(name)
        except (UnknownName, ValueError):
            continue
    return None


@cache
def _find_other(text: str) -> Any:
    key = normalise(re.sub(r"\(.*?\)", "", text))
    best = None
    for other in other_gpus().values():
        name = normalise(other.id)
        if name == key:
            return other
        short = name.removeprefix("rtx").removeprefix("gtx")
        if len(short) >= 4 and short in key and (best is None or len(name) > len(normalise(best.id))):
            best = other
    return best


def read_gpu(given: Combination, machine: MachineType | None, instance: str) -> tuple[Gpu | None, str, Any]:
    """The catalog's GPU, its name as given, or a card that the catalog knows only in outline."""
    name = plain(given.gpu)
    if name:
        gpu = _find_gpu(name)
        other = None if gpu else _find_other(name)
        if gpu is None and other is None:
            gpu = _find_gpu(_EDITION.sub(" ", name).strip(" -"))
        if gpu is not None or other is not None or machine is None or not machine.gpu:
            return gpu, name, other
    if machine is not None and machine.gpu:
        return _find_gpu(machine.gpu), machine.gpu, None
    family = _family_gpu(instance.partition(".")[0])
    if family:
        gpu = _find_gpu(family)
        return gpu, family, None if gpu else _find_other(family)
    return None, "", None


@cache
def _family_gpu(family: str) -> str:
    """GPU of a family of machine types, for sizes that the catalog lacks."""
    listed = (row.gpu for name, row in machine_types().items() if family and name.startswith(f"{family}."))
    return _FAMILY_GPU.get(family) or next((gpu for gpu in listed if gpu), "")


def read_arch(given: Combination, gpu: Gpu | None, machine: MachineType | None) -> str:
    """``amd64`` or ``arm64``; empty: unknown."""
    text = plain(given.cpu_arch) or (machine.arch if machine else "")
    if not text and gpu is not None and gpu.id in ARM_GPUS:
        return "arm64"
    if text in ("arm64", "aarch64", "arm", "grace", "graviton"):
        return "arm64"
    return "amd64" if text in ("amd64", "x86_64", "x86-64", "x86", "x64") else ""


def slice_memory(value: object) -> int | None:
    """Memory of one slice, MiB, of a profile such as ``1g.10gb``."""
    found = re.search(r"\dg\.(\d+)gb", plain(value))
    return int(found[1]) * 1000 if found else None
