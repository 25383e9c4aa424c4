"""What a program waits for that runs until it is told to stop."""

from __future__ import annotations

import signal
from collections.abc import Callable
from queue import Empty, SimpleQueue


class Stop:
    """A wish to stop, which signal handlers and other threads may have.

    It is no ``threading.Event``: a handler runs within whatever the main thread does, and if that
    holds the event's lock just then, ``set()`` waits for it for ever. A ``SimpleQueue`` may be put
    into at any moment.
    """

    def __init__(self) -> None:
        self._wishes: SimpleQueue[None] = SimpleQueue()
        self.is_wanted = False

    def want(self) -> None:
        """Wish to stop."""
        self.is_wanted = True
        self._wishes.put(None)

    def wait(self, seconds: float | None = None) -> bool:
        """Wait until it is wanted, or for so long; return whether it is. One thread may wait."""
        if not self.is_wanted:
            try:
                self._wishes.get(timeout=seconds)
            except Empty:
                return False
        return self.is_wanted


def on_signals(do: Callable[[], object]) -> None:
    """Have SIGTERM and SIGINT do something, in the main thread."""
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: do())
