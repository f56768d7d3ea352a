"""What a simulated cloud holds, in memory or as one JSON file that several plugins share.

The file is meant to be read and edited: change a property, remove a resource, and the next refresh shows it.
One file belongs to one stack of one project: `state_file` says which.
"""

import json
import os
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from gpuyard.errors import Finding, GpuyardError, SpecError
from gpuyard.files import write_atomically

FORMAT = 1


@dataclass(slots=True, kw_only=True)
class Record:
    """One resource of the cloud."""

    type: str
    id: str
    name: str
    """Logical name in the program that made it."""
    urn: str
    scope: str
    """Region, project or cluster that it lies in."""
    seed: str
    created: float
    """Simulated seconds since the beginning."""
    properties: dict[str, Any]
    """Outputs, the inputs among them, by wire name. May hold secrets: the cloud knows them."""


@dataclass(slots=True)
class Book:
    """The whole content."""

    resources: dict[str, Record] = field(default_factory=dict)
    """By `record_key`."""
    struck: dict[str, int] = field(default_factory=dict)
    """How often each rule of a scenario has refused."""
    began: float | None = None
    """Unix time at which a real engine first asked; None: time is given by the caller."""
    made: dict[str, int] = field(default_factory=dict)
    """How often each URN was made: a replacement gets other ids."""

    def find(self, type_: str, scope: str, **properties: Any) -> Record | None:
        """The first resource of ``type_`` in ``scope`` with these properties (``id`` too)."""
        for record in self.resources.values():
            if record.type == type_ and record.scope == scope:
                known = {**record.properties, "id": record.id}
                if all(known.get(key) == value for key, value in properties.items()):
                    return record
        return None

    def in_scope(self, scope: str) -> list[Record]:
        """Every resource in ``scope``."""
        return [record for record in self.resources.values() if record.scope == scope]


def record_key(scope: str, type_: str, id_: str) -> str:
    """The key of a resource in the file: ids repeat between types and clusters."""
    return f"{scope} {type_} {id_}"


class Store:
    """A `Book` behind a lock."""

    def __init__(self, file: Path | None = None) -> None:
        self.file = file
        self._book = Book()
        self._lock = threading.RLock()

    @contextmanager
    def opened(self) -> Iterator[Book]:
        """The book, for this caller alone; what changed is written, also when the block refuses something.

        Raises:
            SpecError: the file is not a state of this simulation, or cannot be written.
        """
        with self._lock:
            if self.file is None:
                yield self._book
                return
            with _locked(self.file):
                before = self.file.read_text(encoding="utf-8") if self.file.exists() else ""
                book = _parse(before, self.file)
                try:
                    yield book
                except GpuyardError:  # a refusal counts
                    self._write(book, before)
                    raise
                self._write(book, before)

    def _write(self, book: Book, before: str) -> None:
        after = _render(book)
        if after != before and self.file is not None:
            write_atomically(self.file, after)
            self.file.chmod(0o600)  # a cloud keeps the secrets that it is given


def state_file(directory: Path, project: str, stack: str) -> Path:
    """The file of one stack's simulated clouds."""
    return directory / project / f"{stack}.json"


@contextmanager
def _locked(file: Path) -> Iterator[None]:
    try:
        file.parent.mkdir(parents=True, exist_ok=True)
        handle = os.open(file.with_name(f".{file.name}.lock"), os.O_CREAT | os.O_RDWR, 0o600)
    except OSError as error:
        raise SpecError(
            [
                _problem(
                    file, f"cannot be written: {error.strerror or error}", "choose another state directory"
                )
            ]
        ) from None
    try:
        import fcntl  # noqa: PLC0415 (POSIX only, as the plugins are; state in memory works everywhere)

        fcntl.flock(handle, fcntl.LOCK_EX)
        yield
    finally:
        os.close(handle)  # and the lock with it


def _render(book: Book) -> str:
    fields = ("type", "id", "name", "urn", "scope", "seed", "created", "properties")
    resources = {
        key: {name: getattr(record, name) for name in fields}
        for key, record in sorted(book.resources.items())
    }
    document = {
        "format": FORMAT,
        "began": book.began,
        "made": book.made,
        "struck": book.struck,
        "resources": resources,
    }
    return json.dumps(document, indent=1, sort_keys=False) + "\n"


def _parse(text: str, file: Path) -> Book:
    if not text.strip():
        return Book()
    try:
        data = json.loads(text)
        if data["format"] != FORMAT:
            reason = f"has format {data['format']}, not {FORMAT}"
            raise SpecError([_problem(file, reason, "remove it to start with empty clouds")])
        resources = {key: Record(**item) for key, item in data["resources"].items()}
        return Book(
            resources=resources, struck=dict(data["struck"]), began=data["began"], made=dict(data["made"])
        )
    except (ValueError, TypeError, KeyError) as error:
        reason = f"is no state of the simulated clouds: {error}"
        raise SpecError(
            [_problem(file, reason, "mend it, or remove it to start with empty clouds")]
        ) from None


def _problem(file: Path, message: str, fix: str) -> Finding:
    return Finding.error("SIMULATED_STATE", str(file), message, fix)
