"""Where sizes come from: the row of the model, and of the GPU unless its memory is stated."""

from gpuyard.catalog.hardware import Gpu
from gpuyard.catalog.models import ModelShape
from gpuyard.compat.facts import Facts
from gpuyard.compat.sourced import join_sources

BY_NAME = "the size in the model's name"


def size_source(facts: Facts) -> str:
    """What weights and cache, and the memory that they must fit, are computed from."""
    return join_sources("" if facts.model else BY_NAME, *(row.source for row in _rows(facts)))


def size_date(facts: Facts) -> str:
    """The older date of the two; empty: neither is a row of the catalog."""
    return min((row.as_of for row in _rows(facts)), default="")


def _rows(facts: Facts) -> list[ModelShape | Gpu]:
    gpu = facts.gpu if facts.given.gpu_mem_mib is None else None
    return [row for row in (facts.model, gpu) if row is not None]
