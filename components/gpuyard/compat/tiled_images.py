"""Llama 3.2 Vision in vLLM's older engine, which encoded an image per sequence before it sized the cache."""

from collections.abc import Iterator

from gpuyard.catalog.quantizations import HALF
from gpuyard.compat.facts import Facts
from gpuyard.compat.memory_fixes import weight_fixes
from gpuyard.compat.problem import Fix, Problem, set_field
from gpuyard.compat.sizes import size_date, size_source
from gpuyard.compat.sourced import join_sources
from gpuyard.planning.memory import usable_bytes
from gpuyard.planning.parallel import Split
from gpuyard.units import GIB, MIB, format_bytes

ARCHITECTURE = "MllamaForConditionalGeneration"
RELEASES = ((0, 6, 1, 3), (0, 10, 0, 0))
"""First vLLM with the model, and the first whose engine does so no more."""
_PATCHES = 4 * 1601
"""Of one image: four tiles, published config.json."""
_WIDTH, _INNER = 1280, 5120
_KEPT = 10
"""Tensors of that width at the peak: five layers' results, the last one and its copies."""
_SEQUENCES = 256
_FEW = (16, 8, 4, 2, 1)
"""vLLM's own example and users go down to the first."""
REPORTED = "vllm-project/vllm#8826, #9163, #10034"
_SURE = 70 * GIB
"""Larger GPUs are not judged: nobody tells of one that was too small."""


def tiled_image_problems(facts: Facts, split: Split, weights: float, share: float) -> Iterator[Problem]:
    """As many images as sequences against what weights leave."""
    model = facts.model
    if model is None or model.architecture != ARCHITECTURE or facts.runtime != "vllm":
        return
    first, last = RELEASES
    if not first <= facts.version < last or (facts.memory_mib or 0) * MIB > _SURE:
        return
    images = int(facts.given.max_num_seqs or _SEQUENCES)
    image = _PATCHES * HALF * (_KEPT * _WIDTH + _INNER / split.tensor)
    need = images * image
    left = usable_bytes(facts.memory_mib or 0, share) - weights
    if need > left:
        yield Problem(
            "MEMORY_KV",
            "max_num_seqs",
            f"images of {images} sequences take {format_bytes(need)} before the cache is sized; "
            f"weights ({format_bytes(weights)}) leave {format_bytes(max(left, 0))}",
            (*_fewer(images, left / image), *weight_fixes(facts)),
            source=join_sources(REPORTED, size_source(facts)),
            as_of=size_date(facts),
        )


def _fewer(images: int, most: float) -> tuple[Fix, ...]:
    fitting = (few for few in _FEW if few < images and few <= most)
    return tuple(set_field("max_num_seqs", few, f"use max_num_seqs {few}") for few in fitting)
