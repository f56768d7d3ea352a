"""Tensor parallelism and MIG slices."""

import re
from collections.abc import Iterator

from gpuyard.compat.blocks import block_problems
from gpuyard.compat.facts import Facts
from gpuyard.compat.problem import Fix, Problem, raise_driver, set_field, set_gpu, with_env
from gpuyard.compat.spelling import dotted
from gpuyard.compat.split_fixes import SIZES, size_fixes
from gpuyard.errors import Severity

VISION_FLAG = "--mm-encoder-tp-mode"
VISION_DATA_SINCE = (0, 10, 2, 0)
"""First vLLM with that flag."""
INTERN_VIT, INTERN_VIT_PADDED = 25, (0, 6, 1, 0)
"""Heads of the InternViT of 6 B, and the first vLLM that pads them (vllm-project/vllm#8097)."""
MIG_BUG = ((570, 124, 6), (570, 158, 1))
MIG_BUG_575 = ((575, 51), (575, 57, 8))
"""Drivers whose slices break scheduling beside whole GPUs; 575 only where both are (gpu-operator#1361)."""
MIG_FIXED = (570, 172, 8)
CDMM_SINCE = (580, 65, 6)
MIG_SM = frozenset({(8, 0), (9, 0), (10, 0), (10, 3), (12, 0)})
"""Compute capabilities that have cards with MIG."""


def parallel_problems(facts: Facts) -> Iterator[Problem]:
    """Every rule on splitting a model, and on slices."""
    size = int(facts.given.tensor_parallel or 1)
    yield from _heads(facts, size)
    yield from _vision_heads(facts, size)
    yield from block_problems(facts, size)
    yield from _mig(facts, size)


def _heads(facts: Facts, size: int) -> Iterator[Problem]:
    heads = int(facts.given.attention_heads or 0) or (facts.model.heads if facts.model else 0)
    if size < 2 or not heads or heads % size == 0:
        yield from _kv_heads(facts, size, heads)
        return
    yield Problem(
        "TP_DIVISIBILITY",
        "tensor_parallel",
        f"{heads} attention heads do not divide by {size}",
        size_fixes(facts, [part for part in SIZES if part < size and heads % part == 0]),
    )


def _kv_heads(facts: Facts, size: int, heads: int) -> Iterator[Problem]:
    model = facts.model
    if model is None or model.mla is not None or size < 2 or not model.kv_heads or not heads:
        return
    if model.kv_heads % size and size % model.kv_heads:
        fitting = [
            part
            for part in SIZES
            if part < size and heads % part == 0 and not (model.kv_heads % part and part % model.kv_heads)
        ]
        yield Problem(
            "TP_DIVISIBILITY",
            "tensor_parallel",
            f"{model.kv_heads} KV heads neither divide by {size} nor divide it",
            size_fixes(facts, fitting),
        )


def _vision_heads(facts: Facts, size: int) -> Iterator[Problem]:
    """A vision tower is cut like the language part, unless every rank keeps a whole one."""
    heads = facts.model.vision_heads if facts.model else 0
    whole = any(value == "data" for flag, value in facts.flags if flag == VISION_FLAG)
    padded = heads == INTERN_VIT and not () < facts.version < INTERN_VIT_PADDED
    if facts.runtime != "vllm" or size <= 1 or not heads or heads % size == 0 or whole or padded:
        return
    fitting = [part for part in SIZES if part < size and heads % part == 0]
    if facts.version >= VISION_DATA_SINCE or not facts.version:
        fixes = (Fix(f"add {VISION_FLAG} data", with_env(facts, VISION_FLAG, "data")),)
    else:
        fixes = ()
    yield Problem(
        "TP_DIVISIBILITY",
        "tensor_parallel",
        f"{heads} attention heads of the vision tower do not divide by {size}",
        (*fixes, *size_fixes(facts, fitting)),
    )


def _mig(facts: Facts, size: int) -> Iterator[Problem]:
    uuid = facts.env.get("CUDA_VISIBLE_DEVICES", "").upper()
    if facts.runtime in ("vllm", "sglang") and (
        "MIG-" in uuid or "GPU-" in uuid or "uuid" in facts.mig or facts.mig.startswith("mig-")
    ):
        env = with_env(facts, "CUDA_VISIBLE_DEVICES", "0") if uuid else {}
        slices = {"mig": "1 slice"} if "uuid" in facts.mig or facts.mig.startswith("mig-") else {}
        yield Problem(
            "MIG_UUID",
            "env" if uuid else "mig",
            f"{facts.runtime} reads CUDA_VISIBLE_DEVICES as numbers; a UUID is none",
            (
                Fix(
                    "let the container runtime select the slice (NVIDIA_VISIBLE_DEVICES) and use index 0",
                    {**env, **slices},
                ),
            ),
        )
    if not facts.mig:
        return
    stages = int(facts.given.pipeline_parallel or 1)
    whole_too = "mixed" in facts.mig and not re.search(r"\dg\.\d+gb", facts.mig)
    if size * stages > 1 and not whole_too:
        yield Problem(
            "MIG_TP",
            "tensor_parallel" if size > 1 else "pipeline_parallel",
            f"a process sees one MIG slice, so {size * stages} of them cannot share a model",
            (
                Fix("use tensor_parallel 1", {"tensor_parallel": 1, "pipeline_parallel": 1}),
                set_field("mig", None, "use whole GPUs"),
            ),
        )
    low, high = MIG_BUG_575 if facts.branch == 575 and "mixed" in facts.mig else MIG_BUG
    if facts.driver and low <= facts.driver <= high and not (facts.gpu and facts.gpu.id == "rtx-pro-6000"):
        unsure = facts.platform == "bare" and "mixed" not in facts.mig
        yield Problem(
            "MIG_DRIVER_BUG",
            "driver",
            f"driver {facts.driver_text} breaks scheduling on nodes that mix MIG and whole GPUs; "
            f"fixed in {dotted(MIG_FIXED)}",
            (raise_driver(facts, MIG_FIXED), set_field("mig", None, "use whole GPUs")),
            Severity.WARNING if unsure else Severity.ERROR,
        )
    yield from _mig_gpu(facts)


def _mig_gpu(facts: Facts) -> Iterator[Problem]:
    gpu = facts.gpu
    if gpu is None:
        if facts.sm and facts.sm not in MIG_SM:
            yield _without_mig(facts, facts.who)
        return
    if gpu.id == "rtx-pro-6000" and facts.driver and facts.driver <= (575, 57, 8):
        yield Problem(
            "MIG_DRIVER_BUG",
            "driver",
            f"RTX PRO 6000 has no MIG on driver {facts.driver_text}",
            (raise_driver(facts, (580, 65, 6)),),
        )
    elif gpu.id in ("gh200", "gb200", "gb300") and facts.driver_high >= CDMM_SINCE:
        yield Problem(
            "MIG_DRIVER_BUG",
            "mig",
            f"driver {facts.driver_text} runs {gpu.name} in CDMM mode, which excludes MIG",
            (set_field("mig", None, "use whole GPUs"),),
        )
    elif not gpu.mig and gpu.id != "rtx-pro-4500":
        yield _without_mig(facts, gpu.name)


def _without_mig(facts: Facts, name: str) -> Problem:
    return Problem(
        "MIG_UNSUPPORTED",
        "mig",
        f"{name} has no MIG",
        (set_field("mig", None, "use whole GPUs"), set_gpu(facts, "a100-80gb-sxm")),
    )
