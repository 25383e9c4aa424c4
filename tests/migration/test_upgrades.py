"""Upgrades of a database with data in it, and the same by SQL that was printed."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import closing
from datetime import datetime
from typing import Any, NamedTuple

import psycopg
import pytest
from cryptography.fernet import Fernet
from sqlalchemy import Engine, func, make_url, select, text

from onboarding import Engine as Onboarding
from onboarding.engine.sealing import seal_now
from onboarding.errors import InputError
from onboarding.store import schema
from onboarding.store.database import open_database, reading, writing
from onboarding.store.tables import metadata
from onboarding.testing import FrozenClock
from tests.engine.rehearsing import Rehearsed
from tests.migration.filled import UNANSWERED, WITH_APPROVALS, as_of, fill, world


class Filled(NamedTuple):
    """A deployment: its database, the key of its secrets, and its present."""

    database: Engine
    key: str
    at: datetime


def url_of(database: Engine) -> str:
    return database.url.render_as_string(hide_password=False)


#: Every revision that there was before this release's.
EARLIER = [f"{number:04}" for number in range(1, int(schema.HEAD))]

#: From when on there is a history of each kind.
_HISTORIES = {"account": "0001", "onboarding": "0001", "pool_number": "0011", "batch": "0013"}


@pytest.fixture(scope="session")
def filled(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Filled]:
    """A deployment of today that used everything."""
    folder = tmp_path_factory.mktemp("filled")
    key = Fernet.generate_key().decode()
    with Rehearsed(folder=folder, scenario=world(), secret_key=key, **WITH_APPROVALS) as meta:
        fill(meta, folder)
        url, at = meta.database_url, meta.clock.now()
    database = open_database(url)
    yield Filled(database, key, at)
    database.dispose()


def content(database: Engine, known: Mapping[str, Sequence[str]]) -> dict[str, list[list[Any]]]:
    """Return what is in these columns, as it is stored."""
    found = {}
    with reading(database) as conn:
        for table, names in known.items():
            rows = conn.execute(text(f"SELECT {', '.join(names)} FROM {table}"))  # noqa: S608 - ours
            found[table] = sorted(map(list, rows), key=repr)
    return found


@pytest.mark.quick_on("sqlite")
@pytest.mark.parametrize("revision", EARLIER)
def test_a_deployment_of_any_earlier_release_is_upgraded_with_all_its_data(
    database: Engine, filled: Filled, monkeypatch: pytest.MonkeyPatch, revision: str
) -> None:
    known = as_of(revision, database, filled.database)
    before = content(database, known)
    assert all(before.values())
    assert schema.upgrade(database) == (revision, schema.HEAD)
    assert schema.problems(database) == []
    assert content(database, known) == before
    monkeypatch.setenv("ONBOARDING_SECRET_KEY", filled.key)
    with Onboarding.open(url_of(database), clock=FrozenClock(filled.at)) as engine:
        kinds = [kind for kind, since in _HISTORIES.items() if since <= revision]
        assert engine.verify() == (sum(len(before[kind]) for kind in kinds), [])
        sealed = seal_now(engine.context).histories
        if revision == EARLIER[0]:  # before there were seals, nothing was one's yet
            assert sealed == engine.verify()[0]
            assert engine.verify_seals()[1] == []
        engine.hold(UNANSWERED, "wait")
        assert seal_now(engine.context).histories == 1
        if kinds == [*_HISTORIES]:  # the seal of before is of all of them
            assert engine.verify_seals()[1] == []


_UNDOING = ("UPDATE {} SET hash = 'x'", "DELETE FROM {}")


@pytest.mark.parametrize("table", schema._HISTORIES)
def test_no_history_of_any_kind_is_changed_not_even_by_replication(
    database: Engine, filled: Filled, table: str
) -> None:
    as_of("head", database, filled.database)
    statements = [each.format(table) for each in _UNDOING]
    if database.dialect.name == "postgresql":
        statements.append(f"TRUNCATE {table} CASCADE")
        statements += [f"SET session_replication_role = replica; {each}" for each in statements]
    for statement in statements:
        with pytest.raises((sqlite3.IntegrityError, psycopg.DatabaseError), match="append-only"):
            run_sql(url_of(database), statement)


def test_the_filled_deployment_has_rows_in_every_table(filled: Filled) -> None:
    with reading(filled.database) as conn:
        counts = {
            table.name: conn.execute(select(func.count()).select_from(table)).scalar_one()
            for table in metadata.sorted_tables
        }
    assert [name for name, count in counts.items() if not count] == []


def test_code_of_the_first_release_writes_into_the_expanded_schema(
    database: Engine, filled: Filled
) -> None:
    """Expanding comes first: workers of the release before go on until they are replaced."""
    as_of("0001", database, filled.database)
    schema.upgrade(database)
    with writing(database) as conn:
        conn.execute(text("DELETE FROM unsealed"))
        conn.execute(
            text(
                "INSERT INTO worker (id, started_at, seen_at, loops) "
                "SELECT 'v', min(created_at), min(created_at), '{}' FROM account"
            )
        )
        conn.execute(
            text(
                "INSERT INTO history (onboarding_id, seq, entry, hash) "
                "SELECT id, history_seq + 1, '{}', 'x' FROM onboarding"
            )
        )
        noted = conn.execute(text("SELECT count(*) FROM unsealed WHERE kind = 'onboarding'"))
        written = conn.execute(text("SELECT count(*) FROM onboarding"))
        assert noted.scalar_one() == written.scalar_one()  # histories are sealed all the same


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


@pytest.mark.parametrize(
    "revision", [EARLIER[0], *(pytest.param(each, marks=pytest.mark.slow) for each in EARLIER[1:])]
)
def test_printed_sql_upgrades_data(database: Engine, filled: Filled, revision: str) -> None:
    known = as_of(revision, database, filled.database)
    before = content(database, known)
    run_sql(url_of(database), schema.offline_sql(database.dialect.name, revision))
    assert schema.problems(database) == []
    assert content(database, known) == before


def test_printed_sql_for_a_revision_that_is_none_is_refused() -> None:
    with pytest.raises(InputError, match="no such migration") as refused:
        schema.offline_sql("postgresql", "0815")
    assert "db current" in refused.value.hint
