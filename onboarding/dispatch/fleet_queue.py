"""The queue of a fleet: Procrastinate's tables in our own PostgreSQL, and what is put there.

A job is a hint and never the truth: all that is due stands on the machines' rows, and a job only
makes some worker look at once instead of at the next sweep. So a job that comes twice or late finds
nothing to do, and one that is lost costs a sweep.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import datetime, timedelta
from typing import Final

import procrastinate
from procrastinate.exceptions import ProcrastinateException
from procrastinate.jobs import Job, Status
from sqlalchemy import Connection, Engine, inspect, text

from onboarding.clock import Clock
from onboarding.errors import SchemaError
from onboarding.store.database import reading, writing
from onboarding.telemetry import log

QUEUE: Final = "onboarding"
WAKE: Final = "onboarding.wake"

#: How often somebody in the fleet looks for what is due: what the loss of a job costs.
SWEEP_S: Final = 5

#: Every so many seconds, once in the whole fleet: which loop of a worker runs.
_TICKS: Final = {"advance": SWEEP_S, "observe": SWEEP_S, "deadlines": SWEEP_S}
_TIDY_AT: Final = "*/10 * * * *"

#: A worker of Procrastinate that was silent for so long is dead, and its jobs are swept away.
_DEAD_AFTER_S: Final = 60
_KEEP_FAILED_H: Final = 24

_TABLE: Final = "procrastinate_jobs"
_UPGRADE_LOCK: Final = 0x6F6E62_666C74  # any number that nobody else locks

#: Runs loops of this process.
Heard = Callable[[str], None]


def upgrade_queue(database: Engine) -> bool:
    """Make Procrastinate's tables if they are missing; any number of processes may do so at once.

    Returns:
        Whether they were made just now.

    Raises:
        StoreError: the database cannot be used, or its user may not make tables.
    """
    with writing(database, script=True) as conn:
        conn.execute(text("SELECT pg_advisory_xact_lock(:lock)"), {"lock": _UPGRADE_LOCK})
        if inspect(conn).has_table(_TABLE):
            return False
        # Without parameters the driver takes many statements at once, and leaves a % alone.
        made = procrastinate.schema.SchemaManager.get_schema()
        conn.execution_options(no_parameters=True).exec_driver_sql(made)
        return True


def require_queue(database: Engine) -> None:
    """Refuse to work without Procrastinate's tables.

    Raises:
        SchemaError: they are missing.
    """
    with reading(database) as conn:
        if not inspect(conn).has_table(_TABLE):
            raise SchemaError(
                "the tables of the fleet's queue are missing",
                hint="run: onboarding db upgrade --fleet",
            )


class JobWaker:
    """Enqueues a job for each machine that is due soon, in the transaction that made it so.

    Later wake-ups are left to the sweep: what waits for days must not wait in a queue. A machine
    has one waiting job at most (``queueing_lock``). ``lock`` is never used: a killed worker would
    hold it for ever.

    Args:
        clock: business time.
    """

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._app = procrastinate.App(connector=procrastinate.SyncPsycopgConnector())

    def wake(self, conn: Connection, due: Mapping[str, datetime]) -> None:
        """Enqueue; if that fails, the transaction goes on without, and the sweep finds them."""
        now = self._clock.now()
        soon = {id_: at for id_, at in due.items() if at <= now + timedelta(seconds=SWEEP_S)}
        if not soon:
            return
        try:
            with conn.begin_nested():  # an error ends the transaction up to here and no further
                self._enqueue(conn, soon, now)
        except ProcrastinateException as error:
            log.info("wake_ups_left_to_sweep", onboardings=len(soon), error=type(error).__name__)

    def _enqueue(self, conn: Connection, soon: Mapping[str, datetime], now: datetime) -> None:
        locks = [f"m:{id_}" for id_ in soon]
        raw = conn.connection.driver_connection
        # One that waits already would have all of them refused.
        waiting = {row["queueing_lock"] for row in self._waiting(raw, locks)}
        jobs = [
            Job(
                id=None,
                queue=QUEUE,
                lock=None,
                queueing_lock=f"m:{id_}",
                task_name=WAKE,
                task_kwargs={"onboarding_id": id_},
                scheduled_at=at if at > now else None,
            )
            for id_, at in soon.items()
            if f"m:{id_}" not in waiting
        ]
        if jobs:
            self._app.job_manager.batch_defer_jobs(jobs, connection=raw)

    def _waiting(self, raw: object, locks: list[str]) -> list[dict[str, object]]:
        connector = self._app.connector.get_sync_connector()
        return connector.execute_query_all_with_connection(
            raw,
            "SELECT queueing_lock FROM procrastinate_jobs"
            " WHERE status = 'todo' AND queueing_lock = ANY(%(locks)s)",
            locks=locks,
        )


def make_app(connector: procrastinate.PsycopgConnector, heard: Heard) -> procrastinate.App:
    """Return the application that a worker of the fleet runs.

    Args:
        connector: how it reaches the database.
        heard: called with the name of the loop that is to run.
    """
    app = procrastinate.App(connector=connector)

    @app.task(name=WAKE, queue=QUEUE)
    async def wake(onboarding_id: str) -> None:  # noqa: ARG001 - for who looks into the queue
        heard("advance")

    for loop, every_s in _TICKS.items():
        _add_tick(app, loop, every_s, heard)

    @app.periodic(cron=_TIDY_AT, periodic_id="tidy")
    @app.task(name="onboarding.tidy", queue=QUEUE, queueing_lock="onboarding.tidy")
    async def tidy(timestamp: int) -> None:  # noqa: ARG001 - Procrastinate gives it
        await _tidy(app)

    return app


def _add_tick(app: procrastinate.App, loop: str, every_s: int, heard: Heard) -> None:
    """Have a loop run every so often by one worker of the fleet, whichever that is."""
    name = f"onboarding.{loop}"

    @app.periodic(cron=f"* * * * * */{every_s}", periodic_id=loop)
    @app.task(name=name, queue=QUEUE, queueing_lock=name, priority=1)
    async def tick(timestamp: int) -> None:  # noqa: ARG001 - Procrastinate gives it
        heard(loop)


async def _tidy(app: procrastinate.App) -> None:
    """Take away the jobs that killed workers left behind, and what failed a while ago."""
    stalled = await app.job_manager.get_stalled_jobs(
        queue=QUEUE, seconds_since_heartbeat=_DEAD_AFTER_S
    )
    for job in stalled:
        await app.job_manager.finish_job(job, status=Status.FAILED, delete_job=True)
    await app.job_manager.delete_old_jobs(
        nb_hours=_KEEP_FAILED_H, queue=QUEUE, include_failed=True, include_cancelled=True
    )
