"""How restores of PostgreSQL are noticed: real dumps, base backups, recoveries and promotions."""

from __future__ import annotations

import os
import shutil
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import psycopg
import pytest
from cryptography.fernet import Fernet
from sqlalchemy import make_url, text

from onboarding import Engine
from onboarding.engine.doctor_contents import examine_contents
from onboarding.engine.restoring import notice
from onboarding.store.database import open_database, reading, writing
from onboarding.store.identity import identity_sql, is_told_in_part
from tests.backup.conftest import plain, run
from tests.postgres import PostgresServer, create_database, drop_database

pytestmark = pytest.mark.on("postgresql")
KEY = Fernet.generate_key().decode()

Settle = Callable[[PostgresServer], None]


def why_restored(url: str) -> str | None:
    """Return how it shows that a database is a restored copy, after a worker's first look."""
    with Engine.open(url, secret_key=KEY, actor="ops") as engine:
        notice(engine.context)
        held = engine.restored()
    return held.restore.why if held else None


@pytest.fixture
def original(postgres_url: str) -> Iterator[str]:
    """The URL of a deployment on the shared server."""
    url = create_database(postgres_url)
    Engine.open(url, upgrade=True, secret_key=KEY).close()
    yield url
    drop_database(url)


def test_the_original_stays_what_it_is(original: str) -> None:
    assert why_restored(original) is None
    with Engine.open(original, secret_key=KEY) as engine:
        findings = {f.name: f.text for f in examine_contents(engine.context)}
    assert findings["restore"] == "not a restored copy; a copy of it is noticed"


def test_a_restored_dump_lies_in_another_database(
    original: str, postgres_url: str, tmp_path: object
) -> None:
    dump = f"{tmp_path}/dump"
    run("pg_dump", "-Fc", "--file", dump, f"--dbname={plain(original)}")
    url = create_database(postgres_url)
    run("pg_restore", "--no-owner", f"--dbname={plain(url)}", dump)
    assert why_restored(url) == "it has another database than before"
    with Engine.open(url, secret_key=KEY, actor="ops") as engine:
        engine.release_restored("it stays here")
    assert why_restored(url) is None
    drop_database(url)


def test_a_server_that_keeps_its_identity_to_itself_says_less(original: str) -> None:
    with psycopg.connect(plain(original), autocommit=True) as conn:
        conn.execute("CREATE ROLE onboarding_told_less LOGIN")
        conn.execute("REVOKE EXECUTE ON FUNCTION pg_control_system() FROM PUBLIC")
    url = make_url(original).set(username="onboarding_told_less")
    database = open_database(url.render_as_string(hide_password=False))
    try:
        with reading(database) as conn:
            told = conn.execute(text(f"SELECT {identity_sql(conn)}")).scalar_one()
        assert is_told_in_part(told)
    finally:
        database.dispose()
        with psycopg.connect(plain(original), autocommit=True) as conn:
            conn.execute("GRANT EXECUTE ON FUNCTION pg_control_system() TO PUBLIC")
            conn.execute("DROP ROLE onboarding_told_less")


def recover(server: PostgresServer) -> None:
    """Set a base backup up to be recovered as far as its log reaches."""
    configure(server, "recovery.signal", "restore_command = 'false'\n")


def follow(server: PostgresServer) -> None:
    """Set a base backup up as a standby of the server that it was taken from."""
    configure(server, "standby.signal", "")


def configure(server: PostgresServer, signal: str, lines: str) -> None:
    """Write a signal file and settings into a data folder, as its own user."""
    data = server.folder / "data"
    owner = data.stat()
    for file, content in ((signal, ""), ("postgresql.auto.conf", lines)):
        with (data / file).open("a") as opened:
            opened.write(content)
        os.chown(data / file, owner.st_uid, owner.st_gid)


def promote(server: PostgresServer) -> None:
    """Make a standby the primary, and wait until it is."""
    with psycopg.connect(plain(server.url()), autocommit=True) as conn:
        conn.execute("SELECT pg_promote(true, 60)")


def wait_for_end_of_recovery(server: PostgresServer) -> None:
    """Wait until a server takes writes."""
    with psycopg.connect(plain(server.url()), autocommit=True) as conn:
        for _ in range(600):
            found = conn.execute("SELECT pg_is_in_recovery()").fetchone()
            if found == (False,):
                return
            time.sleep(0.1)
    raise AssertionError("it does not end its recovery")


@contextmanager
def base_backup(of: PostgresServer, settle: Settle) -> Iterator[PostgresServer]:
    """Run another server on a base backup of this one."""
    other = PostgresServer()
    try:
        data = other.folder / "data"
        shutil.rmtree(data)
        told = ("-h", "127.0.0.1", "-p", of.port, "-U", "postgres", "-X", "stream", "-c", "fast")
        other._run("pg_basebackup", "-D", data, *told)
        settle(other)
        with other:
            yield other
    finally:
        shutil.rmtree(other.folder, ignore_errors=True)


@pytest.fixture(scope="module")
def server() -> Iterator[PostgresServer]:
    """A server of its own with a deployment in the database ``postgres``."""
    with PostgresServer() as started:
        Engine.open(started.url(), upgrade=True, secret_key=KEY).close()
        yield started


def test_a_restart_is_no_restore(server: PostgresServer) -> None:
    server.restart()
    assert why_restored(server.url()) is None


def test_a_recovery_begins_another_timeline(server: PostgresServer) -> None:
    with base_backup(server, recover) as other:
        wait_for_end_of_recovery(other)
        assert why_restored(other.url()) == "it has another timeline than before"
    assert why_restored(server.url()) is None


def test_a_promoted_standby_counts_as_restored(server: PostgresServer) -> None:
    with base_backup(server, follow) as other:
        assert why_restored_without_writing(other.url()) is None
        promote(other)
        assert why_restored(other.url()) == "it has another timeline than before"


def why_restored_without_writing(url: str) -> str | None:
    """Return what a command that only reads tells."""
    with Engine.open(url, secret_key=KEY) as engine:
        held = engine.restored()
    return held.restore.why if held else None


def test_a_bare_base_backup_is_not_noticed_and_needs_a_person_s_word(
    server: PostgresServer,
) -> None:
    with base_backup(server, lambda _: None) as other:
        assert why_restored(other.url()) is None
        with Engine.open(other.url(), secret_key=KEY, actor="ops") as engine:
            engine.mark_restored("from the base backup of Monday")
        assert why_restored(other.url()) == "from the base backup of Monday"


def test_a_deployment_without_an_identity_gets_one(original: str) -> None:
    with Engine.open(original, secret_key=KEY) as engine:
        with writing(engine.context.database) as conn:
            conn.execute(text("DELETE FROM deployment WHERE name = 'home'"))
        notice(engine.context)
        with reading(engine.context.database) as conn:
            home = conn.execute(text("SELECT value FROM deployment WHERE name = 'home'"))
            assert home.scalar_one().count("/") == 2
