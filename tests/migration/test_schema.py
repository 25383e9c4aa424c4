"""Migrations: from nothing to what the tables say, once, and never past what is known."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Engine, text

from alembic import command
from onboarding import Engine as Onboarding
from onboarding.bundled import bundled
from onboarding.errors import SchemaError, StoreError
from onboarding.store import schema
from onboarding.store.database import open_database, reading, writing
from onboarding.store.tables import metadata
from onboarding.testing import FrozenClock
from tests.store.making import an_account

ROOT = Path(__file__).parents[2]

#: As in alembic/env.py; every release that there ever was must agree.
LOCK = 0x6F6E626F61726469


def definitions(database: Engine) -> dict[str, str]:
    """Return the SQL of each index, without what is only spelling."""
    query = "SELECT name, sql FROM sqlite_master WHERE type = 'index' AND sql IS NOT NULL"
    if database.dialect.name == "postgresql":
        query = (
            "SELECT indexname AS name, indexdef AS sql FROM pg_indexes "
            "WHERE schemaname = 'public' AND tablename <> 'alembic_version'"
        )
    with reading(database) as conn:
        return {row.name: re.sub(r'[\s"()]+', "", row.sql) for row in conn.execute(text(query))}


def columns(database: Engine) -> dict[str, list[tuple[object, ...]]]:
    """Return the columns of each table, with all that the database says of them."""
    query = "SELECT name, type, \"notnull\", pk FROM pragma_table_info('{}')"
    if database.dialect.name == "postgresql":
        query = (
            "SELECT column_name, data_type, character_maximum_length, is_nullable, column_default "
            "FROM information_schema.columns WHERE table_name = '{}' ORDER BY ordinal_position"
        )
    with reading(database) as conn:
        return {
            table.name: [tuple(row) for row in conn.execute(text(query.format(table.name)))]
            for table in metadata.sorted_tables
        }


def tables(database: Engine) -> list[str]:
    """Return the names of all tables, functions and the like that are ours."""
    query = "SELECT name FROM sqlite_master"
    if database.dialect.name == "postgresql":
        query = (
            "SELECT relname FROM pg_class WHERE relnamespace = 'public'::regnamespace UNION ALL "
            "SELECT proname FROM pg_proc WHERE pronamespace = 'public'::regnamespace"
        )
    with reading(database) as conn:
        return list(conn.execute(text(query)).scalars())


def at(database: Engine, revision: str) -> None:
    with writing(database) as conn:
        conn.execute(text("UPDATE alembic_version SET version_num = :r"), {"r": revision})


def test_a_new_database_gets_what_the_tables_say(
    database: Engine, empty_url: Callable[[str], str]
) -> None:
    assert schema.current(database) is None
    assert schema.upgrade(database) == (None, schema.HEAD)
    assert schema.current(database) == schema.HEAD
    assert schema.problems(database) == []
    with reading(database) as conn:
        context = MigrationContext.configure(conn, opts={"compare_type": True})
        assert compare_metadata(context, metadata) == []
    made = open_database(empty_url("made"))
    with writing(made) as conn:
        metadata.create_all(conn)
    assert definitions(database) == definitions(made)
    assert len(definitions(made)) >= 15
    assert columns(database) == columns(made)
    assert all(columns(made).values())
    made.dispose()


def test_the_head_is_the_newest_revision_and_the_line_is_straight() -> None:
    scripts = ScriptDirectory(str(bundled("alembic")))
    assert scripts.get_heads() == [schema.HEAD]
    assert scripts.get_bases() == ["0001"]
    for script in scripts.walk_revisions():
        assert "onboarding" not in Path(script.path).read_text().split("import")[1]
        assert "import onboarding" not in Path(script.path).read_text()


def test_upgrading_again_changes_nothing(database: Engine) -> None:
    schema.upgrade(database)
    with writing(database) as conn:
        conn.execute(metadata.tables["account"].insert().values(**fields()))
    assert schema.upgrade(database) == (schema.HEAD, schema.HEAD)
    with reading(database) as conn:
        assert conn.execute(text("SELECT count(*) FROM account")).scalar() == 1


def fields() -> dict[str, object]:
    account = an_account()
    return {name: getattr(account, name) for name in account.__slots__}


@pytest.mark.parametrize("table", ["history", "account_history"])
def test_the_histories_are_guarded(database: Engine, table: str) -> None:
    schema.upgrade(database)
    refused = schema._REFUSED[database.dialect.name]
    assert len(refused) == 3
    missing = []
    for name in sorted(refused):
        on = f" ON {table}" if database.dialect.name == "postgresql" else ""
        with writing(database) as conn:
            conn.execute(text(f"DROP TRIGGER {table}_refuses_{name}{on}"))
        missing.append(f"trigger {table}_refuses_{name} is missing")
        assert schema.problems(database) == missing


@pytest.mark.on("postgresql")
@pytest.mark.parametrize("how", ["DISABLE", "ENABLE", "ENABLE REPLICA"])
def test_a_guard_that_does_not_always_stand_is_none(database: Engine, how: str) -> None:
    """Not to be there is one thing; to be off, or off during replication, another."""
    schema.upgrade(database)
    with writing(database) as conn:
        conn.execute(text(f"ALTER TABLE history {how} TRIGGER history_refuses_update"))
    assert schema.problems(database) == ["trigger history_refuses_update is missing"]


def test_what_is_missing_is_named(database: Engine) -> None:
    assert schema.problems(database) == [f"revision is none, expected {schema.HEAD}"]
    schema.upgrade(database)
    with writing(database) as conn:
        conn.execute(text("DROP INDEX ix_onboarding_claim_order"))
        conn.execute(text("ALTER TABLE worker DROP COLUMN loops"))
        conn.execute(text("DROP TABLE breaker"))
    assert sorted(schema.problems(database)) == [
        "column worker.loops is missing",
        "index ix_onboarding_claim_order is missing",
        "table breaker is missing",
    ]


def test_a_schema_of_a_newer_release_is_refused(url: str, database: Engine) -> None:
    Onboarding.open(url, upgrade=True, clock=FrozenClock()).close()
    at(database, "9999")
    for attempt in (
        lambda: schema.upgrade(database),
        lambda: schema.require_current(database),
        lambda: Onboarding.open(url),
        lambda: Onboarding.open(url, upgrade=True),
    ):
        with pytest.raises(SchemaError, match="9999") as refused:
            attempt()
        assert "newer release" in refused.value.hint
    assert schema.problems(database) == [f"revision is 9999, expected {schema.HEAD}"]


def test_an_empty_database_is_not_worked_on(url: str, database: Engine) -> None:
    assert schema.current(database) is None
    with pytest.raises(SchemaError, match="is empty") as refused:
        Onboarding.open(url)
    assert "db upgrade" in refused.value.hint


def test_there_is_no_way_back_from_the_first_schema(database: Engine) -> None:
    schema.upgrade(database)
    with (
        pytest.raises(RuntimeError, match="restore a backup"),
        writing(database, script=True) as conn,
    ):
        command.downgrade(schema._config(conn), "base")
    assert schema.problems(database) == []


def test_a_migration_that_fails_leaves_the_database_as_it_was(database: Engine) -> None:
    with writing(database) as conn:
        conn.execute(text("CREATE TABLE history (something_else TEXT)"))
    with pytest.raises(Exception, match="history"):
        schema.upgrade(database)
    assert tables(database) == ["history"]


def test_threads_that_upgrade_at_once_agree(url: str) -> None:
    def upgrade(_: int) -> None:
        Onboarding.open(url, upgrade=True, clock=FrozenClock()).close()

    with ThreadPoolExecutor(4) as pool:
        list(pool.map(upgrade, range(4)))
    opened = open_database(url)
    assert schema.problems(opened) == []
    opened.dispose()


def test_processes_that_upgrade_at_once_agree(url: str, tmp_path: Path) -> None:
    program = (
        "import sys; from onboarding import Engine; Engine.open(sys.argv[1], upgrade=True).close()"
    )
    running = [
        subprocess.Popen([sys.executable, "-c", program, url], stderr=subprocess.PIPE, text=True)
        for _ in range(3)
    ]
    told = [process.communicate(timeout=60)[1] for process in running]
    assert [process.returncode for process in running] == [0, 0, 0], told
    opened = open_database(url)
    assert schema.problems(opened) == []
    opened.dispose()
    made = [] if url.startswith("postgresql") else ["onboarding.db", "onboarding.db.key"]
    assert sorted(file.name for file in tmp_path.iterdir()) == made


@pytest.mark.on("postgresql")
def test_an_upgrade_waits_for_the_one_before_it(database: Engine, url: str) -> None:
    """Even for that of another release, which need not know what this one does."""
    other = open_database(url)
    with writing(other) as conn:
        conn.execute(text(f"SELECT pg_advisory_xact_lock({LOCK})"))
        with pytest.raises(StoreError, match="another process holds") as refused:
            schema.upgrade(database, lock_timeout_s=0.05)
        assert "again" in refused.value.hint
    assert tables(database) == []
    assert schema.upgrade(database) == (None, schema.HEAD)
    other.dispose()


@pytest.mark.on("postgresql")
def test_an_upgrade_does_not_stand_in_everybodys_way(database: Engine, url: str) -> None:
    """It waits for a table that is in use, and all who come after wait behind it: not for long."""
    with writing(database, script=True) as conn:
        command.upgrade(schema._config(conn), "0001")
    other = open_database(url)
    with writing(other) as conn:
        conn.execute(text("LOCK TABLE alembic_version IN SHARE MODE"))
        with pytest.raises(StoreError, match="another process holds"):
            schema.upgrade(database, lock_timeout_s=0.05)
    assert schema.current(database) == "0001"
    assert schema.upgrade(database) == ("0001", schema.HEAD)
    assert schema.problems(database) == []
    other.dispose()


@pytest.mark.on("postgresql")
def test_alembic_itself_takes_the_same_lock(url: str, database: Engine) -> None:
    """While developing: ``alembic upgrade`` runs without the package."""
    command_ = [sys.executable, "-m", "alembic", "upgrade", "head"]
    environment = {**os.environ, "ONBOARDING_DATABASE_URL": url.replace("+psycopg", "")}
    with writing(database) as conn:
        conn.execute(text(f"SELECT pg_advisory_xact_lock({LOCK})"))
        process = subprocess.Popen(command_, cwd=ROOT, env=environment, stderr=subprocess.PIPE)
        waiting = text("SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' AND NOT granted")
        for _ in range(500):
            if conn.execute(waiting).scalar_one():
                break
            conn.execute(text("SELECT pg_sleep(0.02)"))
        assert process.poll() is None
    _, told = process.communicate(timeout=60)
    assert process.returncode == 0, told
    assert schema.problems(database) == []


def test_every_migration_says_whether_it_expands_or_contracts() -> None:
    slugs = [path.stem for path in (ROOT / "alembic" / "versions").glob("0*.py")]
    kinds = {slug.split("_")[1] for slug in slugs if slug != "0001_first_schema"}
    assert len(slugs) > 1
    assert kinds <= {"expand", "contract"}
