"""One worker process: its loops, its health, and how it stops."""

from __future__ import annotations

import ctypes
import gc
import os
import socket
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from functools import partial

from onboarding import __version__
from onboarding.core.timing import HOUR, earliest, iso
from onboarding.dispatch.loops import Loops
from onboarding.dispatch.skipping import Follower, SkippingClock, Standing
from onboarding.dispatch.stopping import Stop, on_signals
from onboarding.engine.adopting import adopt_rules
from onboarding.engine.alerting import tell_due
from onboarding.engine.batch_changes import judge_batches
from onboarding.engine.definition import DEFINITION
from onboarding.engine.delivering import deliver_due, forget_old
from onboarding.engine.escalate import escalate_due
from onboarding.engine.facade import Engine
from onboarding.engine.observe import observe_due
from onboarding.engine.pipeline import Pipeline
from onboarding.engine.pool_pass import pool_due
from onboarding.engine.restoring import look, notice
from onboarding.engine.sealing import seal_due
from onboarding.engine.slots import look_at_queues
from onboarding.errors import OnboardingError
from onboarding.store import (
    accounts,
    alerts,
    budgets,
    deadlines,
    journal,
    leases,
    outbox,
    pools,
    workers,
)
from onboarding.store.database import reading, writing
from onboarding.telemetry import log

_APART_S = 0.3
_HEARTBEAT_S = 10.0
_DEADLINES_S = 5.0
#: How often a worker looks whether a seal is due; it is once per ``seal_interval_minutes``.
_SEAL_S = 30.0
_KILLED = 137

#: Objects that come to be before the collector looks, by generation.
_COLLECT_AFTER = (10_000, 10, 10)
_M_ARENA_MAX = -8  # of malloc.h


class Worker:
    """Advances machines, reads lists and climbs ladders until it is stopped.

    The schema is checked when the engine is opened; a worker never changes it.

    Args:
        engine: an open engine; the worker does not close it.
    """

    def __init__(self, engine: Engine) -> None:
        self.context = engine.context
        self._pipeline = Pipeline(self.context, self.wake)
        limit, channels = self.context.settings.batch_size, self.context.channels
        self.loops = Loops(
            {
                "advance": self._pipeline.feed,
                "observe": lambda: observe_due(self.context, limit),
                "pool": lambda: pool_due(self.context, limit),
                "batches": lambda: judge_batches(self.context),
                "deadlines": lambda: (
                    escalate_due(self.context, limit) + tell_due(self.context, limit)
                ),
                "heartbeat": self._beat,
                "seal": lambda: seal_due(self.context),
                **{_loop_of(each): partial(deliver_due, self.context, each) for each in channels},
            },
            self.rests(),
        )
        self._stopped = threading.Event()
        self._woken_at = -_APART_S

    def rests(self) -> dict[str, float]:
        """Return how long each loop rests at most, in seconds."""
        poll = self.context.settings.poll_seconds
        return {
            "advance": poll,
            "observe": poll,
            "pool": poll,
            "batches": poll,
            "deadlines": _DEADLINES_S,
            "heartbeat": _HEARTBEAT_S,
            "seal": _SEAL_S,
            **dict.fromkeys(map(_loop_of, self.context.channels), poll),
        }

    def start(self) -> None:
        """Note the start, and begin.

        Raises:
            StoreError: the database cannot be written; nothing runs.
        """
        try:
            notice(self.context)
            adopt_rules(self.context)
            look_at_queues(self.context)
            held = look(self.context)
            with writing(self.context.database) as conn:
                workers.insert_worker(
                    conn,
                    self.context.worker,
                    datetime.now(UTC),
                    host=socket.gethostname(),
                    version=__version__,
                    definition=DEFINITION,
                    key_ids=self.context.vault.key_ids,
                )
        except OnboardingError:
            self._pipeline.close(0)
            raise
        self.loops.start()
        only_reads = held.restore.why if held else None
        log.info("worker_started", worker=self.context.worker, only_reads=only_reads)

    def wake(self) -> None:
        """Look at once whether anything is due.

        Outcomes come ten times a second while much is under way, each of them a reason to claim
        more; what else they may have made due can wait, until the next poll if no more come.
        """
        self.loops.wake("advance")
        now = time.monotonic()
        if now - self._woken_at >= _APART_S:
            self._woken_at = now
            self.loops.wake("observe", "pool", "batches")

    def stop(self) -> None:
        """Claim nothing more, let calls in flight be answered and written, and note the end.

        Returns after at most twice the total timeout of a call. What is unanswered then stays
        journaled, and is settled by probe after the next start.
        """
        if self._stopped.is_set():
            return
        self._stopped.set()
        until = time.monotonic() + self.context.policy.call_timeout.total_seconds() + 1
        self.loops.stop()
        left = self._pipeline.close(max(1.0, until - time.monotonic()))
        try:
            with writing(self.context.database) as conn:
                workers.stop_worker(conn, self.context.worker, datetime.now(UTC))
        except OnboardingError as error:
            log.error("worker_end_not_noted", worker=self.context.worker, message=str(error))
        log.info("worker_stopped", worker=self.context.worker, unanswered=left)

    def stands(self) -> Standing:
        """Say whether anything runs or is due, and set going what is.

        An open settle window and a lease count as busy: their seconds are real ones.
        """
        if not self.loops.is_idle or self._pipeline.in_flight:
            return Standing(is_idle=False)
        with reading(self.context.database) as conn:
            now = self.context.clock.now()
            unsettled = leases.leased(conn) or journal.count_settling(conn, now)
            due = {
                "advance": leases.next_due(conn, DEFINITION),
                "observe": accounts.next_account_due(conn, self.context.policy.list_interval),
                "pool": earliest(
                    pools.next_due(conn),
                    pools.next_list_due(conn, self.context.policy.list_interval),
                ),
                "deadlines": earliest(deadlines.next_rung_at(conn), alerts.next_alert_at(conn)),
            }
            messages = outbox.next_due(conn, list(self.context.channels))
        due |= {_loop_of(channel): at for channel, at in messages.items()}
        now_due = [loop for loop, at in due.items() if at is not None and at <= now]
        if now_due:
            self.loops.wake(*now_due)
        return Standing(is_idle=not now_due and not unsettled, next_due_at=earliest(*due.values()))

    def _beat(self) -> int:
        notice(self.context)
        runs = {name: iso(at) for name, at in self.loops.last_run.items()}
        with writing(self.context.database) as conn:
            workers.touch_worker(conn, self.context.worker, datetime.now(UTC), runs)
            budgets.forget_spent(conn, self.context.clock.now() - 2 * HOUR)
        forget_old(self.context)
        return 0


def _loop_of(channel: str) -> str:
    """Return the name of the loop that delivers to a channel: a slow one holds up no other."""
    return f"deliver {channel}"


def run_until_signalled(worker: Worker, on_start: Callable[[], None]) -> None:
    """Run a worker in this process until SIGTERM or SIGINT; the main thread only waits.

    The first signal drains: nothing new is claimed, calls in flight are answered and written.
    The second ends the process at once; its leases run out, and its calls are settled by probe.

    Args:
        worker: what to run.
        on_start: called once it runs.

    Raises:
        OnboardingError: the clock of a simulation was lost; the worker has drained.
    """
    stop, lost = Stop(), list[OnboardingError]()

    def on_signal() -> None:
        if stop.is_wanted:
            os._exit(_KILLED)
        stop.want()

    def on_lost(error: OnboardingError) -> None:
        lost.append(error)
        stop.want()

    on_signals(on_signal)
    collect_rarely()
    _share_arena()
    worker.start()
    on_start()
    with _following(worker, on_lost):
        stop.wait()
        _stop(worker)
    for error in lost:
        raise error


def collect_rarely() -> None:
    """Keep the collector from walking modules and statements again for every batch of rows.

    Batches make many objects and no cycles: walking them is a tenth of a worker's CPU otherwise.
    """
    gc.collect()
    gc.freeze()
    gc.set_threshold(*_COLLECT_AFTER)


def _share_arena() -> None:
    """Have all threads allocate from one arena, where the C library is glibc.

    It gives each thread an arena of its own, that never shrinks: a fourth of a worker's size,
    and for nothing, since one thread runs Python at a time.
    """
    libc = ctypes.CDLL(None)
    if hasattr(libc, "gnu_get_libc_version"):
        libc.mallopt(_M_ARENA_MAX, 1)


@contextmanager
def _following(worker: Worker, on_lost: Callable[[OnboardingError], None]) -> Iterator[None]:
    """Let a worker take part in a simulation whose clock it has; on another clock do nothing."""
    clock = worker.context.clock
    if not isinstance(clock, SkippingClock):
        yield
        return
    follower = Follower(clock, worker.context.worker, worker.stands, on_lost)
    follower.start()
    yield
    follower.stop()


def _stop(worker: Worker) -> None:
    """Stop in a thread, which leaves the main one free to hear the second signal."""
    stopping = threading.Thread(target=worker.stop, name="onboarding-stop")
    stopping.start()
    while stopping.is_alive():
        stopping.join(0.1)
