"""Driver against CUDA, GPU and container: floors, PTX, compatibility libraries, the image's own gate."""

from collections.abc import Iterator, Mapping
from typing import Any

from gpuyard.catalog.hardware import gpus
from gpuyard.catalog.software import Version, cuda_floors, cuda_toolkits, driver_branches, parse_version
from gpuyard.catalog.software_runtimes import release_key
from gpuyard.compat.facts import Facts
from gpuyard.compat.problem import (
    Fix,
    Problem,
    raise_driver,
    set_driver,
    set_field,
    set_gpu,
    set_release,
    with_env,
)
from gpuyard.compat.spelling import dotted
from gpuyard.errors import Severity

CUDA_12_ESCAPES = {
    "vllm": ("0.19.1", (0, 20, 0, 0), (0, 32, 99, 0)),
    "sglang": ("0.5.10", (0, 5, 11, 0), (0, 5, 19, 0)),
}
"""Per engine: last release on CUDA 12 by default, and the releases with a ``-cu129`` variant."""
GATE_EXCEPTIONS: tuple[tuple[Version, frozenset[int], bool], ...] = (
    ((13, 0), frozenset({470, 535, 550, 565, 570, 575, 580}), False),
    ((12, 9), frozenset({535, 550, 560, 565, 570, 575, 580}), False),
    ((12, 8), frozenset({470, 535, 550, 565, 570, 575, 580}), False),
    ((12, 0), frozenset({450, 470, 525, 535, 550}), True),
    ((11, 0), frozenset({418, 450, 470}), True),
)
"""From a base image's CUDA on: branches that its NVIDIA_REQUIRE_CUDA excepts, and whether for GeForce too.
Read from published image configurations (CUDA 12.4.1, 12.8.1, 12.9 in gpustack/gpustack#4280, 13.0);
525 left the list with 12.8. Images on CUDA 11 that were built again in November 2023 lost 510 and 515
(NVIDIA/nvidia-container-toolkit#152)."""
GATE_UNREAD_SINCE = 580
"""GeForce drivers from here on pass images that do not except them (noonghunna/club-3090#633)."""
COMPAT_LIBRARIES: Mapping[Version, Version] = {(12, 8): (570, 124, 6), (12, 9): (575, 57, 8)}
"""Driver version of libcuda in the base images' compatibility package, where it is not the native driver."""
IMAGE_SYSTEMS = frozenset({"Amazon Linux 2", "Amazon Linux 2023", "Bottlerocket", "GKE COS", "Talos"})
"""Systems whose driver comes with the node image."""
LEGACY_SM: Version = (7, 5)
LAST_BRANCHES: tuple[tuple[Version, int], ...] = (((5, 0), 470), (LEGACY_SM, 580))
"""Compute capability below which a branch was the last: Kepler, then Maxwell, Pascal and Volta."""
LAST_LEGACY_BRANCH = 580
OLLAMA_COMPRESSED: tuple[Version, tuple[tuple[Version, int], ...]] = (
    (0, 30, 0, 0),
    (((7, 0), 570), ((), 550)),
)
"""Ollama from here on, and the driver branch that GPUs below a compute capability need, then all others
(ollama/ollama#16449 and its docs/gpu.mdx)."""
COMPAT_BUG_RELEASES = frozenset({(0, 15, 0, 0)})
"""vLLM images that put cuda-compat into the loader path for everybody."""


def driver_problems(facts: Facts) -> Iterator[Problem]:
    """Every rule on the driver."""
    # in the order that a user meets them: loader, container start, first call
    yield from _forward_compat(facts)
    yield from _gate(facts)
    yield from _cuda_floor(facts)
    yield from _ptx(facts)
    yield from _compressed(facts)
    yield from _gpu(facts)
    yield from _module(facts)


def cuda_12_fixes(facts: Facts) -> tuple[Fix, ...]:
    """The same release on CUDA 12, else the last release on it."""
    known = CUDA_12_ESCAPES.get(facts.runtime)
    if known is None:
        return (
            (set_field("cuda", "12.9", "use a build for CUDA 12.9"),) if facts.given.cuda is not None else ()
        )
    last, first_variant, last_variant = known
    fixes = []
    if facts.version and first_variant <= facts.version <= last_variant and facts.release is not None:
        fixes.append(set_release(facts, facts.release.version, "12.9"))
    return (*fixes, set_release(facts, last))


def _uses_forward_compat(facts: Facts) -> bool:
    """Whether compatibility libraries carry a newer CUDA over an older driver."""
    asked = facts.env.get("VLLM_ENABLE_CUDA_COMPATIBILITY", "").lower() in ("1", "true")
    return bool(facts.given.image_has_compat_libs or asked) and facts.datacenter is not False


def _cuda_floor(facts: Facts) -> Iterator[Problem]:
    floor = cuda_floors().get(facts.cuda[0]) if facts.cuda else None
    if floor is None or not facts.driver_high or facts.driver_high >= floor:
        return
    if _uses_forward_compat(facts) and facts.branch in (535, 550, 570, 575):
        return
    yield Problem(
        "DRIVER_TOO_OLD_FOR_CUDA_MAJOR",
        "driver",
        f"CUDA {dotted(facts.cuda)} needs driver {_driver(floor)} or newer, the node has {facts.driver_text}",
        (*(cuda_12_fixes(facts) if facts.cuda[0] >= 13 else ()), raise_driver(facts, floor)),
    )


def _forward_compat(facts: Facts) -> Iterator[Problem]:
    native = _native(facts.cuda)
    if not native or not facts.driver_high:
        return
    libs = facts.given.image_has_compat_libs
    asked = facts.env.get("VLLM_ENABLE_CUDA_COMPATIBILITY", "").lower() in ("1", "true")
    wired = facts.runtime == "vllm" and facts.version in COMPAT_BUG_RELEASES and facts.install != "pip"
    wired = wired or _is_early_dynamo(facts)
    wired = wired or "/compat" in facts.env.get("LD_LIBRARY_PATH", "")
    if libs is False or not (libs or asked or wired):
        return
    older = facts.driver_high < native
    if older and facts.datacenter is False:
        yield Problem(
            "FWD_COMPAT_UNSUPPORTED_HW",
            "image_has_compat_libs",
            f"CUDA {dotted(facts.cuda)} is newer than driver {facts.driver_text}, so the image's "
            f"compatibility libraries load, and {facts.who} may not use them (error 804)",
            (
                set_field("image_has_compat_libs", False, "use an image without cuda-compat"),
                raise_driver(facts, native),
            ),
        )
    elif older and facts.branch in (545, 555, 560):
        yield Problem(
            "COMPAT_LIB_MISMATCH",
            "driver",
            f"compatibility libraries do not support driver branch {facts.branch}",
            (raise_driver(facts, native),),
        )
    elif (facts.driver and facts.driver > compat_library(facts) and facts.datacenter is not None) or (
        not facts.driver and facts.branch and facts.branch > native[0]
    ):
        yield Problem(
            "COMPAT_LIB_MISMATCH",
            "image_has_compat_libs",
            f"the image's libcuda (CUDA {dotted(facts.cuda)}) is older than the loaded driver "
            f"{facts.driver_text} and comes first in the loader path (error 803)",
            _compat_fixes(facts),
        )


def _is_early_dynamo(facts: Facts) -> bool:
    """Dynamo's CUDA 12 images of early 2025 put cuda-compat first (ai-dynamo/dynamo#1101)."""
    version = release_key(facts.given.runtime_version or "")
    early = not version or version < (0, 4)
    return (
        "dynamo" in facts.runtime_text
        and facts.install != "pip"
        and facts.cuda_is_given
        and early
        and facts.cuda < (13,)
    )


def compat_library(facts: Facts) -> Version:
    """Libcuda of the compatibility package: that of the toolkit's first update."""
    return COMPAT_LIBRARIES.get(facts.cuda) or _native(facts.cuda)


def _compat_fixes(facts: Facts) -> tuple[Fix, ...]:
    fixes = []
    if facts.runtime == "vllm" and facts.version in COMPAT_BUG_RELEASES:
        fixes.append(set_release(facts, "0.16.0"))
    cleared: dict[str, Any] = {"image_has_compat_libs": False}
    if "VLLM_ENABLE_CUDA_COMPATIBILITY" in facts.env or "/compat" in facts.env.get("LD_LIBRARY_PATH", ""):
        cleared |= with_env(facts, "LD_LIBRARY_PATH", "/usr/local/nvidia/lib64")
        cleared["env"].pop("VLLM_ENABLE_CUDA_COMPATIBILITY", None)
    fixes.append(Fix("use an image that does not load cuda-compat", cleared))
    return tuple(fixes)


def _gate(facts: Facts) -> Iterator[Problem]:
    base = _cuda_of(facts.given.base_image_cuda) or (facts.cuda if facts.install == "docker" else ())
    if facts.install == "pip" or not base or not facts.branch:
        return
    if facts.env.get("NVIDIA_DISABLE_REQUIRE", "").lower() in ("1", "true"):
        return
    native = _native(base)
    if not native or facts.branch >= native[0]:
        return
    excepted, geforce = next(
        ((rows, brand) for since, rows, brand in GATE_EXCEPTIONS if base >= since), (frozenset(), True)
    )
    if facts.branch in excepted and (geforce or facts.datacenter is not False):
        return
    if not excepted:
        return
    floor = cuda_floors().get(base[0], ())
    fixes = [raise_driver(facts, native)]
    if facts.driver_high >= floor:
        disabled = Fix("set NVIDIA_DISABLE_REQUIRE=1", with_env(facts, "NVIDIA_DISABLE_REQUIRE", "1"))
        fixes.append(disabled)
    sure = facts.branch not in excepted or facts.branch < GATE_UNREAD_SINCE
    yield Problem(
        "IMAGE_REQUIRE_GATE",
        "driver",
        f"the image demands cuda>={dotted(base)}; driver {facts.driver_text} is older and not excepted "
        "(unsatisfied condition)",
        tuple(fixes),
        Severity.ERROR if sure else Severity.WARNING,
    )


def _ptx(facts: Facts) -> Iterator[Problem]:
    native = _native(facts.cuda)
    if not native or not facts.driver_high or facts.driver_high >= native:
        return
    floor = cuda_floors().get(facts.cuda[0], ())
    if facts.driver_high < floor or _uses_forward_compat(facts):
        return
    must_translate = facts.runtime == "vllm" and facts.sm >= (10, 0)
    must_translate = must_translate and (facts.version >= (0, 9, 2, 0) or not facts.version)
    yield Problem(
        "PTX_JIT_DRIVER_TOO_OLD",
        "driver",
        f"driver {facts.driver_text} is older than CUDA {dotted(facts.cuda)} of the build (native: "
        f"{_driver(native)}); code compiled from PTX fails"
        + (", and FlashAttention 2 has no machine code for this GPU" if must_translate else ""),
        (raise_driver(facts, native),),
        Severity.ERROR if must_translate else Severity.WARNING,
    )


def _compressed(facts: Facts) -> Iterator[Problem]:
    """Machine code that older drivers cannot unpack, and PTX for GPUs that it leaves out."""
    since, floors = OLLAMA_COMPRESSED
    if facts.runtime != "ollama" or facts.version < since or not facts.driver_high:
        return
    floor = next(branch for below, branch in floors if not below or () < facts.sm < below)
    if facts.driver_high >= (floor,):
        return
    yield Problem(
        "PTX_JIT_DRIVER_TOO_OLD",
        "driver",
        f"Ollama {dotted(facts.version[:3])} needs driver {floor} for {facts.who}, the node has "
        f"{facts.driver_text}: it cannot read the compressed machine code",
        (raise_driver(facts, (floor,)),),
    )


def _gpu(facts: Facts) -> Iterator[Problem]:
    if not facts.branch:
        return
    stated = facts.platform not in ("", "bare", "any") or facts.os in IMAGE_SYSTEMS
    by_image = stated or bool(facts.given.ami) or facts.manager == "image"
    last = next((branch for below, branch in LAST_BRANCHES if facts.sm < below), 0) if facts.sm else 0
    if last and facts.branch > last:
        fix = set_driver(facts, driver_branches()[last].latest)
        text = f"driver {facts.driver_text} no longer drives {facts.who}; branch {last} was the last"
        fixes = (fix, set_gpu(facts, "t4"), set_gpu(facts, "l4"))
        if by_image:
            yield Problem("AMI_DRIVER_MIN", "driver", "the node image's " + text, fixes)
        yield Problem("DRIVER_DROPPED_GPU", "driver", text, fixes)
    floor, is_sure = _minimum(facts, by_image)
    if floor and facts.driver_high < floor:
        yield Problem(
            "AMI_DRIVER_MIN" if by_image else "DRIVER_TOO_OLD_FOR_GPU",
            "driver",
            f"{facts.who} needs driver {_driver(floor)} or newer, the node has {facts.driver_text}",
            (raise_driver(facts, floor),),
            Severity.ERROR if is_sure else Severity.WARNING,
        )


def _minimum(facts: Facts, by_image: bool) -> tuple[Version, bool]:
    """First driver for the GPU, and whether that is sure enough to refuse."""
    gpu = facts.gpu
    if gpu is None:  # a card of the same architecture stands in for it
        if facts.sm < (8, 9):  # of Ampere's cards, some came with older drivers than the catalog's
            return (), False
        kin = (row for row in gpus().values() if parse_version(row.sm) == facts.sm)
        floors = (parse_version(row.min_driver)[:1] for row in kin if row.min_driver[:1].isdigit())
        return min(floors, default=()), True
    if not gpu.min_driver[:1].isdigit():
        return (), False
    floor = parse_version(gpu.min_driver)
    if gpu.id == "rtx-pro-4500":  # sources disagree: AWS's guide for g7 wants 595, its kernel list has 580
        return floor, (by_image and facts.branch != LAST_LEGACY_BRANCH) or (
            facts.platform == "eks" or "aws" in facts.platform
        )
    if gpu.id == "rtx-pro-6000" and facts.machine is None and "server" not in str(facts.given.gpu).lower():
        return floor[:1], True  # the workstation edition ran with 575.51.03 (NVIDIA/TensorRT-LLM#4275)
    exact = gpu.id == "rtx-pro-6000"  # eight B200 answered with 570.124.06 (vllm-project/vllm#16336)
    return (floor if exact else floor[:1]), gpu.id not in ("h200", "gh200")  # only seen, never stated


_PROPRIETARY = ("propriet", "closed", "nonfree", "non-free", "non-open", "tesla")
"""Words for the kernel module that is not the open one: Talos' and Bottlerocket's too."""


def _module(facts: Facts) -> Iterator[Problem]:
    module = str(facts.given.kernel_module or "").lower()
    if not module or not facts.sm:
        return
    is_open = "open" in module and "non-open" not in module
    if is_open and facts.sm < LEGACY_SM:
        yield Problem(
            "OPEN_MODULE_UNSUPPORTED",
            "kernel_module",
            f"the open kernel module starts with Turing; {facts.who} is older",
            (set_field("kernel_module", "proprietary", "use the proprietary kernel module"),),
        )
    needs_open = facts.sm >= (10, 0) or (facts.gpu is not None and facts.gpu.kernel_module.startswith("open"))
    if not is_open and needs_open and any(word in module for word in _PROPRIETARY):
        yield Problem(
            "OPEN_MODULE_UNSUPPORTED",
            "kernel_module",
            f"{facts.who} needs the open kernel module",
            (set_field("kernel_module", "open", "use the open kernel module"),),
        )


def _cuda_of(value: object) -> Version:
    return parse_version(value)[:2] if value is not None else ()


def _native(cuda: Version) -> Version:
    toolkit = cuda_toolkits().get(dotted(cuda[:2])) if cuda else None
    return toolkit.native_driver if toolkit else ()


def _driver(version: Version) -> str:
    return ".".join(str(part) if index == 0 else f"{part:02d}" for index, part in enumerate(version))
