"""The files of a stack: its lock beside `Pulumi.<stack>.yaml`."""

from pathlib import Path
from typing import Any

from gpuyard.capacity.lock import lock_file_name
from gpuyard.capacity.lock_file import read_lock
from gpuyard.files import write_atomically

__all__ = ["load_lock_data", "write_atomically"]


def load_lock_data(directory: Path, stack: str) -> dict[str, Any]:
    """The stack's lock as plain data; empty where there is no file.

    Raises:
        SpecError: the file is there but broken.
    """
    path = directory / lock_file_name(stack)
    return read_lock(path).model_dump(mode="json") if path.exists() else {}
