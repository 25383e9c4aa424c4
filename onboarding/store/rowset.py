"""Many rows as one bound parameter, so that a statement costs the same for one row and for 100.

The rows travel as one JSON array that the database unpacks into a derived table: ``json_each`` on
SQLite, ``jsonb_to_recordset`` on PostgreSQL. The SQL text does not depend on how many there are.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import (
    Column,
    Connection,
    FromClause,
    Table,
    TypeDecorator,
    bindparam,
    cast,
    column,
    func,
    select,
    true,
    type_coerce,
)
from sqlalchemy import Text as SqlText
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.dialects.postgresql import JSONB

from onboarding.core.timing import iso


def rowset(
    conn: Connection, columns: Sequence[Column[Any]], rows: Iterable[Mapping[str, Any]]
) -> FromClause:
    """Return a derived table ``given`` with the columns, typed as in their own table.

    Args:
        conn: decides the dialect.
        columns: which keys of the rows become columns.
        rows: mappings with Python values, as the columns' types take them.
    """
    text = json.dumps([{c.name: _plain(conn, c, row[c.name]) for c in columns} for row in rows])
    given = bindparam("given_rows", text, type_=SqlText, unique=True)
    if conn.dialect.name == "postgresql":
        return (
            func.jsonb_to_recordset(cast(given, JSONB))
            .table_valued(*(column(c.name, c.type) for c in columns))
            .render_derived(name="given", with_types=True)
        )
    each = func.json_each(given).table_valued("value", name="each_row")
    return select(
        *(
            type_coerce(func.json_extract(each.c.value, f"$.{c.name}"), c.type).label(c.name)
            for c in columns
        )
    ).subquery("given")


def insert_rows(
    conn: Connection,
    table: Table,
    rows: Sequence[Mapping[str, Any]],
    *,
    skip_conflicts: bool = False,
    returning: Column[Any] | None = None,
) -> list[Any]:
    """Insert all rows with one statement; every row must have the keys of the first.

    Args:
        conn: an open transaction.
        table: where to.
        rows: mappings of column name to Python value; none is fine.
        skip_conflicts: leave out rows that break a unique constraint, instead of failing.
        returning: a column whose values of the inserted rows are returned.
    """
    if not rows:
        return []
    columns = [table.c[name] for name in rows[0]]
    given = rowset(conn, columns, rows)
    # Without a WHERE, SQLite cannot tell ON CONFLICT from the ON of a join.
    insert: Any = _dialect_insert(conn)(table).from_select(
        [c.name for c in columns], select(*given.c).where(true())
    )
    if skip_conflicts:
        insert = insert.on_conflict_do_nothing()
    if returning is not None:
        return list(conn.execute(insert.returning(returning)).scalars())
    conn.execute(insert)
    return []


def upsert_rows(
    conn: Connection,
    table: Table,
    rows: Sequence[Mapping[str, Any]],
    changes: Mapping[str, Any],
) -> None:
    """Insert all rows with one statement; where the primary key exists, apply ``changes``.

    Args:
        conn: an open transaction.
        table: where to.
        rows: mappings of column name to Python value.
        changes: column name to a function of (table, row that was refused) giving an expression.
    """
    if not rows:
        return
    columns = [table.c[name] for name in rows[0]]
    given = rowset(conn, columns, rows)
    insert: Any = _dialect_insert(conn)(table).from_select(
        [c.name for c in columns], select(*given.c).where(true())
    )
    conn.execute(
        insert.on_conflict_do_update(
            index_elements=list(table.primary_key.columns),
            set_={name: make(table.c, insert.excluded) for name, make in changes.items()},
        )
    )


def _dialect_insert(conn: Connection) -> Any:
    return postgresql.insert if conn.dialect.name == "postgresql" else sqlite.insert


def _plain(conn: Connection, col: Column[Any], value: Any) -> Any:
    if isinstance(value, datetime):
        return iso(value)
    if isinstance(col.type, TypeDecorator):
        return col.type.process_bind_param(value, conn.dialect)
    return value
