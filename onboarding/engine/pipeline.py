"""Calls in flight: sent as soon as they are journaled, and written down as they are answered.

One thread gathers the answers of all batches and commits them in groups, so that a slow answer
holds up nobody but its own machine.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Sequence
from queue import Empty, SimpleQueue

from onboarding.engine.advance import claim_due
from onboarding.engine.context import Context
from onboarding.engine.intents import Sent, write_intents
from onboarding.engine.outcomes import GROUP, GROUP_WAIT_S, write_outcomes
from onboarding.graph.calls import GraphResult
from onboarding.telemetry import log


class Pipeline:
    """Keeps up to ``max_in_flight`` calls of one worker on their way.

    Args:
        ctx: the engine's parts.
        on_outcomes: called after each group that was written, from the gathering thread.
    """

    def __init__(self, ctx: Context, on_outcomes: Callable[[], None]) -> None:
        self._ctx = ctx
        self._on_outcomes = on_outcomes
        self._arrived: SimpleQueue[GraphResult | None] = SimpleQueue()
        self._in_flight: dict[str, Sent] = {}
        self._lock = threading.Lock()
        self._thread = threading.Thread(
            target=self._gather, name="onboarding-outcomes", daemon=True
        )
        self._thread.start()

    @property
    def in_flight(self) -> int:
        """How many calls were journaled and have no outcome written yet."""
        with self._lock:
            return len(self._in_flight)

    def feed(self) -> int:
        """Claim what is due, as far as there is room, and send it; return how many were claimed."""
        room = self._ctx.settings.max_in_flight - self.in_flight
        if room <= 0:
            return 0
        claimed = claim_due(self._ctx, min(room, self._ctx.settings.batch_size))
        if claimed:
            self._send(write_intents(self._ctx, claimed))
        return len(claimed)

    def _send(self, sent: Sequence[Sent]) -> None:
        with self._lock:
            self._in_flight |= {each.operation.id: each for each in sent}
        self._ctx.graph.send([each.call for each in sent], into=self._arrived)  # type: ignore[arg-type]  # the queue also carries the end mark

    def close(self, within_s: float) -> int:
        """Wait for the calls in flight, then end; return how many were left unanswered.

        What is left is journaled as pending, and settled by probe after the next start.
        """
        until = time.monotonic() + within_s
        while self.in_flight and time.monotonic() < until:
            time.sleep(0.01)
        self._arrived.put(None)
        self._thread.join(within_s)
        return self.in_flight

    def _gather(self) -> None:
        while (first := self._arrived.get()) is not None:
            group, ended = [first], False
            until = time.monotonic() + GROUP_WAIT_S
            # Waiting for more is worth it only while more is on its way.
            while len(group) < min(GROUP, self.in_flight) and not ended:
                try:
                    more = self._arrived.get(timeout=max(0.0, until - time.monotonic()))
                except Empty:
                    break
                if more is None:
                    ended = True
                else:
                    group.append(more)
            self._write(group)
            if ended:
                return

    def _write(self, group: Sequence[GraphResult]) -> None:
        with self._lock:
            answered = [(self._in_flight[result.call.tag], result) for result in group]
        try:
            write_outcomes(self._ctx, answered)
        except Exception:  # noqa: BLE001 - the thread must go on; the calls stay journaled
            log.exception("outcomes_not_written", calls=len(answered))
        with self._lock:
            for sent, _ in answered:
                del self._in_flight[sent.operation.id]
        self._on_outcomes()
