"""Machine, GPU and processor that a combination names, in any spelling."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import replace
from functools import cache
from typing import Any

from gpuyard.catalog.hardware import Gpu, MachineType, find_gpu, machine_types
from gpuyard.catalog.machine_names import find_named_machine
from gpuyard.catalog.names import UnknownName, normalise
from gpuyard.catalog.software import OtherGpu, other_gpus
from gpuyard.compat.combination import Combination, changed
from gpuyard.compat.spelling import plain

ARM_GPUS = frozenset({"gh200", "gb200", "gb300", "gb10", "t4g"})
_MODULE = re.compile(r"jetson|orin|xavier|thor")
"""GPUs that come with an Arm processor."""
_FAMILY_GPU = {"p3": "v100", "p2": "k80", "g3": "m60", "p3dn": "v100", "g3s": "m60"}
"""AWS families that the catalog no longer lists."""
_EDITION = re.compile(
    r"\b(blackwell|hopper|ampere|server|workstation|edition|max[- ]?q|nvl|unspecified|some|any)\b"
)
"""Words around the name of a card that do not tell it from its kin."""
_ARM = re.compile(r"\barm|aarch64|grace|graviton|neoverse|sbsa|axion")
_X86 = re.compile(r"amd64|x86|x64|xeon|epyc")
_PARTS = re.compile(r"[a-z]+|\d+")
_COUNTS = re.compile(
    r"\(.*?\)|^\s*\d+\s*[x*×][\s_-]*|\b\d+\s*x\s+|[\s_-]\d+x$|\bx\s*\d+$|(?<=\d)x\d\d?$|[:*]\s*\d+$"
)
"""How many there are, in a name that should be one card's: ``8xH100``, ``L4 x4``, ``A100-80GB:8``."""
_SHARES = re.compile(r"\bmig\b.*|\bgrid\b|(?<=\d)[ -]\d+[abcq]\b")
"""A slice or a virtual card, as the driver writes it: the rest names the card."""
_MEMORY = re.compile(r"\b(\d+)\s*gi?b\b")
_BRANDS = frozenset({"quadro", "geforce", "tesla"})
_PROFESSIONAL = re.compile(
    r"quadro|\brtx[ -]?(a?\d000|a\d{3,4}|pro)|\bada\b|\ba\d{3,4}\b|jetson|orin|thor|gb10|spark"
)
_TWO_SIZES: Mapping[str, tuple[str, int]] = {"a100-40gb": ("40", 81920)}
"""Cards whose plain name says less than their memory: what tells the smaller one, and the larger, MiB."""


@cache
def find_machine(text: str | None) -> MachineType | None:
    """The machine type of that name; None: the catalog lacks it."""
    return machine_types().get(str(text).strip().lower()) if text else None


def with_named_machine(given: Combination) -> Combination:
    """The combination with the GPUs that the name of a machine says, where nothing else does."""
    if given.gpu is not None or not given.instance or find_machine(given.instance):
        return given
    named = find_named_machine(given.instance)
    if named is None:
        return given
    count = named.count if given.gpu_count is None else given.gpu_count
    return changed(given, {"gpu": named.gpu, "gpu_count": count})


@cache
def _find_gpu(text: str) -> Gpu | None:
    cleaned = _with_bytes(_SHARES.sub(" ", _COUNTS.sub(" ", text.replace("_", " "))))
    short = re.sub(
        r"\b(nvidia|gpus?|tensor core|accelerator|tesla|geforce|hgx|dgx|spark|station|blackwell|edition)\b",
        " ",
        cleaned,
    )
    for name in (text, cleaned, short):
        try:
            return find_gpu(name)
        except (UnknownName, ValueError):
            continue
    return _by_memory(short)


def _with_bytes(text: str) -> str:
    """``A100 40G`` as ``A100 40GB``."""
    return re.sub(r"\b(\d\d+)g\b(?!\.)", r"\1gb", text)


def _by_memory(text: str) -> Gpu | None:
    """A name with a memory and a form in it, where they are those of the card that the rest names."""
    found = _MEMORY.search(text)
    if found is None:
        return None
    bare = re.sub(r"\b(sxm\d?|pcie|hbm\d?e?|gddr\d\w?)\b", " ", text.replace(found[0], " ")).strip(" -_")
    for name in (bare, f"{bare}-{found[1]}gb"):
        try:
            gpu = find_gpu(name)
        except (UnknownName, ValueError):
            continue
        if gpu.memory_gb == float(found[1]):
            return gpu
    return None


@cache
def _find_other(text: str) -> OtherGpu | None:
    """The card whose every part is in the text; of several, the one with most parts.

    A memory in the name is the card's own: there are several of most.
    """
    text = _SHARES.sub(" ", re.sub(r"\(.*?\)", "", text))
    text = re.sub(r"^(?=(?:a\d{4}|[2-5]0[5-9]0)\b)", "rtx ", _with_bytes(text))
    memory = _MEMORY.search(text)
    parts = set(_PARTS.findall(_MEMORY.sub(" ", text)))
    sized = parts | ({memory[1], "gb"} if memory else set())
    fitting = [(len(own), other) for own, other in _other_parts() if own <= (sized if "gb" in own else parts)]
    found = max(fitting, key=lambda item: item[0], default=(0, None))[1]
    if found is None or ("pro" in parts and "pro" not in found.id):
        return None
    return replace(found, memory_mib=int(memory[1]) * 1024) if memory else found


@cache
def _other_names() -> Mapping[str, OtherGpu]:
    return {normalise(other.id): other for other in other_gpus().values()}


@cache
def _other_parts() -> Sequence[tuple[set[str], OtherGpu]]:
    return [(set(_PARTS.findall(other.id)) - _BRANDS or {other.id}, other) for other in other_gpus().values()]


def read_gpu(given: Combination, machine: MachineType | None, instance: str) -> tuple[Gpu | None, str, Any]:
    """The catalog's GPU, its name as given, or a card that the catalog knows only in outline."""
    name = plain(given.gpu)
    if name:
        gpu = _find_gpu(name)
        other = None if gpu else _other_names().get(normalise(name))
        if gpu is None and other is None:
            gpu = _find_gpu(_EDITION.sub(" ", name).strip(" -"))
            other = None if gpu else _find_other(name)
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


def read_form(name: str, listed: str) -> str:
    """Form of a card that the catalog knows only in outline; its name goes before the list."""
    found = re.search(r"sxm\d?|pcie|nvl\b", name)
    return found[0].upper() if found else listed


@cache
def is_professional(name: str) -> bool:
    """Whether a card outside of data centres is one for work stations or modules, not a GeForce or TITAN."""
    return _PROFESSIONAL.search(name) is not None


def read_arch(given: Combination, gpu: Gpu | None, machine: MachineType | None) -> str:
    """``amd64`` or ``arm64``; empty: unknown."""
    text = plain(given.cpu_arch) or (machine.arch if machine else "")
    if not text and ((gpu is not None and gpu.id in ARM_GPUS) or _MODULE.search(plain(given.gpu))):
        return "arm64"
    if _ARM.search(text):
        return "arm64"
    return "amd64" if _X86.search(text) else ""


def largest_memory(name: str, gpu: Gpu | None) -> int | None:
    """Memory of the largest card that a name may mean, MiB."""
    word, memory = _TWO_SIZES.get(gpu.id if gpu else "", ("", 0))
    if gpu is None or not memory or word in name:
        return gpu.memory_mib if gpu else None
    return memory


SLICES_MIB: Mapping[int, int] = {18: 16384, 35: 33280}
"""Memory of slices that have clearly less than their name says: those of cards with 141 GB
(vllm-project/vllm#39874, #42467 and #50463)."""


def slice_memory(value: object, stated: object = None) -> int | None:
    """Memory of one slice, MiB, of a profile such as ``1g.10gb``; ``stated``: of the card or of the slice."""
    found = re.search(r"\dg\.(\d+)gb", plain(value))
    if not found:
        return None
    size = SLICES_MIB.get(int(found[1]), int(found[1]) * 1000)
    return min(size, int(stated)) if isinstance(stated, (int, float)) and stated > 0 else size
