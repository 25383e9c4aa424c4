"""The one small client of Graph.

Callers see plain functions and may be any number of threads. The client sends a call once:
repeating is decided elsewhere, by what is known of the call's effect.
"""

from __future__ import annotations

import ssl
import threading
from collections.abc import Iterable
from queue import SimpleQueue
from typing import TYPE_CHECKING, Self

from onboarding.errors import GraphError
from onboarding.graph.calls import GraphCall, GraphResult
from onboarding.graph.results import Results
from onboarding.graph.wire import Wire

if TYPE_CHECKING:
    from onboarding.graph.loop import Loop


class GraphClient:
    """Sends calls to Graph: ``with GraphClient(Wire(...)) as client: client.send_one(call)``.

    Thread-safe. Each call is sent at most once (a read again where Meta does not know a field
    of it), follows no redirect and has one total timeout. Nothing that it raises, logs or returns
    holds a token, a PIN or a code.
    """

    def __init__(self, wire: Wire) -> None:
        """Nothing is opened yet."""
        self._wire = wire
        self._lock = threading.Lock()  # orders submissions before the end
        self._is_open: bool | None = None
        self._trusted: ssl.SSLContext | None = None
        self._loop: Loop | None = None

    def __enter__(self) -> Self:
        self.open()
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def open(self) -> None:
        """Let calls be sent. The loop is started by the first; a closed client stays closed.

        Raises:
            GraphError: it was opened before.
            ConfigurationError: the certificates to trust cannot be read.
        """
        with self._lock:
            if self._is_open is not None:
                raise GraphError("The Graph client was opened before.", hint="Make a new one.")
            self._trusted = self._wire.trusted()
            self._is_open = True

    def start(self) -> None:
        """Start the loop now, if the client is open: the first call then waits for nothing."""
        with self._lock:
            if self._is_open:
                self._started()

    def close(self) -> None:
        """Give up all calls and end the loop; may be called again, and from any thread.

        Every call that is still open gets its result: ``unknown`` if its request had left,
        else ``unsent``.
        """
        with self._lock:
            if self._is_open:
                self._is_open = False
                if self._loop is not None:
                    self._loop.stop()
        if self._loop is not None:
            self._loop.join()

    def send(
        self, calls: Iterable[GraphCall], into: SimpleQueue[GraphResult] | None = None
    ) -> Results:
        """Send calls at once and return their results as they arrive, not in order.

        A slow answer holds no other back. The calls go out whether the results are read or not.

        Args:
            calls: what to send.
            into: a queue that the results arrive in; several sends may share one, and then the
                queue is read instead of what this returns.

        Raises:
            GraphError: the client is not open; nothing was sent.
        """
        batch = tuple(calls)
        arrived: SimpleQueue[GraphResult] = SimpleQueue() if into is None else into
        with self._lock:
            if not self._is_open:
                raise GraphError("The Graph client is not open.", hint="Open a new client.")
            self._started().submit(batch, arrived)
        return Results(arrived, len(batch))

    def send_one(self, call: GraphCall) -> GraphResult:
        """Send one call and wait for its result.

        Raises:
            GraphError: the client is not open; nothing was sent.
        """
        return next(self.send((call,)))

    def _started(self) -> Loop:
        if self._loop is None:
            # Most commands make no call, and start in three quarters of the time without it.
            from onboarding.graph.loop import Loop  # noqa: PLC0415

            self._loop = Loop(self._wire, self._trusted)
        return self._loop
