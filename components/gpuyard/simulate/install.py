"""Writes the provider plugins as executables into one folder that PATH can carry.

Each is a two-line shell script that starts this very Python; nothing in it is fit to be committed.
"""

import shlex
import sys
from pathlib import Path

from gpuyard.errors import Finding, SpecError
from gpuyard.files import write_atomically
from gpuyard.simulate.plugin import PACKAGES, STATE_VARIABLE


def install_plugins(directory: Path) -> tuple[Path, ...]:
    """Write ``pulumi-resource-aws``, ``-gcp`` and ``-kubernetes`` into ``directory``, which is created.

    Unless the environment says otherwise they keep their state in ``<directory>/state``.

    Raises:
        SpecError: the directory cannot be written.
    """
    directory = directory.absolute()
    python, state = shlex.quote(sys.executable), shlex.quote(str(directory / "state"))
    written = []
    for package in PACKAGES:
        file = directory / f"pulumi-resource-{package}"
        write_atomically(
            file,
            "#!/bin/sh\n"
            f'[ -n "${STATE_VARIABLE}" ] || {STATE_VARIABLE}={state}; export {STATE_VARIABLE}\n'
            f'exec {python} -m gpuyard.simulate.plugin {package} "$@"\n',
        )
        try:
            file.chmod(0o755)
        except OSError as error:
            raise SpecError([_problem(file, str(error.strerror or error))]) from None
        written.append(file)
    return tuple(written)


def _problem(file: Path, reason: str) -> Finding:
    return Finding.error(
        "CANNOT_WRITE",
        str(file),
        f"cannot be made executable: {reason}",
        "choose a directory on a file system that keeps permissions",
    )
