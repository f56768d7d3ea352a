"""Ways out where a model does not fit: more GPUs, smaller weights, larger GPUs, a shorter context."""

from typing import Any

from gpuyard.compat.facts import Facts
from gpuyard.compat.problem import MORE_OF_THE_SAME, OTHER_HARDWARE, WHOLE_GPUS, Fix, set_field, set_gpu
from gpuyard.compat.replacement import exchange_machine

_LENGTHS = (131072, 98304, 65536, 49152, 32768, 24576, 16384, 12288, 8192, 4096, 2048, 1024, 512)
_LENGTHS_MAX = 6
BATCHED_TOKENS, SEQUENCES = 8192, 256
"""Of one step, as vLLM's V1 engine has them on large GPUs."""
_LARGER = (
    ("l40s", 45776),
    ("a100-80gb-sxm", 81920),
    ("h200", 144384),
    ("b200", 183359),
    ("b300", 275040),
)
"""GPUs to move to, with their memory, MiB."""
_NODE = 8
"""GPUs of a node, which tensor parallel does not leave."""
USUAL_SHARE = 0.9
"""What vLLM takes of a GPU by itself."""


def cache_fixes(facts: Facts, largest: int, asked: int, *, whole_prefill: bool) -> tuple[Fix, ...]:
    """A larger share of the GPU, a shorter context, then what `step_fixes` and `weight_fixes` say."""
    shorter = [length for length in _LENGTHS if length < asked and (length <= largest or whole_prefill)]
    fixes = [
        set_field("max_model_len", length, f"use max_model_len {length}") for length in shorter[:_LENGTHS_MAX]
    ]
    return (*share_fixes(facts), *fixes, *step_fixes(facts), *weight_fixes(facts))


def share_fixes(facts: Facts) -> tuple[Fix, ...]:
    """The usual share of the GPU, where a smaller one was asked for."""
    share = facts.given.gpu_memory_utilization
    if not share or share >= USUAL_SHARE:
        return ()
    return (set_field("gpu_memory_utilization", USUAL_SHARE, f"use gpu_memory_utilization {USUAL_SHARE}"),)


def step_fixes(facts: Facts) -> tuple[Fix, ...]:
    """Smaller steps, where what was asked for is more than servers take by themselves."""
    stated = (
        ("max_num_batched_tokens", facts.given.max_num_batched_tokens, BATCHED_TOKENS),
        ("max_num_seqs", facts.given.max_num_seqs, SEQUENCES),
    )
    return tuple(
        set_field(name, usual, f"use {name} {usual}") for name, value, usual in stated if (value or 0) > usual
    )


def weight_fixes(facts: Facts) -> tuple[Fix, ...]:
    """More of the same GPUs, then four-bit weights, then larger GPUs."""
    size = int(facts.given.tensor_parallel or facts.count or 1)
    heads = facts.model.heads if facts.model else 0
    sizes = [count for count in (2, 4, 8) if count > size and (not heads or heads % count == 0)]
    fixes = [] if facts.mig else [_split_over(facts, count) for count in sizes]
    if facts.mig:
        fixes.append(WHOLE_GPUS)
    if not facts.quantization and facts.sm >= (8, 0):
        fixes.append(Fix("use a 4-bit (AWQ) checkpoint", {"quantization": "awq"}, MORE_OF_THE_SAME))
    larger = [name for name, memory in _LARGER if memory > (facts.memory_mib or 0)]
    fixes += [set_gpu(facts, name) for name in larger]
    if larger:
        bigger = set_gpu(facts, "b200")
        whole = "whole " if facts.mig else ""
        fixes.append(
            Fix(
                f"use 8 {whole}B200 GPUs with tensor_parallel 8",
                {
                    **bigger.changes,
                    "gpu_count": 8,
                    "tensor_parallel": 8,
                    "pipeline_parallel": 1 if facts.given.pipeline_parallel else None,
                    "mig": None,
                },
                OTHER_HARDWARE,
            )
        )
    if size >= _NODE:
        stages = 2 * facts.stages
        stated = {"gpu_count": 2 * facts.count} if facts.given.gpu_count is not None and facts.count else {}
        twice = {"pipeline_parallel": stages, **stated}
        fixes.append(Fix(f"use twice the nodes: pipeline_parallel {stages}", twice, OTHER_HARDWARE))
    return tuple(fixes)


def _split_over(facts: Facts, count: int) -> Fix:
    """A layer cut over ``count`` GPUs: of those that are there, else of as many of the same kind."""
    wider: dict[str, Any] = {"tensor_parallel": count}
    have, need = facts.count or 0, count * facts.stages
    # more GPUs than ranks read as stages where nobody says, and whoever follows a fix starts none
    alone = {"pipeline_parallel": 1} if facts.given.pipeline_parallel is None else {}
    if have >= need:
        return Fix(f"use tensor_parallel {count}", wider | (alone if have > need else {}))
    gpu = facts.gpu.id if facts.gpu else None
    machine = exchange_machine(facts, gpu, need) if gpu else None
    if machine is None:
        # the GPU of a machine type stays when the type goes
        kept = {"gpu": facts.given.gpu or gpu, "instance": None} if facts.given.instance else {}
        more = {"gpu_count": need, **wider, **kept}
        return Fix(f"use {need} GPUs with tensor_parallel {count}", more, MORE_OF_THE_SAME)
    stated = {"gpu_count": machine.gpu_count} if facts.given.gpu_count is not None else {}
    return Fix(
        f"use {machine.id} ({machine.gpu_count:g} {gpu}) with tensor_parallel {count}",
        {"instance": machine.id, **stated, **wider} | (alone if machine.gpu_count > need else {}),
        MORE_OF_THE_SAME,
    )
