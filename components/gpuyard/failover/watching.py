"""Hearing a refusal while the engine still waits: a node group may hang for half an hour on a stockout.

A thread asks, every so often, what the cloud has said of each group of machines that is being made. Where
every one that is still missing was refused, the try is cut. Knows no cloud: `discovery.watch` asks.
"""

import threading
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field

from gpuyard.failover.classify import classify
from gpuyard.failover.failure import FailureClass

EVERY_S = 20.0
"""Between two rounds of questions."""
PATIENCE_S = 180.0
"""How long a stockout must be told without anything coming: clouds repeat the attempt, in other zones too."""
QUIET_S = 60.0
"""Silence that ends a row of refusals: between two attempts a cloud says nothing."""
_FINAL = frozenset(
    {
        FailureClass.QUOTA,
        FailureClass.NOT_SOLD,
        FailureClass.RESERVATION_UNUSABLE,
        FailureClass.PERMISSION,
        FailureClass.ACCOUNT,
    }
)
"""What no repetition changes."""
_PASSING = frozenset({FailureClass.STOCKOUT, FailureClass.RESERVATION_EMPTY, FailureClass.ADDRESS_SPACE})


@dataclass(frozen=True, slots=True, kw_only=True)
class Machines:
    """A node group or node pool that is being made."""

    urn: str
    cloud: str
    """``aws`` or ``gcp``."""
    name: str
    """In the cloud, where it may differ from the URN's."""
    cluster: str
    location: str = ""
    """Google's location of the cluster; empty: that of the rung."""
    project: str = ""


Watching = Callable[[Machines], Iterable[str]]
"""What the cloud has said against them, newest first; nothing where nothing is wrong, or unknown."""


@dataclass(slots=True, kw_only=True)
class Watcher:
    """Watches one try. `expect` and `done` are told by the engine's events; `cut` is called at most once."""

    watching: Watching
    missing: Callable[[], Iterable[str]]
    """Names (ends of URNs) of machines that are not there yet, those that nobody began included."""
    cut: Callable[[tuple[tuple[str, str], ...]], None]
    """Told the refusals, as URN and message."""
    now: Callable[[], float] = time.monotonic
    _begun: dict[str, Machines] = field(default_factory=dict)
    _heard: dict[str, tuple[float, float]] = field(default_factory=dict)
    """First and last time of an unbroken row of refusals, by name."""
    _over: threading.Event = field(default_factory=threading.Event)

    def start(self, every_s: float = EVERY_S) -> None:
        """Ask every so often on a thread, until `stop` or a cut."""

        def work() -> None:
            while not self._over.wait(every_s):
                self.look()

        threading.Thread(target=work, name="watcher", daemon=True).start()

    def stop(self) -> None:
        """Ask no more."""
        self._over.set()

    def expect(self, machines: Machines) -> None:
        """These are being made from now on."""
        self._begun[machines.urn.rpartition("::")[2]] = machines

    def look(self) -> None:
        """One round: ask about everything that is missing, and cut where all of it was refused."""
        missing = set(self.missing())
        refusals = []
        for name in sorted(missing & set(self._begun)):
            text = self._refusal(name, self._begun[name])
            if text:
                refusals.append((self._begun[name].urn, text))
        if missing and len(refusals) == len(missing) and not self._over.is_set():
            self._over.set()
            self.cut(tuple(refusals))

    def _refusal(self, name: str, machines: Machines) -> str:
        """What settles that the machines will not come; empty: they may."""
        told = [(text, classify(text, machines.cloud).kind) for text in self.watching(machines)]
        final = next((text for text, kind in told if kind in _FINAL), "")
        if final:
            return final
        passing = next((text for text, kind in told if kind in _PASSING), "")
        now = self.now()
        first, last = self._heard.get(name, (now, now))
        if not passing:
            return ""
        first = first if now - last <= QUIET_S else now
        self._heard[name] = (first, now)
        return passing if now - first >= PATIENCE_S else ""
