"""Every ciphertext in the database, batch by batch, to be sealed with another key.

A column with a ciphertext ends in ``_sealed``. A row that changes gets a new version, so that
whoever decided with the old ciphertext looks again.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

from sqlalchemy import Column, Connection, Table, func, or_, select, tuple_, update

from onboarding.store.rowset import given, packed, packed_list
from onboarding.store.tables import metadata, onboarding, operation

#: Says for a ciphertext what is to stand in its place; ``None``: it stays.
Reseal = Callable[[str], str | None]

_SECRET = "_sealed"  # noqa: S105 - how the names of encrypted columns end


def sealed_tables() -> Iterator[Table]:
    """Yield the tables that hold ciphertexts, those of onboardings with their calls first."""
    yield onboarding
    for table in metadata.sorted_tables:
        if table is not onboarding and _sealed(table):
            yield table


def reseal_batch(
    conn: Connection, table: Table, after: Sequence[Any], limit: int, reseal: Reseal
) -> tuple[Sequence[Any], int]:
    """Seal the ciphertexts of some rows anew, in the order of their keys.

    Args:
        conn: an open transaction.
        table: of which table.
        after: the key of the row before; empty at the beginning.
        limit: at most so many rows.
        reseal: what is to stand in the place of a ciphertext.

    Returns:
        The key of the last row, empty if there are no more, and how many rows were changed.
    """
    rows = _rows(conn, table, after, limit)
    changed = _write(conn, table, rows, reseal)
    if table is onboarding and rows:
        # What a call carried is compared with what its onboarding holds: they change together.
        query = select(operation.c.id, operation.c.pin_sealed).where(
            operation.c.onboarding_id.in_(_ids(conn, rows)), operation.c.pin_sealed.is_not(None)
        )
        found = conn.execute(query, packed_list(onboarding.c.id, [row["id"] for row in rows]))
        changed += _write(conn, operation, [dict(row) for row in found.mappings()], reseal)
    last = [rows[-1][c.name] for c in table.primary_key.columns] if len(rows) == limit else []
    return last, changed


def _sealed(table: Table) -> list[Column[Any]]:
    return [column for column in table.columns if column.name.endswith(_SECRET)]


def _ids(conn: Connection, _rows: Sequence[Mapping[str, Any]]) -> Any:
    return select(given(conn.dialect.name, [onboarding.c.id]).c.id)


def _rows(conn: Connection, table: Table, after: Sequence[Any], limit: int) -> list[dict[str, Any]]:
    keys, columns = list(table.primary_key.columns), _sealed(table)
    query = (
        select(*keys, *columns)
        .where(or_(*(column.is_not(None) for column in columns)))
        .order_by(*keys)
        .limit(limit)
    )
    if after:
        query = query.where(tuple_(*keys) > tuple_(*after))
    if conn.dialect.name == "postgresql":
        query = query.with_for_update(key_share=True)
    return [dict(row) for row in conn.execute(query).mappings()]


def _write(
    conn: Connection, table: Table, rows: Sequence[Mapping[str, Any]], reseal: Reseal
) -> int:
    """Write the rows whose ciphertexts change, with one statement; return how many there are."""
    names = [column.name for column in _sealed(table)]
    changed = []
    for row in rows:
        new = {name: reseal(row[name]) if row[name] else None for name in names}
        if any(new.values()):
            changed.append({**row, **{name: value or row[name] for name, value in new.items()}})
    if changed:
        keys = list(table.primary_key.columns)
        columns = [*keys, *_sealed(table)]
        rowset = given(conn.dialect.name, columns)
        values: dict[str, Any] = {name: rowset.c[name] for name in names}
        if "version" in table.c:
            values["version"] = table.c.version + 1
        same = [key == rowset.c[key.name] for key in keys]
        conn.execute(update(table).where(*same).values(values), packed(columns, changed))
    return len(changed)


def count_sealed(conn: Connection) -> int:
    """Return how many rows hold a ciphertext."""
    found = 0
    for table in sealed_tables():
        holds = or_(*(column.is_not(None) for column in _sealed(table)))
        found += conn.execute(select(func.count()).select_from(table).where(holds)).scalar_one()
    return found
