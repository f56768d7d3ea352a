"""Files that we write: whole or not at all."""

import os
import tempfile
from pathlib import Path

from gpuyard.errors import Finding, SpecError


def write_atomically(path: Path, text: str) -> None:
    """Write ``text`` to ``path``, whole or not at all; folders are created.

    A link stays one: the file that it names is written. Devices and pipes are written into.

    Raises:
        SpecError: the place cannot be written.
    """
    try:
        if path.exists() and not path.is_file() and not path.is_dir():
            path.write_text(text, encoding="utf-8")  # not resolved: a pipe behind /dev/stdout has no path
            return
        target = path.resolve()
        target.parent.mkdir(parents=True, exist_ok=True)
        _replace(target, text)
    except OSError as error:
        raise SpecError(
            [
                Finding.error(
                    "CANNOT_WRITE",
                    str(path),
                    f"cannot be written: {error.strerror or error}",
                    "name a file in it" if path.is_dir() else "choose a directory that you may write to",
                )
            ]
        ) from None


def _replace(path: Path, text: str) -> None:
    draft = tempfile.NamedTemporaryFile(  # noqa: SIM115 (closed by the block below, before it is moved)
        "w", encoding="utf-8", dir=path.parent, prefix=f".{path.name}.", delete=False
    )
    try:
        with draft:
            draft.write(text)
        os.chmod(draft.name, 0o644)  # noqa: PTH101 (a temporary file is 0600)
        os.replace(draft.name, path)  # noqa: PTH105
    except BaseException:
        os.unlink(draft.name)  # noqa: PTH108
        raise
