"""The schema: bring it up to date, and say what is wrong with it."""

from __future__ import annotations

import threading
from argparse import Namespace
from io import StringIO
from typing import TYPE_CHECKING

from sqlalchemy import Connection, Engine, inspect, text

from onboarding.bundled import bundled
from onboarding.errors import InputError, SchemaError
from onboarding.store.database import reading, writing
from onboarding.store.tables import pool

if TYPE_CHECKING:
    from alembic.config import Config

#: Every table; those of the pool are the last to be declared.
metadata = pool.metadata

_one_at_a_time = threading.Lock()

#: The revision that this release works with; the newest under ``alembic/versions``.
HEAD = "0014"

#: Seconds that an upgrade waits for a lock, so that nobody else waits for long behind it.
LOCK_TIMEOUT_S = 10.0

#: What no history accepts, as the triggers that refuse it are named, per database.
_REFUSED = {
    "sqlite": ("update", "delete", "replace"),
    "postgresql": ("update", "delete", "truncate"),
}
_HISTORIES = ("history", "account_history", "pool_history", "batch_history", "seal")

#: What notes that a history has grown, for the next seal.
_NOTING = {
    "history_is_unsealed",
    "account_history_is_unsealed",
    "pool_history_is_unsealed",
    "batch_history_is_unsealed",
}


def _config(conn: Connection | None = None, lock_timeout_s: float = LOCK_TIMEOUT_S) -> Config:
    from alembic.config import Config  # noqa: PLC0415 - Alembic is slow to import

    config = Config()
    config.set_main_option("script_location", str(bundled("alembic")))
    config.attributes["connection"] = conn
    config.attributes["lock_timeout_s"] = lock_timeout_s
    return config


def upgrade(engine: Engine, *, lock_timeout_s: float = LOCK_TIMEOUT_S) -> tuple[str | None, str]:
    """Bring the schema to this release's revision, in one transaction.

    Any number of processes may do so at once: one does it, the others wait and find it done.

    Args:
        engine: the database.
        lock_timeout_s: how long to wait on PostgreSQL for another upgrade, and for each table that
            somebody else uses.

    Returns:
        The revision before and after; they are equal if there was nothing to do.

    Raises:
        SchemaError: a newer release made the schema.
        StoreError: another process holds what the upgrade needs for too long; nothing was changed.
    """
    before = current(engine)
    if before == HEAD:
        return before, HEAD
    from alembic import command  # noqa: PLC0415 - Alembic is slow to import

    _refuse_unknown(before)
    # Alembic keeps what it works on in module globals: threads of one process take turns.
    with _one_at_a_time, writing(engine, script=True) as conn:
        command.upgrade(_config(conn, lock_timeout_s), "head")
    return before, HEAD


def offline_sql(dialect: str, start: str | None = None, end: str | None = None) -> str:
    """Return the SQL of the migrations, for somebody who runs it by other means.

    Args:
        dialect: ``postgresql`` or ``sqlite``.
        start: the revision that the database is at; default: it is empty.
        end: the revision that it shall be at; default: this release's.

    Raises:
        InputError: there is no such revision.
    """
    from alembic.util import CommandError  # noqa: PLC0415 - the same

    from alembic import command  # noqa: PLC0415 - Alembic is slow to import

    config, written = _config(), StringIO()
    config.output_buffer = written
    config.cmd_opts = Namespace(x=[f"dialect={dialect}"])
    try:
        with _one_at_a_time:
            command.upgrade(config, f"{start or 'base'}:{end or 'head'}", sql=True)
    except CommandError as error:
        raise InputError(
            f"there is no such migration: {error}", field="to", hint="see: onboarding db current"
        ) from None
    return written.getvalue()


def current(engine: Engine) -> str | None:
    """Return the revision of the database, ``None`` if it has no schema yet."""
    with reading(engine) as conn:
        if not inspect(conn).has_table("alembic_version"):
            return None
        return conn.execute(text("SELECT version_num FROM alembic_version")).scalar()


def _refuse_unknown(revision: str | None) -> None:
    from alembic.script import ScriptDirectory  # noqa: PLC0415 - Alembic is slow to import

    known = {script.revision for script in ScriptDirectory.from_config(_config()).walk_revisions()}
    if revision is not None and revision not in known:
        raise SchemaError(
            f"the schema is at revision {revision}, which this release does not know",
            hint="a newer release made it; use that release",
        )


def require_current(engine: Engine) -> None:
    """Refuse to work on a schema that is not exactly this release's.

    Raises:
        SchemaError: says how to mend it.
    """
    revision = current(engine)
    if revision == HEAD:
        return
    _refuse_unknown(revision)
    at = f"is at revision {revision}" if revision else "is empty"
    raise SchemaError(
        f"the schema {at}, this release needs {HEAD}", hint="run: onboarding db upgrade"
    )


def problems(engine: Engine) -> list[str]:
    """Return what is missing or wrong in the schema, each as a sentence; nothing if all is well."""
    revision = current(engine)
    found = [] if revision == HEAD else [f"revision is {revision or 'none'}, expected {HEAD}"]
    if revision is None:
        return found
    with reading(engine) as conn:
        inspector = inspect(conn)
        for table in metadata.sorted_tables:
            if not inspector.has_table(table.name):
                found.append(f"table {table.name} is missing")
                continue
            there = {column["name"] for column in inspector.get_columns(table.name)}
            found += [
                f"column {table.name}.{column.name} is missing"
                for column in table.columns
                if column.name not in there
            ]
            indexes = {index["name"] for index in inspector.get_indexes(table.name)}
            found += [
                f"index {index.name} is missing"
                for index in table.indexes
                if index.name not in indexes
            ]
        found += [f"trigger {name} is missing" for name in sorted(_missing_triggers(conn))]
    return found


def _missing_triggers(conn: Connection) -> set[str]:
    query = "SELECT name FROM sqlite_master WHERE type = 'trigger'"
    if conn.dialect.name == "postgresql":
        query = "SELECT tgname FROM pg_trigger WHERE tgenabled = 'A'"
    refused = _REFUSED[conn.dialect.name]
    wanted = {f"{table}_refuses_{what}" for table in _HISTORIES for what in refused}
    return (wanted | _NOTING) - set(conn.execute(text(query)).scalars())
