"""One combination of GPU, driver, node, image, runtime and model, as people state it.

Every field may be missing: unknown is not wrong. Values are kept as they were written; `facts` reads them.
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import fields
from math import isnan
from operator import attrgetter
from typing import Any

from gpuyard.catalog.engine_flags import OPTIONS
from gpuyard.errors import Finding, SpecError, did_you_mean
from gpuyard.records import record


@record
class Combination:
    """What is known of one place, engine and model. None: unknown."""

    gpu: str | None = None
    """Catalog id or what people type: ``h100-sxm``, ``A100 80GB``, ``rtx-4090``."""
    gpu_count: int | float | None = None
    gpu_mem_mib: int | float | None = None
    """Of one GPU, as the driver reports it. Default: the catalog's."""
    sm: str | float | None = None
    """Compute capability, ``9.0``. Default: the GPU's."""
    datacenter_gpu: bool | None = None
    instance: str | None = None
    """Machine type of a cloud; says GPU, count, memory and processor."""
    platform: str | None = None
    """``eks``, ``gke``, ``aks``, ``kubernetes`` or ``bare``; others are taken as unknown."""
    os: str | None = None
    ami: str | None = None
    """Node image, best with its release: ``AL2023_x86_64_NVIDIA v20260714``."""
    kubernetes: str | float | None = None
    driver: str | float | None = None
    """``580.95.05``; a bare branch (``580``) says as much as `driver_branch`."""
    driver_branch: str | float | None = None
    driver_managed_by: str | None = None
    """``image``, ``operator`` or ``cloud``: who installs the driver."""
    kernel_module: str | None = None
    """``open`` or ``proprietary``."""
    fabric_manager: str | float | bool | None = None
    """Its version, ``running`` or ``none``."""
    gpu_operator: str | float | bool | None = None
    toolkit: str | float | None = None
    """NVIDIA container toolkit, with ``installDir=…`` where it is set."""
    containerd: str | float | None = None
    dra_driver: str | float | bool | None = None
    mig: str | bool | None = None
    """A profile (``1g.10gb``), ``mixed`` (slices and whole GPUs), a ``MIG-…`` UUID; ``none``: off."""
    glibc: str | float | None = None
    cpu_arch: str | None = None
    runtime: str | None = None
    runtime_version: str | float | None = None
    install: str | None = None
    """``docker`` or ``pip``."""
    image: str | None = None
    cuda: str | float | None = None
    """What the engine was built with."""
    base_image_cuda: str | float | None = None
    host_toolkit: str | float | None = None
    """CUDA toolkit (nvcc) that kernels are compiled with at run time; ``none``: there is none."""
    image_has_compat_libs: bool | None = None
    env: str | Mapping[str, Any] | Sequence[Any] | None = None
    """Environment, flags, arguments of Python, Helm values of GPU Operator, labels of GKE node pools.

    A mapping, a list or one line.
    """
    model: str | None = None
    dtype: str | None = None
    quantization: str | None = None
    kv_cache_dtype: str | None = None
    tensor_parallel: int | float | None = None
    pipeline_parallel: int | float | None = None
    attention_heads: int | float | None = None
    max_model_len: int | float | None = None
    max_num_batched_tokens: int | float | None = None
    max_num_seqs: int | float | None = None
    gpu_memory_utilization: float | None = None


FIELDS = tuple(field.name for field in fields(Combination))
_values = attrgetter(*FIELDS)


def changed(given: Combination, changes: Mapping[str, Any]) -> Combination:
    """The combination with some fields replaced."""
    return Combination(**{**dict(zip(FIELDS, _values(given), strict=True)), **changes})


LARGEST = {
    "gpu_count": 1024,
    "gpu_mem_mib": 4_194_304,
    "tensor_parallel": 1024,
    "pipeline_parallel": 1024,
    "attention_heads": 65_536,
    "max_model_len": 100_000_000,
    "max_num_batched_tokens": 100_000_000,
    "max_num_seqs": 1_000_000,
    "gpu_memory_utilization": 1,
}
"""Numbers, with the largest that is not absurd."""
_DRIVERS = frozenset({"driver", "driver_branch", "fabric_manager"})
_LOST_ZERO = {
    "kubernetes": (".1", ".2", ".3"),
    "glibc": (".1", ".2", ".3", ".4"),
    "gpu_operator": (".1",),
}
"""Ends of numbers that were versions (``1.30``) before a program read them: with no zero they are older than
whatever runs models on GPUs."""
_SWITCHES = frozenset({"datacenter_gpu", "image_has_compat_libs"})
_EITHER = frozenset({"fabric_manager", "gpu_operator", "dra_driver", "mig"})
"""Text, or true and false."""
_UNKNOWN = frozenset(
    {"", "null", "unknown", "any", "n/a", "na", "nan", "-", "?", "unspecified", "not specified", "tbd"}
)
NUMBER_MAX = 10**12
TEXT_MAX = 2000
"""Characters of one value; flags and environment may be longer."""
_STATED_BY = {
    flag.lstrip("-").replace("-", "_"): field
    for field in FIELDS
    if field in OPTIONS
    for flag in (*OPTIONS[field].flags.values(), *OPTIONS[field].short)
}
"""Fields by what engines call them: ``tp``, ``context_length``."""
_HUB = re.compile(r"^(https?://(huggingface\.co|hf\.co)/|hf://)")
"""Where a model lies, in front of its name."""


def parse_combination(data: Any, path: str = "") -> Combination:
    """The combination that plain data describes.

    Raises:
        SpecError: one finding per problem, each with its path under ``path``.
    """
    found, problems = read_combination(data, path)
    if found is None:
        raise SpecError(problems)
    return found


def _hint(key: str) -> str:
    """The field that an unknown one is like, or that engines call so."""
    name = key.strip().lower().lstrip("-").replace("-", "_")
    return f'did you mean "{_STATED_BY[name]}"?' if name in _STATED_BY else did_you_mean(key, FIELDS)


def read_combination(data: Any, path: str = "") -> tuple[Combination | None, list[Finding]]:
    """The combination, or every problem of the data."""
    if not isinstance(data, Mapping):
        return None, [
            _problem(
                path, "INVALID", f"is {_kind(data)}, not a combination", "write it as `field: value` lines"
            )
        ]
    problems: list[Finding] = []
    values: dict[str, Any] = {}
    for key, value in data.items():
        place = f"{path}.{key}" if path else str(key)
        if key not in _KNOWN:
            hint = _hint(str(key))
            fix = f"{hint or 'remove it'}  known fields: {', '.join(FIELDS)}"
            problems.append(_problem(place, "UNKNOWN_KEY", f'there is no field "{key}" here', fix))
            continue
        if _is_unknown(value):
            continue
        values[key], problem = _read(key, value)
        if problem:
            problems.append(_problem(place, "INVALID", *problem, value=value))
    if problems:
        return None, problems
    return Combination(**values), []


_KNOWN = frozenset(FIELDS)


def _is_absurd(value: Any) -> bool:
    """Whether it is a number that no field has: Python does not even write out the longest."""
    return isinstance(value, int | float) and not abs(value) < NUMBER_MAX


def _is_unknown(value: Any) -> bool:
    """Whether nothing is said: null, a word for it, or the not-a-number of tables with gaps."""
    if isinstance(value, str):
        return value.strip().lower() in _UNKNOWN
    return value is None or (isinstance(value, float) and isnan(value))


def _read(key: str, value: Any) -> tuple[Any, tuple[str, str] | None]:
    if _is_absurd(value):
        return None, ("is a number beyond all measure", "check the number and its unit, or leave it out")
    if key in LARGEST:
        return _number(key, value)
    if key in _SWITCHES:
        if isinstance(value, bool):
            return value, None
        if str(value).lower() in ("true", "yes", "false", "no"):
            return str(value).lower() in ("true", "yes"), None
        return None, (f"is {_kind(value)}, not true or false", "write true or false, or leave it out")
    if key == "env":
        if isinstance(value, str | Mapping | list | tuple):
            return value, None
        return None, (f"is {_kind(value)}", "write a mapping of names and values, a list or one line")
    if isinstance(value, Mapping | list | tuple) or (isinstance(value, bool) and key not in _EITHER):
        return None, (f"is {_kind(value)}, not one value", "write one value, or leave it out")
    if isinstance(value, bool):
        return value, None
    if key in _DRIVERS and isinstance(value, float):
        value = int(value)  # YAML read 550.120 as 550.12: only the branch is sure
    if type(value) is float and f"{value}"[-2:] in _LOST_ZERO.get(key, ()):
        return f"{value}0", None
    return _text(key, value)


def _text(key: str, value: Any) -> tuple[Any, tuple[str, str] | None]:
    """The value as text, without the quotes of a shell or the address around a model's name."""
    text = str(value).strip().strip("\"'").strip()
    if len(text) > TEXT_MAX:
        return None, (f"has more than {TEXT_MAX:,} characters", "write the value alone, or leave it out")
    return _HUB.sub("", text) if key == "model" else text, None


def _number(key: str, value: Any) -> tuple[Any, tuple[str, str] | None]:
    number: float | None = None
    if isinstance(value, int | float) and not isinstance(value, bool):
        number = value
    elif isinstance(value, str):
        number = _spelled(value)
    if number is None:
        return None, (f"is {_kind(value)}, not a number", "write a number, or leave it out")
    if not 0 < number <= LARGEST[key]:
        return None, (f"is {value}, outside 0 to {LARGEST[key]}", "check the number and its unit")
    if key not in ("gpu_count", "gpu_memory_utilization"):
        if number != int(number):
            return None, (f"is {value}, not a whole number", "write a whole number")
        number = int(number)
    return number, None


_SPELLED = re.compile(
    r"[x×]?\s*(\d[\d_,]*(?:\.\d+)?(?:e\d+)?|\.\d+)\s*(%|x|gpus?|k|mib|gib|)\s*", re.IGNORECASE
)
_FACTORS = {"%": 0.01, "k": 1024, "gib": 1024}


def _spelled(text: str) -> float | None:
    """``8``, ``8x``, ``x8``, ``8 GPUs``, ``90%``, ``32k``, ``80 GiB``; None: no number."""
    found = _SPELLED.fullmatch(text.strip())
    if found is None:
        return None
    return float(found[1].replace("_", "").replace(",", "")) * _FACTORS.get(found[2].lower(), 1)


def _kind(value: Any) -> str:
    if isinstance(value, bool):
        return "true or false"
    names = {dict: "a mapping", list: "a list", str: f'"{value}"', int: f"{value}", float: f"{value}"}
    return names.get(type(value), type(value).__name__) if value is not None else "empty"


def _problem(path: str, code: str, message: str, fix: str, value: Any = None) -> Finding:
    shown = None if isinstance(value, Mapping | list | tuple) or _is_absurd(value) else value
    return Finding.error(code, path, message, fix, value=shown)
