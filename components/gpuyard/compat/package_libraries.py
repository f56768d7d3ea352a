"""Libraries that packages look for: of which CUDA, which cuDNN, and the compiler of an image."""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cache

from gpuyard.catalog.software import Version
from gpuyard.catalog.software_runtimes import runtime_releases
from gpuyard.compat.build import base_image, is_by_others
from gpuyard.compat.facts import Facts
from gpuyard.compat.problem import CONTAINER_IMAGE, Problem, set_field, set_release
from gpuyard.compat.sourced import Sourced
from gpuyard.compat.spelling import dotted
from gpuyard.errors import Severity

LIBRARIES_OF_HOST: Mapping[str, tuple[Sourced[int], Severity]] = {
    "ctranslate2": (
        Sourced((), "Softcatala/whisper-ctranslate2#146; OpenNMT/CTranslate2 CHANGELOG.md"),
        Severity.ERROR,
    ),
    "llama-cpp-python": (
        Sourced((), "abetlen/llama-cpp-python README.md, wheels by CUDA (2024-06)"),
        Severity.ERROR,
    ),
    # it goes on without a GPU
    "onnxruntime": (Sourced((), "wheels of 1.18.0 to 1.31.1 (2026-11-27)"), Severity.WARNING),
}
"""Engines whose wheels load cuBLAS of the host, and what the wrong major of it means."""
_OF_INDEX = re.compile(r"llama[-_]cpp[-_]python")
"""Packages whose wheels are on an index for each CUDA; the one on PyPI is compiled with the host's."""
WITHOUT_GCC: Sourced[Version] = Sourced(((0, 2, 12, 0),), "sgl-project/sglang#1067")
"""SGLang whose image of then has no C compiler, which Triton calls."""
CUDNN_OF: Mapping[str, tuple[tuple[Version, int], ...]] = {
    "ctranslate2": (((4, 0, 0, 0), 0), ((4, 5, 0, 0), 8), ((4, 7, 0, 0), 9)),
}
"""Major of cuDNN that an engine's wheels load, by the release before which it is so; 0: not judged."""
CUDNN_SAYS = "OpenNMT/CTranslate2 PR#1803; SYSTRAN/faster-whisper#998, #1182"
CUDNN_9_SINCE: Version = (12, 4)
"""First CUDA whose base images mean cuDNN 9 by ``cudnn`` alone."""
_CUDNN = re.compile(r"nvidia/cuda:\S*?-cudnn(\d?)-|pytorch/pytorch:\S*?-cudnn(\d)-")


@dataclass(frozen=True, slots=True)
class Libraries:
    """The CUDA versions that the releases before ``before`` bring a library for."""

    before: Version
    oldest: Version
    newest: Version


BITSANDBYTES: tuple[Libraries, ...] = (
    Libraries((0, 41, 0, 0), (), ()),
    Libraries((0, 43, 0, 0), (11, 0), (12, 3)),
    Libraries((0, 43, 1, 0), (11, 7), (12, 3)),
    Libraries((0, 43, 2, 0), (11, 7), (12, 4)),
    Libraries((0, 45, 0, 0), (11, 7), (12, 5)),
    Libraries((0, 45, 3, 0), (11, 7), (12, 6)),
    Libraries((0, 46, 0, 0), (11, 7), (12, 8)),
    Libraries((0, 46, 1, 0), (11, 8), (12, 8)),
    Libraries((0, 48, 0, 0), (11, 8), (12, 9)),
    Libraries((0, 50, 0, 0), (11, 8), (13, 0)),
)
"""By age; before the first nothing is known, and from 0.50 on it takes another one of the same major."""
BITSANDBYTES_SAYS = (
    "bitsandbytes-foundation/bitsandbytes .github/workflows/python-package.yml of 0.43.0 to 0.50.1; wheel of "
    "0.42.0 (2026-11-27); its #1518, #631"
)


def package_library_problems(facts: Facts) -> Iterator[Problem]:
    """Every rule on the libraries of packages."""
    yield from _bitsandbytes(facts)
    yield from _libraries_of_host(facts)
    yield from _cudnn(facts)
    yield from _compiler(facts)


def _bitsandbytes(facts: Facts) -> Iterator[Problem]:
    """Torch for a CUDA that the release has no library for."""
    if not facts.runtime_text.startswith("bitsandbytes") or facts.install == "source" or not facts.version:
        return
    row = next((row for row in BITSANDBYTES if facts.version < row.before), None)
    if row is None or not row.newest or not facts.cuda_is_given or "BNB_CUDA_VERSION" in facts.env:
        return
    if facts.is_from_conda:
        return
    if len(facts.cuda) < 2 or row.oldest <= facts.cuda <= row.newest:
        return
    library = f"libbitsandbytes_cuda{''.join(map(str, facts.cuda))}.so"
    yield Problem(
        "RUNTIME_LIB_MISSING",
        "cuda",
        f"bitsandbytes {dotted(facts.version[:3])} brings libraries for CUDA {dotted(row.oldest)} to "
        f"{dotted(row.newest)}: {library} is not among them",
        (
            set_field("runtime_version", "0.50.1", "use bitsandbytes 0.50.1"),
            set_field("cuda", dotted(row.newest), f"use torch for CUDA {dotted(row.newest)}"),
        ),
        source=BITSANDBYTES_SAYS,
    )


def _libraries_of_host(facts: Facts) -> Iterator[Problem]:
    """Wheels that bring no CUDA libraries, beside a toolkit or on a base image of another major."""
    wheel = (
        _OF_INDEX.search(facts.runtime_text) is not None and facts.cuda_is_given and facts.install == "pip"
    )
    listed = LIBRARIES_OF_HOST.get("llama-cpp-python" if wheel else facts.runtime)
    host = facts.host_cuda or (base_image(facts.image) if facts.install == "pip" else ())
    told_where = "nvidia" in facts.env.get("LD_LIBRARY_PATH", "") or facts.is_from_conda
    told_where = told_where or facts.install in ("docker", "source")
    if listed is None or not host or told_where:
        return
    source, severity = listed
    majors = {facts.cuda[0]} if facts.cuda else _majors(facts.runtime)
    if host[0] in majors or not majors:
        return
    built = max(majors)
    yield Problem(
        "RUNTIME_LIB_MISSING",
        "host_toolkit" if facts.host_cuda else "image",
        f"{facts.engine} is built for CUDA {built} and loads libcublas.so.{built} of the "
        f"{'host' if facts.host_cuda else 'image'}, which has CUDA {dotted(host)}",
        (
            set_field(
                "host_toolkit", dotted(facts.cuda or (built, 9)), f"install the libraries of CUDA {built}"
            ),
            CONTAINER_IMAGE,
        ),
        severity,
        source=source.source,
    )


@cache
def _majors(runtime: str) -> frozenset[int]:
    """CUDA majors that releases of an engine are built for; empty: of some it is not known."""
    rows = runtime_releases(runtime)
    return (
        frozenset(row.wheel_cuda[0] for row in rows) if all(row.wheel_cuda for row in rows) else frozenset()
    )


def _cudnn(facts: Facts) -> Iterator[Problem]:
    """An image with another cuDNN than the one that the engine's wheels load."""
    found = _CUDNN.search(facts.image)
    needed = next((major for before, major in CUDNN_OF.get(facts.runtime, ()) if facts.version < before), 0)
    if found is None or not facts.version or not needed or "nvidia" in facts.env.get("LD_LIBRARY_PATH", ""):
        return
    base = base_image(facts.image)
    has = int(found[1] or found[2] or (9 if base >= CUDNN_9_SINCE else 8))
    if has == needed:
        return
    yield Problem(
        "RUNTIME_LIB_MISSING",
        "image",
        f"{facts.engine} loads libcudnn_ops of cuDNN {needed}, the image has cuDNN {has}",
        (
            set_release(facts, "4.4.0" if has == 8 else "4.6.0"),
            set_release(facts, "4.8.1"),
        ),
        source=CUDNN_SAYS,
    )


def _compiler(facts: Facts) -> Iterator[Problem]:
    """An image without the C compiler that Triton calls."""
    if facts.runtime != "sglang" or facts.version not in WITHOUT_GCC or facts.install != "docker":
        return
    yield Problem(
        "RUNTIME_LIB_MISSING",
        "runtime_version",
        "Triton compiles with the C compiler of the image, and this release's image has none",
        (set_release(facts, "0.2.13"), set_release(facts, "0.3.4")),
        Severity.WARNING if is_by_others(facts.image, facts.runtime) else Severity.ERROR,
        source=WITHOUT_GCC.source,
    )
