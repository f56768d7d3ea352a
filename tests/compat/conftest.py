"""What several tests of combinations share."""

import importlib.util
from pathlib import Path
from typing import Any

import pytest


@pytest.fixture(scope="session")
def known_good() -> Any:
    """The module of combinations that are known to run."""
    spec = importlib.util.spec_from_file_location("known_good", Path(__file__).parent / "known_good.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module
