"""Files that we write: whole or not at all."""

import os
import tempfile
from pathlib import Path

from gpuyard.errors import Finding, Severity, SpecError


def write_atomically(path: Path, text: str) -> None:
    """Write ``text`` to ``path``, whole or not at all; folders are created.

    Raises:
        SpecError: the place cannot be written.
    """
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.NamedTemporaryFile(
            "w", encoding="utf-8", dir=path.parent, prefix=f".{path.name}.", delete=False
        ) as draft:
            draft.write(text)
        try:
            os.chmod(draft.name, 0o644)  # noqa: PTH101 (a temporary file is 0600)
            os.replace(draft.name, path)  # noqa: PTH105
        except BaseException:
            os.unlink(draft.name)  # noqa: PTH108
            raise
    except OSError as error:
        raise SpecError(
            [
                Finding(
                    severity=Severity.ERROR,
                    code="CANNOT_WRITE",
                    path=str(path),
                    message=f"cannot be written: {error.strerror or error}",
                    fix="choose a directory that you may write to",
                )
            ]
        ) from None
