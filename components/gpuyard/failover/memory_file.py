"""The failure memory on disk: `capacity.<stack>.failures.yaml`, beside the lock.

Written whole or not at all. Two writers at once lose nothing: each reads again, changes and writes under a
lock. A file that a person broke is a finding; what can be read of it counts, and before the file is
written again the broken one is kept under another name.
"""

import contextlib
import hashlib
import os
import tempfile
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import yaml
from pydantic import AwareDatetime, Field, field_validator

from gpuyard.errors import Finding, Severity, SpecError
from gpuyard.failover.candidate import epoch_seconds
from gpuyard.failover.failure import UNTIL_CHANGED, UNTIL_NEVER, Failure, FailureClass
from gpuyard.failover.memory import Memory
from gpuyard.failover.scope import Scope
from gpuyard.files import write_atomically
from gpuyard.parsing import Spec, parse_spec

try:
    import fcntl
except ImportError:  # not POSIX: writers are then not serialised, the file is still replaced whole
    fcntl = None

MEMORY_VERSION = 1
_LOADER = getattr(yaml, "CSafeLoader", yaml.SafeLoader)


@dataclass(frozen=True, slots=True, kw_only=True)
class MemoryFile:
    """What a file holds, and what is wrong with it."""

    memory: Memory
    findings: tuple[Finding, ...] = ()
    """Problems; what could be read is in `memory` all the same."""

    @property
    def is_newer(self) -> bool:
        """Whether a newer gpuyard wrote it: then it must not be written over."""
        return any(finding.code == "MEMORY_NEWER" for finding in self.findings)


class _Scope(Spec):
    cloud: str = Field(min_length=1)
    region: str = ""
    zones: tuple[str, ...] = ()
    machine_type: str = ""
    purchase: str = ""
    bucket: str = ""
    reservation: str = ""


class _Entry(Spec):
    kind: FailureClass = Field(alias="class")
    scope: _Scope
    since: AwareDatetime
    until: str
    times: int = Field(default=1, ge=1)
    evidence: str = ""
    rule: str = ""
    remedy: str = ""

    @field_validator("until")
    @classmethod
    def _a_time_or_a_word(cls, value: str) -> str:
        if value not in (UNTIL_CHANGED, UNTIL_NEVER) and epoch_seconds(value) is None:
            raise ValueError(
                f'"{value}" is neither a time such as 2026-11-26T14:00:00Z nor changed nor never'
            )
        return value


def memory_file_name(stack: str) -> str:
    """Name of the stack's memory, which lies beside its lock."""
    return f"capacity.{stack}.failures.yaml"


def read_memory(path: Path) -> MemoryFile:
    """The memory at ``path``; empty where there is no file. Never raises: problems are findings."""
    try:
        text = path.read_text(encoding="utf-8")
    except FileNotFoundError:
        return MemoryFile(memory=Memory())
    except (OSError, UnicodeDecodeError) as error:
        return _nothing(path.name, f"cannot be read: {error.__class__.__name__}")
    return parse_memory(text, path.name)


def parse_memory(text: str, name: str = "failures") -> MemoryFile:
    """The memory from a file's text; every problem is a finding, every sound entry counts."""
    try:
        data = yaml.load(text, _LOADER)  # noqa: S506 (a safe loader)
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        place = f"{name}:{mark.line + 1}:{mark.column + 1}" if mark else name
        return _nothing(place, f"is not YAML: {getattr(error, 'problem', None) or 'cannot be parsed'}")
    if data is None:
        return MemoryFile(memory=Memory())
    if not isinstance(data, Mapping):
        return _nothing(name, "must be a mapping with `version` and `failures`")
    version, rows = data.get("version"), data.get("failures", [])
    if isinstance(version, int) and version > MEMORY_VERSION:
        message = f"was written by a newer gpuyard (version {version}, this one reads {MEMORY_VERSION})"
        return _nothing(name, message, "MEMORY_NEWER", "upgrade gpuyard; the file was left as it is")
    findings: list[Finding] = []
    if version != MEMORY_VERSION:
        findings.append(_problem(f"{name}.version", f"must be {MEMORY_VERSION}, not {version!r}"))
    if not isinstance(rows, list):
        findings.append(_problem(f"{name}.failures", "must be a list"))
        rows = []
    memory = Memory()
    for index, row in enumerate(rows):
        try:
            entry = parse_spec(_Entry, _with_times_as_text(row), f"{name}.failures[{index}]")
        except SpecError as error:
            findings += [
                replace(item, severity=Severity.WARNING, code="MEMORY_INVALID") for item in error.findings
            ]
        else:
            found = _failure(entry)
            memory = memory.merge(Memory(entries={(found.kind, found.scope): found}))
    return MemoryFile(memory=memory, findings=tuple(findings))


def render_memory(stack: str, memory: Memory) -> str:
    """The file's text: one entry per class and scope, oldest first."""
    head = (
        f"# What clouds refused {stack}, and until when it is not tried again. Written by `gpuyard up`;\n"
        "# `gpuyard capacity` shows it, `gpuyard up --forget CLASS` clears it. `until: changed` waits for a\n"
        "# person (a higher quota, a free subnet), `until: never` is for good.\n"
    )
    ordered = sorted(memory.failures, key=lambda item: (item.since, item.scope.describe(), str(item.kind)))
    data = {"version": MEMORY_VERSION, "stack": stack, "failures": [_row(item) for item in ordered]}
    return head + yaml.safe_dump(data, sort_keys=False, width=110, allow_unicode=True)


def update_memory(path: Path, stack: str, change: Callable[[Memory], Memory]) -> Memory:
    """Apply ``change`` to what the file at ``path`` holds now; write the result and return it.

    A broken file is first copied to ``<name>.broken-<n>``. Nothing is written where nothing changes.

    Raises:
        SpecError: the file is by a newer gpuyard, or cannot be written.
    """
    with _only_writer(path):
        there = read_memory(path)
        if there.is_newer:
            raise SpecError(there.findings)
        memory = change(there.memory)
        if there.findings:
            _set_aside(path)
        if there.findings or memory != there.memory:
            write_atomically(path, render_memory(stack, memory))
        return memory


def _row(item: Failure) -> dict[str, Any]:
    row: dict[str, Any] = {
        "class": str(item.kind),
        "scope": item.scope.as_dict(),
        "since": _iso(item.since),
        "until": item.open_ended if item.until is None else _iso(item.until),
        "times": item.times,
        "evidence": item.evidence,
        "rule": item.rule,
        "remedy": item.remedy,
    }
    return {key: value for key, value in row.items() if value != ""}


def _failure(entry: _Entry) -> Failure:
    until = epoch_seconds(entry.until)
    return Failure(
        kind=entry.kind,
        scope=Scope(**entry.scope.model_dump()),
        since=entry.since.timestamp(),
        until=until,
        open_ended=entry.until if until is None else "",
        times=entry.times,
        evidence=entry.evidence,
        rule=entry.rule,
        remedy=entry.remedy,
    )


def _with_times_as_text(row: Any) -> Any:
    """YAML reads some times by itself, a zone or none; text says the same everywhere. Naive ones are UTC."""
    if not isinstance(row, Mapping):
        return row
    return {
        key: value.replace(tzinfo=value.tzinfo or UTC).isoformat() if isinstance(value, datetime) else value
        for key, value in row.items()
    }


def _iso(seconds: float) -> str:
    return datetime.fromtimestamp(round(seconds), UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def _set_aside(path: Path) -> None:
    """Copy the broken file to a name that is free; nothing is ever overwritten."""
    number = 1
    while (kept := path.with_name(f"{path.name}.broken-{number}")).exists():
        number += 1
    with contextlib.suppress(OSError):
        kept.write_bytes(path.read_bytes())


@contextlib.contextmanager
def _only_writer(path: Path) -> Iterator[None]:
    """Hold the writers' lock of ``path``; it lies in the temporary folder, so that no stray file is left."""
    if fcntl is None:
        yield
        return
    name = hashlib.sha256(str(path.resolve()).encode()).hexdigest()[:24]
    handle = os.open(Path(tempfile.gettempdir()) / f"gpuyard-{name}.lock", os.O_RDWR | os.O_CREAT, 0o600)
    try:
        fcntl.flock(handle, fcntl.LOCK_EX)
        yield
    finally:
        os.close(handle)


def _nothing(path: str, message: str, code: str = "MEMORY_INVALID", fix: str = "") -> MemoryFile:
    return MemoryFile(memory=Memory(), findings=(_problem(path, message, code, fix),))


def _problem(path: str, message: str, code: str = "MEMORY_INVALID", fix: str = "") -> Finding:
    return Finding(
        severity=Severity.ERROR if code == "MEMORY_NEWER" else Severity.WARNING,
        code=code,
        path=path,
        message=message,
        fix=fix or "mend it, or delete the entry; entries that can be read count meanwhile",
    )
