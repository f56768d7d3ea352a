"""Driver against CUDA and GPU: floors, PTX, generations that a branch dropped, kernel modules."""

import re
from collections.abc import Iterator, Mapping

from gpuyard.catalog.hardware import Gpu, gpus
from gpuyard.catalog.software import (
    Version,
    compat_rule,
    cuda_floor,
    driver_branches,
    floor_source,
    forward_hosts,
    native_driver,
    native_source,
    parse_version,
)
from gpuyard.catalog.software_runtimes import newest_release
from gpuyard.compat.attention import has_sinks
from gpuyard.compat.blocks import WEIGHT_ONLY
from gpuyard.compat.build import is_by_others, is_own_image
from gpuyard.compat.compat_libraries import (
    is_carried,
    is_framework,
    mounted_library_problems,
    stated_library_problems,
    uses_forward_compat,
)
from gpuyard.compat.facts import Facts
from gpuyard.compat.generations import (
    BLACKWELL,
    CONSUMER_BLACKWELL,
    HOPPER,
    LAST_LEGACY_BRANCH,
    TURING,
    last_branch,
)
from gpuyard.compat.image_gate import gate_problems, is_let_in
from gpuyard.compat.place import first_eks_image, is_own_machine
from gpuyard.compat.problem import (
    Fix,
    Problem,
    raise_driver,
    set_driver,
    set_field,
    set_gpu,
    set_release,
)
from gpuyard.compat.quantization import scheme_of
from gpuyard.compat.run_time import names_jit_library
from gpuyard.compat.sourced import Sourced, join_sources
from gpuyard.compat.spelling import dotted, driver_text, plain
from gpuyard.errors import Severity

CUDA_12_ESCAPES = {
    "vllm": ("0.19.1", (0, 20, 0, 0), (0, 32, 99, 0)),
    "sglang": ("0.5.10", (0, 5, 11, 0), (0, 5, 19, 0)),
}
"""Per engine: last release on CUDA 12 by default, and the releases with a ``-cu129`` variant."""
IMAGE_SYSTEMS = frozenset({"Amazon Linux 2", "Amazon Linux 2023", "Bottlerocket", "GKE COS", "Talos"})
"""Systems whose driver comes with the node image."""
OLLAMA_WITHOUT_CUDA_11: Sourced[Version] = Sourced(
    ((0, 9, 3, 0), (0, 30, 0, 0), (525,)),
    "ollama/ollama Dockerfile of v0.9.2 and v0.9.3, docs/gpu.md; PR#10569",
)
"""Ollama in between has libraries of CUDA 12 and newer alone; the driver branch that they need."""
WINDOWS_NUMBERS = 10
"""Windows counts a branch's drivers on, 581 and 582 for 580, 471 to 475 for 470; none starts there."""
OLLAMA_COMPRESSED: tuple[Sourced[int], tuple[tuple[Version, int], ...]] = (
    Sourced((0, 30, 0, 0), "ollama/ollama#16449, #17290 and docs/gpu.mdx"),
    (((7, 0), 570), ((), 550)),
)
"""Ollama from here on, and the driver branch that GPUs below a compute capability need, then all others."""
GREEN_CONTEXTS: Sourced[Version] = Sourced(
    ((0, 4, 9, 3), (0, 5, 1, 0), (550, 54, 14)), "sgl-project/sglang#8432, #8430, PR#9021"
)
"""SGLang in between needs a driver of CUDA 12.4; since, it asks at run time."""
VISION_BY_FA2: Sourced[Version] = Sourced(
    ((0, 10, 2, 0), (0, 12, 0, 0)), "vllm-project/vllm#25143, #27103, #27405, #28030"
)
"""vLLM in between, seen on Hopper."""
EXPERTS_BY_MARLIN: Sourced[Version] = Sourced(
    ((0, 17, 0, 0), (0, 25, 0, 0)), "vllm-project/vllm#38619, PR#38669, PR#46601"
)
"""vLLM in between: 0.17.1 and 0.18.0 failed on H200, dense layers ran; the mend was not in on 2026-06-24."""
FEW_BITS = frozenset({*WEIGHT_ONLY, "wna16", "int4"})
"""Schemes whose experts Marlin runs."""
PTX_ONLY: Mapping[str, Sourced[Version]] = {
    "mistral.rs": Sourced(((), ()), "EricLBuehler/mistral.rs#2272, #1858, #1571, #867"),
    "candle": Sourced(((), ()), "huggingface/candle#3358; EricLBuehler/mistral.rs#1858"),
    "koboldcpp": Sourced(((1, 100), ()), "LostRuins/koboldcpp#1758 (2025-09-26)"),
    "numba-cuda": Sourced(((), (0, 20)), "NVIDIA/numba-cuda#120; its PR#413 and PR#357 (2025-08)"),
}
"""Engines whose kernels are PTX, which the driver compiles when they load: releases from, and before."""
GGML_CODE: Sourced[tuple[int, tuple[Version, ...]]] = Sourced(
    (
        (4720, ((5, 2), (6, 1), (7, 0), (7, 5))),
        (5300, ((5, 0), (6, 1), (7, 0), (7, 5), (8, 0))),
        (10**6, ((8, 6), (8, 9))),
    ),
    "ggml/src/ggml-cuda/CMakeLists.txt (2024-06 to 2026-08) and ggml-org/llama.cpp .devops/cuda.Dockerfile",
)
"""Machine code of llama.cpp's own images by the build before which it is so; for all else they bring PTX."""
_VISION = re.compile(r"[-_]vl\b|glm-4\.[15]v|deepseek-ocr|internvl|omni")
"""Models with a vision tower."""
_CLOSED = re.compile(r"propri|closed|(non|not)[ -]?(open|free)|legacy|tesla|^nvidia-dkms")
"""Names of the proprietary kernel module; Talos' and Bottlerocket's (``nonfree``, ``tesla``) too."""
OPEN_FOR_ALL = Sourced((545,), "siderolabs/extensions#114")
"""First branch whose open kernel module takes GeForce and work station cards."""
OPEN_BY_DEFAULT = Sourced((560,), "skypilot-org/skypilot PR#9639")
"""First branch whose packages prefer the open kernel module."""


def driver_problems(facts: Facts) -> Iterator[Problem]:
    """Every rule on the driver."""
    # in the order that a user meets them: loader, container start, first call
    yield from stated_library_problems(facts)
    yield from gate_problems(facts)
    yield from mounted_library_problems(facts)
    yield from _cuda_floor(facts)
    yield from _floor_of_the_newest(facts)
    yield from _ptx(facts)
    yield from _compressed(facts)
    yield from _without_cuda_11(facts)
    yield from _newer_call(facts)
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


def _cuda_floor(facts: Facts) -> Iterator[Problem]:
    floor = cuda_floor(facts.cuda)
    if not floor or not facts.driver_high or facts.driver_high >= floor:
        return
    if uses_forward_compat(facts) and facts.branch in forward_hosts("carried"):
        return
    if facts.cuda < (11,) and is_let_in(facts):
        return
    yield Problem(
        "DRIVER_TOO_OLD_FOR_CUDA_MAJOR",
        "driver",
        f"CUDA {dotted(facts.cuda)} needs driver {driver_text(floor)} or newer, "
        f"the node has {facts.driver_text}"
        + (": it takes the compatibility libraries of the image's entry point" if is_carried(facts) else ""),
        (*(cuda_12_fixes(facts) if facts.cuda[0] >= 13 else ()), raise_driver(facts, floor)),
        Severity.WARNING if is_carried(facts) or _was_carried(facts) else Severity.ERROR,
        source=floor_source(facts.cuda),
    )


def _was_carried(facts: Facts) -> bool:
    """Whether the libraries of that CUDA took the branch while it was kept up."""
    known = facts.cuda[:1] == (12,) and facts.branch in forward_hosts("formerly")
    return known and uses_forward_compat(facts)


def _floor_of_the_newest(facts: Facts) -> Iterator[Problem]:
    """What the newest release asks of the driver, where none is stated: a warning."""
    newest = newest_release(facts.runtime)
    known = facts.cuda or facts.version or is_by_others(facts.image, facts.runtime)
    if newest is None or known or not facts.is_undated or facts.install == "source":
        return
    cuda = (newest.wheel_cuda if facts.install == "pip" else newest.image_cuda)[:2]
    floor = cuda_floor(cuda)
    if not floor or not facts.driver_high or facts.driver_high >= floor or uses_forward_compat(facts):
        return
    yield Problem(
        "DRIVER_TOO_OLD_FOR_CUDA_MAJOR",
        "driver",
        f"{facts.runtime} {newest.version}, the newest, is built for CUDA {dotted(cuda)}, which needs driver "
        f"{driver_text(floor)}; the node has {facts.driver_text}, and no release is stated",
        (*cuda_12_fixes(facts), raise_driver(facts, floor)),
        Severity.WARNING,
        source=join_sources(floor_source(cuda), newest.source),
    )


def _ptx(facts: Facts) -> Iterator[Problem]:
    native = native_driver(facts.cuda)
    if not native or not facts.driver_high or facts.driver_high >= native:
        return
    floor = cuda_floor(facts.cuda)
    if facts.driver_high < floor or uses_forward_compat(facts) or is_carried(facts):
        return
    must_translate = facts.runtime == "vllm" and facts.sm >= BLACKWELL
    must_translate = must_translate and (facts.version >= (0, 9, 2, 0) or not facts.version)
    must_translate = must_translate and facts.driver_high < native_driver(_compiled_with(facts))
    # FlashAttention 2 has no sinks: those models take FlashInfer's kernels (SemiAnalysisAI/InferenceX#393)
    must_translate = must_translate and not has_sinks(facts.model_name.lower())
    tower, experts = _translates_its_tower(facts), _translates_its_experts(facts)
    must_translate = must_translate or tower
    # NVIDIA's own containers build it for every GPU (26.05 and 26.06 on a GB10: dgx-spark-playbooks PR#91)
    must_translate = must_translate and not is_framework(facts)
    lacking = "Marlin's kernels for experts have" if experts else ""
    lacking = "FlashAttention 2 has" if must_translate else lacking
    only = _is_ptx_alone(facts) or _ggml_translates(facts)
    # on data-centre GPUs a container may bring libraries of its CUDA for the driver
    alone = only is not None and (facts.install != "docker" or facts.datacenter is False)
    lacking = "its kernels have" if alone else lacking
    yield Problem(
        "PTX_JIT_DRIVER_TOO_OLD",
        "driver",
        f"driver {facts.driver_text} is older than CUDA {dotted(facts.cuda)} of the build (native: "
        f"{driver_text(native)}); code compiled from PTX fails"
        + (f", and {lacking} no machine code for this GPU" if lacking else ""),
        (raise_driver(facts, native),),
        Severity.ERROR if lacking else Severity.WARNING,
        source=join_sources(
            native_source(facts.cuda),
            VISION_BY_FA2.source if tower and must_translate else "",
            EXPERTS_BY_MARLIN.source if experts and not must_translate else "",
            only.source if only is not None and alone else "",
            "" if lacking and (tower or experts) else compat_rule("R-PTX")["source"],
        ),
    )


def _is_ptx_alone(facts: Facts) -> Sourced[Version] | None:
    """Who says that the release has no machine code at all; None: it has some, or it is not known."""
    only = PTX_ONLY.get(facts.runtime)
    if only is None:
        return None
    since, before = only
    late = not before or () < facts.version < before
    return only if since <= facts.version and late else None


def _ggml_translates(facts: Facts) -> Sourced[tuple[int, tuple[Version, ...]]] | None:
    """Who says that llama.cpp's image has PTX for the GPU, not code; None: it has, or it is not known."""
    if facts.runtime != "llama.cpp" or not is_own_image("llama.cpp", facts.image) or not facts.sm:
        return None
    build = facts.version[2] if facts.version[:2] == (0, 0) else 10**6 - 1
    code = next(code for before, code in GGML_CODE if build < before)
    native = facts.sm >= CONSUMER_BLACKWELL and facts.cuda >= (12, 8)
    return None if native or any(sm[0] == facts.sm[0] and sm <= facts.sm for sm in code) else GGML_CODE


def _compiled_with(facts: Facts) -> Version:
    """CUDA of the toolkit that compiled the engine's kernels.

    A wheel stays what it is, whatever torch is beside it; an unknown release may be one built by hand, whose
    FlashAttention FlashInfer stands in for (vllm-project/vllm#47397).
    """
    row = facts.release or newest_release(facts.runtime)
    if row is None or not row.wheel_cuda or facts.install != "pip":
        return facts.cuda
    if facts.release is None and not facts.host_cuda and not names_jit_library(facts):
        return facts.cuda
    return min(facts.cuda, max(row.wheel_cuda[:2], facts.host_cuda))


def _translates_its_tower(facts: Facts) -> bool:
    """Whether vLLM runs a vision tower with FlashAttention 2, whose machine code ends with Ampere and Ada."""
    since, before = VISION_BY_FA2
    is_meant = facts.runtime == "vllm" and facts.sm[:1] == HOPPER[:1] and since <= facts.version < before
    return is_meant and bool(_VISION.search(facts.model_name.lower()))


def _translates_its_experts(facts: Facts) -> bool:
    """Whether vLLM by pip runs experts in few bits with Marlin, whose machine code ends with Ampere and Ada.

    Images bring libraries of their CUDA for the driver.
    """
    since, before = EXPERTS_BY_MARLIN
    is_meant = facts.runtime == "vllm" and facts.install == "pip" and since <= facts.version < before
    return is_meant and facts.sm[:1] == HOPPER[:1] and facts.is_mixture and scheme_of(facts) in FEW_BITS


def _compressed(facts: Facts) -> Iterator[Problem]:
    """Machine code that older drivers cannot unpack, and PTX for GPUs that it leaves out."""
    since, floors = OLLAMA_COMPRESSED
    if facts.runtime != "ollama" or facts.version < since or not facts.driver_high:
        return
    floor = next(branch for below, branch in floors if not below or () < facts.sm < below)
    if facts.driver_high >= (floor,):
        return
    needs = f"Ollama {dotted(facts.version[:3])} needs driver {floor} for {facts.who}, the node has "
    needs += facts.driver_text
    fixes = (raise_driver(facts, (floor,)),)
    yield Problem(
        "PTX_JIT_DRIVER_TOO_OLD",
        "driver",
        f"{needs}: it cannot read the compressed machine code",
        fixes,
        source=since.source,
    )
    yield Problem(
        "DRIVER_TOO_OLD_FOR_CUDA_MAJOR",
        "driver",
        f"{needs}: it leaves the GPU out and serves on the CPU",
        fixes,
        source=since.source,
    )


def _without_cuda_11(facts: Facts) -> Iterator[Problem]:
    """Ollama beside a driver that its last library for CUDA 11 served."""
    since, before, floor = OLLAMA_WITHOUT_CUDA_11
    meant = facts.runtime == "ollama" and since <= facts.version < before and not facts.cuda
    if not meant or not facts.driver_high or facts.driver_high >= floor:
        return
    yield Problem(
        "DRIVER_TOO_OLD_FOR_CUDA_MAJOR",
        "driver",
        f"Ollama {dotted(facts.version[:3])} has libraries for CUDA 12 and newer alone, which need driver "
        f"{driver_text(floor)}; the node has {facts.driver_text}: it serves on the CPU",
        (raise_driver(facts, floor), set_release(facts, "0.9.2")),
        source=OLLAMA_WITHOUT_CUDA_11.source,
    )


def _newer_call(facts: Facts) -> Iterator[Problem]:
    """Libraries that call what only newer drivers have: minor-version compatibility does not help."""
    since, before, floor = GREEN_CONTEXTS
    is_meant = facts.runtime == "sglang" and since <= facts.version < before and facts.cuda[:1] == (12,)
    if not is_meant or not facts.driver_high or facts.driver_high >= floor or uses_forward_compat(facts):
        return
    yield Problem(
        "DRIVER_TOO_OLD_FOR_CUDA_MAJOR",
        "driver",
        f"the kernels of SGLang {dotted(facts.version[:3])} call cuGreenCtxDestroy, which drivers have since "
        f"{driver_text(floor)}; the node has {facts.driver_text}",
        (raise_driver(facts, floor), set_release(facts, "0.4.9"), set_release(facts, "0.5.3")),
        source=GREEN_CONTEXTS.source,
    )


def _gpu(facts: Facts) -> Iterator[Problem]:
    if not facts.branch:
        yield from _left_by_the_image(facts)
        return
    stated = not is_own_machine(facts.platform) or facts.os in IMAGE_SYSTEMS
    by_image = stated or bool(facts.given.ami) or facts.manager == "image"
    last = last_branch(facts.sm)
    if last and facts.branch >= last + WINDOWS_NUMBERS:
        row = driver_branches()[last]
        fix = set_driver(facts, row.latest)
        text = f"driver {facts.driver_text} no longer drives {facts.who}; branch {last} was the last"
        fixes = (fix, set_gpu(facts, "t4"), set_gpu(facts, "l4"))
        source = compat_rule("R-LEGACY")["source"] if last == LAST_LEGACY_BRANCH else row.source
        if by_image:
            yield Problem("AMI_DRIVER_MIN", "driver", "the node image's " + text, fixes, source=source)
        yield Problem("DRIVER_DROPPED_GPU", "driver", text, fixes, source=source)
    floor, is_sure = _minimum(facts, by_image)
    if floor and facts.driver_high < floor:
        yield Problem(
            "AMI_DRIVER_MIN" if by_image else "DRIVER_TOO_OLD_FOR_GPU",
            "driver",
            f"{facts.who} needs driver {driver_text(floor)} or newer, the node has {facts.driver_text}",
            (raise_driver(facts, floor),),
            Severity.ERROR if is_sure else Severity.WARNING,
            source=_says_minimum(facts),
        )


def _left_by_the_image(facts: Facts) -> Iterator[Problem]:
    """GPUs that no release of a named node image has a driver for."""
    last = last_branch(facts.sm)
    by_other = facts.manager in ("operator", "none")
    if not last or by_other or facts.platform not in ("eks", "aws") or "bottlerocket" in facts.node_image:
        return
    first = first_eks_image(facts.given, facts.kubernetes)
    oldest = parse_version(first.driver)[0] if first else 0
    if first is None or oldest <= last:
        return
    text = (
        f"every release of the node image has driver {oldest} or newer; {last} was the last for {facts.who}"
    )
    source = f"{first.source}; branch {last}: {driver_branches()[last].source}"
    for code in ("AMI_DRIVER_MIN", "DRIVER_DROPPED_GPU"):
        yield Problem(code, "ami", text, (set_gpu(facts, "t4"),), source=source)


def _minimum(facts: Facts, by_image: bool) -> tuple[Version, bool]:
    """First driver for the GPU, and whether that is sure enough to refuse."""
    gpu = facts.gpu
    if gpu is None:  # a card of the same architecture stands in for it
        if facts.sm < (8, 9):  # of Ampere's cards, some came with older drivers than the catalog's
            return (), False
        oldest = _oldest_kin(facts.sm)
        return parse_version(oldest.min_driver)[:1] if oldest else (), True
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
    # of H200 only Google states it, of GH200 nobody
    is_stated = gpu.id != "gh200" and (gpu.id != "h200" or facts.platform == "gke")
    return (floor if exact else floor[:1]), is_stated


def _oldest_kin(sm: Version) -> Gpu | None:
    """The card of that compute capability whose first driver is the oldest; None: the catalog has none."""
    kin = (row for row in gpus().values() if parse_version(row.sm) == sm and row.min_driver[:1].isdigit())
    return min(kin, key=lambda row: parse_version(row.min_driver)[:1], default=None)


def _says_minimum(facts: Facts) -> str:
    """Who says what the first driver for the GPU is."""
    row = facts.gpu or _oldest_kin(facts.sm)
    return row.source if row else ""


def _module(facts: Facts) -> Iterator[Problem]:
    module = plain(facts.given.kernel_module)
    on_windows = re.search(r"windows|wsl", f"{facts.platform} {facts.node_image}")
    if not facts.sm or on_windows:
        return
    if not module:
        yield from _default_module(facts)
        return
    is_closed = bool(_CLOSED.search(module))
    is_open = "open" in module and not is_closed
    if is_open and facts.sm < TURING:
        yield Problem(
            "OPEN_MODULE_UNSUPPORTED",
            "kernel_module",
            f"the open kernel module starts with Turing; {facts.who} is older",
            (set_field("kernel_module", "proprietary", "use the proprietary kernel module"),),
        )
    if is_open and facts.sm >= TURING and facts.datacenter is False and facts.branch:
        yield from _early_open_module(facts)
    needs_open = facts.sm >= BLACKWELL or (
        facts.gpu is not None and facts.gpu.kernel_module.startswith("open")
    )
    if is_closed and needs_open:
        yield Problem(
            "OPEN_MODULE_UNSUPPORTED",
            "kernel_module",
            f"{facts.who} needs the open kernel module",
            (set_field("kernel_module", "open", "use the open kernel module"),),
        )


def _early_open_module(facts: Facts) -> Iterator[Problem]:
    allowed = any("OpenRmEnableUnsupportedGpus" in name for name in facts.env)
    if facts.branch and facts.branch < OPEN_FOR_ALL[0] and not allowed:
        yield Problem(
            "OPEN_MODULE_UNSUPPORTED",
            "kernel_module",
            f"the open kernel module of branch {facts.branch} is for data-centre GPUs only",
            (
                set_field("kernel_module", "proprietary", "use the proprietary kernel module"),
                raise_driver(facts, OPEN_FOR_ALL),
            ),
            source=OPEN_FOR_ALL.source,
        )


def _default_module(facts: Facts) -> Iterator[Problem]:
    """Packages and run files before branch 560 install the proprietary module unless told otherwise."""
    if facts.sm >= BLACKWELL and facts.branch and facts.branch < OPEN_BY_DEFAULT[0]:
        yield Problem(
            "OPEN_MODULE_UNSUPPORTED",
            "kernel_module",
            f"{facts.who} needs the open kernel module, and drivers of branch {facts.branch} install the "
            "proprietary one",
            (raise_driver(facts, (LAST_LEGACY_BRANCH,)),),
            source=OPEN_BY_DEFAULT.source,
        )
