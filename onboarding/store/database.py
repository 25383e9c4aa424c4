"""Connections: how each database is opened, and what its refusals mean for people."""

from __future__ import annotations

import sqlite3
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, nullcontext
from pathlib import Path
from typing import Any, TypeVar
from weakref import WeakKeyDictionary

from sqlalchemy import Connection, Engine, create_engine, event, make_url
from sqlalchemy.exc import ArgumentError, DBAPIError, NoSuchModuleError, OperationalError

from onboarding.errors import ConfigurationError, StoreError

T = TypeVar("T")

_READ_ONLY = "onboarding_read_only"

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
        return create_engine(parsed, pool_pre_ping=True, pool_size=10, max_overflow=20)
    except (ArgumentError, NoSuchModuleError, ImportError) as error:
        raise _unusable(error) from None


def _unusable(error: Exception) -> ConfigurationError:
    return ConfigurationError(
        f"the database URL cannot be used ({type(error).__name__})",
        hint="set ONBOARDING_DATABASE_URL like sqlite:///onboarding.db",
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
        ):
            connection.execute(f"PRAGMA {pragma}")

    @event.listens_for(engine, "begin")
    def _begin(conn: Connection) -> None:
        read_only = conn.get_execution_options().get(_READ_ONLY, False)
        conn.exec_driver_sql("BEGIN" if read_only else "BEGIN IMMEDIATE")

    return engine


@contextmanager
def writing(engine: Engine) -> Iterator[Connection]:
    """Open one transaction that writes; it commits at the end, or rolls back on an error.

    Raises:
        StoreError: the database is read-only, full, locked, of another schema or unreachable.
    """
    with _explained(engine), _turns.get(engine, nullcontext()), engine.begin() as conn:
        yield conn


@contextmanager
def reading(engine: Engine) -> Iterator[Connection]:
    """Open one transaction that only reads: it sees one state of the database throughout."""
    with (
        _explained(engine),
        engine.connect().execution_options(**{_READ_ONLY: True}) as conn,
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


@contextmanager
def _explained(engine: Engine) -> Iterator[None]:
    try:
        yield
    except DBAPIError as error:
        if explained := explain(engine, error):
            raise explained from None
        raise


def explain(engine: Engine, error: DBAPIError) -> StoreError | None:
    """Return what a refusal of the database means for people, or ``None`` for a fault of ours."""
    where = engine.url.render_as_string(hide_password=True)
    if getattr(error.orig, "sqlstate", None) in _GIVEN_UP:
        given_up = StoreError(
            f"the database gave a transaction up ({where})", hint="try again; nothing was changed"
        )
        given_up.is_given_up = True
        return given_up
    text = str(error.orig).lower()
    for sign, message, hint in _SIGNS:
        if sign in text:
            return StoreError(f"{message} ({where})", hint=hint)
    if isinstance(error, OperationalError):
        return StoreError(
            f"the database cannot be used: {error.orig} ({where})".replace("\n", " "),
            hint="check ONBOARDING_DATABASE_URL and that the database runs",
        )
    return None


#: PostgreSQL's codes for a deadlock and for a failure to serialise.
_GIVEN_UP = ("40P01", "40001")
_TRIES = 5

_SIGNS = (
    ("readonly", "the database is read-only", "make the file and its folder writable"),
    ("read-only", "the database is read-only", "connect with a role that may write"),
    ("disk is full", "the disk is full", "free some space; nothing was lost"),
    ("database is locked", "another process holds the database", "try again when it is done"),
    ("no such table", "the database has no schema", "run: onboarding db upgrade"),
    ("does not exist", "the database has no schema", "run: onboarding db upgrade"),
    ("no such column", "the schema is of another release", "run: onboarding db upgrade"),
    ("unable to open", "the database file cannot be opened", "check the path and its folder"),
    ("not a database", "the file is not a SQLite database", "check ONBOARDING_DATABASE_URL"),
    ("malformed", "the database file is damaged", "restore it from a backup"),
)


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
