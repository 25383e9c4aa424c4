"""Which PostgreSQL database this is: a copy of it elsewhere has another identity.

A restored dump lies in another cluster or database; a recovery to a point in time and the
promotion of a standby begin another timeline. A SQLite file has nothing that its copy has not.
"""

from __future__ import annotations

from weakref import WeakKeyDictionary

from sqlalchemy import Connection, Engine
from sqlalchemy.exc import NotSupportedError, ProgrammingError

_DATABASE = "(SELECT oid FROM pg_database WHERE datname = current_database())::text"

#: A standby writes no log of its own, and says its timeline in another way.
_TIMELINE = (
    "CASE WHEN pg_is_in_recovery()"
    " THEN lpad(upper(to_hex((SELECT timeline_id FROM pg_control_checkpoint()))), 8, '0')"
    " ELSE left(pg_walfile_name(pg_current_wal_insert_lsn()), 8) END"
)
_CLUSTER = "(SELECT system_identifier FROM pg_control_system())::text"
_IN_FULL = f"{_CLUSTER} || '/' || {_TIMELINE} || '/' || {_DATABASE}"
#: What servers tell that keep these functions to themselves.
_IN_PART = f"'?/?/' || {_DATABASE}"

#: What each server tells, once it was asked.
_told: WeakKeyDictionary[Engine, str] = WeakKeyDictionary()


def identity_sql(conn: Connection) -> str | None:
    """Return the SQL for the identity of this database; ``None`` where it has none."""
    if conn.dialect.name != "postgresql":
        return None
    if conn.engine not in _told:
        _told[conn.engine] = _IN_FULL if _can_tell(conn, _IN_FULL) else _IN_PART
    return _told[conn.engine]


def is_told_in_part(identity: str) -> bool:
    """Whether the server tells neither its system identifier nor its timeline."""
    return identity.startswith("?")


def _can_tell(conn: Connection, expression: str) -> bool:
    savepoint = conn.begin_nested()  # where an error of what was sent before is raised, if any
    try:
        with savepoint:
            conn.exec_driver_sql(f"SELECT {expression}")
    except (ProgrammingError, NotSupportedError):  # no such function, no right to it
        return False
    return True
