"""What a claim costs among 10,000 machines and among 1,000,000, on both databases."""

from __future__ import annotations

import statistics
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta

from cryptography.fernet import Fernet
from sqlalchemy import Engine as Database
from sqlalchemy import TextClause, bindparam, text

from benchmarks.measure import Measured
from onboarding import Engine, NumberRequest
from onboarding.store import onboardings
from onboarding.store.columns import Instant
from onboarding.store.database import open_database, writing
from onboarding.store.tables import onboarding as t
from tests.postgres import PostgresServer, create_database

_WABA = "102290129340398"
_FEW, _MANY = 10_000, 1_000_000
_BATCH, _ROUNDS = 100, 21
_MOST = 1.5
_NOW = datetime(2026, 3, 2, 9, tzinfo=UTC)
_FAR = _NOW + timedelta(days=3)


def measure() -> list[Measured]:
    """Compare the medians of claims of 100, taken in turns from a small and a large database."""
    with PostgresServer() as server, tempfile.TemporaryDirectory() as folder:
        files = [f"sqlite:///{folder}/{size}.db" for size in (_FEW, _MANY)]
        return [
            _line("SQLite", *_compare(*files)),
            _line("PostgreSQL", *_compare(*(create_database(server.url()) for _ in files))),
        ]


def _line(database: str, few: float, many: float) -> Measured:
    return Measured(
        what=f"claim of {_BATCH} due, {_MANY:,} machines beside {_FEW:,}, {database}",
        value=f"{many / few:.2f} x ({many * 1000:.1f} ms beside {few * 1000:.1f} ms)",
        bound=f"at most {_MOST} x",
        is_met=many / few <= _MOST,
    )


def _compare(few_url: str, many_url: str) -> tuple[float, float]:
    with _filled(few_url, _FEW) as few, _filled(many_url, _MANY) as many:
        taken: dict[Database, list[float]] = {few: [], many: []}
        for _ in range(_ROUNDS):
            for database, times in taken.items():
                times.append(_claim(database))
        return statistics.median(taken[few][1:]), statistics.median(taken[many][1:])


def _claim(database: Database) -> float:
    started = time.perf_counter()
    with writing(database) as conn:
        claimed = onboardings.claim_due(
            conn,
            worker="benchmark",
            now=_NOW,
            real_now=datetime.now(UTC),
            lease_until=datetime.now(UTC) + timedelta(seconds=90),
            wake_at=_FAR,
            definition=1,
            limit=_BATCH,
        )
    taken = time.perf_counter() - started
    assert len(claimed) == _BATCH
    return taken


@contextmanager
def _filled(url: str, machines: int) -> Iterator[Database]:
    """Open a database with so many machines, of which those of all rounds are due."""
    key = Fernet.generate_key().decode()
    with Engine.open(url, upgrade=True, secret_key=key) as engine:
        engine.add_account(_WABA, "EAAbenchmark")
        engine.request(
            NumberRequest(waba_id=_WABA, phone_number="+16315551000", display_name="Lucky Shrub")
        )
    database = open_database(url)
    with writing(database) as conn:
        every = machines // (_BATCH * _ROUNDS)
        conn.execute(
            _copies(database.dialect.name),
            {"machines": machines, "every": every, "due": _NOW, "far": _FAR},
        )
    with database.connect() as conn:
        conn.execution_options(isolation_level="AUTOCOMMIT").execute(text("ANALYZE"))
    yield database
    database.dispose()


def _copies(dialect: str) -> TextClause:
    """Return the statement that copies the one machine; those that are due lie all over."""
    own = {
        "id": "'m' || n",
        "number_key": "'k' || n",
        "next_due_at": "CASE WHEN n % :every = 0 THEN :due ELSE :far END",
    }
    names = ", ".join(column.name for column in t.columns)
    values = ", ".join(own.get(column.name, column.name) for column in t.columns)
    numbers, before = "generate_series(1, :machines) AS numbers(n)", ""
    if dialect == "sqlite":
        numbers = "numbers"
        before = (
            "WITH RECURSIVE numbers(n) AS "
            "(SELECT 1 UNION ALL SELECT n + 1 FROM numbers WHERE n < :machines) "
        )
    insert = f"{before}INSERT INTO onboarding ({names}) SELECT {values} FROM onboarding, {numbers}"  # noqa: S608 - our own names
    return text(insert).bindparams(bindparam("due", type_=Instant), bindparam("far", type_=Instant))
