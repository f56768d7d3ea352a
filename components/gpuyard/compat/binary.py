"""Machine code for the GPU: what the build ships, what is compiled at run time, which host it installs on."""

from collections.abc import Iterator

from gpuyard.catalog.software import Version
from gpuyard.catalog.software_runtimes import runtime_releases
from gpuyard.compat.driver import cuda_12_fixes
from gpuyard.compat.facts import Facts, cuda_of, dotted
from gpuyard.compat.problem import Fix, Problem, set_field, set_gpu, set_release
from gpuyard.errors import Severity

CU126_TORCH = ((0, 9, 0, 0), (0, 10, 1, 99))
"""vLLM releases whose torch on the default index is built for CUDA 12.6: nothing newer than Hopper."""
SM_SINCE_CUDA: tuple[tuple[Version, Version], ...] = (
    ((12, 1), (12, 9)),
    ((12, 0), (12, 8)),
    ((10, 3), (12, 9)),
    ((10, 0), (12, 8)),
    ((9, 0), (11, 8)),
    ((8, 9), (11, 8)),
)
"""First toolkit that compiles for a GPU, newest GPU first."""
JIT_SINCE_CUDA: tuple[tuple[Version, Version], ...] = (
    ((12, 0), (12, 9)),
    ((10, 3), (12, 9)),
    ((10, 0), (12, 8)),
    ((9, 0), (12, 3)),
)
"""First toolkit that FlashInfer's and DeepGEMM's run-time kernels want."""
SGLANG_KERNEL_BUILDS = (0, 4, 1, 0)
"""First SGLang with its own kernel wheel, which has nothing below Ampere."""
BLACKWELL: Version = (10, 0)


def binary_problems(facts: Facts) -> Iterator[Problem]:
    """Every rule on machine code and on the host that the engine installs on."""
    if facts.is_newer and facts.release is not None:
        yield Problem(
            "RUNTIME_NEWER_THAN_CATALOG",
            "runtime_version",
            f"{facts.runtime} {dotted(facts.version[:3])} is newer than the catalog; judged as {facts.release.version}",
            (),
            Severity.WARNING,
        )
    if facts.runtime == "tgi":
        yield Problem(
            "RUNTIME_UNMAINTAINED",
            "runtime",
            "TGI is in maintenance mode since 2025-12-11; 3.3.7 was its last release",
            (),
            Severity.WARNING,
        )
    if facts.sm:
        yield from _minimum(facts)
        yield from _machine_code(facts)
        yield from _toolchain(facts)
    yield from _glibc(facts)
    yield from _processor(facts)
    yield from _libraries(facts)


def _minimum(facts: Facts) -> Iterator[Problem]:
    release = facts.release
    floor = release.min_sm if release else (7, 0) if facts.runtime == "vllm" else ()
    if facts.runtime == "sglang" and release is None:
        floor = (7, 5) if facts.version else (8, 0)
    if facts.runtime == "tensorrt-llm" and release is None:
        floor = (7, 5) if facts.version else (7, 0)
    if not floor or facts.sm >= floor:
        return
    early = (
        facts.runtime == "sglang"
        and facts.version
        and facts.version < SGLANG_KERNEL_BUILDS
        and facts.sm >= (7, 5)
    )
    yield Problem(
        "SM_BELOW_MIN",
        "gpu",
        f"{facts.runtime} {release.version if release else ''} supports compute capability {dotted(floor)} and newer, "
        f"{facts.gpu_name or 'this GPU'} has {dotted(facts.sm)}".replace("  ", " "),
        (*_older_release(facts), *_other_engine(facts), set_gpu(facts, _gpu_from(floor))),
        Severity.WARNING if early else Severity.ERROR,
    )


def _other_engine(facts: Facts) -> tuple[Fix, ...]:
    """vLLM, where it still supports the GPU."""
    if facts.runtime == "vllm" or facts.sm < (7, 0):
        return ()
    version = "0.20.0" if facts.sm >= (7, 5) else "0.19.1"
    return tuple(
        Fix(
            f"use vLLM {number}, which supports compute capability {dotted(facts.sm)}",
            {
                "runtime": "vllm",
                "runtime_version": number,
                "image": None,
                "cuda": None,
                "base_image_cuda": None,
            },
        )
        for number in (version, "0.19.1")
    )


def _older_release(facts: Facts) -> tuple[Fix, ...]:
    """The newest older release that supports the GPU."""
    for release in reversed(runtime_releases(facts.runtime)):
        if (
            release.key < (facts.version or release.key)
            and facts.sm >= release.min_sm
            and (not release.sass or _covers(release.sass, facts.sm))
        ):
            return (set_release(facts, release.version),)
    return ()


def _newer_release(facts: Facts) -> tuple[Fix, ...]:
    """The oldest newer release that has code for the GPU, and the newest one."""
    fitting = [
        release
        for release in runtime_releases(facts.runtime)
        if release.key > facts.version and release.sass and _covers(release.sass, facts.sm)
    ]
    chosen = [*fitting[:1], *[row for row in fitting if row.wheel_cuda >= (13, 0)][:1], *fitting[-1:]]
    return tuple(set_release(facts, release.version) for release in dict.fromkeys(chosen))


def _machine_code(facts: Facts) -> Iterator[Problem]:
    release = facts.release
    who = facts.gpu_name or "this GPU"
    if facts.cuda and facts.cuda >= (13, 0) and facts.sm < (7, 5):
        yield Problem(
            "SM_NOT_IN_BINARY",
            "cuda",
            f"CUDA 13 dropped {who} (compute capability {dotted(facts.sm)}); 12.9 was the last toolkit",
            (
                *cuda_12_fixes(facts),
                set_field("cuda", "12.9", "use a build for CUDA 12.9"),
                set_gpu(facts, "t4"),
            ),
        )
        return
    if release is not None and release.sass:
        if not _covers(release.sass, facts.sm):
            yield Problem(
                "SM_NOT_IN_BINARY",
                "runtime_version",
                f"{facts.runtime} {release.version} has no machine code for {who} (compute capability "
                f"{dotted(facts.sm)}); it has {' '.join(map(dotted, release.sass))}",
                (*_newer_release(facts), *_older_release(facts), set_gpu(facts, "h100-sxm")),
            )
            return
        low, high = CU126_TORCH
        explicit = facts.cuda_is_given and facts.cuda >= (12, 8)
        if facts.install == "pip" and low <= release.key <= high and facts.sm >= BLACKWELL and not explicit:
            yield Problem(
                "SM_NOT_IN_BINARY",
                "install",
                f"pip brings torch {dotted(release.torch)} for CUDA 12.6, which has nothing for {who}",
                (
                    Fix("use torch from the cu128 index", {"cuda": "12.8"}),
                    set_field("install", "docker", f"use the image {release.image}"),
                ),
            )
            return
    elif facts.cuda and _compiled_since(SM_SINCE_CUDA, facts.sm) > facts.cuda:
        yield Problem(
            "SM_NOT_IN_BINARY",
            "cuda",
            f"CUDA {dotted(facts.cuda)} cannot compile for {who} (compute capability {dotted(facts.sm)}; "
            f"from CUDA {dotted(_compiled_since(SM_SINCE_CUDA, facts.sm))} on)",
            (
                *_newer_release(facts),
                _raise_cuda(facts, _compiled_since(SM_SINCE_CUDA, facts.sm)),
                set_gpu(facts, "h100-sxm"),
            ),
        )
        return
    elif release is not None and release.max_sm and facts.sm[0] > release.max_sm[0]:
        yield Problem(
            "SM_NOT_IN_BINARY",
            "gpu",
            f"{facts.runtime} {release.version} ends at compute capability {dotted(release.max_sm)}, {who} has {dotted(facts.sm)}",
            (
                Fix(
                    "use vLLM 0.20.0",
                    {
                        "runtime": "vllm",
                        "runtime_version": "0.20.0",
                        "image": None,
                        "cuda": None,
                        "base_image_cuda": None,
                    },
                ),
                Fix(
                    "use vLLM 0.19.1",
                    {
                        "runtime": "vllm",
                        "runtime_version": "0.19.1",
                        "image": None,
                        "cuda": None,
                        "base_image_cuda": None,
                    },
                ),
                set_gpu(facts, "h100-sxm"),
            ),
        )
        return
    yield from _sm_103(facts)


def _sm_103(facts: Facts) -> Iterator[Problem]:
    if facts.sm != (10, 3) or not facts.cuda or facts.cuda >= (13, 0):
        return
    is_fp4 = "fp4" in facts.quantization
    fixes = []
    if facts.runtime == "vllm" and facts.release is not None and "cu130" in facts.release.image_variants:
        fixes.append(set_release(facts, facts.release.version, "13.0"))
    if facts.runtime == "vllm":
        fixes.append(set_release(facts, "0.20.0"))
    if facts.runtime == "sglang":
        fixes.append(set_release(facts, "0.5.11"))
    yield Problem(
        "SM_NOT_IN_BINARY",
        "cuda",
        f"CUDA {dotted(facts.cuda)} builds have no FP4 kernels for {facts.gpu_name}"
        if is_fp4
        else f"{facts.gpu_name} wants a CUDA 13 build; this one is CUDA {dotted(facts.cuda)}",
        (*fixes, _raise_cuda(facts, (13, 0))),
        Severity.ERROR if is_fp4 else Severity.WARNING,
    )


def _toolchain(facts: Facts) -> Iterator[Problem]:
    host = cuda_of(str(facts.given.host_toolkit)) if facts.given.host_toolkit is not None else ()
    jit = "flashinfer" in f"{facts.runtime_text} {' '.join(facts.env.values())}".lower()
    needed = _compiled_since(JIT_SINCE_CUDA if jit else SM_SINCE_CUDA, facts.sm)
    path, toolkit = ("host_toolkit", host) if host else ("cuda", facts.cuda)
    if not toolkit or not needed or toolkit >= needed:
        return
    if not (host or jit or facts.sm in ((12, 1), (10, 3))):
        return
    fix = (
        set_field(path, dotted(needed), f"use CUDA {dotted(needed)} or newer")
        if host
        else _raise_cuda(facts, needed)
    )
    yield Problem(
        "TOOLCHAIN_TOO_OLD_FOR_SM",
        path,
        f"kernels are compiled at run time, and CUDA {dotted(toolkit)} does not do it for {facts.gpu_name or 'this GPU'} "
        f"(compute capability {dotted(facts.sm)}): it takes {dotted(needed)}",
        (fix, *_newer_release(facts)),
    )


def _raise_cuda(facts: Facts, cuda: Version) -> Fix:
    changes = {"cuda": dotted(cuda)}
    if facts.image:
        changes["image"] = (
            facts.given.image.rpartition(":")[0] + f":latest-cu{cuda[0]}{cuda[1]}"
            if facts.given.image
            else None
        )
    return Fix(f"use a build for CUDA {dotted(cuda)}", changes)


def _glibc(facts: Facts) -> Iterator[Problem]:
    release = facts.release
    by_pip = facts.install == "pip" or (not facts.install and facts.given.glibc is not None)
    if not by_pip or facts.runtime != "vllm" or release is None or not facts.glibc:
        return
    needed = max(release.glibc, (2, 28) if release.torch >= (2, 7) else ())
    if facts.glibc >= needed:
        return
    newer = [
        row
        for row in runtime_releases("vllm")
        if max(row.glibc, (2, 28) if row.torch >= (2, 7) else ()) <= facts.glibc
    ]
    after = [row for row in newer if row.key > release.key][:1]
    before = [row for row in newer if row.key < release.key][-1:]
    yield Problem(
        "HOST_GLIBC",
        "glibc" if facts.given.glibc is not None else "os",
        f"the wheel of vLLM {release.version} needs glibc {dotted(needed)}, the host has {dotted(facts.glibc)}; "
        "pip would build from source",
        (
            *(set_release(facts, row.version) for row in (*after, *before)),
            set_field("install", "docker", "use the container image"),
        ),
    )


def _processor(facts: Facts) -> Iterator[Problem]:
    tag = facts.image.rpartition(":")[2]
    built = (
        "amd64"
        if any(word in tag for word in ("amd64", "x86"))
        else "arm64"
        if any(word in tag for word in ("arm64", "aarch64"))
        else ""
    )
    node = (
        "amd64"
        if "x86_64" in facts.node_image
        else "arm64"
        if any(word in facts.node_image for word in ("arm_64", "arm64", "aarch64"))
        else ""
    )
    if not facts.arch:
        return
    if built and built != facts.arch:
        image = (facts.given.image or "").replace(f"-{built}", "")
        yield Problem(
            "CPU_ARCH",
            "image",
            f"the image is for {built}, the node is {facts.arch}",
            (set_field("image", image, f"use image {image}"),),
        )
    if node and node != facts.arch:
        ami = "AL2023_ARM_64_NVIDIA" if facts.arch == "arm64" else "AL2023_x86_64_NVIDIA"
        yield Problem(
            "CPU_ARCH",
            "ami",
            f"the node image is for {node}, the machine is {facts.arch}",
            (Fix(f"use the image {ami}", {"ami": ami, "os": None}),),
        )
    if facts.arch != "arm64" or built:
        return
    too_old = {"vllm": (0, 10, 2, 0), "sglang": (0, 5, 0, 0)}.get(facts.runtime)
    missing = facts.runtime in ("tgi", "lmdeploy") or (too_old and facts.version and facts.version < too_old)
    if not missing:
        return
    known = {"vllm": "0.10.2", "sglang": "0.5.11"}.get(facts.runtime)
    fixes = [set_release(facts, known)] if known else []
    fixes += [
        Fix(
            f"use vLLM {number}",
            {
                "runtime": "vllm",
                "runtime_version": number,
                "image": None,
                "cuda": None,
                "base_image_cuda": None,
            },
        )
        for number in ("0.20.0", "0.19.1")
    ]
    yield Problem(
        "CPU_ARCH",
        "cpu_arch",
        f"{facts.runtime} {dotted(facts.version[:3])} has no arm64 build".replace("  ", " "),
        tuple(fixes),
    )


def _libraries(facts: Facts) -> Iterator[Problem]:
    release = facts.release
    host = str(facts.given.host_toolkit or "").lower()
    if host in ("none", "missing", "no", "not installed") and (
        facts.runtime == "sglang" or "flashinfer" in facts.runtime_text
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
        )
    base = cuda_of(str(facts.given.base_image_cuda)) if facts.given.base_image_cuda is not None else ()
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
        )
    elif release is not None and facts.runtime == "vllm" and facts.install == "pip" and facts.cuda_is_given:
        has_variant = release.key >= (0, 12, 0, 0)
        if release.wheel_cuda and facts.cuda[:1] != release.wheel_cuda[:1] and not has_variant:
            yield Problem(
                "RUNTIME_LIB_MISSING",
                "cuda",
                f"the wheel of vLLM {release.version} is built for CUDA {dotted(release.wheel_cuda)}, torch for "
                f"{dotted(facts.cuda)}: libcudart.so.{release.wheel_cuda[0]} is not there",
                (
                    set_field(
                        "cuda", dotted(release.wheel_cuda), f"use torch for CUDA {dotted(release.wheel_cuda)}"
                    ),
                    set_release(facts, "0.20.0"),
                ),
            )


def _covers(sass: tuple[Version, ...], sm: Version) -> bool:
    """Machine code runs on later minor versions of its own major one."""
    return any(code[0] == sm[0] and code[1] <= sm[1] for code in sass)


def _compiled_since(table: tuple[tuple[Version, Version], ...], sm: Version) -> Version:
    return next((cuda for since, cuda in table if sm >= since), ())


def _gpu_from(floor: Version) -> str:
    return {(7, 5): "t4", (8, 0): "a10g", (8, 9): "l4", (9, 0): "h100-sxm"}.get(floor, "l4")
