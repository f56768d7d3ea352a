"""Making a stack's lock anew: what the deployment asks, what the catalog has, which rungs were in use."""

from dataclasses import dataclass
from difflib import unified_diff
from pathlib import Path

from gpuyard.capacity.ladder import Ladder, rank_offerings
from gpuyard.capacity.lock import Lock, lock_file_name
from gpuyard.capacity.lock_file import parse_lock_text, render_lock
from gpuyard.capacity.lock_making import active_rung, make_lock
from gpuyard.catalog.evidence import Evidence
from gpuyard.errors import SpecError
from gpuyard.stack.demands import known_of, make_demands
from gpuyard.stack.spec import Deployment


@dataclass(frozen=True, slots=True, kw_only=True)
class LockChange:
    """A lock before and after."""

    path: Path
    before: str
    """Text of the file; empty: there was none."""
    after: str
    lock: Lock
    moved: tuple[str, ...]
    """Endpoints whose active rung is another one now, in words."""
    unread: bytes = b""
    """A file that no lock could be read from: which rungs were in use is not known."""

    @property
    def is_changed(self) -> bool:
        """Whether writing would change the file."""
        return self.before != self.after

    def diff(self) -> str:
        """The change as a unified diff; empty: none."""
        lines = unified_diff(
            self.before.splitlines(keepends=True),
            self.after.splitlines(keepends=True),
            fromfile=self.path.name if self.before else "(no lock)",
            tofile=self.path.name,
        )
        return "".join(lines)


def renew_lock(
    stack: str,
    deployment: Deployment,
    directory: Path,
    *,
    evidence: Evidence | None = None,
    best: bool = False,
) -> LockChange:
    """The lock that `gpuyard lock` would write into ``directory``.

    The active rung of each endpoint is kept while it is in the ladder; ``best`` moves every endpoint to
    its best rung.

    Raises:
        SpecError: a demand that nothing meets, an unknown model, or a lock by a newer gpuyard.
    """
    path = directory / lock_file_name(stack)
    raw = _read(path)
    before = raw.decode("utf-8", errors="replace")
    previous = _previous(before, path.name)
    known = known_of(deployment, evidence)
    ladders: list[Ladder] = []
    in_use: list[tuple[str, str]] = []
    for demand in make_demands(deployment, directory):
        ladder = rank_offerings(demand, known, in_use)
        ladders.append(ladder)
        if ladder.rungs:
            active = ladder.rungs[active_rung(ladder, None if best else previous)]
            in_use.append((active.cloud, active.region))
    lock = make_lock(
        stack,
        ladders,
        known.today.isoformat(),
        None if best else previous,
        live=evidence.as_of if evidence else "",
        known=known,
    )
    return LockChange(
        path=path,
        before=before,
        after=render_lock(lock),
        lock=lock,
        moved=tuple(_moves(previous, lock)),
        unread=raw if previous is None else b"",
    )


def _read(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError:
        return b""


def _previous(text: str, name: str) -> Lock | None:
    """The lock so far; a broken one counts as none, one by a newer gpuyard is left alone.

    Raises:
        SpecError: written by a newer gpuyard.
    """
    if not text:
        return None
    try:
        return parse_lock_text(text, name)
    except SpecError as error:
        if any(finding.code == "LOCK_NEWER" for finding in error.findings):
            raise
        return None


def _moves(previous: Lock | None, lock: Lock) -> list[str]:
    """One line per endpoint that runs somewhere else from now on."""
    moves = []
    for name, locked in lock.endpoints.items():
        old = previous.endpoints.get(name) if previous else None
        now = locked.rungs[locked.active]
        if old is None:
            moves.append(f"{name}: new, on {now.label}")
        elif old.rungs[old.active].key != now.key:
            moves.append(f"{name}: {old.rungs[old.active].label} -> {now.label}")
    gone = [name for name in (previous.endpoints if previous else ()) if name not in lock.endpoints]
    return moves + [f"{name}: gone" for name in gone]
