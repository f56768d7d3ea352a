"""Where a program runs: its folder, its import path, its modules; everything global is put back afterwards.

Pulumi's language host makes the program's folder the working directory and the head of ``sys.path``, and
runs it as ``__main__``; so does this.
"""

import importlib
import os
import runpy
import sys
import sysconfig
from collections.abc import Callable, Iterator
from contextlib import contextmanager, redirect_stdout
from io import StringIO
from pathlib import Path
from types import ModuleType

from gpuyard.errors import Finding, SpecError

_INSTALLED = tuple({sysconfig.get_path(key) for key in ("stdlib", "platstdlib", "purelib", "platlib")})
_HOST_VARIABLES = ("PULUMI_CONFIG", "PULUMI_CONFIG_SECRET_KEYS")
"""What the language host sets itself; a value left over in this process must not reach the program."""


def find_main(program: Path) -> Path:
    """The file that starts ``program``, which is a folder or such a file.

    Raises:
        SpecError: there is none.
    """
    main = program / "__main__.py" if program.is_dir() else program
    if main.is_file():
        return main.resolve()
    raise SpecError(
        [
            Finding.error(
                "NO_PROGRAM",
                f"Pulumi.yaml: main: {program.name}",
                "there is no Python program" + ("; the folder has no __main__.py" * program.is_dir()),
                "put a __main__.py there, or let main name the program's folder",
            )
        ]
    )


def load_main(main: Path) -> Callable[[], None]:
    """The program of that file as a function; a ``__main__.py`` is run as its folder, as Pulumi does."""
    place = main.parent if main.name == "__main__.py" else main

    def run() -> None:
        runpy.run_path(str(place), run_name="__main__")

    return run


@contextmanager
def program_place(folder: Path | None) -> Iterator[StringIO]:
    """The surroundings of a program of ``folder`` (None: a function, which stays where it is).

    Yields what the program printed: on a terminal of Pulumi's that becomes log messages.
    """
    printed = StringIO()
    with _kept_environment(), redirect_stdout(printed):
        if folder is None:
            yield printed
            return
        before, path, arguments = Path.cwd(), list(sys.path), list(sys.argv)
        with _own_modules(folder):
            os.chdir(folder)
            sys.path.insert(0, str(folder))
            sys.argv = [str(folder)]
            importlib.invalidate_caches()
            try:
                yield printed
            finally:
                os.chdir(before)
                sys.path[:] = path
                sys.argv = arguments


@contextmanager
def _kept_environment() -> Iterator[None]:
    before = dict(os.environ)
    for name in _HOST_VARIABLES:
        os.environ.pop(name, None)
    try:
        yield
    finally:
        os.environ.clear()
        os.environ.update(before)


@contextmanager
def _own_modules(folder: Path) -> Iterator[None]:
    """Modules of the folder are imported afresh, and forgotten afterwards: the next program has its own.

    A module of another place that has the name of one in the folder steps aside meanwhile.
    """
    names = {entry.stem for entry in folder.iterdir() if entry.suffix == ".py" or entry.is_dir()}
    aside: dict[str, ModuleType] = {}
    for name, module in list(sys.modules.items()):
        if name != "__main__" and name.partition(".")[0] in names and not _is_installed(module):
            aside[name] = sys.modules.pop(name)
    try:
        yield
    finally:
        prefix = f"{folder}{os.sep}"
        for name, module in list(sys.modules.items()):
            if name != "__main__" and _file(module).startswith(prefix) and not _is_installed(module):
                del sys.modules[name]
        sys.modules.update(aside)


def _is_installed(module: ModuleType) -> bool:
    file = _file(module)
    return not file or file.startswith(_INSTALLED)


def _file(module: ModuleType) -> str:
    if not issubclass(type(module), ModuleType):  # cffi's only say that they are modules
        return str(getattr(module, "__file__", None) or "")
    # past the module's own look-up: asking must not load one that waits for its first use
    return str(ModuleType.__getattribute__(module, "__dict__").get("__file__") or "")
