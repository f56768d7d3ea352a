"""What an engine needs of the host: glibc, libraries of its CUDA."""

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
from gpuyard.compat.build import TORCH_IN_ENV, base_image, is_own_image
from gpuyard.compat.facts import Facts
from gpuyard.compat.package_libraries import package_library_problems
from gpuyard.compat.problem import CONTAINER_IMAGE, Fix, Problem, set_field, set_release, with_env
from gpuyard.compat.run_time import (
    JIT_SAYS,
    SGLANG_JIT,
    asks_for_sampler,
    is_precompiled,
    lacks_compiler,
    names_jit_library,
    needs_host_toolkit,
    says_no_compiler,
)
from gpuyard.compat.sourced import Sourced, join_sources
from gpuyard.compat.spelling import cuda_of, dotted, plain
from gpuyard.compat.toolchain import COMPILED_AT_RUN_TIME, TRITON_PTXAS
from gpuyard.errors import Severity

SGLANG_COMPILES = Sourced((0, 5, 0, 0), "sgl-project/sglang#10951")
"""SGLang whose kernels load libnvrtc of the toolkit when they are imported."""
RAN_BESIDE_13: Version = (12, 9)
"""Toolkit that was seen to compile for a vLLM of CUDA 13."""
TORCH_GLIBC = ((2, 7), Sourced((2, 28), "tags of torch's wheels on PyPI"))
"""First torch whose wheels are tagged manylinux_2_28."""
TORCH_WITHOUT_GPU = Sourced((2, 11), "torch's wheels for arm64 on PyPI, 2.7.1 to 2.11.0 (2026-11-27)")
"""First torch whose wheel for arm64 on the default index knows GPUs."""
CACHE_ASKS_NVCC: Sourced[Version] = Sourced(
    ((0, 3, 0, 0), (0, 3, 3, 0)),
    "vllm-project/vllm#3028; config.py and utils.py of its wheels, 0.3.0 to 0.3.3",
)
"""vLLM that reads nvcc's version for an FP8 cache, and the first that goes on without; its images lack it."""
UNPINNED_TORCH: Sourced[Version] = Sourced(
    ((0, 2, 0, 0),),
    "vllm-project/vllm#1369; wheel of vllm 0.2.0 (2026-11-27): libcudart.so.11.0, torch >=2.0.0",
)
"""vLLM whose wheel is for CUDA 11 and takes any torch: pip brings one for CUDA 12."""
CUDA_11_WHEELS: Version = (0, 2, 2, 0)
"""First vLLM whose wheel is for CUDA 12."""
EARLY_WHEELS: Version = (0, 2, 6, 0)
"""vLLM before took any torch that was there (0.2.2 beside one for CUDA 11.8: vllm-project/vllm#1718)."""
WHEEL_INDEX = "https://wheels.vllm.ai"
"""Where vLLM's wheels for other CUDA versions are, by release (its installation page)."""
WHEELS = {11: "cu118", 12: "cu129", 13: "cu130"}
"""Its folders there, by CUDA major."""
EARLY_SPARK = "vllm-project/vllm#31018"
TORCH_BESIDE = "vllm-project/vllm#1369, #31018; InternLM/lmdeploy wheels on PyPI"
VARIANTS_SINCE = (0, 12, 0, 0)
_NONE: Sourced[int] = Sourced((), "")
_BINARIES = frozenset({"ollama"})
"""Engines that are one program and no wheel."""
_OWN_WHEEL = re.compile(r"\+cu\d|wheels\.vllm\.ai|releases/download|docs\.sglang\.ai/whl|index/cu\d")
_NO_TOOLKIT = re.compile(
    r"^(none|missing|no|absent|false|not (installed|found|there|present))\b"
    r"|\b(no|without|lacks?) (cuda |host )?(nvcc|toolkit)|(nvcc|toolkit) (is )?(missing|not|absent)"
    r"|runtime[ -]only"
)
"""What people write where the host cannot compile for the GPU."""
WITHOUT_CUDA_11 = (0, 10, 0, 0)
"""First vLLM whose releases on GitHub bring no wheel for CUDA 11.8 (its installation pages, 0.3 to 0.9)."""


def host_problems(facts: Facts) -> Iterator[Problem]:
    """Every rule on the host."""
    yield from _glibc(facts)
    yield from _libraries(facts)


def _glibc(facts: Facts) -> Iterator[Problem]:
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


def _fails(name: str) -> str:
    return "it does not start" if name in _BINARIES else "importing it fails"


def _is_other_wheel(facts: Facts, release: RuntimeRelease) -> bool:
    """Whether the stated CUDA is not that of the release's default wheel: another one may be meant."""
    stated = facts.runtime == "vllm" and facts.cuda_is_given and bool(release.wheel_cuda)
    return stated and facts.cuda[:1] != release.wheel_cuda[:1]


def _default_tag(facts: Facts, release: RuntimeRelease | None) -> Iterator[Problem]:
    """A host that is too old for the default wheel, beside a CUDA that another wheel is for."""
    if release is None or _names_wheel(facts) or not _is_other_wheel(facts, release):
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


def _libraries(facts: Facts) -> Iterator[Problem]:
    host = plain(facts.given.host_toolkit)
    # without a release many other ways of installing it are meant
    named = facts.runtime == "sglang" or facts.version or facts.install == "pip" or names_jit_library(facts)
    needs = bool(host and named) and needs_host_toolkit(facts)
    has_none = bool(host) and _NO_TOOLKIT.search(host) is not None
    if (
        has_none
        and (needs or asks_for_sampler(facts))
        and not (facts.runtime == "vllm" and is_precompiled(facts))
    ):
        yield Problem(
            "RUNTIME_LIB_MISSING",
            "host_toolkit",
            "kernels are compiled at run time, and there is no nvcc",
            (
                set_field(
                    "host_toolkit",
                    dotted(facts.cuda or (12, 9)),
                    "install the CUDA toolkit, or use the development image",
                ),
            ),
            Severity.ERROR if needs and not is_precompiled(facts) else Severity.WARNING,
            source=JIT_SAYS.get(facts.runtime, ""),
        )
    elif says_no_compiler(facts):
        yield Problem(
            "RUNTIME_LIB_MISSING",
            "image" if facts.image else "host_toolkit",
            "Triton compiles launchers of its kernels, and there is no C compiler",
            (Fix("install gcc, or use the development image", {"image": None, "host_toolkit": None}),),
            source="sgl-project/sglang#1067",
        )
    elif lacks_compiler(facts) and (not host or has_none):
        yield Problem(
            "RUNTIME_LIB_MISSING",
            "image",
            "kernels are compiled at run time, and this image has no nvcc",
            (
                Fix("use the -devel image", {"image": re.sub("-(runtime|base)", "-devel", facts.image)}),
                set_field("host_toolkit", dotted(facts.cuda or (12, 9)), "install nvcc into the image"),
            ),
            Severity.ERROR if has_none else Severity.WARNING,
            source=SGLANG_JIT.source,
        )
    yield from _cache_asks_nvcc(facts, has_none=has_none)
    yield from _toolkit_of_another_major(facts)
    yield from package_library_problems(facts)
    yield from _early_wheel(facts)
    yield from _kernels_of_another_major(facts)
    base = cuda_of(plain(facts.given.base_image_cuda)) or base_image(facts.image)
    if base and facts.cuda and base[0] != facts.cuda[0]:
        yield Problem(
            "RUNTIME_LIB_MISSING",
            "base_image_cuda",
            f"the engine is built for CUDA {facts.cuda[0]}, the image has the libraries of CUDA {base[0]} "
            f"(libcudart.so.{facts.cuda[0]} is not there)",
            (
                set_field(
                    "base_image_cuda", dotted(facts.cuda), f"use a base image with CUDA {dotted(facts.cuda)}"
                ),
            ),
            # pip brings torch with the libraries of its own CUDA, unless somebody had another one before
            Severity.WARNING if facts.install == "pip" and not facts.cuda_is_given else Severity.ERROR,
            source=_built_for(facts),
        )
    else:
        yield from _wheel_of_another_major(facts)
        yield from _torch_of_another_major(facts)


def _cache_asks_nvcc(facts: Facts, *, has_none: bool) -> Iterator[Problem]:
    """The first vLLM with an FP8 cache, which asks nvcc for its version and stops without it."""
    since, before = CACHE_ASKS_NVCC
    asked = plain(facts.given.kv_cache_dtype) == "fp8_e5m2" and since <= facts.version < before
    in_own_image = facts.install == "docker" and (not facts.image or is_own_image("vllm", facts.image))
    if facts.runtime == "vllm" and asked and (has_none or in_own_image):
        yield Problem(
            "RUNTIME_LIB_MISSING",
            "kv_cache_dtype",
            f"{facts.engine} asks nvcc for its version before it allows an FP8 cache, and there is none",
            (
                set_release(facts, "0.3.3"),
                set_field("kv_cache_dtype", None, "leave the cache in 16 bit"),
            ),
            source=CACHE_ASKS_NVCC.source,
        )


def _wheel_of_another_major(facts: Facts) -> Iterator[Problem]:
    """The wheel of vLLM that pip takes by itself, beside torch for another CUDA major."""
    release, chosen, torch = facts.release, _chosen_torch(facts), _torch_cuda(facts)
    by_pip = facts.install == "pip" or (bool(chosen) and not facts.install)
    if release is None or facts.runtime != "vllm" or not by_pip or not release.wheel_cuda:
        return
    if not torch or torch[0] not in WHEELS or torch[:1] == release.wheel_cuda[:1] or _names_wheel(facts):
        return
    # besides CUDA 13, the releases since 0.12 have wheels for 12.8 or 12.9
    recent = torch >= (12, 8) or torch == (12,) or release.wheel_cuda < (13, 0)
    has_variant = release.key >= VARIANTS_SINCE and recent
    has_variant = has_variant or (torch == (11, 8) and release.key < WITHOUT_CUDA_11)
    index = f"{WHEEL_INDEX}/{release.version}/{WHEELS[torch[0]]}"
    wheel = Fix(f"take the wheel on {index}", with_env(facts, "--extra-index-url", index))
    yield Problem(
        "RUNTIME_LIB_MISSING",
        "env" if chosen else "cuda",
        f"the default wheel of vLLM {release.version} is built for CUDA {dotted(release.wheel_cuda)}, "
        f"torch for {dotted(torch)}: libcudart.so.{release.wheel_cuda[0]} is not there"
        + (", unless the wheel for it was taken" if has_variant and not chosen else ""),
        (
            *((wheel,) if has_variant else ()),
            *(() if chosen else (_torch_like(release),)),
            set_release(facts, "0.20.0"),
        ),
        Severity.WARNING
        if has_variant and not chosen and not _is_early_spark(facts, release)
        else Severity.ERROR,
        source=join_sources(release.source, EARLY_SPARK if _is_early_spark(facts, release) else ""),
    )


def _torch_of_another_major(facts: Facts) -> Iterator[Problem]:
    """An engine by pip whose CUDA is of another major than the wheel of torch that the environment names."""
    if facts.install != "pip" or not facts.cuda_is_given or facts.given.env is None:
        return
    wheel = TORCH_IN_ENV.search(plain(facts.given.env))
    torch = cuda_of(wheel[2]) if wheel and wheel[2] else ()
    if not torch or facts.cuda[:1] == torch[:1]:
        return
    yield Problem(
        "RUNTIME_LIB_MISSING",
        "env",
        f"the engine is built for CUDA {dotted(facts.cuda)}, and torch brings the libraries of CUDA "
        f"{dotted(torch)}: libcudart.so.{facts.cuda[0]} is not there",
        (set_field("cuda", dotted(torch), f"use a build for CUDA {dotted(torch)}, as torch is"),),
        source=TORCH_BESIDE,
    )


def _built_for(facts: Facts) -> str:
    """Who says which CUDA the engine is built for; empty: the combination does."""
    return facts.release.source if facts.release and not facts.cuda_is_given else ""


def _torch_like(release: RuntimeRelease) -> Fix:
    cuda = dotted(release.wheel_cuda)
    return set_field("cuda", cuda, f"use torch for CUDA {cuda}")


def _names_wheel(facts: Facts) -> bool:
    """Whether the wheel's own CUDA is said: in its version, by its address or its index."""
    return bool(_OWN_WHEEL.search(f"{plain(facts.given.runtime_version)} {facts.given.env or ''}".lower()))


def _is_early_spark(facts: Facts, release: RuntimeRelease) -> bool:
    """DGX Spark and Thor, where the default index gave the CUDA 12 wheel beside torch for 13."""
    return facts.sm in COMPILED_AT_RUN_TIME and release.torch < TRITON_PTXAS[0][0]


def _torch_cuda(facts: Facts) -> Version:
    """CUDA that torch beside the engine is for; empty: not said."""
    return _chosen_torch(facts) or (facts.cuda if facts.cuda_is_given else ())


def _chosen_torch(facts: Facts) -> Version:
    """CUDA that uv was told for torch, which leaves the engine's wheel alone (vllm-project/vllm#43435)."""
    if facts.given.env is None:
        return ()
    told = (*facts.flag_values("--torch-backend"), facts.env.get("UV_TORCH_BACKEND", ""))
    return next((cuda_of(text) for text in told if re.search(r"\d", text)), ())


def _toolkit_of_another_major(facts: Facts) -> Iterator[Problem]:
    """Wheels beside a toolkit of another CUDA major: what is compiled at run time links against that."""
    host = facts.host_cuda
    compiles = facts.runtime in ("vllm", "sglang") and facts.install in ("pip", "source", "")
    # FlashInfer's prebuilt kernels went, so that every model compiles something
    compiles_always = facts.runtime == "sglang" and facts.version >= SGLANG_COMPILES
    if (
        not host
        or not facts.cuda
        or host[0] == facts.cuda[0]
        or not compiles
        or (min(host[0], facts.cuda[0]) < 12 and not compiles_always)
    ):
        return
    by_default_torch = _brings_no_libraries(facts)
    is_sure = needs_host_toolkit(facts) or by_default_torch
    yield Problem(
        "RUNTIME_LIB_MISSING",
        "host_toolkit",
        f"the wheel is built for CUDA {facts.cuda[0]}, the host's toolkit is {dotted(host)}: "
        f"libcudart.so.{facts.cuda[0]} and libnvrtc.so.{facts.cuda[0]} are not in it",
        (
            set_field("host_toolkit", dotted(facts.cuda), f"use the toolkit of CUDA {dotted(facts.cuda)}"),
            CONTAINER_IMAGE,
        ),
        Severity.ERROR if is_sure and not _is_linked_alone(facts) else Severity.WARNING,
        source=join_sources(
            TORCH_WITHOUT_GPU.source if by_default_torch else "",
            SGLANG_COMPILES.source if compiles_always else JIT_SAYS[facts.runtime],
            _built_for(facts),
        ),
    )


def _brings_no_libraries(facts: Facts) -> bool:
    """Whether pip on arm64 takes a torch without CUDA, so that the libraries are the host's."""
    release = facts.release
    on_arm = facts.arch == "arm64" and facts.install == "pip" and not facts.cuda_is_given
    return on_arm and release is not None and () < release.torch < TORCH_WITHOUT_GPU


def _early_wheel(facts: Facts) -> Iterator[Problem]:
    """The first wheels of vLLM, which took any torch that pip found."""
    host = facts.host_cuda
    if facts.runtime != "vllm" or facts.install != "pip" or not () < facts.version < EARLY_WHEELS or not host:
        return
    built = 11 if facts.version < CUDA_11_WHEELS else 12
    if host[0] == built or facts.version < (0, 2, 0, 0):
        return
    yield Problem(
        "RUNTIME_LIB_MISSING",
        "host_toolkit",
        f"the wheel of vLLM {dotted(facts.version[:3])} is built for CUDA {built}, the host has CUDA "
        f"{dotted(host)}: libcudart.so.{'11.0' if built == 11 else built} is not there",
        (set_release(facts, "0.6.3"), CONTAINER_IMAGE),
        Severity.ERROR if facts.version in UNPINNED_TORCH else Severity.WARNING,
        source=UNPINNED_TORCH.source,
    )


def _is_linked_alone(facts: Facts) -> bool:
    """Whether FlashInfer compiles with an older toolkit: nvcc 12.9 beside vLLM and torch for 13.2 ran.

    (flashinfer-ai/flashinfer PR#3633, 2026-09-07; a newer toolkit also needs a newer driver: its #5145.)
    """
    by_vllm = facts.runtime == "vllm" and facts.host_cuda >= RAN_BESIDE_13
    return facts.host_cuda < facts.cuda and (names_jit_library(facts) or by_vllm)


def _kernels_of_another_major(facts: Facts) -> Iterator[Problem]:
    """SGLang by pip beside torch for another CUDA than its kernel wheels on the default index are for."""
    release = facts.release
    if facts.runtime != "sglang" or facts.install != "pip" or release is None:
        return
    built, torch = release.wheel_cuda, _torch_cuda(facts)
    if not torch or built[:1] == torch[:1] or _names_wheel(facts):
        return
    yield Problem(
        "RUNTIME_LIB_MISSING",
        "cuda",
        f"the kernel wheels of SGLang {release.version} are for CUDA {dotted(built[:2])}, torch is for "
        f"{dotted(torch)}: libnvrtc.so.{built[0]} is not there",
        (
            set_field("cuda", dotted(built[:2]), f"use torch for CUDA {dotted(built[:2])}"),
            set_release(facts, "0.5.10"),
        ),
        # for CUDA 13 its kernels have wheels elsewhere, which pip does not take by itself
        Severity.WARNING if torch >= (13, 0) and not _is_early_spark(facts, release) else Severity.ERROR,
        source=release.source,
    )
