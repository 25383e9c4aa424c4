"""The schema: bring it up to date, and say what is wrong with it."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING

from sqlalchemy import Connection, Engine, inspect, text

from onboarding.bundled import bundled
from onboarding.errors import SchemaError
from onboarding.store.database import reading, writing
from onboarding.store.tables import metadata

if TYPE_CHECKING:
    from alembic.config import Config

_one_at_a_time = threading.Lock()

#: The revision that this release works with; the newest under ``alembic/versions``.
HEAD = "0001"

#: What no history accepts, as the triggers that refuse it are named, per database.
_REFUSED = {
    "sqlite": ("update", "delete", "replace"),
    "postgresql": ("update", "delete", "truncate"),
}
_HISTORIES = ("history", "account_history")


def _config(conn: Connection | None = None) -> Config:
    from alembic.config import Config  # noqa: PLC0415 - Alembic is slow to import

    config = Config()
    config.set_main_option("script_location", str(bundled("alembic")))
    config.attributes["connection"] = conn
    return config


def upgrade(engine: Engine) -> tuple[str | None, str]:
    """Bring the schema to this release's revision, in one transaction where it changes rows.

    Returns:
        The revision before and after; they are equal if there was nothing to do.

    Raises:
        SchemaError: a newer release made the schema.
    """
    from alembic import command  # noqa: PLC0415 - Alembic is slow to import

    before = current(engine)
    _refuse_unknown(before)
    # Alembic keeps what it works on in module globals: threads of one process take turns.
    with _one_at_a_time, writing(engine) as conn:
        command.upgrade(_config(conn), "head")
    return before, HEAD


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
    return wanted - set(conn.execute(text(query)).scalars())
