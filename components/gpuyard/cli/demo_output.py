"""The folder that a command is to write to: tried before anything runs, as it was when nothing came."""

import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from gpuyard.errors import Finding, SpecError


@contextmanager
def output_folder(folder: Path) -> Iterator[Path]:
    """``folder``, made if need be and known to be writable; empty folders made here go again on failure.

    Raises:
        SpecError: it cannot be made or written.
    """
    made = [place for place in (folder, *folder.parents) if not place.exists()]
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=folder):
            pass
    except OSError as error:
        _remove_empty(made)
        raise SpecError([_problem(folder, error)]) from None
    try:
        yield folder
    finally:
        _remove_empty(made)


def _remove_empty(places: list[Path]) -> None:
    """Remove folders of ours that hold nothing, the innermost first."""
    for place in places:
        try:
            place.rmdir()
        except OSError:
            return


def _problem(folder: Path, error: OSError) -> Finding:
    return Finding.error(
        "CANNOT_WRITE",
        "--output",
        f"{folder} cannot be written: {error.strerror or error}",
        "choose a directory that you may write to",
        value=str(folder),
    )
