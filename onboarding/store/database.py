"""Connections: how each database is opened, read and written."""

from __future__ import annotations

import sqlite3
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, nullcontext
from pathlib import Path
from typing import Any, TypeVar
from weakref import WeakKeyDictionary

from sqlalchemy import URL, Connection, Engine, create_engine, event, make_url
from sqlalchemy.exc import (
    ArgumentError,
    DBAPIError,
    IntegrityError,
    InvalidatePoolError,
    NoSuchModuleError,
    TimeoutError,  # noqa: A004 - of the pool
)
from sqlalchemy.pool import ConnectionPoolEntry

from onboarding.errors import ConfigurationError, StoreError
from onboarding.store.pipelining import pipelined, send_together
from onboarding.store.refusals import explain, is_taken

T = TypeVar("T")

_READ_ONLY = "onboarding_read_only"
_TRIES = 5
_CONNECT_TIMEOUT_S = 10

#: A connection that was not used for so long is asked first whether it still is one.
_RESTED_S = 0.2

#: How a transaction that only reads is begun. PostgreSQL would let each statement of it see another
#: state, so that a history which grows meanwhile would not match its head.
_READING: dict[str, dict[str, Any]] = {
    "sqlite": {_READ_ONLY: True},
    "postgresql": {"isolation_level": "REPEATABLE READ", "postgresql_readonly": True},
}

#: One lock per SQLite engine: its threads take turns here, in order and at once, instead of
#: sleeping in SQLite's busy handler until the one writer is done.
_turns: WeakKeyDictionary[Engine, threading.Lock] = WeakKeyDictionary()


def open_database(url: str, *, busy_timeout_s: float = 30.0) -> Engine:
    """Return an engine for the database at the URL; nothing is read or made yet.

    SQLite runs in WAL mode with ``synchronous=FULL``: with less, a power cut may undo an intent
    whose call was sent already. Writing transactions begin IMMEDIATE, because a transaction that
    reads first and writes later loses updates.

    Raises:
        ConfigurationError: the URL is not one, or its driver is not installed.
    """
    try:
        parsed = make_url(url)
        if parsed.get_backend_name() == "sqlite":
            return _open_sqlite(url, busy_timeout_s)
        return _open_server(parsed)
    except (ArgumentError, NoSuchModuleError, ImportError) as error:
        raise _unusable(error) from None


def _open_server(url: URL) -> Engine:
    if url.drivername == "postgresql":
        url = url.set(drivername="postgresql+psycopg")
    waits = {} if "connect_timeout" in url.query else {"connect_timeout": _CONNECT_TIMEOUT_S}
    try:
        # The connection that rested least is used next: it needs no ping, and knows its statements.
        engine = create_engine(
            url, pool_size=10, max_overflow=20, pool_use_lifo=True, connect_args=waits
        )
    except ImportError:
        if url.get_backend_name() != "postgresql":
            raise
        raise ConfigurationError(
            "PostgreSQL needs its driver, which is not installed",
            hint="run: pip install 'onboarding[postgres]'",
        ) from None
    _speak_utc(engine)
    _ping_rested(engine)
    send_together(engine)
    return engine


def _speak_utc(engine: Engine) -> None:
    """Have instants come in UTC, whatever zone the server is in.

    In a zone whose clocks change a day has not always 24 hours, and two instants may be equal.
    """

    @event.listens_for(engine, "connect")
    def _set_zone(connection: Any, _record: Any) -> None:
        connection.execute("SET TIME ZONE 'UTC'")
        connection.commit()


def _ping_rested(engine: Engine) -> None:
    """Have a connection that rested asked whether it still is one, before it is used again.

    One that was in use a moment ago is not asked: a step alone has three transactions, and would
    pay for three questions. A server that went away in that moment is met by the first statement.
    """

    @event.listens_for(engine, "checkin")
    def _note(_connection: Any, record: ConnectionPoolEntry) -> None:
        record.info["used_at"] = time.monotonic()

    @event.listens_for(engine, "checkout")
    def _ask(connection: Any, record: ConnectionPoolEntry, _proxy: Any) -> None:
        used_at = record.info.get("used_at")
        if used_at is None or time.monotonic() - used_at < _RESTED_S:
            return
        try:
            engine.dialect.do_ping(connection)
        except engine.dialect.loaded_dbapi.Error as error:
            raise InvalidatePoolError("the server closed the connection") from error


def _unusable(error: Exception) -> ConfigurationError:
    return ConfigurationError(
        f"the database URL cannot be used ({type(error).__name__})",
        hint="set ONBOARDING_DATABASE_URL like sqlite:///onboarding.db "
        "or postgresql://USER@HOST/DATABASE",
    )


def _open_sqlite(url: str, busy_timeout_s: float) -> Engine:
    # The driver stays in autocommit and BEGIN is said by us: its own implicit BEGIN is DEFERRED.
    engine = create_engine(
        url, connect_args={"timeout": busy_timeout_s, "check_same_thread": False}
    )
    _turns[engine] = threading.Lock()

    @event.listens_for(engine, "connect")
    def _connect(connection: sqlite3.Connection, _record: Any) -> None:
        connection.isolation_level = None
        for pragma in (
            "journal_mode=WAL",
            "synchronous=FULL",
            "foreign_keys=ON",
            "recursive_triggers=ON",
            "cache_size=-1000",  # KiB; a worker has half a dozen, and the system keeps pages too
        ):
            connection.execute(f"PRAGMA {pragma}")

    @event.listens_for(engine, "begin")
    def _begin(conn: Connection) -> None:
        read_only = conn.get_execution_options().get(_READ_ONLY, False)
        conn.exec_driver_sql("BEGIN" if read_only else "BEGIN IMMEDIATE")

    return engine


@contextmanager
def writing(engine: Engine, *, script: bool = False) -> Iterator[Connection]:
    """Open one transaction that writes; it commits at the end, or rolls back on an error.

    On PostgreSQL the error of a statement that returns nothing may be raised by a later one, or by
    the commit.

    Args:
        engine: the database.
        script: whether it runs migrations, or texts of many statements: each waits for its answer.

    Raises:
        StoreError: the database is read-only, full, locked, of another schema or unreachable.
    """
    with (
        _explained(engine),
        _turns.get(engine, nullcontext()),
        engine.connect() as conn,
        nullcontext() if script else pipelined(conn),
        conn.begin(),
    ):
        yield conn


@contextmanager
def reading(engine: Engine) -> Iterator[Connection]:
    """Open one transaction that only reads: it sees one state of the database throughout."""
    with (
        _explained(engine),
        engine.connect().execution_options(**_READING[engine.dialect.name]) as conn,
        conn.begin(),
    ):
        yield conn


def again_if_unlucky(transaction: Callable[[], T]) -> T:
    """Run a whole transaction, and again if the database gave it up for the sake of another.

    Rows are locked in one order everywhere (onboarding by id, deadline, account, budget, breaker),
    so that this is rare; what is left are the orders that PostgreSQL chooses within a statement.

    Raises:
        StoreError: as ``writing``; or it was given up too often.
    """
    for _ in range(_TRIES):
        try:
            return transaction()
        except StoreError as error:
            if not error.is_given_up:
                raise
            last = error
    raise last


def again_if_raced(transaction: Callable[[], T]) -> T:
    """Run a whole transaction, and again if another stored meanwhile what it found to be missing.

    Its second look finds that. On SQLite, whose writers take turns, it never comes to this.

    Raises:
        StoreError: as ``again_if_unlucky``.
    """
    for _ in range(_TRIES):
        try:
            return again_if_unlucky(transaction)
        except IntegrityError as error:
            if not is_taken(error):
                raise
            last = error
    raise last


@contextmanager
def _explained(engine: Engine) -> Iterator[None]:
    try:
        yield
    except DBAPIError as error:
        if explained := explain(engine.url, error):
            raise explained from None
        raise
    except TimeoutError as error:
        raise StoreError(
            "all connections to the database are in use",
            hint="try again, or use fewer threads in one process",
        ) from error


def sqlite_path(url: str) -> Path | None:
    """Return the file of a SQLite URL, ``None`` for other databases and for memory.

    Raises:
        ConfigurationError: not a database URL.
    """
    try:
        parsed = make_url(url)
    except ArgumentError as error:
        raise _unusable(error) from None
    if parsed.get_backend_name() != "sqlite" or parsed.database in (None, "", ":memory:"):
        return None
    return Path(str(parsed.database))
