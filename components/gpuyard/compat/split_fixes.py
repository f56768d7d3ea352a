"""Other ways of splitting a model over the GPUs that were asked for."""

from collections.abc import Callable

from gpuyard.compat.facts import Facts
from gpuyard.compat.problem import Fix, set_field

_SIZES = (16, 12, 8, 7, 6, 5, 4, 3, 2, 1)
"""Tensor-parallel sizes to propose, largest first."""


def size_fixes(facts: Facts, size: int, fits: Callable[[int], bool]) -> tuple[Fix, ...]:
    """Each size below ``size`` that fits: alone, then with pipeline stages that keep the number of GPUs."""
    fixes = []
    sizes = [part for part in _SIZES if part < size and fits(part)]
    total = facts.tensor * facts.stages
    # machines come with 1, 2, 4 or 8 GPUs: odd sizes leave some idle
    for part in sorted(sizes, key=lambda part: (part & (part - 1) != 0, -part)):
        fixes.append(set_field("tensor_parallel", part, f"use tensor_parallel {part}"))
        if total % part == 0 and total // part > 1:
            fixes.append(
                Fix(
                    f"use tensor_parallel {part} with pipeline_parallel {total // part}",
                    {"tensor_parallel": part, "pipeline_parallel": total // part},
                )
            )
    return tuple(fixes)
