"""Procrastinate: a worker that runs a full queue, eight jobs at once.

A job is fetched, run, and marked as succeeded; a trigger notes each as an event. Its task does
nothing.
"""

from __future__ import annotations

import asyncio
import sys
import time

import procrastinate
from procrastinate.types import JSONDict

from benchmarks.measure import tell_rate

_JOBS, _AT_ONCE = 1_000, 8

app = procrastinate.App(connector=procrastinate.PsycopgConnector())


@app.task(name="step")
async def step(number: int) -> None:
    """Stand for a step that needs no time of its own."""
    del number


async def run(url: str) -> None:
    """Fill the queue, and time how long one worker takes to empty it."""
    connector = procrastinate.PsycopgConnector(conninfo=url, min_size=_AT_ONCE, max_size=_AT_ONCE)
    with app.replace_connector(connector) as opened:
        async with opened.open_async():
            await opened.schema_manager.apply_schema_async()
            jobs: list[JSONDict] = [{"number": number} for number in range(_JOBS)]
            await step.batch_defer_async(*jobs)
            await connector.execute_query_async("ANALYZE")
            started = time.perf_counter()
            await opened.run_worker_async(wait=False, concurrency=_AT_ONCE)
            taken = time.perf_counter() - started
            rows = await connector.execute_query_one_async(
                "SELECT count(*) AS done FROM procrastinate_jobs WHERE status = 'succeeded'"
            )
    assert rows["done"] == _JOBS
    tell_rate(_JOBS, taken)


if __name__ == "__main__":
    asyncio.run(run(sys.argv[-1]))
