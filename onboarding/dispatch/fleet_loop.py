"""The event loop that Procrastinate's worker needs, in a thread of its own; the face is sync.

This is the only file of the fleet with ``async`` work of its own to wait for, and one of three in
the package that own an event loop (``docs/adr/0004-procrastinate-has-an-event-loop.md``).
"""

from __future__ import annotations

import asyncio
import logging
import threading
from contextlib import suppress
from typing import Any, Final

import procrastinate

from onboarding.dispatch.fleet_queue import QUEUE, Heard, make_app
from onboarding.telemetry import log

#: How long a job may wait whose notification was not heard, and one that is due in a moment.
_POLL_S: Final = 1.0

_AGAIN_AFTER_S: Final = 2.0
_JOBS_AT_ONCE: Final = 8
_CONNECTIONS: Final = 4

# What is lost is told by us; without a handler Python would print it all by itself.
for _name in ("procrastinate", "psycopg.pool"):
    logging.getLogger(_name).addHandler(logging.NullHandler())


class JobRunner:
    """Fetches jobs and does what they say, until it is stopped.

    While the database cannot be used it tries again and again; the worker's own loops go on looking
    meanwhile.

    Args:
        conninfo: a libpq URL of the database.
        name: the worker's id.
        heard: called with the name of the loop that is to run; it must return at once.
    """

    def __init__(self, conninfo: str, name: str, heard: Heard) -> None:
        self._conninfo, self._name, self._heard = conninfo, name, heard
        self._thread = threading.Thread(target=self._run, name="onboarding-fleet", daemon=True)
        self._stopping = threading.Event()
        self._ready = threading.Event()
        self._loop: asyncio.AbstractEventLoop
        self._serving: asyncio.Task[None]

    def start(self) -> None:
        """Begin to fetch jobs."""
        self._thread.start()
        self._ready.wait()

    def stop(self, within_s: float) -> None:
        """Fetch no more; jobs are done in a moment, and what is not is left to the sweep."""
        self._stopping.set()
        if not self._thread.is_alive():
            return
        with suppress(RuntimeError):  # it ended meanwhile
            self._loop.call_soon_threadsafe(self._serving.cancel)
        self._thread.join(within_s)

    def _run(self) -> None:
        with suppress(asyncio.CancelledError):
            asyncio.run(self._serve_on())

    async def _serve_on(self) -> None:
        self._loop = asyncio.get_running_loop()
        self._loop.set_exception_handler(self._note_failed)
        self._serving = asyncio.ensure_future(self._serve_always())
        self._ready.set()
        await self._serving

    def _note_failed(self, _loop: asyncio.AbstractEventLoop, context: dict[str, Any]) -> None:
        """Tell of a task of the library's that failed unseen; asyncio would print its traceback."""
        error = context.get("exception")
        log.warning("fleet_task_failed", worker=self._name, error=type(error).__name__)

    async def _serve_always(self) -> None:
        while not self._stopping.is_set():
            try:
                await self._serve()
            except Exception as error:  # noqa: BLE001 - whatever the library meets, work must go on
                log.warning("fleet_queue_lost", worker=self._name, error=type(error).__name__)
            await asyncio.sleep(_AGAIN_AFTER_S)

    async def _serve(self) -> None:
        app = make_app(
            procrastinate.PsycopgConnector(
                conninfo=self._conninfo, min_size=1, max_size=_CONNECTIONS
            ),
            self._heard,
        )
        async with app.open_async():
            await app.run_worker_async(
                queues=[QUEUE],
                name=self._name,
                concurrency=_JOBS_AT_ONCE,
                fetch_job_polling_interval=_POLL_S,
                delete_jobs="successful",
                install_signal_handlers=False,
            )
