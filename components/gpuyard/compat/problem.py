"""What a rule answers: a problem, and changes of fields that would take it away."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache
from typing import Any

from gpuyard.catalog.hardware import gpus
from gpuyard.catalog.software import Version, driver_branches, parse_version
from gpuyard.catalog.software_runtimes import runtime_releases
from gpuyard.catalog.software_support import Span
from gpuyard.compat.build import OWN_IMAGES
from gpuyard.compat.facts import Facts
from gpuyard.compat.replacement import exchange_driver, exchange_machine, nvidia_image
from gpuyard.compat.spelling import driver_text
from gpuyard.errors import Severity

BACKEND_FLAGS = (
    "--attention-backend",
    "-ab",
    "--prefill-attention-backend",
    "--decode-attention-backend",
)
"""How an attention backend is asked for."""
_TAGGED_BY_CUDA = ("vllm", "sglang")
"""Engines whose images are tagged ``v0.20.0`` and ``v0.20.0-cu129``."""


MORE_OF_THE_SAME = 2
"""More GPUs of the kind, or another checkpoint of the model."""
OTHER_SOFTWARE = 3
"""Another engine, or an image of one's own making."""
OTHER_HARDWARE = 4
"""GPUs of another kind, or more nodes."""


@dataclass(frozen=True, slots=True)
class Fix:
    """One way out: fields to change, and the same as an instruction."""

    text: str
    changes: Mapping[str, Any]
    distance: int = 1
    """How far it leads from what was asked: as many settings may be changed instead."""


@dataclass(frozen=True, slots=True)
class Problem:
    """One thing that is wrong with a combination."""

    code: str
    path: str
    message: str
    fixes: tuple[Fix, ...] = field(default=())
    severity: Severity = Severity.ERROR
    source: str = field(default="", kw_only=True)
    """Where the rule's fact comes from; empty: what the code cites."""
    as_of: str = field(default="", kw_only=True)
    """Of a row of the catalog that has a date; empty: the code's."""


WHOLE_GPUS = Fix("use whole GPUs", {"mig": None})
CONTAINER_IMAGE = Fix("use the container image", {"install": "docker"})


def raise_driver(facts: Facts, floor: Version) -> Fix:
    """A driver of at least ``floor``: of the same branch if that reaches, else of the next lasting one."""
    fitting = (
        latest
        for branch, version, latest in _lasting_drivers()
        if version >= floor and branch >= (facts.branch or 0)
    )
    return set_driver(facts, next(fitting, driver_text(floor)))


@cache
def _lasting_drivers() -> Sequence[tuple[int, Version, str]]:
    """The newest driver of each LTS and production branch, oldest first: other branches end within months."""
    rows = [row for row in driver_branches().values() if row.kind in ("LTS", "PB") and row.latest]
    return sorted((row.branch, parse_version(row.latest), row.latest) for row in rows)


def set_driver(facts: Facts, version: str) -> Fix:
    """That driver, with fabric manager following it."""
    changes: dict[str, Any] = {"driver": version, "driver_branch": version.split(".", maxsplit=1)[0]}
    if facts.given.fabric_manager is not None:
        changes["fabric_manager"] = version
    text, more = exchange_driver(facts, version)
    return Fix(text, {**changes, **more})


def set_gpu(facts: Facts, name: str) -> Fix:
    """Another GPU in the same place."""
    changes: dict[str, Any] = {
        "gpu": name,
        "sm": None,
        "gpu_mem_mib": None,
        "datacenter_gpu": None,
        "instance": None,
    }
    if facts.given.instance is None:
        return Fix(f"use {name} GPUs", changes, OTHER_HARDWARE)
    machine = exchange_machine(facts, name)
    if machine is not None:
        count = machine.gpu_count if facts.given.gpu_count is not None else None
        changes |= {"instance": machine.id, "gpu": None, "gpu_count": count}
        return Fix(f"use {machine.id} ({name})", changes, OTHER_HARDWARE)
    if facts.gpu_count:
        changes["gpu_count"] = facts.gpu_count
    return Fix(f"use {name} GPUs", changes, OTHER_HARDWARE)


def set_gpus(facts: Facts, *names: str) -> tuple[Fix, ...]:
    """Other GPUs, those with no less memory than now first: what fits must go on fitting."""
    have = facts.memory_mib or 0
    return tuple(set_gpu(facts, name) for name in sorted(names, key=lambda name: _memory(name) < have * 0.9))


def _memory(name: str) -> int:
    gpu = gpus().get(name)
    return gpu.memory_mib or 0 if gpu else 0


def set_release(facts: Facts, version: str, cuda: str | None = None) -> Fix:
    """Another release of the same engine, with its default image or the ``cuda`` variant of it."""
    changes: dict[str, Any] = {"runtime_version": version}
    text = f"use {facts.runtime} {version}"
    suffix = f"-cu{cuda.replace('.', '')}" if cuda else ""
    by_image = facts.given.image is not None or (suffix and facts.install != "pip")
    if by_image and facts.runtime in _TAGGED_BY_CUDA:
        changes["image"] = f"{OWN_IMAGES[facts.runtime]}:v{version}{suffix}"
        text = f"use image {changes['image']}"
    if facts.given.cuda is not None or suffix:
        changes["cuda"] = cuda
    if facts.given.base_image_cuda is not None:
        changes["base_image_cuda"] = None
    if suffix and facts.install == "pip":
        text += f" built for CUDA {cuda}"
    return Fix(text, changes)


def releases_that_know(facts: Facts, spans: Sequence[Span]) -> tuple[Fix, ...]:
    """Releases of the engine within those spans: the last before this one, the first after it, the newest."""
    known = [row for row in runtime_releases(facts.runtime) if any(span.holds(row.key) for span in spans)]
    sooner = [row for row in known if row.key < facts.version]
    later = [row for row in known if row.key > facts.version]
    return tuple(set_release(facts, row.version) for row in (*sooner[-1:], *later[:1], *later[-1:]))


def use_vllm(version: str, why: str = "") -> Fix:
    """That release of vLLM instead of the engine and image of now."""
    changes = {
        "runtime": "vllm",
        "runtime_version": version,
        "image": None,
        "cuda": None,
        "base_image_cuda": None,
    }
    return Fix(f"use vLLM {version}{why}", changes, OTHER_SOFTWARE)


def use_eks_image(facts: Facts, text: str = "use the NVIDIA image {image}", **more: Any) -> Fix:
    """The EKS image that brings driver, container toolkit and fabric manager, for the node's processor."""
    image = nvidia_image(facts)
    return Fix(text.format(image=image), {"ami": image, "os": None, **more})


VLLM_INSTEAD = (use_vllm("0.20.0"), use_vllm("0.19.1"))
"""vLLM in place of another engine: first release on CUDA 13, last one on CUDA 12."""


def set_field(field_name: str, value: Any, text: str) -> Fix:
    """One field."""
    return Fix(text, {field_name: value})


def with_env(facts: Facts, name: str, value: str) -> dict[str, Any]:
    """The environment with one variable more; flags stay."""
    flags = dict(facts.flags)
    return {"env": {**flags, **facts.env, name: value}}


def without_flags(facts: Facts, *names: str) -> dict[str, Any]:
    """The environment without some flags or variables."""
    flags = {flag: text for flag, text in facts.flags if flag not in names}
    # a variable that holds a command line has given its flags already
    env = {key: text for key, text in facts.env.items() if key not in names and "--" not in text}
    return {"env": {**flags, **env}}


def with_flag_instead(facts: Facts, name: str, flag: str) -> dict[str, Any]:
    """The environment with ``flag`` for ``name``: with the value behind it, else with the one it had."""
    flag, _, value = flag.partition(" ")
    value = value or dict(facts.flags).get(name, facts.env.get(name, ""))
    if not name.startswith("-"):  # an argument of Python
        flag = flag.removeprefix("--").replace("-", "_")
    return {"env": {**without_flags(facts, name)["env"], flag: value}}
