"""What several tests of combinations share."""

import importlib.util
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from gpuyard.compat.combination import Combination, changed
from gpuyard.compat.reading import read_facts


@pytest.fixture(scope="session")
def known_good() -> Any:
    """The module of combinations that are known to run."""
    spec = importlib.util.spec_from_file_location("known_good", Path(__file__).parent / "known_good.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def forgotten(combination: Combination, changes: Mapping[str, Any]) -> list[str]:
    """What was known before and is not after ``changes``: a fix that forgets the GPU mends nothing."""
    before, after = read_facts(combination), read_facts(changed(combination, changes))
    named = [name for name in ("gpu", "sm", "model") if getattr(before, name)]
    return [name for name in named if not getattr(after, name)]


def lacks_gpus(combination: Combination) -> bool:
    """Whether the split has more ranks than there are GPUs."""
    facts = read_facts(combination)
    return bool(facts.count) and facts.tensor * (facts.given.pipeline_parallel or 1) > (facts.count or 0)
