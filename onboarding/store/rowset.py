"""Many rows as one bound parameter, so that a statement costs the same for one row and for 100.

The rows travel as one JSON array that the database unpacks into a derived table: ``json_each`` on
SQLite, ``json_to_recordset`` on PostgreSQL. The SQL text does not depend on how many there are,
so that each statement is built once per dialect and kept (``functools.cache``): building one
costs more than running it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import cache
from operator import itemgetter
from typing import Any

import orjson
from sqlalchemy import (
    Column,
    Connection,
    FromClause,
    Select,
    Table,
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
from sqlalchemy.dialects.postgresql import JSON

from onboarding.store.columns import JsonReady

_NAME = "given_rows"

Change = Callable[[Any, Any], Any]
Names = tuple[str, ...]
ValuesOf = Callable[[Mapping[str, Any]], tuple[Any, ...]]
Encoders = Sequence[tuple[int, Callable[[Any], Any]]]


def given(dialect: str, columns: Sequence[Column[Any]]) -> FromClause:
    """Return a derived table ``given`` with these columns, typed as in their own table.

    The statement that it becomes a part of is run with ``packed(columns, rows)``.
    """
    rows = bindparam(_NAME, type_=SqlText)
    if dialect == "postgresql":
        return (
            func.json_to_recordset(cast(rows, JSON))
            .table_valued(*(column(c.name, c.type) for c in columns))
            .render_derived(name="given", with_types=True)
        )
    each = func.json_each(rows).table_valued("value", name="each_row")
    return select(
        *(
            type_coerce(func.json_extract(each.c.value, f"$.{c.name}"), c.type).label(c.name)
            for c in columns
        )
    ).subquery("given")


def packed(columns: Sequence[Column[Any]], rows: Iterable[Mapping[str, Any]]) -> dict[str, str]:
    """Return the parameters that carry rows (column name to Python value) into a statement."""
    names, values_of, encoders = _packing(tuple(columns))
    plain = []
    for row in rows:
        values = list(values_of(row))
        for place, encode in encoders:
            if values[place] is not None:
                values[place] = encode(values[place])
        plain.append(dict(zip(names, values, strict=True)))
    try:
        text = orjson.dumps(plain).decode()
    except TypeError:  # halves of characters; what else is no JSON, fails again below
        text = _NUL
    if _NUL in text:
        cleaned = [{name: _cleaned(value) for name, value in row.items()} for row in plain]
        text = orjson.dumps(cleaned).decode()
    return {_NAME: text}


#: How JSON shows the one character that is unstorable.
_NUL = "\\u0000"


def storable(text: str) -> str:
    """Return a text that every database takes and gives back; what none can hold becomes ``?``.

    Bytes of a shell that are no UTF-8 arrive as halves of characters. SQLite would store them,
    and then no row with them in it could be read any more.
    """
    return text.encode(errors="replace").decode().replace("\x00", "?")


def _cleaned(value: Any) -> Any:
    return storable(value) if isinstance(value, str) else value


def listed(dialect: str, col: Column[Any]) -> Select[Any]:
    """Return the query for values given with ``packed_list``, to use in ``col.in_(...)``."""
    return select(given(dialect, [col]).c[col.name])


def packed_list(col: Column[Any], values: Iterable[Any]) -> dict[str, str]:
    """Return the parameters that carry a list of values into a statement."""
    return packed([col], [{col.name: value} for value in values])


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
    names = tuple(rows[0])
    statement = _insert(conn.dialect.name, table, names, skip_conflicts, returning)
    result = conn.execute(statement, packed([table.c[name] for name in names], rows))
    return [] if returning is None else list(result.scalars())


@cache
def _insert(
    dialect: str,
    table: Table,
    names: tuple[str, ...],
    skip_conflicts: bool,  # noqa: FBT001 - part of the cache's key
    returning: Column[Any] | None,
) -> Any:
    insert = _from_given(dialect, table, names)
    if skip_conflicts:
        insert = insert.on_conflict_do_nothing()
    return insert if returning is None else insert.returning(returning)


def upsert(dialect: str, table: Table, names: Sequence[str], changes: Mapping[str, Change]) -> Any:
    """Return the statement that inserts rows, or changes those whose primary key exists.

    Args:
        dialect: which database.
        table: where to.
        names: columns of the rows.
        changes: column name to a function of (stored row, row that was refused).
    """
    insert = _from_given(dialect, table, names)
    return insert.on_conflict_do_update(
        index_elements=list(table.primary_key.columns),
        set_={name: make(table.c, insert.excluded) for name, make in changes.items()},
    )


def _from_given(dialect: str, table: Table, names: Sequence[str]) -> Any:
    insert = postgresql.insert if dialect == "postgresql" else sqlite.insert
    rows = given(dialect, [table.c[name] for name in names])
    # Without a WHERE, SQLite cannot tell ON CONFLICT from the ON of a join.
    return insert(table).from_select(list(names), select(*rows.c).where(true()))


@cache
def _packing(columns: tuple[Column[Any], ...]) -> tuple[Names, ValuesOf, Encoders]:
    """Return the names of columns, what takes their values from a row, and what encodes which."""
    names = tuple(str(c.name) for c in columns)  # of SQLAlchemy, it may be a kind of str
    encoders = [
        (place, c.type.to_json)
        for place, c in enumerate(columns)
        if isinstance(c.type, JsonReady)  # others are JSON as they are
    ]
    if len(names) == 1:
        only = names[0]
        return names, lambda row: (row[only],), encoders
    return names, itemgetter(*names), encoders
