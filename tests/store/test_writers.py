"""Many writers at once, in threads and in processes: nothing is lost and nothing is twice."""

from __future__ import annotations

import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from sqlalchemy import Engine

from onboarding.store import budgets, history
from onboarding.store.database import open_database
from tests.store.making import START, load, read, rows, store
from tests.store.writing_hard import write_hard

WRITERS, TURNS, ROWS = 4, 15, 6
ROOT = Path(__file__).parents[2]


@pytest.fixture
def shared(database: Engine) -> Engine:
    """A database with a few rows that are always due."""
    store(database, rows(ROWS))
    return database


def check(database: Engine, total: int) -> None:
    """Everything that was written must be there, once."""
    stored = [load(database, row.id) for row in rows(ROWS)]
    assert sum(row.tries for row in stored) == sum(row.history_seq for row in stored) == total
    assert read(database, lambda conn: list(history.verify_all(conn))) == [None] * ROWS
    assert read(database, lambda c: budgets.load_used(c, ["app"], START)) == {"app": total}
    assert all(row.lease_owner is None for row in stored)


def test_threads_with_one_engine_lose_nothing(shared: Engine) -> None:
    with ThreadPoolExecutor(WRITERS) as pool:
        done = list(pool.map(lambda n: write_hard(shared, f"writer {n}", TURNS), range(WRITERS)))
    check(shared, sum(done))


def test_threads_with_an_engine_each_lose_nothing(url: str, shared: Engine) -> None:
    def work(place: int) -> int:
        own = open_database(url)
        try:
            return write_hard(own, f"writer {place}", TURNS)
        finally:
            own.dispose()

    with ThreadPoolExecutor(WRITERS) as pool:
        done = list(pool.map(work, range(WRITERS)))
    check(shared, sum(done))


def test_processes_lose_nothing(url: str, shared: Engine) -> None:
    command = [sys.executable, "-m", "tests.store.writing_hard", url]
    running = [
        subprocess.Popen(
            [*command, f"writer {n}", str(TURNS)], stdout=subprocess.PIPE, text=True, cwd=ROOT
        )
        for n in range(WRITERS)
    ]
    done = [int(process.communicate(timeout=60)[0]) for process in running]
    assert [process.returncode for process in running] == [0] * WRITERS
    check(shared, sum(done))
