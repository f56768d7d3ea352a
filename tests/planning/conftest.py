"""Logged measurements, and cards that nobody rents by the hour."""

from dataclasses import replace
from pathlib import Path

import pytest
import yaml

from gpuyard.catalog.hardware import find_gpu
from gpuyard.catalog.models import find_model


def read_measurements():
    return yaml.safe_load(Path(__file__).with_name("measurements.yaml").read_text(encoding="utf-8"))


def gpu_with(memory_mib, like="l40s"):
    """A card of that memory; its id keeps it out of the A100's own defaults."""
    return replace(find_gpu(like), memory_mib=memory_mib)


@pytest.fixture(scope="session")
def llama():
    return find_model("meta-llama/Meta-Llama-3.1-8B")
