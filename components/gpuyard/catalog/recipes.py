"""Published serving recipes: which variant of a model someone runs, on what, from which vLLM on."""

from collections.abc import Mapping
from functools import cache

from gpuyard.catalog.names import normalise
from gpuyard.catalog.tables import read_csv
from gpuyard.records import record


@record
class Recipe:
    """One variant of a model as the vLLM project's recipes list it."""

    model: str
    variant: str
    precision: str
    min_vllm_version: str
    """Empty: not stated."""
    hardware_verified: tuple[str, ...]
    """As the source writes it, e.g. ``h100 h200 mi300x``."""
    vram_minimum_gb: float | None
    """Parameters times bytes times 1.2: a rule of thumb of the source, not a measurement."""
    source: str
    as_of: str


def find_recipes(model: str) -> tuple[Recipe, ...]:
    """Recipes of the model of that id, its own repository's variants only; empty: none published."""
    return _by_model().get(normalise(model.rpartition("/")[2]), ())


@cache
def _by_model() -> Mapping[str, tuple[Recipe, ...]]:
    found: dict[str, list[Recipe]] = {}
    for row in read_csv("model_recipes"):
        key = normalise(row["model_id"].rpartition("/")[2])
        found.setdefault(key, []).append(_recipe(row))
    return {key: tuple(recipes) for key, recipes in found.items()}


def _recipe(row: Mapping[str, str]) -> Recipe:
    memory = row["vram_minimum_gb"]
    return Recipe(
        model=row["model_id"],
        variant=row["variant"],
        precision=row["precision"],
        min_vllm_version=row["min_vllm_version"],
        hardware_verified=tuple(row["hardware_verified"].split()),
        vram_minimum_gb=float(memory) if memory else None,
        source=row["source"],
        as_of=row["recipe_updated"],
    )
