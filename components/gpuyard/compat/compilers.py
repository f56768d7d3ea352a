"""Compilers that are needed at run time and are not there: nvcc, and one for C."""

import re
from collections.abc import Iterator

from gpuyard.catalog.software import Version
from gpuyard.compat.build import is_own_image
from gpuyard.compat.facts import Facts
from gpuyard.compat.problem import Fix, Problem, set_field, set_release
from gpuyard.compat.run_time import (
    JIT_SAYS,
    asks_for_sampler,
    is_precompiled,
    lacks_compiler,
    names_jit_library,
    needs_host_toolkit,
    says_no_compiler,
)
from gpuyard.compat.sourced import Sourced
from gpuyard.compat.spelling import dotted, plain
from gpuyard.errors import Severity

CACHE_ASKS_NVCC: Sourced[Version] = Sourced(
    ((0, 3, 0, 0), (0, 3, 3, 0)),
    "vllm-project/vllm#3028; config.py and utils.py of its wheels, 0.3.0 to 0.3.3",
)
"""vLLM that reads nvcc's version for an FP8 cache, and the first that goes on without; its images lack it."""
_NO_TOOLKIT = re.compile(
    r"^(none|missing|no|absent|false|not (installed|found|there|present))\b"
    r"|\b(no|without|lacks?) (cuda |host )?(nvcc|toolkit)|(nvcc|toolkit) (is )?(missing|not|absent)"
    r"|runtime[ -]only"
)
"""What people write where the host cannot compile for the GPU."""


def compiler_problems(facts: Facts) -> Iterator[Problem]:
    """What has to be compiled where nothing compiles it."""
    host = plain(facts.given.host_toolkit)
    # without a release many other ways of installing it are meant
    named = facts.runtime == "sglang" or facts.version or facts.install == "pip" or names_jit_library(facts)
    needs = bool(host and named) and needs_host_toolkit(facts)
    has_none = bool(host) and _NO_TOOLKIT.search(host) is not None
    precompiled = is_precompiled(facts)
    spared = precompiled and facts.runtime == "vllm"
    if has_none and not spared and (needs or asks_for_sampler(facts)):
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
            Severity.ERROR if needs and not precompiled else Severity.WARNING,
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
            source=JIT_SAYS[facts.runtime],
        )
    yield from _cache_asks_nvcc(facts, has_none=has_none)


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
