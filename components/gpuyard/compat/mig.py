"""MIG: slices that an engine does not find or cannot join, and GPUs and drivers without any."""

import re
from collections.abc import Iterator
from dataclasses import replace

from gpuyard.catalog.software import Version
from gpuyard.compat.facts import Facts
from gpuyard.compat.mig_profiles import profile_problems, quarter_problems
from gpuyard.compat.problem import (
    WHOLE_GPUS,
    Fix,
    Problem,
    raise_driver,
    set_gpu,
    set_release,
    with_env,
    without_flags,
)
from gpuyard.compat.sourced import Sourced
from gpuyard.compat.spelling import driver_text
from gpuyard.errors import Severity

_RELEASE_NOTES = "NVIDIA/cloud-native-docs gpu-operator release notes"
MIG_BUG = ((570, 124, 6), (570, 158, 1))
MIG_BUG_575 = ((575, 51), (575, 57, 8))
"""Drivers whose slices break scheduling beside whole GPUs; 575 only where both are."""
MIG_FIXED = (570, 172, 8)
CDMM_SINCE = Sourced((580, 65, 6), _RELEASE_NOTES)
RTX_PRO_WITHOUT = Sourced((575, 57, 8), _RELEASE_NOTES)
"""Last driver without MIG on the RTX PRO 6000."""
MIG_SM = frozenset({(8, 0), (9, 0), (10, 0), (10, 3), (12, 0)})
"""Compute capabilities that have cards with MIG."""
READS_UUIDS = Sourced((0, 24, 0, 0), "vllm-project/vllm PR#45026; noonghunna/club-3090#750 (2026-07-22)")
"""First vLLM that resolves a UUID."""
BY_SMI: Sourced[Version] = Sourced(((0, 4, 0, 0), (0, 4, 9, 3)), "sgl-project/sglang PR#8167")
"""SGLang that asks nvidia-smi for the memory, which containers with a slice may not, and the first that does
not."""
BY_WHOLE_GPU = Sourced((0, 13, 2), "ollama/ollama#13800, #14031 (2026-02-02)")
"""First Ollama that tries the GPU of a slice instead of the slice."""
LAST_SEEN = (0, 15)
"""Newest Ollama that was seen failing so; the fix, its PR#13851, is open."""

ONE_SLICE = "NVIDIA MIG user guide, device enumeration; gpustack/gpustack#2758"
_DEVICES = ("CUDA_VISIBLE_DEVICES", "NVIDIA_VISIBLE_DEVICES")
_ASKED = re.compile(
    r"\b(?:nvidia\.com/)?mig\.config\W+(?!(?:all-)?disabled|none\b|false\b)(?:all-)?([a-z0-9][\w.+-]*)"
    r"|\bnvidia\.com/mig-(\dg\.\d+gb)|gpu[-_]partition[-_]size\W+(\dg\.\d+gb)"
    r"|--gpu-instance-profile[ =]+(mig\dg)",
    re.IGNORECASE,
)
"""Slices that an environment asks for: by the operator's label, as a resource, from GKE, from AKS."""


def mig_problems(facts: Facts) -> Iterator[Problem]:
    """Every rule on slices."""
    yield from _uuid(facts)
    if facts.mig:
        yield from _index(facts)
        yield from _unseen(facts)
        yield from _split(facts)
        yield from _driver(facts)
        yield from _mig_gpu(facts)
    else:
        yield from _asked(facts)


def _asked(facts: Facts) -> Iterator[Problem]:
    """Slices that labels and resources ask for, of GPUs that have none of these."""
    line = facts.given.env
    found = _ASKED.search(str(line)) if line is not None else None
    if found is None:
        return
    asked = next(filter(None, found.groups())).lower()
    told = [name for name, text in facts.env.items() if _ASKED.search(f"{name}: {text}")]
    without = without_flags(facts, *told, "--gpu-instance-profile")
    whole = Fix("use whole GPUs", {"env": _ASKED.sub("", line)} if isinstance(line, str) else without)
    cut = replace(facts, mig=asked)
    all_of_them = _split(cut) if "all-" in found[0].lower() else iter(())
    for problem in (*all_of_them, *_mig_gpu(cut)):
        other = [fix for fix in problem.fixes if "mig" not in fix.changes]
        yield replace(problem, path="env", fixes=(whole, *other))


def _uuid(facts: Facts) -> Iterator[Problem]:
    """Devices named by a UUID, to engines that read numbers."""
    uuid = facts.env.get("CUDA_VISIBLE_DEVICES", "").upper()
    by_name = "uuid" in facts.mig or facts.mig.startswith("mig-")
    if facts.runtime not in ("vllm", "sglang") or not ("MIG-" in uuid or "GPU-" in uuid or by_name):
        return
    reads = facts.runtime == "vllm" and facts.version >= READS_UUIDS
    if reads and not ("MIG-" in uuid or by_name):
        return
    env = with_env(facts, "CUDA_VISIBLE_DEVICES", "0") if uuid else {}
    slices = {"mig": "1 slice"} if by_name else {}
    is_open = facts.runtime == "vllm" and not facts.version and not ("MIG-" in uuid or by_name)
    newer = (set_release(facts, "0.24.0"),) if facts.runtime == "vllm" and facts.version and not reads else ()
    yield Problem(
        "MIG_UUID",
        "env" if uuid else "mig",
        "this release finds whole GPUs by their UUID; that it finds a slice so was not seen"
        if reads
        else f"{facts.runtime} reads CUDA_VISIBLE_DEVICES as numbers; a UUID is none",
        (
            Fix(
                "let the container runtime select the slice (NVIDIA_VISIBLE_DEVICES) and use index 0",
                {**env, **slices},
            ),
            *newer,
        ),
        Severity.WARNING if reads or is_open else Severity.ERROR,
        source=READS_UUIDS.source if reads else "",
    )


def _index(facts: Facts) -> Iterator[Problem]:
    """Devices named by numbers that start after the one slice that a process sees."""
    numbers = re.fullmatch(r"[1-9]\d*(,\d+)*", facts.env.get("CUDA_VISIBLE_DEVICES", "").replace(" ", ""))
    if numbers is None or "mixed" in facts.mig:
        return
    in_container = facts.install == "docker" or facts.platform not in ("", "bare")
    yield Problem(
        "MIG_UUID",
        "env",
        f"CUDA shows a process one slice, device 0: CUDA_VISIBLE_DEVICES={numbers[0]} leaves it none",
        (
            Fix(
                "let the container runtime select the slice and use index 0",
                with_env(facts, "CUDA_VISIBLE_DEVICES", "0"),
            ),
        ),
        Severity.ERROR if in_container and (facts.count or 1) == 1 else Severity.WARNING,
        source=ONE_SLICE,
    )


def _unseen(facts: Facts) -> Iterator[Problem]:
    """Engines that ask for the whole GPU where only a slice is."""
    contained = facts.install == "docker" or facts.platform not in ("", "bare")
    if facts.runtime == "sglang" and contained and BY_SMI[0] <= facts.version < BY_SMI[1]:
        yield Problem(
            "MIG_UUID",
            "runtime_version",
            "SGLang before 0.4.9.post3 asks nvidia-smi for the GPU's memory, which a container that holds a "
            "slice may not, and stops",
            (set_release(facts, "0.4.10"), WHOLE_GPUS),
            source=BY_SMI.source,
        )
    elif facts.runtime == "ollama" and facts.version[:3] >= BY_WHOLE_GPU:
        yield Problem(
            "MIG_UUID",
            "runtime_version",
            "Ollama from 0.13.2 on tries the whole GPU that a slice is of, and falls back to the processor",
            (_older_ollama(facts), WHOLE_GPUS),
            Severity.WARNING if facts.version[:2] > LAST_SEEN else Severity.ERROR,
            source=BY_WHOLE_GPU.source,
        )


def _older_ollama(facts: Facts) -> Fix:
    image = {"image": "ollama/ollama:0.13.1"} if facts.given.image is not None else {}
    return Fix("use Ollama 0.13.1", {"runtime_version": "0.13.1", **image})


def _split(facts: Facts) -> Iterator[Problem]:
    size = facts.tensor
    stages = facts.stages
    named = any(facts.env.get(name, "").upper().count("MIG-") > 1 for name in _DEVICES)
    whole_too = "mixed" in facts.mig and not named and not re.search(r"\dg\.\d+gb", facts.mig)
    if size * stages > 1 and not whole_too:
        yield Problem(
            "MIG_TP",
            "tensor_parallel" if size > 1 else "pipeline_parallel",
            f"a process sees one MIG slice, so {size * stages} of them cannot share a model",
            (
                Fix("use tensor_parallel 1", {"tensor_parallel": 1, "pipeline_parallel": 1}),
                WHOLE_GPUS,
            ),
        )


def _driver(facts: Facts) -> Iterator[Problem]:
    """Drivers that break nodes with slices and whole GPUs."""
    low, high = MIG_BUG_575 if facts.branch == 575 and "mixed" in facts.mig else MIG_BUG
    if facts.driver and low <= facts.driver <= high and not (facts.gpu and facts.gpu.id == "rtx-pro-6000"):
        unsure = facts.platform == "bare" and "mixed" not in facts.mig
        yield Problem(
            "MIG_DRIVER_BUG",
            "driver",
            f"driver {facts.driver_text} breaks scheduling on nodes that mix MIG and whole GPUs; "
            f"fixed in {driver_text(MIG_FIXED)}",
            (raise_driver(facts, MIG_FIXED), WHOLE_GPUS),
            Severity.WARNING if unsure else Severity.ERROR,
        )


def _mig_gpu(facts: Facts) -> Iterator[Problem]:
    gpu = facts.gpu
    yield from quarter_problems(facts)
    if gpu is None:
        if facts.sm and facts.sm not in MIG_SM:
            yield _without_mig(facts)
        return
    if gpu.id == "rtx-pro-6000" and facts.driver and facts.driver <= RTX_PRO_WITHOUT:
        yield Problem(
            "MIG_DRIVER_BUG",
            "driver",
            f"RTX PRO 6000 has no MIG on driver {facts.driver_text}",
            (raise_driver(facts, (580, 65, 6)),),
            source=RTX_PRO_WITHOUT.source,
        )
    elif gpu.id in ("gh200", "gb200", "gb300") and facts.driver_high >= CDMM_SINCE:
        by_host = facts.platform == "bare" or facts.manager == "image"
        yield Problem(
            "MIG_DRIVER_BUG",
            "mig",
            f"driver {facts.driver_text} runs {facts.who} in CDMM mode, which excludes MIG"
            + (
                ", where NVreg_CoherentGPUMemoryMode=driver is set as in driver containers" if by_host else ""
            ),
            (WHOLE_GPUS,),
            Severity.WARNING if by_host else Severity.ERROR,
            source=CDMM_SINCE.source,
        )
    elif not gpu.mig and gpu.id != "rtx-pro-4500":
        yield _without_mig(facts)
    else:
        yield from profile_problems(facts, gpu)


def _without_mig(facts: Facts) -> Problem:
    return Problem(
        "MIG_UNSUPPORTED",
        "mig",
        f"{facts.who} has no MIG",
        (WHOLE_GPUS, set_gpu(facts, "a100-80gb-sxm")),
        source=facts.gpu.source if facts.gpu else "",
    )
