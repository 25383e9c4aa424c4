"""A worker of a fleet: jobs of the whole fleet wake it, instead of its own looking all the time."""

from __future__ import annotations

from dataclasses import replace
from typing import Final

from onboarding.dispatch.fleet_loop import JobRunner
from onboarding.dispatch.fleet_queue import JobWaker, require_queue
from onboarding.dispatch.worker import Worker
from onboarding.engine.facade import Engine

#: How long a loop rests that no job wakes: what holds if Procrastinate itself stands still.
_FLOOR_S: Final = 30.0

_STOP_WITHIN_S: Final = 5.0


class FleetWorker(Worker):
    """A worker whose loops run when a job of the fleet's queue says so.

    It claims, sends, writes and drains exactly as every worker does.

    Args:
        engine: an open engine on PostgreSQL; from now on what it changes wakes the fleet.

    Raises:
        SchemaError: the tables of the queue are missing.
    """

    def __init__(self, engine: Engine) -> None:
        database = engine.context.database
        require_queue(database)
        engine.context = replace(engine.context, waker=JobWaker(engine.context.clock))
        super().__init__(engine)
        url = database.url.set(drivername="postgresql").render_as_string(hide_password=False)
        self._runner = JobRunner(url, self.context.worker, self.loops.wake)

    def start(self) -> None:
        """Note the start, and begin.

        Raises:
            StoreError: the database cannot be written; nothing runs.
        """
        super().start()
        self._runner.start()

    def stop(self) -> None:
        """Fetch no more jobs, then stop as every worker does."""
        self._runner.stop(_STOP_WITHIN_S)
        super().stop()

    def rests(self) -> dict[str, float]:
        """Return how long each loop rests at most, in seconds."""
        return super().rests() | dict.fromkeys(("advance", "observe", "deadlines"), _FLOOR_S)
