"""Where in the source something was asked for, without the paths of this machine."""

import sysconfig
from collections.abc import Iterable, Iterator
from pathlib import Path
from types import FrameType, TracebackType
from urllib.parse import unquote

_PACKAGE = str(Path(__file__).parent.parent)
_STANDARD_LIBRARY = sysconfig.get_path("stdlib")
_INSTALLED = "/site-packages/"


def find_place(frames: Iterable[tuple[str, int]], root: Path) -> str | None:
    """``file:line`` of the innermost frame of the program itself, relative to ``root``.

    ``frames`` are path and line, innermost first. Where no frame lies in the project, the innermost one
    of a package stands in (``gpuyard/aws/cluster.py:88``), or a bare file name.
    """
    fallback = None
    for path, line in frames:
        if not path or path.startswith("<"):
            continue
        name = path.replace("\\", "/")
        if _is_own(name, root):
            return f"{name.removeprefix(f'{root.as_posix()}/')}:{line}"
        if fallback is None:
            fallback = _elsewhere(name, line)
    return fallback


def project_place(frames: Iterable[tuple[str, int]], root: Path) -> str | None:
    """As `find_place`, but only for a line of the project."""
    own = [(path, line) for path, line in frames if _is_own(path.replace("\\", "/"), root)]
    return find_place(own, root)


def wire_frames(frames: Iterable[object]) -> Iterator[tuple[str, int]]:
    """Path and line of the frames of a request's stack trace, innermost first."""
    for frame in frames:
        position = frame.pc  # pyright: ignore[reportAttributeAccessIssue] (a protobuf message)
        yield unquote(position.uri.removeprefix("file://")), position.line


def call_frames(frame: FrameType | None) -> Iterator[tuple[str, int]]:
    """Path and line of ``frame`` and its callers."""
    while frame is not None:
        yield frame.f_code.co_filename, frame.f_lineno
        frame = frame.f_back


def raised_frames(trace: TracebackType | None) -> Iterator[tuple[str, int]]:
    """Path and line of a traceback, innermost first."""
    lines = []
    while trace is not None:
        lines.append((trace.tb_frame.f_code.co_filename, trace.tb_lineno))
        trace = trace.tb_next
    yield from reversed(lines)


def _is_own(name: str, root: Path) -> bool:
    """Whether the file is of the project: below its root, and no package that lies there too."""
    return (
        name.startswith(f"{root.as_posix()}/")
        and _INSTALLED not in name
        and not name.startswith(f"{_PACKAGE}/")
    )


def _elsewhere(name: str, line: int) -> str | None:
    if name.startswith(f"{_PACKAGE}/"):
        return f"gpuyard{name.removeprefix(_PACKAGE)}:{line}"
    if _INSTALLED in name:
        return f"{name.rpartition(_INSTALLED)[2]}:{line}"
    if name.startswith(f"{_STANDARD_LIBRARY}/"):
        return None
    return f"{name.rpartition('/')[2]}:{line}"
