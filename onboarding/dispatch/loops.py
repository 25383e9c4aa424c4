"""The fixed loops of one worker process, run by APScheduler from memory.

Nothing waits in the scheduler: what is due stands in the database, and a loop only looks. A loop
also runs at once when it is woken, so that the interval is an upper bound and not the pace.
"""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Mapping
from datetime import UTC, datetime

from apscheduler.executors.pool import ThreadPoolExecutor
from apscheduler.jobstores.base import JobLookupError
from apscheduler.schedulers.background import BackgroundScheduler

from onboarding.telemetry import log

Work = Callable[[], int]

# A loop that is woken while it runs is told so by our own flag; APScheduler's warning is noise.
logging.getLogger("apscheduler").setLevel(logging.ERROR)


class Loops:
    """Runs each piece of work again and again until it finds nothing to do, then rests.

    Args:
        works: what to run, by the loop's name; each returns how much it found to do.
        interval_s: the longest rest of each loop, in seconds, by name.
    """

    def __init__(self, works: Mapping[str, Work], interval_s: Mapping[str, float]) -> None:
        self._works = dict(works)
        self._running: set[str] = set()
        self._woken: set[str] = set()
        self._lock = threading.Lock()
        self._stopping = threading.Event()
        self.last_run: dict[str, datetime] = {}
        self._scheduler = BackgroundScheduler(
            timezone=UTC,
            executors={"default": ThreadPoolExecutor(len(works) + 1)},
            job_defaults={"coalesce": True, "max_instances": 1, "misfire_grace_time": None},
        )
        for name in works:
            self._scheduler.add_job(
                self._run,
                "interval",
                args=[name],
                id=name,
                seconds=interval_s[name],
                next_run_time=datetime.now(UTC),
            )

    def start(self) -> None:
        """Start all loops; each runs at once."""
        self._scheduler.start()

    def wake(self, *names: str) -> None:
        """Make loops (all of them by default) run now; one that runs already runs once more."""
        with self._lock:
            self._woken |= set(names or self._works)
        for name in names or self._works:
            try:
                self._scheduler.modify_job(name, next_run_time=datetime.now(UTC))
            except JobLookupError:
                return  # stopped meanwhile

    @property
    def is_idle(self) -> bool:
        """Whether no loop runs, and none was woken that has not run since."""
        with self._lock:
            return not self._running and not self._woken

    def stop(self) -> None:
        """Let running loops end their present round, and start no other."""
        self._stopping.set()
        if self._scheduler.running:
            self._scheduler.shutdown(wait=True)

    def _run(self, name: str) -> None:
        with self._lock:
            self._running.add(name)
        try:
            while not self._stopping.is_set():
                with self._lock:
                    self._woken.discard(name)
                if not self._works[name]() and self._rests(name):
                    break
        except Exception as error:  # noqa: BLE001 - a loop must outlive whatever happens in it
            log.error("loop_failed", loop=name, error=type(error).__name__, message=str(error))
            log.debug("loop_failed_details", loop=name, exc_info=True)
        finally:
            with self._lock:
                self._running.discard(name)
            self.last_run[name] = datetime.now(UTC)

    def _rests(self, name: str) -> bool:
        """Rest, unless the loop was woken meanwhile; in one step, so that no wake-up is lost."""
        with self._lock:
            if name in self._woken:
                return False
            self._running.discard(name)
            return True
