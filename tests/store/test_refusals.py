"""What a PostgreSQL server refuses is told in a sentence, with a hint that helps."""

from __future__ import annotations

import re
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import psycopg
import pytest
from sqlalchemy import make_url, text

from onboarding.errors import ConfigurationError, StoreError
from onboarding.store import leases, onboardings, schema
from onboarding.store.accounts import insert_account
from onboarding.store.database import open_database, reading, writing
from tests.postgres import PostgresServer
from tests.store.making import WABA, a_row, an_account

ROOT = Path(__file__).parents[2]
PASSWORD = "correct-horse"

_ROLES = (
    f"CREATE ROLE app LOGIN PASSWORD '{PASSWORD}'",
    "CREATE ROLE outsider LOGIN",
    "CREATE ROLE crowded LOGIN CONNECTION LIMIT 0",
    "CREATE ROLE reader LOGIN",
    "GRANT SELECT ON ALL TABLES IN SCHEMA public TO reader",
    "CREATE DATABASE closed ALLOW_CONNECTIONS false",
    "CREATE DATABASE empty",
)
_HBA = """
host all app      all scram-sha-256
host all outsider all reject
host all all      all trust
"""


@pytest.fixture(scope="module")
def server() -> Iterator[PostgresServer]:
    """A server that knows roles with less than all rights, and a schema."""
    with PostgresServer() as started:
        database = open_database(started.url())
        schema.upgrade(database)
        with writing(database) as conn:
            insert_account(conn, an_account(WABA))
        database.dispose()
        plain = started.url().replace("+psycopg", "")
        with psycopg.connect(plain, autocommit=True) as conn_:
            for statement in _ROLES:
                conn_.execute(statement.encode())
            (started.folder / "data" / "pg_hba.conf").write_text(_HBA)
            conn_.execute("SELECT pg_reload_conf()")
            conn_.execute("SELECT pg_sleep(0.2)")
        yield started


def read(url: str) -> None:
    database = open_database(url)
    try:
        with reading(database) as conn:
            leases.next_due(conn, 1)
    finally:
        database.dispose()


def run(url: str, *statements: str) -> None:
    database = open_database(url)
    try:
        with writing(database) as conn:
            for statement in statements:
                conn.execute(text(statement))
    finally:
        database.dispose()


@contextmanager
def told(message: str, hint: str) -> Iterator[None]:
    """What is raised is one line that says so, with one line of advice, and without a password."""
    with pytest.raises(StoreError, match=message) as refused:
        yield
    assert re.search(hint, refused.value.hint)
    for line in (str(refused.value), refused.value.hint):
        assert "\n" not in line
        assert len(line) < 200
        assert PASSWORD not in line
        assert "wrong-horse" not in line


@pytest.mark.parametrize(
    ("user", "name", "message", "hint"),
    [
        ("postgres", "nowhere", "no such database", "createdb"),
        ("postgres", "empty", "no schema", "db upgrade"),
        ("postgres", "closed", "starting or stopping", "again"),
        ("nobody_here", "postgres", "no such role", "user in ONBOARDING_DATABASE_URL"),
        ("app:wrong-horse", "postgres", "does not take the password", "user and password"),
        ("app", "postgres", "does not take the password", "user and password"),
        ("outsider", "postgres", "does not let this user in", r"pg_hba\.conf"),
        ("crowded", "postgres", "no more connections", "max_connections"),
    ],
)
def test_who_cannot_get_in_is_told_why(
    server: PostgresServer, user: str, name: str, message: str, hint: str
) -> None:
    with told(message, hint):
        read(server.url(name).replace("postgres@", f"{user}@"))


def test_the_right_password_opens(server: PostgresServer) -> None:
    with told("may not do this", "owner grant"):
        read(server.url().replace("postgres@", f"app:{PASSWORD}@"))


@pytest.mark.parametrize("host", ["127.0.0.1:1", "nowhere.invalid"])
def test_a_server_that_is_not_there_is_told(host: str) -> None:
    with told("cannot be reached", "PostgreSQL runs"):
        read(f"postgresql://app:{PASSWORD}@{host}/onboarding")


def test_a_role_that_may_only_read_is_told(server: PostgresServer) -> None:
    url = server.url().replace("postgres@", "reader@")
    read(url)
    database = open_database(url)
    with told("may not do this", "owner grant"), writing(database) as conn:
        onboardings.insert_onboardings(conn, [a_row()])
    database.dispose()


@pytest.mark.parametrize(
    ("statements", "message", "hint"),
    [
        (["SET TRANSACTION READ ONLY", "DELETE FROM breaker"], "read-only", "primary"),
        (["SELECT * FROM nothing"], "no schema", "db upgrade"),
        (["SELECT nothing FROM breaker"], "another release", "db upgrade"),
        (["SET LOCAL statement_timeout = '10ms'", "SELECT pg_sleep(9)"], "too long", "raise"),
        (
            ["SELECT pg_terminate_backend(pg_backend_pid())"],
            "connection to the database was lost",
            "again",
        ),
    ],
)
def test_what_a_server_refuses_is_told(
    server: PostgresServer, statements: list[str], message: str, hint: str
) -> None:
    with told(message, hint):
        run(server.url(), *statements)


@pytest.mark.parametrize(
    ("code", "message", "hint"),
    [
        ("53100", "disk of the database server is full", "free some space"),
        ("53200", "not enough memory", "again"),
        ("53300", "no more connections", "fewer workers"),
        ("08006", "connection to the database was lost", "again"),
        ("57P02", "starting or stopping", "again"),
        ("55P03", "another process holds", "pg_stat_activity"),
        ("XX001", "damaged", "backup"),
        ("40P01", "gave a transaction up", "again"),
    ],
)
def test_what_is_hard_to_bring_about_is_told(
    server: PostgresServer, code: str, message: str, hint: str
) -> None:
    with told(message, hint):
        run(
            server.url(), f"DO $$ BEGIN RAISE EXCEPTION 'it is so' USING ERRCODE = '{code}'; END $$"
        )


@pytest.mark.parametrize(
    "statement", ["SELECT no_such_function()", "SELECT 1 + ARRAY[1]", "SELECT '{malformed'::int[]"]
)
def test_a_fault_of_ours_is_not_dressed_up_as_a_missing_schema(
    server: PostgresServer, statement: str
) -> None:
    with pytest.raises(Exception, match=r"does not exist|malformed") as raised:
        run(server.url(), statement)
    assert not isinstance(raised.value, StoreError)


def test_a_server_that_stops_is_told_and_one_that_is_back_is_used_again(
    server: PostgresServer,
) -> None:
    database = open_database(server.url())
    with reading(database) as conn:
        leases.next_due(conn, 1)
    server.stop()
    try:
        # The first to ask may hear of the end that its own connection came to.
        with told("cannot be reached|starting or stopping", ""), reading(database) as conn:
            leases.next_due(conn, 1)
        with told("cannot be reached", "PostgreSQL runs"), reading(database) as conn:
            leases.next_due(conn, 1)
    finally:
        server.start()
    with reading(database) as conn:
        assert leases.next_due(conn, 1) is None
    database.dispose()


def test_a_server_that_stops_within_a_transaction_is_told(server: PostgresServer) -> None:
    database = open_database(server.url())
    try:
        with told("starting or stopping|was lost", "again"), writing(database) as conn:
            conn.execute(text("DELETE FROM breaker"))
            server.stop()
            conn.execute(text("DELETE FROM breaker"))
    finally:
        server.start()
        database.dispose()


def test_a_missing_driver_is_told() -> None:
    program = (
        "import sys\n"
        "sys.modules['psycopg'] = None\n"
        "from onboarding.errors import ConfigurationError\n"
        "from onboarding.store.database import open_database\n"
        "try:\n"
        "    open_database('postgresql://host/name')\n"
        "except ConfigurationError as error:\n"
        "    print(error, error.hint, sep=': ')\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", program], cwd=ROOT, capture_output=True, text=True, check=True
    )
    assert done.stdout == (
        "PostgreSQL needs its driver, which is not installed: "
        "run: pip install 'onboarding[postgres]'\n"
    )


@pytest.mark.parametrize("url", ["nonsense", "nonsense://host/db", "mysql://host/db"])
def test_a_url_of_no_database_that_we_know_is_told(url: str) -> None:
    with pytest.raises(ConfigurationError, match="cannot be used") as refused:
        open_database(url)
    assert "postgresql://USER@HOST/DATABASE" in refused.value.hint


def test_the_driver_need_not_be_named() -> None:
    opened = open_database("postgresql://host/db?connect_timeout=3")
    assert opened.url.drivername == "postgresql+psycopg"
    assert make_url("postgresql://host/db").database == opened.url.database
    opened.dispose()
