"""What an engine needs of the host: glibc, compilers, and the libraries of its CUDA (judged here)."""

import re
from collections.abc import Iterator

from gpuyard.catalog.software import Version
from gpuyard.catalog.software_runtimes import RuntimeRelease
from gpuyard.compat.build import TORCH_IN_ENV, base_image
from gpuyard.compat.compilers import compiler_problems
from gpuyard.compat.facts import Facts
from gpuyard.compat.glibc import glibc_problems, names_wheel
from gpuyard.compat.package_libraries import package_library_problems
from gpuyard.compat.problem import CONTAINER_IMAGE, Fix, Problem, set_field, set_release, with_env
from gpuyard.compat.run_time import JIT_SAYS, names_jit_library, needs_host_toolkit
from gpuyard.compat.sourced import Sourced, join_sources
from gpuyard.compat.spelling import cuda_of, dotted, plain
from gpuyard.compat.toolchain import COMPILED_AT_RUN_TIME, TRITON_PTXAS
from gpuyard.errors import Severity

SGLANG_COMPILES = Sourced((0, 5, 0, 0), "sgl-project/sglang#10951")
"""SGLang whose kernels load libnvrtc of the toolkit when they are imported."""
RAN_BESIDE_13: Version = (12, 9)
"""Toolkit that was seen to compile for a vLLM of CUDA 13."""
TORCH_WITHOUT_GPU = Sourced((2, 11), "torch's wheels for arm64 on PyPI, 2.7.1 to 2.11.0 (2026-11-27)")
"""First torch whose wheel for arm64 on the default index knows GPUs."""
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
WITHOUT_CUDA_11 = (0, 10, 0, 0)
"""First vLLM whose releases on GitHub bring no wheel for CUDA 11.8 (its installation pages, 0.3 to 0.9)."""


def host_problems(facts: Facts) -> Iterator[Problem]:
    """Every rule on the host."""
    yield from glibc_problems(facts)
    yield from compiler_problems(facts)
    yield from _libraries(facts)


def _libraries(facts: Facts) -> Iterator[Problem]:
    """Libraries of another CUDA major than the engine is built for."""
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


def _wheel_of_another_major(facts: Facts) -> Iterator[Problem]:
    """The wheel of vLLM that pip takes by itself, beside torch for another CUDA major."""
    release, chosen, torch = facts.release, _chosen_torch(facts), _torch_cuda(facts)
    by_pip = facts.install == "pip" or (bool(chosen) and not facts.install)
    if release is None or facts.runtime != "vllm" or not by_pip or not release.wheel_cuda:
        return
    if not torch or torch[0] not in WHEELS or torch[:1] == release.wheel_cuda[:1] or names_wheel(facts):
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
    if not torch or built[:1] == torch[:1] or names_wheel(facts):
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
