"""Migrations: which are under way, and how the others ended."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import fields
from datetime import datetime
from functools import cache
from typing import Any

from sqlalchemy import Connection, Row, Select, bindparam, literal_column, or_, select, update

from onboarding.core.migrations import Migration
from onboarding.model import Reason
from onboarding.store.rowset import insert_rows, listed, packed_list
from onboarding.store.tables import migration as t
from onboarding.store.tables import onboarding

_FIELDS = tuple(f.name for f in fields(Migration))

#: Written out: SQLite uses a partial index only for the very words it was made with.
_IS_OPEN = t.c.ended_at.is_(None)


def _to_migration(row: Row[Any]) -> Migration:
    return Migration(**{name: getattr(row, name) for name in _FIELDS})


def insert_migrations(conn: Connection, made: Sequence[Migration]) -> None:
    """Store new migrations with one statement."""
    insert_rows(conn, t, [{name: getattr(each, name) for name in _FIELDS} for each in made])


@cache
def _of(dialect: str) -> Select[Any]:
    wanted = listed(dialect, t.c.destination_id)
    return select(t).where(t.c.destination_id.in_(wanted)).order_by(t.c.destination_id)


def load_migrations(conn: Connection, destination_ids: Sequence[str]) -> dict[str, Migration]:
    """Return the migrations that these onboardings are the destinations of."""
    wanted = packed_list(t.c.destination_id, destination_ids)
    found = conn.execute(_of(conn.dialect.name), wanted)
    return {row.destination_id: _to_migration(row) for row in found}


def load_of_source(conn: Connection, source_id: str) -> Migration | None:
    """Return the migration under way that takes a number from this onboarding."""
    row = conn.execute(select(t).where(t.c.source_id == source_id, _IS_OPEN)).one_or_none()
    return _to_migration(row) if row else None


def load_all(conn: Connection, *, with_ended: bool) -> list[Migration]:
    """Return the migrations that are under way, or all; the first one first."""
    query = select(t).order_by(t.c.started_at, t.c.destination_id)
    found = conn.execute(query if with_ended else query.where(_IS_OPEN))
    return [_to_migration(row) for row in found]


def end(conn: Connection, destination_id: str, now: datetime, how: str) -> None:
    """Note how a migration ended."""
    conn.execute(
        update(t).where(t.c.destination_id == destination_id).values(ended_at=now, ended_how=how)
    )


def begin_again(conn: Connection, destination_id: str) -> None:
    """Let a migration go on that had ended; its source is free and stays so."""
    conn.execute(
        update(t)
        .where(t.c.destination_id == destination_id)
        .values(source_id=None, looked_at=None, ended_at=None, ended_how=None)
    )


def note_look(conn: Connection, destination_id: str, now: datetime) -> None:
    """Note that a refusal was looked into."""
    conn.execute(update(t).where(t.c.destination_id == destination_id).values(looked_at=now))


def load_refused(conn: Connection, limit: int, definition: int) -> list[Migration]:
    """Return migrations that Meta refused, and that nobody looked into since.

    Args:
        conn: an open connection.
        limit: at most so many.
        definition: the newest definition that this release understands.
    """
    parameters = {"most": limit, "known_definition": definition}
    return [_to_migration(row) for row in conn.execute(_REFUSED, parameters)]


_REFUSED = (
    select(t)
    .join(onboarding, onboarding.c.id == t.c.destination_id)
    .where(
        _IS_OPEN,
        onboarding.c.hold == literal_column(f"'{Reason.MIGRATION.value}'"),
        or_(t.c.looked_at.is_(None), t.c.looked_at < onboarding.c.hold_since),
        onboarding.c.definition <= bindparam("known_definition"),
    )
    .order_by(t.c.started_at)
    .limit(bindparam("most"))
)
