"""Ctrl-C while a program runs: raised once, at the edge, and never lost."""

import asyncio
import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any


@contextmanager
def interruptible(loop: asyncio.AbstractEventLoop) -> Iterator[None]:
    """Let SIGINT stop ``loop`` and come out of the block as KeyboardInterrupt.

    Raised inside one of the SDK's coroutines it may be caught there, and whoever waits for that coroutine
    waits for ever. A second one is raised where the program is, for programs that never give way. Does
    nothing on other threads, and where somebody else handles the signal.
    """
    is_ours = (
        threading.current_thread() is threading.main_thread()
        and signal.getsignal(signal.SIGINT) is signal.default_int_handler
    )
    if not is_ours:
        yield
        return
    asked = False

    def handle(_signal: int, _frame: Any) -> None:
        nonlocal asked
        if asked:
            raise KeyboardInterrupt
        asked = True
        loop.call_soon_threadsafe(loop.stop)

    signal.signal(signal.SIGINT, handle)
    try:
        yield
    except RuntimeError:  # a loop that was stopped says so
        if asked:
            raise KeyboardInterrupt from None
        raise
    finally:
        signal.signal(signal.SIGINT, signal.default_int_handler)
    if asked:  # it came when everything was done already
        raise KeyboardInterrupt
