"""Upgrades of a database with data in it, and the same by SQL that was printed."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable
from contextlib import closing

import psycopg
import pytest
from sqlalchemy import Engine, inspect, make_url, text

from alembic import command
from onboarding import Engine as Onboarding
from onboarding import NumberRequest
from onboarding.engine.sealing import seal_now
from onboarding.errors import InputError
from onboarding.store import schema
from onboarding.store.database import open_database, reading, writing
from onboarding.testing import FrozenClock

WABA, NUMBER = "102290129340398", "+493012345671"
TOKEN = "EAAtesttoken0123456789"

#: What a deployment of the first release wrote, before there were seals.
_OLD = ("account", "account_history", "onboarding", "history", "deadline")


def first_schema(database: Engine) -> None:
    with writing(database, script=True) as conn:
        command.upgrade(schema._config(conn), "0001")


def as_of_the_first_release(database: Engine, newer: Engine) -> None:
    """Fill a database of the first schema with what a deployment of today wrote elsewhere."""
    first_schema(database)
    with reading(newer) as source, writing(database) as conn:
        for table in (*_OLD, "deployment"):
            there = [column["name"] for column in inspect(conn).get_columns(table)]
            known = ", ".join(there)  # what was added since is not of the first release
            for row in source.execute(text(f"SELECT {known} FROM {table}")).mappings():  # noqa: S608 - ours
                values = ", ".join(f":{name}" for name in row)
                conn.execute(
                    text(f"INSERT INTO {table} ({', '.join(map(str, row))}) VALUES ({values})"),  # noqa: S608 - the same
                    dict(row),
                )
        conn.execute(
            text(
                "INSERT INTO worker (id, started_at, seen_at, loops) "
                "SELECT 'w', created_at, created_at, '{}' FROM account"
            )
        )


def content(database: Engine) -> dict[str, list[dict[str, object]]]:
    """Return every row; a column that an upgrade adds is empty and does not count."""
    with reading(database) as conn:
        return {
            table: [
                {name: value for name, value in row.items() if value is not None}
                for row in conn.execute(text(f"SELECT * FROM {table}")).mappings()  # noqa: S608 - ours
            ]
            for table in _OLD
        }


@pytest.fixture
def old(database: Engine, empty_url: Callable[[str], str], monkeypatch: pytest.MonkeyPatch) -> str:
    """The URL of a deployment of the first release with an account and a number."""
    monkeypatch.setenv("ONBOARDING_SECRET_KEY", "tHN3RPThVuG3yqe6AfwNIEL1BkdDUQ6S0jN0wPTKh4A=")
    with Onboarding.open(empty_url("newer"), upgrade=True, clock=FrozenClock()) as engine:
        engine.add_account(WABA, TOKEN)
        engine.request(NumberRequest(waba_id=WABA, phone_number=NUMBER, display_name="Lucky"))
        as_of_the_first_release(database, engine.context.database)
    return database.url.render_as_string(hide_password=False)


def test_the_first_schema_is_upgraded_with_its_data(database: Engine, old: str) -> None:
    before = content(database)
    assert before["onboarding"]
    assert schema.upgrade(database) == ("0001", schema.HEAD)
    assert schema.problems(database) == []
    assert content(database) == before
    with Onboarding.open(old, clock=FrozenClock()) as engine:
        assert engine.require_verified() == 2
        assert seal_now(engine.context).histories == 2  # what was there before is sealed, too
        engine.hold(NUMBER, "wait")
        assert seal_now(engine.context).histories == 1
        assert engine.verify_seals() == (2, [])


def test_code_of_the_first_release_writes_into_the_expanded_schema(
    database: Engine, old: str
) -> None:
    """Expanding comes first: workers of the release before go on until they are replaced."""
    schema.upgrade(database)
    with writing(database) as conn:
        conn.execute(
            text(
                "INSERT INTO worker (id, started_at, seen_at, loops) "
                "SELECT 'v', created_at, created_at, '{}' FROM account"
            )
        )
        conn.execute(
            text(
                "INSERT INTO history (onboarding_id, seq, entry, hash) "
                "SELECT id, history_seq + 1, '{}', 'x' FROM onboarding"
            )
        )
        noted = conn.execute(text("SELECT count(*) FROM unsealed WHERE kind = 'onboarding'"))
        assert noted.scalar_one() == 2  # its history is sealed all the same
    assert old


def run_sql(url: str, sql: str) -> None:
    """Run SQL as an administrator would: with the database's own client, more or less."""
    parsed = make_url(url)
    if parsed.get_backend_name() == "sqlite":
        with closing(sqlite3.connect(str(parsed.database), isolation_level=None)) as conn:
            conn.executescript(sql)
        return
    plain = parsed.set(drivername="postgresql").render_as_string(hide_password=False)
    with psycopg.connect(plain, autocommit=True) as server:
        server.execute(sql.encode())


def definitions(database: Engine) -> set[tuple[str, str]]:
    """Return name and SQL of everything in the schema that has any."""
    query = "SELECT name, sql FROM sqlite_master WHERE sql IS NOT NULL"
    if database.dialect.name == "postgresql":
        query = (
            "SELECT indexname, indexdef FROM pg_indexes WHERE schemaname = 'public' UNION ALL "
            "SELECT tgname, pg_get_triggerdef(oid) || tgenabled::text FROM pg_trigger "
            "WHERE NOT tgisinternal UNION ALL "
            "SELECT conname, pg_get_constraintdef(oid) FROM pg_constraint "
            "WHERE connamespace = 'public'::regnamespace UNION ALL "
            "SELECT table_name || '.' || column_name, data_type || is_nullable || is_identity "
            "FROM information_schema.columns WHERE table_schema = 'public'"
        )
    with reading(database) as conn:
        return {(row[0], " ".join(row[1].split())) for row in conn.execute(text(query))}


def test_printed_sql_makes_the_same_schema(
    database: Engine, url: str, empty_url: Callable[[str], str]
) -> None:
    run_sql(url, schema.offline_sql(database.dialect.name))
    assert schema.current(database) == schema.HEAD
    assert schema.problems(database) == []
    made = open_database(empty_url("made"))
    schema.upgrade(made)
    assert definitions(database) == definitions(made)
    made.dispose()


def test_printed_sql_upgrades_data(database: Engine, old: str) -> None:
    before = content(database)
    run_sql(old, schema.offline_sql(database.dialect.name, "0001"))
    assert schema.problems(database) == []
    assert content(database) == before
    with Onboarding.open(old, clock=FrozenClock()) as engine:
        assert seal_now(engine.context).histories == 2


def test_printed_sql_for_a_revision_that_is_none_is_refused() -> None:
    with pytest.raises(InputError, match="no such migration") as refused:
        schema.offline_sql("postgresql", "0815")
    assert "db current" in refused.value.hint
