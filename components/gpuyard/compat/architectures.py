"""Lists of architectures that a build was told: is there code for the GPU, or PTX to compile it from?"""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from gpuyard.catalog.software import Version
from gpuyard.compat.facts import Facts
from gpuyard.compat.problem import Fix, Problem
from gpuyard.compat.spelling import dotted
from gpuyard.errors import Severity

COMPATIBILITY = "NVIDIA's CUDA guide on binary and PTX compatibility (general knowledge)"
WITH_PTX = re.compile(r"CMAKE_|CUDAARCHS|DOCKER_ARCH|CUDA_ARCH(ITECTURES)?$")
"""Lists whose plain entries bring PTX too: CMake's and nvcc's own. Torch's wants ``+PTX``."""
_NAMES = r"[a-z0-9_]*cuda_?(?:docker_)?arch(?:itectures|_list|s)?|[a-z_]*nvcc_archs"
_ONE = r"(?:sm_|compute_)?\d{1,2}(?:\.\d|\d{1,2})?[af]?(?:\+ptx|-real|-virtual)?"
_LIST = re.compile(
    rf"(?<![\w])(?:-d)?({_NAMES})(?:\W{{1,4}}value|:string)?\W{{1,4}}({_ONE}(?:[;, ]+{_ONE})*)(?![\w.$])"
    r"(?![;,]\s*(?!\w+=)[\w$])",
    re.IGNORECASE,
)
"""A variable and its entries; nothing where one of them is no number (``75;native``)."""
_PART = re.compile(r"(sm_|compute_)?(\d+(?:\.\d)?)([af]?)(\+ptx|-real|-virtual)?")


@dataclass(frozen=True, slots=True)
class Architecture:
    """One entry of a list."""

    sm: Version
    has_ptx: bool
    only: str
    """``a``: this compute capability alone; ``f``: its family; empty: none of both."""

    def serves(self, sm: Version) -> bool:
        """Whether it is machine code that the GPU runs, or PTX that its driver compiles."""
        same = sm == self.sm if self.only == "a" else sm[0] == self.sm[0] and sm >= self.sm
        return same or (self.has_ptx and not self.only and sm >= self.sm)


def architecture_problems(facts: Facts) -> Iterator[Problem]:
    """A list without the GPU, and without PTX of an older one."""
    for name, listed in read_lists(facts.given.env):
        if any(item.serves(facts.sm) for item in listed):
            continue
        told = [*dict.fromkeys(item.sm for item in listed)]
        more = ";".join(dotted(sm) for sm in sorted({*told, facts.sm}))
        value = more if by_torch(name) else more.replace(".", "")
        finished = facts.install in ("pip", "docker") or (not facts.install and facts.release is not None)
        yield Problem(
            "SM_NOT_IN_BINARY",
            "env",
            f"{name} has {' '.join(map(dotted, told))}, which is no machine code for {facts.card} "
            "and no PTX that its driver could compile",
            (Fix(f"build with {name}={value}", {"env": _exchanged(facts, name, value)}),),
            Severity.WARNING if by_torch(name) and finished else Severity.ERROR,
            source=COMPATIBILITY,
        )


def by_torch(name: str) -> bool:
    """Whether it is torch's list, which finished builds read as well, for what they compile later on."""
    return name.upper().startswith("TORCH_")


def _exchanged(facts: Facts, name: str, value: str) -> Mapping[str, str]:
    """The environment with another list, wherever it stands."""
    env = {key: text for key, text in (*facts.flags, *facts.env.items()) if name not in key}
    inside = {key: _LIST.sub(f"-D{name}={value}", text) for key, text in env.items() if name in text}
    return {**env, **inside} if inside else {**env, name: value}


def read_lists(env: object) -> Iterator[tuple[str, Sequence[Architecture]]]:
    """Every list by its variable; words such as ``native`` and ``all`` are none."""
    text = str(env)
    if "arch" not in text.lower():
        return
    for name, entries in _LIST.findall(text):
        known = [_architecture(name.upper(), entry) for entry in re.split(r"[;, ]+", entries.lower())]
        listed = [item for item in known if item is not None]
        if listed and len(listed) == len(known):
            yield name, listed


def _architecture(name: str, entry: str) -> Architecture | None:
    found = _PART.fullmatch(entry)
    sm = read_capability(found[2]) if found else ()
    if found is None or not sm:
        return None
    virtual = found[4] == "-virtual" or found[1] == "compute_"
    plain_ptx = WITH_PTX.search(name) is not None and found[4] is None
    return Architecture(
        sm=sm,
        has_ptx=virtual or found[4] == "+ptx" or plain_ptx,
        only=found[3],
    )


def read_capability(number: str) -> Version:
    """``8.6``, ``86``, ``120`` and ggml's ``860`` and ``1200``; empty: no compute capability."""
    major, _, minor = number.partition(".")
    if minor:
        return int(major), int(minor)
    value = int(number)
    if value >= 1000 or 300 <= value < 1000:
        value //= 10
    return divmod(value, 10) if 30 <= value < 130 else ()
