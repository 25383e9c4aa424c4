"""On PostgreSQL, what returns nothing travels with the next statement that returns something."""

from __future__ import annotations

import pytest
from sqlalchemy import Connection, Engine, insert, select, text, update
from sqlalchemy.exc import IntegrityError, OperationalError

from onboarding.errors import StoreError
from onboarding.store.database import open_database, reading, writing
from onboarding.store.pipelining import pipelined
from onboarding.store.tables import deployment as t
from tests.store.making import read, write

pytestmark = pytest.mark.on("postgresql")


def put(conn: Connection, name: str, value: str) -> None:
    conn.execute(insert(t).values(name=name, value=value))


def names(database: Engine) -> set[str]:
    wanted = select(t.c.name).where(t.c.name.like("mine %"))
    return set(read(database, lambda conn: conn.execute(wanted).scalars().all()))


def test_what_returns_nothing_waits_for_nobody(database: Engine, url: str) -> None:
    with writing(database) as conn:
        put(conn, "mine a", "1")
    other = open_database(url)
    with writing(database) as conn:
        conn.execute(text("SET LOCAL lock_timeout = '10s'"))
        with writing(other) as holding:
            holding.execute(select(t).where(t.c.name == "mine a").with_for_update())
            conn.execute(update(t).where(t.c.name == "mine a").values(value="2"))
        assert conn.execute(select(t.c.value).where(t.c.name == "mine a")).scalar() == "2"
    other.dispose()


def twice(conn: Connection) -> None:
    put(conn, "mine a", "1")
    put(conn, "mine a", "2")


def test_an_error_is_raised_by_the_next_that_returns_something(database: Engine) -> None:
    reached = []

    def look_after(conn: Connection) -> None:
        twice(conn)
        reached.append("the look")
        conn.execute(select(t.c.name)).all()
        reached.append("what follows")

    with pytest.raises(IntegrityError):
        write(database, look_after)
    assert reached == ["the look"]
    assert names(database) == set()


def test_an_error_of_the_last_statement_is_raised_by_the_commit(database: Engine) -> None:
    with pytest.raises(IntegrityError):
        write(database, twice)
    assert names(database) == set()


def test_an_error_that_people_can_mend_is_explained(database: Engine) -> None:
    def may_not(conn: Connection) -> None:
        conn.execute(text("SET TRANSACTION READ ONLY"))
        put(conn, "mine a", "1")

    with pytest.raises(StoreError, match="read-only"):
        write(database, may_not)


def test_an_error_of_the_program_takes_back_what_was_not_sent_yet(database: Engine) -> None:
    def half(conn: Connection) -> None:
        put(conn, "mine a", "1")
        raise KeyError

    with pytest.raises(KeyError):
        write(database, half)
    assert names(database) == set()


def test_an_error_within_a_savepoint_ends_there(database: Engine) -> None:
    def in_savepoint(conn: Connection) -> None:
        with conn.begin_nested():
            put(conn, "mine b", "1")
            put(conn, "mine a", "2")

    with writing(database) as conn:
        put(conn, "mine a", "1")
        with pytest.raises(IntegrityError):
            in_savepoint(conn)
        put(conn, "mine c", "1")
    assert names(database) == {"mine a", "mine c"}


def test_many_rows_of_one_statement_fail_within_their_savepoint(database: Engine) -> None:
    def in_savepoint(conn: Connection) -> None:
        with conn.begin_nested():
            conn.execute(insert(t), [{"name": "mine b", "value": "1"}] * 2)

    with writing(database) as conn:
        with pytest.raises(IntegrityError):
            in_savepoint(conn)
        put(conn, "mine c", "1")
    assert names(database) == {"mine c"}


def end_connection(database: Engine, pid: int) -> None:
    with reading(database) as conn:
        conn.execute(text("SELECT pg_terminate_backend(:pid)"), {"pid": pid})


def test_what_was_committed_is_no_failure_though_the_connection_is_lost(database: Engine) -> None:
    with database.connect() as conn, pipelined(conn):
        with conn.begin():
            pid = conn.execute(text("SELECT pg_backend_pid()")).scalar_one()
            put(conn, "mine a", "1")
        end_connection(database, pid)
    assert names(database) == {"mine a"}


def test_a_connection_that_is_lost_before_is_told_as_any_other_loss(database: Engine) -> None:
    with database.connect() as conn:
        conn.connection.driver_connection.close()  # type: ignore[union-attr]  # psycopg's
        with pytest.raises(OperationalError), pipelined(conn):
            pass


def test_a_connection_is_used_again_after_an_error(database: Engine) -> None:
    pids = set()

    def told_twice(conn: Connection) -> None:
        pids.add(conn.execute(text("SELECT pg_backend_pid()")).scalar())
        twice(conn)

    for _ in range(3):
        with pytest.raises(IntegrityError):
            write(database, told_twice)
    with writing(database) as conn:
        pids.add(conn.execute(text("SELECT pg_backend_pid()")).scalar())
        put(conn, "mine a", "1")
    assert len(pids) == 1
    assert names(database) == {"mine a"}
