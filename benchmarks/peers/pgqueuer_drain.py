"""pgqueuer: draining a full queue with its default durability, in batches of 100.

As its tuning guide advises: asyncpg on uvloop, one connection for the consumer, its autovacuum
settings. A job is picked, run, and moved to the log; its handler does nothing.
"""

from __future__ import annotations

import sys
import time

import asyncpg
import uvloop
from pgqueuer import PgQueuer
from pgqueuer.db import AsyncpgDriver
from pgqueuer.models import Job
from pgqueuer.queries import Queries
from pgqueuer.types import QueueExecutionMode

from benchmarks.measure import tell_rate

_JOBS, _BATCH = 20_000, 100


async def drain(url: str) -> None:
    """Fill the queue, and time how long one consumer takes to empty it."""
    queries = Queries(AsyncpgDriver(await asyncpg.connect(url)))
    await queries.install()
    await queries.optimize_autovacuum()
    await queries.enqueue(["step"] * _JOBS, [b"1"] * _JOBS, [0] * _JOBS)
    await queries.driver.execute("VACUUM ANALYZE pgqueuer")
    consumer = PgQueuer(AsyncpgDriver(await asyncpg.connect(url)))
    done = 0

    @consumer.entrypoint("step")
    async def step(_job: Job) -> None:
        nonlocal done
        done += 1

    started = time.perf_counter()
    await consumer.run(batch_size=_BATCH, mode=QueueExecutionMode.drain)
    taken = time.perf_counter() - started
    assert done == _JOBS
    tell_rate(done, taken)


if __name__ == "__main__":
    uvloop.run(drain(sys.argv[-1]))
