"""Onboardings: insert, read, and write under the fence."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import fields
from functools import cache
from operator import itemgetter
from typing import Any

from sqlalchemy import Column, Connection, Integer, Row, Select, or_, select, update

from onboarding.model import Onboarding, changed, onboarding_of
from onboarding.store.rowset import given, insert_rows, listed, packed, packed_list
from onboarding.store.step_columns import ALL, ALWAYS, GROUPS, HISTORY, SEEN, groups_changed
from onboarding.store.tables import onboarding as t

_FIELDS = tuple(f.name for f in fields(Onboarding))

_SEEN_COLUMNS = [t.c.id, *(t.c[name] for name in SEEN)]

#: The number of entries that a history had when its row was read.
_READ_SEQ = Column("read_seq", Integer)


def to_onboarding(row: Row[Any]) -> Onboarding:
    """Return the onboarding of a full row."""
    return onboarding_of(dict(zip(_FIELDS, row, strict=True)))  # the columns are the fields


def insert_onboardings(conn: Connection, rows: Sequence[Onboarding]) -> None:
    """Store new onboardings with one statement.

    They are stored in the order of their numbers: of two batches that overlap, the second waits
    for the first in a unique index, and not each for the other.

    Raises:
        IntegrityError: a key or a live number is taken; the caller checks both first.
    """
    insert_rows(conn, t, sorted(map(vars, rows), key=itemgetter("number_key")))


@cache
def _load(dialect: str, *, lock: bool) -> Select[Any]:
    query = select(t).where(t.c.id.in_(listed(dialect, t.c.id))).order_by(t.c.id)
    return query.with_for_update(key_share=True) if lock else query


def load_onboardings(
    conn: Connection, ids: Sequence[str], *, lock: bool = False
) -> dict[str, Onboarding]:
    """Return the onboardings with these ids, in their order; unknown ids are left out.

    Locked rows may be referred to meanwhile, and not written.
    """
    found = conn.execute(_load(conn.dialect.name, lock=lock), packed_list(t.c.id, ids))
    return {row.id: to_onboarding(row) for row in found}


@cache
def _step_columns(groups: tuple[str, ...], *, grows: bool) -> list[Column[Any]]:
    names = [*ALWAYS, *(name for group in groups for name in GROUPS[group])]
    head = [*(t.c[name] for name in HISTORY), _READ_SEQ] if grows else []
    return [t.c.id, t.c.version, *(t.c[name] for name in names), *head]


@cache
def _write_step(dialect: str, groups: tuple[str, ...], *, grows: bool) -> Any:
    columns = _step_columns(groups, grows=grows)
    rows = given(dialect, columns)
    is_as_read = [t.c.id == rows.c.id, t.c.version == rows.c.version]
    if grows:
        is_as_read.append(t.c.history_seq == rows.c.read_seq)
    apart = {"id", "version", _READ_SEQ.name}
    return (
        update(t)
        .where(*is_as_read)
        .values(
            {c.name: rows.c[c.name] for c in columns if c.name not in apart}
            | {"version": t.c.version + 1}
        )
        .returning(t.c.id, t.c.history_seq, t.c.head_hash)
    )


def write_step(
    conn: Connection,
    rows: Sequence[Onboarding],
    *,
    read: Mapping[str, Onboarding] | None = None,
    heads: Mapping[str, tuple[int, str]] | None = None,
) -> dict[str, Onboarding]:
    """Write rows whose version is still the one that was read, with one statement.

    What a read of the list writes, and the head of the history, are left as they are, unless it is
    told what was read, or how the histories grow.

    Args:
        conn: an open transaction.
        rows: the rows as they are to be, with the version and the head of the history as read.
        read: the rows as they were read in this transaction, under lock: of what is the same in
            all of them, little is written. Without it, all that a step may change is.
        heads: number of entries and last hash of the histories that grow with the step; their
            heads must still be those that were read. The entries are to be written after it, of
            the rows that it returns.

    Returns:
        The rows that were written, with the head of their history as it is now. A row that is
        missing lost the fence: somebody else moved it, and nothing of it was written.
    """
    if not rows:
        return {}
    groups = ALL if read is None else groups_changed((row, read[row.id]) for row in rows)
    statement = _write_step(conn.dialect.name, groups, grows=bool(heads))
    given_rows = {row.id: row for row in rows}
    steps = _with_heads(rows, heads) if heads else map(vars, rows)
    written = conn.execute(statement, packed(_step_columns(groups, grows=bool(heads)), steps))
    return {
        id_: changed(
            given_rows[id_],
            version=given_rows[id_].version + 1,
            history_seq=history_seq,
            head_hash=head_hash,
        )
        for id_, history_seq, head_hash in written
    }


def _with_heads(
    rows: Iterable[Onboarding], heads: Mapping[str, tuple[int, str]]
) -> Iterator[dict[str, Any]]:
    for row in rows:
        seq, head_hash = heads.get(row.id, (row.history_seq, row.head_hash))
        head = {"history_seq": seq, "head_hash": head_hash, _READ_SEQ.name: row.history_seq}
        yield vars(row) | head


@cache
def _write_seen(dialect: str) -> Any:
    rows = given(dialect, _SEEN_COLUMNS)
    earlier = or_(t.c.seen_at.is_(None), t.c.seen_at < rows.c.seen_at)
    return (
        update(t).where(t.c.id == rows.c.id, earlier).values({name: rows.c[name] for name in SEEN})
    )


def write_seen(conn: Connection, rows: Sequence[Onboarding]) -> None:
    """Store what the list showed of these numbers, unless a later read is there already."""
    if rows:
        conn.execute(_write_seen(conn.dialect.name), packed(_SEEN_COLUMNS, map(vars, rows)))
