"""Connections: SQLite is opened so that nothing is lost, and its refusals are told to people."""

from __future__ import annotations

import os
import sqlite3
import threading
from datetime import datetime
from pathlib import Path

import pytest
from sqlalchemy import Connection, Engine, make_url, text
from sqlalchemy.exc import IntegrityError, ProgrammingError

from onboarding.errors import ConfigurationError, StoreError
from onboarding.store import leases, onboardings
from onboarding.store.database import open_database, reading, sqlite_path, writing
from onboarding.store.deployment import insert_fact, load_fact
from onboarding.store.tables import onboarding as t
from tests.hurrying import as_it_is
from tests.store.making import a_row, counted, load, read, store, write


@pytest.mark.on("sqlite")
@pytest.mark.parametrize(
    ("pragma", "value"),
    [
        ("journal_mode", "wal"),
        ("synchronous", 2),
        ("foreign_keys", 1),
        ("recursive_triggers", 1),
        ("busy_timeout", 30000),
    ],
)
def test_sqlite_is_opened_durable(database: Engine, pragma: str, value: object) -> None:
    with as_it_is():
        anew = open_database(str(database.url))
        assert read(anew, lambda conn: conn.execute(text(f"PRAGMA {pragma}")).scalar()) == value
        anew.dispose()


@pytest.mark.on("sqlite")
def test_a_transaction_that_writes_says_so_at_its_start(database: Engine) -> None:
    with counted(database) as statements:
        store(database, [a_row()])
        load(database)
    begins = [statement for statement in statements if statement.startswith("BEGIN")]
    assert begins == ["BEGIN IMMEDIATE", "BEGIN"]


def next_due(conn: Connection) -> datetime | None:
    """Ask something of a table, anything."""
    return leases.next_due(conn, 1)


def test_an_error_rolls_everything_back(database: Engine) -> None:
    def half(conn: object) -> None:
        onboardings.insert_onboardings(conn, [a_row()])  # type: ignore[arg-type] # a connection
        raise KeyError("half way")

    with pytest.raises(KeyError):
        write(database, half)
    assert read(database, next_due) is None


def test_a_reader_sees_one_state_throughout(url: str, database: Engine) -> None:
    other = open_database(url)
    with reading(database) as conn:
        assert next_due(conn) is None
        store(other, [a_row()])
        assert next_due(conn) is None
    assert read(database, next_due) is not None
    other.dispose()


@pytest.mark.on("sqlite")
def test_threads_that_write_take_turns(database: Engine) -> None:
    store(database, [a_row(tries=0)])

    def add() -> None:
        for _ in range(25):
            with writing(database) as conn:
                tries = conn.execute(text("SELECT tries FROM onboarding")).scalar_one()
                conn.execute(t.update().values(tries=tries + 1))

    threads = [threading.Thread(target=add) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert load(database).tries == 200


def test_writers_that_lock_the_row_first_lose_no_change(database: Engine) -> None:
    (row,) = store(database, [a_row(tries=0)])

    def add() -> None:
        for _ in range(10):
            with writing(database) as conn:
                locked = onboardings.load_onboardings(conn, [row.id], lock=True)[row.id]
                conn.execute(t.update().values(tries=locked.tries + 1))

    threads = [threading.Thread(target=add) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert load(database).tries == 80


@pytest.mark.on("postgresql")
def test_who_only_reads_may_not_write_and_the_next_may(database: Engine) -> None:
    with pytest.raises(StoreError, match="read-only"):
        read(database, lambda conn: onboardings.insert_onboardings(conn, [a_row()]))
    store(database, [a_row()])
    assert load(database) == a_row()


@pytest.mark.on("sqlite")
def test_a_locked_database_is_told(url: str) -> None:
    database = open_database(url, busy_timeout_s=0.05)
    path = sqlite_path(url)
    assert path is not None
    holder = sqlite3.connect(path, isolation_level=None)
    holder.execute("BEGIN EXCLUSIVE")
    with pytest.raises(StoreError, match="another process holds the database"):
        store(database, [a_row()])
    holder.rollback()
    holder.close()
    store(database, [a_row()])
    database.dispose()


@pytest.mark.on("sqlite")
@pytest.mark.skipif(os.geteuid() == 0, reason="root may write anywhere")
def test_a_read_only_file_is_told(url: str) -> None:
    path = sqlite_path(url)
    assert path is not None
    path.chmod(0o400)
    database = open_database(url)
    with pytest.raises(StoreError, match="read-only"):
        store(database, [a_row()])
    database.dispose()


def test_a_connection_that_may_not_write_is_told(database: Engine) -> None:
    forbid = {
        "sqlite": "PRAGMA query_only = ON", "postgresql": "SET TRANSACTION READ ONLY",
    }[database.dialect.name]  # fmt: skip

    def attempt(conn: object) -> None:
        conn.execute(text(forbid))  # type: ignore[attr-defined] # a connection
        onboardings.insert_onboardings(conn, [a_row()])  # type: ignore[arg-type] # a connection

    with pytest.raises(StoreError, match="read-only") as refused:
        write(database, attempt)
    assert refused.value.hint


@pytest.mark.on("sqlite")
def test_a_full_disk_is_told_and_nothing_is_half_written(database: Engine) -> None:
    def fill(conn: object) -> None:
        conn.execute(text("PRAGMA max_page_count = 1"))  # type: ignore[attr-defined] # a connection
        big = [a_row(place, hold_text="x" * 100_000) for place in range(10)]
        onboardings.insert_onboardings(conn, big)  # type: ignore[arg-type] # a connection

    with pytest.raises(StoreError, match="disk is full"):
        write(database, fill)
    assert read(database, next_due) is None


@pytest.mark.on("sqlite")
def test_a_damaged_file_is_told(url: str) -> None:
    path = sqlite_path(url)
    assert path is not None
    content = bytearray(path.read_bytes())
    content[4096:] = b"\xff" * (len(content) - 4096)
    path.write_bytes(content)
    database = open_database(url)
    with pytest.raises(StoreError, match=r"damaged|cannot be used"):
        load(database)
    database.dispose()


def test_a_database_without_a_schema_is_told(tmp_path: Path) -> None:
    database = open_database(f"sqlite:///{tmp_path / 'empty.db'}")
    with pytest.raises(StoreError, match="no schema") as refused:
        read(database, next_due)
    assert "db upgrade" in refused.value.hint
    database.dispose()


def test_a_password_is_never_told() -> None:
    with pytest.raises((ConfigurationError, StoreError)) as refused:
        read(open_database("oracle://user:hidden@host/db"), next_due)
    assert "hidden" not in str(refused.value)


def test_a_fault_of_ours_is_not_dressed_up(database: Engine) -> None:
    store(database, [a_row()])
    with pytest.raises(IntegrityError):
        store(database, [a_row()])
    with pytest.raises((ProgrammingError, StoreError)):
        write(database, lambda conn: conn.execute(text("SELECT FROM")))


def test_facts_of_the_deployment(database: Engine) -> None:
    assert read(database, lambda conn: load_fact(conn, "a")) is None
    write(database, lambda conn: insert_fact(conn, "a", "1"))
    assert read(database, lambda conn: load_fact(conn, "a")) == "1"


@pytest.mark.parametrize(
    ("url", "path"),
    [
        ("sqlite:///a.db", Path("a.db")),
        ("sqlite:////var/a.db", Path("/var/a.db")),
        ("sqlite://", None),
        ("sqlite:///:memory:", None),
        ("postgresql://host/db", None),
    ],
)
def test_the_file_of_a_url(url: str, path: Path | None) -> None:
    assert sqlite_path(url) == path
    assert make_url(url)
