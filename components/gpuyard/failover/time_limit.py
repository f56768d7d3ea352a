"""What ends a try before it ends by itself: its time limit, or a cloud that refuses the machines.

Both cancel the command gracefully: one interrupt, and a second one if it has not ended in time.
"""

import threading
from collections.abc import Callable, Sequence

GRACE_S = 600
"""How long a cancelled operation may take to end by itself before it is ended."""


class TimeLimit:
    """The limit of one try: once more as long where the machines are there when it is over."""

    def __init__(
        self,
        limit_s: float,
        *,
        is_there: Callable[[], bool],
        interrupt: Callable[[], None],
        report: Callable[[str], None],
    ) -> None:
        self._limit_s, self._is_there, self._interrupt, self._report = limit_s, is_there, interrupt, report
        self._timers: list[threading.Timer] = []
        self.is_late = False
        self.refusals: Sequence[tuple[str, str]] = ()
        """What the cloud said where it cut the try, as URN and message."""

    @property
    def is_cut(self) -> bool:
        """Whether it ended the try."""
        return self.is_late or bool(self.refusals)

    def start(self) -> None:
        """From now on."""
        self._after(self._limit_s, self._look)

    def stop(self) -> None:
        """The try is over."""
        for timer in self._timers:
            timer.cancel()

    def cut(self, refusals: Sequence[tuple[str, str]]) -> None:
        """The cloud has refused what is missing."""
        self.refusals = refusals
        self._cancel("the cloud refuses the machines that are missing")

    def _look(self, *, is_last: bool = False) -> None:
        if not is_last and self._is_there():
            self._report("machines are there; what comes after them may take as long again")
            self._after(self._limit_s, lambda: self._look(is_last=True))
            return
        self.is_late = True
        self._cancel("the time limit of this rung is over")

    def _cancel(self, because: str) -> None:
        self._report(f"{because}: cancelling")
        self._interrupt()
        self._after(GRACE_S, self._interrupt)

    def _after(self, seconds: float, call: Callable[[], None]) -> None:
        timer = threading.Timer(seconds, call)
        timer.daemon = True
        self._timers.append(timer)
        timer.start()
