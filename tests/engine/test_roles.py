"""Three roles on PostgreSQL: who owns the tables, who works with them, who only reads."""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import psycopg
import pytest
from cryptography.fernet import Fernet
from psycopg.errors import InsufficientPrivilege
from sqlalchemy import make_url

from onboarding import Engine, State
from onboarding.dispatch.fleet_queue import upgrade_queue
from onboarding.dispatch.fleet_worker import FleetWorker
from onboarding.dispatch.worker import Worker
from onboarding.engine.sealing import seal_now
from onboarding.errors import InputError, StoreError
from onboarding.store import tables
from onboarding.store.database import open_database
from onboarding.store.grants import _EMPTIED, grants_sql
from onboarding.store.schema import _HISTORIES
from tests.dispatch.waiting import eventually
from tests.engine.rehearsing import Rehearsed
from tests.postgres import create_database, drop_database

STORE = Path(__file__).parents[2] / "onboarding" / "store"
PASSWORD = "only-for-this-test"


@dataclass(frozen=True)
class Roles:
    """A database whose tables belong to one role, and are used by two others."""

    admin_url: str
    owner: str
    app: str
    reader: str

    def url(self, role: str) -> str:
        """Return the URL of the database for a role."""
        url = make_url(self.admin_url).set(username=role, password=PASSWORD)
        return url.render_as_string(hide_password=False)

    def run(self, role: str, *statements: str) -> None:
        """Run statements as a role."""
        url = self.admin_url if role == "admin" else self.url(role)
        plain = make_url(url).set(drivername="postgresql").render_as_string(hide_password=False)
        with psycopg.connect(plain, autocommit=True) as conn:
            for statement in statements:
                conn.execute(statement.encode())

    def grant(self, role: str = "admin") -> None:
        """Run what ``onboarding db grants`` prints."""
        self.run(role, grants_sql(owner=self.owner, app=self.app, reader=self.reader))


@pytest.fixture
def roles(postgres_url: str) -> Iterator[Roles]:
    """A database that a superuser made the schema of, handed to three roles."""
    admin_url = create_database(postgres_url)
    stem = f"r_{make_url(admin_url).database}"
    made = Roles(admin_url, f"{stem}_o", f"{stem}_a", f"{stem}_r")
    key = Fernet.generate_key().decode()
    Engine.open(admin_url, upgrade=True, secret_key=key).close()
    made.grant()
    for role in (made.owner, made.app, made.reader):
        made.run("admin", f"ALTER ROLE {role} PASSWORD '{PASSWORD}'")
    os.environ["ONBOARDING_SECRET_KEY"] = key
    yield made
    del os.environ["ONBOARDING_SECRET_KEY"]
    for role in (made.owner, made.app, made.reader):
        made.run("admin", f"DROP OWNED BY {role} CASCADE")
        made.run("admin", f"DROP ROLE {role}")
    drop_database(admin_url)


@pytest.fixture
def meta(roles: Roles, tmp_path: Path) -> Iterator[Rehearsed]:
    """A rehearsal that works as the app's role."""
    with Rehearsed(folder=tmp_path, database_url=roles.url(roles.app)) as meta:
        yield meta


def test_the_app_takes_a_number_from_end_to_end(meta: Rehearsed) -> None:
    meta.register()
    assert meta.state() is State.REGISTERED
    seal_now(meta.engine.context)
    assert meta.engine.verify()[1] == []
    assert meta.engine.verify_seals() == (1, [])


def test_the_app_runs_a_worker(meta: Rehearsed) -> None:
    meta.ask()
    worker = Worker(meta.engine)
    worker.start()
    eventually(lambda: {"seal", "heartbeat"} <= set(worker.loops.last_run))
    eventually(lambda: meta.state() is not State.REQUESTED)
    worker.stop()
    assert meta.engine.verify_seals()[0] == 1


def test_the_app_runs_a_worker_of_a_fleet(roles: Roles, meta: Rehearsed) -> None:
    owner = open_database(roles.url(roles.owner))
    upgrade_queue(owner)
    owner.dispose()
    roles.grant()
    meta.ask()
    worker = FleetWorker(meta.engine)
    heard: list[str] = []
    worker._runner._heard = heard.append
    worker.start()
    try:
        eventually(lambda: {"advance", "observe", "deadlines"} <= set(heard))
        eventually(lambda: meta.state() is not State.REQUESTED)
    finally:
        worker.stop()


FORBIDDEN_TO_THE_APP = (
    "UPDATE {} SET hash = 'x'",
    "DELETE FROM {}",
    "TRUNCATE {}",
    "ALTER TABLE {} DISABLE TRIGGER ALL",
    "DROP TABLE {} CASCADE",
    "SET session_replication_role = replica",
    "ALTER FUNCTION history_is_append_only() RENAME TO mine",
    "DELETE FROM onboarding",
    "TRUNCATE onboarding CASCADE",
    "CREATE TABLE mine (x int)",
    "UPDATE alembic_version SET version_num = 'x'",
)


@pytest.mark.parametrize("statement", FORBIDDEN_TO_THE_APP)
def test_the_app_cannot_undo_what_was_written(roles: Roles, statement: str) -> None:
    for table in _HISTORIES if "{}" in statement else ("",):
        with pytest.raises(InsufficientPrivilege):
            roles.run(roles.app, statement.format(table))


@pytest.mark.parametrize(
    "statement",
    [
        "SELECT token_sealed FROM account",
        "SELECT * FROM account",
        "SELECT pin_sealed FROM onboarding",
        "SELECT pin_pending_sealed FROM onboarding",
        "SELECT code_sealed FROM onboarding",
        "SELECT pin_sealed FROM operation",
        "INSERT INTO deployment VALUES ('x', 'y')",
        "UPDATE onboarding SET hold_text = 'x'",
        "DELETE FROM budget",
        "TRUNCATE worker",
        "CREATE TABLE mine (x int)",
    ],
)
def test_the_reader_reads_no_secret_and_writes_nothing(roles: Roles, statement: str) -> None:
    with pytest.raises(InsufficientPrivilege):
        roles.run(roles.reader, statement)


def test_the_reader_reads_everything_else(roles: Roles) -> None:
    for table in tables.metadata.sorted_tables:
        names = [c.name for c in table.columns if not c.name.endswith("_sealed")]
        assert len(table.columns) - len(names) == {
            "account": 3,
            "business": 1,
            "onboarding": 3,
            "operation": 1,
            "pool_number": 1,
        }.get(table.name, 0)
        roles.run(roles.reader, f"SELECT {', '.join(names)} FROM {table.name}")  # noqa: S608 - ours
    roles.run(roles.reader, "SELECT version_num FROM alembic_version")


def test_the_app_does_not_upgrade_and_the_owner_does(roles: Roles) -> None:
    roles.run(
        "admin",
        "DROP SCHEMA public CASCADE",
        f"CREATE SCHEMA public AUTHORIZATION {roles.owner}",
        f"GRANT USAGE ON SCHEMA public TO {roles.app}",
    )
    with pytest.raises(StoreError, match="may not do this"):
        Engine.open(roles.url(roles.app), upgrade=True)
    Engine.open(roles.url(roles.owner), upgrade=True).close()
    roles.grant()
    Engine.open(roles.url(roles.app)).close()


def test_what_was_granted_before_is_taken_back(roles: Roles) -> None:
    roles.run(
        "admin",
        f"GRANT ALL ON history, account TO {roles.reader}, PUBLIC",
        f"GRANT UPDATE ON history TO {roles.app}",
    )
    roles.run(roles.reader, "SELECT token_sealed FROM account")
    roles.grant()
    roles.grant()  # and again: it changes nothing
    for role, statement in (
        (roles.reader, "SELECT token_sealed FROM account"),
        (roles.app, "UPDATE history SET hash = 'x'"),
    ):
        with pytest.raises(InsufficientPrivilege):
            roles.run(role, statement)


def test_rows_are_removed_from_no_other_tables() -> None:
    """Whoever deletes from a further table must grant it, too."""
    found = {
        line.split("delete(")[1].split(")")[0]
        for file in STORE.glob("*.py")
        for line in file.read_text().splitlines()
        if " delete(" in line or "(delete(" in line
    }
    assert found == {table.name for table in _EMPTIED}


@pytest.mark.parametrize("name", ["", "a b", 'a"b', "a;b", "x" * 64, "1a", "ö"])
def test_what_is_no_name_is_refused(name: str) -> None:
    with pytest.raises(InputError, match="no name for a role"):
        grants_sql(owner=name, app="a", reader="r")


def test_one_role_cannot_be_two() -> None:
    with pytest.raises(InputError, match="three roles"):
        grants_sql(owner="a", app="a", reader="r")


def test_a_name_that_needs_quotes_gets_them() -> None:
    sql = grants_sql(owner="Owner-1", app="app", reader="reader")
    assert 'OWNER TO "Owner-1"' in sql
    assert ' TO "app";' in sql
