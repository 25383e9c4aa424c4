"""What a claim costs among 10,000 machines and among 1,000,000, on both databases.

The rows that were claimed are loaded as well, as every pass does. PostgreSQL is given memory for a
million machines: its default, 128 MB, holds a tenth of them, and the rest is read from files.
"""

from __future__ import annotations

import statistics
import tempfile
import time
from contextlib import AbstractContextManager
from datetime import UTC, datetime, timedelta

from sqlalchemy import Engine as Database
from sqlalchemy import text

from benchmarks.filled import filled
from benchmarks.measure import Measured
from onboarding.store import leases, onboardings
from onboarding.store.database import writing
from tests.postgres import PostgresServer, create_database

_FEW, _MANY = 10_000, 1_000_000
_BATCH, _ROUNDS = 100, 21
_MOST = 1.5
_MEMORY = "2GB"
_NOW = datetime(2026, 3, 2, 9, tzinfo=UTC)
_FAR = _NOW + timedelta(days=3)
_LEASE = timedelta(seconds=90)


def measure() -> list[Measured]:
    """Compare the medians of claims of 100, taken in turns from a small and a large database."""
    with PostgresServer(shared_buffers=_MEMORY) as server, tempfile.TemporaryDirectory() as folder:
        files = [f"sqlite:///{folder}/{size}.db" for size in (_FEW, _MANY)]
        return [
            _line("SQLite", *_compare(*files)),
            _line(
                f"PostgreSQL with {_MEMORY} of buffers, after a checkpoint",
                *_compare(*(create_database(server.url()) for _ in files)),
            ),
        ]


def _line(database: str, few: float, many: float) -> Measured:
    return Measured(
        what=f"claim of {_BATCH} due and the load of their rows, {_MANY:,} machines beside "
        f"{_FEW:,}, {database}",
        value=f"{many / few:.2f} x ({many * 1000:.1f} ms beside {few * 1000:.1f} ms)",
        bound=f"at most {_MOST} x",
        is_met=many / few <= _MOST,
    )


def _compare(few_url: str, many_url: str) -> tuple[float, float]:
    with _with_due(few_url, _FEW) as few, _with_due(many_url, _MANY) as many:
        taken: dict[Database, list[float]] = {few: [], many: []}
        for _ in range(_ROUNDS):
            for database, times in taken.items():
                times.append(_claim(database))
        return statistics.median(taken[few][1:]), statistics.median(taken[many][1:])


def _with_due(url: str, machines: int) -> AbstractContextManager[Database]:
    """Open a database of which the machines of all rounds are due."""
    return filled(url, machines, far=_FAR, due=_NOW, every=machines // (_BATCH * _ROUNDS))


def _checkpoint(database: Database) -> None:
    """Let PostgreSQL write all pages out: it logs the next change of each of them at full length.

    Without it the pages of the small database would be logged so in the first rounds only, while
    the large one has others in each round.
    """
    if database.dialect.name == "postgresql":
        with database.connect().execution_options(isolation_level="AUTOCOMMIT") as conn:
            conn.execute(text("CHECKPOINT"))


def _claim(database: Database) -> float:
    _checkpoint(database)
    started = time.perf_counter()
    with writing(database) as conn:
        claimed = leases.claim_due(
            conn,
            worker="benchmark",
            now=_NOW,
            real_now=datetime.now(UTC),
            lease_until=datetime.now(UTC) + _LEASE,
            wake_at=_NOW + _LEASE,
            definition=1,
            limit=_BATCH,
            soon=_NOW + timedelta(days=1),
        )
        rows = onboardings.load_onboardings(conn, [each.id for each in claimed])
    taken = time.perf_counter() - started
    assert len(rows) == _BATCH
    return taken
