"""GPUs that only newer releases drive, where the release is not stated."""

from collections.abc import Iterator

from gpuyard.catalog.software import Version
from gpuyard.catalog.software_runtimes import RuntimeRelease, release_key, runtime_releases
from gpuyard.compat.build import is_by_others
from gpuyard.compat.facts import Facts
from gpuyard.compat.generations import BLACKWELL
from gpuyard.compat.machine_code import SM_SINCE_CUDA, compiled_since, newer_release, with_code
from gpuyard.compat.problem import Problem, set_field, set_release
from gpuyard.compat.spelling import dotted
from gpuyard.compat.toolchain import PTXAS_SAYS, TRITON_ENGINES, TRITON_PTXAS
from gpuyard.compat.torch_code import TORCH_APPLICATIONS
from gpuyard.errors import Severity

TORCH_WITH_BLACKWELL = "pytorch/pytorch release notes 2.7.0: wheels for CUDA 12.8 (torch_releases.csv)"
"""Torch with code for Blackwell begins there; the default index has it since 2.8."""


def undated_problems(facts: Facts) -> Iterator[Problem]:
    """What older releases of the engine, of its compiler or of its torch lack."""
    moves = facts.image.endswith("latest") if ":" in facts.image else facts.is_undated
    if facts.version or facts.given.runtime_version or not moves or facts.month or facts.install == "source":
        return
    told = facts.cuda_is_given and facts.cuda >= compiled_since(SM_SINCE_CUDA, facts.sm)
    if told or facts.sm < BLACKWELL or is_by_others(facts.image, facts.runtime):
        return
    yield from _engine(facts)
    yield from _compiler(facts)
    if not facts.runtime and TORCH_APPLICATIONS.search(facts.runtime_text):
        yield Problem(
            "SM_NOT_IN_BINARY",
            "runtime_version",
            f"torch has machine code for {facts.card} since 2.8, and in 2.7 for CUDA 12.8; older ones stop",
            (set_field("cuda", "12.8", "use torch from the cu128 index"),),
            Severity.WARNING,
            source=TORCH_WITH_BLACKWELL,
        )


def _engine(facts: Facts) -> Iterator[Problem]:
    """Releases from before the first with machine code for the GPU."""
    rows = runtime_releases(facts.runtime) if facts.runtime else ()
    known = with_code(facts.runtime, facts.sm, by_wheel=facts.install == "pip")
    fitting = [row for row in known if facts.install != "pip" or _has_kernels(facts, row)]
    if not rows or not fitting or rows[0] in fitting or rows[-1] not in fitting:
        return
    fixes = newer_release(facts)
    first = max(release_key(str(fixes[0].changes["runtime_version"])), fitting[0].key)
    row = next(row for row in rows if row.key == first)
    yield Problem(
        "SM_NOT_IN_BINARY",
        "runtime_version",
        f"{facts.runtime} has machine code for {facts.card} since {row.version}; older releases stop on it",
        (set_release(facts, row.version), *fixes),
        Severity.WARNING,
        source=row.source,
    )


def _has_kernels(facts: Facts, row: RuntimeRelease) -> bool:
    """Whether the kernel package that pip brings with the release has code for the GPU, as far as known."""
    code = row.package_code(facts.arch)
    return not code or facts.sm in code


def _compiler(facts: Facts) -> Iterator[Problem]:
    """Releases whose Triton assembles with a ptxas that does not know the GPU."""
    needed = compiled_since(SM_SINCE_CUDA, facts.sm)
    if facts.runtime not in TRITON_ENGINES or TRITON_PTXAS[0][1] >= needed:
        return
    if any(switch in facts.env for _, _, switch in TRITON_PTXAS):
        return
    older, cuda = _without(needed)
    first = next((row for row in runtime_releases(facts.runtime) if row.torch >= older), None)
    if first is not None:
        yield Problem(
            "TOOLCHAIN_TOO_OLD_FOR_SM",
            "runtime_version",
            f"{facts.runtime} before {first.version} assembles with Triton's own ptxas of CUDA "
            f"{dotted(cuda)}, which does not know {facts.card}",
            (set_release(facts, first.version),),
            Severity.WARNING,
            source=PTXAS_SAYS,
        )


def _without(needed: Version) -> tuple[Version, Version]:
    """Torch before which Triton's ptxas is older than that, and the CUDA of it."""
    return next((before, cuda) for before, cuda, _ in reversed(TRITON_PTXAS) if cuda < needed)
